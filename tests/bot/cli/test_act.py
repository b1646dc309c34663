"""Words that people type are judged, kept and printed as what they are."""

import json

import pytest

from agents.events import PersonSaid
from agents.requests import Decision
from tests.bot.cli.shell import sayso
from tests.kit.tables import becomes
from tests.kit.waiting import until
from tests.kit.world import World

TOO_LONG = "é" * 16_385
ESC, CSI = "\x1b", "\x9b"


async def asked(world: World, text: str) -> str:
    """The id of the request that a run opens."""
    return (await world.opened(await world.trigger(text))).request.id


async def decision(world: World, request_id: str) -> Decision:
    found = (await world.request(request_id)).decision
    assert found
    return found


async def test_attack_the_reason_beside_a_refusal_in_other_words_is_lost(world: World) -> None:
    request_id = await asked(world, "press bell")
    ended = await sayso(world, "answer", request_id, "no", "--reason", "make it shorter", "--as", "bo")
    found = await decision(world, request_id)
    assert (ended.code, found.state, "make it shorter" in found.reason) == (0, "denied", True)


async def test_a_word_that_does_not_count_says_why_and_a_reason_goes_with_a_stop_alone(world: World) -> None:
    request_id = await asked(world, "ask free_text Go?")
    words = ("--reason", "customers are online", "--as", "anna")

    ended = await sayso(world, "answer", request_id, "no", *words)

    assert ended.code == 2
    assert "answer a question with all of it in one text" in " ".join(ended.err.replace("│", " ").split())
    assert (await world.request(request_id)).state == "open"
    asked_which = await sayso(world, "answer", request_id, "stop", *words)
    assert (asked_which.code, (await world.request(request_id)).state) == (1, "open")
    await sayso(world, "answer", request_id, "stop", *words)
    found = await world.request(request_id)
    assert found.state == "withdrawn"
    said = [one.text for one in await world.events(found.request.run_id) if isinstance(one, PersonSaid)]
    assert ["customers are online" in text for text in said] == [True]

    request_id = await asked(world, "press bell")

    ended = await sayso(world, "answer", request_id, "approve, but later", "--as", "bo")
    own = await sayso(world, "answer", request_id, "approve", "--as", "anna")

    assert (ended.code, "not counted as a decision" in ended.out) == (1, True)
    assert ended.err.strip() == f"To deny: sayso answer {request_id} deny --reason '…' --as bo --data {world.folder}"
    assert (own.code, "not yours to decide" in own.out) == (1, True)
    assert (await world.request(request_id)).state == "open"


async def test_who_has_an_id_of_their_own_behind_the_name_in_the_file_approves_nothing_unseen(world: World) -> None:
    await becomes(world, world.toml.replace("cy@corp.example", "cyril@corp.example"))
    request_id = await asked(world, "press bell")

    ended = await sayso(world, "answer", request_id, "approve", "--as", "cy")

    assert world.app.people.of_file("cy") == "cy~2"
    assert (ended.code, "Nothing was approved yet" in ended.err) == (1, True)
    assert (await world.request(request_id)).state == "open"


@pytest.mark.long
async def test_a_text_that_is_too_long_is_refused_wherever_one_is_typed(world: World) -> None:
    for words in (
        ["trigger", TOO_LONG, "--as", "anna"],
        ["answer", "s0q-aaaaaaaaaaaaa", "deny", "--reason", TOO_LONG, "--as", "bo"],
        ["withdraw", "s0q-aaaaaaaaaaaaa", "--reason", TOO_LONG, "--as", "anna"],
        ["answer", "s0q-aaaaaaaaaaaaa", "edit", "--set", f"version={TOO_LONG}", "--as", "anna"],
        ["mailbox", "bo", "--reply-to", "c0ffee", "--text", TOO_LONG],
    ):
        ended = await sayso(world, *words)

        assert (ended.code, ended.out) == (1, "")
        assert "bytes; 32768 are allowed. Nothing was done" in ended.err
    no_text = await sayso(world, "trigger", b"press \xff", "--as", "anna")
    assert (no_text.code, "The text is not UTF-8." in no_text.err) == (1, True)
    assert await world.app.store.lists.runs() == []


async def test_an_error_does_not_steer_the_terminal_either(world: World) -> None:
    ended = await sayso(world, "dead", "requeue", f"x{ESC}]0;mine\x07")

    assert ended.code == 1
    assert ended.err == "sayso: There is no dead letter x\\u001b]0;mine\\u0007. `sayso dead` lists them\n"


@pytest.mark.long
async def test_words_beside_an_approval_are_asked_back_in_a_terminal(world: World) -> None:
    request_id = await asked(world, "press bell")
    words = ["answer", request_id, "approve", "--reason", "only after lunch", "--as", "bo"]

    await sayso(world, *words)  # the card is shown
    first = await sayso(world, *words)
    assert (await world.request(request_id)).state == "open"
    again = await sayso(world, *words, "--with-note")

    assert first.code == 1
    assert "Approve with this note, or send it as a comment?" in first.out
    assert f"sayso answer {request_id} approve --reason '…' --with-note --as bo --data {world.folder}" in first.err
    assert again.code == 0
    assert (await decision(world, request_id)).reason == "only after lunch"


@pytest.mark.long
async def test_a_mailbox_as_json_is_lines_of_json_and_nothing_else(world: World) -> None:
    empty = await sayso(world, "mailbox", "bo", "--json")
    request_id = await asked(world, "press bell")
    card = await world.next_mail("bo")

    listed = await sayso(world, "mailbox", "bo", "--json")
    sent = await sayso(world, "mailbox", "bo", "--reply-to", card.id, "--text", "approved", "--json")

    assert (empty.code, empty.out, empty.err) == (0, "", "")
    assert [json.loads(line)["id"] for line in listed.out.splitlines()] == [card.id]
    assert json.loads(sent.out)["sent_to"] == card.reply_to

    async def is_approved() -> bool:
        return (await world.request(request_id)).state == "approved"

    await until(is_approved, what="the approval by mail")
