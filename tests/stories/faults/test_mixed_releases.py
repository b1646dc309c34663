"""Workers of two releases side by side, as during a rolling restart: what only one of them knows is left to it."""

from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agents.requests import RunId
from bot.app import App, compose
from bot.config.settings import Settings
from bot.telemetry import Off
from tests.kit.office import TOML
from tests.kit.waiting import until
from tests.kit.world import World


class Turns(Off):
    """Counts the turns of runs that are over."""

    def __init__(self) -> None:
        self.over = 0

    @contextmanager
    def turn(self, run_id: str) -> Generator[None]:
        yield
        self.over += 1


@dataclass
class Rolling(World):
    """An office that has been started with another release: the older one has no agent but those that all have."""

    is_older: bool = False
    looked: Turns = field(default_factory=Turns)

    def composed(self, settings: Settings) -> App:
        """As ever, or without the clerk."""
        if not self.is_older:
            return super().composed(settings)
        return compose(settings, self.url, [self.mail.channel()], (), people=self.people, telemetry=self.looked)


@pytest.fixture
async def rolling(redis: str, tmp_path: Path) -> AsyncIterator[Rolling]:
    office = Rolling(redis, tmp_path / "data", TOML)
    await office.start(works=False)
    try:
        yield office
    finally:
        await office.stop()


async def seen_by_the_older(rolling: Rolling) -> RunId:
    """A run that the newer release has started, once a worker of the older one has looked at it."""
    run_id = await rolling.trigger("press bell")
    await rolling.stop()
    rolling.is_older = True
    await rolling.start()
    await until(lambda: rolling.looked.over, what="the older worker has looked at it")
    return run_id


async def test_attack_an_older_worker_ends_a_run_whose_agent_only_a_newer_one_has(rolling: Rolling) -> None:
    run_id = await seen_by_the_older(rolling)
    assert (await rolling.run(run_id)).ended is None

    await rolling.stop()
    rolling.is_older = False
    await rolling.start()

    assert (await rolling.opened(run_id)).request.call


async def test_a_run_whose_agent_nobody_has_any_more_ends_once_a_restart_would_be_over(rolling: Rolling) -> None:
    run_id = await seen_by_the_older(rolling)

    await rolling.move_time(11 * 60)

    assert "This release has no agent 'clerk'" in await rolling.summary(run_id)


async def test_whoever_stops_it_meanwhile_stops_it_at_once(rolling: Rolling) -> None:
    run_id = await seen_by_the_older(rolling)

    await rolling.steer(run_id, "cancel")

    assert (await rolling.ended(run_id)).state == "cancelled"
