"""Small checkers that compose. Each takes a value and its JSON pointer, and says in Slack's words what is wrong.

Slack answers `invalid_blocks` with words such as "must be less than 3001 characters [json-pointer:/blocks/0/text]".
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from tests.fakes.slack.model import Json

Check = Callable[[Any, str], Iterator[str]]


@dataclass(frozen=True)
class Field:
    """A property of an object: what it has to be like, and whether it has to be there."""

    check: Check
    required: bool = False


def wrong(rule: str, at: str) -> str:
    return f"{rule} [json-pointer:{at}]"


def anything(_: Any, __: str) -> Iterator[str]:
    yield from ()


def boolean(value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, bool):
        yield wrong("must be a boolean", at)


def integer(low: int, high: int) -> Check:
    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield wrong("must be an integer", at)
        elif not low <= value <= high:
            yield wrong(f"must be between {low} and {high}", at)

    return check


def string(longest: int, *, shortest: int = 0) -> Check:
    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield wrong("must be a string", at)
        elif len(value) > longest:
            yield wrong(f"must be less than {longest + 1} characters", at)
        elif len(value) < shortest:
            yield wrong(f"must be more than {shortest - 1} characters", at)

    return check


def one_of(*words: str) -> Check:
    def check(value: Any, at: str) -> Iterator[str]:
        if value not in words:
            yield wrong(f"must be one of {', '.join(words)}", at)

    return check


def items(each: Check, most: int, *, least: int = 1) -> Check:
    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield wrong("must be an array", at)
            return
        held = cast("list[Any]", value)
        if len(held) > most:
            yield wrong(f"no more than {most} items allowed", at)
        if len(held) < least:
            yield wrong(f"no fewer than {least} items allowed", at)
        for number, item in enumerate(held):
            yield from each(item, f"{at}/{number}")

    return check


def record(spec: Mapping[str, Field]) -> Check:
    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield wrong("must be an object", at)
            return
        held = cast("Json", value)
        yield from (wrong(f"missing required field: {n}", at) for n, f in spec.items() if f.required and n not in held)
        for name, inner in held.items():
            field = spec.get(name)
            yield from field.check(inner, f"{at}/{name}") if field else [wrong(f"unknown property: {name}", at)]

    return check


def typed(kinds: Mapping[str, Check]) -> Check:
    """An object whose `type` decides what it has to be like."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield wrong("must be an object", at)
            return
        kind = cast("Json", value).get("type")
        if kind is None:
            yield wrong("missing required field: type", at)
        elif kind not in kinds:
            yield wrong(f"unsupported type: {kind}", f"{at}/type")
        else:
            yield from kinds[kind](cast("Json", value), at)

    return check


def both(*checks: Check) -> Check:
    def check(value: Any, at: str) -> Iterator[str]:
        for each in checks:
            yield from each(value, at)

    return check


def repeated(values: Iterable[Any]) -> list[Any]:
    """Those that come more than once."""
    seen: list[Any] = []
    twice: list[Any] = []
    for value in values:
        (twice if value in seen else seen).append(value)
    return twice
