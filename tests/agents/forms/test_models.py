"""A pydantic model as a form: what of it becomes a field, and what nobody can be asked for."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Optional

import pytest
from annotated_types import Ge, Interval, Len
from pydantic import AfterValidator, BaseModel, Field, PositiveInt, StringConstraints, create_model

from agents.forms import FormField, form_of, unaskable
from agents.forms.models import FORM_BYTES
from agents.steps import RequestHumanInput


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


def asked(kind: Any, default: Any = ...) -> FormField:
    """The one field of a model."""
    [field] = form_of(create_model("Model", it=(kind, default)))
    return field


def field(**said: Any) -> FormField:
    return FormField(name="it", label="It", **said)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (str, field()),
        (int, field(kind="integer")),
        (float, field(kind="number")),
        (Decimal, field(kind="number")),
        (date, field(kind="date")),
        (bool, field(kind="yes_no")),
        (Literal["a", "b"], field(kind="choice", options=("a", "b"))),
        (Colour, field(kind="choice", options=("red", "blue"))),
        (PositiveInt, field(kind="integer", minimum="1")),
        (Annotated[int, Interval(gt=0, lt=10)], field(kind="integer", minimum="1", maximum="9")),
        (Annotated[date, Field(gt=date(2026, 1, 31))], field(kind="date", minimum="2026-02-01")),
        (Annotated[Decimal, Ge(Decimal("0.50"))], field(kind="number", minimum="0.5")),
        (Annotated[str, Len(2, 5)], field(min_length=2, max_length=5)),
        (Annotated[str, StringConstraints(pattern="^a", strip_whitespace=True)], field(pattern="^a")),
        (Annotated[str, AfterValidator(str.upper)], field()),
        (int | None, field(kind="integer", required=False)),
        (Optional[Annotated[int, Ge(3)]], field(kind="integer", minimum="3", required=False)),  # noqa: UP045
    ],
)
def test_a_type_that_people_can_be_asked_for_becomes_a_field(kind: Any, expected: FormField) -> None:
    assert asked(kind) == expected


@pytest.mark.parametrize(
    ("kind", "default", "stored"),
    [
        (int, 3, 3),
        (int, Field(default_factory=lambda: 4), 4),
        (str, "", ""),
        (str | None, None, None),
        (date, date(2026, 12, 24), "2026-12-24"),
        (Decimal, Decimal("0.50"), 0.5),
        (Colour, Colour.BLUE, "blue"),
    ],
)
def test_what_has_a_default_may_be_left_out_and_is_then_that(kind: Any, default: Any, stored: Any) -> None:
    field = asked(kind, default)

    assert (field.required, field.default) == (False, stored)


def test_titles_descriptions_and_the_first_example_are_for_people() -> None:
    class Model(BaseModel):
        first_day: int
        ticket: str = Field(title="Ticket number", description="of this change", examples=["OPS-7", "OPS-8"])

    assert form_of(Model) == (
        FormField(name="first_day", label="First day", kind="integer"),
        FormField(name="ticket", label="Ticket number", description="of this change", example="OPS-7"),
    )


@pytest.mark.parametrize(
    ("kind", "default", "says"),
    [
        (datetime, ..., "Model.it is datetime, which no form can ask for; it may be str, int, float, Decimal, date"),
        (list[str], ..., "no form can ask for"),
        (int | str, ..., "no form can ask for"),
        (Literal["a", 2], ..., "no form can ask for"),
        (Annotated[int, Field(multiple_of=5)], ..., "a limit that no form can show"),
        (Annotated[Decimal, Field(decimal_places=2)], ..., "a limit that no form can show"),
        (Annotated[float, Field(gt=0)], ..., "say ge and le instead"),
        (int, 3.5, "a default that is no answer to it"),
        (Annotated[int, Field(ge=5)], 3, "a default that is no answer to it"),
        (Annotated[int, Field(ge=5, le=3)], ..., "a range that ends before it begins"),
        (Annotated[str, Field(max_length=1_001)], ..., "from 1 to 1000"),
        (Literal["2", "1"], ..., "option 1 that may be read as another one"),
        (Annotated[int, Field(examples=["three"])], ..., "an example that is no answer to it"),
        (Annotated[int, Field(title="x" * 101)], ..., "a label of 100"),
    ],
)
def test_what_nobody_can_be_asked_for_is_refused_and_says_what_is_possible(kind: Any, default: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        RequestHumanInput.form("Which?", create_model("Model", it=(kind, default)))


def test_a_default_that_is_made_of_other_answers_is_refused() -> None:
    class Model(BaseModel):
        one: int
        two: int = Field(default_factory=lambda known: known["one"])

    with pytest.raises(ValueError, match="a default that is made of other answers"):
        form_of(Model)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ((), "1 to 25 fields, and not 0"),
        (tuple(FormField(name=f"f{number}") for number in range(26)), "1 to 25 fields, and not 26"),
        ((FormField(name="a"), FormField(name="A")), "the same name or title"),
        ((FormField(name="a", label="b"), FormField(name="B")), "the same name or title"),
        ((FormField(name="x", label="2 team"), FormField(name="team")), "taken for one another"),
        ((FormField(name="why"), FormField(name="x", label="Why: really")), "taken for one another"),
        ((FormField(name=" "),), "needs a name"),
        ((FormField(name="a\nb"),), "a line each"),
        ((FormField(name="> a"),), "as a quote does"),
        ((FormField(name="a", kind="choice"),), "has options and is no choice"),
        ((FormField(name="a", options=("b",)),), "has options and is no choice"),
        ((FormField(name="a", kind="choice", options=("b\nc",)),), "more than one line"),
        ((FormField(name="a", kind="choice", options=("b" * 76,)),), "more than 75 characters"),
        ((FormField(name="a", kind="date", max_length=3),), "is no text"),
        ((FormField(name="a", minimum="3"),), "neither a number nor a date"),
        ((FormField(name="a", kind="date", minimum="3"),), "does not begin or end with an answer"),
        ((FormField(name="a", min_length=3, max_length=2),), "a least length above the greatest"),
        ((FormField(name="a", pattern="(?=b)"),), "no regular expression as pydantic has them"),
        *(
            ((FormField(name="a", pattern=pattern),), "too long (200, with its repetitions written out)")
            for pattern in (
                "(a{0,1000}){0,60}!$",
                "(?:.{99}|b)*{99}",
                "a{99}?{9}",
                "[{]a{300}",
                "[]a]b{300}",
                r"\x{41}{99}",
                "(?x)# [\na{300}",
            )
        ),
        (tuple(FormField(name=f"f{n}", description="ü" * 500) for n in range(25)), f"more than {FORM_BYTES} bytes"),
    ],
)
def test_fields_that_could_not_be_answered_are_named_with_the_reason(fields: tuple[FormField, ...], says: str) -> None:
    assert says in unaskable(fields)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        r"^(\d{1,3}\.){3}\d{1,3}$",
        r"^[^@\s]{1,64}@[^@\s]{1,120}$",
        r"\p{Lu}{9}\{x{99}\}",
    ],
)
def test_a_pattern_whose_repetitions_are_few_may_be_asked_for(pattern: str) -> None:
    assert not unaskable([FormField(name="a", pattern=pattern)])


def test_a_form_is_a_step_whose_fields_stand_in_it_as_data() -> None:
    class Model(BaseModel):
        days: int = Field(ge=1)
        why: str = ""

    step = RequestHumanInput.form("When?", Model, to=("group:release",))

    assert step.model_dump(mode="json") == {
        "type": "request_human_input",
        "question": "When?",
        "format": "form",
        "options": [],
        "fields": [
            {"name": "days", "label": "Days", "kind": "integer", "minimum": "1"},
            {"name": "why", "label": "Why", "required": False, "default": ""},
        ],
        "to": ["group:release"],
    }
    assert RequestHumanInput.model_validate_json(step.model_dump_json()) == step
