"""Answers to forms: what fits round-trips, what does not is named with the reason, and nothing is guessed."""

import json
from datetime import date
from decimal import Decimal
from time import process_time
from typing import Any, Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from agents.forms import Filled, FormField, FormValue, Misfit, fill, fill_lines, form_of, text_of, written
from agents.forms.words import misread, pick, unlisted
from language import LANGUAGES, Language, speaking
from tests.bot.policy.test_answers import COLOURS

DATE = FormField(name="day", kind="date", minimum="2026-01-01", maximum="2026-12-31")
WHOLE = FormField(name="count", kind="integer", minimum="1", maximum="1000")
NUMBER = FormField(name="hours", kind="number", minimum="0.5", maximum="2000")
TEXT = FormField(name="ticket", label="Ticket", pattern=r"^OPS-\d+$", min_length=5, max_length=8)
CHOICE = FormField(name="colour", kind="choice", options=COLOURS)
YES_NO = FormField(name="silent", kind="yes_no")


def of(field: FormField, value: FormValue) -> FormValue | str:
    """The answer to one field, or the word for why there is none."""
    found = fill((field,), {field.name: value})
    return found.misfits[0].why if found.misfits else found.values[field.name]


def typed(field: FormField, text: str, language: Language = "en") -> FormValue | str:
    """The same for what somebody typed."""
    with speaking(language):
        found = fill_lines((field,), f"{field.name}: {text}")
    return found.misfits[0].why if found.misfits else found.values[field.name]


@pytest.mark.parametrize("option", ["Redis (Recommended)", "(Redis)", "Redis, etc.", "Something else...", "Redis."])
def test_an_option_that_ends_in_a_mark_is_named_by_its_label_by_its_number_and_without_the_mark(option: str) -> None:
    options = (option, "Later")

    assert misread(options) is None
    assert {pick(text, options) for text in (option, "1", "1.", option.rstrip(".)"))} == {option}


def test_a_list_that_a_mail_program_makes_is_read_without_its_marks_and_a_line_of_the_card_names_its_option() -> None:
    options = ("shop", "search", "mail")
    assert unlisted("1. mail\n2.   shop") == unlisted("- mail\n*  shop") == "mail\nshop"
    assert unlisted("- mail") == "mail"
    for text in ("1. mail", "1. mail\n3. shop", "mail\n- shop", "-1\n-2"):
        assert unlisted(text) == text
    assert (pick("2. search", options), pick("1. search", options)) == ("search", None)


@pytest.mark.parametrize("line", ["mail", "- a", "{at}. a"])
def test_attack_an_answer_of_very_many_lines_is_no_list_that_holds_others_up(line: str) -> None:
    text, began = "\n".join(line.format(at=at) for at in range(1, 4_001)), process_time()

    assert (unlisted(text) == text) is (line == "mail")
    assert process_time() - began < 0.2


