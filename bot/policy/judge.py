"""The judgement of an answer to a request.

Pure: `decide` commits what is found here, or judges again.
"""

import re
from collections.abc import Callable, Collection, Sequence

from agents.requests import (
    Closed,
    Decision,
    Given,
    PersonId,
    PolicySnapshot,
    Request,
    Vote,
    people_of,
)
from agents.requests.proof import rests_on
from agents.text import says_something
from bot.policy.approvers.quorum import barred, eligible, is_met
from bot.policy.approvers.steps import needed_elsewhere, next_step
from bot.policy.glass import decision_by, objection
from bot.policy.judgements import (
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
    NoteUnconfirmed,
    NotThisWay,
    OutOfDate,
    Remarked,
    Replied,
    Revoked,
    StopOrAnswer,
    TooLate,
    Unclear,
)
from bot.policy.record import RequestRecord
from bot.policy.whole import is_whole

# Within an address no blank follows it.
_QUESTION = re.compile(r"\uff1f|[?\u061f][\"'”»)\]]*(?=\s|\Z)")

# Each makes a new card for everybody who is asked: who has more to say withdraws, and asks anew.
MOST_REMARKS = 20

MOST_NOTED = 50
"""An answer that does not count is kept, and told; one person's robot that keeps answering has no more of one request.
"""


def judge(record: RequestRecord, answer: Answer, here: Collection[PersonId] | None = None) -> Judgement:
    """Judge `answer` for `record`: the first check that objects, else the tally of those who are still `here`.

    `here` is everyone in the directory; None: all whom the record names.
    """
    for check in CHECKS:
        if (objection := check(record, answer)) is not None:
            return _named_now(objection, record, here)
    return _tally(record, answer, here)


def not_theirs(record: RequestRecord, here: Collection[PersonId] | None = None) -> Judgement:
    """Object to an answer of somebody who has nothing to do with the request."""
    return _named_now(NotEntitled(why="not_an_approver", approvers=_eligible(record)), record, here)


def _named_now(found: Judgement, record: RequestRecord, here: Collection[PersonId] | None) -> Judgement:
    """Name nobody who may decide what nobody decides any more, nor anybody who has left."""
    if not isinstance(found, NotEntitled):
        return found
    if record.state != "open":
        return NotEntitled(why="over", approvers=())
    there = tuple(one for one in found.approvers if here is None or one in here)
    return found.model_copy(update={"approvers": there})


def _withdrawal(record: RequestRecord, answer: Answer) -> Judgement | None:
    """A requester's no takes back what has not started, whatever card it came from; it does no harm."""
    if answer.approve is not False or not _only_asks(record, answer.person):
        return None
    if record.state == "approved":
        return _revocation(record, answer)
    if closed := _undecided(record, answer) or _open(record, answer) or _unexpired(record, answer):
        return closed
    return Decided(decision=_decision(answer, "withdrawn", (answer.person,)))


def _reply(record: RequestRecord, answer: Answer) -> Judgement | None:
    """Return what becomes of a requester's answer to words of others: those it names, else the newest question."""
    if not _are_words_of_requester(record, answer):
        return None
    question = record.question_for(answer.person)
    about = answer.about or (question.id if question else "")
    closed = _undecided(record, answer) or _open(record, answer) or _unexpired(record, answer)
    if closed:  # what steers the run goes on to it, and whoever answers somebody hears that it is too late
        return closed if answer.about else None
    if about and not is_noted(record, answer.person):
        return Unclear(why=TOO_OFTEN)
    return Replied(about=about) if about else None


def _remark(record: RequestRecord, answer: Answer) -> Judgement | None:
    """Return a remark for words of a requester: those who decide must see them before they do."""
    is_open = record.state == "open" and _unexpired(record, answer) is None
    if not is_open or not _are_words_of_requester(record, answer):
        return None
    return Remarked(text=answer.text.strip()) if len(record.request.remarks) < MOST_REMARKS else None


def _are_words_of_requester(record: RequestRecord, answer: Answer) -> bool:
    if answer.unbound and answer.addressee not in {None, answer.person}:
        return False  # nothing shows that they wrote it here: an old mail can be sent to another's card
    is_said = bool(answer.text.strip()) and answer.approve is None and not answer.asks
    return is_said and record.request.format == "approval" and answer.person in record.askers


