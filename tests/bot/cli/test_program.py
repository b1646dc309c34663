"""The parts of sayso that a command loads: most of the time that a command takes is that of loading them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.long import few_of

PROGRAM = """
import atexit, sys
atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))
from bot.cli import main
main()
"""
# What a process needs and no command: the composition, the queue, HTTP's server, Slack, the model, mail servers.
HEAVY = {
    *("bot.app", "bot.process.processes", "bot.web", "bot.execution.executor"),
    *("fastapi", "starlette", "uvicorn", "aiohttp", "slack_sdk", "slack_bolt", "anthropic"),
    *("genai_prices", "opentelemetry.sdk", "requests", "google.protobuf", "imapclient", "aiosmtplib", "aiosmtpd"),
}
NO_REDIS = {*HEAVY, "redis", "structlog", "httpx2", "channels.email.reply"}
# Where there is no Redis to attach to, all the same is loaded.
BESIDE_REDIS = {*HEAVY, "httpx2", "jinja2", "channels.email.reply"}


@pytest.mark.parametrize(
    ("command", "never", "at_most"),
    few_of(
        [
            ("--version", {*NO_REDIS, "asyncio", "pydantic_settings"}, 60),
            ("runs", {*NO_REDIS, "pydantic_settings"} - {"httpx2"}, 270),
            # A client waits for it: no SDK, and nothing that reads what is asked.
            ("mcp", {*NO_REDIS, "jinja2", "mcp", "mcp_types", "agents.events"} - {"httpx2"}, 265),
            ("agents", NO_REDIS, 300),
            ("prompts", NO_REDIS, 300),
            ("people", {*NO_REDIS, "jinja2"}, 245),
            ("policies", {*NO_REDIS, "jinja2"}, 260),
            ("keys list", BESIDE_REDIS, 480),
            ("login", BESIDE_REDIS, 480),
            ("rebuild", BESIDE_REDIS, 495),
            ("doctor", HEAVY, 600),
        ],
        1,
        2,
        rows=True,
    ),
)
def test_a_command_loads_what_it_needs_and_little_else(
    tmp_path: Path, command: str, never: set[str], at_most: int
) -> None:
    where = [] if command.startswith("-") else ["--data", str(tmp_path)]

    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command.split(), *where],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "SAYSO_URL": "http://127.0.0.1:9", "SAYSO_API_KEY": "k"} if command == "mcp" else None,
    )

    assert "Traceback" not in ended.stderr
    loaded = set(ended.stderr.splitlines()[-1].split())
    assert "bot.cli.program" in loaded
    assert loaded & never == set()
    # How many of its own the standard library loads differs from one patch of it to the next.
    assert len([name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names]) <= at_most
