"""The visit behind a page: the person who asks, the session, and the form's content."""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast
from urllib.parse import urlsplit

from starlette.requests import Request

from agents.requests import PersonId, RunId
from bot.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    SaysoError,
    TookTooLong,
    Unavailable,
    WaitsForFile,
)
from bot.people.rights import Action, Caller
from bot.people.sessions import Session
from bot.requests.stored import RequestRead
from bot.store.ids import check, ingress_shard, new_id
from bot.web.here import Here, here
from bot.web.problems import FOR_PEOPLE_S
from bot.web.waits import RETRY_AFTER_S, Full
from language import say

VISIT = "sayso.visit"
_TYPED = re.compile(r"text|reason|field-[0-9]+")
STAMP, AS = "stamp", "as"
_ONCE_S = 24 * 3600.0


class Refusal(Exception):
    """A page that says no: what happened (`title`), what to do next (`text`), and what was typed (`kept`)."""

    def __init__(
        self,
        status: HTTPStatus,
        title: str,
        text: str,
        headers: Mapping[str, str] | None = None,
        kept: Sequence[str] = (),
    ) -> None:
        super().__init__(title)
        self.status, self.title, self.text, self.headers = status, title, text, dict(headers or {})
        self.kept = tuple(kept)


def away() -> Refusal:
    """Redis does not answer."""
    title, text = say("console.no-store-title"), say("console.no-store")
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, title, text, {"Retry-After": "2"})


def no_session() -> Refusal:
    """Nobody is logged in."""
    return Refusal(HTTPStatus.UNAUTHORIZED, say("console.no-session-title"), say("console.no-session"))


def unreadable() -> Refusal:
    """A form that no page of ours has."""
    return Refusal(HTTPStatus.BAD_REQUEST, say("console.no-form-title"), say("console.load-again"))


def refusal_of(error: SaysoError) -> Refusal:
    """The page that tells `error`: its kind gives the status, its words the rest."""
    match error:
        case NotFound():
            return Refusal(HTTPStatus.NOT_FOUND, say("console.not-found-title"), say("console.not-found"))
        case Forbidden():
            return Refusal(HTTPStatus.FORBIDDEN, say("console.not-yours-title"), str(error))
        case Conflict():
            return Refusal(HTTPStatus.CONFLICT, say("console.not-now-title"), str(error))
        case Invalid() | TookTooLong():
            return Refusal(HTTPStatus.BAD_REQUEST, say("console.not-usable-title"), str(error))
        case RateLimited():
            wait = {"Retry-After": str(round(error.retry_after_s + 0.5))}
            return Refusal(HTTPStatus.TOO_MANY_REQUESTS, say("console.too-many-title"), str(error), wait)
        case Full():
            wait = {"Retry-After": str(RETRY_AFTER_S)}
            return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, say("console.too-many-title"), str(error), wait)
        case Unavailable():
            wait = {"Retry-After": str(FOR_PEOPLE_S)}
            return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, say("console.not-now-title"), str(error), wait)
        case _:
            return away()


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a browser. `text` is the session as the browser holds it; it may be one that `waits`."""

    session: Session | None = None
    text: str = ""
    waits: WaitsForFile | None = None
    form: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @property
    def known(self) -> Session:
        """The session. Raises Refusal where there is none."""
        if self.session is None:
            raise no_session()
        return self.session

    def typed(self) -> tuple[str, ...]:
        """What somebody wrote into the form, in the order of its boxes."""
        written = (value for name, values in self.form.items() if _TYPED.fullmatch(name) for value in values)
        return tuple(text for text in written if text.strip())

    def require_session(self) -> None:
        """Check that there is a session. Raises Refusal."""
        _ = self.known

    @property
    def person(self) -> PersonId:
        """The person who acts: the session's; in the demo, the one the form was shown to."""
        claimed = self.field(AS)
        return PersonId(claimed) if claimed and self.known.is_demo else self.known.person

    def field(self, name: str) -> str:
        """The form's first value of that name, or nothing."""
        return next(iter(self.fields(name)), "")

    def fields(self, name: str) -> tuple[str, ...]:
        """All values of that name."""
        return self.form.get(name, ())


def caller_of(request: Request) -> Caller:
    """Return who acts, with what they may do. Raises Refusal where there is no session."""
    visit, rights = visit_of(request), here(request).app.access.rights
    return rights.of_session(visit.known, visit.person)


async def check_run(request: Request, action: Action) -> RunId:
    """Return the run of a page's address that whoever asks may do `action` to. Raises Refusal and Forbidden."""
    caller = caller_of(request)
    try:
        run_id = check(request.path_params["run_id"], "run")
        await here(request).app.guard.check_run(caller, action, run_id)
    except NotFound:
        raise no_run() from None
    return RunId(run_id)


async def request_for(request: Request, action: Action, request_id: str = "") -> RequestRead:
    """Return the request of a page's address, or the one named, that whoever asks may do `action` to.

    Raises Refusal and Forbidden.
    """
    app, caller = here(request).app, caller_of(request)
    try:
        read = await app.requests.decisions.request(check(request_id or request.path_params["request_id"], "request"))
        await app.guard.check_request(caller, action, read.record)
    except NotFound:
        raise no_request() from None
    return read


def no_run() -> Refusal:
    """There is no such run, or none that whoever asks may see."""
    return Refusal(HTTPStatus.NOT_FOUND, say("console.no-run-title"), say("console.no-run"))


def no_request() -> Refusal:
    """There is no such request, or none that whoever asks may see."""
    return Refusal(HTTPStatus.NOT_FOUND, say("console.no-request-title"), say("console.no-request"))


def visit_of(request: Request) -> Visit:
    """Return the visit."""
    return cast("Visit", request.scope[VISIT])


async def run_of_form(request: Request, what: str) -> RunId:
    """Return the run that a form makes, which says `what` it is to be: the same one however often that is sent."""
    visit, store = visit_of(request), here(request).app.store
    sent = f"{visit.field('once') or secrets.token_hex(8)}\n{what}"
    foreign = f"console:{visit.person}:{hashlib.sha256(sent.encode()).hexdigest()}"
    fresh = new_id("run", ingress_shard(foreign, store.shards))
    known, _ = await store.remember(foreign, fresh.encode(), _ONCE_S)
    return RunId(known.decode())


def proof_for(person: PersonId) -> str:
    """Return the purpose of the stamp in a form that was shown to `person`."""
    return f"form of {person}"


def cookie_name(process: Here, what: str = "sayso") -> str:
    """Cookies know no ports, so those of two installations on one machine are told apart by their names."""
    public = urlsplit(process.app.settings.public_url or f"http://127.0.0.1:{process.port}")
    if public.scheme == "https":
        return f"__Host-{what}-{public.port or 443}"
    return f"{what}-{public.port or 80}"


def is_secure(process: Here) -> bool:
    """Return whether people reach us over TLS."""
    return (process.app.settings.public_url or "").startswith("https:")
