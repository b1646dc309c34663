"""What opens, decides and starts, over a real Redis, and nothing else: no worker, no channel, no agent."""

import asyncio
import secrets
from collections.abc import Generator, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from agents.context.pruning import authors
from agents.events import Event, RequestOpened
from agents.requests import AttemptId, Effect, GatedCall, Given, PersonId, Request, RunId, bound_to
from agents.requests.proof import as_by
from agents.run import fold
from agents.steps import CallTool, RequestHumanInput
from bot.config.settings import Settings
from bot.execution.approval_guard import ApprovalGuard
from bot.people.directory import People
from bot.policy.answers import Statement
from bot.requests.decisions import Decisions
from bot.requests.opening import gate_request, opening
from bot.requests.reassignment.absences import AbsentPeople
from bot.requests.reassignment.departures import Departures
from bot.requests.standing.approvals import StandingApprovals
from bot.store import Commit, RecordWrite, Store, WorkItem
from bot.store.client import Client
from bot.store.ids import new_id
from bot.store.journal import Journal
from bot.testing import events as build
from channels import Said
from tests.bot.store.stores import move_time
from tests.kit.office import settings_of
from tests.kit.promises import Written


class NoQueue:
    """Nobody works here but the test."""

    is_here = is_worker = False

    async def notify(self, item: WorkItem) -> None:
        raise AssertionError(f"{item} is the workers'")

    async def hear_first(self) -> bool:
        return False


class TooFew(Exception):
    """Nothing was opened."""


class House:
    """What opens, decides and starts. `edits`: the channels that can change a card; `written` looks at each change."""

    def __init__(self, url: str, configured: Settings, edits: Set[str] = frozenset()) -> None:
        self.store, self.written = Store(Client(url), 1), Written(lambda: self.people.doubles)
        self.journal, self.settings = Journal(self.store, NoQueue()), configured
        self.journal.hears.append(self.written.hear)
        self.people = People.of(configured)
        self.decisions = Decisions(self.journal, self.people, edits)
        self.freezes = self.decisions.freezes
        self.guard = ApprovalGuard(self.decisions, self.people, self.freezes)
        standing = StandingApprovals(self.journal, self.decisions, self.people)
        self.absent = AbsentPeople(self.journal, self.decisions, self.people)
        self.departures = Departures(self.journal, self.decisions, self.people, standing, edits, edits)
        self.moved_s = 0.0

    async def emptied(self) -> None:
        """Nothing has happened yet."""
        await self.store.client.do("FLUSHALL")
        self.written.broken, self.moved_s = [], 0.0

    async def has_passed(self, seconds: float) -> None:
        """Let time pass."""
        self.moved_s += seconds
        await move_time(self.store, self.moved_s)

    async def opened(self, policy: str, wrote: Sequence[PersonId] = (), answered: Sequence[PersonId] = ()) -> Request:
        """A request of Anna's to deploy. Raises TooFew where nobody could decide it.

        These `wrote` to the run that began hers, and have `answered` a question of it.
        """
        run_id = RunId(new_id("run", 0))
        step = CallTool(tool="deploy", arguments={"version": "v1"})
        asks = RequestHumanInput(question="Which one?", format="free_text")
        begun: list[Event] = [
            build.started(run_id=run_id, requester="anna").model_copy(update={"inherits": tuple(wrote)})
        ]
        for person in answered:
            about = build.request(new_id("request", 0), "s0", "question", run_id=run_id)
            begun += [build.chosen(asks, "s0"), RequestOpened(at=build.NOON, request=about)]
            begun += [build.decided("answered", about.id, Given(text="v1"), by=(person,))]
        begun += [build.chosen(step, gate=policy, read_by=authors(begun))]
        await self.store.commit(Commit(run_id=run_id, events=begun))
        run, now = fold(begun), await self.store.now(run_id)
        snapshot = self.people.snapshot(policy, now)
        assert snapshot
        assert run.pending
        request = gate_request(run, run.pending, "Deploy?", call("v1"), snapshot, now)
        if not isinstance(request, Request):
            raise TooFew(policy)
        written = await self.journal.write(opening(request, self.people, run.seq))
        assert written.state == "committed"
        return request

    async def hear(self, request: Request, said: Sequence[Statement]) -> None:
        """All of it at once."""
        await asyncio.gather(*(self.decisions.decide(request.id, one) for one in said))

    async def start(self, request: Request, *, is_the_same: bool) -> None:
        """The move of a worker that finds it approved: where something came in meanwhile it looks again."""
        while await self._tries_to_start(request, is_the_same=is_the_same) == "conflict":
            pass

    async def _tries_to_start(self, request: Request, *, is_the_same: bool) -> str:
        run, record = await self.store.run(request.run_id), (await self.decisions.request(request.id)).record
        assert record.request.call
        effect = record.request.call if is_the_same else call("moved")
        found = await self.guard.frozen(run, effect)
        if record.state != "approved" or record.started_at or found.freeze or self.people.holds_tools:
            return ""
        attempt = AttemptId(new_id("attempt", 0))
        begins = build.tool_started(attempt, record.request.step_id, tool="deploy", effect=effect.effect).model_copy(
            update={"request_id": request.id, "at": await self.store.now(request.id)}
        )
        approval = await self.guard.approved(run, effect, begins, found.number)
        if not isinstance(approval, RecordWrite):
            return ""
        return (await self.store.start_tool(run.id, run.seq, attempt, begins, approval)).state


@contextmanager
def a_house(redis: str, toml: str) -> Generator[tuple[House, asyncio.AbstractEventLoop]]:
    """A house with the people and policies of `toml`, and the loop that it lives in."""
    loop = asyncio.new_event_loop()
    with TemporaryDirectory() as folder:
        house = House(redis, settings_of(Path(folder), toml))
        try:
            yield house, loop
        finally:
            loop.run_until_complete(house.store.client.close())
            loop.close()


def call(version: str) -> GatedCall:
    """The call that a version makes, which those who decide may change."""
    effect = Effect(argv=("./deploy.sh", version), environment="production")
    return GatedCall(
        tool="deploy", schema_version=1, arguments={"version": version}, effect=effect, editable=("version",)
    )


def statement(person: str, channel: str, vote: Said | Literal["withdraw"], shown: Request) -> Statement:
    """A new reply of `person` to what they were shown."""
    return Statement(
        reply_id=f"{channel}-{secrets.token_hex(8)}",
        person=PersonId(person),
        proof=as_by(channel),
        binding=bound_to(shown, "digest"),
        said=vote,
        text=vote,
    )
