"""A `sayso dev` of a test's own, as a newcomer starts it."""

import re
import signal
import subprocess
from pathlib import Path
from typing import Self

from bot.config.data_dir import DataDir
from tests.kit.waiting import PATIENCE_S
from tests.processes.programs import Program
from tests.servers.lines import TOP
from tests.servers.program import COMMAND


class Dev(Program):
    """`sayso dev` while the context is open. What it acknowledged is there `again`, at the same addresses."""

    def __init__(self, folder: Path, runtime: Path, ports: tuple[str, str] = ("0", "0")) -> None:
        self._folder, self._runtime = folder, runtime
        words = ["dev", "--no-open", "--port", ports[0], "--demo-port", ports[1], "--data", str(folder / "data")]
        super().__init__(words, {"XDG_RUNTIME_DIR": str(runtime), "PYTHONUNBUFFERED": "1"}, folder / "dev.log")

    def __enter__(self) -> Self:
        """Start it; returns when it has printed where things are."""
        super().__enter__()
        self.wait_for("Ctrl-C ends it")
        self.link = self._printed("console")
        self.url = self._printed("HTTP API").removesuffix("/openapi.json")
        self.site = self._printed("live site").removesuffix("/production/")
        return self

    def again(self) -> "Dev":
        """The same once more, to be started after this one has gone."""
        return Dev(self._folder, self._runtime, (self.url.rpartition(":")[2], self.site.rpartition(":")[2]))

    def run(self, *words: str, status: int = 0) -> str:
        """Return what a command in another terminal prints that ends well, or with this `status`."""
        command = [*COMMAND, *words, "--data", str(self._folder / "data")]
        done = subprocess.run(
            command, cwd=TOP, env=self._environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        assert done.returncode == status, f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def key(self, person: str) -> str:
        """The API key of a person, as the commands beside it use it."""
        server = DataDir(self._folder / "data").server()
        assert server
        return server.keys[person]

    def kill(self) -> None:
        """Kill it with -9."""
        self.signal(signal.SIGKILL)
        self.ended()

    def leave(self) -> None:
        """End it by Ctrl-C, as people do. It has nothing to complain about."""
        self.signal(signal.SIGINT)
        assert self.ended() == 0
        assert "Traceback" not in self.said()

    def _printed(self, name: str) -> str:
        found = re.search(rf"^  {name} +(\S+)$", self.said(), re.MULTILINE)
        assert found, self.said()
        return found[1]
