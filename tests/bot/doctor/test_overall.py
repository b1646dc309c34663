"""The doctor's findings, each with what fixes it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config.data_dir import DataDir
from bot.config.example import example_toml
from bot.config.settings import Settings, load
from bot.dev.demo import make_demo
from bot.doctor.overall import Finding, examine
from bot.store.client import Client
from bot.store.client.durability import ACCEPTED_LOSS
from bot.store.format import FORMAT, check_format
from bot.store.keys import Keys
from tests.fakes.anthropic import FakeAnthropic
from tests.fakes.anthropic import running as anthropic_running
from tests.kit.programs import KEY
from tests.servers.redis import RedisServer

ALONE = {"SAYSO_SECRET_KEY": KEY}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that keeps what it acknowledges."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server.start()


@pytest.fixture(scope="module")
def anthropic() -> Iterator[FakeAnthropic]:
    """A model that answers."""
    with anthropic_running() as fake:
        yield fake


@pytest.fixture
def environ(server: RedisServer, anthropic: FakeAnthropic) -> dict[str, str]:
    """The environment of an installation in which all is well, but that it has no mail."""
    model = {"ANTHROPIC_API_KEY": anthropic.key, "ANTHROPIC_BASE_URL": anthropic.base_url}
    return ALONE | model | {"SAYSO_REDIS_URL": server.url, "SAYSO_AUDIT_KEY": KEY[::-1]}


@pytest.fixture
def data(tmp_path: Path, demo: Path) -> Path:
    """A data directory in which all is well."""
    folder = tmp_path / "data"
    shutil.copytree(demo, folder / "demo", symlinks=True)
    DataDir(folder).note("sayso.toml", example_toml(make_demo(folder / "demo")))
    DataDir(folder).note("mail.json", '{"port": 25}')
    return folder


@pytest.fixture
def locked(data: Path) -> Iterator[Path]:
    """The same, and only to be read."""
    data.chmod(0o500)
    if os.access(data, os.W_OK):
        pytest.skip("root may write everywhere")
    yield data
    data.chmod(0o700)


async def found(settings: Settings, about: str) -> Finding:
    """The one finding with `about` in it."""
    findings = await examine(settings)
    [one] = [finding for finding in findings if about in finding.what]
    return one


async def test_when_all_is_well_nothing_needs_mending(data: Path, environ: dict[str, str]) -> None:
    every = await examine(load(data, environ))

    findings = [finding for finding in every if "mail" not in finding.what and "archive" not in finding.what]
    assert [(finding.sign, finding.fix) for finding in findings] == [("✓", "")] * (len(every) - 3)
    said = "\n".join(finding.what for finding in findings)
    for part in ("3 people", "can be written", "Redis answers", "durability verified", "git is there", "staging"):
        assert part in said


async def test_without_a_redis_it_names_the_ways_to_get_one(tmp_path: Path, data: Path) -> None:
    findings = await examine(load(data, {}))
    said = {finding.what: finding for finding in findings}

    [none] = [finding for finding in findings if "no Redis to attach to" in finding.what]
    assert (none.sign, "Start one with `sayso dev`" in none.fix, "SAYSO_REDIS_URL" in none.fix) == ("✗", True, True)
    assert said["the secret key is kept in the data directory"].sign == "✓"
    new = await found(load(tmp_path / "new", {}), "the secret key is")
    assert new.what == "the secret key is made with the data directory"


async def test_a_weaker_redis_is_wrong_until_the_loss_is_accepted_in_words(
    data: Path, environ: dict[str, str], server: RedisServer
) -> None:
    connection = server.connect()
    connection.ask("CONFIG", "SET", "appendfsync", "everysec")
    try:
        weaker = await found(load(data, environ), "durability")
        accepted = await found(load(data, environ | {"SAYSO_ACCEPT_DURABILITY": ACCEPTED_LOSS}), "durability")
    finally:
        connection.ask("CONFIG", "SET", "appendfsync", "always")
        connection.close()

    assert weaker.sign == "✗"
    assert "appendfsync is 'everysec', not 'always'" in weaker.what
    assert f"SAYSO_ACCEPT_DURABILITY={ACCEPTED_LOSS!r}" in weaker.fix
    assert (accepted.sign, accepted.fix) == ("!", "")


async def test_a_data_directory_of_somebody_else_is_wrong(locked: Path, environ: dict[str, str]) -> None:
    finding = await found(load(locked, environ), "can't be written")

    assert finding.sign == "✗"
    assert finding.fix == f"sudo chown -R $(id -un) {locked}"


async def test_the_format_of_the_store_is_named(data: Path, environ: dict[str, str]) -> None:
    client = Client(environ["SAYSO_REDIS_URL"])
    await check_format(client)

    fine = await found(load(data, environ), "the store has format")
    await client.do("SET", Keys(0).format, FORMAT + 1)
    wrong = await found(load(data, environ), "This store has format")

    await client.do("SET", Keys(0).format, FORMAT)
    await client.close()
    assert (fine.sign, fine.what) == ("✓", f"the store has format {FORMAT}, as this release reads it")
    assert (wrong.sign, "Start the release of sayso that wrote it" in wrong.fix) == ("✗", True)
