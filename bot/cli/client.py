"""The command line as a client of the HTTP API: of the `sayso dev` here, or of the server that SAYSO_URL names."""

import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Self, cast
from urllib.parse import quote, urlencode

import httpx2
import typer

from agents.events import Event, RunEnded, read_event
from bot.cli.server import server_of, tls_for
from bot.cli.show import Story, last_shown, note_shown
from bot.command_line import command
from bot.config.data_dir import DataDir
from bot.config.tables import PersonConfig
from bot.config.trust import state_dir
from bot.errors import SaysoError, Unavailable
from bot.operations import Operation
from bot.people.directory import People
from bot.render.views import EnvironmentView, RequestView, RunView, Status, Summary

# What the API takes for our own command line; see `bot/people/api_keys.py`.
USER_AGENT = "sayso-cli"
_LISTS = re.compile(r"GET /v1/(runs|requests|people|dead)\b")
_TRIES = 5
# Who waits for people, in a CI job for hours, waits through a restart of the server as well.
_TRIES_WAITING = 120
_AGAIN_S = 1.0
# Balancers end a call in which nothing is said, many after 30 s: that looks as if the server were away.
_HELD_S = 20
# A proxy answers for a server that is being started again.
_LATER = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
_MAY_BE_DONE = "It may be done all the same: look how it stands before you say it again"
_TIMEOUT_S = 60.0
_PAGE = 200


def connect(data: Path | None, person: str | None = None) -> "Client":
    """A client of the server that `bot.cli.server` finds. Raises Unavailable and NotFound."""
    found = server_of(data, person)
    return Client(found.url, found.key, found.whose, person=found.person, is_local=found.is_local)


def speaking(data: Path | None, person: str | None) -> "Client":
    """The same for a command that needs somebody to say it. Raises Unavailable and NotFound."""
    client = connect(data, person)
    if client.is_local and person is None:
        raise typer.BadParameter("say who you are: --as PERSON, such as --as anna")
    return client


def asking(data: Path | None, person: str | None) -> tuple["Client", str | None]:
    """Return the same for a command that is about somebody who asks, and who that is; None for the key's person."""
    if not os.environ.get("SAYSO_URL", ""):
        return speaking(data, person), person
    return connect(data), person


class _Away(Exception):
    """The server is being started again, or its store is away."""


