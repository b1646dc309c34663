"""Operations on standing approvals: to ask for one, and to list them."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field, StringConstraints

from agents.requests import Frozen, RunId
from agents.standing import STANDING
from bot.render.views import RequestView
from bot.web.api import docs
from bot.web.api.docs import Worded, answers, leads_to
from bot.web.api.keyed import (
    HereNow,
    MayRead,
    MayTrigger,
    check_may_trigger,
    check_run,
    refused,
)
from bot.web.api.repeats import OnceHeader, note_replayed, remembered
from bot.web.api.requests import view_of as request_of
from bot.web.operations import StandingView, standing_view
from bot.web.problems import trouble

router = APIRouter(prefix="/v1/standing", tags=["requests"])

_Run = Annotated[str, StringConstraints(pattern=r"^s[0-9]{1,2}r-[a-z2-7]{13}$")]
_Argument = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class StandingWanted(Frozen):
    """What is to be allowed without asking: the last call of a run that people had approved and that worked."""

    run: _Run
    uses: int = Field(ge=1, le=100, description="So many times, at most what its policy says.")
    until: AwareDatetime = Field(description="Until this moment, at most so far away as its policy says.")
    open: tuple[_Argument, ...] = Field(
        default=(), max_length=20, description="Arguments that may be any text, of those that its tool lets be open."
    )


class StandingViews(Frozen):
    """Standing approvals, what ends last first; what is over is listed for 30 days."""

    standing: tuple[StandingView, ...]


_REPLAYED = Worded("The request that this idempotency key stands for.", docs.REQUEST)
_ASKED = answers(403, 404, 409, 413, 422, 429, shown={201: docs.REQUEST, 200: _REPLAYED})
_ASKED[200]["model"] = RequestView
_ASKED[201]["links"] = leads_to("request_id", "$response.body#/id", "showRequest", "answerRequest", "withdrawRequest")


@router.get("", operation_id="listStanding", responses=answers(403, 422, shown={200: {"standing": [docs.STANDING]}}))
async def listed(key: MayRead, here: HereNow) -> StandingViews:
    """List the standing approvals that concern the people of the key, at most 500."""
    found = await here.app.requests.standing.those_of(here.app.access.rights.of_key(key))
    return StandingViews(standing=tuple([await standing_view(here.app, one) for one in found]))


@router.post("", operation_id="askForStanding", status_code=HTTPStatus.CREATED, responses=_ASKED)
async def asked(
    wanted: StandingWanted,
    key: MayTrigger,
    here: HereNow,
    response: Response,
    idempotency_key: OnceHeader = None,
) -> RequestView:
    """Ask that what a run did may be repeated without asking.

    The request goes to the approvers of that call's policy, which has to allow it (`standing = "10 in 30d"`). Once they
    approve it, calls that are exactly the same, but for `open` arguments, are approved at once. With an idempotency key
    the same body leads to the same request for 24 h, then with status 200 and the header `Idempotency-Replayed: true`.
    """
    if key.person is None:
        detail, do = "This key belongs to a service; people ask for standing approvals.", "Use a key of your own"
        raise await refused(here, key, "trigger", trouble(HTTPStatus.FORBIDDEN, "not-yours", detail, do))
    person = key.person
    await check_run(here, key, "see", wanted.run)
    await check_may_trigger(here, key, STANDING)
    once = await remembered(here.app.store, key, idempotency_key, wanted, person) if idempotency_key else None
    if once and (earlier := await here.app.runs.standing.asked(once)):
        note_replayed(response)
        return await request_of(here, earlier)
    ask = here.app.runs.again.ask
    found = await ask(RunId(wanted.run), person, wanted.uses, wanted.until, wanted.open, key.proof, once)
    response.headers["Location"] = f"/v1/requests/{found}"
    return await request_of(here, found)