@pytest.mark.parametrize("options", [("Redis.", "Redis"), ("...", "Later"), ("2)", "1)")])
def test_options_that_only_marks_tell_apart_are_refused_and_none_is_named_by_marks(options: tuple[str, ...]) -> None:
    assert misread(options) == 1
    assert pick("", options) is pick(".)", options) is None


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (DATE, "2026-12-24", "2026-12-24"),
        (DATE, " 2026-12-24\n", "2026-12-24"),
        (DATE, "tomorrow", "not_a_date"),
        (DATE, "24.12.2026", "not_a_date"),
        (DATE, "2026-02-30", "no_such_day"),
        (DATE, "2025-12-31", "too_small"),
        (DATE, "2027-01-01", "too_large"),
        (DATE, "2026-12-24T00:00:00", "not_a_date"),
        (DATE, 20261224, "not_a_date"),
        (DATE, "\uff12\uff10\uff12\uff16-12-24", "not_a_date"),
        (DATE, "", "missing"),
        (DATE, None, "missing"),
        (WHOLE, 7, 7),
        (WHOLE, "7", 7),
        (WHOLE, "+7", 7),
        (WHOLE, "007", 7),
        (WHOLE, 0, "too_small"),
        (WHOLE, "-7", "too_small"),
        (WHOLE, 1001, "too_large"),
        (WHOLE, 7.0, "not_an_integer"),
        (WHOLE, "7.0", "not_an_integer"),
        (WHOLE, True, "not_an_integer"),
        (WHOLE, "seven", "not_an_integer"),
        (WHOLE, "\u0667", "not_an_integer"),
        (WHOLE, "1e2", "not_an_integer"),
        (WHOLE, 10**400, "too_many_digits"),
        (WHOLE, "9" * 5_000, "too_many_digits"),
        (NUMBER, 1.5, 1.5),
        (NUMBER, "1.5", 1.5),
        (NUMBER, "1.50", 1.5),
        (NUMBER, "1.125", 1.125),
        (NUMBER, 2, 2),
        (NUMBER, "2.0", 2),
        (NUMBER, "1,5", "not_a_number"),
        (NUMBER, "1e1", "not_a_number"),
        (NUMBER, "inf", "not_a_number"),
        (NUMBER, float("inf"), "not_a_number"),
        (NUMBER, float("nan"), "not_a_number"),
        (NUMBER, 0.25, "too_small"),
        (NUMBER, "1.0000000000000001", "too_many_digits"),
        (NUMBER, 1e300, "too_many_digits"),
        (TEXT, "OPS-7", "OPS-7"),
        (TEXT, " OPS-7 ", "OPS-7"),
        (TEXT, "OPS-", "too_short"),
        (TEXT, "OPS-123456", "too_long"),
        (TEXT, "ABC-12", "other_pattern"),
        (TEXT, 7, "not_a_text"),
        (CHOICE, "Green", "Green"),
        (CHOICE, "green", "Green"),
        (CHOICE, "2", "Green"),
        (CHOICE, "pink", "not_an_option"),
        (CHOICE, 2, "not_an_option"),
        (YES_NO, True, True),
        (YES_NO, False, False),
        (YES_NO, "yes", True),
        (YES_NO, "Nein.", False),
        (YES_NO, "yes, but", "not_yes_or_no"),
        (YES_NO, 1, "not_yes_or_no"),
    ],
)
def test_a_value_fits_a_field_or_is_refused_for_a_reason(field: FormField, value: FormValue, expected: Any) -> None:
    found = of(field, value)

    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("field", "text", "language", "expected"),
    [
        (DATE, "2026-12-24", "en", "2026-12-24"),
        (DATE, "24.12.2026", "de", "2026-12-24"),
        (DATE, "5. 3. 2026", "de", "2026-03-05"),
        (DATE, "24. Dezember 2026", "de", "2026-12-24"),
        (DATE, "5. März 2026", "de", "2026-03-05"),
        (DATE, "24 December 2026", "en", "2026-12-24"),
        (DATE, "december 24, 2026", "en", "2026-12-24"),
        (DATE, "12/11/2026", "en", "two_dates"),
        (DATE, "12/11/2026", "de", "two_dates"),
        (DATE, "24.12.2026", "en", "two_dates"),
        (DATE, "24.12.26", "de", "two_dates"),
        (DATE, "31.02.2026", "de", "no_such_day"),
        (DATE, "30 February 2026", "en", "no_such_day"),
        (DATE, "24 Nonsense 2026", "en", "not_a_date"),
        (DATE, "tomorrow", "en", "not_a_date"),
        (DATE, "24.12.", "de", "not_a_date"),
        (NUMBER, "1,5", "de", 1.5),
        (NUMBER, "1.5", "de", 1.5),
        (NUMBER, "1,5", "en", 1.5),
        (NUMBER, "0,625", "de", 0.625),
        (NUMBER, "1.125", "en", "two_numbers"),
        (NUMBER, "1,000", "en", "two_numbers"),
        (NUMBER, "1 000", "en", "two_numbers"),
        (NUMBER, "1.1250", "en", 1.125),
        (NUMBER, "1 hour", "en", "not_a_number"),
        (WHOLE, "1.000", "de", "two_numbers"),
        (WHOLE, "1000", "de", 1000),
        (TEXT, "…", "en", "missing"),
        (CHOICE, "2.", "en", "Green"),
    ],
)
def test_what_somebody_types_is_read_as_readers_of_their_language_write_it_and_never_guessed(
    field: FormField, text: str, language: Language, expected: Any
) -> None:
    assert typed(field, text, language) == expected