class Client:
    """One server, as whoever's key this is. `whose` names them in the notes of what was shown to whom.

    `person` is known where it `is_local`, beside `sayso dev`.
    """

    def __init__(self, url: str, key: str, whose: str, *, person: str | None = None, is_local: bool = False) -> None:
        self.is_local, self.person, self.unread = is_local, person, 0
        # Not in the data directory: that is found in a folder, which may be anybody's.
        self._notes, self._whose, self._url = DataDir(state_dir(os.environ)), whose, url
        headers = {"Authorization": f"Bearer {key}", "User-Agent": USER_AGENT}
        tls = tls_for(url)
        self._http = httpx2.Client(
            base_url=url, headers=headers, timeout=_TIMEOUT_S, verify=tls, trust_env=not is_local
        )

    def __enter__(self) -> Self:
        """The client itself, which is closed at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close what is open."""
        self._http.close()

    @cached_property
    def people(self) -> People:
        """The directory of that server, by names alone."""
        found = self._ask("GET", "/v1/people")["people"]
        return People({one["id"]: PersonConfig.model_construct(name=one["name"]) for one in found}, {})

    def do(self, operation: Operation, body: Mapping[str, object] | None = None, **names: str) -> dict[str, Any]:
        """Do an operation to what `names` name, and return what is shown of it."""
        path = operation.path.format(**{name: quote(value, "") for name, value in names.items()})
        return self._read(self._send("POST", path, body, ends_stop=operation.ends_stop))

    def get(self, path: str) -> dict[str, Any]:
        """What is shown at `path`."""
        return self._ask("GET", path)

    def environments(self) -> list[EnvironmentView]:
        """What is live in each environment, who deploys there, and who waits."""
        found = self._ask("GET", "/v1/environments")["environments"]
        return [EnvironmentView.model_validate(one) for one in found]

    def trigger(self, text: str, agent: str | None) -> str:
        """The id of a new run."""
        return self._made("/v1/runs", {"text": text} | ({"agent": agent} if agent else {}))["id"]

    def ask(self, body: dict[str, Any]) -> RequestView:
        """The request that is open now."""
        return RequestView.model_validate(self._made("/v1/requests", body))

    def answered(self, request_id: str) -> RequestView:
        """The request once it is closed."""
        while True:
            path = f"/v1/requests/{quote(request_id, '')}?wait_s={_HELD_S}"
            shown = RequestView.model_validate(self._ask("GET", path, most=_TRIES_WAITING))
            if shown.state != "open":
                return shown

    def runs(self, state: str | None, limit: int, archived: str | None = None) -> list[Summary]:
        """The newest runs, `limit` at most; with `archived` those of the archive that ended in this month."""
        wanted = ({"state": state} if state else {}) | ({"archived": archived} if archived else {})
        return [Summary.model_validate(one) for one in islice(self._pages("/v1/runs", "runs", wanted), limit)]

    def run(self, run_id: str) -> RunView:
        """A run as it stands."""
        return RunView.model_validate(self._ask("GET", f"/v1/runs/{quote(run_id, '')}"))

    def requests(self, person: str | None, state: str, limit: int, *, full: bool = False) -> list[RequestView]:
        """The newest requests, `limit` at most; `full` with all of their lists."""
        wanted = ({"person": person} if person else {}) | ({} if state == "all" else {"state": state})
        listed = islice(self._pages("/v1/requests", "requests", wanted), limit)
        found = [RequestView.model_validate(one) for one in listed]
        return [self.request(one.id) for one in found] if full else found

    def request(self, request_id: str) -> RequestView:
        """A request as it stands."""
        return RequestView.model_validate(self._ask("GET", f"/v1/requests/{quote(request_id, '')}"))

    def printed(self, requests: Iterable[RequestView], person: str | None = None) -> None:
        """Remember what was just printed: for `person` beside `sayso dev`, elsewhere for whoever holds this key."""
        whose = self._whose if person is None else self._whose.rpartition(" ")[0] + f" {person}"
        if not self.is_local or person or self.person:
            note_shown(self._notes, whose, requests)

    def approves(self, shown: RequestView) -> bool:
        """Return whether an approval from here counts: in a terminal beside `sayso dev`, elsewhere by a key."""
        return not shown.approve_from or ("cli" if self.is_local else "api") in shown.approve_from

    def last_shown(self, request_id: str) -> str:
        """The digest of a request as it was last printed for whoever speaks; empty when it was not."""
        return last_shown(self._notes, self._whose, request_id)

    def act(
        self, request_id: str, verb: Literal["answer", "edit", "delegate"], body: Mapping[str, object]
    ) -> dict[str, Any]:
        """Do something to a request; return its `judgement` and words for people, and whether it `counts`.

        Raises Unavailable if there is no judgement.
        """
        answer = self._send("POST", f"/v1/requests/{quote(request_id, '')}/{verb}", body, once=secrets.token_hex(16))
        said = _json(answer)
        if "judgement" not in said:
            self._check(answer)
        return said | {"counts": answer.is_success}

    def events(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        """A run's events `after` the first few, oldest first."""
        found: list[Event] = []
        while page := self._ask("GET", f"/v1/runs/{quote(run_id, '')}/events?after={after + len(found)}")["events"]:
            found += [read_event(json.dumps(one["event"])) for one in page]
        return tuple(found)

    def copied(self, run_id: str, how: Literal["fork", "retry"], at: int | None = None) -> str:
        """The id of a new run that goes on from this one's first events."""
        return self._made(f"/v1/runs/{quote(run_id, '')}/{how}", {"at": at} if at else {})["id"]

    def exported(self, run_id: str) -> str:
        """A run as a file has it."""
        answer = self._send("GET", f"/v1/runs/{quote(run_id, '')}/export")
        self._check(answer)
        return answer.text

    def imported(self, file: bytes) -> str:
        """The id of a new run that goes on from an exported one."""
        return self._made("/v1/runs/import", file)["id"]

    def seen(self, run_id: str, step: int) -> dict[str, Any]:
        """Return the prompt that the model saw before a step."""
        return self._ask("GET", f"/v1/runs/{quote(run_id, '')}/context?step={step}")

    def withdraw(self, request_id: str, reason: str) -> dict[str, Any]:
        """Take back a request, or what is asked in its place by now; return that."""
        return self._ask("POST", f"/v1/requests/{quote(request_id, '')}/withdraw", {"reason": reason})

    def explain(self, policy: str, person: str | None, at: str, environment: str) -> dict[str, Any]:
        """Return what would happen if somebody asked for what a policy gates."""
        given = {"person": person, "at": at, "env": environment}
        query = urlencode({name: text for name, text in given.items() if text})
        return self._ask("GET", f"/v1/policies/{quote(policy, '')}/explain?{query}")

    def ask_again(self, body: dict[str, object]) -> RequestView:
        """The request for a standing approval that is open from now on."""
        return RequestView.model_validate(self._made("/v1/standing", body))

    def audit(self, wanted: dict[str, str]) -> Iterator[dict[str, Any]]:
        """The records of the audit log that are `wanted`, oldest first."""
        return cast("Iterator[dict[str, Any]]", self._pages("/v1/audit", "records", wanted))

    def status(self) -> Status:
        """The figures of that installation."""
        return Status.model_validate(self._ask("GET", "/v1/status"))

    def follow(self, run_id: str, told: Story) -> int:
        """Have a run's story told as it happens until it ends, and what is heard since; 0 when it ended well."""
        for seq, event in enumerate(self._stream(run_id), 1):
            told.tell(event)
            if isinstance(event, RunEnded):
                for late in self.events(run_id, seq):
                    told.tell(late)
                break
        return told.end()

    def _stream(self, run_id: str) -> Iterator[Event]:
        """The events of a run, taken up again where a stream was cut."""
        seq, tries = 0, 0
        while tries < (_TRIES_WAITING if seq else _TRIES):
            tries += 1
            try:
                for told in self._told(run_id, seq):
                    tries = 0
                    if told is not None:
                        seq = told["seq"]
                        yield read_event(json.dumps(told["event"]))
            except (httpx2.TransportError, _Away):
                pass  # taken up again
            time.sleep(_AGAIN_S)
        raise Unavailable(f"{self._url} went away", f"Look again with: {command(f'watch {run_id}')}")

    def _told(self, run_id: str, seq: int) -> Iterator[Any]:
        """Yield None once a stream begins, then its events after `seq`, until it ends or is cut."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(seq)}
        with self._http.stream("GET", f"/v1/runs/{quote(run_id, '')}/events", headers=headers) as answer:
            if answer.status_code in _LATER:
                raise _Away
            if not answer.is_success:
                answer.read()
            self._check(answer)
            if answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                yield None
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    def _pages(self, path: str, name: str, wanted: dict[str, str]) -> Iterator[object]:
        cursor: str | None = ""
        while cursor is not None:
            query = {**wanted, "limit": str(_PAGE)} | ({"cursor": cursor} if cursor else {})
            page = self._ask("GET", f"{path}?{httpx2.QueryParams(query)}")
            self.unread += page.get("unread", 0)
            yield from page[name]
            cursor = page["next"]

    def _made(self, path: str, body: object) -> Any:
        """The answer to what makes something: once, however often it is sent."""
        return self._ask("POST", path, body, secrets.token_hex(16))

    def _ask(self, method: str, path: str, body: object = None, once: str = "", most: int = _TRIES) -> Any:
        return self._read(self._send(method, path, body, once, most))

    def _read(self, answer: httpx2.Response) -> Any:
        self._check(answer)
        return _json(answer)

    def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        once: str = "",
        most: int = _TRIES,
        *,
        ends_stop: bool = False,
    ) -> httpx2.Response:
        """The answer; what is not answered, or put off, is sent again: nothing happens twice by it.

        What `ends_stop` may have been done, and somebody may have frozen or paused the same again by now: it is sent
        once more only where it did not get there.
        """
        headers = {"Idempotency-Key": once} if once else {}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers |= {"Content-Type": "application/json"} if content is not None else {}
        for tries in range(1, most + 1):
            try:
                answer = self._http.request(method, path, content=content, headers=headers)
            except httpx2.TransportError as error:
                if self.is_local and isinstance(error, httpx2.ConnectError):
                    start = f"Start it with `{command('dev')}`, or set SAYSO_URL"
                    raise Unavailable(f"No sayso answers at {self._url}", start) from None
                if ends_stop and not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
                    raise Unavailable(f"{self._url} does not answer: {error}", _MAY_BE_DONE) from None
                if tries == most:
                    raise Unavailable(f"{self._url} does not answer: {error}", "Is SAYSO_URL right?") from None
            else:
                if ends_stop and answer.status_code in _LATER:
                    raise Unavailable(f"{self._url} answered {answer.status_code}", _MAY_BE_DONE)
                if answer.status_code not in _LATER or tries == most:
                    return answer
            time.sleep(_AGAIN_S)
        raise AssertionError("unreachable")

    def _check(self, answer: httpx2.Response) -> None:
        """Check the server's answer; raise Unavailable in its words, with our commands where it names operations."""
        if answer.is_success:
            return
        said = _json(answer)
        if "detail" not in said:
            raise Unavailable(f"{answer.url} answered {answer.status_code}", "Is SAYSO_URL right?")
        what, do = str(said["detail"]).rstrip("."), _LISTS.sub(r"`sayso \1`", str(said.get("do", "")))
        raise SaysoError(what, "" if do in what else do)


def _json(answer: httpx2.Response) -> dict[str, Any]:
    try:
        said: object = answer.json()
    except ValueError:
        return {}
    return cast("dict[str, Any]", said) if isinstance(said, dict) else {}
