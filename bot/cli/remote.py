"""The command line over HTTP: where SAYSO_URL is set, a person's own API key says who speaks."""

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import httpx2
import typer

from agents import ToolRefused
from agents.events import Event, read_event
from agents.requests import Request, RunId
from bot.app import App, agents_of, compose
from bot.cli.show import (
    Shown,
    Story,
    as_a_note,
    as_a_vote,
    bound_to,
    last_shown,
    not_shown,
    note_shown,
    plain,
    request_text,
    typed,
)
from bot.config.data_dir import DataDir
from bot.config.settings import Settings, load
from bot.config.trust import state_dir
from bot.errors import SaysoError
from bot.people.api_keys import USER_AGENT
from bot.people.directory import People
from bot.process.processes import local_mail, log_to, redis_url
from bot.queries.prompt_replay import PromptReplay
from bot.render.views import RequestView, RunView, Summary
from bot.runs.export import Exported
from bot.store.embedded import find
from channels import ChannelError
from prompts import PromptError

R = TypeVar("R")


class NotBesideDev(SaysoError):
    """The command is only for somebody who plays everybody; the text says what to do instead."""


def require_dev(settings: Settings, what: str) -> None:
    """Raises NotBesideDev unless it is the Redis of a running `sayso dev` that this data directory leads to.

    Elsewhere whoever reaches Redis could speak as anybody; there only a key or a session says who somebody is.
    """
    if settings.redis_url is not None or find(settings.data_dir) is None:
        raise NotBesideDev(
            f"{what} works only beside `sayso dev`. Set SAYSO_URL and SAYSO_API_KEY: over HTTP your own key says who "
            "you are, and you make one in the console, on the page Keys"
        )


def settings_of(data: Path | None) -> Settings:
    """The settings for this command. Raises ConfigError."""
    return load(data, os.environ)


@asynccontextmanager
async def attached(data: Path | None) -> AsyncGenerator[App]:
    """The composition over the Redis that runs, serving nothing. Raises Unavailable when there is none."""
    settings = settings_of(data)
    log_to(settings, json=False, quietly=True)
    app = compose(settings, redis_url(settings), [local_mail(settings).channel()], agents_of(settings), sends=False)
    try:
        yield app
    finally:
        await app.queue.close()
        await app.store.client.close()


def run(data: Path | None, work: Callable[[App], Awaitable[R]]) -> R:
    """What `work` gives with an attached composition."""

    async def inside() -> R:
        async with attached(data) as app:
            return await work(app)

    return asyncio.run(inside())


_TRIES = 5
_AGAIN_S = 1.0
_TIMEOUT_S = 60.0
_PAGE = 200


class RemoteRefused(SaysoError):
    """The server said no, or did not answer; the text says what to do."""


def remote(data: Path | None, person: str | None = None) -> "Remote | None":
    """The server that SAYSO_URL names; None beside a running `sayso dev`. Raises RemoteRefused and ConfigError."""
    settings = load(data, os.environ)
    if settings.url is None:
        return None
    if person is not None:
        raise typer.BadParameter(
            f"--as works only beside `sayso dev`. Over HTTP ({settings.url}) the key in SAYSO_API_KEY says who you "
            "are: leave --as out, or unset SAYSO_URL"
        )
    if settings.api_key is None:
        raise RemoteRefused("SAYSO_URL is set and SAYSO_API_KEY is not. `sayso keys create`, on the server, makes one")
    return Remote(settings, settings.url, settings.api_key.get_secret_value())


