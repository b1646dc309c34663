"""What people can do to a request now: each act that `judge` would count. Pure.

Every surface offers what is found here, and works out no set of people by itself: a button that is offered is never
refused for who presses it, and what would count is offered.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from agents.requests import Given, PersonId
from agents.requests.proof import LinkBy, as_by
from bot.policy.approvers.delegation import Accepts, Involved, candidates
from bot.policy.edits import changeable
from bot.policy.glass import breakers
from bot.policy.judge import change_objection, delegation_objection, judge
from bot.policy.judgements import Answer, Asked, Counted, Decided, Judgement, Revoked
from bot.policy.record import RequestRecord
from bot.policy.sessions import may_allow_again

# Words that somebody might say: whatever they are, only that there are some matters.
_SAID = "-"
# A reason that somebody would give: without one, no glass is broken.
_REASON = "outage"


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
        proof=as_by(way, link_by),
        revision=record.request.revision,
        digest=record.request.digest,
        at=at,
    )


def can(record: RequestRecord, meant: Sequence[Answer], judging: Judging) -> Can:
    """Return what at least one of `meant` could say that counts; one answer for each of those who look.

    `record` is as it counts now (`as_known_now`). Each act is judged for one person after the other, and no further
    than the first for whom it counts.
    """
    is_vote, is_open = record.request.format == "approval", record.state == "open"
    is_alive = is_open or (record.state == "approved" and record.began_at is None)

    def anyone(counts: Callable[[Answer], bool]) -> bool:
        return is_alive and any(map(counts, meant))

    def says_yes(one: Answer) -> bool:
        return isinstance(yes(record, one, judging), Counted | Decided)

    def says_no(state: str) -> Callable[[Answer], bool]:
        return lambda one: _no(record, one, judging) == state

    def decides_alone(one: Answer) -> bool:
        return not record.votes and isinstance(yes(record, one, judging), Decided)

    return Can(
        again=is_open and may_allow_again(record) and anyone(decides_alone),
        approve=is_vote and is_open and anyone(says_yes),
        deny=is_vote and is_open and anyone(says_no("denied")),
        takes_back=is_vote and is_open and anyone(says_no("withdrawn")),
        stop=is_vote and not is_open and anyone(says_no("revoked")),
        withdraw=is_open and anyone(lambda one: may_withdraw(record, one.person)),
        answer=not is_vote and is_open and anyone(says_yes),
        ask=is_vote and is_open and anyone(lambda one: _asks(record, one, judging)),
        edit=_fewest([_editable_by(record, one) for one in meant]) if is_vote and is_open else (),
        hand_on=is_open and anyone(lambda one: bool(heirs(record, one, judging))),
        glass=is_open and bool(breakers(record)) and anyone(lambda one: _glass(record, one, judging)),
    )


def yes(record: RequestRecord, meant: Answer, judging: Judging) -> Judgement:
    """Return what becomes of a plain yes, or of any words in answer to a question."""
    is_vote = record.request.format == "approval"
    said = {"approve": True} if is_vote else {"given": Given(text=_SAID)}
    return judge(record, meant.model_copy(update=said), judging.here)


def heirs(record: RequestRecord, meant: Answer, judging: Judging) -> tuple[PersonId, ...]:
    """Return to whom this person may hand it on by such an answer."""
    if delegation_objection(record, meant) is not None:
        return ()
    return candidates(record.request.policy, _involved(record, judging), judging.accepts, meant.person)


def may_withdraw(record: RequestRecord, person: PersonId) -> bool:
    """Return whether `person` asked for what may be taken back by whoever asked."""
    return person in record.askers and record.request.purpose not in {"unknown", "review"}


def named(record: RequestRecord) -> tuple[PersonId, ...]:
    """Return everybody who could have a right here: whoever is in none of these has none."""
    policy, decided = record.request.policy, record.decision.by if record.decision else ()
    found = (*policy.everybody, *policy.may_deny, *policy.givers, *policy.editors, *record.requesters, *decided)
    return tuple(dict.fromkeys(found))


def _involved(record: RequestRecord, judging: Judging) -> Involved:
    voters = [vote.person for vote in record.votes if vote.approve]
    return Involved(record.requesters, voters, judging.here, record.request.editors)


def _no(record: RequestRecord, meant: Answer, judging: Judging) -> str:
    """Return the state that a no brings about; empty where it does not count."""
    match judge(record, meant.model_copy(update={"approve": False}), judging.here):
        case Decided() as decided:
            return decided.decision.state
        case Revoked():
            return "revoked"
        case _:
            return ""


def _asks(record: RequestRecord, meant: Answer, judging: Judging) -> bool:
    asked = judge(record, meant.model_copy(update={"asks": True, "text": _SAID}), judging.here)
    return isinstance(asked, Asked) and not {*judging.here}.isdisjoint(asked.whom)


def _editable_by(record: RequestRecord, meant: Answer) -> tuple[str, ...]:
    """Return the arguments that somebody may change by such an answer."""
    if change_objection(record, meant)[0] is not None:
        return ()
    return changeable(record.request, asked=record.may_withdraw(meant.person))


def _fewest(found: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the fewest arguments that somebody may change: where several look, those of who decides."""
    return min(filter(None, found), key=len, default=())


def _glass(record: RequestRecord, meant: Answer, judging: Judging) -> bool:
    alone = meant.model_copy(update={"approve": True, "breaks_glass": True, "note": _REASON, "note_confirmed": True})
    return isinstance(judge(record, alone, judging.here), Decided)
