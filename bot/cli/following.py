"""Runs that are followed in a terminal until they end: by `sayso watch`, and by `sayso trigger --wait`."""

import sys
from typing import TYPE_CHECKING

from agents.events import ChildStarted, Event, RequestOpened, RunEnded, write_event
from agents.requests import Request, RequestId
from agents.run import fold
from bot.cli.show import how_to_answer, plain, plain_json
from bot.people.directory import People
from bot.policy.quorum import eligible
from bot.render.cards import who_decides
from bot.render.transcript import lines
from bot.render.views import run_view

if TYPE_CHECKING:
    from bot.app import App


class Story:
    """Prints what happens, a line for each event: a sentence, or JSON."""

    def __init__(self, people: People, *, as_json: bool) -> None:
        self._people, self._as_json = people, as_json

    def tell(self, event: Event) -> int | None:
        """Print it; the exit code once the run has ended, 0 when it ended well."""
        print(self._json(event) if self._as_json else plain(next(lines([event], self._people))), flush=True)
        return _code(event)

    def _json(self, event: Event) -> str:
        return plain_json(write_event(event).decode())


class Wait(Story):
    """The story of somebody who waits for its end: whom it waits for goes to stderr, once per request.

    As JSON it is one document, the run as it ended. `where` is what the commands need to find this installation;
    `by_key`: people there answer with their own keys.
    """

    def __init__(self, people: People, *, as_json: bool, where: str, by_key: bool) -> None:
        super().__init__(people, as_json=as_json)
        self._where, self._by_key = where, by_key
        self._events: list[Event] = []
        self._asked: set[RequestId] = set()

    def tell(self, event: Event) -> int | None:
        """See `Story.tell`."""
        if not self._as_json:
            super().tell(event)
        self._events.append(event)
        if isinstance(event, RequestOpened) and event.request.id not in self._asked:
            self._asked.add(event.request.id)
            print(plain(self._asks(event.request)), file=sys.stderr, flush=True)
        if isinstance(event, ChildStarted):
            words = f"What {event.run_id} does, and whom it asks: ./sayso watch {event.run_id}{self._where}"
            print(words, file=sys.stderr, flush=True)
        if self._as_json and isinstance(event, RunEnded):
            print(plain_json(run_view(fold(self._events)).model_dump_json()), flush=True)
        return _code(event)

    def _asks(self, request: Request) -> str:
        options = (f"{number}: {option}" for number, option in enumerate(request.options, 1))
        what = "\n  ".join(" ".join(part.split()) for part in (request.title, request.quoted, *options) if part)
        who = who_decides(request.policy, self._people, request.requesters)
        speaker = "" if self._by_key else f" --as {'|'.join(eligible(request.policy, request.requesters))}"
        how = how_to_answer(request.id, request.format, f"{speaker}{self._where}")
        how += ", with their own SAYSO_API_KEY" if self._by_key else ""
        return f"Waits for {who}: {what}\nThey are asked by {' or '.join(request.policy.reach)}. In a terminal: {how}"


def _code(event: Event) -> int | None:
    if not isinstance(event, RunEnded):
        return None
    return 0 if event.outcome == "done" else 1


async def follow(app: "App", run_id: str, told: Story) -> int:
    """Have a run's story told as it happens until it ends; 0 when it ended well."""
    async for event in app.store.follow(run_id, 0):
        code = told.tell(event)
        if code is not None:
            return code
    return 1
