"""Promises that hold whatever people do, in whatever order: stories drawn at random, lived through by a real sayso."""

import random
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from agents import ToolRefused
from agents.events import Event, RequestDecided, RequestOpened, RequestRevoked, ToolStarted, VoteCast
from agents.requests import Effect, GatedCall, PersonId, RunId, StandingUse
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from agents.run import fold
from agents.standing import Pattern
from bot.errors import Conflict
from bot.testing import events as build
from tests.kit.indexes import listed, lists_of_events
from tests.kit.long import few_of
from tests.kit.office import STEPS
from tests.kit.opens import opens
from tests.kit.promises import check_starts, check_uses
from tests.kit.world import World, a_world

ANNA = PersonId("anna")
# What ends a run at once is rare, and what lies between a card and its execution is not.
VERBS = {
    "approve": 8, "move": 4, "amend": 3, "resume": 4, "pause": 2, "wait": 1, "comment": 1, "deny": 0.3, "withdraw": 0.3,
}  # fmt: skip
PEOPLE = {"bo": 3.0, "cy": 3.0, "anna": 1.0, "dan": 1.0}
TEXT = "\n".join(["press bell", "press horn"] * 4)
ACTS = 30


@dataclass(frozen=True)
class Act:
    """One thing that somebody does: `verb` says what, `person` who, `number` to which request, the newest one first."""

    verb: str
    person: str
    number: int


def acts(seed: int) -> list[Act]:
    """Always the same ones for the same seed, so that a story that failed fails again."""
    dice = random.Random(seed)  # noqa: S311

    def one_of(weights: dict[str, float]) -> str:
        return dice.choices(list(weights), list(weights.values()))[0]

    return [Act(one_of(VERBS), one_of(PEOPLE), dice.choice((0, 0, 0, 1, 2))) for _ in range(ACTS)]


class Story:
    """A world with one run in it, and what people have been shown of it."""

    def __init__(self, world: World, run_id: RunId) -> None:
        self._world, self._run_id = world, run_id
        self._seen: list[RequestRecord] = []

    async def act(self, act: Act) -> None:
        """Do it, where it can be done; each is told or refused in words, and never anything else."""
        await self._look()
        world, record = self._world, self._seen[-1 - act.number % len(self._seen)] if self._seen else None
        with suppress(Conflict, ToolRefused):
            match act.verb:
                case "pause" | "resume":
                    await world.steer(self._run_id, act.verb, act.person)
                case "move":
                    world.workshop.meaning["bell"] = f"bell {secrets.token_hex(2)}"
                case "wait":
                    await world.move_time(600)
                case "approve" | "deny" if record:
                    await world.decide(act.person, record, act.verb)
                case "comment" if record:
                    await world.decide(act.person, record, "free_text", "ok, I think")
                case "amend" if record:
                    await world.edit(
                        "anna", await world.request(record.request.id), what=("bell", "horn")[act.number % 2]
                    )
                case "withdraw" if record:
                    await world.steering.withdraw(record.request.id, ANNA, "", as_by("cli"))
                case _:
                    pass

    async def finish(self) -> tuple[Event, ...]:
        """All that happened, once the run has been let end."""
        with suppress(Conflict):
            await self._world.steer(self._run_id, "cancel")
        await self._world.ended(self._run_id)
        await self._world.quiet()
        return await self._world.events(self._run_id)

    async def _look(self) -> None:
        """People answer what they were shown, also when something newer stands by now."""
        await self._world.quiet()
        assert await listed(self._world.app.store) == await lists_of_events(self._world.app.store)
        stored = {record.request.id: record for record in await self._world.requests()}
        assert stored == fold(await self._world.events(self._run_id)).requests
        for record in await self._world.requests():
            if record.request not in [seen.request for seen in self._seen]:
                self._seen.append(record)


@pytest.mark.parametrize("policy", ["production", "pair"])
@pytest.mark.parametrize("seed", few_of(range(6), 1))
async def test_whatever_people_do_nothing_is_executed_that_was_not_approved(
    redis: str, tmp_path: Path, policy: str, seed: int
) -> None:
    async with a_world(redis, tmp_path / "data") as world:
        world.workshop.policy_of |= {"bell": policy, "horn": policy}
        run_id = await world.trigger(TEXT)
        story = Story(world, run_id)
        for act in acts(seed):
            await story.act(act)
        events = await story.finish()

        started = [event for event in events if isinstance(event, ToolStarted)]
        assert [effect_of(event) for event in started] == world.workshop.effects
        assert all(event.request_id for event in started if event.tool == "press")
        check_decisions(events)
        assert await world.dead() == []


def effect_of(event: ToolStarted) -> str:
    return " ".join(event.effect.argv)


