"""Standing approvals: which calls one covers, and whether it still counts. Pure."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from pydantic import AwareDatetime, JsonValue

from agents import Repeats
from agents.requests import Effect, FromPerson, Frozen, GatedCall, PersonId, PolicySnapshot, Request, RequestId, RunId
from agents.requests.proof import Proof
from agents.requests.record import RequestRecord
from agents.run import Run
from agents.standing import Pattern
from bot.config.directory.policies import PolicyConfig
from bot.policy.approvers.steps import could_approve
from bot.policy.approvers.who import who_at_first


class StandingApproval(Frozen):
    """Calls of `person` that `pattern` covers need not be asked about: `uses` times, and until `until`.

    `request_id` in `run_id` granted it, and `granted_by` are all whose approvals made that. `title` is for people.
    """

    id: str
    run_id: RunId
    request_id: RequestId
    person: PersonId
    title: str
    pattern: Pattern
    uses: int
    until: AwareDatetime
    granted_by: tuple[PersonId, ...]
    granted_at: AwareDatetime

    @property
    def people(self) -> frozenset[PersonId]:
        """Whom it serves and who granted it."""
        return frozenset((self.person, *self.granted_by))


class Use(Frozen):
    """A request of `run_id` that nobody was asked about. `title` names what it is about."""

    request_id: RequestId
    run_id: RunId
    title: str
    at: AwareDatetime


class Ended(Frozen):
    """A standing approval was revoked before it was over; `by` nobody where somebody who granted it has left, or the
    store was restored from a backup.
    """

    by: PersonId = PersonId("")
    at: AwareDatetime
    reason: str = ""


class Standing(Frozen):
    """A standing approval as it stands at `now`."""

    approval: StandingApproval
    uses: tuple[Use, ...] = ()
    revoked: Ended | None = None
    now: AwareDatetime

    @property
    def state(self) -> Literal["valid", "revoked", "over", "spent"]:
        """Whether it can be used, as far as that follows from itself."""
        if self.revoked:
            return "revoked"
        if self.now >= self.approval.until or self.now < self.approval.granted_at:
            return "over"
        return "spent" if len(self.uses) >= self.approval.uses else "valid"


Lapse = Literal["revoked", "over", "policy", "left", "requester", "one"]
"""Why it no longer counts, though uses are left: it was revoked or is over, its policy changed or allows none any more,
whom it serves or who granted it left, who granted it may not decide any more, or is who uses it, or may be another one
of those who granted it."""


class No(NamedTuple):
    """Who took a request back, denied it, or did so too late."""

    by: PersonId
    at: datetime
    proof: Proof | None


def no_to(record: RequestRecord) -> No | None:
    """Return the no to a request that is closed with it, or has begun; None where there is none."""
    is_closed = record.state in {"denied", "revoked"} and record.votes
    if vote := record.stopped or (record.votes[-1] if is_closed else None):
        return No(vote.person, vote.at, vote.proof)
    decision = record.decision
    is_withdrawn = record.state == "withdrawn" and decision and decision.by
    return No(decision.by[0], decision.at, decision.proof) if decision and is_withdrawn else None


def rules_of(policy: PolicyConfig) -> str:
    """Return the SHA-256 (hex) of a policy as the file says it; what stands there as it would anyway is left out."""
    rules = policy.model_dump(mode="json", exclude_defaults=True)
    return hashlib.sha256(exact(rules).encode()).hexdigest()


def lapse(
    found: Standing,
    rules: str,
    may: Collection[PersonId],
    here: Collection[PersonId],
    maybe: Mapping[PersonId, Collection[PersonId]],
    *,
    now: PolicySnapshot | None = None,
    may_be_own: bool = False,
) -> Lapse | None:
    """Return why a standing approval counts no longer; None while it does.

    `rules` are those of its policy now, empty where it allows no standing approvals, and `may` those who may ever come
    to decide by it, as groups are now; together they must be enough for what it is `now`. Everybody in the directory is
    `here`; `maybe` are those who may be each of them.
    `may_be_own`: whom it serves may have granted it.
    """
    approval = found.approval
    if found.state in {"revoked", "over"}:
        return "revoked" if found.revoked else "over"
    if rules != approval.pattern.rules:
        return "policy"
    if not approval.granted_by or not set(approval.granted_by) <= set(may):
        return "left"
    if not approval.people <= set(here):
        return "left"
    if now and not could_approve(who_at_first(now, ()), approval.granted_by):
        return "left"
    if not may_be_own and {approval.person, *maybe.get(approval.person, ())}.intersection(approval.granted_by):
        return "requester"
    is_one = any(not {*maybe.get(one, ())}.isdisjoint(approval.granted_by) for one in approval.granted_by)
    return "one" if is_one else None


def may_stand(request: Request) -> bool:
    """Return whether a request is one that a standing approval may be for, or decide.

    A person asks for it, through an agent, for themselves alone, and began it with nobody's words but their own; nobody
    edited it, and it takes no other one's place.
    Its tool found nothing risky about it.
    """
    is_risky = request.call is not None and request.call.effect.is_risky
    is_plain = not (request.edits or request.changes or request.program or request.service or is_risky)
    return request.purpose == "gate" and is_plain and request.origin == FromPerson()


def is_by_program(run: Run) -> bool:
    """Return whether an API key began `run`, or the one that it comes from: whoever has one may be a program, also
    where it is a person's own.
    """
    return run.started is not None and "api" in run.started.all_ways


def pattern_of(call: GatedCall, policy: str, rules: str, repeats: Repeats, leave_open: Sequence[str] = ()) -> Pattern:
    """Return the pattern of calls like this one. Raises ValueError with the names that can't be left open."""
    may = {name for name in repeats.variable if _is_text(call, name)}
    if wrong := sorted(set(leave_open) - may):
        raise ValueError(", ".join(wrong))
    return _pattern(call, policy, rules, tuple(sorted(set(leave_open))), repeats.surroundings)


