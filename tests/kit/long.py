"""The cases of a long table that `./check` plays; `./check --all` plays all of them."""

from collections.abc import Sequence
from typing import Any, TypeVar

import pytest
from _pytest.mark.structures import ParameterSet
from hypothesis import settings

T = TypeVar("T")


def few_of(cases: Sequence[T], *played: int, rows: bool = False) -> list[object]:
    """Parameters of a test; those at no number of `played` are marked as long. Cases of several names are `rows`."""
    return [case if number in played else _long(case, rows=rows) for number, case in enumerate(cases)]


def _long(case: Any, *, rows: bool) -> object:
    if isinstance(case, ParameterSet):
        return pytest.param(*case.values, id=case.id, marks=[pytest.mark.long, *case.marks])
    return pytest.param(*(case if rows else (case,)), marks=pytest.mark.long)


def examples(number: int) -> int:
    """Return how many examples hypothesis draws: `number` of them under `--all`, else a sixteenth."""
    return number if settings.get_current_profile_name() == "all" else max(10, number // 16)
