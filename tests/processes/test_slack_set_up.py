"""The processes of an installation that people reach in Slack: a deploy by each way, readiness, what is missing."""

import json
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from httpx2 import AsyncClient

from bot.config.example import example_toml
from bot.dev.demo import make_demo
from bot.web.serve import listen, port_of
from tests.fakes.slack.driver import Person, Workspace
from tests.kit.waiting import PATIENCE_S, until
from tests.processes.programs import KEY, Program, RedisServer

READY = '"event":"ready"'


class Branch:
    """A data directory with a demo to deploy, a Redis, and a workspace with Anna and Bo in #ops."""

    def __init__(self, folder: Path, redis: RedisServer, slack: Workspace) -> None:
        self.folder, self.slack, self.data = folder, slack, folder / "data"
        toml = example_toml(make_demo(self.data / "demo")).replace('reach = ["email"]', 'reach = ["slack", "email"]')
        for person in ("anna", "bo"):
            line = f'email = "{person}@corp.example"'
            toml = toml.replace(line, f'{line}\nslack = "U01{person.upper()}"')
        (self.data / "sayso.toml").write_text(toml)
        self.environ = {
            "SAYSO_REDIS_URL": redis.url,
            "SAYSO_SECRET_KEY": KEY,
            "PYTHONUNBUFFERED": "1",
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SAYSO_SLACK_BASE_URL": slack.base_url,
        }
        self.socket = {"SLACK_APP_TOKEN": slack.app_token}

    def program(self, *words: str, name: str = "", **more: str) -> Program:
        """A process of this branch; its log has its name."""
        log = self.folder / f"{name or words[0]}.log"
        return Program([*words, "--data", str(self.data)], self.environ | more, log)

    async def people(self) -> tuple[Person, Person]:
        """Anna and Bo, who are in #ops with sayso."""
        anna = await self.slack.person("anna", id="U01ANNA")
        bo = await self.slack.person("bo", id="U01BO")
        await self.slack.channel("ops", anna, bo, self.slack.bot)
        return anna, bo

    def live(self) -> str:
        """Return what the demo's site shows."""
        page = self.data / "demo" / "site" / "production" / "current" / "VERSION"
        return page.read_text() if page.exists() else ""


@pytest.fixture
async def branch(tmp_path: Path, slack_address: str) -> AsyncIterator[Branch]:
    with RedisServer(tmp_path / "redis") as redis:
        async with Workspace(slack_address) as slack:
            await slack.starts_anew()
            yield Branch(tmp_path, redis.start(), slack)
    shutil.rmtree(tmp_path / "data", ignore_errors=True)


async def from_mention_to_outcome(branch: Branch) -> None:
    anna, bo = await branch.people()
    asked = await anna.says("#ops", "@sayso deploy v1.2.0 to production")
    card = await branch.slack.message(in_=asked, containing="Who decides")

    pressed = await bo.presses("Approve", in_=card)

    assert pressed.acked
    await branch.slack.message(in_=asked, containing="Done:")
    assert await branch.slack.violations() == []


@pytest.mark.long
async def test_with_two_tokens_a_worker_and_sayso_slack_are_all_that_a_deploy_needs(branch: Branch) -> None:
    with branch.program("worker") as worker, branch.program("slack", **branch.socket) as slack:
        worker.wait_for(READY)
        slack.wait_for(READY)
        await branch.slack.connected()

        await from_mention_to_outcome(branch)


@pytest.mark.long
async def test_with_a_signing_secret_a_worker_and_sayso_web_are_all_that_a_deploy_needs(branch: Branch) -> None:
    with listen("127.0.0.1", 0) as free:
        port = port_of(free)
    url = f"http://127.0.0.1:{port}"
    posts = {"events_url": f"{url}/slack/events", "interactions_url": f"{url}/slack/interactions"}
    await branch.slack.settings(socket_mode=False, **posts)
    secret = {"SLACK_SIGNING_SECRET": branch.slack.signing_secret}
    with branch.program("worker") as worker, branch.program("web", "--port", str(port), **secret) as web:
        worker.wait_for(READY)
        web.wait_for(READY)

        verified = await branch.slack.tell("verify_url", url=f"{url}/slack/events")
        await from_mention_to_outcome(branch)

    assert verified["verified"]