def _addressee(record: RequestRecord, answer: Answer) -> Judgement | None:
    """Object to an answer by somebody else's card; a denial counts whatever card it came from, as it does no harm."""
    if answer.addressee not in {None, answer.person} and answer.approve is not False:
        return NotEntitled(why="not_addressee", approvers=_eligible(record))
    return None


def _stop_or_answer(record: RequestRecord, answer: Answer) -> Judgement | None:
    """Ask a requester which they mean where both fit. While one is asked, no other answer lets the run go on.

    Nor does what they may have written before: it may be read after the stop.
    """
    if answer.may_stop and answer.person in record.askers:
        return StopOrAnswer(text=answer.text.strip())
    if answer.given is None or not record.doubts:
        return None
    if any(one != answer.person for one in record.doubts):
        return Unclear(why=MAY_BE_STOPPED)
    is_newer = answer.delivery_id is not None and answer.delivery_id not in record.doubts[answer.person]
    return None if answer.is_plain or is_newer else Unclear(why=SAY_WHICH)


def _clear(record: RequestRecord, answer: Answer) -> Judgement | None:
    is_vote = record.request.format == "approval"
    if answer.breaks_glass and not says_something(answer.note):
        return Unclear(why=NO_REASON)
    if answer.breaks_glass and not _is_emergency(answer.note):
        return Unclear(why=AGAINST)
    if answer.edits or (answer.approve if is_vote else answer.given) is not None:
        return None
    if is_vote and answer.text.strip() and (answer.asks or is_question(answer.text)):
        if not is_noted(record, answer.person):
            return Unclear(why=TOO_OFTEN)
        return Asked(whom=tuple(one for one in record.request.askers if one != answer.person))
    return Unclear(misfits=answer.misfits, kept=answer.kept)


def _is_emergency(text: str) -> bool:
    from channels.email.reply.against import is_emergency  # noqa: PLC0415 - who only shows requests reads no words

    return is_emergency(text)


def is_question(text: str) -> bool:
    """Return whether a sentence of `text` ends with a question mark."""
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


REPLACED = "it answers a card that was replaced by a newer one"
NO_REASON = "to break the glass, say why"
SAY_WHICH = "what you wrote may have stopped the run: send the one word stop, or answer: and the words behind it"
MAY_BE_STOPPED = "a requester may have stopped the run, and is asked whether they did; until then nothing counts here"
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


def _bound(record: RequestRecord, answer: Answer) -> Judgement | None:
    """Object to an answer that is not about this card; a denial counts all the same, as it does no harm."""
    if answer.approve is False or (answer.approve is None and answer.given is None):
        return None
    is_replaced = answer.delivery_id in record.replaced
    why = answer.unbound or (REPLACED if is_replaced else "")
    return Unclear(why=why) if why else None


def _not_giver(record: RequestRecord, answer: Answer) -> Judgement | None:
    """Object to what decides by somebody who handed it on; a denial of theirs counts, and words are for people."""
    is_theirs = answer.person in record.request.policy.givers
    is_harmless = record.request.format == "approval" and answer.approve is not True and not answer.edits
    return NotEntitled(why="handed_on", approvers=_eligible(record)) if is_theirs and not is_harmless else None


def _entitled(record: RequestRecord, answer: Answer) -> Judgement | None:
    if answer.breaks_glass and answer.approve:
        return objection(record, answer)
    if answer.person in people_of(record.request.policy.rule) or _may_still_deny(record, answer):
        return None
    return NotEntitled(why="not_an_approver", approvers=_eligible(record))


def _may_still_deny(record: RequestRecord, answer: Answer) -> bool:
    """Return whether this person could decide it before others can now: to approve it again is to have voted."""
    has_voted = any(vote.person == answer.person for vote in record.votes)
    broke = record.decision.by if record.decision and record.decision.broke_glass else ()
    may = (*record.request.policy.may_deny, *broke)  # whoever broke the glass may take that back
    is_theirs = record.request.format == "approval" and answer.person in may
    return is_theirs and (has_voted or answer.approve is not True)


def _not_requester(record: RequestRecord, answer: Answer) -> Judgement | None:
    """Object to what a requester decides; a denial counts of who only may be one, and words are for people."""
    is_no_yes = record.request.format == "approval" and answer.approve is not True and not answer.edits
    is_harmless = is_no_yes and record.only_may_be(answer.person)
    if answer.person in record.request.policy.barred(record.requesters) and not is_harmless:
        return NotEntitled(why="requester", approvers=_eligible(record))
    return None


