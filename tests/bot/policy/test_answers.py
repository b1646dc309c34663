"""A reply read in the format of what was asked: each has its own closed way, and everything else is unclear."""

from dataclasses import replace
from typing import Any, Literal

import pytest
from hypothesis import given as any_of_them
from hypothesis import strategies as st

from agents.forms import FormField, Misfit
from agents.requests import Effect, Fact, Given, Request
from bot.policy.answers import ONLY_FILES, Statement, given, is_stop, is_withdrawal, may_mean_stop, read_answer
from channels import File
from tests.bot.examples import BO, CALL, CY, DIGEST, LATER, approval, question

COLOURS = ("red", "Green", "blue")
NAMED = ("deploy: puts versions live", "wash — the car", "none of these", "yes, all")


def statement(said: Literal["approve", "deny", "free_text", "empty"], text: str, reason: str = "") -> Statement:
    return Statement(
        reply_id="m1",
        person=BO,
        addressee=CY,
        channel="email",
        revision=3,
        digest=DIGEST,
        said=said,
        text=text,
        reason=reason,
    )


@pytest.mark.parametrize(
    ("text", "vote"),
    [
        ("No.", None),
        ("No, no.", None),
        ("Nein. Nein!", None),
        ("nope\nno", None),
        ("no " * 20_000, None),
        ("No, no, stop.", False),
        ("Stop", False),
    ],
)
def test_a_no_to_a_question_is_an_answer_however_often_it_is_said(text: str, vote: bool | None) -> None:
    said = replace(statement("deny", text), about="asked-1")

    assert read_answer(approval(), said, LATER).approve is vote


@pytest.mark.parametrize(
    "text",
    ["Sorry, no.", "Unfortunately no", "My answer: no", "Actually, no", "I meant no", "leider nein", "Moment, nein"],
)
def test_attack_a_no_with_an_apology_or_a_correction_before_it_stops_no_run(text: str) -> None:
    assert not is_stop(text)
    assert is_withdrawal(text)


@pytest.mark.parametrize(
    ("wish", "asks"),
    [
        ("Press bell. Shall I tell the neighbours first?", True),
        ("Shall I wait?\nIf not, press bell", True),
        ("Good morning! Can you press bell? Thanks a lot!", False),
        ("Press bell. It is urgent.", False),
    ],
)
def test_a_wish_that_is_one_question_is_what_a_yes_answers(wish: str, *, asks: bool) -> None:
    said = replace(statement("approve", "yes"), is_typed=True)

    assert read_answer(approval(words=wish), said, LATER).wish_asks is asks


HURRIED_STOPS = [
    "stop bitte", "ok stop", "ok, stop!", "oh no, stop!", "hmm stop", "actually, stop", "actually please cancel",
    "can you stop this?", "could you please stop", "I want to stop this", "I changed my mind, please stop", "🛑",
    "stop 🛑", "**stop**", '"stop"', "st\u200bop", "\uff53\uff54\uff4f\uff50", "forget it", "nevermind, cancel",
    "call it off", "halt sofort an", "halte den Lauf an", "bitte sofort stoppen", "annule s'il te plaît",
    "cancela por favor",
    "I take it back",
    "Cancel my request", "please withdraw my request", "brich das ab", "brechen Sie das bitte ab", "bitte doch nicht",
    "make it stop", "stop v1.2.0", "stop the v1.2.0 deploy", "end the run", "stop for now", "stop 🙏", "cancel ❌",
    "stop everything you are doing", "abort mission", ":octagonal_sign:", "*stop* :octagonal_sign:", "cancel :x: pls",
    "stop alsjeblieft", "Hi sayso, please stop this deployment now. Thanks!",
]  # fmt: skip
NO_STOPS = [
    "stop the old server first, then deploy", "stop the old server first", "don't stop", "please do not cancel",
    "nicht stoppen", "bitte nicht abbrechen", "no, don't stop", "No, do not cancel", "não pare", "no cancele",
    "non fermare", "no para", "we stop working at 17:00", "stop at 18:00", "stop after the third step",
    "cancel order 4711", "cancel the old subscription, then deploy", "stop losing orders", "> stop",
    "Bo said stop, but go on", "stop word", "answer: stop", "ok", "oh no", "wait", "please", "I want to",
    "no need to stop", "no need to cancel it", "non-stop", "stop? no!", "kill it? no", "wrong tag? no, do not stop",
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "asks"),
    [
        ({"arguments": {"text": "Hello,\n\nWould you like a voucher?"}}, True),
        ({"arguments": {"steps": [{"note": "Is Friday fine?"}]}}, True),
        ({"effect": Effect(argv=("mail",), facts=(Fact(label="They wrote", text="Can I come? Eve"),))}, True),
        ({"arguments": {"title": "Deploy?"}}, False),
        ({"arguments": {"page": "https://shop.example/?q=1", "days": 3}}, False),
    ],
)
def test_a_question_in_what_is_to_be_done_may_be_what_a_yes_answers(change: dict[str, Any], *, asks: bool) -> None:
    said = replace(statement("approve", "yes"), is_typed=True)
    asked = approval(call=CALL.model_copy(update=change), title="“Deploy?”")

    assert read_answer(asked, said, LATER).wish_asks is asks
    assert not read_answer(asked, replace(said, is_typed=False), LATER).wish_asks


