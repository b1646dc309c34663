"""Forms in words: what a field takes, why something is no answer to it, and what was answered."""

from datetime import timedelta
from typing import get_args

import pytest

from agents.forms import FormField, Misfit, fill_lines, form_of
from agents.forms.reading import Why
from agents.requests import Given
from bot.policy.judgements import Unclear
from bot.render.cards import asked_again
from bot.render.forms import answer_lines, hint, inputs, reasons, told
from bot.render.words import feedback_text
from language import LANGUAGES, Language, speaking
from tests.bot.examples import LATER, PEOPLE, question, record
from tests.kit.clerk import Window

FIELDS = form_of(Window)


def hints(language: Language) -> dict[str, str]:
    with speaking(language):
        return {each.name: hint(each) for each in FIELDS}


def test_what_a_field_takes_is_said_in_the_language_of_the_reader() -> None:
    assert hints("en") == {
        "begins": "From midnight on. A date, such as 2026-12-24. Not before 2026-11-01.",
        "days": "A whole number. From 1 to 14.",
        "load": "A number. From 0 to 1. If left out: 0.5.",
        "team": "",
        "ticket": "Such as OPS-7. May be left out.",
        "silent": "",
    }
    german = hints("de")
    assert german["begins"] == "From midnight on. Ein Datum, etwa 2026-12-24 oder 24.12.2026. Nicht vor 2026-11-01."
    assert german["load"] == "Eine Zahl. Von 0 bis 1. Ohne Angabe: 0.5."


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (FormField(name="a", min_length=2, max_length=9), "2 to 9 characters."),
        (FormField(name="a", kind="number", minimum="0.5"), "A number. At least 0.5."),
        (FormField(name="a", kind="date", maximum="2026-12-24"), "A date, such as 2026-12-24. Not after 2026-12-24."),
        (FormField(name="a", kind="yes_no", required=False, default=True), "If left out: yes."),
    ],
)
def test_limits_are_said_in_a_sentence(field: FormField, said: str) -> None:
    assert hint(field) == said


def test_what_was_answered_well_stands_in_its_field_and_elsewhere_the_default() -> None:
    assert [each.value for each in inputs(FIELDS, {"days": 3, "silent": False})] == ["", "3", "0.5", "", "", "no"]


WRONG = "first day: 12/11/2026\ndays: 15\nload: 1,000\nteam: <b>ours</b>\nticket: 7\nsilent: perhaps\ncolour: red"


def test_each_reason_is_said_with_its_field_in_the_reader_s_language() -> None:
    misfits = fill_lines(FIELDS, WRONG).misfits

    with speaking("en"):
        english = told(FIELDS, misfits)
    with speaking("de"):
        german = told(FIELDS, misfits)

    assert "First day: “12/11/2026” can be read in two ways; write it as 2026-12-24." in english
    assert "Days: “15” is more than 14." in english
    assert "Team: “<b>ours</b>” is none of: shop, search." in english
    assert "Ticket: “7” is not written as OPS-7 is." in english
    assert "“colour: red” belongs to no field." in english
    assert "Days: „" not in german
    assert "Days: “15” ist mehr als 14." in german
    assert "Without alarms: “perhaps” ist weder ja noch nein." in german


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_words_for_every_reason(language: Language) -> None:
    whys: tuple[Why, ...] = get_args(Why)
    with speaking(language):
        for why in whys:
            [(name, said)] = reasons(FIELDS, [Misfit(field="begins", why=why, got="“x”\n" * 100)])

            assert (name, bool(said), "\n" in said, len(said) < 400) == ("begins", True, False, True)


def test_whoever_answered_is_told_which_field_and_why() -> None:
    asked = question("form", fields=FIELDS)
    judgement = Unclear(misfits=(Misfit(field="days", why="missing"),), kept={"load": 0.5})

    assert feedback_text(judgement, record(asked), PEOPLE) == (
        "This is no answer yet, and nothing was decided. Days: it is missing."
    )


def test_a_form_that_is_asked_again_says_why_and_has_what_was_well() -> None:
    asked = question("form", fields=FIELDS)
    misfits = (Misfit(field="begins", why="not_a_date", got="tomorrow"),)

    card = asked_again(record(asked), Unclear(misfits=misfits, kept={"days": 3, "team": "shop"}), PEOPLE, LATER)

    assert "First day: “tomorrow” is no date; write it as 2026-12-24." in card.summary
    assert card.form
    assert [each.value for each in card.form.fields] == ["", "3", "0.5", "shop", "", ""]
    assert card.form.until > LATER + timedelta(hours=1)


def test_an_answer_is_shown_by_labels_and_in_the_reader_s_language() -> None:
    asked = question("form", fields=FIELDS)
    given = Given(text="…", form={"begins": "2026-12-24", "load": 0.25, "silent": True, "ticket": None})

    with speaking("de"):
        lines = [(line.label, line.text) for line in answer_lines(asked, given)]

    assert lines == [
        ("First day", "2026-12-24"),
        ("Share of the load", "0.25"),
        ("Ticket", "–"),
        ("Without alarms", "ja"),
    ]
