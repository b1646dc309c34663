"""What each operation does, whichever surface it comes from: its input, its check, its effect and what it answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from fastapi import Depends, Path, Request
from pydantic import AwareDatetime, Field, JsonValue, StringConstraints

from agents.requests import Freeze, Frozen, PersonId, RequestId, RunId
from agents.requests.proof import Proof
from agents.run import Run
from bot.app import App
from bot.errors import NotFound
from bot.operations import (
    CANCEL,
    CONFIRM_HELD,
    CONFIRM_PEOPLE,
    DISCARD,
    END_ABSENCE,
    FREEZE,
    PAUSE,
    REQUEUE,
    RESUME,
    REVOKE,
    SAME,
    SET_ABSENCE,
    UNFREEZE,
    Operation,
)
from bot.people.absences import Absence, absence_words
from bot.people.api_keys import ApiKey
from bot.people.noted import DIGEST_CHARS, NotedTables
from bot.people.refusals import Refusals
from bot.people.rights import Caller, Denied
from bot.policy.approvers.concern import concern_of
from bot.policy.standing import Ended, Standing
from bot.render.words import copies_go_on, no_environment
from bot.requests.reassignment.absences import AbsenceWanted
from bot.requests.stored import copies_of
from bot.store.ids import check
from bot.web.api import docs
from bot.web.api.keyed import KEY
from bot.web.api.runs import RunPath
from bot.web.api.shapes import Person, Steered
from bot.web.here import here
from language import say


@dataclass(frozen=True, slots=True)
class By:
    """Who does it, with what proves that, in this process; `behind` it are the people whose word it may be."""

    app: App
    caller: Caller
    proof: Proof
    behind: tuple[PersonId, ...]

    @property
    def speaker(self) -> PersonId:
        """The speaker in events: a person, or a service."""
        return PersonId(self.caller.name)


async def _by_key(request: Request) -> By:
    app, key = here(request).app, cast("ApiKey", request.scope[KEY])
    return By(app, app.access.rights.of_key(key), key.proof, (*key.holders, *key.speaks_for()))


Doer = Annotated[By, Depends(_by_key)]

EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class FreezeWanted(Frozen):
    """What is to be frozen, or no longer: an environment, or everything that is gated."""

    environment: EnvironmentName | None = Field(default=None, description="Left out: everything.")
    reason: Annotated[str, StringConstraints(max_length=1_000, pattern=r"^[^\r\n]*$")] = Field(
        default="", description="Why, in one line; everybody who waits reads it, or that no reason was given."
    )


class UnfreezeWanted(FreezeWanted):
    """What is to be frozen no longer, and why."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=r"^[^\r\n]*\S[^\r\n]*$")] = Field(
        description="Why, in one line."
    )
    seen: Annotated[str, StringConstraints(max_length=100)] | None = Field(
        default=None,
        description="The `seen` of the freeze that is to end: one that began or was said again since then stays (409). "
        "Left out: whatever freeze there is.",
    )


class FreezeView(Freeze):
    """A freeze. `environment` is empty where everything is frozen; `told` says all of it in one line.

    Above that, where the settings have no environment of that name, stands a line that warns of it. `again_at`,
    `again_by` and `again_reason` are there where it was said once more, and `seen` is another one then.
    """

    told: str
    seen: str


async def freeze(wanted: FreezeWanted, by: Doer) -> FreezeView:
    """Freeze an environment, or everything: nothing that needs an approval starts there.

    That holds once this answers.

    Votes still count, and what runs is finished. What is frozen already stays as whoever froze it said.
    """
    known, where = by.app.requests.freezes, wanted.environment or ""
    made = await known.freeze(where, by.speaker, wanted.reason, proof=by.proof)
    warning = no_environment(where, tuple(by.app.settings.deploy.environments))
    return freeze_view(made, "\n".join(filter(None, (warning, known.words(made)))))


