"""Changing what is asked from a terminal."""

from pathlib import Path

import pytest

from tests.bot.cli.shell import sayso, typed
from tests.kit.world import World


@pytest.mark.long
async def test_an_edit_shows_what_is_asked_now_and_others_approve_it(shop: World) -> None:
    record = await shop.opened(await shop.trigger("deploy v1.1.0 to production"))
    request_id = record.request.id

    edited = await sayso(shop, "answer", request_id, "edit", "--set", "version=v1.2.0", "--as", "bo")
    refused = await sayso(shop, "answer", request_id, "edit", "--set", "environment=staging", "--as", "cy")
    approved = await sayso(shop, "answer", request_id, "approve", "--as", "bo")

    assert edited.code == 0
    assert "Bo Berg changed version from v1.1.0 to v1.2.0: votes before are void." in edited.out
    assert "editable   the version; everyone is then asked again" in edited.out
    assert "You changed version, and everybody is asked again." in edited.out
    assert (refused.code, "They may change: version." in refused.out) == (1, True)
    assert (approved.code, "others approve it. Cy Cole may" in approved.out) == (1, True)
    assert (await shop.request(request_id)).request.revision == 2


async def test_what_is_no_edit_is_told_how_one_is_written(shop: World) -> None:
    wrong = await sayso(shop, "answer", "s0q-aaaaaaaaaaaaa", "approve", "--set", "version=v1.2.0", "--as", "bo")

    assert wrong.code == 2
    assert "edit --set NAME=VALUE" in wrong.err


@pytest.mark.parametrize(
    "words", [("edit", "--set", "version=v1.3.0"), ("yes",), ("2",), ("--field", "days=3")], ids=lambda words: words[0]
)
def test_attack_a_condition_given_as_a_reason_beside_an_edit_or_an_answer_is_lost_silently(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    refused = typed(tmp_path, "answer", "s0q-aaaaaaaaaaaaa", *words, "--reason", "once the backup is through")

    assert refused.code == 2
    assert "--reason goes with approve, deny" in refused.err


@pytest.mark.parametrize("words", ["approve", "no"])
def test_a_reason_keeps_nobody_from_a_vote_or_from_a_refusal_in_other_words(tmp_path: Path, words: str) -> None:
    ended = typed(tmp_path, "answer", "s0q-aaaaaaaaaaaaa", words, "--reason", "too loud", "--data", str(tmp_path))

    assert ended.code == 1
    assert "No `sayso dev` is running" in ended.err
