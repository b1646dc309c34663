"""Pages of requests: what waits on me, what waits at all, one card, and answers to it."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import NamedTuple, get_args
from urllib.parse import urlencode

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from agents.deploy.lookup import LookFailed
from agents.forms import Misfit
from agents.requests import Binding, Given, PersonId, Request, RequestId, RequestState
from agents.requests.record import RequestRecord
from agents.text import quote
from bot.errors import Conflict, Forbidden, SaysoError
from bot.people.offers import offers
from bot.policy.answers import Statement, picked
from bot.policy.edits import EditRefused, typed_values
from bot.policy.judge import REPLACED
from bot.policy.judgements import NoteUnconfirmed, Unclear
from bot.queries import lists
from bot.render.due import hand_on_inputs
from bot.render.edits import edit_inputs
from bot.render.views import request_view
from bot.render.words import copies_go_on, copies_left, feedback_text
from bot.render.worklist import KINDS, Kind, item_of, work_list
from bot.requests.decisions import Outcome
from bot.requests.reassignment.delegation import HandOn
from bot.store.ids import check
from bot.web.console.pages import page, to
from bot.web.console.views.card import Typed, card_view, version_of
from bot.web.console.visits import Refusal, Visit, caller_of, request_for, visit_of
from bot.web.here import here
from channels import Input, Said
from language import say, say_many
from language.recorded import text_of

# What is changed, and handed on, has a page of its own.
_PRESSED: Mapping[str, Said] = {one: one for one in get_args(Said) if one not in {"edit", "hand_on", "empty"}}
STATES: tuple[RequestState, ...] = get_args(RequestState)
_STATES: dict[str, RequestState] = {one: one for one in STATES}
_KINDS: dict[str, Kind] = {one: one for one in KINDS}
_LISTED = 30
_SEARCH_CHARS, _TITLE_CHARS = 200, 120
# As many forms as fit into one.
_DENIED_AT_ONCE = 40
_PATH_CHARS = 1_000
_REASON_CHARS, _TEXT_CHARS, _ID_CHARS = 4_000, 8_000, 100


async def listed(request: HttpRequest) -> Response:
    """List what waits on the person asking; with `all`, everything that was ever asked and concerns them."""
    return await page(request, "requests.html", await newest(request))


async def newest(request: HttpRequest) -> dict[str, object]:
    """Return the values of the list."""
    query = request.query_params
    return await (_everybodys(request) if "all" in query else _mine(request))


async def _mine(request: HttpRequest) -> dict[str, object]:
    app, me, query = here(request).app, visit_of(request).known.person, request.query_params
    search, kind = query.get("q", "")[:_SEARCH_CHARS], _KINDS.get(query.get("kind", ""), KINDS[0])
    found, _, unread = await lists.waiting(app.store, app.people, me)
    shown = {"q": search, "kind": kind}
    groups = work_list(found, app.people, me, search, kind)
    return {
        "groups": groups,
        "can_deny": any(item.may_deny for group in groups for item in group.items),
        "count": len(found),
        "unread": unread,
        "search": search,
        "kind": kind,
        "kinds": KINDS,
        "is_all": False,
        "follows": f"/requests/now?{urlencode(shown)}",
    }


async def _everybodys(request: HttpRequest) -> dict[str, object]:
    app, me, query = here(request).app, visit_of(request).known.person, request.query_params
    state, cursor = _STATES.get(query.get("state", "")), query.get("cursor")
    seen_by = caller_of(request).seen_by
    some, following, unread = await lists.requests(
        app.store, app.people, state=state, seen_by=seen_by, cursor=cursor, limit=_LISTED
    )
    shown = {"all": "", "state": state or ""}
    return {
        "items": [item_of(one, app.people, me) for one in some],
        "unread": unread,
        "next": f"/requests?{urlencode({**shown, 'cursor': following})}" if following else "",
        "state": state or "",
        "states": STATES,
        "is_all": True,
        "follows": "" if cursor else f"/requests/now?{urlencode(shown)}",
    }


async def shown(request: HttpRequest) -> Response:
    """One request, with everything that is needed to decide it."""
    return await page(request, "request.html", await card_of(request))


async def difference(request: HttpRequest) -> Response:
    """How the files of a deploy differ from what was live when it was asked for."""
    app, path = here(request).app, request.query_params.get("file", "")[:_PATH_CHARS]
    record = (await request_for(request, "see")).record
    asked = record.request
    ends = app.live.ends_of(asked.call.effect) if asked.call else None
    shown: dict[str, object] = {"asked": asked, "ends": ends, "file": path, "found": None, "why": ""}
    if ends:
        try:
            found = await app.live.difference(ends, path)
            shown |= {"found": found, "rows": rows(map(app.runs.executor.mask, found.lines))}
        except LookFailed as error:
            shown["why"] = app.runs.executor.mask(text_of(str(error)))
    return await page(request, "changes.html", shown)


def rows(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Lines of `git diff`, each with how it is coloured: the head of a file ends where its first part begins."""
    told, is_head = list[tuple[str, str]](), True
    for line in lines:
        is_head = line.startswith("diff --git ") or (is_head and not line.startswith("@@"))
        kind = "d-file" if is_head else {"+": "d-more", "-": "d-less", "@": "d-at"}.get(line[:1], "")
        told.append((kind, line))
    return told


