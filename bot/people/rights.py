"""Who may do what: one table of actions, and what it says to a person, a session or an API key.

Pure. Every surface asks `denial` before it shows or does something; who decides a request is the policy's business.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from agents.requests import PersonId
from agents.requests.proof import Proof
from bot.errors import Forbidden, NotFound, SaysoError, WaitsForFile
from bot.people.api_keys import ApiKey, Scope
from bot.people.directory import People
from bot.people.sessions import Login, Session
from bot.policy.approvers.concern import Concern
from language import say

Role = Literal["viewer", "requester", "operator", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "requester", "operator", "admin")
"""From the least to the most; each may do what the one before may."""

Action = Literal[
    "trigger", "see", "write", "pause", "resume", "cancel", "withdraw", "fork", "retry", "answer",
    "explain", "import", "freeze", "absent", "dead", "keys", "audit", "same", "confirm",
]  # fmt: skip
Part = Literal["requester", "concerned"]

# Tables that say no more than who people are, and what waits for whom.
_SAY_WHO = frozenset({"people", "groups", "oncall", "policies", "roles", "alerts", "freeze"})
_VERBS: Mapping[Action, str] = MappingProxyType(
    {
        "write": "right.steer",
        "pause": "right.pause",
        "resume": "right.resume",
        "cancel": "right.cancel",
        "fork": "right.fork",
        "retry": "right.retry",
    }
)


STEERS: frozenset[Action] = frozenset({"write", "pause", "resume", "cancel", "withdraw", "fork", "retry"})
"""What nobody does to the review of a broken glass, whatever their role."""


@dataclass(frozen=True, slots=True)
class Right:
    """What an action needs: an API key's `scope`, and the role from which on somebody may do it to every run.

    `part` is whom a run concerns in such a way that they may do it to that one, from the role `from_role` on. Without
    `least` nobody may do it to others' runs. `alerted`: so may whoever hears the alerts.
    """

    scope: Scope
    least: Role | None
    part: Part | None = None
    from_role: Role = "requester"
    alerted: bool = False


RIGHTS: Mapping[Action, Right] = MappingProxyType(
    {
        "trigger": Right("trigger", "requester"),
        "see": Right("read", "operator", "concerned", "viewer"),
        "write": Right("steer", "operator", "requester"),
        "pause": Right("steer", "operator", "requester"),
        "resume": Right("steer", "operator", "requester"),
        "cancel": Right("steer", "operator", "requester"),
        "fork": Right("steer", "operator", "requester"),
        "retry": Right("steer", "operator", "requester"),
        "withdraw": Right("steer", None, "requester"),
        # Whether it counts is the policy's business, which tells whom it does not name who may decide.
        "answer": Right("answer", "operator", "concerned", "viewer"),
        # What would happen if somebody asked: of themselves, whoever may ask.
        "explain": Right("read", "operator", "requester"),
        "import": Right("admin", "operator"),
        "freeze": Right("admin", "operator", alerted=True),
        # Of others: everybody says so of themselves.
        "absent": Right("answer", "operator"),
        "dead": Right("admin", "operator", alerted=True),
        # Of others: everybody makes, sees and revokes their own.
        "keys": Right("admin", "admin"),
        "audit": Right("admin", "admin", alerted=True),
        # It has people leave for good.
        "confirm": Right("admin", "operator"),
        # It brings back what somebody may decide.
        "same": Right("admin", "admin"),
    }
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts: `name` in words of events, the role, and the people whose word it is, each with what it may be worth.

    `scopes` are those of an API key; None for a person who is here themselves. `proof` is how we know.
    """

    name: str
    role: Role
    people: Mapping[PersonId, Role]
    scopes: frozenset[Scope] | None
    proof: Proof | None

    def has(self, scope: Scope) -> bool:
        """Return whether no API key stands in the way."""
        return self.scopes is None or not self.scopes.isdisjoint({scope, "admin"})

    @property
    def sees_all(self) -> bool:
        """True for whoever need not be concerned by a run to see it."""
        return _is_at_least(self.role, RIGHTS["see"].least)

    @property
    def seen_by(self) -> Collection[PersonId] | None:
        """The people whose runs are listed; None for all runs."""
        return None if self.sees_all else tuple(self.people)


@dataclass(frozen=True, slots=True)
class Denied:
    """Why somebody may not, and what to do; `is_hidden` where they must not learn that there is such a run.

    It `is_unknown` where they may have a role all the same, which a file may have lost.
    """

    what: str
    do: str
    is_hidden: bool = False
    is_unknown: bool = False

    def error(self) -> SaysoError:
        """The same as an error."""
        if self.is_unknown:
            return WaitsForFile(say("error.half-taken"), say("error.half-taken-do"))
        return NotFound(self.what, self.do) if self.is_hidden else Forbidden(self.what, self.do)


