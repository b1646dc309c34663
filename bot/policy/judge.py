"""The judgement of an answer to a request: one ordered list of checks, for every act there is.

Pure: `decide` commits what is found here, or judges again.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence, Set
from datetime import datetime
from typing import Literal, NamedTuple

from agents.requests import (
    Closed,
    Decision,
    PersonId,
    PolicySnapshot,
    Request,
    Vote,
    people_of,
)
from agents.requests.moves import StepBegan
from agents.requests.proof import rests_on
from agents.requests.record import MOST_REMARKS, RequestRecord
from agents.text import says_something
from bot.policy.approvers.quorum import is_met
from bot.policy.approvers.steps import needed_elsewhere, next_step
from bot.policy.approvers.who import Who, who_of
from bot.policy.glass import decision_by
from bot.policy.judgements import (
    ACTS,
    Act,
    AlreadyDecided,
    AlreadyVoted,
    Answer,
    Asked,
    ClosedOtherwise,
    Counted,
    Decided,
    GlassUnconfirmed,
    Judgement,
    NotEntitled,
    NotEntitledWhy,
    NoteUnconfirmed,
    NotThisWay,
    OutOfDate,
    Remarked,
    Replied,
    Rests,
    Revoked,
    StopOrAnswer,
    TooLate,
    Unclear,
)
from bot.policy.whole import is_whole

# Within an address more follows it.
_QUESTION = re.compile(r"[\uff1f\u2047-\u2049\u203d\u2753\u2754\u037e\u055e\u1367\u00bf]|[?\u061f](?![\w=&%/#-])")

MOST_NOTED = 50
"""An answer that does not count is kept, and told; one person's robot that keeps answering has no more of one request.
"""

REPLACED = "it answers a card that was replaced by a newer one"
NO_REASON = "to break the glass, say why"
SAY_WHICH = "what you wrote may have stopped the run: send the one word stop, or answer: and the words behind it"
MAY_BE_STOPPED = "somebody may have stopped the run, and is asked whether they did; until then nothing counts here"
NOT_NAMED = (
    "something was asked or written beside the request, or it was handed on, and a yes may be about that: to approve,"
    " use the word approve above all that is quoted"
)
AGAINST = (
    "what stands beside the command may mean that it is not to be done, or not yet, or only under a condition, or it"
    " asks something, or is in letters of which sayso knows no words: to do it, write the command again with a reason"
    " that says what has happened and nothing else, in Latin letters"
)
TOO_OFTEN = "beside this request you have said as much as is kept of one person, and this is not"
NO_ROOM = (
    "on its card stand as many messages of those who asked as it has room for: to say more, take it back with the one"
    " word stop, and ask again"
)


class Case(NamedTuple):
    """An answer to a request. `here` is everyone in the directory; None: all whom the record names."""

    record: RequestRecord
    answer: Answer
    who: Who
    here: Collection[PersonId] | None = None

    @property
    def me(self) -> PersonId:
        """Whose answer it is."""
        return self.answer.person

    def of(self, act: Act) -> "Case":
        """Return the same as another act."""
        return self._replace(answer=self.answer.of(act))

    def is_here(self, person: PersonId) -> bool:
        """Return whether somebody is in the directory."""
        return self.here is None or person in self.here

    @property
    def is_vote(self) -> bool:
        """Whether it answers an approval, and no question."""
        return self.record.request.format == "approval"

    @property
    def is_asker(self) -> bool:
        """Whether an edit is that of somebody who asked, and does not decide the step in force."""
        decides = self.me in self.who.seated and self.me not in {*self.who.givers, *self.who.requesters_out}
        return self.answer.act == "edit" and self.record.may_withdraw(self.me) and not decides

    @property
    def only_asks(self) -> bool:
        """Whether they ask for an approval, and do not decide it as well, now or before."""
        if not self.is_vote or self.record.only_may_be(self.me):
            return False
        if self.me not in self.record.requesters:
            return self.record.may_withdraw(self.me)
        return self.me not in self.who.deny

    def refused(self, why: NotEntitledWhy) -> NotEntitled:
        """Refuse it; name those who may decide by now, who are here."""
        return self.refused_for(why, self.who.approve)

    def refused_for(self, why: NotEntitledWhy, may: Iterable[PersonId]) -> NotEntitled:
        """Refuse it; name those of whom it would count. Nobody may decide what nobody decides any more."""
        if self.record.state != "open":
            return NotEntitled(why="over", approvers=())
        return NotEntitled(why=why, approvers=tuple(filter(self.is_here, may)))


def judge(record: RequestRecord, answer: Answer, here: Collection[PersonId] | None = None) -> Judgement:
    """Judge `answer` for `record`: the first check that objects, else what those who are still `here` make of it.

    What comes of a change of arguments, or of handing it on, is found by whoever makes it, where nothing objects.
    """
    case = Case(record, answer, who_of(record), here)
    return _first(case) or _outcome(case)


def objection(record: RequestRecord, answer: Answer, here: Collection[PersonId] | None = None) -> Judgement | None:
    """Return why `answer` does not count; None where nothing speaks against it."""
    return _first(Case(record, answer, who_of(record), here))


def offer(record: RequestRecord, answer: Answer, here: Collection[PersonId] | None = None) -> Judgement:
    """Return what becomes of an act of which nobody knows yet what is said with it: `judge`, by the checks of rights.

    They ask who, when, by which way and about what.
    """
    case = Case(record, answer, who_of(record), here)
    return _first(case, "rights") or _outcome(case)


def not_theirs(record: RequestRecord, answer: Answer, here: Collection[PersonId]) -> Judgement:
    """Object to an answer of somebody who has nothing to do with the request."""
    return Case(record, answer, who_of(record), here).refused("not_an_approver")


def _first(case: Case, of: Literal["rights", "content"] = "content") -> Judgement | None:
    rows = (row for row in CHECKS if case.answer.act in row.acts and (of == "content" or row.of == "rights"))
    return next((found for row in rows if (found := row.check(case)) is not None), None)


def _withdrawal(case: Case) -> Judgement | None:
    """The no of whoever only asks is a withdrawal, whatever card it came from; it does no harm."""
    if not case.only_asks:
        return None
    if case.record.state == "approved":
        return _revocation(case)
    return _closed(case) or _outcome(case.of("withdraw"))


def _reply(case: Case) -> Judgement | None:
    """Return what becomes of a requester's answer to words of others: those it names, else the newest question."""
    record, answer = case.record, case.answer
    if not _are_words_of_requester(case):
        return None
    question = record.question_for(case.me)
    about = answer.about or (question.id if question else "")
    if closed := _closed(case):  # what steers the run goes on to it, and whoever answers somebody hears it is too late
        return closed if answer.about else None
    if about and not is_noted(record, case.me):
        return Unclear(why=TOO_OFTEN)
    return Replied(about=about) if about else None


