"""Fields as they are stored: a name alone where that is all, and nothing that is as usual."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from agents.forms import FormField, text_of, written

FIELDS: TypeAdapter[tuple[FormField, ...]] = TypeAdapter(tuple[FormField, ...])


@pytest.mark.parametrize(
    "stored",
    [
        "version",
        {"name": "version", "label": "Which version"},
        {"name": "count", "kind": "integer", "minimum": "0", "required": False, "default": 0},
        {"name": "silent", "kind": "yes_no", "required": False, "default": False},
        {"name": "note", "required": False},
    ],
)
def test_a_field_is_stored_without_what_is_usual_and_reads_as_it_was(stored: Any) -> None:
    [field] = FIELDS.validate_python([stored])

    assert FIELDS.dump_python((field,), mode="json") == [stored]
    assert FIELDS.validate_json(FIELDS.dump_json((field,))) == (field,)


def test_a_field_as_releases_before_kept_it_is_one_with_a_name() -> None:
    assert FIELDS.validate_json('["version", "why: and for whom"]') == (
        FormField(name="version"),
        FormField(name="why: and for whom"),
    )


def test_a_word_that_no_field_has_is_refused() -> None:
    with pytest.raises(ValidationError, match="minimun"):
        FormField.model_validate({"name": "count", "minimun": "3"})


def test_a_form_is_described_for_programs_as_a_name_or_an_object() -> None:
    schema = FIELDS.json_schema(mode="serialization")["$defs"]["FormField"]

    assert [kind["type"] for kind in schema["anyOf"]] == ["string", "object"]
    assert schema["anyOf"][1]["required"] == ["name"]


def test_a_value_is_text_in_one_way_which_can_be_typed_again() -> None:
    values: list[Any] = [None, True, 7, 1.5, 1.125, 0.125, 1e-07, "OPS-7"]

    assert [text_of(one) for one in values] == ["", "yes", "7", "1.5", "1.125", "0.125", "0.0000001", "OPS-7"]
    assert [written(one) for one in values] == ["", "yes", "7", "1.5", "1.1250", "0.125", "0.0000001", "OPS-7"]
