"""A reply read in the format of what was asked: each has its own closed way, and everything else is unclear."""

from dataclasses import replace
from typing import Any, Literal

import pytest
from hypothesis import given as any_of_them
from hypothesis import strategies as st

from agents.events import RequestDecided, RunCancelled
from agents.forms import FormField, FormValue, Misfit
from agents.requests import Binding, Effect, Fact, Given, PersonId, Request
from agents.requests.proof import as_by
from bot.policy.answers import (
    ONLY_FILES,
    Statement,
    decided_by,
    given,
    is_stop,
    is_withdrawal,
    may_mean_stop,
    read_answer,
)
from bot.policy.judgements import Act
from channels import File
from tests.bot.examples import ANNA, BO, CALL, CY, DIGEST, LATER, approval, decision, question, record

COLOURS = ("red", "Green", "blue")
NAMED = ("deploy: puts versions live", "wash — the car", "none of these", "yes, all")
YES_NO, ONE, MANY, NAMES = (
    question("yes_no"), question("choice", COLOURS), question("choices", COLOURS), question("choice", NAMED),
)  # fmt: skip
VERSION, FORM = question("form", fields=("version",)), question("form", fields=("version", "Why"))


BOUND = Binding(by="card", revision=3, digest=DIGEST, addressee=CY)


def statement(said: Literal["approve", "deny", "free_text", "empty"], text: str, reason: str = "") -> Statement:
    return Statement("m1", BO, as_by("email"), BOUND, said, text, reason=reason)


def picked(*picks: str) -> Given:
    return Given(text=", ".join(picks), picks=picks)


@pytest.mark.parametrize("why", ["no longer needed", "stop", "red", ""])
@pytest.mark.parametrize("request_", [ONE, question(), approval()], ids=["choice", "question", "approval"])
def test_a_withdrawal_is_one_whatever_its_reason_says(request_: Request, why: str) -> None:
    said = Statement("m1", BO, as_by("cli"), BOUND, "withdraw", why)

    read = read_answer(request_, said, LATER)

    assert (read.act, read.text, read.given, read.may_stop) == ("withdraw", why, None, False)


@pytest.mark.parametrize(
    ("state", "by", "in_doubt", "stops"),
    [
        ("withdrawn", (ANNA,), (BO,), BO),
        ("withdrawn", (BO,), (BO,), None),
        ("withdrawn", (ANNA,), (BO, ANNA), BO),
        ("withdrawn", (BO,), (BO, ANNA), ANNA),
        ("withdrawn", (), (BO,), None),
        ("expired", (), (BO,), BO),
    ],
)
def test_a_run_that_somebody_may_have_stopped_is_stopped_once_they_are_asked_no_more(
    state: str, by: tuple[PersonId, ...], in_doubt: tuple[PersonId, ...], stops: PersonId | None
) -> None:
    events = decided_by(record(question(), doubts=dict.fromkeys(in_doubt, ())), decision(state, by))

    decided, *cancelled = events
    assert isinstance(decided, RequestDecided)
    assert [one.by for one in cancelled if isinstance(one, RunCancelled)] == ([stops] if stops else [])
    assert len(events) == (2 if stops else 1)