def test_attack_a_stop_that_is_typed_in_a_hurry_is_one() -> None:
    assert [text for text in HURRIED_STOPS if not (is_stop(text) and is_withdrawal(text))] == []
    assert [text for text in HURRIED_STOPS if not may_mean_stop(question(), text)] == []


@pytest.mark.parametrize("text", ["stop", "ok, stop", "please stop", "cancel"])
def test_attack_a_stop_beside_an_option_that_stops_may_be_either(text: str) -> None:
    asked = question("choice", options=("go on", "stop", "wait"))

    assert may_mean_stop(asked, text)


def test_what_only_speaks_of_a_stop_or_against_one_is_none() -> None:
    assert [text for text in NO_STOPS if is_stop(text)] == []


def test_attack_a_mail_that_says_stop_in_a_hurry_denies_and_is_not_asked_back() -> None:
    read = [read_answer(approval(), statement("free_text", text), LATER).approve for text in HURRIED_STOPS]

    assert {*read} == {False}


@pytest.mark.parametrize(
    ("request_", "text", "meaning"),
    [
        (question(), "  Tomorrow, I think.\n", Given(text="Tomorrow, I think.")),
        (question(), " \n", None),
        (question("yes_no"), "Yes.", Given(text="yes", picks=("yes",))),
        (question("yes_no"), "y", Given(text="yes", picks=("yes",))),
        (question("yes_no"), "NO!", Given(text="no", picks=("no",))),
        (question("yes_no"), "yes, but tomorrow", None),
        (question("yes_no"), "nope", None),
        (question("yes_no"), "Ja.", Given(text="yes", picks=("yes",))),
        (question("yes_no"), "Sí", Given(text="yes", picks=("yes",))),
        (question("yes_no"), "はい。", Given(text="yes", picks=("yes",))),
        (question("yes_no"), "Não", Given(text="no", picks=("no",))),
        (question("yes_no"), "ja, aber morgen", None),
        (question("choice", COLOURS), "2", Given(text="Green", picks=("Green",))),
        (question("choice", COLOURS), " GREEN ", Given(text="Green", picks=("Green",))),
        (question("choice", COLOURS), "3.", Given(text="blue", picks=("blue",))),
        (question("choice", COLOURS), "3)", Given(text="blue", picks=("blue",))),
        (question("choice", COLOURS), "0", None),
        (question("choice", COLOURS), "4", None),
        (question("choice", COLOURS), "-1", None),
        (question("choice", COLOURS), "1 2", None),
        (question("choice", COLOURS), "green please", None),
        (question("choice", COLOURS), "²", None),
        (question("choice", COLOURS), "9" * 5_000, None),
        (question("choice", ("2", "1")), "1", None),
        (question("choice", ("1", "2")), "1", Given(text="1", picks=("1",))),
        (question("choice", NAMED), "Deploy", Given(text=NAMED[0], picks=(NAMED[0],))),
        (question("choice", NAMED), "wash.", Given(text=NAMED[1], picks=(NAMED[1],))),
        (question("choice", NAMED), "depl", None),
        (question("choice", NAMED), "deploy: puts", None),
        (question("choice", NAMED), "none", None),
        (question("choice", NAMED), "yes", None),
        (question("choice", NAMED), "", None),
        (question("choice", ("deploy: now", "deploy")), "deploy", Given(text="deploy", picks=("deploy",))),
        (question("choice", ("deploy: now", "deploy, later")), "deploy", None),
        (
            question("choice", ("deploy: now", "deploy-eu: there")),
            "deploy",
            Given(text="deploy: now", picks=("deploy: now",)),
        ),
        (question("choice", ("2: two", "1: one")), "1", None),
        (question("choices", NAMED), "wash, 1", Given(text=f"{NAMED[1]}, {NAMED[0]}", picks=(NAMED[1], NAMED[0]))),
        (question("choices", COLOURS), "1, blue", Given(text="red, blue", picks=("red", "blue"))),
        (question("choices", COLOURS), "red\n3\n", Given(text="red, blue", picks=("red", "blue"))),
        (question("choices", COLOURS), "1, 1, red", Given(text="red", picks=("red",))),
        (question("choices", COLOURS), "1, pink", None),
        (question("choices", COLOURS), ", ,", None),
        (
            question("form", fields=("version", "Why")),
            "why: a: b\n\nVERSION: v2",
            Given(text="version: v2\nWhy: a: b", form={"version": "v2", "Why": "a: b"}),
        ),
        (question("form", fields=("version", "Why")), "version: v2", None),
        (question("form", fields=("version",)), "version: v1\nversion: v2", None),
        (question("form", fields=("version",)), "version: v1\ncolour: red", None),
        (question("form", fields=("version",)), "it is v1", None),
        (question("form", fields=()), "it is v1", None),
        (
            question("form", fields=("Where: street", "Where")),
            "where: street: Elm: 5\nWhere : up: there",
            Given(
                text="Where: street: Elm: 5\nWhere: up: there", form={"Where: street": "Elm: 5", "Where": "up: there"}
            ),
        ),
        (approval(), "approve", None),
    ],
)
def test_only_what_plainly_fits_the_format_is_an_answer(request_: Request, text: str, meaning: Given | None) -> None:
    assert given(request_, text) == meaning