async def unfreeze(wanted: UnfreezeWanted, by: Doer) -> FreezeView:
    """End a freeze that somebody began; a window of the settings ends by itself."""
    known, where = by.app.requests.freezes, wanted.environment or ""
    ended = await known.unfreeze(where, by.speaker, wanted.reason, proof=by.proof, seen=wanted.seen)
    if ended is None:
        name = where or say("words.frozen-everything")
        raise NotFound(say("notice.not-frozen", where=name), say("notice.not-frozen-do"))
    return freeze_view(ended, await known.after_end(where))


def freeze_view(freeze: Freeze, told: str) -> FreezeView:
    """Return what is shown of a freeze."""
    return FreezeView(**dict(freeze), told=told, seen=freeze.shown)


_Moment = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class AbsenceBody(Frozen):
    """An absence: dates (`2026-12-01`, the day on which they are back) or times, by the person's own clock."""

    until: _Moment
    starts: _Moment | None = Field(default=None, alias="from", description="From now on if not given.")
    to: Person | None = Field(default=None, description="Who stands in, where a policy accepts them.")
    person: Person | None = Field(default=None, description="Who is away: the key's person if not given.")


class AbsenceEnd(Frozen):
    """The end of an absence."""

    person: Person | None = Field(default=None, description="Who is back: the key's person if not given.")


class AbsenceView(Frozen):
    """An absence, also in words."""

    person: PersonId
    starts: AwareDatetime
    until: AwareDatetime
    to: PersonId | None
    by: PersonId
    told: str


async def absent(wanted: AbsenceBody, by: Doer) -> AbsenceView:
    """Say that the key's person is away; operators say it of others as well.

    It replaces what was said before.

    While they are, a request that names them asks whoever stands in, where its policy accepts that person and an
    approval with this key would count; so do the open ones that they hold.
    """
    to = by.app.people.named(wanted.to) if wanted.to else None
    asked = AbsenceWanted(_whose(wanted, by), wanted.until, wanted.starts or "", to)
    made = await by.app.requests.absences.set(asked, by.speaker, by.proof)
    return absence_view(made, absence_words(made, by.app.people))


async def back(wanted: AbsenceEnd, by: Doer) -> AbsenceView:
    """End an absence, one's own or, for operators, another's; what went to others stays there."""
    ended = await by.app.requests.absences.end(_whose(wanted, by), by.speaker, by.proof)
    return absence_view(ended, say("absence.is-over", name=by.app.people.name_of(ended.person)))


def _whose(wanted: AbsenceBody | AbsenceEnd, by: By) -> PersonId:
    return by.app.people.named(wanted.person) if wanted.person else by.speaker


async def _of_person(_: Operation, by: By, wanted: AbsenceBody | AbsenceEnd) -> None:
    await by.app.guard.check_absence(by.caller, _whose(wanted, by))


def absence_view(absence: Absence, told: str) -> AbsenceView:
    """Return what is shown of an absence."""
    person, by, to = absence.person, absence.by, absence.to
    return AbsenceView(person=person, starts=absence.starts, until=absence.until, to=to, by=by, told=told)


class OperationResult(Frozen):
    """The result of an operation, in words."""

    id: str
    told: str


class SameWanted(Frozen):
    """Who is whom: `known_by` is an address, a Slack id, a uid, or the id that was theirs."""

    known_by: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    person: Person


DeadPath = Annotated[
    str, Path(description="A dead letter's id.", json_schema_extra={"pattern": "^s[0-9]{1,2}[a-z]-[a-z2-7]{13}$"})
]


async def requeued(some_id: DeadPath, by: Doer) -> OperationResult:
    """Try a dead letter again; never a quarantined message."""
    return OperationResult(id=some_id, told=await by.app.messages.quarantine.requeue(some_id, by.speaker))


async def discarded(some_id: DeadPath, by: Doer) -> OperationResult:
    """Forget a quarantined message."""
    return OperationResult(id=some_id, told=await by.app.messages.quarantine.discard(some_id, by.speaker))


