"""Asks the table of rights about runs as they are stored, for every surface that shows or steers them."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from agents.requests import PersonId
from agents.requests.record import RequestRecord
from bot.errors import Invalid, NotFound
from bot.people.refusals import Refusals
from bot.people.rights import STEERS, Action, Caller, Denied, Rights
from bot.policy.approvers.concern import Concern, concern_of, people_of_record
from bot.policy.standing import Standing
from bot.queries.environments import Live
from bot.queries.history import History
from bot.render.views import Summary, Turns
from bot.store import Store, folded
from language import say

# A story may have megabytes, and takes several times as much while it is read.
_READ_AT_ONCE = 4


class Guard:
    """What checks raises NotFound where there is no such run for whoever asks, and Forbidden where they only look.

    A refusal is noted for the audit first.
    """

    def __init__(self, rights: Rights, store: Store, history: History) -> None:
        self.rights, self._store, self._history, self._refusals = rights, store, history, Refusals(store)
        self._reading = WeakValueDictionary[tuple[str, bool, str], asyncio.Semaphore]()

    async def check(self, caller: Caller, action: Action) -> None:
        """Check what is about no run."""
        if denied := self.rights.denial_at_all(caller, action):
            await self._refusals.refuse(caller, action, denied)

    async def check_absence(self, caller: Caller, person: str) -> None:
        """Check that somebody may say that `person` is away, or back."""
        if denied := self.rights.absence_denial(caller, person):
            await self._refusals.refuse(caller, "absent", denied)

    async def check_asking(self, caller: Caller, person: PersonId) -> None:
        """Check that `caller` may ask what would happen if `person` asked for something."""
        if denied := self.rights.asking_denial(caller, person):
            await self._refusals.refuse(caller, "explain", denied)

    async def check_run(self, caller: Caller, action: Action, run_id: str) -> None:
        """Check what is about a run, here or in the archive."""
        if action not in STEERS and self.rights.denial(caller, action, Concern(), run_id) is None:
            return
        concern = await self._concern(caller, run_id)
        if denied := self.rights.denial(caller, action, concern, run_id):
            await self._refusals.refuse(caller, action, denied, run_id)

    async def check_request(self, caller: Caller, action: Action, record: RequestRecord) -> None:
        """Check what is about the run of a request; where that may not be seen, there is no such request."""
        is_review = record.request.purpose == "review"
        named = Concern(frozenset(record.askers), people_of_record(record), is_review)
        if self.rights.denial(caller, action, named, record.request.run_id) is None:
            return
        try:
            await self.check_run(caller, action, record.request.run_id)
        except NotFound:
            missing = say("error.no-request", request=record.request.id)
            raise NotFound(missing, say("error.requests-listed")) from None

    async def check_standing(self, caller: Caller, standing: Standing, concerned: Collection[PersonId]) -> None:
        """Check that somebody may end a standing approval, which concerns those; for anybody else there is none."""
        if caller.sees_all or not caller.people.keys().isdisjoint(concerned):
            return
        approval, is_unknown = standing.approval, self.rights.is_unknown("see")
        denied = Denied(say("again.none", id=approval.id), say("again.listed"), is_hidden=True, is_unknown=is_unknown)
        await self._refusals.refuse(caller, "answer", denied, approval.run_id)

    async def may_see(self, caller: Caller, run_id: str) -> bool:
        """Return whether `caller` may see a run that there is, here or in the archive."""
        if caller.sees_all or await self.seen(caller, [run_id]):
            return True
        return self.rights.denial(caller, "see", await self._concern(caller, run_id), run_id) is None

    async def archived(
        self, caller: Caller, month: str, cursor: str | None, limit: int
    ) -> tuple[tuple[Summary, ...], str | None]:
        """The runs in the archive that ended in a month such as `2026-10` and that `caller` may see, newest first.

        They are those of a page, so they may be fewer than `limit` where more follow. Raises Invalid.
        """
        found, following = await self._history.ended_in(month, cursor, limit)
        return tuple([one for one in found if await self._may_still_see(caller, one.id)]), following

    async def _may_still_see(self, caller: Caller, run_id: str) -> bool:
        """The same as `may_see`, of a run whose file may be deleted or damaged while the list of its month is not."""
        try:
            return await self.may_see(caller, run_id)
        except (NotFound, Invalid):
            return False

    async def _concern(self, caller: Caller, run_id: str) -> Concern:
        """Return whom a run concerns, as its events say."""
        async with self.in_turn(caller, run_id):
            return concern_of(await folded((await self._history.read(run_id)).events))

    @asynccontextmanager
    async def in_turn(self, caller: Caller, run_id: str) -> AsyncGenerator[None]:
        """Wait until one more whole story of a shard may be read for `caller`, who may be anybody.

        What somebody does by hand waits for nothing that their programs do: it is where they stop these.
        """
        whose = (caller.name, caller.scopes is None, run_id.partition("-")[0])
        async with self._reading.setdefault(whose, asyncio.Semaphore(_READ_AT_ONCE)):
            yield

    async def still_sees(self, caller: Caller, before: Caller, run_id: str) -> bool:
        """Return whether `caller` may see a run that they saw as they were `before`.

        Nobody ceases to be concerned by a run, so whoever may do what they could then still sees it.
        """
        return caller == before or (caller.has("read") and await self.may_see(caller, run_id))

    async def seen(self, caller: Caller, run_ids: Sequence[str]) -> frozenset[str]:
        """Return those of the runs that `caller` may see, of those that have not left for the archive."""
        if caller.sees_all:
            return frozenset(run_ids)
        return await self._store.lists.seen_by(run_ids, tuple(caller.people))

    async def turns(self, caller: Caller, live: Live) -> dict[str, Turns]:
        """Who deploys to each environment, and who waits, as far as `caller` may see their runs."""
        found = await live.turns()
        runs = [one.run for turns in found.values() for one in (turns.running, *turns.waiting) if one]
        seen = await self.seen(caller, runs)

        def shown(turns: Turns) -> Turns:
            running = turns.running if turns.running and turns.running.run in seen else None
            return Turns(running=running, waiting=tuple(one for one in turns.waiting if one.run in seen))

        return {name: shown(turns) for name, turns in found.items()}
