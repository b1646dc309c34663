"""Which messages freeze something, are about standing approvals or say who is away; any other text is none of them."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.policy.orders import (
    Away,
    Freezing,
    StandingWanted,
    may_mean_absence,
    stop_beside,
    typed_absence,
    typed_freeze,
    typed_revocations,
    typed_standing,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("freeze production: incident 4711", Freezing("production", "incident 4711")),
        ("Freeze everything: incident", Freezing("", "incident")),
        ("UNFREEZE production : fixed", Freezing("production", "fixed", ends=True)),
        ("**freeze production: incident**", Freezing("production", "incident")),
        ("Hi sayso,\nfreeze production: incident\n\nThanks\nCy", Freezing("production", "incident")),
        ("freeze production: incident\n\nSent from my iPhone", Freezing("production", "incident")),
        ("freeze production: incident\n-- \nCy Doe\nOperations", Freezing("production", "incident")),
        ("freeze production: a\n\nfreeze production: a\n", Freezing("production", "a")),
        ("freeze production", Freezing("production", "")),
        ("Please freeze production now!", Freezing("production", "")),
        ("freeze production because of incident", Freezing("production", "incident")),
        ("freeze production incident", Freezing("production", "incident", is_loose=True)),
        ("@Bo\u00a0Berg freeze production: incident", Freezing("production", "incident")),
        ("@Bo\u00a0Berg: wait, freeze production: incident", Freezing("production", "incident")),
        ("Freeze please!", Freezing(None, "")),
        ("freeze: the header row", Freezing(None, "the header row")),
        ("unfreeze", Freezing(None, "", ends=True)),
        (
            "Freeze\n\nunfreeze production: fixed",
            Freezing("production", "fixed", ends=True, is_first=False, is_all=False, is_alone=False),
        ),
    ],
)
def test_a_line_of_nothing_else_is_read(text: str, found: Freezing) -> None:
    assert typed_freeze(text) == found


@pytest.mark.parametrize(
    ("text", "is_alone"),
    [
        ("Production is down\n\nfreeze production: incident", True),
        ("Production is up\n\nunfreeze production: fixed", False),
        ("Incident\n\nfreeze production: incident\nor rather not", False),
        ("freeze production: incident\nunfreeze production: fixed", False),
    ],
)
def test_a_mail_says_it_below_any_subject_where_it_stops_something(text: str, is_alone: bool) -> None:
    found = typed_freeze(text, has_subject=True)

    assert found is not None
    assert found.is_alone == is_alone


NO_FREEZE = [
    "", "@Bo\u00a0Berg unfreeze production: fixed", "freeze production at night?", "unfreeze production?",
    "unfreeze production and staging", "should we freeze", "should we unfreeze production", "freeze prod/eu: incident",
    "do not freeze production: it is fine", "freezer production: full", "No! Don't freeze production",
    "we need to freeze production?", "Bo said: freeze production", "Bo said no, freeze production",
    "if it fails, stop, freeze production", "Checkout is slow. If it goes down, freeze production",
    "Checkout ist langsam. Falls es schlimmer wird, freeze production", "No. If it fails, freeze production",
    "Runbook: if checkout is down, freeze production", "falls Checkout ausfällt, freeze production",
    "is checkout down? freeze production", "Checkout is fine, no need to freeze production",
    "The site is down, freeze production tonight", "deploy v2 to staging, freeze production",
]  # fmt: skip


def test_what_only_speaks_of_a_freeze_or_against_one_is_none() -> None:
    assert [text for text in NO_FREEZE if typed_freeze(text) is not None] == []


@pytest.mark.parametrize("has_subject", [False, True])
@pytest.mark.parametrize(
    "lines",
    [
        ("unfreeze staging: fixed", "freeze production: incident"),
        ("unfreeze production", "freeze everything: incident"),
    ],
)
def test_attack_a_freeze_wins_over_the_end_of_one_above_and_below_it(lines: tuple[str, ...], has_subject: bool) -> None:
    subject = "Incident\n\n" if has_subject else ""
    for text in ("\n".join(lines), "\n\n".join(reversed(lines))):
        found = typed_freeze(subject + text, has_subject=has_subject)

        assert found is not None
        assert (found.ends, found.reason, found.is_first, found.is_alone) == (False, "incident", True, False), text


STOPS_BESIDE = [
    "stop\nfreeze everything: incident", "Stop! freeze everything: incident",
    "Please stop everything, freeze everything: incident", "\U0001f6d1 freeze everything: incident",
    ":octagonal_sign: freeze everything: incident", "freeze everything: incident\nstop", "freeze everything. incident",
]  # fmt: skip


@pytest.mark.parametrize("text", STOPS_BESIDE)
def test_attack_a_stop_and_signs_beside_a_freeze_keep_nobody_from_it(text: str) -> None:
    found = typed_freeze(text)

    assert found is not None
    assert (found.environment, found.reason, found.is_first, found.is_all) == ("", "incident", True, True)


@given(st.text(max_size=60))
def test_no_text_without_the_word_is_one(text: str) -> None:
    assert "freeze" in text.casefold() or typed_freeze(text) is None


def test_attack_an_end_with_a_reason_that_does_not_end_is_asked_back_unread() -> None:
    found = typed_freeze("unfreeze production: " + "fixed " * 10_000)

    assert found is not None
    assert found.is_against


BEFORE = [
    "no! freeze production", "deny and freeze production", "stop everything and freeze production",
    "bitte sofort freeze production", "URGENT: freeze production", "we need to freeze production now",
    "can you freeze production?", "- freeze production", "\u201cfreeze production\u201d",
    "Can someone freeze production?", "I'd like to freeze production", "Checkout is down! Freeze production!",
    "Checkout ist kaputt, freeze production",
    "Checkout is down. Nobody can pay. Please freeze production", "DB is gone - freeze production",
    "Security incident: freeze production", "prod is on fire \U0001f525 freeze production",
    "nein \u2013 freeze production", "Payments failing since 14:05. Please freeze production",
]  # fmt: skip


TWO = [
    "freeze production and staging now", "freeze production, staging please", "freeze production & staging: incident",
    "freeze both production and staging because of incident", "freeze production and staging \U0001f64f thanks",
]  # fmt: skip


def test_courtesy_and_why_behind_several_names_take_none_of_them_away() -> None:
    for text in TWO:
        found = typed_freeze(text)
        assert found is not None
        assert (found.environment, found.more, found.is_loose) == ("production", ("staging",), False), text


EXACTLY = [
    "sofort unfreeze production: fixed", "unfreeze production now: fixed", "unfreeze production (fixed)",
    "unfreeze production as it is fixed", "yes, unfreeze production: fixed", "can you unfreeze production?",
]  # fmt: skip


def test_courtesy_and_haste_around_the_end_of_a_freeze_make_it_none() -> None:
    assert [text for text in EXACTLY if typed_freeze(text) is not None] == []


def test_a_word_of_haste_is_no_name_of_an_environment() -> None:
    assert typed_freeze("freeze now: incident") == Freezing(None, "incident")


def test_a_no_haste_and_courtesy_before_a_freeze_keep_nobody_from_it() -> None:
    assert [text for text in BEFORE if typed_freeze(text) != Freezing("production", "")] == []


def test_an_article_before_the_name_is_none_of_it() -> None:
    for text in ("the deploys to production", "all our releases on production", "die Deployments auf production"):
        assert typed_freeze(f"freeze {text}") == Freezing("production", "", is_loose=True), text
    assert typed_freeze("freeze the production environment: incident") == Freezing(
        "production", "incident", is_loose=True
    )


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("no! freeze production", "no!"), ("deny and freeze production", "deny"), ("now freeze production", ""),
        ("deny, and freeze production", "deny"), ("stop! please freeze production", "stop!"),
        ("deny and please freeze production", "deny"), ("Sorry, no. Freeze production", "Sorry, no."),
        ("deny. @ops freeze production", "deny."), ("deny and @Cy\u00a0Cole freeze production", "deny"),
        ("@Cy\u00a0Cole deny this\nfreeze production", "@Cy\u00a0Cole deny this"),
        ("\u201cdeny and freeze production\u201d", "deny"),
    ],
)  # fmt: skip
def test_what_is_refused_before_a_freeze_is_refused_as_well(text: str, refused: str) -> None:
    assert typed_freeze(text) is not None
    assert stop_beside(text) == refused


@pytest.mark.parametrize("above", ["Checkout is down.", "yes", "Genehmigt"])
def test_attack_an_emergency_or_an_assent_above_a_freeze_keeps_nobody_from_it(above: str) -> None:
    found = typed_freeze(f"{above}\nfreeze production")

    assert found == Freezing("production", "", is_alone=False, is_all=True)


def test_a_condition_above_a_freeze_or_words_below_a_subject_that_is_why_are_more_than_a_freeze() -> None:
    for text, has_subject in (
        ("Checkout is slow. If it goes down:\nfreeze production", False),
        ("Incident\n\nI wonder about this line:\nfreeze production", True),
        ("stop\n\nI wonder about this line:\nfreeze production", True),
    ):
        found = typed_freeze(text, has_subject=has_subject)
        assert found is not None
        assert not found.is_first


@pytest.mark.parametrize("text", ["approve and freeze production", "Yes, freeze production", "ok freeze production"])
def test_what_agrees_before_a_freeze_is_more_than_the_freeze(text: str) -> None:
    assert typed_freeze(text) == Freezing("production", "", is_alone=False)


@pytest.mark.parametrize("text", ["freeze prod and staging", "freeze both prod and staging", "freeze prod, staging"])
def test_names_alone_behind_a_freeze_are_no_talk(text: str) -> None:
    found = typed_freeze(text)

    assert found is not None
    assert (found.environment, found.is_loose) == ("prod", False)


def test_the_word_alone_lists_them_also_below_a_subject() -> None:
    for text in ("standing", "Standing.", "standing approvals", "*standing*", "Dauergenehmigungen"):
        assert typed_standing(text) == "list", text
    assert typed_standing("The bell\n\nstanding", has_subject=True) == "list"
    assert typed_standing("standing\n\n", has_subject=True) == "list"
    assert typed_standing("The bell\n\nstanding") is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("standing 5 times until 2026-12-01 18:00", StandingWanted(5, "2026-12-01 18:00")),
        ("Standing approval: 1 time until Sunday 23:10.", StandingWanted(1, "Sunday 23:10")),
        ("`standing 3x until 2026-12-01 with any version`", StandingWanted(3, "2026-12-01", ("version",))),
        (
            "standing 3 times until 2026-12-01, any version and what",
            StandingWanted(3, "2026-12-01", ("version", "what")),
        ),
        ("standing s3r-k7m2xq4d5v6ab 2 times until 18:00", StandingWanted(2, "18:00", run="s3r-k7m2xq4d5v6ab")),
        ("Dauergenehmigung 5 mal bis 2026-12-01 mit beliebiger version", StandingWanted(5, "2026-12-01", ("version",))),
        ("standing  5 times  until   18:00", StandingWanted(5, "18:00")),
        ("Hello,\nstanding 5 times until 18:00\nThanks,\nAnna", StandingWanted(5, "18:00")),
    ],
)
def test_so_often_and_until_then_asks_for_one(text: str, wanted: StandingWanted) -> None:
    assert typed_standing(text) == wanted


LONG = "standing s3r-k7m2xq4d5v6ab 2 times until 2026-12-01 18:00 with any\nversion and region"


@pytest.mark.parametrize("subject", ["", "Deploys\n\n", "Standing approval\n\n"])
def test_in_a_mail_it_may_be_cut_into_lines_below_whatever_subject(subject: str) -> None:
    wanted = StandingWanted(2, "2026-12-01 18:00", ("version", "region"), "s3r-k7m2xq4d5v6ab")

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
    assert typed_standing(f"standing 5 times until 18:00\n{below}") == StandingWanted(5, "18:00")


_ID, _OTHER = "s1g-abcdefghijklm", "s1g-nopqrstuvwxyz"


REVOKES = [
    "revoke ID", "Revoke ID!", "please revoke ID now", "revoke `ID`", "*revoke ID*", "\u201crevoke ID\u201d",
    "revoke: ID", "Hi, revoke ID", "@sayso revoke ID", "I revoke ID", "can you revoke ID?", "cancel ID", "Stop ID!",
    "revoke the standing approval ID", "revoke ID immediately", "revoke ID, the incident is over",
    "revoke ID. The incident is over.", "revoke ID - no longer needed", "revoke ID because the release is over",
    "revoke ID (no longer needed)", "- revoke ID", "revoke ID :pray:",
    "Standing approvals\n\nHi Dan,\n\nwe have an incident.\nrevoke ID\n\nThanks,\nCy", "bitte ID widerrufen",
    "widerrufe bitte die Dauergenehmigung ID", "ich widerrufe ID", "ID: revoke", "Ann left. Please revoke ID",
    "If in doubt, ask Bo. Revoke ID", "If in doubt ask Bo\nrevoke ID", "URGENT: revoke ID", "ok revoke ID",
    "can someone revoke ID?", "revoke ID due to the incident", "wait - revoke ID", "ID widerrufen, danke",
]  # fmt: skip
REVOKES_NONE = [
    "do not revoke ID", "should we revoke ID?", "revoke ID if it is unused", "> revoke ID", "revoke ID tomorrow",
    "Press bell: for Anna. To end it, write: revoke ID", "stop asking about ID",
    "To end it, answer with nothing but:\nrevoke ID", "Checkout is slow. If it fails, revoke ID",
]  # fmt: skip


def test_who_ends_one_by_its_id_ends_it_in_whatever_words_but_those_that_ask_or_say_when_or_repeat_how() -> None:
    assert [text for text in REVOKES if typed_revocations(text.replace("ID", _ID)).named != (_ID,)] == []
    assert [text for text in REVOKES_NONE if typed_revocations(text.replace("ID", _ID)).named] == []


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0"])
def test_attack_a_long_run_of_blanks_or_marks_holds_nobody_up_and_hides_no_order(blank: str) -> None:
    began = process_time()

    text = f"Hi{blank * 20_000}all\nrevoke {_ID}{blank * 20_000}and{blank}revoke {_OTHER}"

    assert typed_revocations(text).named == (_ID, _OTHER)
    assert typed_revocations(f"Look{',' * 20_000}here and revoke {_ID}").named == (_ID,)
    assert process_time() - began < 1


@pytest.mark.parametrize("word", ["pls", "please", "thank you"])
def test_attack_a_long_row_of_courtesies_holds_nobody_up_and_hides_no_order(word: str) -> None:
    began = process_time()

    text = f"Hi{f', {word}' * 4_000}, Cy\nLook, {word}, {word}, revoke {_ID}. {word} {word}, revoke {_OTHER}"

    assert typed_revocations(text).named == (_ID, _OTHER)
    assert process_time() - began < 1


def test_what_stands_above_an_order_keeps_its_blanks() -> None:
    assert typed_revocations(f"@Cy\u00a0Cole  look\nrevoke {_ID}").above == "@Cy\u00a0Cole  look"


@pytest.mark.parametrize("text", ["revoke ID and OTHER", "revoke both ID & OTHER", "revoke ID; revoke OTHER"])
def test_one_line_ends_as_many_as_it_names(text: str) -> None:
    assert typed_revocations(text.replace("ID", _ID).replace("OTHER", _OTHER)).named == (_ID, _OTHER)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("away until 2026-12-01", Away("2026-12-01")),
        ("Away until 2026-12-01: cy@corp.example", Away("2026-12-01", "", "cy@corp.example")),
        ("away from 2026-11-24 until 2026-12-01T12:00: cy\n", Away("2026-12-01T12:00", "2026-11-24", "cy")),
        ("Absence\n\naway until 2026-12-01: cy", Away("2026-12-01", "", "cy")),
        ("abwesend ab 2026-11-24 bis 2026-12-01 : cy", Away("2026-12-01", "2026-11-24", "cy")),
        ("not away", Away()),
        ("nicht abwesend\n", Away()),
    ],
)
def test_a_line_that_says_nothing_but_an_absence_is_read(text: str, found: Away) -> None:
    assert typed_absence(text) == found


NO_ABSENCE = [
    "", "I am away until 2026-12-01", "away until 2026-12-01: cy please", "away until Monday",
    "away until 2026-12-01: cy\nthanks", "away until 2026-12-01\naway until 2026-12-02",
    "Deploy\n\naway until 2026-12-01: cy", "not away yet",
    "I am out of the office until 2026-12-01 and will answer then.",
]  # fmt: skip


def test_words_beside_an_absence_make_it_none() -> None:
    assert [text for text in NO_ABSENCE if typed_absence(text) is not None] == []


@pytest.mark.parametrize(
    ("text", "has_subject", "is_meant"),
    [
        ("away until Monday", False, True),
        ("away until 2026-12-01: Cy Cole", False, True),
        ("Holidays\n\nout of office until 1 Dec", True, True),
        ("Holidays\n\nout of office until 1 Dec", False, False),
        ("I'm away from Monday till Friday", False, True),
        ("abwesend vom 1.12. bis 4.12.", False, True),
        ("bin bis Montag weg", False, True),
        ("I am back.", False, True),
        ("on leave requests: ask hr", False, False),
        ("roll back production", False, False),
        ("who is away until Monday?", False, False),
        ("away until Monday\ndeploy v1.2.0 to staging", False, False),
        ("ask person:bo: are you away until Monday? | until tomorrow", False, False),
    ],
)
def test_other_words_may_mean_it_where_they_are_all_that_is_said(text: str, has_subject: bool, is_meant: bool) -> None:
    assert may_mean_absence(text, has_subject=has_subject) is is_meant
