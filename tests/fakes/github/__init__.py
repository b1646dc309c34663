"""GitHub, as far as deploys need it: `running()` starts a stand-in, and the rest says how it is to be."""

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TREE = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class FakeGitHub:
    """A running server for the repository `acme/shop`. `token` is the only one it takes."""

    base_url: str
    token: str = "gh-test-token"
    repository: str = "acme/shop"

    def is_now(self, **how: object) -> None:
        """Be so from now on; see `Fake` in the server."""
        self._call("/_set", how)

    def ends(self, run_id: int, conclusion: str) -> None:
        """A run has come to its end."""
        self._call("/_end", {"id": run_id, "conclusion": conclusion})

    def dispatched(self) -> list[dict[str, Any]]:
        """The bodies of all dispatches that were taken."""
        return json.loads(self._call("/_seen"))

    def _call(self, path: str, body: object = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.base_url + path, data, timeout=60) as answer:  # noqa: S310
            return answer.read()


@contextlib.contextmanager
def running() -> Generator[FakeGitHub]:
    """A server on a free loopback port, gone afterwards."""
    command = [sys.executable, "-m", "tests.fakes.github.server"]
    with subprocess.Popen(command, cwd=_TREE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        assert port, "the stand-in for GitHub did not start: its error is above"
        try:
            yield FakeGitHub(f"http://127.0.0.1:{port}")
        finally:
            server.kill()