class Remote:
    """One server, as the person whose key this is. `people` names those that the local file knows."""

    def __init__(self, settings: Settings, url: str, key: str) -> None:
        self.people = People(settings.people, settings.policies)
        # Not in the data directory: that is found in a folder, which may be anybody's.
        self._notes = DataDir(state_dir(os.environ))
        self._whose = f"{url} {key.partition('_')[2].partition('_')[0]}"
        headers = {"Authorization": f"Bearer {key}", "User-Agent": USER_AGENT}
        self._http = httpx2.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S, follow_redirects=False)

    def trigger(self, text: str, agent: str | None) -> str:
        """The id of a new run."""
        body = {"text": text, "idempotency_key": secrets.token_hex(16)} | ({"agent": agent} if agent else {})
        return self._ask("POST", "/v1/runs", body)["id"]

    def ask(self, body: dict[str, Any]) -> RequestView:
        """The request that is open now."""
        return RequestView.model_validate(
            self._ask("POST", "/v1/requests", body | {"idempotency_key": secrets.token_hex(16)})
        )

    def answered(self, request_id: str) -> RequestView:
        """The request once it is closed."""
        while True:
            shown = RequestView.model_validate(self._ask("GET", f"/v1/requests/{request_id}?wait_s=50"))
            if shown.state != "open":
                return shown

    def runs(self, state: str | None) -> list[Summary]:
        """All runs, newest first."""
        wanted = {"state": state} if state else {}
        return [Summary.model_validate(one) for one in self._pages("/v1/runs", "runs", wanted)]

    def requests(self, person: str | None, state: str, *, full: bool = False) -> list[RequestView]:
        """Requests, newest first; `full` with all of their lists."""
        wanted = ({"person": person} if person else {}) | ({} if state == "all" else {"state": state})
        found = [RequestView.model_validate(one) for one in self._pages("/v1/requests", "requests", wanted)]
        if not full:
            return found
        return [RequestView.model_validate(self._ask("GET", f"/v1/requests/{one.id}")) for one in found]

    def printed(self, requests: Iterable[Request | RequestView]) -> None:
        """Remember what whoever holds this key has just seen."""
        note_shown(self._notes, self._whose, requests)

    def events(self, run_id: str) -> tuple[Event, ...]:
        """A run's events, oldest first."""
        found: list[Event] = []
        while page := self._ask("GET", f"/v1/runs/{run_id}/events?after={len(found)}")["events"]:
            found += [read_event(json.dumps(one["event"])) for one in page]
        return tuple(found)

    def steer(self, run_id: str, verb: Literal["pause", "resume", "cancel"]) -> str:
        """The state of a run after the verb."""
        return self._ask("POST", f"/v1/runs/{run_id}/{verb}")["state"]

    def copied(self, run_id: str, how: Literal["fork", "retry"], at: int | None = None) -> str:
        """The id of a new run that goes on from this one's first events."""
        body = {"idempotency_key": secrets.token_hex(16)} | ({"at": at} if at else {})
        return self._ask("POST", f"/v1/runs/{run_id}/{how}", body)["id"]

    def exported(self, run_id: str) -> Exported:
        """A run as a file has it."""
        return Exported.model_validate_json(json.dumps(self._ask("GET", f"/v1/runs/{run_id}/export")))

    def imported(self, exported: Exported) -> str:
        """The id of a new run that goes on from an exported one."""
        body = json.loads(exported.model_dump_json())
        answer = self._send("POST", "/v1/runs/import", body, once=secrets.token_hex(16))
        self._check(answer)
        return _json(answer)["id"]

    def forks(self, run_id: str) -> tuple[RunId, ...]:
        """The runs that were made of this one."""
        return RunView.model_validate(self._ask("GET", f"/v1/runs/{run_id}")).forks

    def seen(self, run_id: str, step: int) -> PromptReplay:
        """What the model saw before a step."""
        return PromptReplay.model_validate(self._ask("GET", f"/v1/runs/{run_id}/context?step={step}"))

    def withdraw(self, request_id: str, reason: str) -> None:
        """Take back a request."""
        self._ask("POST", f"/v1/requests/{request_id}/withdraw", {"reason": reason})

    def amend(self, request_id: str, changes: dict[str, str]) -> RequestView:
        """The request in its new revision."""
        return RequestView.model_validate(self._ask("POST", f"/v1/requests/{request_id}/amend", {"changes": changes}))

    def answer(
        self, request_id: str, text: str, reason: str, digest: str = "", *, with_note: bool = False, as_json: bool
    ) -> int:
        """Show the request and answer what was shown of it before; 0 when the answer counts."""
        shown = RequestView.model_validate(self._ask("GET", f"/v1/requests/{request_id}"))
        if not as_json:
            print(request_text(shown, self.people) + "\n")
        words = typed(shown.format, text, reason)
        seen = bound_to(digest, shown, last_shown(self._notes, self._whose, shown.id))
        if not as_json:
            self.printed([shown])
        if words.said == "approve" and seen is None and shown.state == "open":
            print(not_shown(shown.id, shown.digest, as_json=as_json), file=sys.stderr)
            return 1
        seen = seen or Shown(shown.revision, shown.digest)
        vote = {"vote": words.said, "digest": seen.digest, "reason": words.reason}
        vote |= {"note_confirmed": True} if with_note and words.said == "approve" else {}
        body = {"text": text} if words.said == "free_text" else vote
        answer = self._send("POST", f"/v1/requests/{request_id}/answer", body, once=secrets.token_hex(16))
        said = _json(answer)
        if "judgement" not in said:
            self._check(answer)
        print(json.dumps(said["judgement"]) if as_json else plain(said.get("told") or said["detail"]))
        if shown.format == "approval" and said["judgement"]["type"] == "unclear":
            print(as_a_vote(request_id, ""), file=sys.stderr)
        if said["judgement"]["type"] == "note_unconfirmed":
            print(as_a_note(request_id, ""), file=sys.stderr)
        return 0 if answer.is_success else 1

    def follow(self, run_id: str, told: Story) -> int:
        """Have a run's story told as it happens until it ends; 0 when it ended well."""
        return next((code for event in self._stream(run_id) if (code := told.tell(event)) is not None), 1)

    def _stream(self, run_id: str) -> Iterator[Event]:
        """The events of a run, taken up again where a stream was cut."""
        seq, tries = 0, 0
        while tries < _TRIES:
            tries += 1
            try:
                for told in self._told(run_id, seq):
                    seq, tries = told["seq"], 0
                    yield read_event(json.dumps(told["event"]))
            except httpx2.TransportError:
                pass  # taken up again
            time.sleep(_AGAIN_S)
        raise RemoteRefused(f"{self._http.base_url} went away. Look again with: sayso watch {run_id}")

    def _told(self, run_id: str, seq: int) -> Iterator[Any]:
        """What one stream tells after `seq`, until it ends or is cut."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(seq)}
        with self._http.stream("GET", f"/v1/runs/{run_id}/events", headers=headers) as answer:
            if not answer.is_success:
                answer.read()
            self._check(answer)
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    def _pages(self, path: str, name: str, wanted: dict[str, str]) -> Iterator[object]:
        cursor: str | None = ""
        while cursor is not None:
            query = {**wanted, "limit": str(_PAGE)} | ({"cursor": cursor} if cursor else {})
            page = self._ask("GET", f"{path}?{httpx2.QueryParams(query)}")
            yield from page[name]
            cursor = page["next"]

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        answer = self._send(method, path, body)
        self._check(answer)
        return _json(answer)

    def _send(self, method: str, path: str, body: object = None, once: str = "") -> httpx2.Response:
        """The answer; what is not answered, or put off, is sent again: nothing happens twice by it."""
        headers = {"Idempotency-Key": once} if once else {}
        for tries in range(1, _TRIES + 1):
            try:
                answer = self._http.request(method, path, json=body, headers=headers)
            except httpx2.TransportError as error:
                if tries == _TRIES:
                    away = f"{self._http.base_url} does not answer: {error}. Is SAYSO_URL right?"
                    raise RemoteRefused(away) from None
            else:
                if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE or tries == _TRIES:
                    return answer
            time.sleep(_AGAIN_S)
        raise AssertionError("unreachable")

    def _check(self, answer: httpx2.Response) -> None:
        """Raises RemoteRefused in the words of the server."""
        if answer.is_success:
            return
        said = _json(answer)
        if "detail" not in said:
            raise RemoteRefused(f"{answer.url} answered {answer.status_code}. Is SAYSO_URL right?")
        raise RemoteRefused(f"{str(said['detail']).rstrip('.')}. {said.get('do', '')}".strip())


def _json(answer: httpx2.Response) -> dict[str, Any]:
    try:
        said: object = answer.json()
    except ValueError:
        return {}
    return cast("dict[str, Any]", said) if isinstance(said, dict) else {}


_SPOKEN = (SaysoError, ChannelError, PromptError, ToolRefused)


def sentence(error: BaseException) -> str | None:
    """What to tell the person; None for a bug, which needs its traceback. A group speaks for what is in it."""
    if isinstance(error, BaseExceptionGroup):
        inside: tuple[BaseException, ...] = error.exceptions  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        said = [sentence(inner) for inner in inside]
        return "\n".join(line for line in said if line) if all(said) else None
    return str(error) if isinstance(error, _SPOKEN) else None