async def card_of(request: HttpRequest, typed: Typed | None = None) -> dict[str, object]:
    """The card with what came of it and what was `typed` into its form, and a mark of it that is another when it is."""
    app, session = here(request).app, visit_of(request).known
    record, version, now = await request_for(request, "see")
    asked = record.request
    run = None
    if record.state != "open":
        async with here(request).waits.whole(f"page {session.counted_as}", asked.run_id.partition("-")[0]):
            run = await app.history.as_heard((await app.history.read(asked.run_id)).events)
    lists_of, has_changes = (
        await app.requests.decisions.lists(asked),
        bool(asked.call and app.live.ends_of(asked.call.effect)),
    )
    card = card_view(record, app.people, session, now, lists_of, run, typed, has_changes=has_changes)
    # The key `a` in the list leads here: the button has the focus, and only pressing it decides.
    is_pressed = card.can("approve") and request.query_params.get("press") == "approve"
    return {
        "card": card,
        "version": version_of(card, version),
        "focus": "approve" if is_pressed else "",
    }


async def answered(request: HttpRequest) -> Response:
    """Judge an answer and say what became of it."""
    process, visit = here(request), visit_of(request)
    read = await request_for(request, "answer")
    record, statement = read.record, _statement(read.record, visit)
    if statement.said == "ask" and not statement.text.strip():
        return to(request, _back(request, record.request), say("console.ask-empty"), is_well=False)
    statement = process.app.messages.inbox.heard(record.request, statement)
    outcome = await process.app.messages.inbox.answer(record.request, statement, read)
    if isinstance(outcome.judgement, NoteUnconfirmed):
        asked = {
            "asked": record.request,
            "note": statement.reason,
            "once": secrets.token_hex(8),
            "again": statement.again,
        }
        shown = {name: visit.field(name) for name in ("revision", "digest", "step")}
        return await page(request, "note.html", {**asked, **shown, "from_page": visit.field("from")})
    if isinstance(outcome.judgement, Unclear) and outcome.judgement.misfits:
        return await _shown_again(request, record.request, outcome.judgement.misfits, outcome.words)
    outcome = await process.app.messages.inbox.stopped(statement, outcome)
    return to(request, _back(request, record.request), outcome.words, is_well=outcome.counts or outcome.is_heard)


async def _shown_again(request: HttpRequest, asked: Request, misfits: Sequence[Misfit], words: str) -> Response:
    """The form with what was typed, and beside each field what is wrong there."""
    found = await card_of(request, Typed(_form(asked, visit_of(request)), misfits))
    return await page(request, "request.html", {**found, "told": (False, words)}, HTTPStatus.UNPROCESSABLE_ENTITY)


async def edit_shown(request: HttpRequest) -> Response:
    """Show the form that changes what is asked, with how it stands; whoever may not change it is told why."""
    app, visit = here(request).app, visit_of(request)
    record, _, now = await request_for(request, "answer")
    asked, may = record.request, offers(record, app.people, visit.known.person, "console", now, visit.known.by)
    inputs = edit_inputs(asked, may.inputs("edit"))
    if not inputs:
        refused = may.why_not.get("edit")
        why = feedback_text(refused, record, app.people) if refused else say("answer.edit-nothing")
        return to(request, f"/requests/{asked.id}", why, is_well=False)
    return await page(request, "edit.html", _edit_form(asked, asked.revision, asked.digest, inputs))


async def edited(request: HttpRequest) -> Response:
    """Change arguments and show what is asked now; what was typed is not lost where that is refused."""
    app, visit, request_id = here(request).app, visit_of(request), _id(request)
    record, _, now = await request_for(request, "answer")
    asked, may = record.request, offers(record, app.people, visit.known.person, "console", now, visit.known.by)
    inputs = edit_inputs(asked, may.inputs("edit"))
    seen = _shown(visit, visit.field("revision"), visit.field("digest"))
    typed = {one.name: visit.field(f"field-{one.name}")[:_TEXT_CHARS] for one in inputs}
    text = "\n".join(f"{name}: {value}" for name, value in typed.items())
    statement = _made(asked, visit, seen, "edit", "", text)
    values = typed_values(asked.call, typed) if asked.call else {}
    change = app.runs.steering.edit(values or typed)
    outcome = await app.messages.inbox.answer(asked, statement, change=change)
    if isinstance(outcome.judgement, EditRefused):
        filled = tuple(one.model_copy(update={"value": typed[one.name]}) for one in inputs)
        found = _edit_form(asked, seen.revision, seen.digest, filled) | {"told": (False, outcome.words)}
        return await page(request, "edit.html", found, HTTPStatus.UNPROCESSABLE_ENTITY)
    return to(request, f"/requests/{request_id}", outcome.words, is_well=outcome.counts)


