"""Pages of a list that only grows at its front: the cursor is the place of the last thing that was shown."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from bot.store.lists import Mark

T = TypeVar("T")

# A filter that nothing fits must not read the whole store at once: such a page is short, and its cursor goes on.
_LOOK_AT_MOST = 20_000
_LARGEST_BATCH = 4_000
_CURSOR = re.compile(r"([0-9]{1,15})\.(s[0-9]{1,2}[a-z]-[a-z2-7]{13})")


async def page(
    places: Callable[[Mark | None, int], Awaitable[list[Mark]]],
    fetch: Callable[[Sequence[str]], Awaitable[list[T | None]]],
    cursor: str | None,
    limit: int,
    look_at_most: int = _LOOK_AT_MOST,
) -> tuple[tuple[T, ...], str | None]:
    """At most `limit` of what `fetch` gives (None: does not belong), and the cursor of what follows."""
    before, found, looked = _mark(cursor), list[tuple[Mark, T]](), 0
    batch = limit + 1
    while looked < look_at_most:
        marks = await places(before, batch)
        items = await fetch([some_id for _, some_id in marks])
        found += [(mark, item) for mark, item in zip(marks, items, strict=True) if item is not None]
        if len(found) > limit:
            return tuple(item for _, item in found[:limit]), _cursor(found[limit - 1][0])
        if len(marks) < batch:
            return tuple(item for _, item in found), None
        before, looked, batch = marks[-1], looked + len(marks), min(4 * batch, _LARGEST_BATCH)
    return tuple(item for _, item in found), _cursor(before) if before else None


def _mark(cursor: str | None) -> Mark | None:
    """The place that `cursor` is; none, and so the front of the list, for a text that is no cursor."""
    found = _CURSOR.fullmatch(cursor or "")
    return (int(found[1]), found[2]) if found else None


def _cursor(mark: Mark) -> str:
    return f"{mark[0]}.{mark[1]}"
