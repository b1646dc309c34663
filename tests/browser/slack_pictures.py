"""Takes the pictures of docs/pictures/slack anew:   .venv/bin/python -m tests.browser.slack_pictures

First the story is played, by a real `sayso dev` and people in the fake Slack, and the fake's own pages of it are kept;
then a browser draws them. The one needs an event loop, and the other has one of its own.
"""

import asyncio
import json
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from httpx2 import AsyncClient
from playwright.sync_api import Browser, ViewportSize

from tests.browser.pictures import chromium, said, smaller
from tests.browser.visitor import PHONE
from tests.fakes.slack.driver import Message, Person, Workspace, running
from tests.kit.programs import Program
from tests.kit.waiting import patience
from tests.processes.slack_office import SlackOffice
from tests.servers.lines import TOP
from tests.servers.redis import RedisServer

FOLDER = TOP / "docs" / "pictures" / "slack"
PANE: ViewportSize = {"width": 640, "height": 400}

PLACES = """
[policies.pair]
approvers = ["group:release"]
quorum = 2
reach = ["slack"]
expires_after = "4h"
execute_within = "15m"
"""
FAILS = ["sh", "-c", "echo 'rsync: connection to mirror.shop.example timed out' >&2; exit 12"]
ARGUMENTS = {
    "older_than_days": 30,
    "dry_run": False,
    "volumes": [f"staging-{name}/pvc-{number:04}" for number, name in enumerate(["blue", "green", "red"] * 18, 4211)],
}


@dataclass(frozen=True)
class Seen:
    """A page of the fake, and what of it is kept: `only` is a selector; else all of it, down to its end."""

    html: str
    only: str = ""
    size: ViewportSize = field(default_factory=lambda: PANE)


class Album:
    """Keeps pages of the fake under the names of their pictures."""

    def __init__(self, slack: Workspace) -> None:
        self._slack, self.seen = slack, dict[str, Seen]()

    async def card(self, name: str, message: Message, who: Person, theme: str = "light") -> None:
        """A message alone, as `who` sees it."""
        page = await self._page(f"{message.channel}/{message.thread}", who, theme)
        self.seen[name] = Seen(page, f"#p{message.ts.replace('.', '')}")

    async def thread(self, name: str, message: Message, who: Person, theme: str = "light") -> None:
        """A whole thread."""
        self.seen[name] = Seen(await self._page(f"{message.channel}/{message.thread}", who, theme))

    async def home(self, name: str, who: Person, theme: str) -> None:
        """An App Home."""
        self.seen[name] = Seen(await self._page(f"home/{who.id}", who, theme))

    async def window(self, name: str, who: Person) -> None:
        """The open modal, on a phone."""
        self.seen[name] = Seen(await self._page(f"modal/{who.id}", who, "light"), ".modal", PHONE)

    async def phone(self, name: str, message: Message, who: Person) -> None:
        """A message alone, on a phone."""
        await self.card(name, message, who)
        self.seen[name] = replace(self.seen[name], size=PHONE)

    async def _page(self, path: str, who: Person, theme: str) -> str:
        async with AsyncClient(base_url=self._slack.address, trust_env=False, timeout=60) as client:
            query = {"theme": theme, "as": who.id, "tz": "Europe/Berlin"}
            found = await client.get(f"/view/{path}", params=query)
        assert found.status_code == 200, found.text
        return found.text


async def play(folder: Path, address: str) -> Mapping[str, Seen]:
    """The story, and what it looks like."""
    with RedisServer(folder / "redis") as redis:
        async with Workspace(address) as slack:
            office = SlackOffice(folder, redis.start(), slack)
            _change(office.data / "sayso.toml", office.data / "demo" / "shop")
            await office.opens()
            del office.environ["SAYSO_REDIS_URL"], office.environ["SAYSO_SECRET_KEY"]
            with office.program("dev", "--no-open", "--port", "0", "--demo-port", "0") as dev:
                dev.wait_for("Ctrl-C ends it")
                await slack.connected()
                album = Album(slack)
                await _deploys(office, album)
                await _stays_open(office, album)
                await _program_asks(office, album, dev)
            assert await slack.violations() == []
            return album.seen


def _change(toml: Path, shop: Path) -> None:
    """More places to deploy to: one where two must agree, and one that can't be reached."""
    repo = f'repo = {json.dumps(str(shop))}\nlive = ["./live.sh", "production"]\n'
    both = f'[deploy.environments.payments]\npolicy = "pair"\n{repo}command = ["./deploy.sh", "{{commit}}"]\n'
    fails = f'[deploy.environments.mirror]\npolicy = "production"\n{repo}command = {json.dumps(FAILS)}\n'
    toml.write_text(f"{toml.read_text()}\n{PLACES}\n{both}\n{fails}")