def _remark(case: Case) -> Judgement | None:
    """Return a remark for words of a requester: those who decide must see them before they do."""
    is_open = case.record.state == "open" and _unexpired(case) is None
    if not is_open or not _are_words_of_requester(case):
        return None
    has_room = len(case.record.request.remarks) < MOST_REMARKS
    return Remarked(text=case.answer.text.strip()) if has_room else Unclear(why=NO_ROOM)


def _are_words_of_requester(case: Case) -> bool:
    answer = case.answer
    if answer.binding.unbound and answer.binding.addressee not in {None, case.me}:
        return False  # nothing shows that they wrote it here: an old mail can be sent to another's card
    return case.is_vote and bool(answer.text.strip()) and case.me in case.record.askers


def _addressee(case: Case) -> Judgement | None:
    """Object to an answer by somebody else's card; a denial counts whatever card it came from, as it does no harm."""
    return None if case.answer.binding.addressee in {None, case.me} else case.refused("not_addressee")


def _not_giver(case: Case) -> Judgement | None:
    """Object to what decides by somebody who handed it on; a denial of theirs counts, and words are for people."""
    is_harmless = (case.is_vote and case.answer.act in WORDS) or case.is_asker
    return case.refused("handed_on") if case.me in case.who.givers and not is_harmless else None


def _entitled(case: Case) -> Judgement | None:
    if case.answer.act == "break_glass":
        return _may_break_glass(case)
    is_theirs = case.me in case.who.seated or _may_still_deny(case) or case.is_asker
    return None if is_theirs else case.refused("not_an_approver")


def _asked_it(case: Case) -> Judgement | None:
    """Object to a withdrawal by anybody but whoever asked, or the program that asks by itself."""
    return None if case.record.may_withdraw(case.me) else NotEntitled(why="not_asker", approvers=())


def _may_be_withdrawn(case: Case) -> Judgement | None:
    """Object to the withdrawal of what code asks by itself: what happened, and whether the glass was rightly broken."""
    is_of_code = case.record.request.purpose in {"unknown", "review"}
    return NotEntitled(why="not_withdrawn", approvers=()) if is_of_code else None


