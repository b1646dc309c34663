"""Operations by which a program begins what people approved, once, and says what came of it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body

from agents.requests import PersonId, RequestId
from bot.people.api_keys import ApiKey
from bot.runs.program_starts import Beginner, Refused
from bot.web.api import docs
from bot.web.api.docs import answers
from bot.web.api.keyed import HereNow, MayAsk, own_record_for
from bot.web.api.requests import RequestPath
from bot.web.api.shapes import Finished, FinishWanted, Started, StartWanted
from bot.web.problems import ProblemError, trouble

router = APIRouter(prefix="/v1/requests", tags=["requests"])

_PROBLEMS: Mapping[str, str] = {
    "open": "not-now",
    "held": "not-now",
    "closed": "closed",
    "moved": "digest-moved",
    "begun": "already-begun",
    "otherwise": "already-finished",
}


@router.post(
    "/{request_id}/start",
    operation_id="startRequest",
    responses=answers(403, 404, 409, 413, 422, shown={200: docs.STARTED}),
)
async def started(
    request_id: RequestPath,
    wanted: Annotated[StartWanted, Body(openapi_examples=docs.STARTS)],
    key: MayAsk,
    here: HereNow,
) -> Started:
    """Begin what was approved.

    One attempt does, and the same attempt gets the same answer again. It is refused after a denial, a revocation, or
    the use-by time, and during a freeze; from then on whoever denies it is told that it is too late. Do nothing before
    this answers 200; where no answer came, send the same attempt again. With `came_of` in the answer that attempt is
    over: then do nothing.
    """
    await own_record_for(here, key, "trigger", request_id)
    known = RequestId(request_id)
    begun = await here.app.runs.program_starts.start(known, wanted.attempt, _beginner(key), wanted.digest)
    if isinstance(begun, Refused):
        raise _problem(begun)
    return Started(
        id=known,
        attempt=wanted.attempt,
        started_at=begun.at,
        digest=begun.digest,
        arguments=begun.arguments,
        approved_by=begun.decision.by,
        came_of=begun.came_of,
    )


@router.post(
    "/{request_id}/finish",
    operation_id="finishRequest",
    responses=answers(403, 404, 409, 413, 422, shown={200: docs.FINISHED}),
)
async def ended(
    request_id: RequestPath,
    wanted: Annotated[FinishWanted, Body(openapi_examples=docs.FINISHES)],
    key: MayAsk,
    here: HereNow,
) -> Finished:
    """Report the result of an attempt.

    Everybody who holds a card is told, in the program's words. What is said first stands: the same again changes
    nothing, and anything else is refused.
    """
    await own_record_for(here, key, "trigger", request_id)
    known, starts = RequestId(request_id), here.app.runs.program_starts
    said = await starts.finish(known, wanted.attempt, _beginner(key), ok=wanted.ok, summary=wanted.summary)
    if isinstance(said, Refused):
        raise _problem(said)
    summary = said.error or said.output
    return Finished(id=known, attempt=wanted.attempt, ok=not said.error, summary=summary, finished_at=said.at)


def _beginner(key: ApiKey) -> Beginner:
    return Beginner(PersonId(key.speaker), key.proof)


def _problem(refused: Refused) -> ProblemError:
    return trouble(HTTPStatus.CONFLICT, _PROBLEMS[refused.kind], f"{refused.what.rstrip('.')}.", refused.do)
