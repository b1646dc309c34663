"""Pages of runs: the list, and one run as it thinks, waits and acts."""

import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import get_args
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from agents.events import Event, StepChosen, StepFailed, ThoughtDropped
from agents.requests import RequestId, RunId
from agents.run import Run
from bot.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited
from bot.people.directory import People
from bot.people.rights import Action
from bot.people.sessions import Login
from bot.policy.attachments import all_files
from bot.queries import lists
from bot.queries.history import Story
from bot.render.outcome import sentences, word_of
from bot.render.output import output_of
from bot.render.status_line import waits_frozen
from bot.render.views import ListedAs, Summary, request_view
from bot.render.words import frozen_words, wish
from bot.render.worklist import who_else
from bot.runs.api_requests import Asker
from bot.store import beside
from bot.store.attachments import content_of
from bot.store.commit import FILES_S
from bot.store.indexes import KeptReply, kept_replies
from bot.web.console.pages import hardened, has_mail, page, to
from bot.web.console.views.afterwards import Failure, failure_of, first_of
from bot.web.console.views.card import CardView, card_view, version_of
from bot.web.console.views.steering import what_it_does
from bot.web.console.views.story import parts_of
from bot.web.console.views.timeline import Row, rows, without_failure
from bot.web.console.visits import Refusal, caller_of, check_run, no_run, run_of_form, unreadable, visit_of
from bot.web.here import Here, here
from channels.showing import escape_invisible
from language import say
from language.dates import in_words

_ACTIONS: dict[str, Action] = {
    "pause": "pause",
    "resume": "resume",
    "cancel": "cancel",
    "fork": "fork",
    "retry": "retry",
}
_LISTED = 30
_CALLED = (StepChosen, StepFailed, ThoughtDropped)
# Of a tree of runs no more is looked at than somebody reads.
_DEEP, _CHILDREN = 3, 5
_WISH_CHARS = 160
_PLACE = re.compile(r"[0-9]{1,5}")
_FILTERS: dict[str, ListedAs] = {one: one for one in get_args(ListedAs)}