async def confirmed(some_id: DeadPath, by: Doer) -> OperationResult:
    """Ask the person whom a quarantined message names; it stays quarantined."""
    return OperationResult(id=some_id, told=await by.app.messages.quarantine.confirm(some_id, by.speaker))


async def same(wanted: SameWanted, by: Doer) -> OperationResult:
    """Say that a person is one the directory knew before under another address.

    What they may decide, have approved and asked for counts for them again. Nobody says it of themselves.
    """
    register, people = by.app.register, by.app.people
    found, before = await register.same(wanted.known_by, wanted.person, by.speaker, behind=by.behind, proof=by.proof)
    words = "notice.people-same" if found != before else "notice.people-same-already"
    name = people.name_of(found)
    return OperationResult(id=found, told=say(words, name=name, known=repr(wanted.known_by), id=found, before=before))


class ConfirmWanted(Frozen):
    """The digest of a file that is only half taken, as `/v1/status` and the alert say it."""

    digest: Annotated[str, StringConstraints(pattern=rf"^[0-9a-f]{{{DIGEST_CHARS}}}$")]


async def confirm_people(wanted: ConfirmWanted, by: Doer) -> OperationResult:
    """Confirm a half-taken settings file: the people missing in it have left.

    It holds for exactly the file of this digest, until another one holds.
    """
    told = await NotedTables(by.app.store).confirm(wanted.digest, by.speaker, proof=by.proof)
    return OperationResult(id=wanted.digest, told=told)


async def pause(run_id: RunPath, by: Doer) -> Steered:
    """Stop a run at its next step. Votes still count meanwhile."""
    return await _steer(run_id, "pause", by)


async def resume(run_id: RunPath, by: Doer) -> Steered:
    """Resume a paused run."""
    return await _steer(run_id, "resume", by)


async def cancel(run_id: RunPath, by: Doer) -> Steered:
    """Cancel a run. A tool that is executing finishes first."""
    return await _steer(run_id, "cancel", by)


async def _steer(run_id: str, verb: Literal["pause", "resume", "cancel"], by: By) -> Steered:
    async with by.app.guard.in_turn(by.caller, run_id):
        after = await by.app.runs.steering.steer(RunId(run_id), verb, by.speaker, proof=by.proof)
    rights = by.app.access.rights

    def has_say(copy: Run) -> bool:
        return not rights.denial(by.caller, "cancel", concern_of(copy), copy.id)

    copies = await copies_of(by.app.store, after.id, has_say) if verb != "resume" else ()
    return Steered(id=after.id, state=after.state, told=copies_go_on(copies).strip())


async def _of_run(operation: Operation, by: By, run_id: str) -> None:
    await by.app.guard.check_run(by.caller, operation.action, check(run_id, "run"))


class Revocation(Frozen):
    """Why a standing approval ends, for people."""

    reason: Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\r\n]*$")] = ""


class StandingUseView(Frozen):
    """One use: the request that nobody was asked about, and its run."""

    request: RequestId
    run: RunId
    at: AwareDatetime


class StandingView(Frozen):
    """A standing approval. `open` are the arguments whose value may be any text; all others are as in `arguments`.

    `run` and `request` granted it. With the state `valid` it counts unless `lapsed` says why it does not: its policy or
    those who granted it have changed since.
    """

    id: str
    state: Literal["valid", "revoked", "over", "spent"]
    title: str
    person: PersonId
    policy: str
    tool: str
    environment: str | None
    arguments: dict[str, JsonValue]
    open: tuple[str, ...]
    uses: int
    used: tuple[StandingUseView, ...]
    until: AwareDatetime
    granted_by: tuple[PersonId, ...]
    granted_at: AwareDatetime
    run: RunId
    request: RequestId
    revoked: Ended | None
    lapsed: str = ""


