"""A collector of OpenTelemetry: `running()` starts a stand-in, and the rest says what came."""

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from tests.fakes.process import Ordered, started

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FakeCollector(Ordered):
    """A running server. Told that it `is_now(down=400)`, it answers everything with that status."""

    def spans(self, begins: str = "") -> list[Json]:
        """The spans whose name begins so, in the order in which they began; see `_span` in the server."""
        found = [one for one in self.begun() if "span" in one and one["name"].startswith(begins)]
        return sorted(found, key=lambda span: span["began_ns"])

    def points(self, metric: str) -> list[Json]:
        """The points of this metric, as they were sent last; see `_points` in the server."""
        sent: list[list[Json]] = [one["points"] for one in self.begun() if one.get("metric") == metric]
        return sent[-1] if sent else []

    def services(self) -> set[str]:
        """The names of those who sent something."""
        return {one["service"] for one in self.begun()}


@contextlib.contextmanager
def running() -> Generator[FakeCollector]:
    """A server on a free loopback port, gone afterwards."""
    with started("tests.fakes.collector.server") as base_url:
        yield FakeCollector(base_url)
