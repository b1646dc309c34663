"""Fixtures that many tests share: one real Redis for the session, empty for each test, and a running sayso over it."""

import gc
import os
import shutil
import socket
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from bot.dev.demo import make_demo
from bot.store.embedded import EmbeddedRedis
from tests.fakes.hallway import Hallway
from tests.fakes.slack.driver import Workspace, running
from tests.kit.opens import opened
from tests.kit.programs import SHARED, nursery
from tests.kit.shop import a_shop
from tests.kit.world import World
from tests.servers.authority import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.dovecot import missing as dovecot_missing
from tests.servers.mailhost import MailHost
from tests.servers.mailhost import missing as mailhost_missing
from tests.servers.redis import redis_program
from tests.servers.web import Api, serving

# What stands here until a process sets its logs up draws a frame around every line of a traceback.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)

# Looking for cycles as often as Python does by itself takes a sixth of all the time.
gc.set_threshold(150_000, 10, 10)

# A busy machine is not a failure. `./check` draws few examples, `./check --all` as many as hypothesis thinks right.
settings.register_profile("fast", deadline=None, max_examples=15)
settings.register_profile("all", deadline=None, max_examples=100)
settings.load_profile("fast")

# Begun first, so that at the end no process works on while the others have nothing left. Folders stand for their files.
_LONGEST = (
    "tests/storm/test_storm.py", "tests/bench", "tests/test_mutations.py",
    "tests/kill", "tests/bot/cli", "tests/processes",
    "tests/browser", "tests/stories/slack/test_crowd.py", "tests/stories/test_by_hand.py",
    "tests/bot/web/api/test_openapi.py", "tests/docs", "tests/stories/mail/test_servers.py",
    "tests/stories/test_everywhere.py", "tests/stories/faults/test_slack.py",
)  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Where several processes run the tests, start the nursery of programs once for all of them."""
    if not hasattr(config, "workerinput") and config.getoption("numprocesses", None):
        open_ = ExitStack()
        config.add_cleanup(open_.close)
        folder = open_.enter_context(tempfile.TemporaryDirectory(prefix="sayso-"))
        os.environ[SHARED] = f"{folder}/nursery"
        open_.enter_context(nursery(os.environ[SHARED]))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files first; all others keep their order."""

    def place(item: pytest.Item) -> int:
        path = f"{item.path.relative_to(config.rootpath).as_posix()}/"
        return next((number for number, one in enumerate(_LONGEST) if path.startswith(f"{one}/")), len(_LONGEST))

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """What is loaded by now is no garbage: never look at it again."""
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def _leaves_nothing_open() -> Iterator[None]:
    """A file that leaves a socket open fails by itself, and not one that its process comes to later.

    What is left then was loaded for good: to look at it after each file took a fifth of a second for each.
    """
    yield
    with warnings.catch_warnings(record=True, action="always") as told:
        gc.collect()
    gc.freeze()
    left_open = [str(each.message) for each in told]
    assert not left_open


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder of one test whose path is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="sayso-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def open_path(short_path: Path) -> Path:
    """The same for servers that run as other users."""
    short_path.chmod(0o755)
    return short_path


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of the session's Redis server."""
    folder = Path(tempfile.mkdtemp(prefix="sayso-"))
    with EmbeddedRedis(folder, folder / "run", redis_program()) as server:
        yield server.start()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis(redis_server: str) -> str:
    """The URL of a Redis with nothing in it."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(redis_server.removeprefix("unix://"))
        connection.sendall(b"FLUSHALL\r\n")
        assert connection.recv(64) == b"+OK\r\n"
    return redis_server


@pytest.fixture(scope="session")
def slack_address() -> Iterator[str]:
    """The address where the session's fake Slack listens."""
    with running() as address:
        yield address


@pytest.fixture
async def slack(slack_address: str) -> AsyncIterator[Workspace]:
    """An empty workspace."""
    async with Workspace(slack_address) as workspace:
        await workspace.starts_anew()
        yield workspace


@pytest.fixture(scope="session")
def authority() -> Iterator[Authority]:
    """Signs the certificates of the servers in these tests, which may run as other users."""
    folder = Path(tempfile.mkdtemp(prefix="sayso-"))
    folder.chmod(0o755)
    yield Authority(folder / "authority")
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    """A Dovecot for the session; each test has a mailbox of its own in it."""
    if why := dovecot_missing():
        pytest.skip(why)
    folder = Path(tempfile.mkdtemp(prefix="sayso-"))
    folder.chmod(0o755)
    with Dovecot(folder / "dovecot", authority) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def mailhost(authority: Authority) -> Iterator[MailHost]:
    """One provider for the session; each test has an address of its own there."""
    if why := mailhost_missing():
        pytest.skip(why)
    folder = Path(tempfile.mkdtemp(prefix="sayso-"))
    folder.chmod(0o755)
    with MailHost(folder, authority) as host:
        yield host
    shutil.rmtree(folder)


@pytest.fixture
async def world(request: pytest.FixtureRequest, redis: str, tmp_path: Path) -> AsyncIterator[World]:
    """A running sayso, of the kind that `tests/kit/opens.py` says, else with the people of `tests/kit/office.py` and an
    agent that does what the text of its trigger says.
    """
    async with opened(request, redis, tmp_path / "data") as world:
        yield world


@pytest.fixture
async def api(world: World) -> AsyncIterator[Api]:
    """`world` over HTTP, on a free port of loopback."""
    async with serving(world.app) as api:
        yield api


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo repository and its site, for `shop` to copy."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    make_demo(folder)
    return folder


@pytest.fixture
async def shop(redis: str, tmp_path: Path, demo: Path) -> AsyncIterator[World]:
    """A running sayso as `sayso dev` has it: the example settings, the deploy agent, the demo to deploy."""
    async with a_shop(redis, tmp_path / "data", demo) as world:
        yield world


@pytest.fixture
def hallway() -> Hallway:
    """A channel beside mail, in which people meet."""
    return Hallway()
