"""Pages from templates: everything is escaped, and the headers let a page load and send nothing but our own."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from http import HTTPStatus
from typing import cast
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from agents.events import Event
from agents.requests import Decision, PersonId
from agents.text import first_line, quote
from bot.command_line import command
from bot.people.directory import People
from bot.policy.attachments import size
from bot.queries.lists import waiting_on
from bot.registry.configured import model_hosts
from bot.render.times import ago, clock, left, length, local, local_whole, moment, second
from bot.render.words import (
    asked_by,
    by_way,
    channel_word,
    decided_briefly,
    stands_as,
    state_word,
    unread_words,
    why_rules,
    wish,
    wish_of,
)
from bot.store import StoreError, beside
from bot.web.console.static import address_of
from bot.web.console.views.words import kind_word, say_html, visible
from bot.web.console.visits import AS, STAMP, Refusal, Visit, caller_of, cookie_name, is_secure, proof_for, visit_of
from bot.web.here import Here, here
from bot.web.problems import trouble
from language import say, say_many, spoken
from language.dates import unbroken
from language.lists import both, either
from language.recorded import answer_of, note_of

_HEADING_CHARS = 160
_QUOTED_CHARS = 4_000
_PROBLEMS = {
    HTTPStatus.BAD_REQUEST: "malformed",
    HTTPStatus.UNAUTHORIZED: "no-key",
    HTTPStatus.FORBIDDEN: "not-yours",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method",
    HTTPStatus.TOO_MANY_REQUESTS: "rate-limited",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
}
# Browsers keep no cookie of more than 4096 bytes, and base64 makes four of three.
_TOLD_BYTES = 2_400
_TOLD_S = 60


def csp(frames: str = "'none'") -> str:
    """Return the CSP of a page: it loads from us and sends to us only.

    `frames` is what it may show inside itself.
    """
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"frame-src {frames}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def hardened(response: Response, policy: str) -> Response:
    """`response` with what a page may do; every answer has the other headers already."""
    response.headers["Content-Security-Policy"] = policy
    return response


async def page(
    request: Request,
    template: str,
    data: Mapping[str, object],
    status: HTTPStatus = HTTPStatus.OK,
    frames: str = "'none'",
    events: Sequence[Event] = (),
) -> Response:
    """The page of `template`, for whoever asks, which tells of `events`."""
    visit, process = visit_of(request), here(request)
    told = _flash(request, visit, process)
    data = {"told": told, **await _around(request, visit, process), **data}
    text = await beside(events, fragment, request, template, data)
    response = hardened(Response(text, status, media_type="text/html"), csp(frames))
    if (process.app.settings.public_url or "").startswith("http:"):
        # Without TLS a browser says in Origin alone where a form stood, and by the usual policy not even there.
        response.headers["Referrer-Policy"] = "same-origin"
    if told:
        response.delete_cookie(_flash_name(process), httponly=True, samesite="lax", secure=is_secure(process))
    return response


def fragment(request: Request, template: str, data: Mapping[str, object]) -> str:
    """A part of a page."""
    visit, people = visit_of(request), here(request).app.people
    person = visit.session.person if visit.session else None
    zone, now = _zone(people, person), datetime.now(UTC)
    return (
        _templates()
        .get_template(template)
        .render(
            me=person,
            my_ids=people.ids_of(person) if person else (),
            own=lambda: _own(visit),
            is_demo=visit.session.is_demo if visit.session else False,
            name_of=people.name_of,
            names_of=people.names_of,
            asked_by=partial(asked_by, people=people),
            first_line=partial(first_line, chars=_HEADING_CHARS),
            wish=partial(wish, chars=_HEADING_CHARS),
            wish_of=partial(wish_of, chars=_HEADING_CHARS),
            moment=partial(moment, zone),
            second=partial(second, zone),
            clock=partial(clock, zone),
            left=partial(left, now),
            ago=partial(ago, now),
            length=length,
            asset=address_of,
            size=size,
            unread_words=unread_words,
            local=partial(_local, zone),
            local_whole=partial(local_whole, zone),
            decided=partial(_decided, people, zone),
            explains=partial(_explains, request),
            ways=_ways(here(request)),
            **data,
        )
    )


def _local(zone: ZoneInfo, text: str) -> str:
    return unbroken(local(zone, text))


def _decided(people: People, zone: ZoneInfo, decision: Decision) -> str:
    return local(zone, decided_briefly(decision, people))


def part(name: str, html: str, mark: str = "") -> bytes:
    """A part of a page as a server-sent event; `mark` is what the page says when it takes the stream up again."""
    number = f"id: {mark}\n" if mark else ""
    lines = "".join(f"data: {line}\n" for line in re.split(r"\r\n|\r|\n", html))
    return f"event: {name}\n{number}{lines}\n".encode()


async def _around(request: Request, visit: Visit, process: Here) -> dict[str, object]:
    """Return the values around the content of every page."""
    waiting, freezes = 0, list[str]()
    if visit.session:
        try:
            known = process.app.requests.freezes
            freezes = [known.words(one) for one in await known.all()]
            waiting = await waiting_on(process.app.store, process.app.people, visit.session.person)
        except StoreError:
            waiting = 0  # the page itself says that the store is away
    return {
        "path": request.url.path,
        "everybody": [(person, process.app.people.name_of(person)) for person in process.app.people.all()],
        "waiting": waiting,
        "freezes": freezes,
        "has_mail": has_mail(request),
        "may_audit": visit.session is not None and _may_audit(request),
        "may_explain": _may_explain(request),
        "has_quarantine": visit.session is not None and _looks_after(request),
        "by_mail": process.app.settings.public_url is not None,
        "is_rehearsal": not process.app.models,
        "leaving": _leaving(process),
    }


def _ways(process: Here) -> list[str]:
    """Return by what people are reached and can ask, beside these pages, as the settings have it."""
    settings = process.app.settings
    has_mail = settings.has_servers or settings.stays_local(settings.redis_url)
    return [by_way(channel) for channel, is_there in (("email", has_mail), ("slack", settings.has_slack)) if is_there]


def _leaving(process: Here) -> str:
    """What sayso sends elsewhere, and where, by the settings."""
    settings, said = process.app.settings, list[str]()
    if process.app.models:
        hosts = model_hosts(settings, process.app.agents.values())
        said += [say("console.leaving-model", host=both(hosts))] if hosts else []
    said += [say("console.leaving-slack")] if settings.has_slack else []
    said += [say("console.leaving-mail", host=settings.smtp_host)] if settings.has_servers else []
    hosts = process.app.live.hosts()
    said += [say("console.leaving-repositories", hosts=both(hosts))] if hosts else []
    return say("console.leaving", what="; ".join(said)) if said else say("console.leaving-nothing")


async def refused(request: Request, refusal: Refusal) -> Response:
    """`refusal` as a page for people, or as a problem for programs."""
    if "text/html" not in request.headers.get("accept", "*/*"):
        name = _PROBLEMS.get(refusal.status, "not-now")
        return trouble(refusal.status, name, f"{refusal.title}.", refusal.text, refusal.headers).response()
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = own_path(asked if request.method == "GET" else stood_on(request.url.path))
    data: dict[str, object] = {"title": refusal.title, "text": refusal.text, "back": back, "kept": refusal.kept}
    data["is_refusal"] = True
    template = "login.html" if refusal.status == HTTPStatus.UNAUTHORIZED else "notice.html"
    response = await page(request, template, data | {"token": "", "whose": ""}, refusal.status)
    response.headers.update(refusal.headers)
    return response


def to(request: Request, path: str, told: str = "", *, is_well: bool = True) -> Response:
    """Send the browser to `path`, one of ours; the next page says what it is `told`."""
    response = RedirectResponse(path, HTTPStatus.SEE_OTHER)
    session, process = visit_of(request).session, here(request)
    if told and session:
        words = told.encode(errors="replace")[:_TOLD_BYTES].decode(errors="ignore")
        body = base64.urlsafe_b64encode(f"{is_well:d}{words}".encode()).decode()
        value = f"{body}.{session.stamp(f'told {body}')}"
        response.set_cookie(
            _flash_name(process), value, max_age=_TOLD_S, httponly=True, samesite="lax", secure=is_secure(process)
        )
    return hardened(response, csp())


def _may_audit(request: Request) -> bool:
    """Return whether the person asking reads the audit log."""
    return here(request).app.access.rights.denial_at_all(caller_of(request), "audit") is None


def _explains(request: Request, policy: str) -> bool:
    """Return whether there is a page about a policy for the person asking."""
    return policy in here(request).app.people.tables.policies and _may_explain(request)


def _may_explain(request: Request) -> bool:
    """Return whether the person asking may ask what would happen if they asked for something."""
    if visit_of(request).session is None:
        return False
    caller = caller_of(request)
    return here(request).app.access.rights.asking_denial(caller, PersonId(caller.name)) is None


def _looks_after(request: Request) -> bool:
    """Return whether the person asking looks after what was quarantined or given up on."""
    return here(request).app.access.rights.denial_at_all(caller_of(request), "dead") is None


def has_mail(request: Request) -> bool:
    """Return whether the person asking may look into the demo's mailboxes."""
    session = visit_of(request).session
    return here(request).demo is not None and session is not None and session.is_demo