def _may_break_glass(case: Case) -> NotEntitled | None:
    may = [*filter(case.is_here, case.who.glass)]
    if case.me in may:
        return None
    if case.me in case.record.requesters:
        return case.refused_for("requester", may)
    return case.refused_for("editor" if case.me in case.record.request.editors else "break_glass", may)


def _may_still_deny(case: Case) -> bool:
    """Return whether this person could decide it before others can now: to approve it again is to have voted."""
    has_voted = any(vote.person == case.me for vote in case.record.votes)
    return case.is_vote and case.me in case.who.denied_before and (has_voted or case.answer.act != "approve")


def _not_requester(case: Case) -> Judgement | None:
    """Object to what a requester decides; a denial counts of who only may be one, and words are for people."""
    is_no_yes = case.is_vote and case.answer.act in {"deny", *WORDS}
    is_harmless = (is_no_yes and case.record.only_may_be(case.me)) or case.is_asker
    return case.refused("requester") if case.me in case.who.requesters_out and not is_harmless else None


def _not_editor(case: Case) -> Judgement | None:
    """Object to an approval of one's own edit; a denial of it counts."""
    return case.refused("editor") if case.me in case.who.editors_out else None


def _revocation(case: Case) -> Judgement | None:
    """A denial or withdrawal counts until the start, whatever card it came from."""
    if case.record.state != "approved":
        return None
    if case.record.began_at is not None:
        return TooLate(started_at=case.record.began_at)
    return Revoked(vote=_vote(case.answer))


def _closed(case: Case) -> Judgement | None:
    return _undecided(case) or _open(case) or _unexpired(case)


def _undecided(case: Case) -> Judgement | None:
    record = case.record
    if record.state not in {"approved", "denied", "answered"} or record.decision is None:
        return None
    is_stoppable = record.state == "approved" and record.began_at is None and case.answer.act not in STOPS
    may_stop = is_stoppable and isinstance(judge(record, case.answer.of("deny")), Revoked)
    return AlreadyDecided(decision=record.decision, may_stop=may_stop)


def _open(case: Case) -> Judgement | None:
    return ClosedOtherwise(state=case.record.state) if case.record.state != "open" else None


def _unexpired(case: Case) -> Judgement | None:
    return ClosedOtherwise(state="expired") if case.answer.at >= case.record.request.expires_at else None


def _stop_or_answer(case: Case) -> Judgement | None:
    """Ask whoever may stop the run which they mean where both fit. While one is asked, no other answer lets it go on.

    Nor does what they may have written before: it may be read after the stop.
    """
    record, answer = case.record, case.answer
    if answer.may_stop:
        return StopOrAnswer(text=answer.text.strip(), again=case.me in record.doubts)
    if answer.act != "answer" or not record.doubts:
        return None
    mine = {one: cards for one, cards in record.doubts.items() if one == case.me}
    if len(mine) < len(record.doubts):
        alone = case._replace(record=record.model_copy(update={"doubts": mine}))
        return Unclear(why=MAY_BE_STOPPED, is_no_stop=bool(mine) and _first(alone) is None)
    is_newer = answer.binding.card is not None and answer.binding.card not in record.doubts[case.me]
    return None if answer.is_plain or is_newer else Unclear(why=SAY_WHICH)


def _fits(case: Case) -> Judgement | None:
    """Object to an answer where an approval is asked for, and to a vote where a question is."""
    is_for_vote = case.answer.act in {"approve", "deny", "break_glass", "ask"}
    return None if is_for_vote == case.is_vote else Unclear()


def _is_given(case: Case) -> Judgement | None:
    return None if case.answer.given else Unclear(misfits=case.answer.misfits, kept=case.answer.kept)


def _is_reason(case: Case) -> Judgement | None:
    if not says_something(case.answer.note):
        return Unclear(why=NO_REASON)
    return None if _is_emergency(case.answer.note) else Unclear(why=AGAINST)


def _is_emergency(text: str) -> bool:
    from channels.email.reply.against import is_emergency  # noqa: PLC0415 - who only shows requests reads no words

    return is_emergency(text)


def _asks(case: Case) -> Judgement | None:
    """Object to words that decide nothing and ask nothing."""
    answer = case.answer
    is_question_here = answer.act == "ask" or (case.is_vote and is_question(answer.text))
    return None if is_question_here and answer.text.strip() else Unclear(misfits=answer.misfits, kept=answer.kept)


