"""Everything dies at once, Redis too, at moments of one deploy by mail; the next start goes on as if nothing had been.

The commands of a deploy outlive `sayso dev`: its successor adopts what they gave.
"""

import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agents.events import Event, RunEnded, ToolStarted
from bot.config.data_dir import DataDir
from tests.kit.installation import Installation
from tests.kit.reading import runs_in
from tests.kit.waiting import wait_until
from tests.servers.redis import RedisServer
from tests.servers.resp import Redis

pytestmark = pytest.mark.long


class Shop(Installation):
    """A `sayso dev`, with a Redis of its own, and what can be seen of it from outside."""

    def __init__(self, folder: Path, runtime: Path) -> None:
        super().__init__(folder, RedisServer(folder / "never started"))
        self.hold_deploys()
        self.environ = {"XDG_RUNTIME_DIR": str(runtime)}
        self.dev = self.program("dev", "--port", "0", "--demo-port", "0")

    def start(self) -> None:
        """Start everything."""
        self.dev.start().wait_for("sayso dev is running")

    def kill(self) -> None:
        """Kill everything with -9, Redis first, so that nobody tells it to end in order."""
        for group in (int((self.data / "redis" / "server.lock").read_text()), self.dev.process.pid):
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        self.dev.ended()

    def close(self) -> None:
        """End everything, a deploy that still waits included."""
        super().close()
        if self.dev.process.poll() is None:
            self.kill()

    def page(self) -> str:
        """The page that visitors see."""
        return (self.data / "demo" / "site" / "production" / "current" / "index.html").read_text()

    def story(self) -> list[Event]:
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
    wait_until(lambda: shop.deploys() == ["begun"], what="a deploy")


def deployed(shop: Shop) -> None:
    shop.go()
    answered(shop)
    wait_until(lambda: shop.deploys() == ["begun", "ended"], what="a deploy")


def told(shop: Shop) -> None:
    deployed(shop)
    shop.post.next_mail("anna", "Done:")


def assert_done_once(shop: Shop) -> None:
    """One decision, one deploy, one end."""
    shop.post.next_mail("anna", "Done:")
    ended = wait_until(lambda: [event for event in shop.story() if isinstance(event, RunEnded)], what="the end")

    kinds = Counter(event.type for event in shop.story())
    assert [event.outcome for event in ended] == ["done"]
    assert (kinds["run_started"], kinds["request_opened"], kinds["request_decided"]) == (1, 1, 1)
    started = [event.tool for event in shop.story() if isinstance(event, ToolStarted)]
    assert started.count("deploy") == 1
    assert shop.deploys() == ["begun", "ended"]
    assert "v1.1.0" in shop.page()


@pytest.mark.parametrize("moment", [asked, shown, answered, deployed, told], ids=lambda moment: moment.__name__)
def test_a_deploy_by_mail_happens_once_though_everything_is_killed_when_it_is(
    shop: Shop, moment: Callable[[Shop], None]
) -> None:
    moment(shop)

    shop.kill()
    shop.go()
    shop.start()

    if moment in {asked, shown}:
        shop.post.reply("bo", shop.post.next_mail("bo", "v1.1.0"), "approved, thanks")
    assert_done_once(shop)


@pytest.mark.parametrize("ends", ["while all is dead", "after the next start"])
def test_a_deploy_under_way_is_adopted_by_the_next_start_when_it_ends(shop: Shop, ends: str) -> None:
    deploying(shop)

    shop.kill()
    if ends == "while all is dead":
        shop.go()
        wait_until(lambda: shop.deploys() == ["begun", "ended"], what="the end of the deploy")
    shop.start()
    shop.dev.wait_for("adopting")
    shop.go()

    assert_done_once(shop)
