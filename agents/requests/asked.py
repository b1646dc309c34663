"""Who is asked now: what moves made of the seats that a policy had when its request was opened. Pure data."""

from collections.abc import Iterable
from typing import Literal

from pydantic import AwareDatetime, Field

from agents.requests import Anyone, Frozen, PersonId, PolicySnapshot, PolicyStep, Rule
from agents.requests.frozen import Seconds
from language.stored import Stored


class HandedOn(Stored, Frozen):
    """The seats of `person` went to `to`: they `delegated` it and said the `reason`, or are `absent` `until` then."""

    TOLD = frozenset({"why"})

    person: PersonId
    to: PersonId
    why: Literal["delegated", "absent"] = "delegated"
    reason: str = ""
    until: AwareDatetime | None = None


class Away(Stored, Frozen):
    """Somebody who is asked and is away `until` then; None: an automatic reply of theirs says so.

    `to` stands in for them and is asked already; None where nobody stands in.
    """

    TOLD = frozenset({"until"})

    person: PersonId
    until: AwareDatetime | None = None
    to: PersonId | None = None


class AskedAs(Frozen):
    """The reason why somebody is asked who was not at first: the `why` of the fact that brought them to it.

    `person` is whom it was taken from, `source` and `until` are those of the seat that they came from. It holds for the
    step with the number `in_step`.
    """

    why: str
    in_step: int = 0
    person: PersonId | None = None
    source: str = ""
    until: AwareDatetime | None = None


class AskedStep(PolicyStep):
    """A step with its seats as they are held now.

    `by` are the people whose approvals counted for it, once it is no longer the one in force.
    """

    by: tuple[PersonId, ...] = ()


class Asked(Stored, Frozen):
    """Who is asked now. It follows from a policy, the moves since, and who edited the call; nothing else writes it.

    `rule`, `quorum` and escalation are those in force: of the one of `steps` with the number `in_step`, since
    `began_at` (None: since the request was opened). `escalated_at` is when it went to `escalate_to`. `may_deny` are
    people who no longer approve it, and whose denial counts as before. `handed_on` says in order who did so to whom:
    they approve it no more. `away` are those who are asked and away. `asked_as` says why somebody is asked who was not
    at first. `editors` are those whose own edit stands now: they do not approve it, and may still deny it; where the
    policy lets editors approve, only `takers` are.
    """

    TOLD = frozenset({"quorum"})

    rule: Rule
    quorum: int = 1
    requester_may_approve: bool
    escalate_after_s: Seconds | None = None
    escalate_to: tuple[Anyone, ...] = ()
    escalated_at: AwareDatetime | None = None
    steps: tuple[AskedStep, ...] = ()
    in_step: int = 0
    began_at: AwareDatetime | None = None
    may_deny: tuple[PersonId, ...] = ()
    handed_on: tuple[HandedOn, ...] = ()
    away: tuple[Away, ...] = ()
    asked_as: dict[PersonId, AskedAs] = Field(default_factory=dict[PersonId, AskedAs])
    editors: tuple[PersonId, ...] = ()

    @property
    def givers(self) -> tuple[PersonId, ...]:
        """Those who handed it on, or for whom somebody stands in: they approve it no more."""
        return tuple(one.person for one in self.handed_on)

    @property
    def takers(self) -> tuple[PersonId, ...]:
        """To whom somebody's seats went: what a policy allows requesters and editors is for those it names itself."""
        return tuple(one.to for one in self.handed_on)

    @property
    def step(self) -> AskedStep | None:
        """The step that is in force; None where there are no steps."""
        return self.steps[self.in_step] if 0 <= self.in_step < len(self.steps) else None

    @property
    def other_steps(self) -> tuple[AskedStep, ...]:
        """The steps that were in force before, or will be."""
        return tuple(step for number, step in enumerate(self.steps) if number != self.in_step)

    @property
    def filled(self) -> tuple[PersonId, ...]:
        """Those whose approvals counted for a step that is not in force."""
        return tuple(person for step in self.steps for person in step.by)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rule in force, then those of all steps."""
        return (self.rule, *(step.rule for step in self.steps))

    def edited_by(self, editors: Iterable[PersonId], policy: PolicySnapshot) -> "Asked":
        """Return the same for a call that holds edits of `editors`, under the `policy` of its request."""
        all_of_them = tuple(sorted(set(editors)))
        barred = tuple(one for one in all_of_them if not policy.editor_may_approve or one in self.takers)
        return self.model_copy(update={"editors": barred})


def asked_at_first(policy: PolicySnapshot, editors: Iterable[PersonId] = ()) -> Asked:
    """Return who is asked as `policy` stands, before any move; `editors` set an argument of the call."""
    asked = Asked(
        rule=policy.rule,
        quorum=policy.quorum,
        requester_may_approve=policy.requester_may_approve,
        escalate_after_s=policy.escalate_after_s,
        escalate_to=policy.escalate_to,
        steps=tuple(AskedStep(**dict(step)) for step in policy.steps),
    )
    edited = tuple(editors)
    return asked.edited_by(edited, policy) if edited else asked
