"""Operations on requests to people: list, wait for, answer, take back."""

import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query
from fastapi import Request as HttpRequest
from pydantic import Field
from starlette.types import Receive

from agents.events import (
    Event,
    RequestDecided,
    RequestOpened,
    RequestRevised,
    RequestRevoked,
    ToolStarted,
    VoteCast,
)
from agents.requests import Frozen, Request, RequestId, RequestState
from agents.requests.record import RequestRecord
from bot.people.api_keys import ApiKey
from bot.people.offers import offers
from bot.policy.judgements import NotEntitled
from bot.policy.whole import is_of_program
from bot.queries.lists import requests
from bot.render.in_run import in_run
from bot.render.views import AnswerFile, RequestView, files_of, request_view
from bot.render.words import copies_go_on, copies_left
from bot.store import folded
from bot.store.watch import FollowingEnds, Watch, ended
from bot.web.api import docs
from bot.web.api.answering import answer, delegate, edit
from bot.web.api.docs import answers, leads_to
from bot.web.api.keyed import (
    HereNow,
    MayAnswer,
    MayFollow,
    MayRead,
    needs,
    record_for,
    refused,
    still_good,
)
from bot.web.api.outcomes import Outcome, outcome_of
from bot.web.api.repeats import OnceHeader
from bot.web.api.shapes import (
    Absent,
    Answered,
    AnswerGiven,
    DelegationWanted,
    EditWanted,
    Page,
    Person,
    Requests,
    Withdrawal,
    Withdrawn,
)
from bot.web.here import Here
from bot.web.problems import trouble
from bot.web.streaming import until_gone


async def view_of(here: Here, request_id: RequestId) -> RequestView:
    """The request as it stands. Raises NotFound."""
    return await _view(here, (await here.app.requests.decisions.request(request_id)).record)


async def _view(here: Here, record: RequestRecord) -> RequestView:
    request, run, files = record.request, None, tuple[AnswerFile, ...]()
    if is_of_program(request) or (request.program and record.decision):
        events = (await here.app.history.read(request.run_id)).events
        run, files = await folded(events) if is_of_program(request) else None, files_of(request.id, events)
    lists, now = await here.app.requests.decisions.lists(request), here.app.store.about_now()
    view = request_view(record, here.app.people, in_run(run, request.id) if run else None, lists, now)
    return view.model_copy(update={"files": files})


async def changed(here: Here, view: RequestView, wait_s: float, receive: Receive) -> RequestView:
    """The request once it has changed, after `wait_s`, or when whoever asked has hung up.

    Raises FollowingEnds where this process leaves: whoever waits goes on elsewhere, or later.
    """
    seq = await here.app.store.length(view.run_id)
    record = (await here.app.requests.decisions.request(view.id)).record
    view = await _view(here, record)
    if not is_open(view):
        return view
    here.metrics.streams.inc()
    try:
        await _until_news(here, record.request, seq, wait_s, receive)
    finally:
        here.metrics.streams.dec()
    return await view_of(here, view.id)


def is_open(view: RequestView) -> bool:
    """Return whether people can still decide."""
    return view.state == "open"


async def _until_news(here: Here, request: Request, seq: int, wait_s: float, receive: Receive) -> None:
    """Returns at the first news of the request after `seq`, after `wait_s`, or when whoever asked has hung up.

    Raises FollowingEnds.
    """
    async with here.follower.watch(request.run_id, seq) as watch:
        gone = asyncio.create_task(until_gone(receive, watch))
        try:
            await _news(watch, request, wait_s)
        except FollowingEnds:
            if not gone.done():
                raise
        finally:
            await ended([gone])


async def _news(watch: Watch, request: Request, wait_s: float) -> None:
    clock = asyncio.get_running_loop().time
    until = clock() + wait_s
    while (left_s := until - clock()) > 0:
        if any(_is_news(event, request) for _, event in await watch.next(left_s)):
            return


