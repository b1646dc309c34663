"""GitLab, as far as deploys need it: `running()` starts a stand-in, and the rest says how it is to be."""

import contextlib
from collections.abc import Generator
from dataclasses import dataclass

from tests.fakes.process import Ordered, started


@dataclass(frozen=True, slots=True)
class FakeGitLab(Ordered):
    """A running server for the project `acme/web/shop`. `token` is the only one it takes."""

    token: str = "gl-test-token"
    project: str = "acme/web/shop"

    def ends(self, pipeline: int, status: str) -> None:
        """A pipeline has come to this status."""
        self.call("/_end", {"id": pipeline, "status": status})


@contextlib.contextmanager
def running() -> Generator[FakeGitLab]:
    """A server on a free loopback port, gone afterwards."""
    with started("tests.fakes.gitlab.server") as base_url:
        yield FakeGitLab(base_url)
