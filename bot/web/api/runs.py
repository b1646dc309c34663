"""Operations on runs: start, list, look, steer."""

from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from bot.people.rights import Caller
from bot.queries.lists import runs, stands_so
from bot.render.views import ListedAs, RunView, run_view
from bot.runs.start import Sent
from bot.web.api import docs
from bot.web.api.docs import Worded, answers, leads_to
from bot.web.api.keyed import (
    HereNow,
    MayRead,
    MayTrigger,
    check_may_trigger,
    check_run,
    requester_of,
)
from bot.web.api.repeats import OnceHeader, note_replayed, remembered
from bot.web.api.shapes import Absent, Month, Page, Runs, RunWanted
from bot.web.here import Here

router = APIRouter(prefix="/v1/runs", tags=["runs"])

RunPath = Annotated[str, Path(description="A run's id.", json_schema_extra={"pattern": "^s[0-9]{1,2}r-[a-z2-7]{13}$"})]


async def in_turn(run_id: RunPath, key: MayRead, here: HereNow) -> AsyncGenerator[None]:
    """Have a request that reads a whole story wait for others of its holder: each takes memory until it is answered."""
    async with here.waits.whole(key.counted_as, run_id.partition("-")[0]):
        yield


_REPLAYED = Worded("The run that this idempotency key stands for.", docs.RUN)
_STARTED = answers(403, 409, 413, 422, 429, shown={201: docs.RUN, 200: _REPLAYED})
_STARTED[200]["model"] = RunView
_STARTED[201]["links"] = leads_to(
    "run_id", "$response.body#/id", "showRun", "runEvents", "pauseRun", "resumeRun", "cancelRun"
)


@router.post("", operation_id="startRun", status_code=HTTPStatus.CREATED, responses=_STARTED)
async def start(
    wanted: RunWanted,
    key: MayTrigger,
    here: HereNow,
    response: Response,
    once: OnceHeader = None,
) -> RunView:
    """Start a run for the key's person, or for somebody whom the key may ask for.

    With an idempotency key the same body leads to the same run for 24 h: then the answer is 200 and has the header
    `Idempotency-Replayed: true`. Another body under that key is refused, with the difference.
    """
    requester = await requester_of(here, key, wanted.requester, "trigger")
    agent = here.app.runs.starter.check(wanted.text, wanted.agent)
    if wanted.agent is None:
        await here.app.messages.inbox.check_begins(requester, wanted.text)
    await check_may_trigger(here, key, agent)
    run_id = await remembered(here.app.store, key, once, wanted, requester) if once else None
    if run_id and await here.app.store.length(run_id):
        note_replayed(response)
        return await view(here, run_id, here.app.access.rights.of_key(key))
    await here.app.runs.starter.admission.backlog()
    submitter = key.person if key.person != requester else None
    sent = Sent(
        wanted.context,
        submitter,
        key.service or "",
        holders=key.holders,
        proof=key.proof,
    )
    run_id = await here.app.runs.starter.start(
        key.way, wanted.text, requester, agent=wanted.agent, run_id=run_id, sent=sent
    )
    response.headers["Location"] = f"/v1/runs/{run_id}"
    return await view(here, run_id, here.app.access.rights.of_key(key))


class RunsWanted(Page):
    """Which runs are listed."""

    state: ListedAs | Absent = Field(
        default=None,
        description="Only runs that stand so; those that changed nothing are unchanged or answered, not done.",
    )
    agent: str | Absent = Field(default=None, description="Only runs of this agent.")
    archived: Month | Absent = Field(
        default=None, description="Runs in the archive that ended in this month (UTC), instead of those here."
    )


@router.get("", operation_id="listRuns", responses=answers(403, 422, shown={200: docs.RUNS}))
async def listed(key: MayRead, here: HereNow, wanted: Annotated[RunsWanted, Query()]) -> Runs:
    """List runs, newest first.

    A run that starts meanwhile moves no page. They are those that concern the key's person, and those whom it acts for:
    whose they are, and what they may decide. Operators and admins see all. Finished runs leave for the archive after
    some time; with `archived` those of one month are listed, by their end.
    """
    caller = here.app.access.rights.of_key(key)
    state, agent = wanted.state, wanted.agent
    if wanted.archived is not None:
        ended, following = await here.app.guard.archived(caller, wanted.archived, wanted.cursor, wanted.limit)
        fits = tuple(one for one in ended if (state is None or stands_so(one, state)) and agent in {None, one.agent})
        return Runs(runs=fits, next=following)
    seen_by = caller.seen_by
    listed = await runs(
        here.app.store, stands=state, agent=agent, seen_by=seen_by, cursor=wanted.cursor, limit=wanted.limit
    )
    return Runs(runs=listed.found, next=listed.follows, unread=listed.unread)


@router.get(
    "/{run_id}",
    operation_id="showRun",
    responses=answers(403, 404, 422, shown={200: docs.RUN}),
    dependencies=[Depends(in_turn)],
)
async def shown(run_id: RunPath, key: MayRead, here: HereNow) -> RunView:
    """Return a run, archived or not: its state, its open request, how its steps ended."""
    caller = await check_run(here, key, "see", run_id)
    return await view(here, run_id, caller)


async def view(here: Here, run_id: str, caller: Caller) -> RunView:
    """A run as it stands, which `caller` may see. Raises NotFound where there is none."""
    story = await here.app.history.read(run_id)
    forks = await here.app.history.forks_of(run_id, story)
    seen = await here.app.guard.seen(caller, forks)
    run = await here.app.history.as_heard(story.events)
    return run_view(run, [fork for fork in forks if fork in seen], story.archived_at)
