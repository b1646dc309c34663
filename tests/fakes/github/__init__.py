"""GitHub, as far as deploys need it: `running()` starts a stand-in, and the rest says how it is to be."""

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from tests.fakes.process import Ordered, started


@dataclass(frozen=True, slots=True)
class FakeGitHub(Ordered):
    """A running server for the repository `acme/shop`. `token` is the only one it takes."""

    token: str = "gh-test-token"
    repository: str = "acme/shop"

    def ends(self, run_id: int, conclusion: str) -> None:
        """A run has come to its end."""
        self.call("/_end", {"id": run_id, "conclusion": conclusion})

    def dispatched(self) -> list[dict[str, Any]]:
        """The bodies of all dispatches that were taken."""
        return self.begun()


@contextlib.contextmanager
def running() -> Generator[FakeGitHub]:
    """A server on a free loopback port, gone afterwards."""
    with started("tests.fakes.github.server") as base_url:
        yield FakeGitHub(base_url)