@pytest.mark.long
async def test_what_is_not_signed_by_slack_is_refused_and_what_is_too_large_is_not_read(branch: Branch) -> None:
    secret = {"SLACK_SIGNING_SECRET": branch.slack.signing_secret}
    with branch.program("web", "--port", "0", **secret) as web:
        web.wait_for(READY)
        async with AsyncClient(base_url=_address(web), timeout=PATIENCE_S, trust_env=False) as nobody:
            unsigned = await nobody.post("/slack/events", json={"type": "url_verification", "challenge": "c"})
            large = await nobody.post("/slack/interactions", content=b"x" * (1_048_576 + 1))
            misdirected = await nobody.post("/slack/events", json={}, headers={"Host": "elsewhere.example"})
            looked = await nobody.get("/slack/events")

    answers = [answer.status_code for answer in (unsigned, large, misdirected, looked)]
    assert answers == [401, 413, 421, 405]


@pytest.mark.long
async def test_without_a_signing_secret_nothing_is_served_there(branch: Branch) -> None:
    with branch.program("web", "--port", "0") as web:
        web.wait_for(READY)
        async with AsyncClient(base_url=_address(web), timeout=PATIENCE_S, trust_env=False) as nobody:
            answer = await nobody.post("/slack/events", json={})

    assert answer.status_code == 415  # the console's word: it knows forms, and no such page


@pytest.mark.long
async def test_readiness_follows_the_lines_of_all_processes(branch: Branch) -> None:
    with ExitStack() as stack:
        web = stack.enter_context(branch.program("web", "--port", "0", **branch.socket))
        web.wait_for(READY)
        async with AsyncClient(base_url=_address(web), timeout=PATIENCE_S, trust_env=False) as prober:

            async def says(word: str) -> bool:
                return (await prober.get("/readyz")).json().get("slack") == word

            await until(lambda: says("nobody is connected"))
            one = stack.enter_context(branch.program("slack", name="one", **branch.socket))
            two = stack.enter_context(branch.program("slack", name="two", **branch.socket))
            await branch.slack.connected(2)
            await until(lambda: says("connected"))
            await branch.slack.tell("network", down=True)
            await until(lambda: says("not connected"))
            await branch.slack.tell("network", down=False)
            await until(lambda: says("connected"))
            one.signal(signal.SIGKILL)
            two.signal(signal.SIGKILL)
            await until(lambda: says("nobody is connected"))


@pytest.mark.long
async def test_sayso_dev_connects_and_says_so(branch: Branch) -> None:
    del branch.environ["SAYSO_REDIS_URL"], branch.environ["SAYSO_SECRET_KEY"]
    with branch.program("dev", "--port", "0", "--demo-port", "0", **branch.socket) as dev:
        dev.wait_for("Slack       connects by Socket Mode")
        assert "no member id yet: cy" in dev.said()
        await branch.slack.connected()

        await from_mention_to_outcome(branch)


@pytest.mark.long
async def test_what_is_answered_in_a_terminal_without_a_token_changes_the_card_in_slack(branch: Branch) -> None:
    file = branch.data / "sayso.toml"
    file.write_text(file.read_text().replace("quorum = 1 ", "quorum = 2 "))
    del branch.environ["SAYSO_REDIS_URL"], branch.environ["SAYSO_SECRET_KEY"]
    with branch.program("dev", "--port", "0", "--demo-port", "0", **branch.socket) as dev:
        dev.wait_for("Slack       connects by Socket Mode")
        anna, _ = await branch.people()
        await branch.slack.connected()
        asked = await anna.says("#ops", "@sayso deploy v1.2.0 to production")
        await branch.slack.message(in_=asked, containing="0 of 2")
        for name in ("SLACK_BOT_TOKEN", "SAYSO_SLACK_BASE_URL"):
            del branch.environ[name]
        with branch.program("requests", "--json") as listed:
            listed.ended()
        request = json.loads(listed.said())[0]

        words = ("answer", request["id"], "approve", "--digest", request["digest"], "--as", "bo")
        with branch.program(*words) as answered:
            answered.ended()

        assert answered.process.returncode == 0, answered.said()
        await branch.slack.message(in_=asked, containing="1 of 2: Bo Berg")


@pytest.mark.long
async def test_sayso_dev_says_what_is_missing(branch: Branch) -> None:
    del branch.environ["SAYSO_REDIS_URL"], branch.environ["SAYSO_SECRET_KEY"]
    with branch.program("dev", "--port", "0", "--demo-port", "0") as dev:
        dev.wait_for("SLACK_BOT_TOKEN is set and SLACK_APP_TOKEN is not")


def _address(web: Program) -> str:
    """Return where a web process listens, as its log says."""
    line = next(line for line in web.said().splitlines() if '"listening"' in line)
    return f"http://127.0.0.1:{json.loads(line)['port']}"