def _not_too_often(case: Case) -> Judgement | None:
    return None if is_noted(case.record, case.me) else Unclear(why=TOO_OFTEN)


def is_question(text: str) -> bool:
    """Return whether `text` holds a question mark: `Shall I wait?!`."""
    return _QUESTION.search(text) is not None


def is_noted(record: RequestRecord, person: PersonId) -> bool:
    """Return whether an answer of this person that does not count is still kept."""
    return record.noted.get(person, 0) < MOST_NOTED


def is_kept(record: RequestRecord, person: PersonId, judgement: Judgement) -> bool:
    """Return whether an answer of this person that does not count is kept.

    The first denial after a start is always kept: it stops what has not begun. So is what may be a stop.
    """
    is_first_stop = isinstance(judgement, TooLate) and record.stopped is None
    is_first_doubt = isinstance(judgement, StopOrAnswer) and person not in record.doubts
    return is_noted(record, person) or is_first_stop or is_first_doubt


def _bound(case: Case) -> Judgement | None:
    """Object to an answer that is not about this card; a denial counts all the same, as it does no harm.

    A mail says for ever what it said; a card elsewhere says what stands by now.
    """
    is_replaced = case.answer.channel == "email" and case.answer.binding.card in case.record.replaced
    why = case.answer.binding.unbound or (REPLACED if is_replaced else "")
    return Unclear(why=why) if why else None


def _this_way(case: Case) -> Judgement | None:
    """Object to what has an effect in a channel where it does not count.

    What whoever asked changes counts by any: everybody is asked anew.
    """
    answer, policy = case.answer, case.record.request.policy
    if case.is_asker:
        return None
    if not counts(policy, answer.act, rests_on(answer.proof)):
        ways = ways_to_approve(policy)
        return NotThisWay(ways=ways, rests_on_mail=answer.channel in ways, act=answer.act)
    ways = ways_for(case.record.request)
    return None if answer.channel in ways else NotThisWay(ways=ways, too_long=True, act=answer.act)


def _current_revision(case: Case) -> Judgement | None:
    is_older = case.answer.binding.revision != case.record.request.revision
    return _out_of_date(case.answer) if is_older else None


def _same_digest(case: Case) -> Judgement | None:
    is_other = case.answer.binding.digest != case.record.request.digest
    return _out_of_date(case.answer) if is_other else None


def _out_of_date(answer: Answer) -> OutOfDate:
    return OutOfDate(seen_revision=answer.binding.revision, act=answer.act)


def _first_vote(case: Case) -> Judgement | None:
    return AlreadyVoted() if any(vote.person == case.me for vote in case.record.votes) else None


def _names_it(case: Case) -> Judgement | None:
    """Ask back a yes that may answer what was written beside the request, or what its writer was told of their words.

    `Shall I wait until Friday?`, `Your question goes to Anna Ames`, `Handed on to you: please take it`, the note of
    whoever approved before, the reason of who denied the same before and that of a freeze stand on the card that it
    answers, also once that freeze is over.
    So does a question in what is to be done, and anything beside one clause in the wish. No list of words tells each
    question from a remark.
    """
    record, request = case.record, case.record.request
    was_said = request.remarks or record.asked.handed_on or record.comments or record.noted.get(case.me)
    was_said = was_said or any(vote.reason.strip() for vote in (*record.votes, *record.void))
    was_said = was_said or record.told_why_frozen or case.answer.wish_asks
    # Later revisions have there what was changed, and by whom.
    was_said = was_said or (request.revision == 1 and any(line.by for line in request.changes))
    return Unclear(why=NOT_NAMED) if case.answer.may_answer and was_said else None


def _note(case: Case) -> Judgement | None:
    """A condition beside a yes is neither dropped nor taken for part of the yes."""
    is_asked_back = case.answer.note and not case.answer.note_confirmed
    return NoteUnconfirmed(note=case.answer.note) if is_asked_back else None


def _glass(case: Case) -> Judgement | None:
    """Ask whoever typed a reason as a message: no list of words tells each objection from a reason.

    A page, a window, a terminal and a program have a button, or a word of its own, for this act alone.
    """
    is_asked_back = case.answer.channel == "email" and not case.answer.note_confirmed
    return GlassUnconfirmed(reason=case.answer.note) if is_asked_back else None


def _decides_still(case: Case) -> Judgement | None:
    """Object to an edit of somebody who may only deny it by now: it voids the votes of those who decide."""
    if case.is_asker or case.me in case.who.seated:
        return None
    has_voted = any(case.me in step.by for step in case.record.asked.other_steps)
    return AlreadyVoted() if has_voted else case.refused("not_an_approver")


