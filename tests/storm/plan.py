"""What happens in a storm, drawn from a seed: the same seed wants the same, the same is disturbed in the same order."""

import random
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, product
from typing import Literal, TypeVar, get_args

from tests.kill.parts import TOOLS
from tests.servers.traps import When
from tests.storm.checker import KILLED, POINTS, TAKEN_BY_OTHERS, WORKERS
from tests.storm.facts import KINDS, WAYS, AskedBy, Kind, Plot, Setup, Way

T = TypeVar("T")

OfRedis = Literal["redis", "disk", "master", "slot", "stale"]
Disturbance = OfRedis | Literal[
    "still worker", "still other", "cut worker", "cut other", "clock", "memory", "order", "slack",
]  # fmt: skip
_ANYWHERE: tuple[Disturbance, ...] = ("still worker", "still other", "clock", "memory", "order", "slack")
DISTURBANCES: dict[Setup, tuple[Disturbance, ...]] = {
    "one": ("redis", "disk", "cut worker", "cut other", *_ANYWHERE),
    "cluster": ("master", "slot", *_ANYWHERE),
    "sentinel": ("master", "stale", *_ANYWHERE),
}

WHENS: tuple[When, ...] = ("before", "after")
TAKEN: tuple[str, When] = ("take", "after")
# Whoever dies before it is given work dies with nothing.
_WITH_NOTHING: tuple[str, When] = ("take", "before")
DEATHS = [death for death in product(POINTS, WHENS) if death != _WITH_NOTHING]
_OFTEN: tuple[Kind, ...] = ("approve",) * 12
ASKERS: tuple[AskedBy, ...] = get_args(AskedBy)
_ASKED_BY: dict[Kind, tuple[AskedBy, ...]] = {"cancel": ("api",), "pause": ("api",)}
_WAYS: dict[Kind, tuple[Way, ...]] = {
    "both": ("slack", "mail", "console"),
    "late": ("slack", "api"),
    "stranger": ("mail", "api"),
}


class Plan:
    """Each of its lists never ends, and plays everything that there is before anything comes again.

    Nobody dies at a named point where no line to Redis tells when a process comes there.
    """

    def __init__(self, seed: int, setup: Setup = "one") -> None:
        self._seed = seed
        self._setup: Setup = setup

    def chance(self, of: str) -> random.Random:
        """Return the chance that one part of a storm draws from, so that no part changes what another draws."""
        return random.Random(f"{self._seed} {of}")  # noqa: S311

    def plots(self) -> Iterator[Plot]:
        """What people want."""
        chance = self.chance("plots")
        ways, askers = _dealt(chance, (*WAYS, *WAYS[1:])), _dealt(chance, (*ASKERS, *ASKERS[1:]))
        tools, numbers = _dealt(chance, TOOLS), iter(range(1, 10**9))
        for kind in _dealt(chance, (*KINDS, *_OFTEN)):
            way = _first(ways, _WAYS.get(kind, WAYS))
            asker = _first(askers, _ASKED_BY.get(kind, ASKERS))
            yield Plot(f"story-{self._seed}-{next(numbers)}x", kind, next(tools), asker, way)

    def kills(self) -> Iterator[tuple[str, str, When | None]]:
        """Who dies next, and at which named point, if at any. Also a short storm has a worker die with what it took."""
        chance = self.chance("kills")
        at_points = chain([TAKEN], _dealt(chance, DEATHS))
        elsewhere = _dealt(chance, list(product([TAKEN_BY_OTHERS], WHENS)))
        at_once, at_once_elsewhere = _dealt(chance, (True, False)), _dealt(chance, (True, True, False))
        for name in _dealt(chance, KILLED):
            if self._setup != "one" or next(at_once if name in WORKERS else at_once_elsewhere):
                yield (name, "", None)
            else:
                point, when = next(at_points if name in WORKERS else elsewhere)
                yield (name, point, when)

    def disturbances(self) -> Iterator[Disturbance]:
        """What else goes wrong."""
        return _dealt(self.chance("disturbances"), DISTURBANCES[self._setup])


def _dealt(chance: random.Random, cards: Sequence[T]) -> Iterator[T]:
    """Deal all cards, shuffled, again and again."""
    while True:
        deck = list(cards)
        chance.shuffle(deck)
        yield from deck


def _first(cards: Iterator[T], fitting: Collection[T]) -> T:
    return next(card for card in cards if card in fitting)
