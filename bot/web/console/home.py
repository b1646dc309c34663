"""The first page: ask, what waits on me, my runs, what is live."""

import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from agents.requests import PersonId, RunId
from bot.errors import Forbidden, Invalid, RateLimited
from bot.people.absences import absence_words
from bot.queries import lists
from bot.queries.environments import Place
from bot.render.views import RequestView, Summary, summary_in
from bot.render.words import coming_words
from bot.render.worklist import item_of
from bot.runs.start import Sent
from bot.web.console.pages import csp, fragment, hardened, page, to
from bot.web.console.views.places import DAYS, Deploy, deploys_of, history_of
from bot.web.console.visits import caller_of, refusal_of, run_of_form, visit_of
from bot.web.here import Here, here
from language.recorded import text_of

_RUNS = 10
# So far back the history of an environment goes; so many times that is looked through for all of the days it counts.
_LOOKED_AT, _PAGES = 200, 5


async def shown(request: Request) -> Response:
    """The first page."""
    return await _page(request, {"text": ""}, HTTPStatus.OK)


async def _page(request: Request, data: dict[str, object], status: HTTPStatus) -> Response:
    process, me = here(request), visit_of(request).known.person
    data |= {
        **await lists_of(process, me),
        "agents": [(agent.name, agent.for_people()) for agent in process.app.agents.values()],
        "once": secrets.token_hex(8),
    }
    return await page(request, "home.html", data, status, frames=process.demo.site if process.demo else "'none'")


async def lists_of(process: Here, me: PersonId) -> dict[str, object]:
    """Return the open requests of `me`, and their newest runs."""
    waiting = await lists.waiting(process.app.store, process.app.people, me)
    mine = await lists.runs(process.app.store, requesters=process.app.people.ids_of(me), limit=_RUNS)
    return {
        "runs": mine.found,
        "has_more": mine.follows is not None,
        "unread": mine.unread,
        "items": [item_of(one, process.app.people, me) for one in waiting.found],
        "unread_waiting": waiting.unread,
        "suggestions": _SUGGESTIONS if process.demo else (),
    }


_SUGGESTIONS = ("deploy v1.2.0 to production", "deploy v1.1.0 to staging")


async def asked(request: Request) -> Response:
    """Start a run; the same form sent twice starts one. What was typed is not lost when it can't be."""
    process, visit = here(request), visit_of(request)
    text = visit.field("suggestion") or visit.field("text")
    try:
        process.app.runs.starter.check(text, visit.field("agent") or None)
        if not visit.field("agent"):
            await process.app.messages.inbox.check_begins(visit.person, text)
        run_id = await run_of_form(request, text)
        if not await process.app.store.length(run_id):
            agent = visit.field("agent") or None
            sent_by = Sent(proof=visit.known.proof)
            await process.app.runs.starter.start(
                "console", text, visit.person, agent=agent, run_id=run_id, sent=sent_by
            )
    except (Forbidden, Invalid, RateLimited) as error:
        refused: dict[str, object] = {"text": text, "told": (False, str(error))}
        return await _page(request, refused, refusal_of(error).status)
    return to(request, f"/runs/{run_id}")


@dataclass(frozen=True, slots=True)
class Shown:
    """A place as a page shows it: `short` beside what it says in full; `url` where visitors see it, if we know."""

    place: Place
    short: str
    url: str


