"""Something that computes for long in one go: it fails, whoever asked is told, and all others are served.

Who computes is the tests' own: each text of which our own reading was found to take so long is mended where it is read.
"""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from agents import Agent, Arguments, CallTool, Done, Effect, Outcome, Run, Step, Tool, ToolContext
from bot.store import StoreUnavailable
from channels import Address, Card, Channel, Contact, Inbound, Marks, Placement, Reading, Remembers
from tests.kit.long_turns import LONG_TURNS, expression, loop
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World, a_sayso
from tests.servers.console import Console
from tests.servers.web import serving

POISON = "hemlock"
T = TypeVar("T")


class Poisoned:
    """The world's mail. To read a mail with POISON, or to send a card with it, takes long in one go."""

    def __init__(self, channel: Channel) -> None:
        self._channel, self.name, self.edits = channel, channel.name, channel.edits
        self.receive, self.update = channel.receive, channel.update
        self.reads = self.sends = 0

    def remember_in(self, marks: Marks) -> None:
        if isinstance(self._channel, Remembers):
            self._channel.remember_in(marks)

    async def address(self, contact: Contact, thread: str, *, anew: bool = False) -> Address | None:
        return await self._channel.address(contact, thread, anew=anew)

    async def read(self, inbound: Inbound) -> Reading:
        if POISON.encode() in inbound.raw:
            self.reads += 1
            expression()
        return await self._channel.read(inbound)

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        if POISON in card.title and to.person == "bo":
            self.sends += 1
            loop()
        return await self._channel.send(card, to, key)


def poisoned(world: World) -> None:
    world.through = Poisoned


def mail_of(world: World) -> Poisoned:
    found = world.app.messages.channels["email"]
    assert isinstance(found, Poisoned)
    return found


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again where Redis was given up: on a busy machine a second of a processor lasts longer."""
    while True:
        with suppress(StoreUnavailable):
            return await ask()


async def given_up(world: World, kind: str) -> dict[str, Any]:
    """Return the one note of what was given up of this kind of work."""

    async def found() -> dict[str, Any] | None:
        await patiently(lambda: world.move_time(5))
        notes = [json.loads(note) for note in await patiently(world.dead)]
        return next((one for one in notes if one["member"].startswith(kind)), None)

    return await until(found, what="it is given up")


@opens(change=poisoned)
async def test_a_message_that_takes_too_long_is_tried_three_times_and_told_of_and_the_next_one_is_read(
    world: World,
) -> None:
    await world.send("anna", "sayso@sayso.example", f"press {POISON}")
    await until(lambda: mail_of(world).reads, what="it is being read")
    await world.send("anna", "sayso@sayso.example", "press gong")

    assert "press gong" in (await world.next_mail("bo")).text
    note = await given_up(world, "in")

    assert "TookTooLong" in note["why"]
    assert mail_of(world).reads >= 3
    assert "TookTooLong" in (await world.next_mail("dan", about="Given up")).text
    assert len(await world.app.store.lists.runs()) == 1


@opens(change=poisoned)
async def test_a_card_that_takes_too_long_to_send_is_given_up_and_told_of_and_others_are_sent(world: World) -> None:
    run_id = await world.trigger(f"press {POISON}")
    await world.opened(run_id)
    await until(lambda: mail_of(world).sends, what="it is being sent")

    assert "TookTooLong" in (await given_up(world, "out"))["why"]
    other = await world.trigger("press gong")
    assert "gong" in (await world.next_mail("bo", about="gong")).text
    assert await world.decide("cy", await world.opened(other), "approve")
    assert await world.summary(other) == "done: ok: press gong: done"


class Bell(Arguments):
    bell: str


def bells(where: str, compute: Callable[[], None], *, idempotent: bool = False) -> Agent:
    """An agent that rings bells; what it does `where` with the bell POISON takes long in one go."""

    def at(place: str, bell: str) -> None:
        if where == place and bell == POISON:
            compute()

    async def prepare(args: Bell) -> Effect:
        at("prepare", args.bell)
        return Effect(argv=("ring", args.bell))

    async def ring(args: Bell, _: Effect, hands: ToolContext) -> Outcome:
        at("execute", args.bell)
        return Outcome(f"{args.bell} rang")

    def gate(args: Bell) -> None:
        at("gate", args.bell)

    def rules(run: Run) -> Step:
        at("rules", run.text)
        if run.results:
            return Done(summary=run.results[-1].text)
        return CallTool(tool="ring", arguments={"bell": run.text})

    tool = Tool(
        name="ring",
        description="Ring a bell",
        args=Bell,
        execute=ring,
        prepare=prepare,
        gate=gate,
        idempotent=idempotent,
        changes=True,
    )
    return Agent(name="bells", description="rings", tools=(tool,), fallback=rules)


@pytest.mark.parametrize("compute", LONG_TURNS)
@pytest.mark.parametrize("where", ["rules", "prepare", "gate"])
async def test_what_an_agent_computes_for_too_long_fails_its_run_alone(where: str, compute: Callable[[], None]) -> None:
    async with a_sayso(agents=[bells(where, compute)]) as s:
        run_id = await s.trigger(POISON)
        summary = await patiently(lambda: s.summary(run_id))

        other = await s.trigger("gong")
        assert await patiently(lambda: s.summary(other)) == "done: gong rang"

    assert (summary.startswith("done"), "TookTooLong" in summary) == (False, True), summary


async def test_a_tool_that_computes_for_too_long_may_have_had_its_effect_and_people_are_asked() -> None:
    async with a_sayso(agents=[bells("execute", expression)]) as s:
        run_id = await s.trigger(POISON)
        await patiently(lambda: s.has(run_id, "unknown"))

        other = await s.trigger("gong")
        assert await patiently(lambda: s.summary(other)) == "done: gong rang"


async def test_a_tool_with_a_key_that_computes_for_too_long_says_what_to_do() -> None:
    async with a_sayso(agents=[bells("execute", expression, idempotent=True)]) as s:
        run_id = await s.trigger(POISON)
        summary = await patiently(lambda: s.summary(run_id))

    assert "asyncio.to_thread" in summary


async def test_a_page_that_takes_too_long_says_so_and_the_next_one_is_shown() -> None:
    reads = list[str]()

    def about() -> str:
        reads.append("read")
        if len(reads) == 2:  # the first page is that of the log-in
            expression()
        return "rings"

    agent = replace(bells("nowhere", expression), about=about)
    async with a_sayso(agents=[agent]) as s, serving(s.app) as api:
        anna = await Console(api).browser("anna")
        late, shown = await anna.get("/"), await anna.get("/")

    assert (late.status, "more than 1 s" in late.words) == (400, True), late.words
    assert (shown.status, len(reads)) == (200, 3)