_OF_ONE = re.compile(
    r"/(?:requests|runs)/s[0-9]{1,2}[a-z]-[a-z2-7]{13}(?=/)|/mail/[^/]+/[^/]+$|/(?:requests|keys|live|quarantine|standing)(?=/|$)"
)


def stood_on(path: str) -> str:
    """Return the page on which a form stands that is sent to `path`."""
    found = _OF_ONE.match(path)
    return found[0] if found else "/"


def own_path(text: str) -> str:
    """`text` if it is a path of ours, else the first page: a link must not lead anywhere else."""
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if is_ours else "/"


def _flash(request: Request, visit: Visit, process: Here) -> tuple[bool, str] | None:
    """Return the result of an earlier form.

    The stamp keeps others from putting words on our pages.
    """
    body, _, stamp = request.cookies.get(_flash_name(process), "").partition(".")
    if not body or visit.session is None or not visit.session.bears(stamp, f"told {body}"):
        return None
    said = base64.urlsafe_b64decode(body).decode()
    return said.startswith("1"), said[1:]


def _flash_name(process: Here) -> str:
    return cookie_name(process, "sayso-told")


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("bot.web.console"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["quoted"] = _quoted
    known = cast("dict[str, object]", templates.globals)
    known |= {"say": say, "say_many": say_many, "say_html": say_html, "spoken": spoken, "times": _times}
    known |= {
        "state_word": state_word,
        "channel_word": channel_word,
        "by_way": by_way,
        "kind_word": kind_word,
        "note_of": note_of,
    }
    known |= {"answer_of": answer_of, "command": command, "either": either, "stands": stands_as, "why_rules": why_rules}
    return templates


def _quoted(text: str) -> str:
    return quote(text, _QUOTED_CHARS)


def _times() -> str:
    """The sentences of `left` and `length` as JSON, `{}` in place of what is filled in: the page's script goes on."""
    sentences = {
        "left": say("words.left", length="{}"),
        "over": say("words.over"),
        "days": say("words.days", count="{}"),
        "hours": say("words.hours", count="{}"),
        "minutes": say("words.minutes", count="{}"),
        "none": say("words.no-minute"),
    }
    return json.dumps(sentences)


def _own(visit: Visit) -> Markup:
    """The hidden fields of a form: who it was shown to, and the proof that this session's page showed it."""
    session = visit.known
    fields = {STAMP: session.stamp(proof_for(session.person)), AS: session.person}
    shown = [Markup('<input type="hidden" name="{}" value="{}">').format(*pair) for pair in fields.items()]
    return Markup("").join(shown)


def _zone(people: People, person: PersonId | None) -> ZoneInfo:
    contact = people.contact(person) if person else None
    return ZoneInfo(contact.timezone if contact else "UTC")
