"""Starts the fake as a process of its own."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

_TREE = Path(__file__).parents[4]


@contextlib.contextmanager
def running() -> Generator[str]:
    """The address of a fake Slack on a free loopback port, gone afterwards."""
    command = [sys.executable, "-m", "tests.fakes.slack", "--port", "0"]
    server = subprocess.Popen(command, cwd=_TREE, stdout=subprocess.PIPE, text=True)
    with server:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line, "the fake Slack did not start: its error is above"
        try:
            yield json.loads(line)["address"]
        finally:
            server.kill()
