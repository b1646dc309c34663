"""Operations for whoever runs it: who the people are, and what was given up on or is quarantined."""

from asyncio import gather
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, Field

from agents.requests import Frozen, PersonId
from bot.audit.health import ends_elsewhere, sealed_otherwise
from bot.outbound.dead_letter import Note
from bot.people.absences import absence_words
from bot.people.api_keys import ApiKey
from bot.people.noted import NotedTables, half_taken_words
from bot.policy.approvers.oncall import Duty
from bot.policy.freezes import ComingWindow
from bot.queries.explain import Desk, Explanation, explain, moment_of, places_of
from bot.queries.explain_words import explained
from bot.queries.figures import status as status_of
from bot.render.views import EnvironmentView, Status
from bot.render.words import coming_words
from bot.web.api import docs
from bot.web.api.docs import answers
from bot.web.api.health import readyz
from bot.web.api.keyed import HereNow, MayRead, needs
from bot.web.here import Here
from bot.web.operations import AbsenceView, FreezeView, absence_view, freeze_view
from bot.web.problems import ProblemError

router = APIRouter(prefix="/v1", tags=["operation"])


class Named(Frozen):
    """A person of the directory, and how people call them."""

    id: PersonId
    name: str


class OnCall(Frozen):
    """Who is on call in a rotation, since and until when; without a change of person or turn in between."""

    person: PersonId
    starts: AwareDatetime
    until: AwareDatetime


class Rotation(Frozen):
    """A rotation (`oncall:NAME`): who is on call now and who is next; null where nobody is."""

    name: str
    now: OnCall | None
    next: OnCall | None


class Directory(Frozen):
    """The people of the directory, in the order of the settings, and who of them is on call."""

    people: tuple[Named, ...]
    oncall: tuple[Rotation, ...] = ()


class EnvironmentViews(Frozen):
    """The environments that can be deployed to, in the order of the settings."""

    environments: tuple[EnvironmentView, ...]


class ComingView(ComingWindow):
    """A window that begins within two weeks; `told` says all of it in one line, by the clock of its zone."""

    told: str


class FreezeViews(Frozen):
    """Everything that is frozen now, by people and by windows of the settings; and the windows that come next."""

    freezes: tuple[FreezeView, ...]
    coming: tuple[ComingView, ...] = ()


class Labelled(Frozen):
    """A line of an explanation, in words."""

    label: str
    text: str


class Explained(Explanation):
    """An explanation, and the same in words, with each moment on the clocks of whom it concerns."""

    title: str
    lines: tuple[Labelled, ...]


class DeadLetter(Note):
    """Something that was given up on, or a message that is `quarantined`."""

    id: str


class DeadLetters(Frozen):
    """Dead letters and quarantined messages, oldest first."""

    letters: tuple[DeadLetter, ...]


_MayClear = Annotated[ApiKey, Depends(needs("dead"))]


class AbsenceViews(Frozen):
    """Absences, the first to end first."""

    absences: tuple[AbsenceView, ...]


PolicyPath = Annotated[str, Path(description="A policy's name.", max_length=64)]


class Supposed(Frozen):
    """Who would ask, when, and for which environment."""

    person: str | None = Field(default=None, description="Who asks; the key's person if not given.", max_length=64)
    at: str = Field(
        default="now",
        description="`now`, `23:10`, `Sunday 23:10` (the next one) or `2026-11-22T23:10`, on the clock of who asks.",
        max_length=40,
    )
    env: str = Field(default="", description="The environment; all that the policy gates if not given.", max_length=64)


_EXPLAINED = answers(403, 404, 422, shown={200: docs.EXPLAINED})


@router.get("/people", operation_id="listPeople", responses=answers(403, 422, shown={200: docs.PEOPLE}))
async def people(_: MayRead, here: HereNow) -> Directory:
    """List the people of the directory by id, and who is on call now and next."""
    known = here.app.people
    duties = known.duties(here.app.store.about_now())
    return Directory(
        people=tuple(Named(id=one, name=known.name_of(one)) for one in known.all()),
        oncall=tuple(Rotation(name=name, now=_duty(now), next=_duty(then)) for name, (now, then) in duties.items()),
    )


def _duty(duty: Duty | None) -> OnCall | None:
    return OnCall(person=duty.person, starts=duty.starts, until=duty.until) if duty else None


@router.get("/environments", operation_id="listEnvironments", responses=answers(403, 422, shown={200: docs.PLACES}))
async def environments(key: MayRead, here: HereNow) -> EnvironmentViews:
    """List what is live in each environment, who deploys there now, and who waits for their turn.

    Of these, the runs that the key may see.
    """
    live = here.app.live
    places, turns = await gather(live.places(), here.app.guard.turns(here.app.access.rights.of_key(key), live))
    views = (
        EnvironmentView(name=one.name, live=one.text, policy=one.policy, **dict(turns[one.name])) for one in places
    )
    return EnvironmentViews(environments=tuple(views))