def _not_editor(record: RequestRecord, answer: Answer) -> Judgement | None:
    """Object to an approval of one's own edit; a denial of it counts."""
    is_own = answer.person in record.request.policy.editors
    return NotEntitled(why="editor", approvers=_eligible(record)) if is_own and answer.approve else None


def _revocation(record: RequestRecord, answer: Answer) -> Judgement | None:
    """A denial counts until the start, whatever card it came from."""
    if record.state != "approved" or answer.approve is not False:
        return None
    if record.began_at is not None:
        return TooLate(started_at=record.began_at)
    return Revoked(vote=_vote(answer))


def _undecided(record: RequestRecord, answer: Answer) -> Judgement | None:
    if not _is_by_people(record) or record.decision is None:
        return None
    is_stoppable = record.state == "approved" and record.began_at is None
    may_stop = is_stoppable and isinstance(judge(record, _as_denial(answer)), Revoked)
    return AlreadyDecided(decision=record.decision, may_stop=may_stop)


def _as_denial(answer: Answer) -> Answer:
    return answer.model_copy(update={"approve": False, "given": None, "edits": False, "breaks_glass": False})


def _open(record: RequestRecord, _: Answer) -> Judgement | None:
    return ClosedOtherwise(state=record.state) if record.state != "open" else None


def _unexpired(record: RequestRecord, answer: Answer) -> Judgement | None:
    return ClosedOtherwise(state="expired") if answer.at >= record.request.expires_at else None


def _this_way(record: RequestRecord, answer: Answer, act: Act | None = None) -> Judgement | None:
    """Object to what has an effect in a channel where it does not count: `act`, or what `answer` itself is."""
    policy, done = record.request.policy, act or _act(answer)
    if not counts(policy, done, rests_on(answer.proof)):
        ways = ways_to_approve(policy)
        return NotThisWay(ways=ways, rests_on_mail=answer.channel in ways, act=done)
    if done in BY_ANY_WAY or answer.channel in (ways := ways_for(record.request)):
        return None
    return NotThisWay(ways=ways, too_long=True, act=done)


def _act(answer: Answer) -> Act:
    if answer.edits:
        return "edit"
    if answer.approve:
        return "break_glass" if answer.breaks_glass else "approve"
    return "deny" if answer.approve is False else "answer" if answer.given else "say"


def _current_revision(record: RequestRecord, answer: Answer) -> Judgement | None:
    is_older = answer.revision != record.request.revision
    return OutOfDate(seen_revision=answer.revision) if is_older and answer.approve is not False else None


def _same_digest(record: RequestRecord, answer: Answer) -> Judgement | None:
    is_other = answer.digest != record.request.digest
    return OutOfDate(seen_revision=answer.revision) if is_other and answer.approve is not False else None


def _first_vote(record: RequestRecord, answer: Answer) -> Judgement | None:
    has_voted = any(vote.person == answer.person for vote in record.votes)
    return AlreadyVoted() if has_voted and answer.approve and not answer.breaks_glass else None


def _names_it(record: RequestRecord, answer: Answer) -> Judgement | None:
    """Ask back a yes that may answer what was written beside the request, or what its writer was told of their words.

    `Shall I wait until Friday?`, `Your question goes to Anna Ames`, `Handed on to you: please take it`, the note of
    whoever approved before and the reason of a freeze stand on the card that it answers, also once that freeze is over.
    So does a question in the wish that is not all of the wish, or in what is to be done. No list of words tells each
    question from a remark.
    """
    request = record.request
    was_said = request.remarks or request.policy.handed_on or record.comments or record.noted.get(answer.person)
    was_said = was_said or any(vote.reason.strip() for vote in (*record.votes, *record.void))
    was_said = was_said or record.told_why_frozen or answer.wish_asks
    return Unclear(why=NOT_NAMED) if answer.may_answer and was_said else None


def _note(_: RequestRecord, answer: Answer) -> Judgement | None:
    """A condition beside a yes is neither dropped nor taken for part of the yes."""
    is_asked_back = answer.approve and answer.note and not answer.note_confirmed and not answer.breaks_glass
    return NoteUnconfirmed(note=answer.note) if is_asked_back else None


