"""Changing what is asked from a terminal."""

import pytest

from tests.bot.cli.shell import sayso
from tests.world import World


@pytest.mark.long
async def test_an_edit_shows_what_is_asked_now_and_others_approve_it(shop: World) -> None:
    record = await shop.opened(await shop.trigger("deploy v1.1.0 to production"))
    request_id = record.request.id

    edited = await sayso(shop, "answer", request_id, "edit", "--set", "version=v1.2.0", "--as", "bo")
    refused = await sayso(shop, "answer", request_id, "edit", "--set", "environment=staging", "--as", "cy")
    approved = await sayso(shop, "answer", request_id, "approve", "--as", "bo")

    assert edited.code == 0
    assert "Bo Berg changed version from v1.1.0 to v1.2.0: votes before are void." in edited.out
    assert "editable   version, by whoever may decide" in edited.out
    assert "You changed version, and everybody is asked again." in edited.out
    assert (refused.code, "They may change: version." in refused.out) == (1, True)
    assert (approved.code, "others approve it. Cy Cole may" in approved.out) == (1, True)
    assert (await shop.request(request_id)).request.revision == 2


async def test_what_is_no_edit_is_told_how_one_is_written(shop: World) -> None:
    wrong = await sayso(shop, "answer", "s0q-aaaaaaaaaaaaa", "approve", "--set", "version=v1.2.0", "--as", "bo")

    assert wrong.code == 2
    assert "edit --set NAME=VALUE" in wrong.err
