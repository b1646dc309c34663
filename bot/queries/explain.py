"""What would happen if somebody asked for something at a moment, and nobody answered. Nothing is written.

A hypothetical request is opened by the functions that open real ones, and moved by those that move them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field

from agents.events import RequestReminded, RunStarted
from agents.requests import Effect, Freeze, Frozen, GatedCall, PersonId, PolicySnapshot, Request, RunId, StepId
from agents.requests.asked import Asked
from agents.requests.record import RequestRecord, after
from agents.run import PendingStep, Run, fold
from agents.steps import CallTool
from bot.config.deploy import NOBODY_IS_ASKED
from bot.config.directory.policies import PolicyConfig
from bot.errors import NotFound
from bot.people.directory import People
from bot.people.offers import deciders
from bot.people.recognition import as_known_now, as_told_now, doubles_in, with_other_ids
from bot.people.rights import Caller
from bot.policy.approvers.delegation import Absent
from bot.policy.approvers.quorum import lacking
from bot.policy.approvers.who import who_at_first, who_of
from bot.policy.due import Due, next_due
from bot.render.cards import kept_out
from bot.render.times import read_moment
from bot.render.words import who_decides, why_asked
from bot.requests.freezes import FrozenRequests
from bot.requests.opening import gate_request
from bot.requests.reassignment import reassigning
from bot.requests.reassignment.delegation import Delegation
from bot.requests.reassignment.timing import escalation
from bot.requests.standing.approvals import StandingApprovals
from bot.store.ids import new_id
from language import say

if TYPE_CHECKING:
    from bot.config.settings import Settings

# Between windows it is looked on from there: no further ahead is a window of days found.
_LOOK = timedelta(days=7)
_MOST_FREEZES = 50

Kind = Literal["reminder", "escalation", "frozen", "unfrozen", "expiry"]


class AskedView(Frozen):
    """Somebody who is asked: why, and by which ways; the first that works is taken, and nobody reaches them by none."""

    person: PersonId
    because: str
    by: tuple[str, ...]


class OnCallView(Frozen):
    """Who is on call then in a rotation that the policy names, and until when; nobody before it begins."""

    rotation: str
    person: PersonId | None = None
    until: AwareDatetime | None = None


class Coming(Frozen):
    """What comes at a moment: to `people`; a reminder has its number, and `planned` if quiet hours put it off."""

    kind: Kind
    at: AwareDatetime
    people: tuple[AskedView, ...] = ()
    number: int = 0
    planned: AwareDatetime | None = None
    freeze: Freeze | None = None


class StepAhead(Frozen):
    """A step of the policy that begins once the one before is met: who decides then, in words."""

    name: str
    needs: str
    escalate_after_s: float | None = None
    escalate_to: tuple[str, ...] = ()


class AwayView(Frozen):
    """Somebody is away `until` then; `to` decides instead of them or, where they are `asked_already`, as before.

    Nobody stands in where `to` is None, or is to and `may_not` decide this.
    """

    person: PersonId
    until: AwareDatetime | None = None
    to: PersonId | None = None
    asked_already: bool = False
    may_not: bool = False


class Spared(Frozen):
    """A standing approval by which nobody is asked, `left` more times until `until`; `title` is what it covers."""

    id: str
    title: str
    left: int
    until: AwareDatetime


class Explanation(Frozen):
    """What would happen if `person` asked `at` that moment for what `policy` gates, and nobody answered.

    `environment` is the one that was asked about, if one was. `away` are those who are away then of those who decide.
    `refused` says why nobody would be asked at all. `needs` is who decides in words, `lacking` how many of them are
    needed. `not_counted` says why somebody does not whom the policy names; `strangers` are members of its groups who
    are nobody in the directory, `empty` its names that mean nobody, `unread` its groups that can't be read. `freezes`
    hold at that moment; where there are any nothing starts, whoever approves. `coming` is what time brings, in order.
    `break_glass` may decide alone in an emergency, and for what `standing` covers, as it is now, nobody is asked.
    """

    policy: str
    person: PersonId
    at: AwareDatetime
    environment: str = ""
    environments: tuple[str, ...] = ()
    refused: str = ""
    needs: str = ""
    lacking: int = 0
    asked: tuple[AskedView, ...] = ()
    away: tuple[AwayView, ...] = ()
    also_post: tuple[str, ...] = ()
    not_counted: dict[PersonId, str] = Field(default_factory=dict[PersonId, str])
    strangers: dict[str, tuple[str, ...]] = Field(default_factory=dict[str, tuple[str, ...]])
    empty: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    on_call: tuple[OnCallView, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    coming: tuple[Coming, ...] = ()
    steps: tuple[StepAhead, ...] = ()
    break_glass: tuple[PersonId, ...] = ()
    standing: tuple[Spared, ...] = ()
    expires_at: AwareDatetime | None = None
    execute_within_s: float = 0.0

    def shown_to(self, caller: Caller) -> "Explanation":
        """Return what `caller` may read of it: addresses of people outside the directory are for those who see all."""
        return self if caller.sees_all else self.model_copy(update={"strangers": dict[str, tuple[str, ...]]()})


@dataclass(frozen=True, slots=True)
class Places:
    """Where a policy may be asked: the environments, each with its policy, and whether this installation has Slack."""

    policies: dict[str, str | None]
    has_slack: bool

    def gated_by(self, policy: str) -> tuple[str, ...]:
        """Return the environments of which this policy gates the deploys."""
        return tuple(name for name, gate in self.policies.items() if gate == policy)

    def elsewhere(self, policy: str, where: str) -> str:
        """Return why nobody is asked by this policy before a deploy to `where`; empty where somebody is.

        What the settings do not name may be an environment of an agent's own tools, which any policy may gate.
        """
        gate = self.policies.get(where, policy)
        if gate == policy:
            return ""
        if gate is None or gate == NOBODY_IS_ASKED:
            return say("explain.gated-by-nobody", policy=policy, where=where)
        return say("explain.gated-by-another", policy=policy, where=where, other=gate)


@dataclass(frozen=True, slots=True)
class Desk:
    """What counts beside the directory: freezes, whose seats go to whom while people are away, standing approvals."""

    freezes: FrozenRequests
    delegation: Delegation
    standing: StandingApprovals


def places_of(settings: "Settings") -> Places:
    """Return the environments of the settings, each with its policy."""
    environments = settings.deploy.environments
    return Places({name: one.policy for name, one in environments.items()}, has_slack=settings.has_slack)


def moment_of(people: People, person: PersonId, text: str, now: datetime) -> datetime:
    """Return the moment that `text` means on the clock of `person`. Raises Invalid."""
    contact = people.contact(person)
    return read_moment(text, ZoneInfo(contact.timezone if contact else "UTC"), now)


async def explain(
    people: People, desk: Desk, places: Places, name: str, person: PersonId, at: datetime, where: str = ""
) -> Explanation:
    """Return what would happen if `person` asked `at` a moment for what the policy `name` gates.

    `where` is the environment; where it is empty, all those of which this policy gates the deploys. Words are in the
    language that is spoken. Raises NotFound.
    """
    policy = people.tables.policies.get(name)
    if policy is None:
        raise NotFound(say("explain.no-policy", policy=name), say("explain.policies-are", names=_listed(people)))
    if elsewhere := places.elsewhere(name, where):
        return Explanation(policy=name, person=person, at=at, environment=where, refused=elsewhere)
    await people.look_up_policy(name)
    environments, freezes = (where,) if where else places.gated_by(name), desk.freezes
    held = tuple(one for one in await freezes.all() if not one.window)
    told = Explanation(
        policy=name,
        person=person,
        at=at,
        environment=where,
        environments=environments,
        strangers=_strangers(people, policy),
        empty=people.without_anybody(name, at),
        unread=people.problems(name),
        on_call=tuple(_on_call(people, policy, at)),
        freezes=tuple(dict.fromkeys(_frozen_at(held, freezes, environments, at))),
    )
    snapshot = people.snapshot(name, at)
    if snapshot is None or told.unread:
        return told.model_copy(
            update={"refused": say("run.unresolved-policy", policy=name, why="; ".join(told.unread))}
        )
    where = environments[0] if len(environments) == 1 else ""
    request = opened(snapshot, person, at, where, people)
    if not isinstance(request, Request):
        return told.model_copy(update={"refused": request})
    record = RequestRecord(request=request)
    record = after(record, await desk.delegation.stood_in(record, at))
    coming = [
        *_coming(record, people, places),
        *_windows(freezes, environments, at, request.expires_at),
    ]
    return told.model_copy(
        update={
            **_asked(record, people, places, await desk.delegation.absences.at(at, snapshot)),
            "coming": tuple(sorted(coming, key=lambda one: one.at)),
            "standing": await _spared(desk, person, at, name, environments),
        }
    )


def _asked(
    record: RequestRecord, people: People, places: Places, absent: Mapping[PersonId, Absent]
) -> dict[str, object]:
    """Return the fields that say who is asked, and for how long; `absent` says who was named to stand in for whom."""
    told, may = as_told_now(record, people), deciders(record, people)
    request = told.request
    return {
        "needs": who_decides(who_of(told), people),
        "lacking": lacking(told.asked, ()),
        "asked": _views(record, people, places, may),
        "away": tuple(_away(told.asked, absent)),
        "also_post": request.policy.also_post,
        "not_counted": kept_out(told),
        "steps": tuple(_steps(told, people)),
        "break_glass": who_of(told).glass,
        "expires_at": request.expires_at,
        "execute_within_s": request.policy.execute_within_s,
    }


def _away(asked: Asked, absent: Mapping[PersonId, Absent]) -> Iterator[AwayView]:
    for given in asked.handed_on:
        yield AwayView(person=given.person, until=given.until, to=given.to)
    for one in asked.away:
        named = absent[one.person].to if one.person in absent else None
        is_asked, may_not = one.to is not None, one.to is None and named is not None
        yield AwayView(person=one.person, until=one.until, to=one.to or named, asked_already=is_asked, may_not=may_not)


async def _spared(
    desk: Desk, person: PersonId, at: datetime, policy: str, environments: Sequence[str]
) -> tuple[Spared, ...]:
    found = (one for one in await desk.standing.counting(person, policy) if at < one.approval.until)
    return tuple(
        Spared(
            id=one.approval.id,
            title=one.approval.title,
            left=one.approval.uses - len(one.uses),
            until=one.approval.until,
        )
        for one in found
        if not environments or one.approval.pattern.environment in environments
    )


def opened(policy: PolicySnapshot, person: PersonId, at: datetime, environment: str, people: People) -> Request | str:
    """Return the request that `person` would open at a moment; the reason why not, where it would be refused."""
    run_id, arguments = RunId(new_id("run", 0)), {"environment": environment}
    started = RunStarted(at=at, run_id=run_id, agent="", channel="cli", requester=person, text="", max_steps=1)
    run: Run = with_other_ids(fold([started]), people)
    pending = PendingStep(StepId("step-1"), CallTool(tool="", arguments={**arguments}), policy.name)
    effect = Effect(argv=(), environment=environment or None)
    call = GatedCall(tool="", schema_version=1, arguments={**arguments}, effect=effect)
    doubles = doubles_in(who_at_first(policy, ()), people)
    found = gate_request(run, pending, policy.name, call, policy, at, doubles, people.name_of)
    return found if isinstance(found, Request) else found.why


def steps_of(record: RequestRecord, people: People) -> Iterator[tuple[Due, RequestRecord]]:
    """Yield all that is due for `record` while nobody answers, each with the record as it stands after that."""
    now = record.request.opened_at
    while due := next_due(as_known_now(record, people), people.zones(), now):
        now = due.moment
        if due.kind == "reminder":
            reminded = RequestReminded(at=now, request_id=record.request.id, number=due.number, people=due.people)
            record = after(record, [reminded])
        elif due.kind == "escalation":
            record = after(record, [reassigning(record, escalation(record, people, now), people, frozenset()).event])
        yield due, record
        if due.kind == "expiry":
            return


def _coming(record: RequestRecord, people: People, places: Places) -> Iterator[Coming]:
    for due, stands in steps_of(record, people):
        before, may = deciders(record, people), deciders(stands, people)
        to = due.people if due.kind == "reminder" else tuple(one for one in may if one not in before)
        planned = _planned(record, due) if due.kind == "reminder" else None
        yield Coming(
            kind=due.kind,
            at=due.moment,
            people=_views(stands, people, places, to),
            number=due.number,
            planned=planned if planned and planned < due.moment else None,
        )
        record = stands


def _planned(record: RequestRecord, due: Due) -> datetime | None:
    """Return when a reminder would come if nobody slept."""
    policy, number = record.request.policy, due.number
    since = record.asked.began_at or record.request.opened_at
    return since + timedelta(seconds=policy.remind_after_s[number - 1]) if number else None


def _views(record: RequestRecord, people: People, places: Places, persons: Sequence[PersonId]) -> tuple[AskedView, ...]:
    policy = record.request.policy
    return tuple(
        AskedView(person=one, because=why_asked(record, people, one), by=_ways(people, places, policy, one))
        for one in persons
    )


def _ways(people: People, places: Places, policy: PolicySnapshot, person: PersonId) -> tuple[str, ...]:
    contact = people.contact(person)
    if contact is None:
        return ()
    has = {"slack": bool(contact.slack) and places.has_slack, "email": bool(contact.email)}
    return tuple(way for way in policy.reach if has.get(way))


def _steps(told: RequestRecord, people: People) -> Iterator[StepAhead]:
    asked, who = told.asked, who_of(told)
    for step in asked.steps[asked.in_step + 1 :]:
        alone = asked.model_copy(update={"rule": step.rule, "quorum": step.quorum, "steps": ()})
        yield StepAhead(
            name=step.name,
            needs=who_decides(replace(who, asked=alone), people),
            escalate_after_s=step.escalate_after_s,
            escalate_to=tuple(seat.source for seat in step.escalate_to),
        )


def _on_call(people: People, policy: PolicyConfig, at: datetime) -> Iterator[OnCallView]:
    duties = people.duties(at)
    for ref in dict.fromkeys(ref for ref in policy.refs if ref.startswith("oncall:")):
        name = ref.partition(":")[2]
        now, _ = duties.get(name, (None, None))
        yield OnCallView(rotation=name, person=now.person if now else None, until=now.until if now else None)


def _strangers(people: People, policy: PolicyConfig) -> dict[str, tuple[str, ...]]:
    groups = dict.fromkeys(ref.partition(":")[2] for ref in policy.refs if ref.startswith("group:"))
    return {name: people.group(name).strangers for name in groups if people.group(name).strangers}


def _frozen_at(
    held: Sequence[Freeze], freezes: FrozenRequests, environments: Sequence[str], at: datetime
) -> Iterator[Freeze]:
    """Yield what freezes one of these environments at a moment: what people have frozen lasts until they end it."""
    yield from (one for one in held if any(freezes.holds(one, where) for where in environments or ("",)))
    yield from filter(None, (freezes.window(where or None, at) for where in environments or ("",)))


def _windows(freezes: FrozenRequests, environments: Sequence[str], at: datetime, until: datetime) -> Iterator[Coming]:
    """Yield when windows begin and end while the request may be open."""
    seen = set[tuple[Kind, datetime, Freeze]]()
    for where in environments or ("",):
        for one in _changes(freezes, where or None, at, until):
            mark = (one.kind, one.at, one.freeze) if one.freeze else None
            if mark and mark not in seen:
                seen.add(mark)
                yield one


def _changes(freezes: FrozenRequests, where: str | None, at: datetime, until: datetime) -> Iterator[Coming]:
    moment = at
    for _ in range(_MOST_FREEZES):
        freeze = freezes.window(where, moment)
        if freeze and moment > at:
            yield Coming(kind="frozen", at=moment, freeze=freeze)
        if freeze:
            if freeze.until is None or freeze.until >= until:
                return
            yield Coming(kind="unfrozen", at=freeze.until, freeze=freeze)
            moment = freeze.until
        following = freezes.next_window(where, moment)
        moment = following or moment + _LOOK
        if moment >= until:
            return


def _listed(people: People) -> str:
    return ", ".join(people.tables.policies) or say("words.nobody")
