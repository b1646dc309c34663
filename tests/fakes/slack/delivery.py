"""Bringing things to the app: over one of its sockets or by HTTP, again where Slack would, never where it would not.

Events are tried four times; an interaction or a slash command once: https://docs.slack.dev/apis/events-api#retries
"""

import asyncio
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes.slack import payloads
from tests.fakes.slack.model import Json
from tests.fakes.slack.state import ANSWER_WITHIN_S, Slack

Type = Literal["events_api", "interactive", "slash_commands"]


@dataclass(frozen=True)
class Outcome:
    """The outcome of one try. `reason` is Slack's word for why it failed; `answer` what the app sent back."""

    acked: bool
    reason: str = ""
    answer: Any = None
    try_again: bool = True


@dataclass
class Parcel:
    """One event, interaction or command, on its way or there."""

    type: Type
    payload: Json
    tries: list[Json] = field(default_factory=list[Json])
    state: Literal["held", "under way", "acked", "given up"] = "under way"
    answer: Any = None

    def to_json(self) -> Json:
        return {
            "type": self.type, "event_id": self.payload.get("event_id"), "state": self.state, "tries": self.tries,
            "payload": self.payload, "answer": self.answer,
        }  # fmt: skip


class Ferry:
    """Carries one parcel once. Over Socket Mode an envelope has an id of its own for each try."""

    async def carry(self, parcel: Parcel, attempt: int, reason: str) -> Outcome:
        """Never raises: what goes wrong is the outcome."""
        raise NotImplementedError


class Deliveries:
    """All parcels, in the order they were made."""

    def __init__(self, slack: Slack, socket: Ferry, http: Ferry) -> None:
        self._slack, self._socket, self._http = slack, socket, http
        self.parcels: list[Parcel] = []
        self.holding = False
        self.twice = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def event(self, event: Json) -> Parcel | None:
        """Send an event on its way, if the app has asked for its kind and may have it."""
        if not _subscribed(self._slack, event):
            return None
        parcel = self._new("events_api", payloads.event_callback(self._slack, event))
        times = 2 if self.twice else 1
        self.twice = max(0, self.twice - 1)
        if self.holding:
            parcel.state = "held"
            return parcel
        for number in range(times):
            self._start(self._bring(parcel, first=number, reason="timeout" if number else ""))
        return parcel

    async def ask(self, type_: Type, payload: Json) -> Parcel:
        """Bring an interaction or a command, and return when it was answered or is lost."""
        parcel = self._new(type_, payload)
        await self._try(parcel, 0, "")
        if parcel.state == "under way":
            parcel.state = "given up"
        self._slack.changes.note()
        return parcel

    def release(self, *, reverse: bool = False) -> int:
        """Send what was held, each after the one before it was taken; the number of them."""
        held = [parcel for parcel in self.parcels if parcel.state == "held"]
        self.holding = False
        for parcel in held:
            parcel.state = "under way"
        self._start(self._one_by_one(held[::-1] if reverse else held))
        return len(held)

    def again(self, parcel: Parcel) -> None:
        """Send an event that was acknowledged once more: Slack promises at least once, not once."""
        self._start(self._bring(parcel, first=1, reason="timeout"))

    async def once_more(self, parcel: Parcel) -> Parcel:
        """Bring an interaction that was answered a second time, as Slack never does and a proxy might."""
        await self._try(parcel, 1, "")
        return parcel

    async def reset(self) -> None:
        """Bring nothing any more, and forget what was brought."""
        await self.close()
        self.parcels.clear()
        self.holding, self.twice = False, 0

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _new(self, type_: Type, payload: Json) -> Parcel:
        parcel = Parcel(type_, payload)
        self.parcels.append(parcel)
        self._slack.changes.note()
        return parcel

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _one_by_one(self, parcels: list[Parcel]) -> None:
        for parcel in parcels:
            await self._bring(parcel)

    async def _bring(self, parcel: Parcel, first: int = 0, reason: str = "") -> None:
        pauses: list[float | None] = [*self._slack.settings.retry_after_s, None]
        for attempt, pause in enumerate(pauses, first):
            outcome = await self._try(parcel, attempt, reason)
            if outcome.acked or not outcome.try_again or pause is None:
                break
            reason = outcome.reason
            await self._slack.clock.passes(pause)
        if parcel.state == "under way":
            parcel.state = "given up"
        self._slack.changes.note()

    async def _try(self, parcel: Parcel, attempt: int, reason: str) -> Outcome:
        ferry = self._socket if self._slack.settings.socket_mode else self._http
        began = asyncio.get_running_loop().time()
        outcome = await ferry.carry(parcel, attempt, reason)
        after_s = asyncio.get_running_loop().time() - began
        parcel.tries.append(
            {"attempt": attempt, "acked": outcome.acked, "reason": outcome.reason, "after_s": round(after_s, 6)}
        )
        if outcome.acked:
            parcel.state, parcel.answer = "acked", outcome.answer
        self._slack.changes.note()
        return outcome


async def within(slack: Slack, answer: "asyncio.Future[Outcome]", late: Outcome) -> Outcome:
    """`answer`, or `late` when Slack's patience is over by Slack's clock."""
    given_s, clock = slack.settings.answer_within_s, slack.clock
    passes = clock.is_moved(ANSWER_WITHIN_S) if given_s is None else clock.passes(given_s)
    patience = asyncio.ensure_future(passes)
    try:
        await asyncio.wait({answer, patience}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        patience.cancel()
    if answer.done():
        return answer.result()
    answer.cancel()
    return late


def envelope(parcel: Parcel, attempt: int, reason: str) -> Json:
    """A Socket Mode envelope with an id of its own. Events say which try it is, from the first one on."""
    made: Json = {
        "envelope_id": str(uuid.uuid4()),
        "payload": parcel.payload,
        "type": parcel.type,
        "accepts_response_payload": parcel.type != "events_api",
    }
    return made | ({"retry_attempt": attempt, "retry_reason": reason} if parcel.type == "events_api" else {})


# The scope that an event needs: https://docs.slack.dev/reference/events
_NEEDS = {
    "app_mention": "app_mentions:read", "message.channels": "channels:history", "message.groups": "groups:history",
    "message.im": "im:history", "app_home_opened": None,
}  # fmt: skip


def _subscribed(slack: Slack, event: Json) -> bool:
    name = event["type"]
    if name == "message":
        name = {"channel": "message.channels", "group": "message.groups", "im": "message.im"}[event["channel_type"]]
    needs = _NEEDS.get(name)
    return name in slack.settings.events and (needs is None or needs in slack.settings.scopes)