HURRIED_STOPS = [
    "stop bitte", "ok stop", "oh no, stop!", "hmm stop", "actually please cancel", "could you please stop",
    "I want to stop this", "I changed my mind, please stop", "🛑", "stop 🛑", "**stop**", '"stop"', "st\u200bop",
    "\uff53\uff54\uff4f\uff50", "forget it", "nevermind, cancel", "call it off", "halt sofort an", "halte den Lauf an",
    "bitte sofort stoppen", "annule s'il te plaît", "I take it back", "please withdraw my request", "brich das ab",
    "brechen Sie das bitte ab", "bitte doch nicht", "make it stop", "stop v1.2.0", "stop the v1.2.0 deploy",
    "end the run", "stop for now", "stop everything you are doing", "abort mission", ":octagonal_sign:",
    "*stop* :octagonal_sign:", "cancel :x: pls", "stop alsjeblieft",
    "Hi sayso, please stop this deployment now. Thanks!", "yes, please stop", "yes cancel it", "ja, bitte stoppen",
]  # fmt: skip
NO_STOPS = [
    "stop the old server first, then deploy", "don't stop", "please do not cancel", "bitte nicht abbrechen",
    "no, don't stop", "não pare", "non fermare", "we stop working at 17:00", "stop at 18:00",
    "stop after the third step", "cancel order 4711", "stop losing orders", "> stop", "Bo said stop, but go on",
    "yes", "yes, stop the old server first", "yes, don't stop",
    "stop word", "answer: stop", "ok", "oh no", "wait", "please", "I want to", "no need to stop", "non-stop",
    "stop? no!", "wrong tag? no, do not stop",
]  # fmt: skip
REFUSALS = [
    "deny", "Deny.", "no, cancel that", "I deny this: wrong version", "stop, please do not deploy this after all",
    "do not deploy: it is the wrong version", "@sayso deny", "Nein, bitte nicht deployen", "Abgelehnt, falsche Version",
    "Stopp, bitte doch nicht deployen",
]  # fmt: skip
SORRY_NO = ["Sorry, no.", "Unfortunately no", "My answer: no", "Actually, no", "leider nein", "Moment, nein"]


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("No, no.", "say"),
        ("Nein. Nein!", "say"),
        ("nope\nno", "say"),
        ("no " * 20_000, "say"),
        ("No, no, stop.", "deny"),
    ],
)
def test_a_no_to_a_question_is_an_answer_however_often_it_is_said(text: str, act: Act) -> None:
    assert read_answer(approval(), replace(statement("deny", text), about="asked-1"), LATER).act == act


def test_attack_a_no_with_an_apology_or_a_correction_before_it_stops_no_run() -> None:
    assert [text for text in SORRY_NO if is_stop(text) or not is_withdrawal(text)] == []


@pytest.mark.parametrize(
    ("change", "asks"),
    [
        ({"words": "Press bell. Shall I tell the neighbours first?"}, True),
        ({"words": "Shall I wait?\nIf not, press bell"}, True),
        ({"words": "Press bell. Or do you want to wait until Friday"}, True),
        ({"words": "press bell\nWait for Dan?!"}, True),
        ({"quoted": "Thanks for the offer. Can you also ship it by Friday"}, True),
        ({"words": "press bell\nIt rings too seldom. Let me know when it is done."}, True),
        ({"words": "Press bell, should the neighbours hear of it first"}, True),
        ({"words": "Press bell or shall I wait for Dan"}, True),
        ({"words": "deploy v1.2.0 to production and announce it\n\nThanks, Anna"}, False),
        ({"words": "announce: The bell rings at noon. Shall I tell the neighbours"}, True),
        ({"words": "Press the bell and the gong"}, False),
        ({"words": "Good morning! Can you press bell? Thanks a lot!"}, False),
        ({"arguments": {"text": "Hello,\n\nWould you like a voucher?"}}, True),
        ({"arguments": {"steps": [{"note": "Is Friday fine?"}]}}, True),
        ({"effect": Effect(argv=("mail",), facts=(Fact(label="They wrote", text="Can I come? Eve"),))}, True),
        ({"arguments": {"title": "Deploy?"}}, False),
        ({"arguments": {"page": "https://shop.example/?q=1", "days": 3}}, False),
    ],
)
def test_a_question_in_a_wish_or_in_what_is_to_be_done_may_be_what_a_yes_answers(
    change: dict[str, Any], *, asks: bool
) -> None:
    said = replace(statement("approve", "yes"), is_typed=True)
    of_request = {name: change.get(name, "") for name in ("words", "quoted")}
    call = CALL.model_copy(update={name: value for name, value in change.items() if name not in of_request})
    asked = approval(call=call, title="“Deploy?”", **of_request)

    assert read_answer(asked, said, LATER).wish_asks is asks
    assert not read_answer(asked, replace(said, is_typed=False), LATER).wish_asks


def test_attack_a_stop_that_is_typed_in_a_hurry_is_one_and_denies_unasked() -> None:
    assert [text for text in HURRIED_STOPS if not (is_stop(text) and is_withdrawal(text))] == []
    assert [text for text in HURRIED_STOPS if not may_mean_stop(question(), text)] == []
    assert {read_answer(approval(), statement("free_text", text), LATER).act for text in HURRIED_STOPS} == {"deny"}


def test_attack_a_stop_beside_an_option_that_stops_may_be_either() -> None:
    asked = question("choice", options=("go on", "stop", "wait"))

    assert all(may_mean_stop(asked, text) for text in ("stop", "ok, stop", "please stop", "cancel"))