def _edit_form(asked: Request, revision: int, digest: str, inputs: Sequence[Input]) -> dict[str, object]:
    about: dict[str, object] = {"request_id": asked.id, "title": asked.title, "revision": revision, "digest": digest}
    return about | {"once": secrets.token_hex(8), "inputs": inputs}


async def hand_on_shown(request: HttpRequest) -> Response:
    """Show the form that hands a request on; whoever can hand it on to nobody is told so."""
    app, me = here(request).app, visit_of(request).known.person
    record, _, now = await request_for(request, "answer")
    asked = record.request
    await app.people.look_up_policy(asked.policy.name)
    may = offers(record, app.people, me, "console", now, visit_of(request).known.by)
    inputs = hand_on_inputs(may.inputs("hand_on"), app.people)
    if not inputs:
        return to(request, f"/requests/{asked.id}", say("console.hand-on-nobody"), is_well=False)
    about = {"request_id": asked.id, "title": asked.title, "revision": asked.revision, "digest": asked.digest}
    found = {**about, "once": secrets.token_hex(8), "to": list(zip(inputs[0].values, inputs[0].options, strict=True))}
    return await page(request, "hand_on.html", found)


async def handed_on(request: HttpRequest) -> Response:
    """Hand a request on and say what became of that."""
    app, visit, request_id = here(request).app, visit_of(request), _id(request)
    asked = (await request_for(request, "answer")).record.request
    shown = _shown(visit, visit.field("revision"), visit.field("digest"))
    to_whom, reason = PersonId(visit.field("to")[:_ID_CHARS]), visit.field("reason")[:_REASON_CHARS]
    statement = _made(asked, visit, shown, "hand_on", "", f"delegate: {to_whom}\n{reason}")
    outcome = await app.messages.inbox.answer(asked, statement, change=HandOn(to_whom, reason))
    return to(request, f"/requests/{request_id}", outcome.words, is_well=outcome.counts)


async def withdrawn(request: HttpRequest) -> Response:
    """Take back a request of one's own."""
    process, visit, request_id = here(request), visit_of(request), _id(request)
    back = f"/requests/{request_id}"
    try:
        await request_for(request, "withdraw")
        done = await process.app.runs.steering.withdraw(request_id, visit.person, "", proof=visit.known.proof)
    except (Conflict, Forbidden) as error:
        return to(request, back, str(error), is_well=False)
    return to(request, back, say("console.request-withdrawn") + copies_go_on(copies_left(done.judgement)))


async def denying(request: HttpRequest) -> Response:
    """Ask once more before several requests are denied; decides nothing."""
    app, me = here(request).app, visit_of(request).known.person
    picked_ids = request.query_params.getlist("pick")[:_DENIED_AT_ONCE]
    found = [await request_for(request, "see", some_id) for some_id in picked_ids]
    rows = [(read.record, offers(read.record, app.people, me, "console", read.now)) for read in found]
    may = [
        item_of(request_view(record, app.people), app.people, me)
        for record, can in rows
        if can.becomes("deny") == "denied"
    ]
    if not may:
        return to(request, "/requests", say("console.deny-none-selected"), is_well=False)
    left_out = len(rows) - len(may)
    return await page(request, "deny.html", {"items": may, "once": secrets.token_hex(8), "left_out": left_out})


async def denied(request: HttpRequest) -> Response:
    """Deny each of the requests that the form shows, each judged alone, and say what became of all.

    Raises Refusal and SaysoError where none of them can be looked at.
    """
    visit, counted, others, beside = visit_of(request), 0, list[str](), ""
    copies = dict[str, None]()
    picked_ids = [RequestId(check(one, "request")) for one in dict.fromkeys(visit.fields("pick")[:_DENIED_AT_ONCE])]
    failed = list[Refusal | SaysoError]()
    for request_id in picked_ids:
        try:
            outcome, more = await _denied(request, request_id)
        except (Refusal, SaysoError) as error:  # the others are denied all the same
            failed.append(error)
            others.append(say("console.deny-not-counted", title=request_id, why=str(error)))
            continue
        counted, beside = counted + outcome.counts, more or beside
        copies |= dict.fromkeys(copies_left(outcome.judgement) if outcome.counts else ())
        if not outcome.counts:
            title = quote(outcome.record.request.title, _TITLE_CHARS)
            others.append(say("console.deny-not-counted", title=title, why=outcome.words))
    if failed and len(failed) == len(picked_ids):
        raise failed[0]
    done = say_many("console.deny-done", counted) if counted else say("console.deny-nothing-done")
    told = " ".join(filter(None, [done + copies_go_on([*copies]), *others, beside]))
    return to(request, "/requests", told, is_well=bool(counted) and not others)


