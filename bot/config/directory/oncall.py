"""`[oncall.NAME]`: a rotation of people, and who took over when. Times are wall-clock times of its own zone."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.config.tables import UNIT_S, Duration, KeyPath, LocalTime, Table, known_zone

# An hour is the most that clocks jump, so that no shift ends before it begins; beyond a year nobody takes turns.
_SHIFT_S = (UNIT_S["h"], 366 * UNIT_S["d"])
_MOST_PEOPLE, _MOST_OVERRIDES = 100, 500


def _person(text: str) -> str:
    if not re.fullmatch(r"person:\S+", text):
        raise ValueError('"person:NAME"')
    return text


def _shift(seconds: float) -> float:
    if not _SHIFT_S[0] <= seconds <= _SHIFT_S[1] or seconds % UNIT_S["m"]:
        raise ValueError('whole minutes from "1h" to "366d"')
    return seconds


PersonRef = Annotated[str, AfterValidator(_person)]


class OverrideTable(Table):
    """`[[oncall.NAME.overrides]]`: somebody who takes over."""

    person: PersonRef = Field(description='Who takes over: "person:NAME".')
    starts: LocalTime = Field(alias="from", description='The beginning, such as "2026-11-05T09:00".')
    until: LocalTime = Field(description='The end, such as "2026-11-06T09:00".')


class OncallTable(Table):
    """`[oncall.NAME]`: people who take turns. Policies name them as `oncall:NAME`."""

    rotation: tuple[PersonRef, ...] = Field(
        min_length=1, max_length=_MOST_PEOPLE, description='A list of "person:NAME", in the order of turns.'
    )
    shift_s: Annotated[Duration, AfterValidator(_shift)] = Field(
        alias="shift", description='The length of a turn, such as "7d" or "12h", "1h" to "366d".'
    )
    starts: LocalTime = Field(description='The beginning of the first turn, such as "2026-11-02T09:00".')
    timezone: Annotated[str, AfterValidator(known_zone)] = Field(
        default="UTC", description="The zone whose clocks hand over."
    )
    overrides: tuple[OverrideTable, ...] = Field(
        default=(), max_length=_MOST_OVERRIDES, description="Who takes over for a while; two may not overlap."
    )


def oncall_contradictions(
    oncall: Mapping[str, OncallTable], people: Mapping[str, object]
) -> Iterator[tuple[KeyPath, str]]:
    """Yield rotations that name nobody in [people], and overrides that end before they begin or overlap."""
    for name, table in oncall.items():
        named: list[tuple[KeyPath, str]] = [(("oncall", name, "rotation"), ref) for ref in table.rotation]
        named += [
            (("oncall", name, "overrides", number, "person"), one.person) for number, one in enumerate(table.overrides)
        ]
        for path, ref in named:
            if ref.partition(":")[2] not in people:
                listed = ", ".join(f"person:{one}" for one in people) or "nobody, as there are no people yet"
                yield path, f'found "{ref}", which is nobody in [people]; allowed: {listed}'
        yield from _crossed(name, table.overrides)


def _crossed(name: str, overrides: tuple[OverrideTable, ...]) -> Iterator[tuple[KeyPath, str]]:
    path: KeyPath = ("oncall", name, "overrides")
    for number, one in enumerate(overrides):
        if one.until <= one.starts:
            yield (*path, number, "until"), f"found {one.until:%Y-%m-%dT%H:%M}; allowed: after its `from`"
    inside = sorted((one.starts, one.until) for one in overrides)
    for (_, until), (starts, _) in pairwise(inside):
        if starts < until:
            yield path, f"found two at once at {starts:%Y-%m-%dT%H:%M}; allowed: one at a time"