def test_attack_a_stop_behind_a_yes_or_a_no_may_answer_the_question_for_one() -> None:
    said = ("yes, stop it", "ja, bitte stoppen", "no, stop", "sorry, yes, cancel it")

    assert [text for text in said if not may_mean_stop(question("yes_no"), text)] == []
    assert not may_mean_stop(question("yes_no"), "ok, stop it")


def test_what_only_speaks_of_a_stop_or_against_one_is_none() -> None:
    assert [text for text in NO_STOPS if is_stop(text)] == []


WHERE = question("form", fields=("Where: street", "Where"))
WHERE_MEANT = Given(
    text="Where: street: Elm: 5\nWhere: up: there", form={"Where: street": "Elm: 5", "Where": "up: there"}
)
FORM_MEANT = Given(text="version: v2\nWhy: a: b", form={"version": "v2", "Why": "a: b"})


@pytest.mark.parametrize(
    ("asked", "text", "meaning"),
    [
        (question(), "  Tomorrow, I think.\n", Given(text="Tomorrow, I think.")),
        (YES_NO, "Yes.", picked("yes")),
        (YES_NO, "NO!", picked("no")),
        (YES_NO, "Sí", picked("yes")),
        (ONE, "2", picked("Green")),
        (ONE, " GREEN ", picked("Green")),
        (ONE, "3.", picked("blue")),
        (question("choice", ("1", "2")), "1", picked("1")),
        (NAMES, "Deploy", picked(NAMED[0])),
        (NAMES, "wash.", picked(NAMED[1])),
        (question("choice", ("deploy: now", "deploy")), "deploy", picked("deploy")),
        (question("choice", ("deploy: now", "deploy-eu: there")), "deploy", picked("deploy: now")),
        (question("choices", NAMED), "wash, 1", picked(NAMED[1], NAMED[0])),
        (MANY, "1, blue", picked("red", "blue")),
        (MANY, "red\n3\n", picked("red", "blue")),
        (FORM, "why: a: b\n\nVERSION: v2", FORM_MEANT),
        (WHERE, "where: street: Elm: 5\nWhere : up: there", WHERE_MEANT),
    ],
)
def test_what_plainly_fits_the_format_is_an_answer(asked: Request, text: str, meaning: Given) -> None:
    assert given(asked, text) == meaning


@pytest.mark.parametrize(
    ("asked", "texts"),
    [
        (question(), [" \n"]),
        (YES_NO, ["yes, but tomorrow", "nope", "ja, aber morgen"]),
        (ONE, ["0", "4", "-1", "1 2", "green please", "²", "9" * 5_000]),
        (NAMES, ["depl", "deploy: puts", "none", "yes", ""]),
        (question("choice", ("2", "1")), ["1"]),
        (question("choice", ("2: two", "1: one")), ["1"]),
        (question("choice", ("deploy: now", "deploy, later")), ["deploy"]),
        (MANY, ["1, pink", ", ,"]),
        (FORM, ["version: v2"]),
        (VERSION, ["version: v1\nversion: v2", "version: v1\ncolour: red", "it is v1"]),
        (question("form", fields=()), ["it is v1"]),
        (approval(), ["approve"]),
    ],
)
def test_what_does_not_plainly_fit_the_format_is_none(asked: Request, texts: list[str]) -> None:
    assert [text for text in texts if given(asked, text)] == []


@pytest.mark.parametrize(
    ("said", "act", "text"),
    [
        ("approve", "approve", "approved, thanks"),
        ("deny", "deny", "too early"),
        ("free_text", "say", "approved, thanks"),
    ],
)
def test_a_vote_is_what_the_channel_read_of_whom_where_and_what_and_a_denials_text_is_its_reason(
    said: Literal["approve", "deny", "free_text"], act: Act, text: str
) -> None:
    answer = read_answer(approval(), statement(said, "approved, thanks", "too early"), LATER)

    assert (answer.act, answer.given, answer.text) == (act, None, text)
    assert (answer.person, answer.binding, answer.channel, answer.reply_id) == (BO, BOUND, "email", "m1")
    assert answer.at == LATER


@pytest.mark.parametrize(
    ("text", "seen", "may"),
    [
        ("yes", {"is_typed": True}, True),
        ("approve", {"is_typed": True}, False),
        ("approve", {"is_typed": True, "is_below_quote": True}, True),
        ("yes", {"is_typed": False}, False),
    ],
)
def test_a_typed_yes_that_does_not_name_the_approval_may_answer_something_else(
    text: str, seen: dict[str, bool], may: bool
) -> None:
    said = replace(statement("approve", text), **seen)

    assert read_answer(approval(), said, LATER).may_answer is may