async def _denied(request: HttpRequest, request_id: RequestId) -> tuple[Outcome, str]:
    """Deny one of them, and return what became of it, and which orders beside it nothing was done of."""
    app, visit = here(request).app, visit_of(request)
    read = await request_for(request, "answer", request_id)
    asked, reason = read.record.request, visit.field("reason")[:_REASON_CHARS]
    shown = _shown(visit, visit.field(f"revision-{request_id}"), visit.field(f"digest-{request_id}"))
    statement = _made(asked, visit, shown, "deny", reason, reason)
    outcome = await app.requests.decisions.answer(request_id, statement, read)
    outcome = await app.messages.inbox.stopped(statement, outcome)
    return outcome, await app.messages.inbox.not_ordered(asked, visit.person, reason)


class _Shown(NamedTuple):
    """What a form says of the card that it stood on."""

    revision: int
    digest: str
    once: str


def _shown(visit: Visit, revision: str, digest: str) -> _Shown:
    """Read that. Raises Refusal for a form that is not one of ours."""
    once = visit.field("once")
    if not revision.isdecimal() or len(revision) > 6 or len(digest) != 64 or not once:
        raise Refusal(HTTPStatus.BAD_REQUEST, say("console.no-whole-form-title"), say("console.no-whole-form"))
    return _Shown(int(revision), digest, once)


def _made(request: Request, visit: Visit, shown: _Shown, said: Said, reason: str, text: str) -> Statement:
    """The word of whoever sent a form about `request`; the same form sent twice is one."""
    parts = (visit.person, request.id, str(shown.revision), shown.digest, shown.once, said, text, reason)
    sent = "\n".join(parts)
    return Statement(
        reply_id=f"console-{hashlib.sha256(sent.encode()).hexdigest()[:32]}",
        person=visit.person,
        binding=Binding(by="page", revision=shown.revision, digest=shown.digest),
        said=said,
        text=text,
        reason=reason[:_REASON_CHARS],
        proof=visit.known.proof,
    )


def _statement(record: RequestRecord, visit: Visit) -> Statement:
    """The form as the word of whoever sent it. `revision`, `digest` and `step` are those of the card it stood on."""
    request, (act, _, along) = record.request, visit.field("vote").partition(":")
    is_replaced = visit.field("step") not in {"", str(record.asked.in_step)}
    said = _PRESSED.get(act, "free_text")
    shown = _shown(visit, visit.field("revision"), visit.field("digest"))
    made = _made(request, visit, shown, said, visit.field("reason"), _text(request, visit))
    return replace(
        made,
        binding=made.binding.model_copy(update={"unbound": REPLACED if is_replaced else ""}),
        given=_given(request, visit),
        filled=_form(request, visit) if request.format == "form" else {},
        note_confirmed=visit.field("note_confirmed") == "yes",
        again=along == "again",
        about=visit.field("about")[:_ID_CHARS],
        is_typed=said == "free_text" and request.format == "free_text",
    )


def _text(request: Request, visit: Visit) -> str:
    """Return what was typed or pressed, in the form that is kept."""
    if request.format == "approval":
        return visit.field("reason")[:_REASON_CHARS]
    if request.format == "form":
        filled = _form(request, visit)
        return "\n".join(f"{field.title}: {filled[field.name]}" for field in request.fields)
    return "\n".join(visit.fields("text"))[:_TEXT_CHARS]


def _given(request: Request, visit: Visit) -> Given | None:
    """The choices; the page names them by their numbers."""
    numbers = {str(number): option for number, option in enumerate(request.options, 1)}
    picks = [numbers.get(number) for number in visit.fields("text")]
    return picked(request, [option for option in picks if option]) if None not in picks else None


def _form(request: Request, visit: Visit) -> dict[str, str]:
    """What was typed into the fields, each a line; the page names them by their numbers."""
    typed = ((field.name, visit.field(f"field-{number}")) for number, field in enumerate(request.fields, 1))
    return {name: " ".join(text.split())[:_TEXT_CHARS] for name, text in typed}


def _back(request: HttpRequest, asked: Request) -> str:
    """Return the address of the page that the form stood on."""
    return f"/runs/{asked.run_id}" if visit_of(request).field("from") == "run" else f"/requests/{asked.id}"


def _id(request: HttpRequest) -> RequestId:
    return RequestId(check(request.path_params["request_id"], "request"))