def _is_news(event: Event, request: Request) -> bool:
    """A program waits for the decision, and not for votes."""
    match event:
        case RequestOpened() | RequestRevised():
            return event.request.id == request.id
        case RequestDecided() | RequestRevoked():
            return event.request_id == request.id
        case VoteCast() | ToolStarted():
            return event.request_id == request.id and not is_of_program(request)
        case _:
            return False


router = APIRouter(prefix="/v1/requests", tags=["requests"])

LONGEST_WAIT_S = 50.0


class RequestsWanted(Page):
    """Which requests are listed."""

    person: Person | Absent = Field(default=None, description="Only those that this person may decide.")
    state: RequestState | Absent = Field(default=None, description="Only those in this state.")


class Wait(Frozen):
    """For how long somebody waits."""

    wait_s: float = Field(
        default=0,
        ge=0,
        le=LONGEST_WAIT_S,
        allow_inf_nan=False,
        description="Seconds to wait while it stays as it is.",
    )


RequestPath = Annotated[
    str, Path(description="A request's id.", json_schema_extra={"pattern": "^s[0-9]{1,2}q-[a-z2-7]{13}$"})
]


_LISTED = answers(403, 404, 422, shown={200: docs.REQUESTS})
_LISTED[200]["links"] = leads_to(
    "request_id", "$response.body#/requests/0/id", "showRequest", "answerRequest", "withdrawRequest"
)


@router.get("", operation_id="listRequests", responses=_LISTED)
async def listed(key: MayRead, here: HereNow, wanted: Annotated[RequestsWanted, Query()]) -> Requests:
    """List requests, newest first, with all that is needed to decide them.

    They are those that the key's person, and whom it acts for, asked for or may decide. Operators and admins see all.
    """
    person = None if wanted.person is None else here.app.people.named(wanted.person)
    seen_by = here.app.access.rights.of_key(key).seen_by
    listed = await requests(
        here.app.store,
        here.app.people,
        person=person,
        state=wanted.state,
        seen_by=seen_by,
        cursor=wanted.cursor,
        limit=wanted.limit,
    )
    return Requests(requests=listed.found, next=listed.follows, unread=listed.unread)


@router.get(
    "/{request_id}", operation_id="showRequest", responses=answers(403, 404, 422, 429, shown={200: docs.REQUEST})
)
async def shown(
    request_id: RequestPath,
    key: MayFollow,
    here: HereNow,
    request: HttpRequest,
    wait: Annotated[Wait, Query()],
) -> RequestView:
    """Return a request.

    With `wait_s`, an open one is returned once it has changed, or when the time is over. A program's own approval is
    shown once it is decided; the program begins what it `may_act` on by `start`.
    """
    view = await _view(here, (await record_for(here, key, "see", request_id)).record)
    if not wait.wait_s:
        return view
    if is_open(view):
        with here.waits.one_more(key.counted_as):
            view = await changed(here, view, min(wait.wait_s, here.longest_wait_s), request.receive)
    await record_for(here, await still_good(request), "see", request_id)
    return view


@router.get(
    "/{request_id}/outcome",
    operation_id="showOutcome",
    response_model_exclude_defaults=True,
    responses=answers(403, 404, 422, 429, shown={200: docs.OUTCOME}),
)
async def outcome(
    request_id: RequestPath,
    key: MayFollow,
    here: HereNow,
    request: HttpRequest,
    wait: Annotated[Wait, Query()],
) -> Outcome:
    """Return the state of a request in one word, with the typed answer."""
    return outcome_of(await shown(request_id, key, here, request, wait))


@router.post(
    "/{request_id}/answer",
    operation_id="answerRequest",
    responses=answers(403, 404, 409, 413, 422, shown={200: docs.ANSWERED}),
)
async def answered(
    request_id: RequestPath,
    given: Annotated[AnswerGiven, Body(openapi_examples=docs.ANSWERS)],
    key: MayAnswer,
    here: HereNow,
    idempotency_key: OnceHeader = None,
) -> Answered:
    """Answer as the person whose key this is.

    An approval names the digest of what was seen; if that has moved, nothing is counted and the problem says what
    changed. The same answer under the same idempotency key is judged once. Keys of services answer nothing.

    `break_glass` decides alone, for the whole quorum and all steps: only by whom the policy names in `break_glass`,
    and everybody is told at once.
    """
    read = await record_for(here, key, "answer", request_id)
    return await answer(here, key, read, given, idempotency_key)