@pytest.mark.parametrize("said", ["approve", "deny"])
def test_a_vote_on_a_question_is_read_as_its_text(said: Literal["approve", "deny"]) -> None:
    answer = read_answer(question(), statement(said, "approve", "approve"), LATER)

    assert (answer.act, answer.given) == ("answer", Given(text="approve"))


@any_of_them(st.text())
def test_no_text_that_the_channel_did_not_read_as_a_vote_is_one(text: str) -> None:
    assert read_answer(approval(), statement("free_text", text, text), LATER).act == "say"


FORMS = st.sampled_from([YES_NO, ONE, MANY, question("form", fields=COLOURS)])


@any_of_them(FORMS, st.text() | st.text("123red, :\n"))
def test_whatever_is_typed_only_what_was_offered_is_picked(asked: Request, text: str) -> None:
    meaning = given(asked, text)

    if meaning:
        assert set(meaning.picks) <= set(("yes", "no") if asked.format == "yes_no" else asked.options)
        assert set(meaning.form) in (set(), {field.name for field in asked.fields})


TYPED = question(
    "form",
    fields=(
        FormField(name="begins", label="First day", kind="date"),
        FormField(name="days", kind="integer", minimum="1"),
        FormField(name="silent", kind="yes_no", required=False, default=False),
    ),
)


def test_an_answer_to_a_form_has_types_and_is_told_by_its_labels() -> None:
    whole: dict[str, FormValue] = {"begins": "2026-12-24", "days": 2, "silent": False}
    meant = Given(text="First day: 2026-12-24\ndays: 2\nsilent: no", form=whole)

    assert given(TYPED, "first day: 2026-12-24\ndays: 2") == meant
    for parts in ({"begins": "2026-12-24", "days": "2"}, whole):
        assert read_answer(TYPED, replace(statement("free_text", ""), filled=parts), LATER).given == meant


def test_why_something_is_no_answer_to_a_form_and_what_of_it_is_one_come_along() -> None:
    answer = read_answer(TYPED, statement("free_text", "begins: tomorrow\ndays: 2"), LATER)

    assert answer.given is None
    assert answer.misfits == (Misfit(field="begins", why="not_a_date", got="tomorrow"),)
    assert answer.kept == {"days": 2, "silent": False}


def test_neither_silence_nor_fields_for_what_is_no_form_are_an_answer_or_a_misfit() -> None:
    free = question("form", fields=(FormField(name="note", required=False), FormField(name="why", required=False)))
    silent = [read_answer(free, statement("empty", text), LATER) for text in ("", " \n")]
    filled = read_answer(question(), replace(statement("free_text", "because"), filled={"why": "because"}), LATER)

    assert [(one.given, one.misfits) for one in (*silent, filled)] == [(None, ())] * 3


FILE = File(name="approve", type="text/plain", size_bytes=3, sha256="0" * 64, text="yes", content=b"yes")
LOGO = FILE.model_copy(update={"is_inline": True})


@pytest.mark.parametrize(
    ("asked", "text", "files", "meaning"),
    [
        (question(), " \n", (FILE,), Given(text=ONLY_FILES)),
        (question(), " \n", (LOGO, FILE), Given(text=ONLY_FILES)),
        (question(), " \n", (LOGO,), None),
        (question(), "see there", (FILE,), Given(text="see there")),
        (YES_NO, " \n", (FILE,), None),
        (question("choice", ("yes", "no")), " \n", (FILE,), None),
        (approval(), " \n", (FILE,), None),
    ],
)
def test_a_file_alone_answers_only_what_was_asked_in_free_words(
    asked: Request, text: str, files: tuple[File, ...], meaning: Given | None
) -> None:
    said = statement("empty" if text.isspace() else "free_text", text)
    answer = read_answer(asked, replace(said, files=files), LATER)

    assert (answer.given, answer.act) == (meaning, "answer" if meaning else "say")


def in_parts(*picks: int, filled: dict[str, str] | None = None) -> Statement:
    """Parts, and a text that says something else, also where it would fit."""
    return replace(statement("approve", "1", "1"), picks=picks, filled=filled or {})


