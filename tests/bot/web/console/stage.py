"""The shared parts of the console's tests."""

from dataclasses import dataclass

from agents.requests import Decision
from agents.requests.record import RequestRecord
from bot.store.client import Client
from bot.web.console.application import ROUTES
from tests.kit.world import World
from tests.servers.console import Browser, Page

Fields = dict[str, str]


async def restarted(world: World, lines: str) -> None:
    """`world` runs again with these lines at the top of its `sayso.toml`."""
    async with world.stopped():
        world.toml = f"{lines}\n{world.toml}"


async def proof(browser: Browser) -> Fields:
    """Return the fields that every form of this browser's pages carries."""
    fields = dict((await browser.get("/")).form("/logout").fields)
    assert set(fields) == {"stamp", "as"}
    return fields


async def kept(world: World) -> dict[str, bytes]:
    """Every byte that the store keeps of runs, requests, mails and log-ins; no clock, nor who was refused lately."""
    client = Client(world.url)
    passing = (":window:", ":clock_seen", ":swept", ":audit")
    names = [name async for name in client.scan("{s*") if not any(part in name for part in passing)]
    found = {name: await client.do("DUMP", name) for name in names}
    await client.close()
    return found


@dataclass(frozen=True)
class Scene:
    """A run of Anna's whose request waits, with Bo's mail about it: what the addresses of pages name."""

    run_id: str
    request_id: str
    letter_id: str

    def paths(self, method: str) -> list[str]:
        """An address for every page (GET) or every form (POST) that the console has."""
        names = {"run_id": self.run_id, "request_id": self.request_id, "letter_id": self.letter_id, "person": "bo"}
        names |= {
            "verb": "pause",
            "some_id": "s0i-aaaaaaaaaaaaa",
            "standing_id": "s0g-aaaaaaaaaaaaa",
            "name": "console.css",
            "sha256": "0" * 64,
        }
        return [route.path.format(**names) for route in ROUTES if method in (route.methods or ())]


async def a_scene(world: World) -> Scene:
    """The scene, once everything is quiet."""
    run_id = await world.trigger("press it")
    record, letter = await world.opened(run_id), await world.next_mail("bo")
    await world.quiet()
    return Scene(run_id, record.request.id, letter.id)


async def asked(world: World, text: str = "press it") -> RequestRecord:
    """The request that a run of Anna's opens."""
    return await world.opened(await world.trigger(text))


def place(record: RequestRecord) -> str:
    """The path of its page."""
    return f"/requests/{record.request.id}"


async def answer(browser: Browser, record: RequestRecord, button: str, *picks: str, **typed: str) -> Page:
    """The page after `browser` has sent the form of the request's page."""
    page = await browser.get(place(record))
    return await browser.submit(page.form(f"{place(record)}/answer"), button, picks, **typed)


async def decision(world: World, record: RequestRecord) -> Decision:
    """Return the decision on the request."""
    found = (await world.request(record.request.id)).decision
    assert found
    return found


def buttons(page: Page) -> set[str]:
    """Return the words of all that can be pressed about a request."""
    return {button.text for form in page.forms for button in form.buttons if "/requests/" in form.action}