def _glass(_: RequestRecord, answer: Answer) -> Judgement | None:
    """Ask whoever typed a reason as a message: no list of words tells each objection from a reason.

    A page, a window, a terminal and a program have a button, or a word of its own, for this act alone.
    """
    is_asked_back = answer.breaks_glass and answer.approve and answer.channel == "email" and not answer.note_confirmed
    return GlassUnconfirmed(reason=answer.note) if is_asked_back else None


# In order: what a requester may always say, whose answer it is, what it says, whether it may still count, whether it is
# about what stands now.
CHECKS: tuple[Callable[[RequestRecord, Answer], Judgement | None], ...] = (
    _withdrawal,
    _reply,
    _remark,
    _addressee,
    _not_giver,
    _entitled,
    _not_requester,
    _not_editor,
    _revocation,
    _undecided,
    _open,
    _unexpired,
    _stop_or_answer,
    _clear,
    _bound,
    _this_way,
    _current_revision,
    _same_digest,
    _first_vote,
    _names_it,
    _note,
    _glass,
)


def edit_objection(record: RequestRecord, answer: Answer) -> Judgement | None:
    """Return why `answer` may not change what is asked: by the rules of a vote, only that it is none.

    Whoever may only deny it by now changes nothing either: an edit voids the votes of those who decide.
    """
    meant = answer.model_copy(update={"edits": True, "approve": None, "given": Given(text="-"), "text": ""})
    found = next((found for check in CHECKS if (found := check(record, meant)) is not None), None)
    policy = record.request.policy
    if found or answer.person in people_of(policy.rule):
        return found
    if any(answer.person in step.by for step in policy.other_steps):
        return AlreadyVoted()
    return NotEntitled(why="not_an_approver", approvers=_eligible(record))


def change_objection(record: RequestRecord, answer: Answer) -> tuple[Judgement | None, bool]:
    """Return why `answer` may not change what is asked, and whether it is of somebody who asked and never decides.

    What whoever asked changes counts by any way: everybody is asked anew about it. Who decides another step, or once it
    escalates, changes it as one who decides: what they chose they do not approve then.
    """
    found = edit_objection(record, answer)
    if not (record.may_withdraw(answer.person) and isinstance(found, NotEntitled | AlreadyVoted)):
        return found, False
    meant = answer.model_copy(update={"edits": True, "approve": None, "given": Given(text="-"), "text": ""})
    checks = (_addressee, _undecided, _open, _unexpired, _bound, _current_revision, _same_digest)
    found = next((found for check in checks if (found := check(record, meant)) is not None), None)
    return found, not _comes_to_decide(record, answer.person)


def _comes_to_decide(record: RequestRecord, person: PersonId) -> bool:
    """Return whether `person` decides it in whichever step, or once it escalates, but for what they changed."""
    policy = record.request.policy
    rules = [policy.rule, *policy.escalate_to]
    for step in policy.steps:
        rules += [step.rule, *step.escalate_to]
    is_out = person in {*policy.givers, *policy.barred(record.requesters)}
    return not is_out and any(person in people_of(rule) for rule in rules)


def delegation_objection(record: RequestRecord, answer: Answer) -> Judgement | None:
    """Return why nobody may hand it on by `answer`: it is closed, or nothing shows that it is about this card.

    Nor by a way by which they could not approve it: whoever reads their mailbox could choose who does.
    """
    meant = answer.model_copy(update={"approve": None, "given": Given(text="-")})
    checks = (_addressee, _undecided, _open, _unexpired, _bound)
    found = next((found for check in checks if (found := check(record, meant)) is not None), None)
    return found or _this_way(record, answer, "hand_on")


def _only_asks(record: RequestRecord, person: PersonId) -> bool:
    """Return whether `person` asks for an approval, and does not decide it as well, now or before."""
    if record.request.format != "approval" or record.only_may_be(person):
        return False
    if person not in record.requesters:
        return record.may_withdraw(person)
    policy = record.request.policy
    return person in policy.barred(record.requesters) or person not in {*people_of(policy.rule), *policy.may_deny}


def _eligible(record: RequestRecord) -> tuple[PersonId, ...]:
    return eligible(record.request.policy, record.requesters)


def _is_by_people(record: RequestRecord) -> bool:
    return record.state in {"approved", "denied", "answered"}


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
BY_ANY_WAY: frozenset[Act] = frozenset({"deny", "answer", "say"})
"""What counts however it was said: a denial only stops something; what comes of the answer to a question is asked by
its own policy; and words are for people to read. So does what whoever asked changes: everybody is asked anew.

By everything else a gated tool runs, or others decide about it: whoever reads somebody's mailbox must not do that where
no approval by mail counts.
"""