FORM = (TEXT, WHOLE, FormField(name="note", required=False), FormField(name="left", kind="integer", required=False))


def lines(*misfits: Misfit, **values: FormValue) -> Filled:
    return Filled(values, misfits)


def test_lines_may_be_named_in_several_ways_and_stand_in_any_order() -> None:
    read = fill_lines(FORM, "COUNT : 7\n\n1 ticket: OPS-7\nNote:  as: it is ")

    assert read == lines(count=7, ticket="OPS-7", note="as: it is", left=None)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("ticket: OPS-7", [("count", "missing", "")]),
        ("ticket: OPS-7\ncount: 7\ncount: 8", [("count", "twice", "8")]),
        ("ticket: OPS-7\ncount: 7\ncolour: red", [("", "unknown", "colour: red")]),
        ("Hello,\nticket: OPS-7\ncount: 7", [("", "unknown", "Hello,")]),
        ("seven", [("", "unknown", "seven"), ("ticket", "missing", ""), ("count", "missing", "")]),
        ("5 ticket: OPS-7\ncount: 7", [("", "unknown", "5 ticket: OPS-7"), ("ticket", "missing", "")]),
    ],
)
def test_a_line_too_many_or_too_few_is_no_answer(text: str, wrong: list[tuple[str, str, str]]) -> None:
    assert [(one.field, one.why, one.got) for one in fill_lines(FORM, text).misfits] == wrong


def test_what_fits_is_known_beside_what_does_not() -> None:
    assert fill_lines(FORM, "ticket: OPS-7\ncount: many").values == {"ticket": "OPS-7", "note": None, "left": None}


def test_a_long_text_that_a_mail_program_broke_is_one_and_what_stands_below_a_short_one_is_none_of_it() -> None:
    long = "note: " + "every word of this was typed on one line by somebody who had much to say"

    broken = fill_lines(FORM, f"ticket: OPS-7\ncount: 7\n{long}\nabout it")
    short = fill_lines(FORM, "ticket: OPS-7\ncount: 7\nnote: this\nand that")

    assert broken.values["note"] == f"{long[6:]} about it"
    assert [one.got for one in short.misfits] == ["and that"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "ticket: OPS-7 count: 7 note: so  it is left: 2",
            {"ticket": "OPS-7", "count": 7, "note": "so  it is", "left": 2},
        ),
        ("1 Ticket: OPS-7 2 count: 7 3 note: 4 left:", {"ticket": "OPS-7", "count": 7, "note": None, "left": None}),
        ("count: 7 ticket: OPS-7 note: left: 2", None),
        ("ticket: OPS-7 count: 7 note: the count: 8 left: 2", None),
        ("Hi! ticket: OPS-7 count: 7 note: left: 2", None),
    ],
)
def test_lines_that_were_joined_are_apart_again_where_each_label_is_there_once_and_in_order(
    text: str, expected: dict[str, FormValue] | None
) -> None:
    read = fill_lines(FORM, text)

    assert (read.values if not read.misfits else None) == expected


def test_a_field_that_the_form_does_not_have_is_refused() -> None:
    assert fill((WHOLE,), {"count": 7, "colour": "red"}).misfits == (Misfit(field="", why="unknown", got="colour"),)


def test_nobody_is_told_more_than_a_line_of_what_was_wrong() -> None:
    read = fill_lines(FORM, "\n".join(f"{number} {'x' * 500}\u202e" for number in range(500)))

    assert len(read.misfits) == 30
    assert all(len(one.got) <= 80 and "\u202e" not in one.got for one in read.misfits)


class Whole(BaseModel):
    """A field of each kind."""

    text: str = Field(max_length=40)
    short: str = Field(min_length=2, max_length=3, pattern="^[a-z]+$")
    count: int = Field(ge=-5, le=5_000)
    share: float = Field(ge=-1, le=2_000)
    price: Decimal = Field(ge=0)
    day: date = Field(ge=date(2020, 2, 28))
    team: Literal["shop", "search", "the others"]
    silent: bool
    note: str | None = None
    left: int = 3


