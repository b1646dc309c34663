"""What people can do to a request now: each act that `judge` would count. Pure.

Every surface offers what is found here, and works out no set of people by itself: a button that is offered is never
refused for who presses it, and what would count is offered.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from agents.requests import PersonId, Request, RequestState, bound_to
from agents.requests.proof import LinkBy, as_by
from agents.requests.record import RequestRecord
from bot.policy.approvers.delegation import Accepts, candidates, people_involved
from bot.policy.approvers.who import who_of
from bot.policy.edits import changeable
from bot.policy.judge import objection, offer
from bot.policy.judgements import ACTS, Act, Answer, Asked, Counted, Decided, Judgement, Revoked
from bot.policy.sessions import may_allow_again


class Offered(NamedTuple):
    """An act that counts. `becomes` is the state that it brings about, None where it brings none.

    `inputs` are what may go with it: the arguments of an edit, those to whom it may be handed on, and `again` where an
    approval may let the same be done again in its session.
    """

    becomes: RequestState | None = None
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Can:
    """What somebody can do: the `acts` that count, and for others `why_not`, where that is not for want of an input."""

    acts: Mapping[Act, Offered] = field(default_factory=dict[Act, Offered])
    why_not: Mapping[Act, Judgement] = field(default_factory=dict[Act, Judgement])

    def __contains__(self, act: Act) -> bool:
        return act in self.acts

    def inputs(self, act: Act) -> tuple[str, ...]:
        """Return what may go with an act; nothing where it does not count."""
        return self.acts[act].inputs if act in self.acts else ()

    def becomes(self, act: Act) -> RequestState | None:
        """Return the state that an act brings about; None where it brings none, or does not count."""
        return self.acts[act].becomes if act in self.acts else None

    @property
    def has_form(self) -> bool:
        """Whether something can be pressed on a card; who may hand it on or change it may answer it as well."""
        return not self.acts.keys().isdisjoint({"approve", "answer", "deny", "break_glass"})


class Judging(NamedTuple):
    """Those who are `here`, which is everyone in the directory, and who `accepts` a seat that is handed on."""

    here: Collection[PersonId]
    accepts: Accepts


def answer_by(record: RequestRecord, person: PersonId, way: str, at: datetime, link_by: LinkBy | None = None) -> Answer:
    """Return an answer that `person` might give to what stands now, before it says anything; it is never kept."""
    return Answer(
        reply_id="",
        person=person,
        act="say",
        proof=as_by(way, link_by),
        binding=bound_to(record.request, "request"),
        at=at,
    )


def can(record: RequestRecord, meant: Sequence[Answer], judging: Judging) -> Can:
    """Return what at least one of `meant` could do that counts; one answer for each of those who look.

    `record` is as it counts now (`as_known_now`). Each act is judged for one person after the other, and no further
    than the first for whom it counts, but where each has inputs of their own.
    """
    acts, why_not = dict[Act, Offered](), dict[Act, Judgement]()
    for act in _OFFERED:
        for one in meant:
            found = _judged(record, one.of(act), judging)
            if isinstance(found, Offered):
                acts[act] = _of_both(act, acts[act], found, judging) if act in acts else found
                if act not in _OF_EACH:
                    break
            elif found:
                why_not.setdefault(act, found)
    return Can(acts, {act: why for act, why in why_not.items() if act not in acts})


def yes_to(request: Request) -> Act:
    """Return the act that is a yes to an approval, and any answer to a question."""
    return "approve" if request.format == "approval" else "answer"


def named(record: RequestRecord) -> tuple[PersonId, ...]:
    """Return everybody who could have a right here: whoever is in none of these has none."""
    return tuple(dict.fromkeys((*who_of(record).everybody, *(record.decision.by if record.decision else ()))))


# Words are for people, and nobody is offered them.
_OFFERED: tuple[Act, ...] = tuple(act for act in ACTS if act != "say")
_OF_EACH = frozenset[Act]({"edit", "hand_on"})


def _judged(record: RequestRecord, said: Answer, judging: Judging) -> Offered | Judgement | None:
    """Return what an act is worth, or why it does not count; None where there is nothing that could go with it."""
    if said.act in _OF_EACH:
        if (why := objection(record, said, judging.here)) is not None:
            return why
        inputs = _editable(record, said) if said.act == "edit" else _heirs(record, said, judging)
        return Offered(inputs=inputs) if inputs else None
    found = offer(record, said, judging.here)
    match found:
        case Counted():
            return Offered()
        case Decided() if said.act == "approve":
            may_be_alone = not record.votes and may_allow_again(record)
            return Offered(found.decision.state, ("again",) if may_be_alone else ())
        case Decided():
            return Offered(found.decision.state)
        case Revoked():
            return Offered("revoked")
        case Asked(whom=whom):
            return Offered() if not {*judging.here}.isdisjoint(whom) else None
        case _:
            return found


def _of_both(act: Act, one: Offered, other: Offered, judging: Judging) -> Offered:
    """Return what two of those who look may do: of an edit what whoever decides may change, and everybody's heirs."""
    if act == "edit":
        return min(one, other, key=lambda each: len(each.inputs))
    heirs = {*one.inputs, *other.inputs}
    return Offered(inputs=tuple(each for each in judging.here if each in heirs))


def _editable(record: RequestRecord, said: Answer) -> tuple[str, ...]:
    return changeable(record.request, asked=record.may_withdraw(said.person))


def _heirs(record: RequestRecord, said: Answer, judging: Judging) -> tuple[str, ...]:
    """Return to whom this person may hand it on, in the order of the directory."""
    found = {*candidates(people_involved(record, judging.here), judging.accepts, said.person)}
    return tuple(one for one in judging.here if one in found)