class Rights:
    """The roles of people and keys, and the agents that not everybody may start.

    Who is in a group, or on call, counts as of `now`.
    """

    def __init__(self, people: People, now: Callable[[], datetime]) -> None:
        self.people, self._now = people, now

    def role_of(self, person: str) -> Role | None:
        """Return the role of a person; None for somebody who is not, or no longer, in the directory.

        While it is not known who is in a group of viewers, it may be anybody who is nothing more by another name.
        """
        if self.people.contact(person) is None:
            return None
        roles = self.people.tables.roles
        # Where a file says two of them, the first here is the one that allows least.
        named: tuple[tuple[Role, tuple[str, ...]], ...] = (
            ("viewer", roles.viewer),
            ("admin", roles.admin),
            ("operator", roles.operator),
        )
        for role, refs in named:
            if person in self._members(refs):
                return role
        return "viewer" if self.people.unknown(roles.viewer) else "requester"

    async def look_up(self) -> None:
        """Read the groups that are kept in Slack and that give a role or a right. Never raises."""
        tables = self.people.tables
        may_start = (ref for refs in tables.triggered_by.values() for ref in refs)
        named = (*tables.roles.viewer, *tables.roles.operator, *tables.roles.admin, *may_start, *tables.alerts)
        await self.people.look_up(dict.fromkeys(named))

    def of_person(self, person: PersonId, proof: Proof | None) -> Caller:
        """Return who somebody is that a channel has proved by `proof`."""
        role = self.role_of(person)
        return Caller(person, role or "viewer", self._as(person, role) if role else {}, None, proof)

    def of_session(self, login: Login, person: PersonId | None = None) -> Caller:
        """Return who acts in a session, as `person` where one person plays everybody."""
        caller = self.of_person(person or login.person, login.proof if isinstance(login, Session) else None)
        return replace(caller, role="admin") if login.is_demo and caller.people and self._has_owner else caller

    def of_key(self, key: ApiKey) -> Caller:
        """Return who acts with a key: it never may more than its person, and never more than whom it acts for.

        A service has no role but what the scope `admin` says: what it may, it may for the people it acts for.
        """
        scopes = frozenset(key.scopes)
        if key.person is None:
            role: Role = "admin" if "admin" in scopes else "requester"
        elif key.may("admin") and key.made_by != "person" and self._has_owner and self.role_of(key.person):
            role = "admin"
        else:
            role = self.role_of(key.person) or "viewer"
        people = dict[PersonId, Role]()
        for person in key.speaks_for():
            if own := self.role_of(person):
                people |= self._as(person, _lesser(own, role) if key.person else own)
        return Caller(key.speaker, role, people, scopes, key.proof)

    def _as(self, person: PersonId, role: Role) -> dict[PersonId, Role]:
        """Return a role by each id of a person, their own first: what they began as somebody new is theirs as well."""
        return dict.fromkeys(self.people.ids_of(person), role)

    @property
    def _has_owner(self) -> bool:
        """True where nobody is operator or admin: then whoever has the machine is both.

        Where a file may have lost who is, somebody else may be.
        """
        roles, unknown = self.people.tables.roles, self.people.unknown_guards
        return not (roles.operator or roles.admin) and unknown.isdisjoint(("roles.operator", "roles.admin"))

    def denial(
        self, caller: Caller, action: Action, run: Concern, run_id: str, *, is_known: bool = False
    ) -> Denied | None:
        """Return why `caller` may not do `action` to a run that concerns those of `run`; None if they may.

        Where it `is_known` to them, as to all in its thread, they are not told that there is no such run.
        """
        right = RIGHTS[action]
        if not caller.has(right.scope):
            return _no_scope(right)
        if not (is_known or caller.sees_all or _has_part(caller, RIGHTS["see"], run)):
            unknown = self.is_unknown("see")
            return Denied(say("error.no-run", run=run_id), say("error.runs-listed"), is_hidden=True, is_unknown=unknown)
        if run.is_review and action in STEERS:
            return Denied(say("right.review"), say("right.review-do"))
        if _is_at_least(caller.role, right.least) or _has_part(caller, right, run):
            return None
        if caller.role == "viewer":
            return Denied(say("right.viewer"), say("right.viewer-do"))
        if action == "explain":
            return Denied(say("right.explain"), say("right.explain-do"))
        names = self.people.names_of(sorted(run.requesters)) or "-"
        what = say("right.not-yours", action=say(_VERBS[action])) if right.least else say("right.of-requesters")
        return Denied(what, say("right.not-yours-do", names=names), is_unknown=self.is_unknown(action))

    def denial_at_all(self, caller: Caller, action: Action) -> Denied | None:
        """Return why `caller` may not do `action`, which is about no run; None if they may."""
        right = RIGHTS[action]
        if not caller.has(right.scope):
            return _no_scope(right)
        is_alerted = right.alerted and caller.name in self._members(self.people.tables.alerts)
        if _is_at_least(caller.role, right.least) or is_alerted:
            return None
        if right.least == "requester":
            return Denied(say("right.viewer"), say("right.viewer-do"))
        what, do = (say(text, role=right.least or "") for text in ("right.no-role", "right.no-role-do"))
        roles, alerts = self.people.tables.roles, self.people.tables.alerts
        # They may have it, and whoever is told only that they do not may not look for somebody who is known to.
        why = self.people.problems_of((*roles.operator, *roles.admin, *(alerts if right.alerted else ())))
        return Denied("; ".join((what, *why)), do, is_unknown=self.is_unknown(action))

    def asking_denial(self, caller: Caller, person: PersonId | None = None) -> Denied | None:
        """Return why `caller` may not ask what would happen if `person`, or anybody, asked for something."""
        asks = Concern(frozenset({person} if person else ()))
        return self.denial(caller, "explain", asks, "", is_known=True)

    def absence_denial(self, caller: Caller, person: str) -> Denied | None:
        """Return why `caller` may not say that `person` is away; None if they may. A program says it of nobody.

        Whoever stands in decides: with the key of a service nobody would have chosen them.
        """
        if self.people.contact(PersonId(caller.name)) is None:
            return Denied(say("right.program-absent"), say("right.program-absent-do"))
        if caller.name != person:
            return self.denial_at_all(caller, "absent")
        right = RIGHTS["absent"]
        return None if caller.has(right.scope) else _no_scope(right)

    def trigger_denial(self, requester: str, agent: str) -> Denied | None:
        """Return why `agent` is not started for `requester`; None if it is."""
        requester = self.people.ids_of(requester)[0]
        if not self.people.is_here(requester):
            return Denied(say("right.has-left", name=self.people.known_as(requester)), say("right.has-left-do"))
        denied = self.denial_at_all(self.of_person(PersonId(requester), None), "trigger")
        refs = self.people.tables.triggered_by.get(agent)
        if denied or refs is None:
            return denied
        if requester in self._members(refs):
            return None
        names = self.people.names_of(self._members(refs)) or "-"
        return Denied(say("right.not-triggered", agent=agent), say("right.ask-one-of", names=names))

    def is_unknown(self, action: Action) -> bool:
        """Return whether it is not known who has the role that it needs, or hears the alerts: the file may have lost
        that, and no other was read.
        """
        if RIGHTS[action].least not in {"operator", "admin"}:
            return False
        roles, alerts = self.people.tables.roles, self.people.tables.alerts
        return self._lost("roles.operator", "roles.admin", "alerts.to", refs=(*roles.operator, *roles.admin, *alerts))

    def waits_for_file(self) -> bool:
        """Return whether it is not known which agents there are, how they are set, or who may start one: the file may
        have lost that, and no other was read.
        """
        set_otherwise = (one for one in self.people.unknown_guards if one.partition(".")[0] not in _SAY_WHO)
        return self._lost("roles.viewer", *set_otherwise, refs=self.people.tables.roles.viewer)

    def _lost(self, *guards: str, refs: Sequence[str]) -> bool:
        """Return whether some of what guards, or a group among `refs`, is unknown here."""
        groups = (ref.replace("group:", "groups.", 1) for ref in refs)
        return not self.people.unknown_guards.isdisjoint((*guards, *groups))

    def _members(self, refs: Sequence[str]) -> tuple[PersonId, ...]:
        return self.people.members(refs, self._now()) if refs else ()


def is_free(denied: Denied | None) -> bool:
    """Return whether nothing denies it. Raises WaitsForFile where that is unknown."""
    if denied and denied.is_unknown:
        raise denied.error()
    return denied is None


def _no_scope(right: Right) -> Denied:
    return Denied(say("right.no-scope", scope=right.scope), say("right.no-scope-do", scope=right.scope))


def _lesser(one: Role, other: Role) -> Role:
    return one if _is_at_least(other, one) else other


def _is_at_least(role: Role, least: Role | None) -> bool:
    return least is not None and ROLES.index(role) >= ROLES.index(least)


def _has_part(caller: Caller, right: Right, run: Concern) -> bool:
    people: Mapping[Part, frozenset[PersonId]] = {
        "requester": run.requesters,
        "concerned": run.everybody,
    }
    concerned = people[right.part] if right.part else frozenset[PersonId]()
    return any(person in concerned and _is_at_least(role, right.from_role) for person, role in caller.people.items())
