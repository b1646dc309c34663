"""Who may do what about a request, as its policy holds now. Pure.

No set of people is built from a policy anywhere else: whoever is offered something, asked, named or counted comes from
here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from agents.requests import PersonId, PolicySnapshot, Request, Rule, people_of
from agents.requests.record import RequestRecord
from bot.policy.approvers.quorum import doubles_of, may_break_glass


@dataclass(frozen=True)
class Who:
    """The people of a request. `requesters` count as such by now, and `editors` ever chose an argument that stands.

    `broke` broke its glass, whatever became of it since. Only an approval has a glass (`is_vote`).
    """

    policy: PolicySnapshot
    requesters: tuple[PersonId, ...]
    editors: tuple[PersonId, ...] = ()
    broke: tuple[PersonId, ...] = ()
    is_vote: bool = True

    @cached_property
    def seated(self) -> tuple[PersonId, ...]:
        """Those whom the rule in force names, each once, in its order."""
        return tuple(dict.fromkeys(people_of(self.policy.rule)))

    @cached_property
    def seated_ever(self) -> tuple[PersonId, ...]:
        """Those whom the rule of whichever step names, without those whom it goes to once it escalates."""
        return tuple(dict.fromkeys(one for rule in self.policy.rules for one in people_of(rule)))

    @cached_property
    def seated_or_escalated(self) -> tuple[PersonId, ...]:
        """The same, with those whom it goes to once it escalates."""
        policy, rules = self.policy, list[Rule](self.policy.escalate_to)
        rules += [seat for step in policy.steps for seat in step.escalate_to]
        return tuple(dict.fromkeys((*self.seated_ever, *(one for rule in rules for one in people_of(rule)))))

    @property
    def givers(self) -> tuple[PersonId, ...]:
        """Those who handed it on, or for whom somebody stands in."""
        return self.policy.givers

    @property
    def editors_out(self) -> tuple[PersonId, ...]:
        """Those who do not approve what they chose themselves."""
        return self.policy.editors

    @cached_property
    def requesters_out(self) -> tuple[PersonId, ...]:
        """The requesters who approve nothing: where the policy lets them, only who holds another's seat."""
        may = self.policy.requester_may_approve
        return tuple(one for one in self.requesters if not may or one in self.policy.takers)

    @cached_property
    def out(self) -> frozenset[PersonId]:
        """Those who approve nothing, in whichever seat: requesters, editors of what stands, and who handed it on.

        Nor does anybody who may be one of them. Where requesters or editors may, one who has the seat of somebody else
        does not, and keeps nobody from theirs.
        """
        policy = self.policy
        kept_from = [*self.givers]
        kept_from += [] if policy.requester_may_approve else self.requesters_out
        kept_from += [] if policy.editor_may_approve else self.editors_out
        out = frozenset((*self.givers, *self.requesters_out, *self.editors_out))
        return out.union(*(doubles_of(policy, one) for one in kept_from)) if policy.doubles else out

    @cached_property
    def approve(self) -> tuple[PersonId, ...]:
        """Those who may decide it now, in the order of the policy."""
        return self._but_out(self.seated)

    @cached_property
    def approve_ever(self) -> tuple[PersonId, ...]:
        """Those who may decide it, in whichever step."""
        return self._but_out(self.seated_ever)

    @property
    def denied_before(self) -> tuple[PersonId, ...]:
        """Those who could decide it before others can now, and those who broke its glass: they may take that back."""
        return (*self.policy.may_deny, *self.broke)

    @cached_property
    def deny(self) -> frozenset[PersonId]:
        """Those whose denial is one of somebody who decides, or did."""
        return frozenset((*self.seated, *self.policy.may_deny)).difference(self.requesters_out)

    @cached_property
    def glass(self) -> tuple[PersonId, ...]:
        """Those who may break it: nobody who asked, steered it, changed an argument or handed it on."""
        out = {*self.requesters, *self.editors, *self.givers}
        return tuple(one for one in may_break_glass(self.policy) if one not in out) if self.is_vote else ()

    @cached_property
    def reviewers(self) -> tuple[PersonId, ...]:
        """Those who decide whether it was right to break it: who could approve, and took no part in what was asked."""
        out = {*self.requesters, *self.editors, *self.broke}
        return tuple(one for one in self.seated_ever if one not in out)

    @cached_property
    def everybody(self) -> tuple[PersonId, ...]:
        """All who could have a right here: whoever is in none of these has none."""
        did = (*self.denied_before, *self.givers, *self.editors_out, *self.requesters)
        return tuple(dict.fromkeys((*self.policy.everybody, *did)))

    def _but_out(self, people: Iterable[PersonId]) -> tuple[PersonId, ...]:
        return tuple(one for one in people if one not in self.out)


def who(policy: PolicySnapshot, requesters: Iterable[PersonId]) -> Who:
    """Return the people of what is asked under `policy`."""
    return Who(policy, tuple(requesters))


def who_in(request: Request, requesters: Iterable[PersonId] | None = None) -> Who:
    """Return the people of a request; `requesters` are those who count as such by now, where more do."""
    asked = request.requesters if requesters is None else tuple(requesters)
    return Who(request.policy, asked, request.editors, is_vote=request.format == "approval")


def who_of(record: RequestRecord) -> Who:
    """Return the people of a request as it stands."""
    request = record.request
    decision = record.decision
    broke = decision.by if decision and decision.broke_glass else ()
    broke = (*broke, *(vote.person for vote in record.votes if vote.breaks_glass))
    return Who(request.policy, record.requesters, request.editors, broke, request.format == "approval")
