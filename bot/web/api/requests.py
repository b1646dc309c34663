"""Operations on requests to people: list, wait for, answer, take back."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request

from agents.requests import PersonId, RequestId, RequestState
from bot.people.api_keys import USER_AGENT, ApiKey
from bot.policy.record import RequestRecord
from bot.queries.lists import requests
from bot.render.views import RequestView
from bot.store.ids import check
from bot.web.api import examples
from bot.web.api.answering import answer
from bot.web.api.docs import answers, leads_to
from bot.web.api.keyed import (
    HereNow,
    MayAnswer,
    MayRead,
    MaySteer,
    StillGood,
    no_such_key,
    only_known_queries,
)
from bot.web.api.shapes import (
    Absent,
    Amendment,
    Answered,
    AnswerGiven,
    Cursor,
    Limit,
    OnceHeader,
    Person,
    Requests,
    Withdrawal,
    Withdrawn,
)
from bot.web.api.waiting import changed, is_open, view_of
from bot.web.problems import not_found, trouble

router = APIRouter(prefix="/v1/requests", tags=["requests"], dependencies=[Depends(only_known_queries)])

LONGEST_WAIT_S = 50.0

RequestPath = Annotated[
    str, Path(description="A request's id.", json_schema_extra={"pattern": "^s[0-9]{1,2}q-[a-z2-7]{13}$"})
]


_LISTED = answers(403, 404, 422, shown={200: examples.REQUESTS})
_LISTED[200]["links"] = leads_to(
    "request_id", "$response.body#/requests/0/id", "showRequest", "answerRequest", "withdrawRequest"
)


@router.get("", operation_id="listRequests", responses=_LISTED)
async def listed(
    _: MayRead,
    here: HereNow,
    person: Annotated[Person | Absent, Query(description="Only those that this person may decide.")] = None,
    state: Annotated[RequestState | Absent, Query(description="Only those in this state.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Requests:
    """Requests, newest first, page by page, with everything that is needed to decide them."""
    if person is not None and here.app.people.contact(person) is None:
        raise not_found(f"There is no person {person!r} in the directory.", "`sayso people` lists them")
    found, following = await requests(
        here.app.store, here.app.people, person=person, state=state, cursor=cursor, limit=limit
    )
    return Requests(requests=found, next=following)


@router.get(
    "/{request_id}", operation_id="showRequest", responses=answers(403, 404, 422, 429, shown={200: examples.REQUEST})
)
async def shown(
    request_id: RequestPath,
    key: MayRead,
    here: HereNow,
    is_good: StillGood,
    request: Request,
    wait_s: Annotated[
        float,
        Query(ge=0, le=LONGEST_WAIT_S, allow_inf_nan=False, description="Seconds to wait while it stays as it is."),
    ] = 0,
) -> RequestView:
    """A request as it stands. With `wait_s`, an open one is shown once it has changed, or when the time is over.

    A program's own approval is shown once `may_act` is known: after the last check, when it can't be taken back.
    """
    view = await view_of(here, RequestId(check(request_id, "request")))
    if not wait_s or not is_open(view):
        return view
    with here.waits.one_more(f"key {key.prefix}"):
        view = await changed(here, view, min(wait_s, here.longest_wait_s), request.receive)
    if not await is_good():
        raise no_such_key()
    return view


@router.post(
    "/{request_id}/answer",
    operation_id="answerRequest",
    responses=answers(403, 404, 409, 413, 422, shown={200: examples.ANSWERED}),
)
async def answered(
    request_id: RequestPath,
    given: Annotated[AnswerGiven, Body(openapi_examples=examples.ANSWERS)],
    key: MayAnswer,
    here: HereNow,
    request: Request,
    idempotency_key: OnceHeader = None,
) -> Answered:
    """Answer as the person whose key this is.

    An approval names the digest of what was seen; if that has moved, nothing is counted and the problem says what
    changed. The same answer under the same idempotency key is judged once. Keys of services answer nothing.
    """
    channel = "cli" if request.headers.get("user-agent") == USER_AGENT else "api"
    return await answer(here, key, RequestId(check(request_id, "request")), given, idempotency_key, channel)


@router.post(
    "/{request_id}/withdraw",
    operation_id="withdrawRequest",
    responses=answers(403, 404, 409, 413, 422, shown={200: examples.WITHDRAWN}),
)
async def withdrawn(
    request_id: RequestPath, key: MaySteer, here: HereNow, withdrawal: Withdrawal | None = None
) -> Withdrawn:
    """Take back what the key's person, or somebody whom the key may ask for, has caused, until it has started.

    It is `withdrawn` then, or `revoked` where it was approved already.
    """
    known = RequestId(check(request_id, "request"))
    record, _, _ = await here.app.decisions.request(known)
    own = [person for person in key.speaks_for() if person in record.requesters]
    by = own[0] if own else PersonId(key.speaker)
    reason = withdrawal.reason if withdrawal else ""
    if own and reason.strip() and not _may_give_reasons(key, record):
        detail = f"The agent reads the reason, and takes it for the word of {by}, whom the key only acts for."
        raise trouble(HTTPStatus.FORBIDDEN, "not-yours", detail, "Leave the reason out, or use that person's own key")
    await here.app.steering.withdraw(known, by, reason)
    stands, _, _ = await here.app.decisions.request(known)
    return Withdrawn(id=known, state=stands.state)


@router.post(
    "/{request_id}/amend",
    operation_id="amendRequest",
    responses=answers(403, 404, 409, 413, 422, shown={200: examples.AMENDED}),
)
async def amended(
    request_id: RequestPath,
    wanted: Annotated[Amendment, Body(openapi_examples=examples.AMENDMENTS)],
    key: MaySteer,
    here: HereNow,
) -> RequestView:
    """Change what the key's person asked for, before it is decided: everybody is asked again, with what changed.

    Votes that were given before do not count any more. Only a person's own key does this, and for nobody else.
    """
    known = RequestId(check(request_id, "request"))
    await here.app.decisions.request(known)
    if key.person is None:
        detail = f"The key sayso_{key.prefix} belongs to {key.owner}; what is asked for is changed by who asked."
        do = "Use the person's own key, or withdraw the request and ask anew"
        raise trouble(HTTPStatus.FORBIDDEN, "not-for-programs", detail, do)
    await here.app.steering.amend(known, key.person, wanted.changes)
    return await view_of(here, known)


def _may_give_reasons(key: ApiKey, record: RequestRecord) -> bool:
    """Whether those who hold the key are requesters themselves: else they could steer, and then approve."""
    speak = (key.person,) if key.person else key.holders
    return bool(speak) and all(person in record.requesters for person in speak)