WHOLES = st.builds(
    Whole,
    text=st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40).filter(str.strip),
    short=st.from_regex(r"\A[a-z]{2,3}\Z"),
    count=st.integers(-5, 5_000),
    share=st.integers(-1_000_000, 2_000_000_000).map(lambda number: number / 1_000_000),
    price=st.decimals(0, 10**9, places=3),
    day=st.dates(date(2020, 2, 28)),
    team=st.sampled_from(["shop", "search", "the others"]),
    silent=st.booleans(),
    note=st.none() | st.just("noted"),
    left=st.integers(-9, 9),
)
FIELDS = form_of(Whole)


def answered(values: dict[str, FormValue]) -> Whole:
    """The model that an answer is, as it comes out of the record of it."""
    return Whole.model_validate_json(json.dumps(values))


@given(WHOLES, st.sampled_from(LANGUAGES))
def test_what_is_valid_is_read_as_itself_however_it_came(whole: Whole, language: Language) -> None:
    sent: dict[str, Any] = json.loads(whole.model_dump_json()) | {"price": float(whole.price)}
    assume(whole.text not in {"…", "..."})

    by_program = fill(FIELDS, sent)
    by_window = fill(FIELDS, {name: text_of(value) for name, value in sent.items()})
    with speaking(language):
        by_hand = fill_lines(FIELDS, "\n".join(f"{name}: {written(value)}" for name, value in sent.items()))

    assert by_program == by_window == by_hand
    assert by_program.misfits == ()
    assert answered(by_program.values) == whole
    assert fill(FIELDS, by_program.values) == by_program


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text("0123456789.-+eyesno")


@given(st.dictionaries(st.sampled_from([*Whole.model_fields, "other"]), SCALARS))
def test_whatever_is_sent_only_what_the_model_takes_is_an_answer(sent: dict[str, FormValue]) -> None:
    read = fill(FIELDS, sent)

    assert set(read.values) <= set(Whole.model_fields)
    if not read.misfits:
        assert answered(read.values)
        assert "other" not in sent


@given(st.lists(st.tuples(st.sampled_from([*Whole.model_fields, "other", ""]), st.text() | SCALARS.map(str))))
def test_whatever_is_typed_only_what_the_model_takes_is_an_answer(typed: list[tuple[str, str]]) -> None:
    read = fill_lines(FIELDS, "\n".join(f"{name}: {text}" for name, text in typed))

    if not read.misfits:
        assert answered(read.values)


@given(st.text() | st.text("0123456789./- ,"), st.sampled_from(LANGUAGES))
def test_no_text_is_a_day_that_it_does_not_name(text: str, language: Language) -> None:
    found = typed(FormField(name="day", kind="date"), text, language)

    if isinstance(found, str) and found[:1].isdigit():
        day = date.fromisoformat(found)
        assert all(
            any(f"{part}" == f"{number}" or f"{part:02}" == number for number in _numbers(text))
            for part in (day.day, day.year)
        )


def _numbers(text: str) -> list[str]:
    return "".join(char if char in "0123456789" else " " for char in text).split()


BROKEN = st.builds(
    FormField,
    name=st.sampled_from(["a", "b", ""]),
    kind=st.sampled_from(["text", "integer", "number", "date", "choice", "yes_no"]),
    required=st.booleans(),
    options=st.lists(st.text()).map(tuple),
    minimum=st.text(),
    maximum=st.text(),
    min_length=st.integers(),
    max_length=st.none() | st.integers(),
    pattern=st.sampled_from(["", "(", "(?=a)", "a"]),
    default=SCALARS,
)


@given(st.lists(BROKEN).map(tuple), st.dictionaries(st.sampled_from("abc"), SCALARS), st.text())
def test_a_form_that_nobody_should_have_asked_breaks_nobody_who_reads_it(
    fields: tuple[FormField, ...], sent: dict[str, FormValue], text: str
) -> None:
    assert isinstance(fill(fields, sent), Filled)
    assert isinstance(fill_lines(fields, text), Filled)
