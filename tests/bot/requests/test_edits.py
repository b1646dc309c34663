"""Values of an edit that no approval can be bound to: refused in words, and nothing changes."""

from collections.abc import Callable, Mapping

import pytest
from pydantic import BaseModel, JsonValue

from agents.requests import Effect, GatedCall, PersonId, Request
from agents.run import Run, fold
from bot.policy.edits import Edited, EditRefused
from bot.requests.edits import Edit, judged
from tests.bot.examples import BO, PEOPLE, answer, anyone, approval, policy, record


class _Transfer(BaseModel):
    amount: float
    parts: list[JsonValue] = []


def _call(arguments: Mapping[str, JsonValue]) -> GatedCall:
    made = _Transfer.model_validate(arguments).model_dump(mode="json")
    names = ("amount", "parts")
    return GatedCall(tool="transfer", schema_version=1, arguments=made, effect=Effect(argv=("pay",)), editable=names)


async def _prepare(_: Request, arguments: Mapping[str, JsonValue]) -> tuple[GatedCall, Callable[[], str]]:
    return _call(arguments), lambda: "Transfer?"


async def _no_story() -> Run:
    return fold([])


_OPEN = record().model_copy(
    update={"request": approval(call=_call({"amount": 1.5}), policy=policy(rule=anyone("bo", "cy")))}
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", "NaN"),
        ("amount", "1e999"),
        ("amount", "-Infinity"),
        ("parts", "[1e999]"),
        ("parts", '[{"a": [NaN]}]'),
    ],
)
async def test_a_number_that_is_none_is_refused_in_words(name: str, value: str) -> None:
    found, request = await judged(_OPEN, answer(BO), Edit({name: value}, _prepare), PEOPLE, _no_story)

    assert isinstance(found, EditRefused)
    assert (found.kind, request) == ("tool", None)
    assert found.why == f"Nothing was changed: {name} can't have this value. Numbers are finite."


async def test_a_number_and_a_list_that_are_some_are_read_from_text() -> None:
    found, request = await judged(
        _OPEN, answer(BO), Edit({"amount": "2.5", "parts": '["a"]'}, _prepare), PEOPLE, _no_story
    )

    assert isinstance(found, Edited)
    assert request
    assert request.call
    assert request.call.arguments == {"amount": 2.5, "parts": ["a"]}
    assert request.editors == (PersonId("bo"),)


async def test_an_edit_of_what_was_named_that_would_change_anything_else_is_refused() -> None:
    only_amount = _OPEN.request.call and _OPEN.request.call.model_copy(update={"editable": ("amount",)})
    asked = _OPEN.model_copy(update={"request": _OPEN.request.model_copy(update={"call": only_amount})})

    async def prepare(_: Request, arguments: Mapping[str, JsonValue]) -> tuple[GatedCall, Callable[[], str]]:
        return _call({**arguments, "parts": ["to Dan"]}), lambda: "Transfer?"

    found, request = await judged(asked, answer(BO), Edit({"amount": 2.5}, prepare), PEOPLE, _no_story)

    assert isinstance(found, EditRefused)
    assert (found.kind, request) == ("names", None)


@pytest.mark.parametrize(("revision", "kind"), [(39, "edited"), (40, "too_many")])
async def test_a_request_is_changed_thirty_nine_times_and_no_more(revision: int, kind: str) -> None:
    asked = _OPEN.model_copy(update={"request": _OPEN.request.model_copy(update={"revision": revision})})
    wish = answer(BO, revision=revision)

    found, _ = await judged(asked, wish, Edit({"amount": 2.5}, _prepare), PEOPLE, _no_story)

    assert (found.kind if isinstance(found, EditRefused) else found.type) == kind
