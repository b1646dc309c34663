"""A model that coding agents talk to: `running()` starts a stand-in, and the rest says what it calls."""

import contextlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.process import Ordered, started


@dataclass(frozen=True, slots=True)
class FakeModel(Ordered):
    """A running server."""

    def wants(self, *calls: tuple[str, Mapping[str, Any]]) -> None:
        """Forget everything, and call these tools from now on, one after the other, with these arguments."""
        self.forgets()
        self.is_now(calls=[{"name": name, "arguments": arguments} for name, arguments in calls])

    def told(self) -> list[str]:
        """What it has heard of its calls by now: the result of each, as it reached a request to the model."""
        heard: list[list[str]] = [one["results"] for one in self.begun()]
        return max(heard, key=len, default=list[str]())


@contextlib.contextmanager
def running() -> Generator[FakeModel]:
    """A server on a free loopback port, gone afterwards."""
    with started("tests.fakes.models.server") as base_url:
        yield FakeModel(base_url)
