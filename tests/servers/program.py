"""The program `sayso` as a process of its own."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_MAIN = "from bot.cli import main; main()"
# What a command notes of its user; not in the home of whoever runs the tests.
_STATE = tempfile.TemporaryDirectory(prefix="sayso-state-")
COMMAND = (sys.executable, "-c", _MAIN)


def environment(**more: str) -> dict[str, str]:
    """Ours without any setting of sayso, and `more`."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SAYSO_", "ANTHROPIC_", "OPENAI_", "AZURE_OPENAI_", "SLACK_"))
    }
    return {**ours, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": _STATE.name, **more}


async def sayso(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of one command."""
    program = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, cwd=cwd, env=environment(**(env or {})),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await program.communicate()
    return program.returncode or 0, out.decode(), err.decode()
