"""Everything dies at once, Redis too, at moments of one deploy by mail; the next start goes on as if nothing had been.

The commands of a deploy outlive `sayso dev`: its successor adopts what they gave.
"""

import os
import shutil
import signal
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agents.events import Event, RunEnded, ToolStarted
from bot.config.data_dir import DataDir
from bot.config.example import example_toml
from bot.config.settings import load
from bot.dev.demo import make_demo
from tests.kill.reading import runs_in
from tests.kit.waiting import wait_until
from tests.processes.post import Post
from tests.processes.programs import Program
from tests.servers.resp import Redis

QUICK = "lease_s = 1\ngrace_s = 1\nsweep_s = 0.1\n"

# A deploy that says when it begins, waits until it may go on, and says when it is done.
SLOW = """#!/bin/sh
echo begun >>{folder}/deploys
while [ ! -e {folder}/go ]; do sleep 0.02; done
./deploy.sh "$@" && echo deployed >>{folder}/deploys
"""


class Shop:
    """A `sayso dev` with its demo to deploy, and what can be seen of it from outside."""

    def __init__(self, folder: Path, runtime: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self._runtime = runtime
        repo = make_demo(self.data / "demo")
        slow = folder / "slow.sh"
        slow.write_text(SLOW.format(folder=folder))
        slow.chmod(slow.stat().st_mode | stat.S_IXUSR)
        toml = example_toml(repo).replace('"./deploy.sh"', f'"{slow}"')
        (self.data / "sayso.toml").write_text(QUICK + toml)
        self.post = Post(load(self.data, {}))
        self.program = self._dev()

    def start(self) -> None:
        """Start everything."""
        self.program = self._dev().__enter__()
        self.program.wait_for("sayso dev is running")

    def kill(self) -> None:
        """Kill everything with -9, Redis first, so that nobody tells it to end in order."""
        for group in (int((self.data / "redis" / "server.lock").read_text()), self.program.process.pid):
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        self.program.process.wait()

    def close(self) -> None:
        """End everything, a deploy that still waits included."""
        self.let_go()
        wait_until(lambda: Counter(self.deploys())["begun"] == Counter(self.deploys())["deployed"], 10, "no deploy")
        if self.program.process.poll() is None:
            self.kill()

    def let_go(self) -> None:
        """Let the deploy go on."""
        (self.folder / "go").touch()

    def deploys(self) -> list[str]:
        """The lines that deploys have written."""
        log = self.folder / "deploys"
        return log.read_text().split() if log.exists() else []

    def live(self) -> str:
        """The page that visitors see."""
        return (self.data / "demo" / "site" / "production" / "current" / "index.html").read_text()

    def events(self) -> list[Event]:
        """The events of the one run there is."""
        url = DataDir(self.data).redis()
        assert url
        redis = Redis(url)
        try:
            runs = runs_in(redis)
        finally:
            redis.close()
        assert len(runs) <= 1
        return [event for events in runs.values() for event in events]

    def _dev(self) -> Program:
        words = ["dev", "--data", str(self.data), "--port", "0", "--demo-port", "0"]
        return Program(words, {"XDG_RUNTIME_DIR": str(self._runtime)}, self.folder / "log")


@pytest.fixture
def shop(tmp_path: Path, short_path: Path) -> Iterator[Shop]:
    """A shop that is open."""
    shop = Shop(tmp_path, short_path)
    try:
        shop.start()
        yield shop
    finally:
        shop.close()
        shutil.rmtree(tmp_path / "data", ignore_errors=True)


def asked(shop: Shop) -> None:
    shop.post.write("anna", "deploy v1.1.0 to production")


def shown(shop: Shop) -> None:
    asked(shop)
    shop.post.next_mail("bo", "v1.1.0")


def answered(shop: Shop) -> None:
    asked(shop)
    shop.post.reply("bo", shop.post.next_mail("bo", "v1.1.0"), "approved, thanks")


def deploying(shop: Shop) -> None:
    answered(shop)
    wait_until(lambda: shop.deploys() == ["begun"], 20, "a deploy")


def deployed(shop: Shop) -> None:
    shop.let_go()
    answered(shop)
    wait_until(lambda: shop.deploys() == ["begun", "deployed"], 20, "a deploy")


def told(shop: Shop) -> None:
    deployed(shop)
    shop.post.next_mail("anna", "Done:")


def assert_done_once(shop: Shop) -> None:
    """One decision, one deploy, one end."""
    shop.post.next_mail("anna", "Done:")
    ended = wait_until(lambda: [event for event in shop.events() if isinstance(event, RunEnded)], 20, "the end")

    kinds = Counter(event.type for event in shop.events())
    assert [event.outcome for event in ended] == ["done"]
    assert (kinds["run_started"], kinds["request_opened"], kinds["request_decided"]) == (1, 1, 1)
    started = [event.tool for event in shop.events() if isinstance(event, ToolStarted)]
    assert started.count("deploy") == 1
    assert shop.deploys() == ["begun", "deployed"]
    assert "v1.1.0" in shop.live()


@pytest.mark.long
@pytest.mark.parametrize("moment", [asked, shown, answered, deployed, told], ids=lambda moment: moment.__name__)
def test_a_deploy_by_mail_happens_once_though_everything_is_killed_when_it_is(
    shop: Shop, moment: Callable[[Shop], None]
) -> None:
    moment(shop)

    shop.kill()
    shop.let_go()
    shop.start()

    if moment in {asked, shown}:
        shop.post.reply("bo", shop.post.next_mail("bo", "v1.1.0"), "approved, thanks")
    assert_done_once(shop)


@pytest.mark.parametrize("ends", ["while all is dead", "after the next start"])
@pytest.mark.long
def test_a_deploy_under_way_is_adopted_by_the_next_start_when_it_ends(shop: Shop, ends: str) -> None:
    deploying(shop)

    shop.kill()
    if ends == "while all is dead":
        shop.let_go()
        wait_until(lambda: shop.deploys() == ["begun", "deployed"], 10, "the end of the deploy")
    shop.start()
    shop.program.wait_for("adopting")
    shop.let_go()

    assert_done_once(shop)
