"""Argo CD, as far as deploys need it: `running()` starts a stand-in, and the rest says how it is to be."""

import contextlib
from collections.abc import Generator
from dataclasses import dataclass

from tests.fakes.process import Ordered, started


@dataclass(frozen=True, slots=True)
class FakeArgoCD(Ordered):
    """A running server with the application `shop`. `token` is the only one it takes."""

    token: str = "argo-test-token"
    application: str = "shop"

    def ends(self, phase: str, message: str = "") -> None:
        """The operation has come to this phase."""
        self.call("/_end", {"phase": phase, "message": message})

    def somebody_syncs(self) -> None:
        """Somebody else starts an operation, and it succeeds."""
        self.call("/_other", {})


@contextlib.contextmanager
def running() -> Generator[FakeArgoCD]:
    """A server on a free loopback port, gone afterwards."""
    with started("tests.fakes.argocd.server") as base_url:
        yield FakeArgoCD(base_url)