@router.post(
    "/{request_id}/edit",
    operation_id="editRequest",
    responses=answers(403, 404, 409, 413, 422, shown={200: docs.EDITED}),
)
async def edited(
    request_id: RequestPath,
    wanted: Annotated[EditWanted, Body(openapi_examples=docs.EDITS)],
    key: MayAnswer,
    here: HereNow,
    idempotency_key: OnceHeader = None,
) -> Answered:
    """Change arguments.

    Everybody is asked again, and votes before are void. It approves nothing. Of those who decide, who changed it does
    not approve it either, unless the policy says `editor_may_approve`. Whoever asked changes any argument, with the
    scope `steer` as well.
    """
    read = await record_for(here, key, "answer", request_id)
    return await edit(here, key, read, wanted, idempotency_key)


@router.post(
    "/{request_id}/delegate",
    operation_id="delegateRequest",
    responses=answers(403, 404, 409, 413, 422, shown={200: docs.DELEGATED}),
)
async def delegated(
    request_id: RequestPath,
    wanted: Annotated[DelegationWanted, Body(openapi_examples=docs.DELEGATIONS)],
    key: MayAnswer,
    here: HereNow,
    idempotency_key: OnceHeader = None,
) -> Answered:
    """Hand a request on to somebody whom its policy accepts.

    They decide in place of the key's person. Whoever handed it on approves it no more, and may still deny it. Votes
    that were given count as before. Only a person's own key does this, and for nobody else.
    """
    read = await record_for(here, key, "answer", request_id)
    return await delegate(here, key, read, wanted, idempotency_key)


@router.post(
    "/{request_id}/withdraw",
    operation_id="withdrawRequest",
    responses=answers(403, 404, 409, 413, 422, shown={200: docs.WITHDRAWN}),
)
async def withdrawn(
    request_id: RequestPath,
    key: Annotated[ApiKey, Depends(needs("withdraw", may_only_ask=True))],
    here: HereNow,
    withdrawal: Withdrawal | None = None,
) -> Withdrawn:
    """Withdraw what the key's person, or whom it may ask for, has caused, until it starts.

    It is `withdrawn` then, or `revoked` where it was approved already.
    """
    known = RequestId(request_id)
    record, _, now = await record_for(here, key, "withdraw", request_id)
    people, nobodys = here.app.people, NotEntitled(why="not_asker", approvers=())
    why_not = {one: offers(record, people, one, "api", now).why_not.get("withdraw") for one in key.speaks_for()}
    own = [person for person, why in why_not.items() if why != nobodys]
    # What a program asked by itself it takes back by itself, and not as the person for whom it asked.
    by = own[0] if own and key.speaker != record.request.program else key.speaker
    reason = withdrawal.reason if withdrawal else ""
    if by != key.speaker and reason.strip() and not _may_give_reasons(key, record):
        detail = f"The agent reads the reason, and takes it for the word of {by}, whom the key only acts for."
        do = "Leave the reason out, or use that person's own key"
        problem = trouble(HTTPStatus.FORBIDDEN, "not-yours", detail, do)
        raise await refused(here, key, "withdraw", problem, record.request.run_id)
    taken_back = await here.app.runs.steering.withdraw(known, by, reason, proof=key.proof)
    stands, left = taken_back.record, copies_go_on(copies_left(taken_back.judgement))
    beside = await here.app.messages.inbox.not_ordered(record.request, by, reason)
    return Withdrawn(id=stands.request.id, state=stands.state, told=f"{beside}{left}".strip())


def _may_give_reasons(key: ApiKey, record: RequestRecord) -> bool:
    """Return whether all holders of the key are requesters: else they could steer, and then approve."""
    speak = (key.person,) if key.person else key.holders
    return bool(speak) and all(person in record.requesters for person in speak)
