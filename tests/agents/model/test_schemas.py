"""What fits into one request, and schemas as makers take them."""

from enum import Enum
from time import process_time
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from agents.model.reply import Block, Offer, Reply, Usage, offers
from agents.model.schemas import CLAUDES_ROOM, as_json, can_be_strict, closed, fits, from_json, plain, without_nulls
from tests.agents.model.claudes import AGENT, CALL

OFFERS = [*offers(AGENT)]


class Size(Enum):
    small = "small"
    large = "large"


class Box(BaseModel):
    size: Size = Size.small
    note: str | None = None


class Shelf(BaseModel):
    name: str = Field(pattern="^s", max_length=9_000, description="its name")
    boxes: list[Box] = []
    best: Box | None = None
    depth: int = Field(default=3, ge=1)


SHELF = Shelf.model_json_schema()


def optional(count: int) -> dict[str, Any]:
    return {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(count)}}


def union(count: int) -> dict[str, Any]:
    names = [f"p{n}" for n in range(count)]
    either = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    return {"type": "object", "properties": dict.fromkeys(names, either), "required": names}


@pytest.mark.parametrize(
    ("schemas", "does"),
    [
        ([optional(0)] * 20, True),
        ([optional(0)] * 21, False),
        ([optional(6)] * 4, True),
        ([optional(6)] * 4 + [optional(1)], False),
        ([union(16)], True),
        ([union(16), union(1)], False),
        ([{"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": optional(24)}}], False),
        ([{"type": "array", "items": optional(25)}], False),
        ([{"anyOf": [optional(13), optional(12)]}], False),
    ],
)
def test_strict_schemas_fit_by_all_that_they_hold_together(schemas: list[dict[str, Any]], *, does: bool) -> None:
    assert fits(schemas, CLAUDES_ROOM) == does


def test_a_schema_of_anything_or_of_any_name_cannot_be_strict() -> None:
    names: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}

    assert can_be_strict([SHELF])
    for schema in ({"type": "object", "properties": {"any": {"title": "Any"}}}, {"properties": {"a": names}}, names):
        assert not can_be_strict([schema])


def test_what_a_server_may_not_know_of_a_schema_is_told_in_words() -> None:
    name = plain(SHELF)["properties"]["name"]

    assert name == {"type": "string", "description": "its name {maxLength: 9000, pattern: ^s}"}
    assert plain(SHELF)["required"] == ["name"]


def test_in_a_closed_schema_everything_is_there_and_what_may_be_left_out_may_be_null() -> None:
    shelf = closed(SHELF)
    box = shelf["$defs"]["Box"]

    assert shelf["required"] == ["name", "boxes", "best", "depth"]
    assert shelf["properties"]["name"]["type"] == "string"
    assert shelf["properties"]["depth"]["anyOf"][1] == {"type": "null"}
    assert len(shelf["properties"]["best"]["anyOf"]) == 2, "it may be null already"
    assert box["required"] == ["size", "note"]
    assert box["properties"]["size"] == {"anyOf": [{"$ref": "#/$defs/Size"}, {"type": "null"}]}
    assert shelf["additionalProperties"] is box["additionalProperties"] is False


def test_a_null_that_only_leaves_something_out_is_left_out() -> None:
    box, large = {"size": None, "note": None}, {"size": "large", "note": None}
    best = Shelf(name="s1", best=Box(size=Size.large), depth=4)
    rows: list[tuple[Any, Shelf]] = [
        ({"name": "s1", "boxes": [box], "best": None, "depth": None}, Shelf(name="s1", boxes=[Box()])),
        ({"name": "s1", "boxes": None, "best": large, "depth": 4}, best),
    ]
    wanted = {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"]}

    for given_, means in rows:
        assert Shelf.model_validate(without_nulls(given_, SHELF)) == means
    assert without_nulls({"a": None, "b": None}, wanted) == {"a": None, "b": None}


def test_a_step_as_json_holds_each_tool_with_definitions_of_its_own() -> None:
    both = [Offer("one", "", SHELF), Offer("two", "", Shelf.model_json_schema())]

    schema = as_json(both)

    first, second = schema["properties"]["step"]["anyOf"]
    assert schema["$defs"].keys() == {"one.Box", "one.Size", "two.Box", "two.Size"}
    assert first["properties"]["tool"] == {"type": "string", "enum": ["one"]}
    assert first["properties"]["arguments"]["properties"]["boxes"]["items"] == {"$ref": "#/$defs/one.Box"}
    assert second["properties"]["arguments"]["properties"]["boxes"]["items"] == {"$ref": "#/$defs/two.Box"}
    assert schema["$defs"]["two.Box"]["properties"]["size"]["$ref"] == "#/$defs/two.Size"
    assert OFFERS[0].schema["properties"]["place"] == {"$ref": "#/$defs/Place"}, "what is offered stays as it was"


def said(text: str, stop: Literal["end_turn", "max_tokens"] = "end_turn") -> Reply:
    return Reply(type="message", model="m", content=(Block(type="text", text=text),), stop_reason=stop, usage=Usage())


STEP = '{"tool": "deploy", "arguments": {"version": "v1"}}'
NO_STEPS = ("", "I will deploy it.", "[]", "null", "{}", '{"step": 3}', '{"step": [', "[" * 100_000, '"step"')


def test_a_whole_step_in_json_counts_where_only_what_is_around_it_is_odd() -> None:
    whole = f'{{"step": {STEP}}}'
    for text in (whole, f"```json\n{whole}\n```", f"```\n{STEP}\n```\n", STEP, whole[:-1]):
        reply = from_json(said(text))
        (use,) = reply.content
        assert (use.type, use.name, use.input) == ("tool_use", "deploy", {"version": "v1"})
        assert reply.stop_reason == "tool_use"

    cut = said(whole, "max_tokens")
    assert from_json(cut) == cut
    for text in NO_STEPS:
        assert from_json(said(text)) == said(text)


def test_attack_a_fence_around_nothing_but_empty_lines_holds_nobody_up() -> None:
    empty, began = "\n" * 8_000, process_time()

    for text in (f"```json{empty}x", f"```json{empty}{{}}{empty}x", f"```{empty}x```"):
        assert from_json(said(text)) == said(text)

    assert process_time() - began < 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*CALL, *SHELF["properties"]]), inner),
    max_leaves=9,
)


@given(JSON)
def test_reading_arguments_is_total(given_: Any) -> None:
    without_nulls(given_, SHELF)
    from_json(said(str(given_)))
