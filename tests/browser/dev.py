"""A `sayso dev` of a test's own, as a newcomer starts it."""

import signal
from pathlib import Path
from typing import Self

from bot.config.data_dir import DataDir
from tests.kit.programs import Program, typed


class Dev(Program):
    """`sayso dev` while the context is open. What it acknowledged is there `again`, at the same addresses."""

    def __init__(self, folder: Path, runtime: Path, ports: tuple[str, str] = ("0", "0")) -> None:
        self._folder, self._runtime = folder, runtime
        words = ["dev", "--no-open", "--port", ports[0], "--demo-port", ports[1], "--data", str(folder / "data")]
        super().__init__(words, {"XDG_RUNTIME_DIR": str(runtime), "PYTHONUNBUFFERED": "1"}, folder / "dev.log")

    def __enter__(self) -> Self:
        """Start it; returns when it has printed where things are."""
        super().__enter__()
        self.link = self.printed("console")
        self.url = self.printed("HTTP API").removesuffix("/openapi.json")
        self.site = self.printed("live site").removesuffix("/production/")
        return self

    def again(self) -> "Dev":
        """The same once more, to be started after this one has gone."""
        return Dev(self._folder, self._runtime, (self.url.rpartition(":")[2], self.site.rpartition(":")[2]))

    def run(self, *words: str, status: int = 0) -> str:
        """Return what a command in another terminal prints that ends well, or with this `status`."""
        done = typed(*words, "--data", str(self._folder / "data"), env=self._environ)
        assert done.code == status, f"{words} ended with {done.code}:\n{done.out}\n{done.err}"
        return done.out.strip()

    def key(self, person: str) -> str:
        """The API key of a person, as the commands beside it use it."""
        server = DataDir(self._folder / "data").server()
        assert server
        return server.keys[person]

    def leave(self) -> None:
        """End it by Ctrl-C, as people do. It has nothing to complain about."""
        self.signal(signal.SIGINT)
        assert self.ended() == 0
        assert "Traceback" not in self.said()