@dataclass(frozen=True, slots=True)
class Waits:
    """Whom a run waits for: `people`, who were asked `since` then; or its child `run_id`, which may wait for them."""

    run_id: str = ""
    text: str = ""
    people: str = ""
    since: datetime | None = None
    request_id: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered; without `text` only what there is to say about it."""

    note: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class RunPage:
    """A run as its reader sees it now. `version` changes when its card does."""

    run: Run
    events: tuple[Event, ...]
    card: CardView | None
    version: str
    forks: tuple[str, ...] = ()
    waits: tuple[Waits, ...] = ()
    archived_at: datetime | None = None
    failure: Failure | None = None


async def listed(request: Request) -> Response:
    """Runs, newest first, of one state or all; with `archived` those of the archive that ended in this month."""
    month = request.query_params.get("archived", "")
    return await page(request, "runs.html", await _of_month(request, month) if month else await newest(request))


async def newest(request: Request) -> dict[str, object]:
    """Return the values of the list."""
    state, cursor = request.query_params.get("state", ""), request.query_params.get("cursor")
    if state and state not in _FILTERS:
        text = say("console.no-state", states=", ".join(_FILTERS))
        raise Refusal(HTTPStatus.NOT_FOUND, say("console.no-state-title"), text)
    found, following, unread = await lists.runs(
        here(request).app.store,
        stands=_FILTERS.get(state),
        seen_by=caller_of(request).seen_by,
        cursor=cursor,
        limit=_LISTED,
    )
    return _list(found, following, unread, state=state, follows=cursor is None)


async def _of_month(request: Request, month: str) -> dict[str, object]:
    """Return the values of the list of an archived month. Raises Invalid."""
    cursor, guard = request.query_params.get("cursor"), here(request).app.guard
    found, following = await guard.archived(caller_of(request), month, cursor, _LISTED)
    return _list(found, following, 0, month=month)


def _list(
    found: Sequence[Summary],
    following: str | None,
    unread: int,
    *,
    state: str = "",
    month: str = "",
    follows: bool = False,
) -> dict[str, object]:
    values: dict[str, object] = {"runs": found, "next": following, "unread": unread, "state": state, "month": month}
    return {**values, "follows": follows, "states": tuple(_FILTERS)}


async def shown(request: Request) -> Response:
    """One run: its story, its card, what can be done about it."""
    process, session = here(request), visit_of(request).known
    run_id = await check_run(request, "see")
    async with process.waits.whole(f"page {session.counted_as}", run_id.partition("-")[0]):
        told = await told_of(process, run_id, session)
        demo = process.demo.site if process.demo else ""
        data = await around_run(request, told) | {"follows": told.run.ended is None, "site": demo}
        if "raw" in request.query_params:
            replies = await _replies(process, told)
            data |= {"follows": False, "raw": await beside(told.events, _raw, request, told, replies)}
        return await page(request, "run.html", data, frames=demo or "'none'", events=told.events)


def _raw(request: Request, told: RunPage, replies: list[Reply | None]) -> list[tuple[Row, str, Reply | None]]:
    return list(zip(_rows(request, told), map(_as_json, told.events), replies, strict=True))


async def confirming(request: Request) -> Response:
    """Say what would happen to a run, and who would hear of it; changes nothing."""
    process, session, verb = here(request), visit_of(request).known, request.path_params["verb"]
    told = await told_of(process, await check_run(request, _ACTIONS.get(verb, "see")), session)
    at, open_id = request.query_params.get("at", ""), told.run.open
    if verb == "fork" and not _PLACE.fullmatch(at):
        raise unreadable()
    record = (await process.app.requests.decisions.request(open_id)).record if open_id else None
    does = what_it_does(verb, told.run, record, process.app.people, session.person, at)
    if does is None:
        return to(request, f"/runs/{told.run.id}", say("console.steer-not-now"), is_well=False)
    once = secrets.token_hex(8)
    data = {"does": does, "run": told.run, "verb": verb, "at": at if verb == "fork" else "", "once": once}
    return await page(request, "confirm.html", data)


async def copied(request: Request) -> Response:
    """Make a run of this one: of all that it began with, or of its story up to the event whose button was pressed.

    The same form sent twice makes one.
    """
    is_fork, visit = request.url.path.endswith("/fork"), visit_of(request)
    run_id = await check_run(request, "fork" if is_fork else "retry")
    at = visit.field("at") if is_fork else "1"
    copying, asker = here(request).app.runs.forks, Asker(visit.person, proof=visit.known.proof)
    if not _PLACE.fullmatch(at):
        raise unreadable()
    made = await run_of_form(request, f"{request.url.path} {at}")
    try:
        if await here(request).app.store.length(made):
            return to(request, f"/runs/{made}", say("console.copied-done"))
        if is_fork:
            await copying.fork(run_id, int(at), asker, made)
        else:
            await copying.retry(run_id, asker, made)
    except (Conflict, Forbidden, Invalid, RateLimited) as error:
        return to(request, f"/runs/{run_id}", str(error), is_well=False)
    return to(request, f"/runs/{made}", say("console.copied-done"))


async def told_of(process: Here, run_id: RunId, session: Login) -> RunPage:
    """The run as it stands, for whoever looks in `session`. Raises Refusal where there is none."""
    story = await _story(process, run_id)
    run = await process.app.history.as_heard(story.events)
    forks = await process.app.history.forks_of(run_id, story)
    seen = await process.app.guard.seen(process.app.access.rights.of_session(session), forks)
    forks = tuple(fork for fork in forks if fork in seen)
    request_id = _on_top(run)
    waits, failure = await _waits_for(process, run, session), await _failure(process, run)
    if request_id is None:
        return RunPage(run, story.events, None, "", forks, waits, story.archived_at, failure)
    record, version = story.record(request_id), 0
    if record is None:
        record, version, _ = await process.app.requests.decisions.request(request_id)
    call = record.request.call
    has_changes = bool(call and process.app.live.ends_of(call.effect))
    card = card_view(
        record,
        process.app.people,
        session,
        process.app.store.about_now(),
        run=run,
        has_changes=has_changes,
    )
    return RunPage(run, story.events, card, version_of(card, version), forks, waits, story.archived_at, failure)


async def _failure(process: Here, run: Run) -> Failure | None:
    """Return what went wrong with a run that has failed, with all that was printed while that is kept."""
    found = failure_of(run)
    for file in found.files if found else ():
        with suppress(NotFound):
            if (content := await content_of(process.app.store.client, run.id, file.sha256)) and found:
                return replace(found, output=output_of(content.decode(errors="replace")))
    return found


async def _story(process: Here, run_id: str) -> Story:
    """All that happened in a run. Raises Refusal where there is none."""
    try:
        return await process.app.history.read(run_id)
    except NotFound:
        raise no_run() from None


async def around_run(request: Request, told: RunPage) -> dict[str, object]:
    """Return the values that the templates of a run need."""
    failure, card = told.failure, told.card
    if failure and card and card.after and failure.tells(card.after.attempt):
        shown = card.shown.model_copy(update={"quoted": "", "quoted_as": ""})
        card = replace(card, shown=shown, after=replace(card.after, output=first_of(card.after.output), files=()))
    return {
        "run": told.run,
        "word": word_of(told.run),
        "known": sentences(told.run, is_failure_told=failure is not None),
        "failure": failure,
        "waits": told.waits,
        "frozen": _frozen(told.run, here(request).app.people),
        "story": parts_of(without_failure(await beside(told.events, _rows, request, told), failure)),
        "card": card,
        "version": told.version,
        "has_mail": has_mail(request),
        "forks": told.forks,
        "archived_at": told.archived_at,
        "children": told.run.children,
    }


def _frozen(run: Run, people: People) -> str:
    """Return what a run waits for whose next call is approved and frozen; empty for any other."""
    if run.freeze is None or run.pending is None:
        return ""
    return f"{waits_frozen(run.freeze)}. {frozen_words(run.freeze, people)}."


def _rows(request: Request, told: RunPage) -> list[Row]:
    return rows(told.events, here(request).app.people, word_of(told.run))


def _as_json(event: Event) -> str:
    """An event as it is told; what was read out of a file is as long as the file."""
    return event.model_dump_json(indent=2, exclude={"files": {"__all__": {"text"}}})


async def _replies(process: Here, told: RunPage) -> list[Reply | None]:
    """For each event what the model answered that was called for it, where replies are kept."""
    asked = [event.call.input_hash if isinstance(event, _CALLED) else "" for event in told.events]
    kept = await kept_replies(process.app.store.client, told.run.id, asked, process.app.store.about_now())
    config = process.app.settings.agents.get(told.run.started.agent) if told.run.started else None
    gone = Reply(say("run.reply-gone")) if config and config.keep_replies_s else None
    return [_shown_reply(kept[one]) if one in kept else gone if one else None for one in asked]


def _shown_reply(kept: KeptReply) -> Reply:
    note = say("run.reply-kept", until=in_words(kept.until))
    return Reply(f"{note} {say('run.reply-cut')}" if kept.is_cut else note, escape_invisible(kept.text))


async def _waits_for(process: Here, run: Run, session: Login, depth: int = 0) -> tuple[Waits, ...]:
    """Return whom `run` waits for, and those whom the runs wait for that it has started.

    Of runs that whoever looks may not see there is nothing but what this one asked of them.
    """
    if run.ended:
        return ()
    if run.open:
        record = (await process.app.requests.decisions.request(run.open)).record
        view = request_view(record, process.app.people)
        whom = who_else(view, process.app.people, session.person)
        return (Waits("", "", whom, view.opened_at, view.id, view.title),)
    if run.pending is None or run.pending.waits is None or depth >= _DEEP:
        return ()
    going_on = [child for child in run.children if child.run_id not in run.ended_children][-_CHILDREN:]
    who = process.app.access.rights.of_session(session)
    seen = await process.app.guard.seen(who, [child.run_id for child in going_on])
    found = list[Waits]()
    for child in going_on:
        below = tuple[Waits, ...]()
        if child.run_id in seen:
            started = await process.app.store.run(child.run_id)
            below = await _waits_for(process, started, session, depth + 1)
        first = below[0] if below else Waits()
        found.append(replace(first, run_id=child.run_id, text=wish(child.text, _WISH_CHARS, by_model=child.by_model)))
    return tuple(found)


def _on_top(run: Run) -> RequestId | None:
    """The request that matters now: the open one, else the newest, which shows what came of it."""
    return run.open or next(reversed(tuple(run.requests)), None)


# Even where a browser would show it after all, it can run, load and send nothing.
_POLICY = "sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


async def served(request: Request) -> Response:
    """The bytes of a file that an event of this run lists. Raises Refusal."""
    store, run_id = here(request).app.store, await check_run(request, "see")
    listed = all_files((await _story(here(request), run_id)).events)
    file = next((one for one in listed if one.sha256 == request.path_params["sha256"]), None)
    if file is None:
        raise Refusal(HTTPStatus.NOT_FOUND, say("console.no-file-title"), say("console.no-file"))
    content = await content_of(store.client, run_id, file.sha256)
    if content is None:
        text = say("console.no-longer-kept", count=FILES_S // 86_400)
        raise Refusal(HTTPStatus.NOT_FOUND, say("console.no-longer-kept-title"), text)
    response = Response(content, media_type="application/octet-stream")
    response.headers["Content-Disposition"] = _as_attachment(file.name)
    return hardened(response, _POLICY)


def _as_attachment(name: str) -> str:
    """RFC 6266, with a plain name for what knows no other."""
    plain = "".join(char if char.isascii() and char.isprintable() and char not in '"\\%' else "_" for char in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