@router.get("/policies/{name}/explain", operation_id="explainPolicy", responses=_EXPLAINED)
async def explained_policy(
    name: PolicyPath,
    key: Annotated[ApiKey, Depends(needs("explain"))],
    here: HereNow,
    supposed: Annotated[Supposed, Query()],
) -> Explained:
    """Explain what a policy does if nobody answers: who is asked, when, why and by what, and what stops it.

    With reminders, quiet hours, escalation and freezes.

    Nothing is opened. A person's key asks about that person; operators and admins about anybody.
    """
    known = here.app.people
    who = here.app.access.rights.of_key(key)
    asks = known.named(supposed.person or next(iter(who.people), ""))
    await here.app.guard.check_asking(who, asks)
    moment = moment_of(known, asks, supposed.at, here.app.store.about_now())
    desk = Desk(here.app.requests.freezes, here.app.requests.decisions.delegation, here.app.requests.standing)
    found = await explain(known, desk, places_of(here.app.settings), name, asks, moment, supposed.env)
    found = found.shown_to(who)
    title, lines = explained(found, known)
    return Explained(**dict(found), title=title, lines=tuple(Labelled(label=one.label, text=one.text) for one in lines))


@router.get("/freezes", operation_id="listFreezes", responses=answers(403, 422, shown={200: docs.FREEZES}))
async def freezes(_: MayRead, here: HereNow) -> FreezeViews:
    """List what is frozen, and the windows that begin within two weeks."""
    known = here.app.requests.freezes
    coming = known.coming(here.app.store.about_now())
    return FreezeViews(
        freezes=tuple(freeze_view(one, known.words(one)) for one in await known.all()),
        coming=tuple(ComingView(**dict(one), told=coming_words(one)) for one in coming),
    )


@router.get("/absences", operation_id="listAbsences", responses=answers(403, 422, shown={200: docs.ABSENCES}))
async def absences(_: MayRead, here: HereNow) -> AbsenceViews:
    """List who is away or will be, until when, and who stands in for them."""
    found = await here.app.requests.absences.all()
    return AbsenceViews(absences=tuple(absence_view(one, absence_words(one, here.app.people)) for one in found))


@router.get("/status", operation_id="showStatus", responses=answers(403, 422, shown={200: docs.STATUS}))
async def status(_: MayRead, here: HereNow) -> Status:
    """Return the figures of `/metrics` as one document; `needs` is what a person has to look at."""
    noted = NotedTables(here.app.store)
    wrong = await noted.wrong()
    needs = [f"the settings can't be read anew, so nothing has changed: {wrong}"] if wrong else []
    needs += [half_taken_words(digest, since) for digest, since in (await noted.half()).items()]
    needs += [*await _of_audit_key(here), *await _of_audit_ends(here)]
    freezes = here.app.requests.freezes
    frozen = [freezes.words(one) for one in await freezes.all()]
    try:
        await readyz(here)
    except ProblemError as error:
        return await status_of(here.app.store, [*needs, f"{error.problem.detail} {error.problem.do}"], frozen)
    return await status_of(here.app.store, [*needs, *await here.app.drift.needs()], frozen)


async def _of_audit_key(here: Here) -> list[str]:
    """Return what is wrong with the key of the audit log, where this process has one."""
    settings, store = here.app.settings, here.app.store
    if settings.audit_key is None and settings.redis_url is not None:
        return []
    shards = await sealed_otherwise(store.client, store.shards, here.app.data_dir.audit_keys(settings))
    named = ", ".join(map(str, shards))
    return [f"the audit log of shards {named} is sealed with another SAYSO_AUDIT_KEY than this one"] if shards else []


async def _of_audit_ends(here: Here) -> list[str]:
    shards = await ends_elsewhere(here.app.store.client, here.app.store.shards)
    named = ", ".join(map(str, shards))
    what = f"the newest record of the audit log is not the one that the store notes as its head (shards {named})"
    return [f"{what}: `sayso audit verify` names what is wrong"] if shards else []


@router.get("/dead", operation_id="listDeadLetters", responses=answers(403, 422, shown={200: docs.DEAD}))
async def dead(key: _MayClear, here: HereNow) -> DeadLetters:
    """List the items sayso gave up on (`dead`), and messages whose sender is not proved (`quarantined`)."""
    await here.app.guard.check(here.app.access.rights.of_key(key), "dead")
    found = await here.app.messages.quarantine.all()
    return DeadLetters(letters=tuple(DeadLetter(id=name, **dict(note)) for name, note in found))
