"""Operations that make a run of another one, or of a file, and those that show what it is made of."""

import asyncio
import hashlib
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError

from agents.requests import Frozen, RunId
from bot.people.api_keys import ApiKey
from bot.queries.prompt_replay import PromptReplay, replay
from bot.registry.release import version
from bot.render.views import RunView
from bot.runs.api_requests import Asker
from bot.runs.export import Exported, check_values, export
from bot.web.api import docs
from bot.web.api.docs import Worded, answers
from bot.web.api.keyed import HereNow, MayRead, check_run, needs, requester_of
from bot.web.api.repeats import OnceHeader, note_replayed, remembered
from bot.web.api.runs import RunPath, in_turn, view
from bot.web.api.shapes import Absent, Copied, ForkWanted, Person, RetryWanted
from bot.web.here import Here

router = APIRouter(prefix="/v1/runs", tags=["runs"])

_NOTHING = RetryWanted()
_TOLD_AT_MOST = 1_000
_REPLAYED = Worded("The run that this idempotency key stands for.", docs.FORK)
_MADE = answers(403, 404, 409, 413, 422, 429, shown={201: docs.FORK, 200: _REPLAYED})
_MADE[200]["model"] = RunView


class ImportWanted(Frozen):
    """For whom a run is imported."""

    requester: Person | Absent = Field(default=None, description="A person for whom the key may ask.")


class StepWanted(Frozen):
    """Which step is looked at."""

    step: int = Field(ge=1, le=12_000, description="From 1.")


_FILE = {"$ref": f"#/components/schemas/{Exported.__name__}"}


@router.post(
    "/import",
    operation_id="importRun",
    status_code=HTTPStatus.CREATED,
    responses=_MADE,
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _FILE}}}},
)
async def imported(
    request: Request,
    key: Annotated[ApiKey, Depends(needs("import"))],
    here: HereNow,
    response: Response,
    asked: Annotated[ImportWanted, Query()],
    idempotency_key: OnceHeader = None,
) -> RunView:
    """Make a run of an exported one, which approves nothing.

    It goes on here. Bytes of attached files are not in it.
    """
    body = await request.body()
    async with here.importing.one():
        wanted, digest = await asyncio.to_thread(_read, body)  # it may take seconds; others are answered meanwhile
        copied = Copied(how="import", source=digest, at=len(wanted.events), requester=asked.requester)
        return await _made(here, response, key, copied, idempotency_key, wanted)


def _read(body: bytes) -> tuple[Exported, str]:
    """The file that was sent, and the digest of what is in it. Raises RequestValidationError."""
    try:
        check_values(body)
        wanted = Exported.model_validate_json(body)
    except ValidationError as error:
        if error.error_count() > _TOLD_AT_MOST:  # to tell of each takes some microseconds, and nobody else may run
            what = f"{error.error_count()} things in it do not fit"
            raise RequestValidationError([{"loc": ("body",), "msg": what}]) from None
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in found]) from None
    except ValueError as error:
        raise RequestValidationError([{"loc": ("body",), "msg": str(error)}]) from None
    return wanted, hashlib.sha256(wanted.model_dump_json().encode()).hexdigest()


@router.post("/{run_id}/fork", operation_id="forkRun", status_code=HTTPStatus.CREATED, responses=_MADE)
async def forked(
    run_id: RunPath,
    wanted: ForkWanted,
    key: Annotated[ApiKey, Depends(needs("fork"))],
    here: HereNow,
    response: Response,
    idempotency_key: OnceHeader = None,
) -> RunView:
    """Make a new run from the first events of this one, in which no approval counts.

    They are history. Whoever makes it is its requester, and those of this run stay requesters.
    """
    copied = Copied(how="fork", source=run_id, **wanted.model_dump())
    return await _made(here, response, key, copied, idempotency_key)


@router.post("/{run_id}/retry", operation_id="retryRun", status_code=HTTPStatus.CREATED, responses=_MADE)
async def retried(
    run_id: RunPath,
    key: Annotated[ApiKey, Depends(needs("retry"))],
    here: HereNow,
    response: Response,
    wanted: RetryWanted = _NOTHING,
    idempotency_key: OnceHeader = None,
) -> RunView:
    """Make a new run of what this one began with."""
    copied = Copied(how="retry", source=run_id, at=1, **wanted.model_dump())
    return await _made(here, response, key, copied, idempotency_key)


async def _made(
    here: Here,
    response: Response,
    key: ApiKey,
    wanted: Copied,
    once: str | None,
    file: Exported | None = None,
) -> RunView:
    """The run that was made, now or under the same idempotency key before."""
    requester = await requester_of(here, key, wanted.requester, wanted.how)
    source, who = RunId(wanted.source), here.app.access.rights.of_key(key)
    if wanted.how == "import":
        await here.app.guard.check(who, "import")
    else:
        await check_run(here, key, wanted.how, source)
    run_id = await remembered(here.app.store, key, once, wanted, requester) if once else None
    if run_id and await here.app.store.length(run_id):
        note_replayed(response)
        return await view(here, run_id, who)
    await here.app.runs.starter.admission.backlog()
    submitter = key.person if key.person != requester else None
    asker = Asker(requester, submitter, key.service or "", key.holders, proof=key.proof)
    async with here.app.guard.in_turn(who, source):
        if file:
            run_id = await here.app.runs.forks.take_in(file, asker, run_id)
        elif wanted.how == "retry":
            run_id = await here.app.runs.forks.retry(source, asker, run_id)
        else:
            run_id = await here.app.runs.forks.fork(source, wanted.at, asker, run_id)
    response.headers["Location"] = f"/v1/runs/{run_id}"
    return await view(here, run_id, who)


@router.get(
    "/{run_id}/export",
    operation_id="exportRun",
    responses=answers(403, 404, 422, shown={200: docs.EXPORT}),
    dependencies=[Depends(in_turn)],
)
async def exported(run_id: RunPath, key: MayRead, here: HereNow) -> Exported:
    """Return the run as one JSON file for an import, with the texts of attached files and not their bytes."""
    await check_run(here, key, "see", run_id)
    story = await here.app.history.read(run_id)
    return export(RunId(run_id), story.events, story.events[-1].release or version(), story.now)


@router.get(
    "/{run_id}/context",
    operation_id="showContext",
    responses=answers(403, 404, 409, 422, shown={200: docs.SEEN}),
    dependencies=[Depends(in_turn)],
)
async def context(run_id: RunPath, key: MayRead, here: HereNow, wanted: Annotated[StepWanted, Query()]) -> PromptReplay:
    """Show what the model saw before a step, byte for byte, and its answer while that is kept."""
    await check_run(here, key, "see", run_id)
    story = await here.app.history.read(run_id)
    return await replay(here.app.store, RunId(run_id), story, wanted.step, here.app.agents)
