"""What people can do to a request now: each act that `judge` would count. Pure.

Every surface offers what is found here, and works out no set of people by itself: a button that is offered is never
refused for who presses it, and what would count is offered.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from agents.requests import PersonId, RequestState, bound_to
from agents.requests.proof import LinkBy, as_by
from agents.requests.record import RequestRecord
from bot.policy.approvers.delegation import Accepts, candidates, people_involved
from bot.policy.approvers.who import who_of
from bot.policy.edits import changeable
from bot.policy.judge import objection, offer
from bot.policy.judgements import Act, Answer, Asked, Counted, Decided, Judgement, Revoked
from bot.policy.sessions import may_allow_again


class Can(NamedTuple):
    """The acts that count.

    `deny` ends it as denied, and `takes_back` by the same word as withdrawn; `stop` takes an approval back.
    `withdraw` is the act of whoever asked, which is no vote. `edit` names the arguments that may be changed.
    `hand_on`: there is somebody who could have it. `again`: an approval may let the same be done again in its session.
    """

    approve: bool = False
    deny: bool = False
    takes_back: bool = False
    stop: bool = False
    withdraw: bool = False
    answer: bool = False
    ask: bool = False
    edit: tuple[str, ...] = ()
    hand_on: bool = False
    glass: bool = False
    again: bool = False

    @property
    def says_no(self) -> bool:
        """Whether a no counts, whatever it comes to."""
        return self.deny or self.takes_back or self.stop

    @property
    def has_form(self) -> bool:
        """Whether something can be pressed on a card; who may hand it on or change it may answer it as well."""
        return self.approve or self.answer or self.says_no or self.glass


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
    than the first for whom it counts.
    """
    is_open = record.state == "open"
    if not (is_open or (record.state == "approved" and record.began_at is None)):
        return Can()

    def becomes(act: Act) -> Iterator[Judgement]:
        return (offer(record, one.of(act), judging.here) for one in meant)

    def counts(act: Act) -> bool:
        return any(isinstance(found, Counted | Decided) for found in becomes(act))

    def ends(state: RequestState) -> bool:
        return any(_state_after(found) == state for found in becomes("deny"))

    def goes_to_somebody(found: Judgement) -> bool:
        return isinstance(found, Asked) and not {*judging.here}.isdisjoint(found.whom)

    may_be_alone = is_open and not record.votes and may_allow_again(record)
    edits = [_editable(record, one.of("edit"), judging) for one in meant]
    return Can(
        again=may_be_alone and any(isinstance(found, Decided) for found in becomes("approve")),
        approve=counts("approve"),
        deny=ends("denied"),
        takes_back=ends("withdrawn"),
        stop=ends("revoked"),
        withdraw=is_open and any(may_withdraw(record, one) for one in meant),
        answer=counts("answer"),
        ask=any(map(goes_to_somebody, becomes("ask"))),
        # Where several look, those of who decides.
        edit=min(filter(None, edits), key=len, default=()),
        hand_on=is_open and any(heirs(record, one, judging) for one in meant),
        glass=bool(who_of(record).glass) and counts("break_glass"),
    )


def yes(record: RequestRecord, meant: Answer, judging: Judging) -> Judgement:
    """Return what becomes of a plain yes, or of any words in answer to a question."""
    act: Act = "approve" if record.request.format == "approval" else "answer"
    return offer(record, meant.of(act), judging.here)


def heirs(record: RequestRecord, meant: Answer, judging: Judging) -> tuple[PersonId, ...]:
    """Return to whom this person may hand it on by such an answer."""
    if objection(record, meant.of("hand_on"), judging.here) is not None:
        return ()
    return candidates(record.request.policy, people_involved(record, judging.here), judging.accepts, meant.person)


def may_withdraw(record: RequestRecord, meant: Answer) -> bool:
    """Return whether somebody asked for what may be taken back by whoever asked, and has not expired."""
    may = meant.person in record.askers and record.request.purpose not in {"unknown", "review"}
    return may and meant.at < record.request.expires_at


def named(record: RequestRecord) -> tuple[PersonId, ...]:
    """Return everybody who could have a right here: whoever is in none of these has none."""
    return tuple(dict.fromkeys((*who_of(record).everybody, *(record.decision.by if record.decision else ()))))


def _state_after(no: Judgement) -> RequestState | None:
    """Return the state that a no brings about; None where it does not count."""
    match no:
        case Decided():
            return no.decision.state
        case Revoked():
            return "revoked"
        case _:
            return None


def _editable(record: RequestRecord, meant: Answer, judging: Judging) -> tuple[str, ...]:
    """Return the arguments that somebody may change by such an answer."""
    if record.request.format != "approval" or objection(record, meant, judging.here) is not None:
        return ()
    return changeable(record.request, asked=record.may_withdraw(meant.person))
