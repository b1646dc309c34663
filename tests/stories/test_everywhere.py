"""One request answered from everywhere at once: one decision, and everybody else hears whose it was."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from itertools import cycle, permutations
from typing import Literal

import pytest

from agents.requests.record import RequestRecord
from bot.store.client import Client
from bot.store.keys import Keys
from tests.bot.cli.shell import sayso
from tests.kit.office import TOML
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.console import Browser, a_console
from tests.servers.markup import Form
from tests.servers.web import Api

Way = Literal["cli", "email", "api", "page"]

ROUNDS = 64
PEOPLE = {"bo": "Bo Berg", "cy": "Cy Cole", "dan": "Dan Dorn", "eve": "Eve Eder"}
FOUR = f"""
{TOML.replace('email = "dan@corp.example"', 'email = "dan@corp.example"' + chr(10) + 'groups = ["release"]')}

[people.eve]
name = "Eve Eder"
email = "eve@corp.example"
groups = ["release"]
"""


@dataclass(frozen=True)
class Desk:
    """With what people answer: their API keys, and browsers in which they are logged in."""

    api: Api
    keys: dict[str, str]
    browsers: dict[str, Browser]


async def by_cli(world: World, person: str, record: RequestRecord) -> str:
    """Return who decided, as the command line tells `person`."""
    words = ("answer", record.request.id, "approve", "--as", person, "--digest", record.request.digest, "--json")
    ended = await sayso(world, *words)
    judgement = json.loads(ended.out)
    assert judgement["type"] == ("already_decided" if ended.code else "decided")
    [decider] = judgement["decision"]["by"]
    return decider


async def by_api(api: Api, key: str, record: RequestRecord) -> str:
    """Return who decided, as HTTP tells the person whose key it is."""
    body = {"vote": "approve", "digest": record.request.digest}
    answer = await api.with_key(key).post(f"/v1/requests/{record.request.id}/answer", json=body)
    said = answer.json()
    assert (answer.status_code, said["judgement"]["type"]) in {(200, "decided"), (409, "already_decided")}
    [decider] = said["judgement"]["decision"]["by"]
    assert PEOPLE[decider] in said.get("told", said.get("detail"))
    return decider


async def by_page(browser: Browser, form: Form) -> str:
    """Return who decided, as the page tells whoever presses Approve on a card that was shown before."""
    page = await browser.submit(form, "Approve")
    [decider] = [person for person, name in PEOPLE.items() if f"{name} approved on" in page.words]
    return decider


async def by_mail(world: World, person: str, record: RequestRecord) -> None:
    """`person` answers their mail; what they are told comes by mail as well. Returns when it has arrived."""
    card = await world.next_mail(person, about=f"Digest: {record.request.digest}")
    await world.reply(person, card, "approved")
    client = Client(world.url)

    async def has_arrived() -> bool:
        waiting = [await client.do("ZRANGE", Keys(shard).wake, 0, -1) for shard in range(world.app.store.shards)]
        is_read = any(member.startswith(b"in ") for members in waiting for member in members)
        return is_read or (await world.request(record.request.id)).state != "open"

    await until(has_arrived, what="the mail arrives")
    await client.close()


async def a_round(world: World, desk: Desk, number: int, ways: tuple[Way, ...], people: tuple[str, ...]) -> Way:
    """Answer one request by four people in four ways, the first of which has a head start; the way that decided."""
    record = await world.opened(await world.trigger(f"press r{number}"))
    who: dict[Way, str] = dict(zip(ways, people, strict=True))
    browser = desk.browsers[who["page"]]
    card = (await browser.get(f"/requests/{record.request.id}")).form(f"/requests/{record.request.id}/answer")
    told: list[asyncio.Task[str]] = []
    for way in ways:
        match way:
            case "cli":
                told.append(asyncio.create_task(by_cli(world, who[way], record)))
            case "api":
                told.append(asyncio.create_task(by_api(desk.api, desk.keys[who[way]], record)))
            case "page":
                told.append(asyncio.create_task(by_page(browser, card)))
            case "email":
                await by_mail(world, who[way], record)
    deciders = set(await asyncio.gather(*told))
    run = await world.ended(record.request.run_id)

    [decider] = deciders
    decided = [event for event in await world.events(run.id) if event.type == "request_decided"]
    assert [event.decision.by for event in decided] == [(decider,)]
    assert world.workshop.effects.count(f"press r{number}") == 1
    if who["email"] != decider:
        heard = await world.next_mail(who["email"], about="Already decided")
        assert f"r{number}" in heard.subject
        assert PEOPLE[decider] in heard.text
    return next(way for way, person in who.items() if person == decider)


@pytest.mark.long
async def test_64_requests_answered_by_terminal_mail_page_and_http_at_once_are_each_decided_once(
    world: World,
) -> None:
    async with world.stopped():
        world.toml = FOUR
    orders = cycle(permutations(("cli", "email", "api", "page")))
    seats = cycle(permutations(PEOPLE))
    winners = Counter[Way]()
    async with a_console(world) as console:
        keys = {person: (await console.api.key(person))[1] for person in PEOPLE}
        desk = Desk(console.api, keys, {person: await console.browser(person) for person in PEOPLE})
        for number in range(ROUNDS):
            if number % 24 == 0:
                next(seats)
            winners[await a_round(world, desk, number, next(orders), next(seats))] += 1

    assert winners.total() == ROUNDS
    assert set(winners) == {"cli", "email", "api", "page"}, winners