@pytest.mark.parametrize(
    ("said", "vote", "text"),
    [("approve", True, "approved, thanks"), ("deny", False, "too early"), ("free_text", None, "approved, thanks")],
)
def test_a_vote_is_what_the_channel_read_and_a_denials_text_is_its_reason(
    said: Literal["approve", "deny", "free_text"], vote: bool | None, text: str
) -> None:
    answer = read_answer(approval(), statement(said, "approved, thanks", "too early"), LATER)

    assert (answer.approve, answer.given, answer.text) == (vote, None, text)


def test_an_answer_keeps_who_said_it_when_where_and_to_what() -> None:
    answer = read_answer(approval(), statement("approve", "ok"), LATER)

    assert (answer.person, answer.addressee, answer.channel, answer.reply_id) == (BO, CY, "email", "m1")
    assert (answer.revision, answer.digest, answer.at) == (3, DIGEST, LATER)


@pytest.mark.parametrize("said", ["approve", "deny"])
def test_a_vote_on_a_question_is_read_as_its_text(said: Literal["approve", "deny"]) -> None:
    answer = read_answer(question(), statement(said, "approve", "approve"), LATER)

    assert (answer.approve, answer.given) == (None, Given(text="approve"))


@any_of_them(st.text())
def test_no_text_that_the_channel_did_not_read_as_a_vote_is_one(text: str) -> None:
    assert read_answer(approval(), statement("free_text", text, text), LATER).approve is None


def names_of(request_: Request) -> set[str]:
    return {field.name for field in request_.fields}


FORMS = st.sampled_from(
    [question("yes_no"), question("choice", COLOURS), question("choices", COLOURS), question("form", fields=COLOURS)]
)


@any_of_them(FORMS, st.text() | st.text("123red, :\n"))
def test_whatever_is_typed_only_what_was_offered_is_picked(request_: Request, text: str) -> None:
    meaning = given(request_, text)

    if meaning:
        offered = ("yes", "no") if request_.format == "yes_no" else request_.options
        assert set(meaning.picks) <= set(offered)
        assert set(meaning.form) in (set(), names_of(request_))


TYPED = question(
    "form",
    fields=(
        FormField(name="begins", label="First day", kind="date"),
        FormField(name="days", kind="integer", minimum="1"),
        FormField(name="silent", kind="yes_no", required=False, default=False),
    ),
)