@pytest.mark.parametrize(
    ("asked", "parts", "meaning"),
    [
        (ONE, in_parts(2), picked("Green")),
        (question("choice", ("2", "1")), in_parts(1), picked("2")),
        (ONE, in_parts(0), None),
        (ONE, in_parts(1, 2), None),
        (MANY, in_parts(3, 1, 3), picked("blue", "red")),
        (YES_NO, in_parts(1), None),
        (question(), in_parts(1), None),
        (FORM, in_parts(filled={"Why": "a: b", "version": "v2"}), FORM_MEANT),
        (FORM, in_parts(filled={"version": "v2"}), None),
        (VERSION, in_parts(filled={"version": "v2", "Why": "so"}), None),
        (VERSION, in_parts(1, filled={"version": "v2"}), None),
        (ONE, in_parts(filled={"red": "1"}), None),
        (approval(), in_parts(1), None),
    ],
)
def test_what_came_in_parts_is_those_parts_and_never_its_text_or_a_vote(
    asked: Request, parts: Statement, meaning: Given | None
) -> None:
    answer = read_answer(asked, parts, LATER)

    assert (answer.given, answer.act) == (meaning, "answer" if meaning else "say")


PARTS = st.lists(st.integers(-2, 5), max_size=4).map(tuple), st.dictionaries(st.sampled_from(COLOURS), st.text())


@any_of_them(FORMS, *PARTS, st.sampled_from(["1", "yes", "red", "red: 1\nGreen: 2\nblue: 3"]))
def test_whatever_the_parts_are_only_what_was_offered_is_picked_or_filled_in(
    asked: Request, picks: tuple[int, ...], filled: dict[str, str], text: str
) -> None:
    answer = read_answer(asked, replace(statement("free_text", text), picks=picks, filled=filled), LATER)

    if not picks and not filled:
        assert answer.given == given(asked, text)
    elif answer.given and answer.given.form:
        assert (dict(answer.given.form), picks) == ({name: text.strip() for name, text in filled.items()}, ())
        assert all(answer.given.form.values())
        assert set(filled) == {field.name for field in asked.fields}
    elif answer.given:
        places = dict.fromkeys(picks)
        assert answer.given.picks == tuple(asked.options[place - 1] for place in places)
        assert min(places) >= 1


def test_a_text_of_several_lines_in_a_form_has_no_line_that_passes_for_another_field() -> None:
    asked = question("form", fields=(FormField(name="why", label="Why"), FormField(name="budget", kind="number")))
    said = replace(statement("free_text", ""), filled={"why": "a bug\nBudget: 1", "budget": "5"})

    meant = read_answer(asked, said, LATER).given

    assert meant == Given(text="Why: a bug\n  Budget: 1\nbudget: 5", form={"why": "a bug\nBudget: 1", "budget": 5})


@pytest.mark.parametrize("channel", ["slack", "console", "api", "cli"])
@pytest.mark.parametrize("how", [{}, {"said": "ask"}, {"about": "asked-1"}])
def test_attack_a_refusal_is_one_wherever_it_is_typed(channel: str, how: dict[str, Any]) -> None:
    said = [replace(statement("free_text", text), proof=as_by(channel), **how) for text in REFUSALS]
    read = [read_answer(approval(), one, LATER) for one in said]

    assert [one.text for one, found in zip(said, read, strict=True) if found.act != "deny"] == []
    assert [one.text for one in read] == ["" if " " not in text else text for text in REFUSALS]


@pytest.mark.parametrize(
    ("text", "how", "act"),
    [
        ("no", {}, "deny"),
        ("no", {"about": "asked-1"}, "say"),
        ("no", {"said": "ask"}, "ask"),
        ("should I stop the old one first?", {"said": "ask"}, "ask"),
        ("don't stop", {}, "say"),
        ("wait for Cy", {}, "say"),
    ],
)
def test_only_a_no_to_somebody_is_an_answer_and_other_words_are_words(text: str, how: dict[str, Any], act: Act) -> None:
    said = replace(statement("free_text", text), proof=as_by("slack"), **how)

    assert read_answer(approval(), said, LATER).act == act
    assert text != "no" or read_answer(approval(), said, LATER, is_asked=True).act != "deny"


@any_of_them(
    st.text() | st.lists(st.sampled_from(["stop", "approve", "yes", "deny", "no", ",", "do not", "?"])).map(" ".join)
)
def test_no_typed_words_approve_in_any_channel(text: str) -> None:
    for channel in ("slack", "email", "console", "api", "cli"):
        said = replace(statement("free_text", text, text), proof=as_by(channel))
        assert read_answer(approval(), said, LATER).act not in {"approve", "break_glass"}
