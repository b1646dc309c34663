"""The console's page of the audit log: filters, a table, and a download of what they find."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from pydantic import JsonValue
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from agents.requests.proof import ByKey, BySession, LinkBy, proofs
from bot.audit.export import csv_head, csv_line, json_line
from bot.audit.reading import Query
from bot.errors import Forbidden, Invalid, NotFound
from bot.people.rights import Caller
from bot.render.words import outcome_name, state_word
from bot.web.console.pages import page
from bot.web.console.views.audited import lines_of
from bot.web.console.visits import Refusal, caller_of, visit_of
from bot.web.here import here
from language import say
from language.recorded import reason_of

_SHOWN, _AT_ONCE = 50, 200
_FILTERS = ("person", "policy", "run", "since", "until")
_KINDS = {
    "opened": "audit.kind-opened",
    "revised": "audit.kind-revised",
    "reassigned": "audit.kind-reassigned",
    "reminded": "audit.kind-reminded",
    "vote": "audit.kind-vote",
    "break_glass": "audit.kind-break-glass",
    "answer": "audit.kind-answer",
    "quarantined": "audit.kind-quarantined",
    "decided": "audit.kind-decided",
    "revoked": "audit.kind-revoked",
    "tool_started": "audit.kind-tool-started",
    "tool_finished": "audit.kind-tool-finished",
    "tool_orphaned": "audit.kind-tool-orphaned",
    "paused": "audit.kind-paused",
    "resumed": "audit.kind-resumed",
    "cancelled": "audit.kind-cancelled",
    "forked": "audit.kind-forked",
    "said": "audit.kind-said",
    "frozen": "audit.kind-frozen",
    "unfrozen": "audit.kind-unfrozen",
    "absence_set": "audit.kind-absence-set",
    "absence_ended": "audit.kind-absence-ended",
    "request_frozen": "audit.kind-request-frozen",
    "tables_changed": "audit.kind-tables-changed",
    "people_same": "audit.kind-people-same",
    "people_confirmed": "audit.kind-people-confirmed",
    "refused": "audit.kind-refused",
    "key_made": "audit.kind-key-made",
    "key_revoked": "audit.kind-key-revoked",
    "forgotten": "audit.kind-forgotten",
    "standing_revoked": "audit.kind-standing-revoked",
    "unreadable": "audit.kind-unreadable",
}


_SESSIONS: dict[LinkBy, str] = {
    "slack": "audit.evidence-session-slack",
    "email": "audit.evidence-session-mail",
    "operator": "audit.evidence-session-operator",
}


async def shown(request: Request) -> Response:
    """The records that the filters find, newest first."""
    process = here(request)
    given, problem, records, older = await _given(request), "", list[dict[str, JsonValue]](), ""
    try:
        query = _query(given)
        cursor = request.query_params.get("cursor", "")
        records, older = await process.app.audit.search(query, cursor, _SHOWN, newest_first=True)
    except (Invalid, NotFound) as error:
        problem = error.what
    data: dict[str, object] = {
        "records": [
            (record, datetime.fromisoformat(str(record["at"])), lines_of(record, process.app.people))
            for record in records
        ],
        "since": await process.app.audit.since(),
        "given": given,
        "problem": problem,
        "policies": sorted(process.app.people.tables.policies),
        "kind_of": _kind_word,
        "outcome_of": _outcome_words,
        "evidence_of": _evidence_words,
        "older": str(request.url.include_query_params(cursor=older).query) if older else "",
        "query": str(request.url.query),
    }
    return await page(request, "audit.html", data)


async def exported(request: Request) -> Response:
    """Download what the filters find, oldest first: lines of JSON, or CSV."""
    given, is_csv = await _given(request), request.query_params.get("format") == "csv"
    try:
        query = _query(given)
    except Invalid as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, say("audit.title"), str(error)) from error
    kind, name = ("text/csv", "audit.csv") if is_csv else ("application/jsonl", "audit.jsonl")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_lines(request, query, is_csv=is_csv), media_type=kind, headers=headers)


async def _lines(request: Request, query: Query, *, is_csv: bool) -> AsyncIterator[str]:
    reader, cursor = here(request).app.audit, ""
    if is_csv:
        yield csv_head()
    while True:
        await _check_still(request)
        records, cursor = await reader.search(query, cursor, _AT_ONCE)
        for record in records:
            yield csv_line(record) if is_csv else json_line(record)
        if not cursor:
            return


async def _check_still(request: Request) -> None:
    """Break a download off, so that it is not taken for a whole one, once its reader may read no more of it."""
    access = here(request).app.access
    session = await access.sessions.find(visit_of(request).text)
    if session is None:
        raise _not_yours()
    await _check(request, access.rights.of_session(session))


async def _check(request: Request, caller: Caller) -> None:
    """Check that `caller` may read the log. Raises Refusal."""
    try:
        await here(request).app.guard.check(caller, "audit")
    except Forbidden:
        raise _not_yours() from None


def _not_yours() -> Refusal:
    return Refusal(HTTPStatus.FORBIDDEN, say("console.not-yours-title"), say("audit.not-yours"))


async def _given(request: Request) -> dict[str, str]:
    """The filters as they were filled in. Raises Refusal for anybody who may not read the log."""
    await _check(request, caller_of(request))
    return {name: request.query_params.get(name, "").strip()[:80] for name in _FILTERS}


def _query(given: dict[str, str]) -> Query:
    return Query(
        person=given["person"],
        policy=given["policy"],
        run=given["run"],
        since=_day(given["since"]),
        until=_day(given["until"]),
    )


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(say("audit.no-day", text=text)) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _kind_word(kind: str) -> str:
    return say(_KINDS[kind]) if kind in _KINDS else kind.replace("_", " ")


_VOTES = {"approve": "audit.vote-approve", "deny": "audit.vote-deny"}


def _outcome_words(record: Mapping[str, JsonValue]) -> str:
    """Return what came of it, in the reader's language."""
    kind, outcome = record.get("kind"), str(record["outcome"])
    if kind == "quarantined":
        return reason_of(outcome)
    if kind == "answer":
        return outcome_name(outcome)
    if outcome in _KINDS:  # as a break of the glass
        return _kind_word(outcome)
    return say(_VOTES[outcome]) if outcome in _VOTES else state_word(outcome)


def _evidence_words(record: Mapping[str, JsonValue]) -> str:
    """How it was known who it was, in the reader's language; what a channel has proven stands there as it is."""
    match proofs.validate_python(found) if isinstance(found := record.get("proof"), dict) else None:
        case BySession(mark=mark, link_by=link_by) if mark:
            return f"{say(_SESSIONS[link_by])} ({mark})"
        case ByKey(key=key, name=name) if key:
            return f"{say('audit.evidence-key')}{name}"
        case _:
            return str(record.get("evidence", ""))