def test_an_answer_to_a_form_has_types_and_is_told_by_its_labels() -> None:
    text = "first day: 2026-12-24\ndays: 2"
    meant = Given(
        text="First day: 2026-12-24\ndays: 2\nsilent: no", form={"begins": "2026-12-24", "days": 2, "silent": False}
    )

    assert given(TYPED, text) == meant
    for parts in ({"begins": "2026-12-24", "days": "2"}, {"begins": "2026-12-24", "days": 2, "silent": False}):
        assert read_answer(TYPED, replace(statement("free_text", ""), filled=parts), LATER).given == meant


def test_why_something_is_no_answer_to_a_form_and_what_of_it_is_one_come_along() -> None:
    answer = read_answer(TYPED, statement("free_text", "begins: tomorrow\ndays: 2"), LATER)

    assert answer.given is None
    assert answer.misfits == (Misfit(field="begins", why="not_a_date", got="tomorrow"),)
    assert answer.kept == {"days": 2, "silent": False}


@pytest.mark.parametrize("text", ["", " \n"])
def test_saying_nothing_is_no_answer_though_every_field_may_be_left_out(text: str) -> None:
    free = question("form", fields=(FormField(name="note", required=False), FormField(name="why", required=False)))

    answer = read_answer(free, statement("empty", text), LATER)

    assert (answer.given, answer.misfits) == (None, ())


def test_fields_are_no_answer_to_what_is_no_form() -> None:
    answer = read_answer(question(), replace(statement("free_text", "because"), filled={"why": "because"}), LATER)

    assert (answer.given, answer.misfits) == (None, ())


FILE = File(name="approve", type="text/plain", size_bytes=3, sha256="0" * 64, text="yes", content=b"yes")
LOGO = FILE.model_copy(update={"is_inline": True})


@pytest.mark.parametrize(
    ("request_", "files", "meaning"),
    [
        (question(), (FILE,), Given(text=ONLY_FILES)),
        (question(), (LOGO, FILE), Given(text=ONLY_FILES)),
        (question(), (LOGO,), None),
        (question(), (), None),
        (question("yes_no"), (FILE,), None),
        (question("choice", ("yes", "no")), (FILE,), None),
        (approval(), (FILE,), None),
    ],
)
def test_a_file_alone_answers_only_what_was_asked_in_free_words(
    request_: Request, files: tuple[File, ...], meaning: Given | None
) -> None:
    answer = read_answer(request_, replace(statement("empty", " \n"), files=files), LATER)

    assert (answer.given, answer.approve) == (meaning, None)


def test_words_count_and_files_come_along() -> None:
    answer = read_answer(question(), replace(statement("free_text", "see there"), files=(FILE,)), LATER)

    assert answer.given == Given(text="see there")


def in_parts(*picks: int, filled: dict[str, str] | None = None) -> Statement:
    """Parts, and a text that says something else, also where it would fit."""
    return replace(statement("approve", "1", "1"), picks=picks, filled=filled or {})


@pytest.mark.parametrize(
    ("request_", "parts", "meaning"),
    [
        (question("choice", COLOURS), in_parts(2), Given(text="Green", picks=("Green",))),
        (question("choice", ("2", "1")), in_parts(1), Given(text="2", picks=("2",))),
        (question("choice", COLOURS), in_parts(0), None),
        (question("choice", COLOURS), in_parts(-1), None),
        (question("choice", COLOURS), in_parts(4), None),
        (question("choice", COLOURS), in_parts(1, 2), None),
        (question("choices", COLOURS), in_parts(3, 1, 3), Given(text="blue, red", picks=("blue", "red"))),
        (question("choices", COLOURS), in_parts(1, 4), None),
        (question("yes_no"), in_parts(1), None),
        (question(), in_parts(1), None),
        (
            question("form", fields=("version", "Why")),
            in_parts(filled={"Why": "a: b", "version": "v2"}),
            Given(text="version: v2\nWhy: a: b", form={"Why": "a: b", "version": "v2"}),
        ),
        (question("form", fields=("version", "Why")), in_parts(filled={"version": "v2"}), None),
        (question("form", fields=("version",)), in_parts(filled={"version": "v2", "Why": "so"}), None),
        (question("form", fields=("version",)), in_parts(1), None),
        (question("form", fields=("version",)), in_parts(1, filled={"version": "v2"}), None),
        (question("choice", COLOURS), in_parts(filled={"red": "1"}), None),
    ],
)
def test_what_came_in_parts_is_those_parts_and_never_its_text(
    request_: Request, parts: Statement, meaning: Given | None
) -> None:
    assert read_answer(request_, parts, LATER).given == meaning


