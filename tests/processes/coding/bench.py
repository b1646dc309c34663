"""A coding agent at work in a folder: what it is told to do, what it does, and what its owner is asked meanwhile."""

import asyncio
import fcntl
import json
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from httpx2 import AsyncClient

from bot.cli.agent_files import text_of
from bot.cli.coding_agents import AGENTS, Wish
from tests.fakes.models import FakeModel
from tests.kit.programs import TOP
from tests.kit.waiting import until
from tests.servers.web import Api

# Leaves a line each time it runs.
COMMAND = "rm -rf build; echo ran >> ran.txt"
NOBODY = "http://127.0.0.1:9"
"""Where nothing listens."""

HOOK = (sys.executable, "-I", str(TOP / "clients" / "hook" / "sayso_hook.py"))
"""What starts `sayso-hook`."""
_ROWS, _COLUMNS = 50, 160
# Colours, and the moves of the cursor.
_CONTROLS = re.compile(r"\x1b(?:\[[0-9;:?<>=]*[a-zA-Z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[=>78()][0B]?)")


def connected(
    agent: str, url: str, *, wait_s: int = 570, every_call: bool = False, key_file: str = ""
) -> dict[str, Any]:
    """What `sayso connect` writes into the settings of an agent, as an object."""
    return json.loads(text_of(AGENTS[agent].hook(Wish(url, "", wait_s, every_call, "zebra", HOOK, key_file))))


@dataclass
class Work:
    """A program that runs; `says` is what it has written by now."""

    process: asyncio.subprocess.Process
    types: Callable[[bytes], object]
    written: bytearray = field(default_factory=bytearray)

    @property
    def said(self) -> str:
        """All that it wrote, with no colours."""
        return _CONTROLS.sub("", self.written.decode(errors="replace"))

    async def ended(self) -> int:
        """Its exit code, once it has one."""
        await until(lambda: self.process.returncode is not None, what="the program ends")
        return self.process.returncode or 0

    def has_shown(self, words: str) -> bool:
        """Whether it has written these words; spaces may be moves of the cursor."""
        return "".join(words.split()) in "".join(self.said.split())

    async def shows(self, words: str) -> None:
        """Returns once it has."""
        await until(lambda: self.has_shown(words), what=f"the program shows {words!r}")


@dataclass
class Bench:
    """A folder, a model, a sayso and the key of whoever works here; Bo answers."""

    folder: Path
    home: Path
    model: FakeModel
    api: Api
    key: str
    bo: AsyncClient

    @property
    def ran(self) -> int:
        """How often the command ran."""
        path = self.folder / "ran.txt"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def environ(self, **more: str) -> dict[str, str]:
        """The environment of a program here: nothing of ours but the way to programs."""
        ours = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        return ours | {"HOME": str(self.home), "SAYSO_URL": self.api.url, "SAYSO_API_KEY": self.key} | more

    @asynccontextmanager
    async def working(
        self, words: Sequence[str | Path], environ: Mapping[str, str], *, terminal: bool = False
    ) -> AsyncGenerator[Work]:
        """A program, in a terminal or with none; it is killed at the end, with all that it started."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        process = await asyncio.create_subprocess_exec(
            *words, cwd=self.folder, env={"TERM": "xterm-256color", **environ}, start_new_session=True,
            stdin=theirs if terminal else asyncio.subprocess.DEVNULL, stdout=theirs, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        work, loop = Work(process, lambda keys: os.write(ours, keys)), asyncio.get_running_loop()

        def read() -> None:
            try:
                work.written.extend(os.read(ours, 65_536))
            except OSError:  # the other end is closed
                loop.remove_reader(ours)

        loop.add_reader(ours, read)
        try:
            yield work
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            # Copilot starts its hooks in groups of their own.
            for pid, _ in _asking(environ["SAYSO_URL"]):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            loop.remove_reader(ours)
            os.close(ours)

    async def opened(self, work: Work | None = None, but: str = "") -> dict[str, Any]:
        """The request that is open, once there is one that is not `but`; who asks may not end before."""
        found = list[dict[str, Any]]()

        async def is_open() -> bool:
            nonlocal found
            assert work is None or work.process.returncode is None, f"nobody was asked: {work.said}"
            found = [one for one in await self.requests("open") if one["id"] != but]
            return bool(found)

        await until(is_open, what="a request is open")
        return found[0]

    async def requests(self, state: str = "") -> list[dict[str, Any]]:
        """Every request there is, the newest first, or those in this state."""
        return (await self.bo.get("/v1/requests" + (f"?state={state}" if state else ""))).json()["requests"]

    async def votes(self, request: Mapping[str, Any], vote: str = "approve", **more: str) -> None:
        """Bo answers."""
        body = {"vote": vote, "digest": request["digest"], **more}
        answer = await self.bo.post(f"/v1/requests/{request['id']}/answer", json=body)
        assert answer.is_success, answer.text

    async def kills_hook(self, *, whole: bool = False) -> None:
        """Kill the command that asks, once it does; the `whole` of it with the shell that started it."""
        await self.api.until_open()
        for pid, words in _asking(self.api.url):
            if whole or words.startswith(sys.executable):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    async def heard(self, count: int = 1) -> list[str]:
        """What the model was told of its calls, once it was told of so many."""
        await until(lambda: len(self.model.told()) >= count, what=f"the model has heard of {count} calls")
        return self.model.told()


def _asking(url: str) -> list[tuple[int, str]]:
    """The processes that ask there, and those that started them, which come first; with their command lines."""
    about = [(int(path.parent.name), _words(path)) for path in Path("/proc").glob("[0-9]*/cmdline")]
    return sorted((pid, words) for pid, words in about if f"{HOOK[-1]} " in words and f"--url {url} " in words)


def _words(path: Path) -> str:
    try:
        return path.read_text(errors="replace").replace("\0", " ")
    except OSError:  # it has ended
        return ""
