"""Starts the fake as a process of its own."""

import contextlib
import json
from collections.abc import Generator

from tests.kit.programs import Beside


@contextlib.contextmanager
def running() -> Generator[str]:
    """The address of a fake Slack on a free loopback port, gone afterwards."""
    with Beside("tests.fakes.slack") as server:
        yield json.loads(server.line)["address"]
