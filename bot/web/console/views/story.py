"""A run's rows as people read them: what people and code did to each other, with the steps between folded. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from bot.web.console.views.timeline import Row
from language import say_many

_GISTS = 6


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that stand together. `gist` is set where they are folded: it says what they hold."""

    rows: tuple[Row, ...]
    gist: str = ""

    @property
    def key(self) -> str:
        """A name that stays while more rows come to it."""
        return f"e{self.rows[0].seq}"


def parts_of(rows: Sequence[Row]) -> list[Part]:
    """Return `rows` in their order, steps that follow each other as one part."""
    found = list[Part]()
    for is_step, some in groupby(rows, key=lambda row: bool(row.gist)):
        together = tuple(some)
        if is_step and len(together) > 1:
            found.append(Part(together, _gist(together)))
        else:
            found += [Part((row,)) for row in together]
    return found


def _gist(rows: Iterable[Row]) -> str:
    """`3 steps: looks up facts, deploy, live`."""
    some = tuple(rows)
    gists = list(dict.fromkeys(row.gist for row in some))
    steps, more = ", ".join(gists[:_GISTS]), len(gists) - _GISTS
    if more > 0:
        return say_many("console.story-steps-more", len(some), steps=steps, more=more)
    return say_many("console.story-steps", len(some), steps=steps)