def check_decisions(events: Sequence[Event]) -> None:
    """Every request is decided once, but for an approval that was not used and is replaced; and the run is over."""
    decided: dict[str, list[str]] = {}
    for event in events:
        if isinstance(event, RequestDecided):
            decided.setdefault(event.request_id, []).append(event.decision.state)
    opened = {event.request.id for event in events if isinstance(event, RequestOpened)}

    assert set(decided) == opened
    assert all(len(states) == 1 or states == ["approved", "superseded"] for states in decided.values())
    run = fold(events)
    assert run.open is None
    assert [event.type for event in events].count("run_ended") == 1


@pytest.mark.parametrize(
    "what",
    [
        "nothing",
        "one vote",
        "another's words",
        "its way",
        "its digest",
        "its moment",
        "its effect",
        "a denial",
        "a decision",
    ],
)
@opens(STEPS)
async def test_a_start_without_the_approvals_that_it_wants_is_noticed(world: World, what: str) -> None:
    """By what is looked at when any World ends: its events are as they were but for this."""
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    for person in ("bo", "dan"):
        await world.decide(person, await world.request(record.request.id), "approve")
    await world.ended(run_id)
    events = await world.events(run_id)
    vote = next(one for one in events if isinstance(one, VoteCast))
    start = next(one for one in events if isinstance(one, ToolStarted))
    decided = next(one for one in events if isinstance(one, RequestDecided))
    unlike = vote.vote.binding.model_copy(update={"digest": "0" * 64})
    changed: dict[str, tuple[Event, Sequence[Event]]] = {
        "nothing": (vote, [vote]),
        "one vote": (vote, []),
        "another's words": (vote, [vote.model_copy(update={"vote": vote.vote.model_copy(update={"person": "anna"})})]),
        "its way": (vote, [vote.model_copy(update={"vote": vote.vote.model_copy(update={"proof": as_by("pigeon")})})]),
        "its digest": (vote, [vote.model_copy(update={"vote": vote.vote.model_copy(update={"binding": unlike})})]),
        "its moment": (start, [start.model_copy(update={"at": start.at + timedelta(days=1)})]),
        "its effect": (start, [start.model_copy(update={"effect": Effect(argv=("press", "horn"))})]),
        "a denial": (start, [RequestRevoked(at=start.at, request_id=record.request.id, vote=vote.vote), start]),
        "a decision": (decided, []),
    }
    old, new = changed[what]
    told = [one for event in events for one in (new if event is old else [event])]

    if what == "nothing":
        check_starts(told)
    else:
        with pytest.raises(AssertionError):
            check_starts(told)


@pytest.mark.parametrize("whom", ["nobody", "another who voted", "who asked"])
@opens(STEPS)
async def test_an_approval_that_may_be_of_one_human_twice_or_of_who_asked_is_noticed(world: World, whom: str) -> None:
    """Were the directory to say, as it is decided, that Bo may be somebody else as well."""
    others = {"nobody": (), "another who voted": (PersonId("dan"),), "who asked": (ANNA,)}[whom]
    world.written.may_be = lambda: {PersonId("bo"): others}
    world.workshop.policy_of["bell"] = "spending"
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    for person in ("bo", "dan"):
        await world.decide(person, await world.request(record.request.id), "approve")
    await world.ended(run_id)
    await world.quiet()

    assert bool(world.written.broken) == (whom != "nobody")
    world.written.broken.clear()


USES = StandingUse(id="g1", number=1, of=3)


@pytest.mark.parametrize(
    "what", ["nothing", "another granted it", "one use twice", "one use too many", "another call", "its own asker"]
)
def test_a_use_of_a_standing_approval_that_nobody_granted_is_noticed(what: str) -> None:
    """By what is looked at when any World ends."""
    at, call = build.NOON, GatedCall(tool="press", schema_version=1, arguments={"what": "bell"}, effect=build.EFFECT)
    pattern = Pattern(
        policy="production",
        rules="",
        tool="press",
        schema_version=1,
        environment="production",
        arguments=call.arguments,
    )
    wanted = {"person": "anna", "pattern": pattern.model_dump(mode="json")}
    grant = call.model_copy(update={"tool": "allow_again", "arguments": wanted})

    def run(call: GatedCall, use: StandingUse | None, by: str = "bo") -> list[Event]:
        asked = build.request().model_copy(update={"call": call})
        made = build.decided("approved", by=(by,)).decision.model_copy(update={"standing": use})
        return [RequestOpened(at=at, request=asked), RequestDecided(at=at, request_id=asked.id, decision=made)]

    others = call.model_copy(update={"arguments": {"what": "horn"}})
    runs: dict[str, dict[str, Sequence[Event]]] = {
        "nothing": {"r2": run(call, USES)},
        "another granted it": {"r2": run(call, USES, by="cy")},
        "one use twice": {"r2": run(call, USES), "r3": run(call, USES)},
        "one use too many": {"r2": run(call, USES.model_copy(update={"number": 4}))},
        "another call": {"r2": run(others, USES)},
        "its own asker": {"g1": run(grant, None, by="anna"), "r2": run(call, USES, by="anna")},
    }
    told = {"g1": run(grant, None), **runs[what]}

    if what == "nothing":
        check_uses(told)
    else:
        with pytest.raises(AssertionError):
            check_uses(told)