async def standing_view(app: App, found: Standing) -> StandingView:
    """Return what is shown of a standing approval."""
    approval, pattern = found.approval, found.approval.pattern
    return StandingView(
        id=approval.id,
        state=found.state,
        title=approval.title,
        person=approval.person,
        policy=pattern.policy,
        tool=pattern.tool,
        environment=pattern.environment,
        arguments=dict(pattern.arguments),
        open=pattern.open,
        uses=approval.uses,
        used=tuple(StandingUseView(request=use.request_id, run=use.run_id, at=use.at) for use in found.uses),
        until=approval.until,
        granted_by=approval.granted_by,
        granted_at=approval.granted_at,
        run=approval.run_id,
        request=approval.request_id,
        revoked=found.revoked,
        lapsed=await app.requests.standing.lapsed(found),
    )


_StandingPath = Annotated[
    str,
    Path(description="A standing approval's id.", json_schema_extra={"pattern": "^s[0-9]{1,2}g-[a-z2-7]{13}$"}),
]


async def revoked(standing_id: _StandingPath, wanted: Revocation, by: Doer) -> StandingView:
    """End a standing approval at once, also for what has not started."""
    revoke = by.app.requests.standing.revoke
    return await standing_view(by.app, await revoke(standing_id, by.speaker, wanted.reason, proof=by.proof))


async def _of_standing(operation: Operation, by: By, standing_id: str, **_: object) -> None:
    """It is for whom it serves, who granted it, who decides by its policy, operators and admins; for no service."""
    known, refuse = by.app.requests.standing, Refusals(by.app.store).refuse
    if by.app.people.contact(by.speaker) is None:
        what = "This key belongs to a service; people revoke standing approvals"
        await refuse(by.caller, operation.action, Denied(what, "Use a key of your own"))
    found = await known.one(standing_id)
    await by.app.guard.check_standing(by.caller, found, known.concerned(found))


async def _at_all(operation: Operation, by: By, **_: object) -> None:
    await by.app.guard.check(by.caller, operation.action)


@dataclass(frozen=True, slots=True)
class Served:
    """An operation with what it takes and does, and an `example` of what is shown of it.

    `concerns` raises where somebody may not do it, once that is noted. `words` tell people what was done, where what is
    shown of it has no `told` of its own.
    """

    operation: Operation
    wanted: type[Frozen] | None
    do: Callable[..., Awaitable[Frozen]]
    example: dict[str, Any]
    concerns: Callable[..., Awaitable[None]] = _at_all
    words: str = ""
    tag: str = "operation"

    async def check(self, **given: object) -> None:
        """Check that who does it may. Raises NotFound and Forbidden."""
        await self.concerns(self.operation, **given)

    def told(self, done: Frozen) -> str:
        """Return what people are told of it."""
        words = say(self.words, **dict(done)) if self.words else ""
        return f"{words} {dict(done).get('told', '')}".strip()


SERVED = (
    Served(FREEZE, FreezeWanted, freeze, docs.FREEZE),
    Served(UNFREEZE, UnfreezeWanted, unfreeze, docs.FREEZE),
    Served(SET_ABSENCE, AbsenceBody, absent, docs.ABSENCE, _of_person),
    Served(END_ABSENCE, AbsenceEnd, back, docs.ABSENCE, _of_person),
    Served(REQUEUE, None, requeued, docs.DONE),
    Served(DISCARD, None, discarded, docs.DONE),
    Served(CONFIRM_HELD, None, confirmed, docs.DONE),
    Served(SAME, SameWanted, same, docs.DONE),
    Served(CONFIRM_PEOPLE, ConfirmWanted, confirm_people, docs.DONE),
    Served(PAUSE, None, pause, docs.STEERED, _of_run, "console.pause-done", "runs"),
    Served(RESUME, None, resume, docs.STEERED, _of_run, "console.resume-done", "runs"),
    Served(CANCEL, None, cancel, docs.STEERED, _of_run, "console.cancel-done", "runs"),
    Served(REVOKE, Revocation, revoked, docs.STANDING_REVOKED, _of_standing, "again.is-revoked", "requests"),
)
