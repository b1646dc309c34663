"""A program's request when the web process dies between two lines."""

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import httpx2
import pytest

from bot.people.api_keys import Keyring
from bot.people.directory import People
from bot.store import Store
from bot.store.client import Client
from bot.store.format import check_format
from tests.kit.office import QUICK, TOML, settings_of
from tests.kit.programs import KEY, Program
from tests.kit.waiting import PATIENCE_S
from tests.kit.world import a_world
from tests.servers.lines import Server
from tests.servers.redis import RedisServer
from tests.servers.scripts import SCRIPTS

pytestmark = pytest.mark.long

OPENING = "commit run_started+context_fetched+step_chosen+request_opened"
BODY, ONCE = {"question": "May staging-3 go?", "to": ["group:release"]}, {"Idempotency-Key": "k"}


def load_scripts(redis: RedisServer) -> None:
    """Load the scripts, so that the first call of each is one: a trap must not catch the one that finds it missing."""
    connection = redis.connect()
    for script in SCRIPTS:
        connection.ask("SCRIPT", "LOAD", script.text)
    connection.close()


async def mail_of(redis: RedisServer, data: Path) -> str:
    """The subject of Bo's first mail, once somebody works and has channels."""
    async with a_world(redis.url, data) as world:
        letter = await world.next_mail("bo")
        assert len(world.mails("bo")) == 1
        return letter.subject


async def key_of(url: str, folder: Path) -> str:
    settings, client = settings_of(folder, TOML), Client(url)
    await check_format(client)
    keyring = Keyring(Store(client, settings.shards), People(settings.people, settings.policies))
    _, text = await keyring.create(service="ci", scopes=["trigger", "read"], acts_for=["anna"], asks=["group:release"])
    await client.close()
    return text


@pytest.mark.parametrize(("when", "is_there"), [("before", False), ("after", True)])
def test_a_request_whose_opening_was_cut_is_there_once_after_it_is_sent_again(
    tmp_path: Path, when: Literal["before", "after"], is_there: bool
) -> None:
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(tmp_path / "redis")).start()
        load_scripts(redis)
        proxy = stack.enter_context(Server("tests.servers.redis_proxy", redis.url))
        data = tmp_path / "data"
        key = asyncio.run(key_of(redis.url, data))
        environ = {f"SAYSO_{name}": value for name, value in QUICK.items()} | {
            "SAYSO_DATA_DIR": str(data),
            "SAYSO_SECRET_KEY": KEY,
            "SAYSO_REDIS_URL": f"redis://127.0.0.1:{proxy.said['redis_port']}/0",
        }

        def web(name: str) -> tuple[Program, httpx2.Client]:
            program = stack.enter_context(Program(["web", "--port", "0"], environ, tmp_path / name))
            url, headers = program.wait_for().address(), {"Authorization": f"Bearer {key}"}
            client = httpx2.Client(base_url=url, headers=headers, timeout=PATIENCE_S, trust_env=False)
            return program, stack.enter_context(client)

        first, client = web("first")
        proxy.ask(do="arm", name=OPENING, nth=1, when=when, act="kill", pid=first.process.pid)
        with pytest.raises(httpx2.TransportError):
            client.post("/v1/requests", json=BODY, headers=ONCE)
        first.ended()

        _, client = web("second")
        found = client.get("/v1/requests").json()["requests"]
        answer = client.post("/v1/requests", json=BODY, headers=ONCE)
        again = client.get("/v1/requests").json()["requests"]

        assert len(found) == is_there
        assert answer.status_code == (200 if is_there else 201)
        assert [one["id"] for one in again] == [answer.json()["id"]]
        assert len(client.get("/v1/runs").json()["runs"]) == 1
        assert "The program ci asks: " in asyncio.run(mail_of(redis, data))
