"""The last check that an approval covers a call: before its start is recorded, and when its command gets its turn.

Between the two lies the wait for the environment's lock, in which another deploy may have changed what this one's
approvers saw.
"""

from dataclasses import replace
from datetime import datetime
from typing import Literal

import structlog
from pydantic import BaseModel

from agents import Agent, Tool, ToolRefused
from agents.events import ToolStarted
from agents.requests import Effect, GatedCall, RequestId
from agents.requests.record import RequestRecord, after
from agents.run import Run
from agents.standing import ALLOW_AGAIN
from agents.state import left_to_next
from agents.steps import CallTool
from bot.errors import WaitsForFile
from bot.execution.executor import prepare
from bot.execution.tool_context import Guarded
from bot.people.directory import People
from bot.people.recognition import whose_votes_count
from bot.policy.digest import call_digest
from bot.policy.recheck import good_until, why_not
from bot.requests.decisions import Decisions
from bot.requests.freezes import Found, FrozenRequests
from bot.requests.standing.uses import StandingUses
from bot.store import RecordWrite, StoreError
from bot.store.journal import record_write
from language import say

log = structlog.stdlib.get_logger()


class ApprovalGuard:
    """The last looks at an approval. Without `standing` what nobody was asked about does not start."""

    def __init__(
        self, decisions: Decisions, people: People, freezes: FrozenRequests, standing: StandingUses | None = None
    ) -> None:
        self._decisions, self._people, self._freezes, self._standing = decisions, people, freezes, standing

    async def frozen(self, run: Run, call: GatedCall) -> Found:
        """Return what freezes the environment of a call."""
        return await self._freezes.on(call.effect.environment, run.id)

    async def holds_tools(self) -> bool:
        """Return whether no approval begins anything now; see `NotedTables.settle`."""
        return await self._decisions.noted.settle(self._people)

    async def approved(
        self, run: Run, call: GatedCall, started: ToolStarted, frozen: int
    ) -> RecordWrite | Literal["ask what happened"] | None:
        """The approval's record as `start_tool` must find it; None when the run must look again or ask again.

        `frozen` is the number of the freezes that were looked at.

        People are asked what an earlier attempt did before they are asked for another approval.
        """
        record, version, now = await self._decisions.request(_request_of(started))
        if await self._took_back(record, version, now):
            return None
        if why := await self.why_not(run, record, call, now):
            log.warning("not executed", request_id=record.request.id, reason=why)
            if self._people.half_taken:  # whoever approved it may be here again
                return None
            if left_to_next(run.pending):
                return "ask what happened"
            await self._decisions.supersede(record, version, why, now)
            return None
        return self.as_started(record, version, call, started, now, frozen)

    def as_started(
        self, record: RequestRecord, version: int, call: GatedCall, started: ToolStarted, now: datetime, frozen: int
    ) -> RecordWrite | None:
        """Return a record as `start_tool` must find and leave it; None where a window freezes it by now."""
        if self._freezes.window(call.effect.environment, now):  # it has begun since it was looked for
            return None
        written = record_write(after(record, [started]), version, before=self.good_until(record, call, now))
        return replace(written, frozen=frozen)

    def good_until(self, record: RequestRecord, call: GatedCall, now: datetime) -> datetime | None:
        """The moment until which what is approved may start, as things stand."""
        # From a window's beginning on nothing may start, and the script that records it goes by the store's own clock.
        begins = self._freezes.next_window(call.effect.environment, now)
        return min(filter(None, (good_until(record), begins)), default=None)

    async def taken_back(self, request_id: RequestId) -> bool:
        """Return whether an approval was taken back just now, by a denial that came once its start was recorded."""
        return await self._took_back(*await self._decisions.request(request_id))

    async def _took_back(self, record: RequestRecord, version: int, now: datetime) -> bool:
        """Take it back where nothing has begun; what may have begun is asked anew."""
        if record.stopped is None or record.state != "approved" or record.began_at is not None:
            return False
        log.warning("taken back", request_id=record.request.id, person=record.stopped.person)
        await self._decisions.take_back(record, version, record.stopped, now)
        return True

    async def why_not(self, run: Run, record: RequestRecord, call: GatedCall, now: datetime) -> str | None:
        """Return why the approval does not cover a call as it would be executed now; None if it does.

        Raises WaitsForFile while a newer file than ours says something else of who approved it, or freezes more.
        """
        by = record.decision.by if record.decision else ()
        await self._decisions.noted.check_begins({*by, *(vote.person for vote in record.votes)}, self._people)
        counting = whose_votes_count(record, self._people)
        if why := why_not(record, _digest(run, record, call), counting, now):
            return why
        if call.tool == ALLOW_AGAIN:  # once it has begun, whoever may not decide by ours has granted nothing
            await self._decisions.noted.check_policy(record.request.policy.name, self._people)
        if record.decision is None or record.decision.standing is None:
            return None
        why = await self._standing.why_not(record, call.effect) if self._standing else say("run.not-approved")
        if why:
            await self._decisions.noted.check_policy(record.request.policy.name, self._people)
        return why

    def cover(
        self, agent: Agent, run: Run, step: CallTool, started: ToolStarted, approval: RecordWrite
    ) -> Guarded | None:
        """Return the guard that must still hold when the command of `started` gets its turn."""

        async def still() -> bool:
            """Return whether all of it is as approved.

            If not, nothing begins, and the run looks again by itself.
            """
            try:
                tool, args, effect = await prepare(agent, run, step)
                record, _, now = await self._decisions.request(_request_of(started))
                found = await self._freezes.on(effect.environment, run.id)
                why = await self.why_not(run, record, call_of(tool, args, effect), now)
                is_held = await self.holds_tools()
            except (ToolRefused, StoreError, WaitsForFile) as error:
                log.warning("not begun", attempt_id=started.attempt_id, reason=str(error))
                return False
            if is_held:
                log.warning("not begun: a file is only half taken", attempt_id=started.attempt_id)
                return False
            if found.freeze:
                log.warning("not begun: it is frozen", attempt_id=started.attempt_id)
                return False
            if why:
                log.warning("not begun", attempt_id=started.attempt_id, reason=why)
            return why is None

        return Guarded(approval.before, still) if approval.before else None


def call_of(tool: Tool[BaseModel], args: BaseModel, effect: Effect) -> GatedCall:
    """Return the call that an approval is about."""
    return GatedCall(
        tool=tool.name,
        schema_version=tool.schema_version,
        arguments=args.model_dump(mode="json"),
        effect=effect,
        editable=tool.editable,
    )


def _request_of(started: ToolStarted) -> RequestId:
    if started.request_id is None:
        raise AssertionError("a gated step executes only with a request")
    return started.request_id


def _digest(run: Run, record: RequestRecord, call: GatedCall) -> str:
    request = record.request
    return call_digest(run.id, request.id, request.nonce, call, request.requesters)
