"""Who may do what about a request, by its policy and the moves since. Pure.

No set of people is built from a policy anywhere else: whoever is offered something, asked, named or counted comes from
here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from agents.requests import PersonId, PolicySnapshot, Rule, people_of
from agents.requests.asked import Asked, asked_at_first
from agents.requests.record import RequestRecord


@dataclass(frozen=True)
class Who:
    """The people of a request. `requesters` count as such by now, and `editors` ever chose an argument that stands.

    `broke` broke its glass, whatever became of it since. `approved_by` are those by whose word it is approved. Only
    an approval has a glass (`is_vote`). `doubles`, `may_not_break` and `may_not_give` are as in the record, and
    `behind` as in the request.
    """

    policy: PolicySnapshot
    asked: Asked
    requesters: tuple[PersonId, ...]
    editors: tuple[PersonId, ...] = ()
    broke: tuple[PersonId, ...] = ()
    approved_by: tuple[PersonId, ...] = ()
    is_vote: bool = True
    doubles: tuple[tuple[PersonId, PersonId], ...] = ()
    may_not_break: tuple[PersonId, ...] = ()
    may_not_give: tuple[PersonId, ...] = ()
    behind: tuple[PersonId, ...] = ()

    @cached_property
    def seated(self) -> tuple[PersonId, ...]:
        """Those whom the rule in force names, each once, in its order."""
        return tuple(dict.fromkeys(people_of(self.asked.rule)))

    @cached_property
    def seated_ever(self) -> tuple[PersonId, ...]:
        """Those whom the rule of whichever step names, without those whom it goes to once it escalates."""
        return tuple(dict.fromkeys(one for rule in self.asked.rules for one in people_of(rule)))

    @cached_property
    def seated_or_escalated(self) -> tuple[PersonId, ...]:
        """The same, with those whom it goes to once it escalates."""
        asked, rules = self.asked, list[Rule](self.asked.escalate_to)
        rules += [seat for step in asked.steps for seat in step.escalate_to]
        return tuple(dict.fromkeys((*self.seated_ever, *(one for rule in rules for one in people_of(rule)))))

    @cached_property
    def seated_for_glass(self) -> tuple[PersonId, ...]:
        """Those whom the policy names to break the glass, each once; who took part may not all the same."""
        named = dict.fromkeys(person for seat in self.policy.break_glass for person in seat.people)
        return tuple(one for one in named if one not in self.may_not_break)

    @cached_property
    def named(self) -> tuple[PersonId, ...]:
        """All who may come to decide: now, in another step, once it escalates, or by breaking the glass."""
        asked = self.asked
        named = [*self.seated, *(one for seat in asked.escalate_to for one in seat.people), *self.seated_for_glass]
        for step in asked.steps:
            named += [one for rule in (step.rule, *step.escalate_to) for one in people_of(rule)]
        return tuple(dict.fromkeys(named))

    @cached_property
    def stand_ins(self) -> tuple[PersonId, ...]:
        """Those to whom the policy lets it be handed on besides, each once."""
        return tuple(dict.fromkeys(person for seat in self.policy.stand_ins for person in seat.people))

    @property
    def givers(self) -> tuple[PersonId, ...]:
        """Those who handed it on, or for whom somebody stands in."""
        return self.asked.givers

    @property
    def editors_out(self) -> tuple[PersonId, ...]:
        """Those who do not approve what they chose themselves."""
        return self.asked.editors

    @cached_property
    def requesters_out(self) -> tuple[PersonId, ...]:
        """The requesters who approve nothing: where the policy lets them, only who holds another's seat."""
        may, takers = self.asked.requester_may_approve, self.asked.takers
        return tuple(one for one in self.requesters if not may or one in takers)

    @cached_property
    def lost_seat(self) -> frozenset[PersonId]:
        """Those who handed theirs on, and requesters who may approve and took that of somebody else."""
        return frozenset((*self.givers, *(self.requesters_out if self.asked.requester_may_approve else ())))

    @cached_property
    def took_part(self) -> tuple[PersonId, ...]:
        """Those who asked or steered it, changed an argument or handed it on, each once."""
        return tuple(dict.fromkeys((*self.requesters, *self.editors, *self.givers)))

    @cached_property
    def barred(self) -> tuple[PersonId, ...]:
        """Those whom the policy lets approve nothing for what they did: nor does anybody who may be one of them."""
        asked = () if self.asked.requester_may_approve else (*self.requesters_out, *self.behind)
        return (*asked, *(() if self.policy.editor_may_approve else self.editors_out))

    @cached_property
    def out(self) -> frozenset[PersonId]:
        """Those who approve nothing, in whichever seat: requesters, editors of what stands, and who handed it on.

        Nor does anybody who may be one of them: `requesters` are all who may be one, and whoever may be another one of
        those that only may be one is none. Where editors may, one who has the seat of somebody else does not, and keeps
        nobody from theirs.
        """
        barred = () if self.policy.editor_may_approve else self.editors
        out = frozenset((*self.givers, *self.requesters_out, *self.editors_out))
        return out.union(*map(self.doubles_of, (*self.givers, *barred))) if self.doubles else out

    def doubles_of(self, person: PersonId) -> frozenset[PersonId]:
        """Return who may be the same human as `person`, as far as that is known here."""
        return frozenset(one for pair in self.doubles if person in pair for one in pair if one != person)

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
        """Those who could decide it before others can now; and once it is approved, by whose word it is, and all of
        whichever step: a broken glass and a standing approval decide all steps at once, and the turn of the later ones
        never comes. They may take that back.
        """
        deciding = (*self.approved_by, *self.broke)
        return (*self.asked.may_deny, *deciding, *(self.seated_ever if deciding else ()))

    @cached_property
    def named_ever(self) -> frozenset[PersonId]:
        """All who may come to decide, and those who could before others can now."""
        return frozenset((*self.named, *self.asked.may_deny))

    @cached_property
    def deny(self) -> frozenset[PersonId]:
        """Those whose denial is one of somebody who decides, or did."""
        return frozenset((*self.seated, *self.asked.may_deny)).difference(self.requesters_out)

    @cached_property
    def glass(self) -> tuple[PersonId, ...]:
        """Those who may break it: nobody who asked, steered it, changed an argument or handed it on."""
        return tuple(one for one in self.seated_for_glass if one not in self.took_part) if self.is_vote else ()

    @cached_property
    def reviewers(self) -> tuple[PersonId, ...]:
        """Those who decide whether it was right to break it: who could approve, and took no part in what was asked."""
        out = {*self.requesters, *self.behind, *self.editors, *self.broke, *self.may_not_break}
        return tuple(one for one in self.seated_ever if one not in out)

    @cached_property
    def everybody(self) -> tuple[PersonId, ...]:
        """All who could have a right here: whoever is in none of these has none."""
        did = (*self.denied_before, *self.givers, *self.editors_out, *self.requesters)
        return tuple(dict.fromkeys((*self.named, *did)))

    def _but_out(self, people: Iterable[PersonId]) -> tuple[PersonId, ...]:
        return tuple(one for one in people if one not in self.out)


def who_at_first(
    policy: PolicySnapshot,
    requesters: Iterable[PersonId],
    editors: Iterable[PersonId] = (),
    doubles: Iterable[tuple[PersonId, PersonId]] = (),
) -> Who:
    """Return the people of what would be asked under `policy` and is not yet."""
    edited = tuple(editors)
    return Who(policy, asked_at_first(policy, edited), tuple(requesters), edited, doubles=tuple(doubles))


def who_of(record: RequestRecord) -> Who:
    """Return the people of a request as it stands."""
    request, decision = record.request, record.decision
    broke = decision.by if decision and decision.broke_glass else ()
    return Who(
        policy=request.policy,
        asked=record.asked,
        requesters=record.requesters,
        editors=request.editors,
        broke=(*broke, *(vote.person for vote in record.votes if vote.breaks_glass)),
        approved_by=decision.by if decision and decision.state == "approved" else (),
        is_vote=request.format == "approval",
        doubles=record.doubles,
        may_not_break=record.may_not_break,
        may_not_give=record.may_not_give,
        behind=request.behind,
    )
