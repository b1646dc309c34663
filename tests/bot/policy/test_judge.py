"""The meaning of an answer for a request: a row for each, by its check. What always holds: `test_judge_always.py`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from agents.requests import PersonId, PolicyStep, Remark, RequestState
from agents.requests.asked import AskedStep, HandedOn
from agents.requests.moves import StepBegan
from agents.requests.proof import LinkBy, as_by, rests_on
from agents.requests.record import Comment, RequestRecord
from bot.policy.judge import CHECKS, NO_ROOM, TOO_OFTEN, counts, is_kept, judge, objection
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
    Judgement,
    NotEntitled,
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
from tests.agents.worlds import NOON
from tests.bot.examples import (
    ANNA,
    BO,
    CY,
    DAN,
    EXPIRES,
    LATER,
    SEEN,
    answer,
    anyone,
    approval,
    decision,
    given,
    moved,
    policy,
    question,
    record,
    vote,
)
from tests.kit.guards import guards

EVE, CI = PersonId("eve"), PersonId("ci")
EFFECTS: set[Rests] = {"approve", "break_glass", "edit", "hand_on", "stand_in", "use_standing"}
Row = tuple[RequestRecord, Answer, object, *tuple[pytest.MarkDecorator, ...]]
"""What becomes of an answer to a request, as `short` says it, or its type; and the checks that it would miss."""


def short(found: Judgement | None) -> object:
    """Return how it ended, by whose word and in which words; why somebody may not, and who may; else all of it."""
    match found:
        case Decided(decision=made, vote=cast):
            assert (cast is None) == (made.state in {"withdrawn", "answered"})
            return made.state, *made.by, *filter(None, [made.reason, made.given and made.given.text])
        case Revoked(vote=cast):
            assert not cast.approve
            return "revoked", cast.person, cast.reason
        case NotEntitled(why=why, approvers=approvers):
            return why, *approvers
        case _:
            return found


def under(**changes: object) -> RequestRecord:
    return record(approval(policy=policy(**changes)))


def stands(state: RequestState, *voters: PersonId, **changes: Any) -> RequestRecord:
    return record(state=state, votes=tuple(map(vote, voters)), **changes)


def ways(*names: str, **changes: Any) -> NotThisWay:
    return NotThisWay(ways=names, **changes)


ASKED, PAIR = record(question()), under(quorum=2)
HALF = record(approval(policy=policy(quorum=2)), votes=(vote(BO),))
APPROVED, DENIED, STARTED = stands("approved", BO), stands("denied"), stands("approved", started_at=LATER)
JOINED, OWN = record(joined=(BO,)), policy(requester_may_approve=True)
EDITED = record(asked=moved(editors=(BO,)))
GIVEN = record(asked=moved(handed_on=(HandedOn(person=BO, to=CY),)))
THREE = policy(rule=anyone("bo", "cy", "dan"), quorum=2)
FIRST, THEN = PolicyStep(name="a", rule=anyone("bo")), PolicyStep(name="b", rule=anyone("cy"))
IN_STEPS = under(rule=FIRST.rule, steps=(FIRST, THEN))
NEEDED = PolicyStep(name="a", rule=anyone("bo", "cy", "dan"), quorum=2), PolicyStep(name="b", rule=anyone("bo"))
LEAVES = under(rule=NEEDED[0].rule, quorum=2, steps=NEEDED)
WHY = Comment(person=BO, text="why now?", at=NOON, kind="question", id="asked-1")
FULL = record(comments=(WHY,), noted={ANNA: 50, BO: 50})
SHALL = Remark(person=ANNA, text="Shall I wait?", at=NOON)
BESIDE: Mapping[str, RequestRecord] = {
    "a remark": record(approval(remarks=(SHALL,))),
    "a hand-on": record(asked=moved(handed_on=(HandedOn(person=DAN, to=BO),))),
    "words of theirs": record(noted={BO: 1}),
    "a vote": record(votes=(vote(CY).model_copy(update={"reason": "Shall I wait?"}),)),
    "a void vote": record(void=(vote(CY).model_copy(update={"reason": "Shall I wait?"}),)),
    "a freeze": record(told_why_frozen=True),
}
UNBOUND = "its subject is not that of the card"
IN_TIME = EXPIRES - timedelta(microseconds=1)
OLD: Mapping[str, Mapping[str, Any]] = {"revision": {"revision": 0}, "digest": {"digest": "e" * 64}}
ANY_CARD = OLD | {"own": {}, "of another": {"addressee": CY}}
REPLACED = record().model_copy(update={"replaced": ("d1",)})
ONLY_ASKED = question().policy.model_copy(update={"approve_by_email": False})
STRICTLY = record(question().model_copy(update={"policy": ONLY_ASKED}))
YES_OR_NO: tuple[Act, ...] = ("approve", "deny")
WORDS: tuple[Act, ...] = ("say", "ask")
BOUND: tuple[Act, ...] = ("approve", "hand_on")
EFFECTIVE: tuple[Act, ...] = ("approve", "break_glass", "edit", "hand_on")
TOO_MANY: tuple[tuple[PersonId, Act, str], ...] = (
    (BO, "say", "why now?"), (BO, "ask", "why now"), (ANNA, "say", "the fair opens at noon"),
)  # fmt: skip
OPEN_OR_NOT: tuple[RequestState, ...] = ("open", "approved", "denied")
OVER: tuple[RequestState, ...] = ("approved", "denied", "expired", "withdrawn")
CLOSED: tuple[RequestState, ...] = ("expired", "withdrawn", "superseded", "revoked")
FINAL: tuple[tuple[RequestState, Act], ...] = (
    ("approved", "approve"), ("denied", "approve"), ("denied", "deny"), ("answered", "approve"),
)  # fmt: skip
OVER_AS: tuple[tuple[RequestState, type[Judgement]], ...] = (
    ("approved", AlreadyDecided), ("denied", AlreadyDecided), ("withdrawn", ClosedOtherwise),
)  # fmt: skip

ROWS: Mapping[str, Row] = {
    "the first of two needed approvals counts": (PAIR, answer(BO), Counted),
    "the second one decides": (HALF, answer(CY), ("approved", BO, CY)),
    "one denial decides however many are needed": (HALF, answer(CY, "deny"), ("denied", CY, "not today")),
    "whoever approved may still deny while it is open": (HALF, answer(BO, "deny"), ("denied", BO, "not today")),
    "a second approval by one person is no second vote": (
        HALF, answer(BO, reply_id="another mail"), AlreadyVoted(), guards("judge:first_vote"),
    ),
    "an answer decides a question": (ASKED, answer(ANNA, "answer", given=given()), ("answered", ANNA, "v1.2.0")),
    "words that would stop the run are asked about": (
        ASKED, answer(ANNA, "answer", given=given(), text="stop", may_stop=True), StopOrAnswer(text="stop"),
        guards("judge:stop_or_answer"),
    ),
    # ---- who may
    "a card made for somebody else approves nothing": (
        record(), answer(BO, addressee=CY), ("not_addressee", BO, CY), guards("judge:addressee"),
    ),
    "a denial counts from any card": (record(), answer(BO, "deny", addressee=CY), ("denied", BO, "not today")),
    "that of a stranger counts from none": (record(), answer(DAN, "deny", addressee=CY), ("not_an_approver", BO, CY)),
    **{f"whom the policy does not name does not {act}": (
        record(), answer(DAN, act), ("not_an_approver", BO, CY), guards("judge:entitled"),
    ) for act in YES_OR_NO},
    **{f"a stranger hears of nobody who may of what is {state}": (
        stands(state), answer(DAN), ("over",),
    ) for state in OVER},
    "whoever has joined the requesters since does not decide": (
        JOINED, answer(BO), ("requester", CY), guards("judge:not_requester"),
    ),
    "whoever has joined decides where the policy lets requesters": (
        record(approval(policy=OWN), joined=(BO,)), answer(BO), ("approved", BO),
    ),
    "a requester decides where the policy says so": (
        record(approval(requesters=(BO,), policy=OWN)), answer(BO), ("approved", BO),
    ),
    "an editor does not approve the own edit": (EDITED, answer(BO), ("editor", CY), guards("judge:not_editor")),
    "an editor may deny it": (EDITED, answer(BO, "deny"), ("denied", BO, "not today")),
    "somebody else approves it": (EDITED, answer(CY), ("approved", CY)),
    "whoever handed it on does not approve from a seat that they have": (
        GIVEN, answer(BO), ("handed_on", CY), guards("judge:not_giver"),
    ),
    "whoever handed it on may deny it": (GIVEN, answer(BO, "deny"), ("denied", BO, "not today")),
    "somebody else approves what was handed on": (GIVEN, answer(CY), ("approved", CY)),
    "people of a later step do not approve": (IN_STEPS, answer(CY), ("not_an_approver", BO)),
    "people of a later step do not deny": (IN_STEPS, answer(CY, "deny"), ("not_an_approver", BO)),
    "people of a later step do not edit": (IN_STEPS, answer(CY, "edit"), ("not_an_approver", BO)),
    "whoever has edited may edit again": (
        record(approval(policy=THREE), asked=moved(THREE, editors=(BO,))), answer(BO, "edit"), None,
    ),
    "whoever has voted may edit": (record(approval(policy=THREE), votes=(vote(BO),)), answer(BO, "edit"), None),
    "who is needed later in a step that lacks more does not vote": (LEAVES, answer(BO), ("needed_later", CY, DAN)),
    "somebody else does": (LEAVES, answer(CY), Counted),
    # ---- taking it back
    **{f"a requester's denial withdraws, whoever they are and whatever card it came from: {name}": (
        record(approval(requesters=(ANNA, BO))), answer(person, "deny", **seen), ("withdrawn", person, "not today"),
        guards("judge:withdrawal"),
    ) for name, person, seen in [("Bo", BO, {}), *((name, ANNA, seen) for name, seen in ANY_CARD.items())]},
    "a requester's denial after the approval stops it": (
        APPROVED, answer(ANNA, "deny"), ("revoked", ANNA, "not today"), guards("judge:withdrawal"),
    ),
    "a requester who denies after the start is told since when it runs": (
        STARTED, answer(ANNA, "deny"), TooLate(started_at=LATER), guards("judge:withdrawal"),
    ),
    "a requester who denies what is decided is told how": (
        DENIED, answer(ANNA, "deny"), AlreadyDecided, guards("judge:withdrawal"),
    ),
    **{f"{person} does not withdraw what is {state} and others asked": (
        record(approval(requesters=(ANNA, EVE), parts={EVE: "objected"}), state), answer(person, "withdraw"),
        ("not_asker",), guards("judge:asked_it"),
    ) for person in (BO, DAN, EVE) for state in OPEN_OR_NOT},
    **{f"nobody withdraws what code asks by itself: {purpose}": (
        record(approval(format="free_text", purpose=purpose, call=None)), answer(ANNA, "withdraw"), ("not_withdrawn",),
        guards("judge:may_be_withdrawn"),
    ) for purpose in ("unknown", "review")},
    **{f"whoever asked withdraws what is open: {name}": (
        record(), answer(ANNA, "withdraw", **seen), ("withdrawn", ANNA),
    ) for name, seen in ANY_CARD.items()},
    "whoever asked withdraws a question": (ASKED, answer(ANNA, "withdraw"), ("withdrawn", ANNA)),
    "whoever asked withdraws what they could decide": (
        under(rule=anyone("anna", "bo"), requester_may_approve=True), answer(ANNA, "withdraw", channel="email"),
        ("withdrawn", ANNA),
    ),
    "a program withdraws what it asked by itself": (
        record(approval(program=CI)), answer(CI, "withdraw"), ("withdrawn", CI),
    ),
    "a withdrawal stops what was approved": (
        APPROVED, answer(ANNA, "withdraw", text="not today"), ("revoked", ANNA, "not today"),
    ),
    "a withdrawal after the start is too late": (STARTED, answer(ANNA, "withdraw"), TooLate(started_at=LATER)),
    "a withdrawal of what is decided is told how": (DENIED, answer(ANNA, "withdraw"), AlreadyDecided),
    "a withdrawal after the expiry is told that": (
        record(), answer(ANNA, "withdraw", at=EXPIRES), ClosedOtherwise(state="expired"),
    ),
    **{f"a denial after the approval takes it back: {seen}": (
        APPROVED, answer(CY, "deny", **seen), ("revoked", CY, "not today"), guards("judge:revocation"),
    ) for seen in ({}, *OLD.values(), {"at": EXPIRES}, {"channel": "email"})},
    "the one who approved may take it back": (
        APPROVED, answer(BO, "deny"), ("revoked", BO, "not today"), guards("judge:revocation"),
    ),
    "a denial after the start is too late": (
        STARTED, answer(CY, "deny"), TooLate(started_at=LATER), guards("judge:revocation"),
    ),
    # ---- once it is over
    **{f"the first decision is final: {act} what is {state}": (
        stands(state), answer(CY, act), AlreadyDecided(decision=decision(state), may_stop=state == "approved"),
        guards("judge:undecided"),
    ) for state, act in FINAL},
    **{f"what is {state} takes no answer: {act}": (
        stands(state), answer(BO, act), ClosedOtherwise(state=state), guards("judge:open"),
    ) for state in CLOSED for act in YES_OR_NO},
    **{f"until the expiry it counts: {act}": (record(), answer(BO, act, at=IN_TIME), Decided) for act in YES_OR_NO},
    **{f"from the expiry on nothing counts: {act}": (
        record(), answer(BO, act, at=EXPIRES), ClosedOtherwise(state="expired"), guards("judge:unexpired"),
    ) for act in YES_OR_NO},
    **{f"until the expiry words reach somebody: {act}": (record(), answer(BO, act, at=IN_TIME, text="why now?"), Asked)
       for act in WORDS},
    **{f"words from the expiry on reach nobody: {act}": (
        record(), answer(BO, act, at=EXPIRES, text="why now?"), ClosedOtherwise(state="expired"),
    ) for act in WORDS},
    "a comment after the decision is told who decided": (DENIED, answer(BO, "say", text="hm?"), AlreadyDecided),
    "a stranger learns nothing of how it was decided": (DENIED, answer(DAN), NotEntitled),
    "what is open is handed on": (record(), answer(BO, "hand_on"), None),
    **{f"what is {state} is handed on to nobody": (
        stands(state), answer(BO, "hand_on"), why,
    ) for state, why in OVER_AS},
    "what has expired is handed on to nobody": (record(), answer(BO, "hand_on", at=EXPIRES), ClosedOtherwise),
    # ---- words
    **{f"a requester's words beside an open approval are a remark: {name}": (
        record(), answer(ANNA, "say", text="wait until 5", **seen), Remarked(text="wait until 5"),
        guards("judge:remark"),
    ) for name, seen in {"own": {}, "of another": {"addressee": BO}, "unbound": {"unbound": UNBOUND}}.items()},
    "an old mail of theirs to another's card is none": (
        record(), answer(ANNA, "say", text="wait until 5", addressee=BO, unbound=UNBOUND), NotEntitled,
    ),
    "a card takes twenty remarks and no more": (
        record(approval(remarks=(SHALL,) * 20)), answer(ANNA, "say", text="wait until 5"), Unclear(why=NO_ROOM),
    ),
    "words of a requester that answer a question are that answer": (
        record(comments=(WHY,)), answer(ANNA, "say", text="the fair opens at noon"), Replied(about="asked-1"),
        guards("judge:reply"),
    ),
    **{f"of {person} no more is kept: {act}": (
        FULL, answer(person, act, text=text), Unclear(why=TOO_OFTEN), guards("judge:not_too_often"),
    ) for person, act, text in TOO_MANY},
    "of somebody else it is": (FULL, answer(CY, "say", text="why now?"), Asked),
    "whoever said too much may approve": (FULL, answer(BO), Decided),
    "whoever said too much may deny": (FULL, answer(BO, "deny"), Decided),
    **{f"a yes that may answer {what} beside it is asked back": (
        asked, answer(BO, may_answer=True), Unclear, guards("judge:names_it"),
    ) for what, asked in BESIDE.items()},
    **{f"beside {what} a plain yes counts": (asked, answer(BO), Decided) for what, asked in BESIDE.items()},
    "a yes that may answer what the wish asks is asked back": (
        record(), answer(BO, may_answer=True, wish_asks=True), Unclear,
    ),
    "a plain yes beside what the wish asks counts": (record(), answer(BO, wish_asks=True), Decided),
    "words beside an approval are asked back": (
        record(), answer(BO, note="only after lunch"), NoteUnconfirmed(note="only after lunch"), guards("judge:note"),
    ),
    "what is not plainly a vote is unclear": (
        record(), answer(BO, "say", text="ok, but wait until 5"), Unclear(), guards("judge:asks"),
    ),
    "what does not fit a question's format is unclear": (
        record(question("choice", ("a", "b"))), answer(ANNA, "answer", given=None), Unclear(), guards("judge:is_given"),
    ),
    "a vote answers no question": (ASKED, answer(ANNA), Unclear(), guards("judge:fits")),
    "an answer is no approval": (record(), answer(BO, "answer", given=given()), Unclear(), guards("judge:fits")),
    # ---- what it is about
    **{f"what is not about the card is a comment: {act}": (
        record(), answer(BO, act, unbound=UNBOUND), Unclear(why=UNBOUND), guards("judge:bound"),
    ) for act in BOUND},
    "a denial that is not about the card counts": (record(), answer(BO, "deny", unbound=UNBOUND), Decided),
    "a mail's card that was replaced approves nothing": (
        REPLACED, answer(BO, card="d1", channel="email"), Unclear, guards("judge:bound"),
    ),
    "elsewhere it says what stands by now": (REPLACED, answer(BO, card="d1", channel="slack"), Decided),
    "the card in its place does": (REPLACED, answer(BO, card="d2", channel="email"), Decided),
    "an approval of an older revision is superseded": (
        record(approval(revision=2)), answer(BO, revision=1), OutOfDate(seen_revision=1),
        guards("judge:current_revision"),
    ),
    "an answer to an older question is superseded": (
        record(question().model_copy(update={"revision": 2})), answer(ANNA, "answer", given=given()),
        OutOfDate(seen_revision=1, act="answer"), guards("judge:current_revision"),
    ),
    "an approval of another digest is superseded": (
        record(), answer(BO, digest="e" * 64), OutOfDate(seen_revision=1), guards("judge:same_digest"),
    ),
    "what is of an older revision is handed on to nobody": (
        record(), answer(BO, "hand_on", revision=0), OutOfDate(seen_revision=0, act="hand_on"),
        guards("judge:current_revision"),
    ),
    "what has another digest is handed on to nobody": (
        record(), answer(BO, "hand_on", digest="e" * 64), OutOfDate(seen_revision=1, act="hand_on"),
        guards("judge:same_digest"),
    ),
    **{f"a denial of what stood before denies what stands now: {name}": (
        record(), answer(BO, "deny", **seen), ("denied", BO, "not today"),
    ) for name, seen in OLD.items()},
    # ---- by which way
    "an approval by mail counts where mail does": (record(), answer(BO, channel="email"), Decided),
    "an approval by mail counts nowhere else": (
        under(approve_by_email=False), answer(BO, channel="email"), ways("slack", "console", "cli", "api"),
        guards("judge:this_way"),
    ),
    "an approval counts only in the ways that the policy names": (
        under(answer_from=("email",)), answer(BO, channel="cli"), ways("email"), guards("judge:this_way"),
    ),
    "where no way is left it counts nowhere": (
        under(answer_from=("email",), approve_by_email=False), answer(BO, channel="email"), ways(),
        guards("judge:this_way"),
    ),
    "a denial counts in every way": (
        under(answer_from=("cli",), approve_by_email=False), answer(BO, "deny", channel="email"), Decided,
    ),
    **{f"by a way that does not count nobody does this: {act}": (
        under(approve_by_email=False, break_glass=(anyone("bo"),)),
        answer(BO, act, channel="email", note="down" if act == "break_glass" else ""),
        ways("slack", "console", "cli", "api", act=act),
    ) for act in EFFECTIVE},
    "a policy without mail takes no approval after a log-in by mail": (
        under(answer_from=("console",)), answer(BO, channel="console", link_by="email"), NotThisWay,
    ),
    "a policy with mail does": (
        under(answer_from=("console", "email")), answer(BO, channel="console", link_by="email"), Decided,
    ),
    "where the console is no way that is said whatever the log-in": (
        under(answer_from=("cli",)), answer(BO, channel="console", link_by="email"), ways("cli"),
    ),
    "a question is answered after any log-in": (
        STRICTLY, answer(ANNA, "answer", given=given(), channel="console", link_by="email"), Decided,
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", [pytest.param(row[:3], id=name, marks=row[3:]) for name, row in ROWS.items()])
def test_an_answer_means_what_its_row_says(row: tuple[RequestRecord, Answer, object]) -> None:
    asked, answered, then = row

    found = (objection if answered.act in {"edit", "hand_on"} else judge)(asked, answered)

    assert isinstance(found, then) if isinstance(then, type) else short(found) == then


def test_the_approval_of_one_approver_decides_where_one_is_enough() -> None:
    found = judge(record(), answer(BO))

    assert isinstance(found, Decided)
    assert (found.decision.state, found.decision.by, found.decision.at) == ("approved", (BO,), LATER)
    assert found.vote is not None
    assert (found.vote.person, found.vote.binding) == (BO, SEEN)


def test_a_requester_does_not_decide_even_as_an_approver() -> None:
    own = record(approval(requesters=(BO,)))

    assert judge(own, answer(BO)) == NotEntitled(why="requester", approvers=(CY,))


@guards("judge:note")
def test_words_beside_an_approval_are_asked_back_before_it_counts() -> None:
    noted = answer(BO, note="only after lunch")

    assert judge(record(), noted) == NoteUnconfirmed(note="only after lunch")
    found = judge(record(), noted.model_copy(update={"note_confirmed": True}))
    assert isinstance(found, Decided)
    assert found.vote is not None
    assert (found.vote.reason, found.decision.reason) == ("only after lunch", "only after lunch")


@pytest.mark.parametrize(("joined", "here"), [((BO,), None), ((), (ANNA, CY, DAN))])
def test_a_vote_of_somebody_who_has_joined_the_requesters_or_left_since_no_longer_counts(
    joined: tuple[PersonId, ...], here: tuple[PersonId, ...] | None
) -> None:
    pair = approval(policy=policy(quorum=2, rule=anyone("bo", "cy", "dan")))
    voted = record(pair, votes=(vote(BO),), joined=joined)

    second = judge(voted, answer(CY), here)
    third = judge(voted.model_copy(update={"votes": (vote(BO), vote(CY))}), answer(DAN), here)

    assert isinstance(second, Counted)
    assert isinstance(third, Decided)
    assert third.decision.by == (CY, DAN)


def test_the_first_denial_after_the_start_is_kept_however_much_its_writer_said_before() -> None:
    full = record(state="approved", started_at=LATER, noted={CY: 50})
    stopped = full.model_copy(update={"stopped": vote(BO, approve=False)})

    assert is_kept(full, CY, TooLate(started_at=LATER))
    assert not is_kept(stopped, CY, TooLate(started_at=LATER))
    assert not is_kept(full, CY, Unclear())


@pytest.mark.parametrize("act", [*ACTS, "stand_in", "use_standing"])
@pytest.mark.parametrize(
    ("channel", "link_by", "by_mail", "there"),
    [
        ("cli", None, False, True),
        ("email", None, False, False),
        ("email", None, True, True),
        ("console", "email", False, False),
        ("console", "email", True, True),
        ("slack", None, True, False),
    ],
)
def test_what_has_an_effect_counts_where_an_approval_does_and_everything_else_by_every_way(
    act: Rests, channel: str, link_by: LinkBy | None, *, by_mail: bool, there: bool
) -> None:
    ways = policy(approve_by_email=by_mail, answer_from=("email", "console", "cli", "api"))

    assert counts(ways, act, rests_on(as_by(channel, link_by))) is (there or act not in EFFECTS)


@pytest.mark.parametrize("act", YES_OR_NO)
@pytest.mark.parametrize("by_email", [True, False])
@pytest.mark.parametrize("link_by", [None, "slack", "email", "operator"])
@pytest.mark.parametrize("channel", ["console", "cli", "api"])
def test_after_a_log_in_by_a_mailed_link_an_approval_counts_where_one_by_mail_does(
    *, channel: str, link_by: LinkBy | None, by_email: bool, act: Act
) -> None:
    asked = record(approval(policy=policy(approve_by_email=by_email)))

    found = judge(asked, answer(BO, act, channel=channel, link_by=link_by))

    if act == "approve" and link_by == "email" and not by_email:
        assert found == NotThisWay(ways=("slack", "console", "cli", "api"), rests_on_mail=True)
    else:
        assert isinstance(found, Decided)
        assert found.decision.state == ("approved" if act == "approve" else "denied")


@guards("judge:leaves_enough")
def test_attack_a_vote_that_leaves_nobody_for_the_next_step_is_refused_and_says_who_may() -> None:
    steps = (PolicyStep(name="a", rule=anyone("bo", "cy")), PolicyStep(name="b", rule=anyone("bo")))
    asked = record(approval(policy=policy(rule=steps[0].rule, steps=steps)))

    assert judge(asked, answer(BO)) == NotEntitled(why="needed_later", approvers=(CY,))
    assert isinstance(judge(asked, answer(BO, "deny")), Decided)
    first = judge(asked, answer(CY))
    assert isinstance(first, Counted)
    assert first.next_step == StepBegan(number=1, filled=(CY,))


@pytest.mark.parametrize("part", ["decides", "edited", "gave", "decided before", "decides later", "took", "only asks"])
def test_a_denial_of_whoever_asked_and_may_approve_denies_it_and_of_who_only_asks_withdraws(part: str) -> None:
    own = policy(requester_may_approve=True, rule=anyone("anna" if part in {"decides", "edited"} else "bo"))
    before, later = (AskedStep(name="a", rule=anyone("anna"), by=(ANNA,)), AskedStep(name="b", rule=own.rule))
    changes: dict[str, dict[str, object]] = {
        "edited": {"editors": (ANNA,)},
        "gave": {"handed_on": (HandedOn(person=ANNA, to=BO),), "may_deny": (ANNA,)},
        "decided before": {"steps": (before, later), "in_step": 1, "may_deny": (ANNA,)},
        "decides later": {"steps": (AskedStep(name="a", rule=own.rule), AskedStep(name="b", rule=anyone("anna")))},
        "took": {"rule": anyone("anna"), "handed_on": (HandedOn(person=BO, to=ANNA),)},
    }

    found = judge(record(approval(policy=own), asked=moved(own, **changes.get(part, {}))), answer(ANNA, "deny"))

    assert isinstance(found, Decided)
    assert found.decision.state == ("withdrawn" if part in {"decides later", "took", "only asks"} else "denied")


def test_each_check_has_a_name_of_its_own() -> None:
    checks = [row.check for row in CHECKS]

    assert len(set(checks)) == len(checks)