async def _deploys(office: SlackOffice, album: Album) -> None:
    """One that is done, one that is denied, and one that fails."""
    asked = await office.asks(office.anna, "deploy v1.2.0 to production")
    card = await office.card(asked, "Deploy v1.2.0")
    await album.thread("open.png", card, office.bo)
    await album.card("open-dark.png", card, office.bo, "dark")
    await album.phone("phone.png", card, office.bo)
    await office.bo.presses("Approve", in_=card)
    done = await office.becomes(card, "Done: ")
    await office.says(asked, "Decided by")
    line = "Done: v1.2.0 is live in production"
    await office.slack.until(lambda: _has_line(office, asked, line), "the line says how it ended")
    await album.thread("done.png", done, office.anna)

    card = await office.card(await office.asks(office.anna, "deploy v1.1.0 to production"), "Roll back production")
    await _opens_the_window(office, card)
    reason = {"Why? The agent is told.": "v1.1.0 shows the wrong opening hours. Please stay on v1.2.0."}
    await album.window("deny.png", office.cy)
    await office.cy.submits(reason)
    await album.card("denied.png", await office.becomes(card, "Denied"), office.anna)

    card = await office.card(await office.asks(office.anna, "deploy v1.1.0 to mirror"), "Roll back mirror")
    await office.bo.presses("Approve", in_=card)
    await album.card("failed.png", await office.becomes(card, "Failed: "), office.anna)


async def _opens_the_window(office: SlackOffice, card: Message) -> None:
    """Slack opens none later than 3 s after the click, which a busy machine may miss: people press again."""
    for _ in range(5):
        await office.cy.presses("Deny with reason…", in_=card)
        with suppress(TimeoutError):
            async with patience():
                await office.cy.sees_modal("The agent is told")
                return
    raise AssertionError("no window opens for a denial")


async def _has_line(office: SlackOffice, thread: Message, line: str) -> bool:
    return any(one.words == line for one in await office.slack.messages(thread))


async def _stays_open(office: SlackOffice, album: Album) -> None:
    """One that half of those who must agree have approved."""
    card = await office.card(await office.asks(office.anna, "deploy v1.1.0 to payments"), "Roll back payments")
    await office.bo.presses("Approve", in_=card)
    await album.card("one-of-two.png", await office.becomes(card, "1 of 2"), office.cy)


async def _program_asks(office: SlackOffice, album: Album, dev: Program) -> None:
    """A program has a question, and wants to do what has more arguments than a card has room for."""
    async with _cleaner(office, dev) as cleaner:
        question = "Staging has no room left. Which one may go first?"
        options = ["staging-blue", "staging-green", "neither of them"]
        await _wants(cleaner, question=question, to=["person:cy"], format="choice", options=options)
        await album.card("question.png", await office.card("@cy", "no room left"), office.cy)
        await office.cy.opens_home()
        await office.cy.sees_home("no room left")
        await album.home("home.png", office.cy, "light")
        await album.home("home-dark.png", office.cy, "dark")

        await _wants(cleaner, title="Delete 54 volumes of staging", policy="production", arguments=ARGUMENTS)
    card = await office.card("@bo", "Delete 54 volumes")
    await album.card("long.png", card, office.bo)
    await office.bo.presses("More…", in_=card)
    await office.bo.sees_modal("pvc-4264")
    await album.window("details.png", office.bo)


def _cleaner(office: SlackOffice, dev: Program) -> AsyncClient:
    """A program that may ask Cy, and want approvals under a policy."""
    words = (
        "keys create --service cleaner --holder anna --scope trigger --acts-for anna --asks person:cy,policy:production"
    )
    key = office.told(*words.split())[1].split()[-1]
    url = dev.printed("HTTP API").removesuffix("/openapi.json")
    return AsyncClient(base_url=url, trust_env=False, timeout=60, headers={"Authorization": f"Bearer {key}"})


async def _wants(program: AsyncClient, **wish: Any) -> None:
    answer = await program.post("/v1/requests", json=wish)
    assert answer.status_code == 201, answer.text


def draw(browser: Browser, seen: Mapping[str, Seen], folder: Path) -> None:
    """Each page as a picture in `folder`."""
    page = browser.new_page()
    for name, each in seen.items():
        page.set_viewport_size(each.size)
        page.set_content(each.html)
        part = page.locator(each.only) if each.only else page.locator("html")
        (folder / name).with_suffix(".txt").write_text(said(part))
        (folder / name).write_bytes(smaller(page, part.screenshot(animations="disabled")))
    page.close()


def played(folder: Path) -> Mapping[str, Seen]:
    """The story from its beginning, with a fake Slack of its own."""
    with running() as address:
        return asyncio.run(play(folder, address))


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sayso-") as scratch:
        seen = played(Path(scratch))
    with chromium() as browser:
        draw(browser, seen, FOLDER)