def counts(policy: PolicySnapshot, act: Act, ways: Collection[str]) -> bool:
    """Return whether `act` counts that rests on all of these `ways` (`rests_on`)."""
    return act in BY_ANY_WAY or (bool(ways) and set(ways) <= set(ways_to_approve(policy)))


def _vote(answer: Answer) -> Vote:
    return Vote(
        reply_id=answer.reply_id,
        person=answer.person,
        approve=bool(answer.approve),
        reason=answer.text if answer.approve is False else answer.note,
        revision=answer.revision,
        digest=answer.digest,
        proof=answer.proof,
        breaks_glass=answer.breaks_glass and bool(answer.approve),
        again=answer.again and bool(answer.approve),
        at=answer.at,
    )


def _tally(record: RequestRecord, answer: Answer, here: Collection[PersonId] | None) -> Judgement:
    if record.request.format != "approval":
        return Decided(decision=_decision(answer, "answered", (answer.person,), [_vote(answer)]))
    vote = _vote(answer)
    if not vote.approve:
        return Decided(decision=_decision(answer, "denied", (answer.person,), [vote]), vote=vote)
    if vote.breaks_glass:
        return objection(record, answer, here) or Decided(decision=decision_by(vote), vote=vote)
    # Whoever has become a requester since, or has left, does not count, though the vote was given before.
    may = [person for person in _eligible(record) if here is None or person in here]
    voters = tuple(person for person in (*(vote.person for vote in record.votes), answer.person) if person in may)
    policy = record.request.policy
    if (stuck := _leaves_too_few(record, answer.person, here)) is not None:
        return stuck
    if not is_met(policy, voters):
        return Counted(vote=vote)
    before = [one for step in policy.other_steps for one in step.by if one in people_of(step.rule)]
    out = {one for one in before if here is not None and one not in here} | barred(policy, record.requesters)
    if (number := next_step(policy, voters, out)) is not None:
        return Counted(vote=vote, next_step=number)
    everybody = tuple(dict.fromkeys((*(one for one in before if one not in out), *voters)))
    return Decided(decision=_approved(record, answer, everybody, vote), vote=vote)


def needed_later(record: RequestRecord, here: Collection[PersonId] | None = None) -> frozenset[PersonId]:
    """Return who decides the step in force and is needed for another one: their approval now would be refused.

    Nobody is waited for whose approval does not count; `here` is as for `judge`.
    """
    if record.request.format != "approval" or record.state != "open":
        return frozenset()
    policy = record.request.policy
    there = {*policy.everybody, *(one for step in policy.steps for one in step.by)} if here is None else here
    voted = [vote.person for vote in record.votes if vote.approve]
    return needed_elsewhere(policy, record.requesters, voted, there)


def _leaves_too_few(record: RequestRecord, person: PersonId, here: Collection[PersonId] | None) -> NotEntitled | None:
    """Object to an approval after which too few are left for another step; name those who may give one."""
    later = needed_later(record, here)
    if person not in later:
        return None
    out = {person, *later, *(vote.person for vote in record.votes if vote.approve)}
    others = (one for one in _eligible(record) if (here is None or one in here) and one not in out)
    return NotEntitled(why="needed_later", approvers=tuple(others))


def _approved(record: RequestRecord, answer: Answer, voters: tuple[PersonId, ...], vote: Vote) -> Decision:
    """Return the approval, with the notes of all whose votes made it."""
    notes = [vote.reason for vote in record.votes if vote.approve and vote.person in voters]
    decision = _decision(answer, "approved", voters, [*record.votes, vote])
    return decision.model_copy(update={"reason": "; ".join(filter(None, (*notes, answer.note)))})


def _decision(answer: Answer, state: Closed, by: tuple[PersonId, ...], votes: Sequence[Vote] = ()) -> Decision:
    reason = answer.text if state in {"denied", "withdrawn"} else ""
    return Decision(
        state=state,
        by=by,
        way="" if state in {"answered", "withdrawn"} else answer.channel,
        reason=reason,
        given=answer.given,
        operators_keys=tuple(vote.person for vote in votes if vote.is_by_operators_key and vote.person in by),
        proof=answer.proof if state in {"answered", "withdrawn"} else None,
        at=answer.at,
    )
