from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.fakes.slack.driver import Workspace
from tests.kit.long import few_of
from tests.processes.branch import Branch
from tests.processes.place import Place, place_in
from tests.processes.slack_office import Mode, SlackOffice
from tests.processes.stage import Stage
from tests.servers.mailhost import MailHost
from tests.servers.redis import RedisServer


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Redis, people and the world outside; workers are started by the test."""
    with Stage(tmp_path) as stage:
        yield stage


@pytest.fixture
def branch(tmp_path: Path, mailhost: MailHost) -> Iterator[Branch]:
    """An installation with Redis and a provider; its processes are started by the test."""
    with RedisServer(tmp_path / "redis") as redis:
        yield Branch(tmp_path, redis.start(), mailhost)


@pytest.fixture
def office(tmp_path: Path, mailhost: MailHost) -> Iterator[Branch]:
    """The same as somebody sets it up who has read the README and nothing else."""
    with RedisServer(tmp_path / "redis") as redis:
        yield Branch(tmp_path, redis.start(), mailhost, hurried=False)


@pytest.fixture
async def slack_office(tmp_path: Path, slack_address: str) -> AsyncIterator[SlackOffice]:
    """An installation whose people are in Slack; its processes are started by the test."""
    with RedisServer(tmp_path / "redis") as redis:
        async with Workspace(slack_address) as slack:
            made = SlackOffice(tmp_path, redis.start(), slack)
            await made.opens()
            yield made


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A sayso that agents ask over MCP."""
    async with place_in(tmp_path) as place:
        yield place


@pytest.fixture(params=few_of(["socket", "http"], 0))
def mode(request: pytest.FixtureRequest) -> Mode:
    """The way in which Slack reaches sayso."""
    return request.param