def _leaves_enough(case: Case) -> Judgement | None:
    """Object to an approval after which too few are left for another step; name those who may give one."""
    record = case.record
    later = needed_later(record, case.here)
    if case.me not in later:
        return None
    out = {case.me, *later, *record.approved_by}
    return case.refused_for("needed_later", (one for one in case.who.approve if one not in out))


class Row(NamedTuple):
    """A check of some acts. One `of` content looks at what is said with an act, which nobody has said yet to whom it is
    offered.
    """

    check: Callable[[Case], Judgement | None]
    acts: Set[Act]
    of: Literal["rights", "content"] = "rights"


WORDS, STOPS = frozenset[Act]({"ask", "say"}), frozenset[Act]({"deny", "withdraw"})
"""Words that people read, and what only ends something."""

_WITHDRAW = frozenset[Act]({"withdraw"})
_ALL, _NO = frozenset(ACTS), frozenset[Act]({"deny"})
_VOTES = frozenset[Act]({"approve", "deny", "break_glass"})
_ENDS = frozenset[Act]({"approve", "break_glass", "edit", "answer"})
_OF_WHAT_STANDS = frozenset[Act]({*_ENDS, "hand_on"})
BY_ANY_WAY = frozenset[Act]({*STOPS, *WORDS, "answer"})
"""What counts however it was said: what ends something only stops it; what comes of the answer to a question is asked
by its own policy; and words are for people to read. So does what whoever asked changes: everybody is asked anew.

By everything else a gated tool runs, or others decide about it: whoever reads somebody's mailbox must not do that where
no approval by mail counts.
"""

# In order: what a requester may always say, whose answer it is, what it says, whether it may still count, whether it is
# about what stands now. Whose seats may be handed on to whom is found once nothing here objects.
CHECKS: tuple[Row, ...] = (
    Row(_withdrawal, _NO),
    Row(_reply, {"say"}),
    Row(_remark, {"say"}),
    Row(_asked_it, _WITHDRAW),
    Row(_may_be_withdrawn, _WITHDRAW),
    Row(_addressee, _ALL - STOPS),
    Row(_not_giver, _ENDS | WORDS),
    Row(_entitled, _ALL - {"hand_on", "withdraw"}),
    Row(_not_requester, _ALL - {"hand_on", "withdraw"}),
    Row(_not_editor, {"approve", "break_glass"}),
    Row(_revocation, STOPS),
    Row(_undecided, _ALL),
    Row(_open, _ALL),
    Row(_unexpired, _ALL),
    Row(_stop_or_answer, {"answer", "say"}, "content"),
    Row(_is_reason, {"break_glass"}, "content"),
    Row(_fits, {*_VOTES, "answer", "ask"}),
    Row(_is_given, {"answer"}, "content"),
    Row(_asks, WORDS, "content"),
    Row(_not_too_often, WORDS),
    Row(_bound, _OF_WHAT_STANDS),
    Row(_this_way, _ALL - BY_ANY_WAY),
    Row(_current_revision, _OF_WHAT_STANDS),
    Row(_same_digest, _OF_WHAT_STANDS),
    Row(_first_vote, {"approve"}),
    Row(_names_it, {"approve"}, "content"),
    Row(_note, {"approve"}, "content"),
    Row(_glass, {"break_glass"}, "content"),
    Row(_decides_still, {"edit"}),
    Row(_leaves_enough, {"approve"}),
)


def edits_as_asker(record: RequestRecord, answer: Answer) -> bool:
    """Return whether an edit is that of somebody who asked and never decides: what they chose is nobody's edit.

    Who decides another step, or once it escalates, changes it as one who decides: what they chose they do not approve
    then.
    """
    case = Case(record, answer, who_of(record))
    out = {*case.who.givers, *case.who.requesters_out}
    comes_to_decide = case.me in case.who.seated_or_escalated and case.me not in out
    return case.is_asker and not comes_to_decide


def ways_to_approve(policy: PolicySnapshot) -> tuple[str, ...]:
    """The channels through which an approval counts."""
    return tuple(way for way in policy.answer_from if way != "email" or policy.approve_by_email)


def ways_for(request: Request) -> tuple[str, ...]:
    """The channels through which an approval of `request` counts: by no message that has no room for all of it."""
    ways = ways_to_approve(request.policy)
    if "console" not in ways or is_whole(request):
        return ways
    return tuple(way for way in ways if way not in _MESSAGES)


