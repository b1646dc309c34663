"""Messages about standing approvals are read by their form; what can't be read asks for nothing."""

from time import process_time

import pytest

from bot.inbound.standing import Wanted, typed_revocations, typed_standing


def test_the_word_alone_lists_them_also_below_a_subject() -> None:
    for text in ("standing", "Standing.", "standing approvals", "*standing*", "Dauergenehmigungen"):
        assert typed_standing(text) == "list", text
    assert typed_standing("The bell\n\nstanding", has_subject=True) == "list"
    assert typed_standing("standing\n\n", has_subject=True) == "list"
    assert typed_standing("The bell\n\nstanding") is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("standing 5 times until 2026-12-01 18:00", Wanted(5, "2026-12-01 18:00")),
        ("Standing approval: 1 time until Sunday 23:10.", Wanted(1, "Sunday 23:10")),
        ("`standing 3x until 2026-12-01 with any version`", Wanted(3, "2026-12-01", ("version",))),
        ("standing 3 times until 2026-12-01, any version and what", Wanted(3, "2026-12-01", ("version", "what"))),
        ("standing s3r-k7m2xq4d5v6ab 2 times until 18:00", Wanted(2, "18:00", run="s3r-k7m2xq4d5v6ab")),
        ("Dauergenehmigung 5 mal bis 2026-12-01 mit beliebiger version", Wanted(5, "2026-12-01", ("version",))),
        ("standing  5 times  until   18:00", Wanted(5, "18:00")),
        ("Hello,\nstanding 5 times until 18:00\nThanks,\nAnna", Wanted(5, "18:00")),
    ],
)
def test_so_often_and_until_then_asks_for_one(text: str, wanted: Wanted) -> None:
    assert typed_standing(text) == wanted


LONG = "standing s3r-k7m2xq4d5v6ab 2 times until 2026-12-01 18:00 with any\nversion and region"


@pytest.mark.parametrize("subject", ["", "Deploys\n\n", "Standing approval\n\n"])
def test_in_a_mail_it_may_be_cut_into_lines_below_whatever_subject(subject: str) -> None:
    wanted = Wanted(2, "2026-12-01 18:00", ("version", "region"), "s3r-k7m2xq4d5v6ab")

    assert typed_standing(f"{subject}{LONG}", has_subject=True) == wanted
    assert typed_standing(f"{subject}{LONG}\nonly if Cy agrees", has_subject=True) == "usage"


UNREADABLE = [
    "standing 5 times", "standing 5 until tomorrow", "standing until 2026-12-01",
    "standing 5000 times until 2026-12-01", "standing 5 times for ever",
    "standing 5 times until 2026-12-01\nand only on Mondays", "standing help",
]  # fmt: skip
OTHERWISE = [
    "", "standing by", "Standing in for Bo today", "standing 2 hours in the queue",
    "Standing 2025 budget: which of us may sign it?", "outstanding 5 times until 18:00", "standing\nby the door",
    "deploy v1.2.0 to production", "Please: standing 5 times until 18:00 would be nice",
]  # fmt: skip


def test_what_begins_so_and_cannot_be_read_gets_the_usage_and_what_people_say_otherwise_is_nothing_of_it() -> None:
    assert {typed_standing(text) for text in UNREADABLE} == {"usage"}
    assert [text for text in OTHERWISE if typed_standing(text) is not None] == []


@pytest.mark.parametrize(
    "below", ["-- \nonly once Dan says so", "--\nno, wait", "Thanks\nNot Yet", "Gruß\nErst Morgen", "Thanks\n" * 700]
)
def test_attack_what_passes_for_a_signature_below_it_asks_for_nothing(below: str) -> None:
    assert typed_standing(f"standing 5 times until 18:00\n{below}") == "usage"


@pytest.mark.parametrize(
    "below", ["-- \nAnna Ames\nOperations, Corp GmbH\n+49 30 12 34 56", "Best regards\nAnna", "Thanks!"]
)
def test_a_signature_below_it_says_nothing_against_it(below: str) -> None:
    assert typed_standing(f"standing 5 times until 18:00\n{below}") == Wanted(5, "18:00")


_ID, _OTHER = "s1g-abcdefghijklm", "s1g-nopqrstuvwxyz"


REVOKES = [
    "revoke ID", "Revoke ID!", "please revoke ID now", "revoke `ID`", "*revoke ID*", "\u201crevoke ID\u201d",
    "revoke: ID", "Hi, revoke ID", "@sayso revoke ID", "I revoke ID", "can you revoke ID?", "cancel ID", "Stop ID!",
    "revoke the standing approval ID", "revoke ID immediately", "revoke ID, the incident is over",
    "revoke ID. The incident is over.", "revoke ID - no longer needed", "revoke ID because the release is over",
    "revoke ID (no longer needed)", "- revoke ID", "revoke ID :pray:",
    "Standing approvals\n\nHi Dan,\n\nwe have an incident.\nrevoke ID\n\nThanks,\nCy", "bitte ID widerrufen",
    "widerrufe bitte die Dauergenehmigung ID", "ich widerrufe ID", "ID: revoke", "Ann left. Please revoke ID",
    "If in doubt, ask Bo. Revoke ID", "If in doubt ask Bo\nrevoke ID",
]  # fmt: skip
REVOKES_NONE = [
    "do not revoke ID", "should we revoke ID?", "revoke ID if it is unused", "> revoke ID", "revoke ID tomorrow",
    "Press bell: for Anna. To end it, write: revoke ID", "stop asking about ID",
    "To end it, answer with nothing but:\nrevoke ID", "Checkout is slow. If it fails, revoke ID",
]  # fmt: skip


def test_who_ends_one_by_its_id_ends_it_in_whatever_words_but_those_that_ask_or_say_when_or_repeat_how() -> None:
    assert [text for text in REVOKES if typed_revocations(text.replace("ID", _ID))[0] != (_ID,)] == []
    assert [text for text in REVOKES_NONE if typed_revocations(text.replace("ID", _ID))[0]] == []


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0"])
def test_attack_a_long_run_of_blanks_or_marks_holds_nobody_up_and_hides_no_order(blank: str) -> None:
    began = process_time()

    text = f"Hi{blank * 20_000}all\nrevoke {_ID}{blank * 20_000}and{blank}revoke {_OTHER}"

    assert typed_revocations(text)[0] == (_ID, _OTHER)
    assert typed_revocations(f"Look{',' * 20_000}here and revoke {_ID}")[0] == (_ID,)
    assert process_time() - began < 1


def test_what_stands_above_an_order_keeps_its_blanks() -> None:
    assert typed_revocations(f"@Cy\u00a0Cole  look\nrevoke {_ID}")[1] == "@Cy\u00a0Cole  look"


@pytest.mark.parametrize("text", ["revoke ID and OTHER", "revoke both ID & OTHER", "revoke ID; revoke OTHER"])
def test_one_line_ends_as_many_as_it_names(text: str) -> None:
    assert typed_revocations(text.replace("ID", _ID).replace("OTHER", _OTHER))[0] == (_ID, _OTHER)
