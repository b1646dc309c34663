"""A chaos proxy of another maker in front of a model: agentbreak, bound to this machine, by scenarios of our own.

It is installed into an environment of its own in SAYSO_BENCH_WORK (a temporary folder), nowhere else. Its wheel comes
without the files that say which faults there are, so these are written there first. It can't cut an answer in its
middle: `Cutter` does, between it and sayso.
"""

import asyncio
import json
import os
import socket
import subprocess
import tempfile
import venv
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any
from urllib.request import urlopen

from bot.testing.waiting import until

Json = dict[str, Any]

# What its own manifests would say: when a fault takes place, and by which of its primitives.
_FAULTS: dict[str, Json] = {
    "latency": {"phase": "pre", "action": "delay", "required_fields": ["min_ms", "max_ms"]},
    "http_error": {"phase": "pre", "action": "return_error", "required_fields": ["status_code"]},
    "invalid_json": {"phase": "post", "action": "corrupt_json"},
    "empty_response": {"phase": "post", "action": "replace_body"},
    "schema_violation": {"phase": "post", "action": "corrupt_schema"},
    "wrong_content": {"phase": "post", "action": "wrong_content"},
}
# The slow ones are above the time-out that the bench gives its models.
_SCENARIOS: dict[str, tuple[float, Json]] = {
    "a little slow": (0.15, {"kind": "latency", "min_ms": 50, "max_ms": 400}),
    "too slow": (0.06, {"kind": "latency", "min_ms": 2_500, "max_ms": 3_500}),
    "429": (0.12, {"kind": "http_error", "status_code": 429}),
    "529": (0.12, {"kind": "http_error", "status_code": 529}),
    "500": (0.05, {"kind": "http_error", "status_code": 500}),
    "401": (0.02, {"kind": "http_error", "status_code": 401}),
    "malformed JSON": (0.12, {"kind": "invalid_json"}),
    "no body": (0.05, {"kind": "empty_response"}),
    "wrong fields": (0.08, {"kind": "schema_violation"}),
    "other words": (0.05, {"kind": "wrong_content"}),
}
_CUT = 0.1
_PACKAGE = "agentbreak==0.4.6"


class Cutter:
    """Forwards from its own `port` to `to`, and ends some lines in the middle of an answer; `count` says how many."""

    def __init__(self, to: int, draws: Random) -> None:
        self._to, self._draws, self.count = to, draws, 0

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[str]:
        """The address of it."""
        server = await asyncio.start_server(self._line, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
            asked = asyncio.create_task(self._copied(reader, back, 0))
            await self._copied(there, writer, _CUT)
            asked.cancel()
            back.close()
        writer.close()

    async def _copied(self, source: asyncio.StreamReader, to: asyncio.StreamWriter, cut: float) -> None:
        with suppress(OSError):
            while part := await source.read(65_536):
                if self._draws.random() < cut:
                    self.count += 1
                    to.write(part[: len(part) // 2])
                    await to.drain()
                    return
                to.write(part)
                await to.drain()


class Proxy:
    """A running agentbreak in front of one model."""

    def __init__(self, port: int, cutter: Cutter, address: str) -> None:
        self._port, self.cutter, self.address = port, cutter, address

    def faults(self) -> dict[str, int]:
        """How often each fault has happened."""
        with urlopen(f"http://127.0.0.1:{self._port}/_agentbreak/scorecard", timeout=30) as answer:
            found: list[Json] = json.loads(answer.read())["scenarios"]
        return {one["name"]: one["triggered"] for one in found} | {"cut in its middle": self.cutter.count}


@asynccontextmanager
async def proxied(python: Path, upstream: str, folder: Path, draws: Random) -> AsyncGenerator[Proxy]:
    """An agentbreak of the environment of `python` in front of the server at `upstream`."""
    program, port = _started(python, upstream, folder)
    try:
        await until(lambda: _answers(program, port), what=f"agentbreak listens; see its log in {folder}")
        cutter = Cutter(port, draws)
        async with cutter.listening() as address:
            yield Proxy(port, cutter, address)
    finally:
        program.kill()
        program.wait()


def _started(python: Path, upstream: str, folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """The program, and the port that it will listen on."""
    folder.mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    scenarios: list[Json] = [
        {
            "name": name,
            "summary": name,
            "target": "llm_chat",
            "fault": fault,
            "schedule": {"mode": "random", "probability": share},
        }
        for name, (share, fault) in _SCENARIOS.items()
    ]
    told: dict[str, Json] = {
        "application": {
            "llm": {"enabled": True, "mode": "proxy", "upstream_url": upstream},
            "mcp": {"enabled": False},
            "serve": {"host": "127.0.0.1", "port": port},
        },
        "scenarios": {"version": 1, "scenarios": scenarios},
    }
    for name, one in told.items():
        (folder / f"{name}.yaml").write_text(json.dumps(one))  # JSON is YAML
    (folder / "registry.json").write_text("{}")
    argv = [str(python), "-m", "agentbreak", "serve", "--config", "application.yaml", "--scenarios", "scenarios.yaml"]
    with (folder / "agentbreak.log").open("wb") as log:
        program = subprocess.Popen([*argv, "--registry", "registry.json"], cwd=folder, stdout=log, stderr=log)
    return program, port


def install() -> Path:
    """Return the Python of an environment that has agentbreak and its faults; make it the first time."""
    folder = Path(os.environ.get("SAYSO_BENCH_WORK") or Path(tempfile.gettempdir()) / "sayso-bench") / "agentbreak"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", _PACKAGE], check=True)
        (folder / "ready").touch()
    where = "import agentbreak.faults as f; print(f.__path__[0])"
    found = subprocess.run([str(python), "-c", where], capture_output=True, text=True, check=True).stdout.strip()
    for name, manifest in _FAULTS.items():
        there = Path(found) / "catalog" / "ours" / name
        there.mkdir(parents=True, exist_ok=True)
        (there / "manifest.yaml").write_text(json.dumps({"id": name, "targets": ["llm_chat"], **manifest}))
    return python


def _answers(program: subprocess.Popen[bytes], port: int) -> bool:
    assert program.poll() is None, "agentbreak has ended"
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
