"""The cases of a long table that `./check` plays; `./check --all` plays all of them."""

from collections.abc import Sequence
from typing import TypeVar

import pytest
from hypothesis import settings

T = TypeVar("T")


def few_of(cases: Sequence[T], *played: int) -> list[object]:
    """Parameters of a test; those at no number of `played` are marked as long."""
    return [
        case if number in played else pytest.param(case, marks=pytest.mark.long) for number, case in enumerate(cases)
    ]


def examples(number: int) -> int:
    """Return how many examples hypothesis draws: `number` of them under `--all`, else an eighth."""
    return number if settings.get_current_profile_name() == "all" else max(10, number // 8)
