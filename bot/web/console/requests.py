"""Pages of requests: what waits on me, what waits at all, one card, and answers to it."""

import hashlib
import secrets
from http import HTTPStatus
from typing import Literal

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from agents.requests import Given, Request, RequestId
from agents.run import fold
from bot.errors import Conflict, Forbidden
from bot.policy.answers import Statement, filled_in, picked
from bot.policy.judge import NoteUnconfirmed
from bot.queries import lists
from bot.store.ids import check
from bot.web.console.pages import page, to
from bot.web.console.views.card import card_view, version_of
from bot.web.console.visits import Refusal, Visit, visit_of
from bot.web.here import here

Said = Literal["approve", "deny", "free_text"]
_VOTES: dict[str, Said] = {"approve": "approve", "deny": "deny"}
_LISTED = 30
_REASON_CHARS, _TEXT_CHARS, _LINE_CHARS = 4_000, 8_000, 1_000


async def listed(request: HttpRequest) -> Response:
    """List what waits on the person asking; with `all`, everything that anybody was ever asked."""
    return await page(request, "requests.html", await newest(request))


async def newest(request: HttpRequest) -> dict[str, object]:
    """Return the values of the list."""
    app, me = here(request).app, visit_of(request).known.person
    if "all" not in request.query_params:
        found = await lists.waiting(app.store, app.people, me)
        return {"requests": found, "next": None, "is_all": False, "follows": True}
    cursor = request.query_params.get("cursor")
    some, following = await lists.requests(app.store, app.people, cursor=cursor, limit=_LISTED)
    return {"requests": some, "next": following, "is_all": True, "follows": cursor is None}


async def shown(request: HttpRequest) -> Response:
    """One request, with everything that is needed to decide it."""
    return await page(request, "request.html", await card_of(request))


async def card_of(request: HttpRequest) -> dict[str, object]:
    """The card with what came of it, and a mark of it that is another when it is."""
    app, me = here(request).app, visit_of(request).known.person
    record, version, _ = await app.requests.decisions.request(_id(request))
    asked = record.request
    run = None if record.state == "open" else fold((await app.store.load(asked.run_id)).events)
    card = card_view(record, app.people, me, await app.requests.decisions.lists(asked), run)
    return {"card": card, "version": version_of(card, version)}


async def answered(request: HttpRequest) -> Response:
    """Judge an answer and say what became of it."""
    process, visit, request_id = here(request), visit_of(request), _id(request)
    read = await process.app.requests.decisions.request(request_id)
    record, statement = read.record, _statement(read.record.request, visit)
    outcome = await process.app.requests.decisions.answer(request_id, statement, read)
    if isinstance(outcome.judgement, NoteUnconfirmed):
        asked = {"asked": record.request, "note": statement.reason, "once": secrets.token_hex(8)}
        shown = {"revision": visit.field("revision"), "digest": visit.field("digest"), "from_page": visit.field("from")}
        return await page(request, "note.html", {**asked, **shown})
    return to(request, _back(request, record.request), outcome.words, is_well=outcome.counts)


async def withdrawn(request: HttpRequest) -> Response:
    """Take back a request of one's own."""
    process, visit, request_id = here(request), visit_of(request), _id(request)
    back = f"/requests/{request_id}"
    try:
        await process.app.runs.steering.withdraw(request_id, visit.person, visit.field("reason")[:_REASON_CHARS])
    except (Conflict, Forbidden) as error:
        return to(request, back, str(error), is_well=False)
    return to(request, back, "The request is withdrawn.")


def _statement(request: Request, visit: Visit) -> Statement:
    """The form as the word of whoever sent it. `revision` and `digest` are those of the card it stood on."""
    said: Said = _VOTES.get(visit.field("vote"), "free_text")
    text, reason = _text(request, visit), visit.field("reason")
    revision, digest = visit.field("revision"), visit.field("digest")
    if not revision.isdecimal() or len(revision) > 6 or len(digest) != 64 or not visit.field("once"):
        raise Refusal(HTTPStatus.BAD_REQUEST, "This form is not complete", "Load the page again; nothing was counted.")
    is_confirmed = visit.field("note_confirmed") == "yes"
    sent = "\n".join((visit.person, str(request.id), revision, digest, visit.field("once"), said, text, reason))
    return Statement(
        reply_id=f"console-{hashlib.sha256(sent.encode()).hexdigest()[:32]}",
        person=visit.person,
        channel="console",
        revision=int(revision),
        digest=digest,
        said=said,
        text=text,
        reason=reason[:_REASON_CHARS],
        evidence="console session",
        given=_given(request, visit),
        note_confirmed=is_confirmed,
    )


def _text(request: Request, visit: Visit) -> str:
    """Return what was typed or pressed, in the form that is kept."""
    if request.format == "approval":
        return visit.field("reason")[:_REASON_CHARS]
    if request.format == "form":
        return "\n".join(f"{name}: {value}" for name, value in _form(request, visit).items())
    return "\n".join(visit.fields("text"))[:_TEXT_CHARS]


def _given(request: Request, visit: Visit) -> Given | None:
    """The choices or fields of a form; the page names them by their numbers."""
    if request.format == "form":
        return filled_in(request, _form(request, visit))
    numbers = {str(number): option for number, option in enumerate(request.options, 1)}
    picks = [numbers.get(number) for number in visit.fields("text")]
    return picked(request, [option for option in picks if option]) if None not in picks else None


def _form(request: Request, visit: Visit) -> dict[str, str]:
    fields = enumerate(request.fields, 1)
    return {name: " ".join(visit.field(f"field-{number}").split())[:_LINE_CHARS] for number, name in fields}


def _back(request: HttpRequest, asked: Request) -> str:
    """Return the address of the page that the form stood on."""
    return f"/runs/{asked.run_id}" if visit_of(request).field("from") == "run" else f"/requests/{asked.id}"


def _id(request: HttpRequest) -> RequestId:
    return RequestId(check(request.path_params["request_id"], "request"))