@pytest.mark.parametrize("parts", [in_parts(1), in_parts(filled={"why": "so"})])
def test_what_came_in_parts_is_no_vote(parts: Statement) -> None:
    answer = read_answer(approval(), parts, LATER)

    assert (answer.approve, answer.given) == (None, None)


PARTS = st.lists(st.integers(-2, 5), max_size=4).map(tuple), st.dictionaries(st.sampled_from(COLOURS), st.text())


@any_of_them(FORMS, *PARTS, st.sampled_from(["1", "yes", "red", "red: 1\nGreen: 2\nblue: 3"]))
def test_whatever_the_parts_are_only_what_was_offered_is_picked_or_filled_in(
    request_: Request, picks: tuple[int, ...], filled: dict[str, str], text: str
) -> None:
    answer = read_answer(request_, replace(statement("free_text", text), picks=picks, filled=filled), LATER)

    if not picks and not filled:
        assert answer.given == given(request_, text)
    elif answer.given and answer.given.form:
        assert (dict(answer.given.form), picks) == ({name: text.strip() for name, text in filled.items()}, ())
        assert all(answer.given.form.values())
        assert set(filled) == names_of(request_)
    elif answer.given:
        places = dict.fromkeys(picks)
        assert answer.given.picks == tuple(request_.options[place - 1] for place in places)
        assert min(places) >= 1


def test_a_text_of_several_lines_in_a_form_has_no_line_that_passes_for_another_field() -> None:
    asked = question("form", fields=(FormField(name="why", label="Why"), FormField(name="budget", kind="number")))
    said = replace(statement("free_text", ""), filled={"why": "a bug\nBudget: 1", "budget": "5"})

    meant = read_answer(asked, said, LATER).given

    assert meant == Given(text="Why: a bug\n  Budget: 1\nbudget: 5", form={"why": "a bug\nBudget: 1", "budget": 5})


REFUSALS = [
    "deny", "Deny.", "no, cancel that", "I deny this: wrong version", "stop, please do not deploy this after all",
    "do not deploy: it is the wrong version", "@sayso deny", "Nein, bitte nicht deployen", "Abgelehnt, falsche Version",
    "Stopp, bitte doch nicht deployen",
]  # fmt: skip


@pytest.mark.parametrize("channel", ["slack", "console", "api", "cli"])
@pytest.mark.parametrize("how", [{}, {"asks": True}, {"about": "asked-1"}])
def test_attack_a_refusal_is_one_wherever_it_is_typed(channel: str, how: dict[str, Any]) -> None:
    said = [replace(statement("free_text", text), channel=channel, **how) for text in REFUSALS]
    read = [read_answer(approval(), one, LATER) for one in said]

    assert [one.text for one in said if read_answer(approval(), one, LATER).approve is not False] == []
    assert [one.text for one in read] == ["" if " " not in text else text for text in REFUSALS]


@pytest.mark.parametrize(
    ("text", "how", "vote"),
    [
        ("no", {}, False),
        ("no", {"about": "asked-1"}, None),
        ("no", {"asks": True}, None),
        ("should I stop the old one first?", {"asks": True}, None),
        ("don't stop", {}, None),
        ("wait for Cy", {}, None),
    ],
)
def test_only_a_no_to_somebody_is_an_answer_and_other_words_are_words(
    text: str, how: dict[str, Any], vote: bool | None
) -> None:
    said = replace(statement("free_text", text), channel="slack", **how)

    assert read_answer(approval(), said, LATER).approve is vote
    assert text != "no" or read_answer(approval(), said, LATER, is_asked=True).approve is None


@any_of_them(
    st.text() | st.lists(st.sampled_from(["stop", "approve", "yes", "deny", "no", ",", "do not", "?"])).map(" ".join)
)
def test_no_typed_words_approve_in_any_channel(text: str) -> None:
    for channel in ("slack", "email", "console", "api", "cli"):
        said = replace(statement("free_text", text, text), channel=channel)
        assert read_answer(approval(), said, LATER).approve is not True