_MESSAGES = {"slack", "email"}


def counts(policy: PolicySnapshot, act: Rests, ways: Collection[str]) -> bool:
    """Return whether `act` counts that rests on all of these `ways` (`rests_on`)."""
    return act in BY_ANY_WAY or (bool(ways) and set(ways) <= set(ways_to_approve(policy)))


def _vote(answer: Answer) -> Vote:
    is_no = answer.act in STOPS
    return Vote(
        reply_id=answer.reply_id,
        person=answer.person,
        approve=answer.act in {"approve", "break_glass"},
        reason=answer.text if is_no else answer.note,
        binding=answer.binding,
        proof=answer.proof,
        breaks_glass=answer.act == "break_glass",
        again=answer.again and answer.act == "approve",
        at=answer.at,
    )


def _outcome(case: Case) -> Judgement:
    """Return what comes of an answer to which nothing objects."""
    answer, vote = case.answer, _vote(case.answer)
    match answer.act:
        case "answer":
            return Decided(decision=_decision(answer, "answered", (case.me,), [vote]))
        case "approve":
            return _tally(case, vote)
        case "break_glass":
            return Decided(decision=decision_by(vote), vote=vote)
        case "deny":
            return Decided(decision=_decision(answer, "denied", (case.me,), [vote]), vote=vote)
        case "withdraw":
            return Decided(decision=_decision(answer, "withdrawn", (case.me,)))
        case "ask" | "say":
            return Asked(whom=tuple(one for one in case.record.request.askers if one != case.me))
        case "edit" | "hand_on":
            raise ValueError(f"what comes of {answer.act} is found by whoever makes it")


def _tally(case: Case, vote: Vote) -> Judgement:
    record = case.record.model_copy(update={"votes": (*case.record.votes, vote)})
    made = made_by_votes(record, case.here, vote.at)
    if isinstance(made, Decision):
        return Decided(decision=made, vote=vote)
    return Counted(vote=vote, next_step=made)


def made_by_votes(
    record: RequestRecord, here: Collection[PersonId] | None, at: datetime
) -> Decision | StepBegan | None:
    """Return what the votes of an open approval make of it: its decision, or the step that comes next; None where more
    are needed.

    Whoever has become a requester since, or has left, does not count, though the vote was given before. `here` is as
    for `judge`.
    """
    asked, who = record.asked, who_of(record)
    may = [one for one in who.approve if here is None or one in here]
    voters = tuple(one for one in record.approved_by if one in may)
    if not is_met(asked, voters):
        return None
    before = [one for step in asked.other_steps for one in step.by if one in people_of(step.rule)]
    out = {one for one in before if here is not None and one not in here} | who.out
    if (number := next_step(asked, voters, out)) is not None:
        return StepBegan(number=number, filled=voters)
    everybody = tuple(dict.fromkeys((*(one for one in before if one not in out), *voters)))
    return _approved([vote for vote in record.votes if vote.person in everybody], everybody, at)


def needed_later(record: RequestRecord, here: Collection[PersonId] | None) -> frozenset[PersonId]:
    """Return who decides the step in force and is needed for another one: their approval now would be refused.

    Nobody is waited for whose approval does not count; `here` is as for `judge`.
    """
    if record.request.format != "approval" or record.state != "open":
        return frozenset()
    people = who_of(record)
    there = {*people.named, *record.asked.filled} if here is None else here
    return needed_elsewhere(people, record.approved_by, there)


def _approved(votes: Sequence[Vote], voters: tuple[PersonId, ...], at: datetime) -> Decision:
    """Return the approval by these votes, with the notes of all."""
    return Decision(
        state="approved",
        by=voters,
        way=votes[-1].channel,
        reason="; ".join(filter(None, (vote.reason for vote in votes))),
        operators_keys=tuple(vote.person for vote in votes if vote.is_by_operators_key),
        at=at,
    )


def _decision(answer: Answer, state: Closed, by: tuple[PersonId, ...], votes: Sequence[Vote] = ()) -> Decision:
    reason = answer.text if state in {"denied", "withdrawn"} else ""
    return Decision(
        state=state,
        by=by,
        way="" if state in {"answered", "withdrawn"} else answer.channel,
        reason=reason,
        given=answer.given,
        operators_keys=tuple(vote.person for vote in votes if vote.is_by_operators_key and vote.person in by),
        in_thread=state == "answered" and answer.binding.by == "thread",
        proof=answer.proof if state in {"answered", "withdrawn"} else None,
        at=answer.at,
    )
