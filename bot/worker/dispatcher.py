"""What to do with each member of a schedule: the edge of every job. What breaks is tried again, then shown."""

import asyncio

import structlog

from agents.requests import PersonId, RequestId, RunId
from bot.inbound.inbox import Inbox
from bot.outbound.dead_letter import Note
from bot.outbound.outbox import Outbox
from bot.render.views import Summary
from bot.requests.decisions import Decisions
from bot.runs.loop import Loop
from bot.store import Store, StoreError
from channels import ChannelUnauthorized, ChannelUnavailable

log = structlog.stdlib.get_logger()

# A poisoned item must not be tried for ever.
_TRIES = 3
# With doubling waits a quarter of an hour: a machine that is too busy to read a mail is no fault of the mail.
_UNAVAILABLE_TRIES = 12
_FIRST_WAIT_S = 1.0


class Dispatcher:
    """Takes one member of a schedule and does what it is about: `run`, `in`, `out` or `ask`."""

    def __init__(self, store: Store, loop: Loop, inbox: Inbox, outbox: Outbox, decisions: Decisions) -> None:
        self._store, self._loop, self._inbox, self._outbox, self._decisions = store, loop, inbox, outbox, decisions
        self._in_hand = set[str]()

    async def look(self, member: str) -> None:
        """Do it; an error that is not the store's is counted and, at the third time, a dead letter.

        What can't be done just now may be tried more often.
        """
        structlog.contextvars.clear_contextvars()
        if member in self._in_hand:
            return  # the queue was long, and the sweeper brought it once more
        if member.startswith("out "):
            self._in_hand.add(member)
        awake = asyncio.create_task(self._stay_awake(member))
        try:
            await self._look(member)
        except StoreError:
            raise
        except ChannelUnauthorized as error:  # it is we who are refused: nothing is wrong with the member
            log.warning("put off: we are refused", member=member, error=str(error))
            await self._outbox.locked_out(member.partition(" ")[2], error)
            await self._store.push_off(member)
        except ChannelUnavailable as error:
            log.warning("put off", member=member, error=str(error))
            await self._count(member, str(error), _UNAVAILABLE_TRIES)
        except Exception as error:
            log.exception("failed", member=member)
            await self._count(member, f"{type(error).__name__}: {error}"[:2_000], _TRIES)
        finally:
            self._in_hand.discard(member)
            awake.cancel()

    async def _stay_awake(self, member: str) -> None:
        """While a model thinks or a mail server is slow, keep the sweeper from bringing the same work again."""
        while True:
            await asyncio.sleep(self._store.grace_s / 2)
            await self._store.push_off(member)

    async def _look(self, member: str) -> None:
        kind, _, some_id = member.partition(" ")
        match kind:
            case "run":
                await self._loop.advance(RunId(some_id))
            case "in":
                await self._inbox.handle(some_id)
            case "out":
                await self._outbox.send(some_id)
            case "ask":
                await self._decisions.expire(RequestId(some_id))
            case _:
                raise ValueError(f"a schedule of this release holds no {member!r}")

    async def _requester(self, member: str) -> tuple[PersonId, ...]:
        """Whoever waits for a run that is stuck, as far as the lists know it; its events may be what can't be read."""
        kind, _, some_id = member.partition(" ")
        line = await self._store.lists.summary(some_id) if kind == "run" else None
        return (Summary.model_validate_json(line).requester,) if line else ()

    async def _count(self, member: str, why: str, at_most: int) -> None:
        some_id = member.partition(" ")[2]
        note = Note(kind="dead", what=member, why=why, at=await self._store.now(some_id), member=member)
        if await self._store.put_off(some_id, member, _FIRST_WAIT_S) >= at_most:
            title, text = (
                f"Given up after {at_most} tries: {member}",
                f"{why}. `sayso dead requeue {some_id}` tries again.",
            )
            await self._outbox.alert(some_id, title, text, also=await self._requester(member))
            await self._store.give_up(some_id, member, note.model_dump_json().encode())