def covers(pattern: Pattern, call: GatedCall, policy: str) -> bool:
    """Return whether `pattern` covers a call that needs the approval of `policy`: nothing differs but what may."""
    if not all(_is_text(call, name) for name in pattern.open):
        return False
    own = _pattern(call, policy, pattern.rules, pattern.open, pattern.surroundings)
    return exact(pattern) == exact(own)


def _pattern(
    call: GatedCall, policy: str, rules: str, leave_open: tuple[str, ...], surroundings: tuple[str, ...]
) -> Pattern:
    effect, values = call.effect, {name: str(call.arguments[name]) for name in leave_open}
    arguments = {name: value for name, value in call.arguments.items() if name not in leave_open}
    # What an argument that is not open says as well is bound.
    known = {*values.values()} - {*_texts_in([*arguments.values()])}
    return Pattern(
        policy=policy,
        rules=rules,
        tool=call.tool,
        schema_version=call.schema_version,
        environment=effect.environment,
        arguments=arguments,
        open=leave_open,
        argv=tuple(_generalised(part, values, effect) for part in effect.argv),
        cwd=effect.cwd,
        commit=_generalised(effect.commit, values, effect),
        versions={name: meant for name, meant in effect.versions.items() if name not in known},
        artifacts={name: value for name, value in effect.artifacts.items() if not name.startswith(surroundings)},
        surroundings=surroundings,
    )


def _texts_in(value: JsonValue) -> Iterator[str]:
    """Yield every text in a value of JSON, however deep, names as well; of a number how it is written."""
    match value:
        case dict():
            for name, inner in value.items():
                yield name
                yield from _texts_in(inner)
        case list():
            for inner in value:
                yield from _texts_in(inner)
        case str():
            yield value
        case _:
            yield json.dumps(value)


def _is_text(call: GatedCall, name: str) -> bool:
    """Return whether an argument is there and has a text, which is what may be left open."""
    value = call.arguments.get(name)
    return isinstance(value, str) and bool(value)


def _generalised(text: str, values: Mapping[str, str], effect: Effect) -> str:
    """Return a part of an effect with names in place of what open arguments say, and resolve to."""
    for name, value in values.items():
        for one in filter(None, (effect.versions.get(value), value)):
            text = text.replace(one, f"<{name}>")
    return text


def exact(value: Pattern | Mapping[str, object]) -> str:
    """Write JSON so that all that differs does: `1` from `"1"`, `1.0` and `true`, and letters that look alike."""
    plain = value.model_dump(mode="json") if isinstance(value, Pattern) else value
    return json.dumps(plain, sort_keys=True)
