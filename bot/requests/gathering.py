"""Which requests of a program reach a person in one message with others: those beyond `cards_per_person`.

What is urgent by its policy, what that has expire before two such messages may have come, what may be decided by
breaking the glass, and what can't be answered in the console, where the message leads, has a card of its own.
"""

import asyncio
from datetime import timedelta
from typing import Literal

from agents.requests import PersonId, Request, RunId
from agents.requests.record import RequestRecord
from bot.policy.approvers.who import who_of
from bot.store import Store
from bot.store.together import MAIL_EVERY_S, OpenCards

# As long as the next mail, and people, may take.
_BRIEF_S = 2 * MAIL_EVERY_S
# Longer than it takes from the count to the request.
_OPENING = timedelta(minutes=1)
# Longer than a request stays open.
_REMEMBERED_S = 31 * 24 * 3600.0


class Gathering:
    """Decides it once for each request and person. `most` open cards of a key has each; `console` is our address."""

    def __init__(self, store: Store, most: int, console: str | None) -> None:
        self._store, self._most, self._console, self._cards = store, most, console, OpenCards(store)

    async def opening(self, request: Request) -> Request:
        """Return `request` with the people who get it in one message with others. Nothing else of it changes."""
        if not self._may(request):
            return request
        people = who_of(RequestRecord(request=request)).approve
        has_room = await asyncio.gather(*(self._has_room(request, person) for person in people))
        together = tuple(one for one, is_so in zip(people, has_room, strict=True) if not is_so)
        return request.model_copy(update={"together": together}) if together else request

    async def gathers(self, record: RequestRecord, person: PersonId) -> bool:
        """Return whether `person` gets it in one message with others, also who is asked later than the first were."""
        request = record.request
        if person in request.together or person not in record.asked_at or not self._may(request):
            return person in request.together
        name = f"together {request.run_id} {person}"
        known = await self._store.remembered(name)
        if known is None:
            found = b"" if await self._has_room(request, person) else b"1"
            known, _ = await self._store.remember(name, found, _REMEMBERED_S)
        return known == b"1"

    def _may(self, request: Request) -> bool:
        policy = request.policy
        in_console = self._console is not None and "console" in policy.answer_from
        # That a question is urgent, or soon over, are the program's own words.
        is_brief = policy.expires_after_s <= _BRIEF_S
        is_urgent = request.purpose == "gate" and (policy.urgency == "high" or is_brief or bool(policy.break_glass))
        return bool(request.asked_with) and in_console and not is_urgent

    async def _has_room(self, request: Request, person: PersonId) -> bool:
        """Count it against those that the person has open, of which some may be closed by now."""
        name = f"{request.asked_with} {person}"
        if await self._cards.has_room(name, request.run_id, self._most):
            return True
        just_now = self._store.about_now() - _OPENING
        counted = await self._cards.runs(name)
        stand = await asyncio.gather(*map(self._stands, counted))
        closed = [
            run_id
            for (run_id, since), state in zip(counted.items(), stand, strict=True)
            if state == "closed" or (state == "none" and since < just_now)
        ]
        if not closed:
            return False
        await self._cards.forget(name, closed)
        return await self._cards.has_room(name, request.run_id, self._most)

    async def _stands(self, run_id: RunId) -> Literal["none", "open", "closed"]:
        """Return how the request stands that a run began with; none where it may just be about to be written."""
        first = next(iter((await self._store.run(run_id)).requests.values()), None)
        if first is None:
            return "none"
        return "open" if first.state == "open" else "closed"