async def live_page(request: Request) -> Response:
    """Every environment: what is live there, who let it be, whether it works, and what was before."""
    process, now = here(request), datetime.now(UTC)
    app, demo = process.app, process.demo
    seen_by = caller_of(request).seen_by
    everybodys = await _newest(process, None, now - timedelta(days=DAYS))
    newest = everybodys if seen_by is None else await _newest(process, seen_by)
    places = await _places(request)
    health = {name: text_of(said) for name, said in (await app.live.health()).items()}
    at = {shown.place.name: shown.place for shown in places}
    seen = await app.drift.seen()
    drift = {name: one for name, one in seen.items() if one.is_drift and name in at and one.commit in at[name].text}
    histories = {
        name: history_of(one, newest.deploys(one), now, everybodys.deploys(one), is_drift=name in drift)
        for name, one in at.items()
    }
    data: dict[str, object] = {
        "places": places,
        "sees_all": seen_by is None,
        "is_whole": newest.is_whole and everybodys.is_whole,
        "counts_all": everybodys.reaches_back,
        "health": health,
        "histories": histories,
        "turns": await app.guard.turns(caller_of(request), app.live),
        "drift": drift,
        "frozen": [(one, app.requests.freezes.words(one)) for one in await app.requests.freezes.all()],
        "coming": app.requests.freezes.coming(app.store.about_now()),
        "coming_words": coming_words,
        "environments": tuple(app.settings.deploy.environments),
        "is_operator": app.access.rights.denial_at_all(caller_of(request), "freeze") is None,
        "absences": [(one, absence_words(one, app.people)) for one in await app.requests.absences.all()],
        "people": [(one, app.people.name_of(one)) for one in app.people.all()],
        "sets_absences": app.access.rights.denial_at_all(caller_of(request), "absent") is None,
    }
    return await page(request, "live.html", data, frames=demo.site if demo else "'none'")


@dataclass(frozen=True, slots=True)
class _Newest:
    """The newest requests and runs that somebody may see, whether these are all, and all of the days it counts."""

    requests: Sequence[RequestView]
    runs: Mapping[RunId, Summary]
    is_whole: bool
    reaches_back: bool

    def deploys(self, place: Place) -> list[Deploy]:
        return deploys_of(place, self.requests, self.runs)


async def _newest(process: Here, seen_by: Collection[str] | None, since: datetime | None = None) -> _Newest:
    """Look through the newest, and, page by page, through all `since` then as far as that is not too many."""
    store, people = process.app.store, process.app.people
    requests, older = list[RequestView](), ""
    newest, before, unread = list[Summary](), "", 0
    has_requests = has_runs = False
    for _ in range(_PAGES if since else 1):
        if not has_requests:
            more = await lists.requests(store, people, seen_by=seen_by, cursor=older or None, limit=_LOOKED_AT)
            requests, older, unread = [*requests, *more.found], more.follows, unread + more.unread
            has_requests = older is None or bool(since and requests and requests[-1].opened_at < since)
        if not has_runs:
            found = await lists.runs(store, seen_by=seen_by, cursor=before or None, limit=_LOOKED_AT)
            newest, before, unread = [*newest, *found.found], found.follows, unread + found.unread
            has_runs = before is None or bool(since and newest and newest[-1].started_at < since)
        if has_requests and has_runs:
            break
    runs = {run.id: run for run in newest}
    run_ids = list(dict.fromkeys(one.run_id for one in requests if one.run_id not in runs))
    lines = await store.lists.summaries_of(run_ids)
    runs |= {name: run for name, line in zip(run_ids, lines, strict=True) if (run := summary_in(line))}
    is_whole = older is None and before is None and not unread
    return _Newest(requests, runs, is_whole=is_whole, reaches_back=has_requests and has_runs and not unread)


async def live_part(request: Request) -> Response:
    """The same as a part of another page."""
    return hardened(Response(await live_panel(request), media_type="text/html"), csp())


async def live_panel(request: Request, *, anew: bool = False) -> str:
    """The part itself; `anew` when something has just been changed."""
    app = here(request).app
    turns = await app.guard.turns(caller_of(request), app.live)
    data = {"places": await _places(request, anew=anew), "turns": turns}
    return fragment(request, "_live.html", data)


async def _places(request: Request, *, anew: bool = False) -> list[Shown]:
    process = here(request)
    site = f"{process.demo.site}/{{}}/" if process.demo else ""
    places = await process.app.live.places(anew=anew)
    told = [replace(place, text=text_of(place.text)) for place in places]
    return [Shown(place, _short(place.text), site.format(place.name)) for place in told]


def _short(text: str) -> str:
    """`v1.2.0 · 63e28bf` for a commit with its tags; what is no commit stays as it is."""
    found = re.fullmatch(r"([0-9a-f]{7})[0-9a-f]{33}(?: \((.+)\))?", text)
    return " · ".join(filter(None, [found[2], found[1]])) if found else text
