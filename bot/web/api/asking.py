"""The operation by which a program asks people, without a run of its own."""

import hashlib
from collections.abc import Sequence, Set
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Response

from agents.events import Event, RunStarted
from agents.relay import RELAY
from agents.requests import PersonId, RequestId, RunId
from agents.run import fold
from bot.errors import Forbidden, Invalid, RateLimited, WaitsForFile
from bot.people.api_keys import ApiKey, people_in
from bot.render.views import RequestView
from bot.runs.api_requests import Asker
from bot.web.api import docs
from bot.web.api.docs import Worded, answers, leads_to
from bot.web.api.keyed import (
    HereNow,
    MayAsk,
    check_may_trigger,
    meant_by,
    refused,
    requester_of,
)
from bot.web.api.repeats import OnceHeader, check_is_same, forgotten, note_replayed, remembered, run_asked_under
from bot.web.api.requests import view_of
from bot.web.api.shapes import ApprovalWanted, QuestionWanted, Wanted
from bot.web.here import Here
from bot.web.problems import trouble
from channels import SESSION

router = APIRouter(prefix="/v1/requests", tags=["requests"])

_REPLAYED = Worded("The request that this idempotency key stands for.", docs.QUESTION)
_OPENED = answers(403, 409, 413, 422, 429, shown={201: docs.QUESTION, 200: _REPLAYED})
_OPENED[200]["model"] = RequestView
_OPENED[201]["links"] = leads_to("request_id", "$response.body#/id", "showRequest", "answerRequest", "withdrawRequest")


@router.post("", operation_id="openRequest", status_code=HTTPStatus.CREATED, responses=_OPENED)
async def opened(
    wanted: Annotated[Wanted, Body(openapi_examples=docs.WANTED_OF_PEOPLE)],
    key: MayAsk,
    here: HereNow,
    response: Response,
    once: OnceHeader = None,
) -> RequestView:
    """Ask people a question, or for an approval under a policy.

    The request is open when this answers; wait for it with `GET /v1/requests/{id}?wait_s=50`. Whom a key may ask is
    listed with it (`sayso keys create --asks`). sayso executes nothing: of an approval, `may_act` says whether the
    program may go ahead. With an idempotency key the same body leads to the same request, open or decided, for as long
    as that is kept, then with status 200 and the header `Idempotency-Replayed: true`.
    """
    run_id = run_asked_under(key, once) if once else None
    # What was asked is its asker's to see, whoever may be asked by now.
    if run_id and (earlier := await _earlier(here, key, run_id, wanted)):
        return await _replayed(here, response, earlier)
    requester = await requester_of(here, key, wanted.requester, "trigger")
    await _check_may_ask(here, key, wanted)
    await check_may_trigger(here, key, RELAY)
    if once:
        run_id = await remembered(here.app.store, key, once, wanted, requester, run_id)
        if earlier := await _earlier(here, key, run_id, wanted):
            return await _replayed(here, response, earlier)
    submitter = key.person if key.person != requester else None
    asker = Asker(
        requester,
        submitter,
        key.service or "",
        key.holders,
        proof=key.proof,
        key=key.prefix,
        has_own_limit=not key.may("trigger"),
        thread=_thread(key, wanted.session) if wanted.session else "",
    )
    try:
        await here.app.runs.starter.admission.backlog()
        request_id = await here.app.runs.api_requests.ask(wanted.relayed(), dict(wanted.context), asker, run_id)
    except (Invalid, Forbidden, RateLimited, WaitsForFile):  # before anything was written
        if once:
            await forgotten(here.app.store, key, once)
        raise
    if run_id:  # of two that came at once, the one that was written stands
        await _earlier(here, key, run_id, wanted)
    response.headers["Location"] = f"/v1/requests/{request_id}"
    return await view_of(here, request_id)


def _thread(key: ApiKey, session: str) -> str:
    """Return the thread of a session, which only this key can name."""
    return f"{SESSION}{hashlib.sha256(f'{key.prefix} {session}'.encode()).hexdigest()[:40]}"


async def _replayed(here: Here, response: Response, request_id: RequestId) -> RequestView:
    note_replayed(response)
    return await view_of(here, request_id)


async def _earlier(here: Here, key: ApiKey, run_id: RunId, wanted: QuestionWanted | ApprovalWanted) -> RequestId | None:
    """Return the request that a run asks, here or in the archive: the newest where that was asked anew.

    Raises ProblemError for another body.
    """
    events = await here.app.history.begun_since(run_id, key.created_at)
    if not events:
        return None
    found, started = _newest(events), events[0]
    if found and isinstance(started, RunStarted):
        by = key.person or started.requester if wanted.requester is None else meant_by(here, key, wanted.requester)
        check_is_same(started, found, wanted.relayed(), wanted.context, by)
    return found


async def asked_under(here: Here, key: ApiKey, once: str) -> RequestId | None:
    """Return the request that `once` stands for, here or in the archive; none where nothing was asked under it."""
    return _newest(await here.app.history.begun_since(run_asked_under(key, once), key.created_at))


def _newest(events: Sequence[Event]) -> RequestId | None:
    asked = [one.request for one in fold(events).requests.values()]
    return next((one.id for one in reversed(asked) if one.purpose == asked[0].purpose), None)


async def _check_may_ask(here: Here, key: ApiKey, wanted: QuestionWanted | ApprovalWanted) -> None:
    """Check that the key may ask everybody wanted. Raises ProblemError; nobody may ask a person who does not exist."""
    listed = key.may_ask()
    if isinstance(wanted, ApprovalWanted):
        beyond = [f"policy:{wanted.policy}"] if f"policy:{wanted.policy}" not in listed else []
    else:
        people, now = here.app.people, here.app.store.about_now()
        await people.look_up((*listed, *wanted.to))
        reached = set(people.members(people_in(listed), now))
        others = (ref for ref in people.refs(wanted.to) if ref not in listed)
        beyond = [ref for ref in others if not _is_within(people.members([ref], now), reached)]
    if beyond:
        detail = f"This key may not ask {', '.join(beyond)}."
        do = f"It may ask: {', '.join(listed) or 'nobody'}. Make a key with --asks {','.join(beyond)}"
        raise await refused(here, key, "trigger", trouble(HTTPStatus.FORBIDDEN, "not-yours", detail, do))


def _is_within(people: tuple[PersonId, ...], reached: Set[PersonId]) -> bool:
    return bool(people) and reached >= set(people)
