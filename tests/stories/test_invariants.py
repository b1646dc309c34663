"""Promises that hold whatever people do, in whatever order: stories drawn at random, lived through by a real sayso."""

import random
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents import ToolRefused
from agents.events import Event, RequestDecided, RequestOpened, RequestRevised, RequestRevoked, ToolStarted, VoteCast
from agents.requests import PersonId, Request, RunId
from agents.run import fold
from bot.errors import Conflict
from bot.policy.approvers.quorum import eligible, is_met
from bot.policy.record import RequestRecord, records
from tests.kit.indexes import listed, lists_of_events
from tests.kit.long import few_of
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
                    await world.steering.withdraw(record.request.id, ANNA, "")
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
        for event in started:
            if event.tool == "press":
                check_approval(event, events)
        check_decisions(events)
        told = records(events)
        assert {record.request.id: record for record in await world.requests()} == told
        assert await world.dead() == []
        assert await listed(world.app.store) == await lists_of_events(world.app.store)


def effect_of(event: ToolStarted) -> str:
    return " ".join(event.effect.argv)


def check_approval(event: ToolStarted, events: Sequence[Event]) -> None:
    """The attempt stands on an approval that was good at that moment, of exactly this."""
    before = events[: events.index(event)]
    request = request_of(before, event.request_id)
    [decided] = [one for one in before if isinstance(one, RequestDecided) and one.request_id == request.id]
    votes = [one.vote for one in before if isinstance(one, VoteCast) and one.request_id == request.id]
    current = [vote.person for vote in votes if vote.approve and vote.digest == request.digest]

    assert decided.decision.state == "approved"
    assert request.call is not None
    assert request.call.effect == event.effect
    assert set(decided.decision.by) <= set(current)
    assert set(current) <= set(eligible(request.policy, request.requesters))
    assert is_met(request.policy, current)
    assert (event.at - decided.decision.at).total_seconds() < request.policy.execute_within_s
    assert not any(isinstance(one, RequestRevoked) and one.request_id == request.id for one in before)


def request_of(before: Sequence[Event], request_id: str | None) -> Request:
    """A request as it stood in its newest revision."""
    found = [one.request for one in before if isinstance(one, RequestOpened | RequestRevised)]
    return [request for request in found if request.id == request_id][-1]


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
