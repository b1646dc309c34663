"""Promises for any answers to any request, in any order."""

from collections.abc import Iterable
from typing import get_args

from hypothesis import given as any_of_them
from hypothesis import strategies as st

from agents.requests import PersonId, RequestState
from agents.requests.proof import LinkBy, Proof, as_by, rests_on
from agents.requests.record import RequestRecord
from bot.policy.approvers.quorum import is_met
from bot.policy.approvers.who import who_of
from bot.policy.judge import counts, judge
from bot.policy.judgements import ACTS, Act, Answer, Counted, Decided, Revoked
from tests.bot.examples import (
    ANNA,
    BO,
    CY,
    DAN,
    DIGEST,
    EXPIRES,
    LATER,
    SEEN,
    all_of,
    answer,
    anyone,
    approval,
    policy,
    record,
    vote,
)

STATES: tuple[RequestState, ...] = RequestState.__args__
EVERYBODY = (ANNA, BO, CY, DAN)


def after(before: RequestRecord, said: Answer) -> RequestRecord:
    """The record once what `judge` finds is written."""
    match judge(before, said):
        case Counted() as counted:
            return before.model_copy(update={"votes": (*before.votes, counted.vote)})
        case Decided() as decided:
            votes = (*before.votes, decided.vote) if decided.vote else before.votes
            changes = {"votes": votes, "state": decided.decision.state, "decision": decided.decision}
            return before.model_copy(update=changes)
        case Revoked() as revoked:
            return before.model_copy(update={"state": "revoked", "votes": (*before.votes, revoked.vote)})
        case _:
            return before


def played(start: RequestRecord, answers: Iterable[Answer]) -> RequestRecord:
    for one in answers:
        start = after(start, one)
    return start


def assert_broken(start: RequestRecord, end: RequestRecord) -> None:
    """One person who may has said so of what stands, with a reason; their word counts as nobody's approval."""
    assert end.decision
    [broke] = [one for one in end.votes if one.breaks_glass]
    assert end.decision.by == (broke.person,)
    assert broke.person in who_of(start).glass
    assert (broke.binding, broke.reason) == (SEEN, end.decision.reason)
    assert broke.reason.strip()


PEOPLE = st.sampled_from(EVERYBODY)
ANSWERS = st.builds(
    answer,
    PEOPLE,
    st.sampled_from([act for act in ACTS if act not in {"edit", "hand_on"}]),
    addressee=st.none() | PEOPLE,
    channel=st.sampled_from(["cli", "email", "carrier pigeon"]),
    link_by=st.sampled_from([None, "slack", "email", "operator"]),
    revision=st.sampled_from([1, 2]),
    digest=st.sampled_from([DIGEST, "e" * 64]),
    at=st.sampled_from([LATER, EXPIRES]),
    text=st.sampled_from(["", "approved", "approve", "deny"]),
    note=st.sampled_from(["", "checkout is down"]),
)
POLICIES = st.builds(
    policy,
    rule=st.sampled_from([anyone(), anyone("bo", "cy"), anyone(*EVERYBODY), all_of(anyone("bo"), anyone("bo", "cy"))]),
    quorum=st.integers(min_value=1, max_value=3),
    requester_may_approve=st.booleans(),
    approve_by_email=st.booleans(),
    break_glass=st.lists(PEOPLE, max_size=2, unique=True).map(lambda people: (anyone(*people),) if people else ()),
)
RECORDS = st.builds(
    record,
    st.builds(approval, policy=POLICIES, requesters=st.lists(PEOPLE, max_size=2, unique=True).map(tuple)),
    state=st.sampled_from(STATES),
    votes=st.lists(PEOPLE, max_size=2, unique=True).map(lambda people: tuple(vote(person) for person in people)),
    started_at=st.none() | st.just(LATER),
    joined=st.lists(PEOPLE, max_size=2, unique=True).map(tuple),
)
OPEN = RECORDS.map(lambda found: found.model_copy(update={"state": "open", "votes": (), "decision": None}))


@any_of_them(RECORDS, ANSWERS)
def test_every_answer_to_every_request_means_something(found: RequestRecord, said: Answer) -> None:
    assert judge(found, said) == judge(found, said)


@any_of_them(RECORDS, ANSWERS)
def test_nothing_but_a_plain_vote_of_somebody_entitled_changes_anything(found: RequestRecord, said: Answer) -> None:
    changes = after(found, said) != found

    if changes and said.act == "break_glass":
        assert said.person in who_of(found).glass
        assert said.binding.addressee in {None, said.person}
    elif changes and said.act == "withdraw":
        assert said.person in found.askers
    elif changes and said.person in who_of(found).approve:
        assert said.act in {"approve", "deny"}
        assert said.act == "deny" or said.binding.addressee in {None, said.person}
    elif changes:
        assert (said.act, said.person in found.requesters) == ("deny", True), "who only asks takes it back at most"


@any_of_them(RECORDS, ANSWERS, st.text())
def test_no_free_text_ever_decides_an_approval(found: RequestRecord, said: Answer, text: str) -> None:
    typed = said.of("say").model_copy(update={"text": text})

    assert after(found, typed) == found


@any_of_them(RECORDS, ANSWERS)
def test_after_a_log_in_by_mail_no_approval_changes_what_one_by_mail_would_not(
    found: RequestRecord, said: Answer
) -> None:
    mailed = said.of("approve").model_copy(update={"proof": as_by(said.channel, "email")})

    assert found.request.policy.approve_by_email or after(found, mailed) == found


@any_of_them(OPEN, st.lists(ANSWERS, max_size=8))
def test_an_approval_is_made_by_enough_different_people_who_may_and_saw_what_stands(
    start: RequestRecord, answers: list[Answer]
) -> None:
    end = played(start, answers)

    if end.decision and end.decision.broke_glass:
        assert_broken(start, end)
    elif end.decision and end.decision.state == "approved":
        voted = [one for one in end.votes if one.approve]
        assert is_met(start.request.policy, end.decision.by)
        assert len(set(end.decision.by)) == len(end.decision.by)
        assert set(end.decision.by) <= set(who_of(start).approve)
        assert {(one.binding.revision, one.binding.digest) for one in voted} == {(1, DIGEST)}


@any_of_them(OPEN, st.permutations([answer(person) for person in EVERYBODY]))
def test_the_order_of_approvals_does_not_matter(start: RequestRecord, answers: list[Answer]) -> None:
    in_order = played(start, [answer(person) for person in EVERYBODY])

    assert played(start, answers).state == in_order.state


@any_of_them(OPEN, st.lists(ANSWERS, max_size=5), st.integers(min_value=2, max_value=5))
def test_saying_it_more_often_is_not_more(start: RequestRecord, answers: list[Answer], times: int) -> None:
    approvals = [said for said in answers if said.act == "approve"]

    assert played(start, [said for said in approvals for _ in range(times)]) == played(start, approvals)


@any_of_them(RECORDS, PEOPLE)
def test_until_the_start_a_denial_by_somebody_entitled_always_wins(found: RequestRecord, person: PersonId) -> None:
    may_deny = person in who_of(found).approve
    is_early = found.state == "open" or (found.state == "approved" and found.started_at is None)

    end = after(found, answer(person, "deny", revision=0, digest="older", channel="email"))

    if may_deny and is_early:
        assert end.state == ("denied" if found.state == "open" else "revoked")
    elif person in found.requesters and is_early:
        assert end.state == ("withdrawn" if found.state == "open" else "revoked")
    else:
        assert end == found


@any_of_them(RECORDS, PEOPLE)
def test_until_the_start_a_withdrawal_by_whoever_asked_always_wins(found: RequestRecord, person: PersonId) -> None:
    is_early = found.state == "open" or (found.state == "approved" and found.started_at is None)

    end = after(found, answer(person, "withdraw", revision=0, digest="older", channel="email"))

    if person in found.askers and is_early:
        assert end.state == ("withdrawn" if found.state == "open" else "revoked")
    else:
        assert end == found


@any_of_them(OPEN, st.lists(ANSWERS, max_size=6), st.lists(PEOPLE, max_size=2), st.lists(ANSWERS, max_size=6))
def test_whoever_joins_the_requesters_midway_is_none_of_those_who_approve(
    start: RequestRecord, first: list[Answer], joined: list[PersonId], then: list[Answer]
) -> None:
    midway = played(start, first)
    if midway.state != "open":
        return
    now = midway.model_copy(update={"joined": (*midway.joined, *joined)})

    end = played(now, then)

    if end.decision and end.decision.broke_glass:
        assert_broken(now, end)
    elif end.decision and end.decision.state == "approved":
        assert set(end.decision.by) <= set(who_of(now).approve)
        assert is_met(now.request.policy, end.decision.by)


GLASS = st.builds(
    approval,
    policy=POLICIES.map(lambda found: found.model_copy(update={"break_glass": (anyone("bo", "dan"),)})),
    requesters=st.lists(PEOPLE, max_size=2, unique=True).map(tuple),
).map(record)
BREAKING = st.builds(
    answer, PEOPLE, st.just("break_glass"), note=st.sampled_from(["", "checkout is down"]), channel=st.just("cli")
)


@any_of_them(GLASS, st.lists(ANSWERS | BREAKING, max_size=6))
def test_the_glass_is_broken_only_by_whom_the_policy_names_and_nobody_who_took_part(
    start: RequestRecord, answers: list[Answer]
) -> None:
    end = played(start, answers)

    assert [one.breaks_glass for one in end.votes if one.approve].count(True) <= 1
    if end.decision and end.decision.broke_glass:
        assert_broken(start, end)
    elif end.decision and end.decision.state == "approved":
        assert is_met(start.request.policy, end.decision.by)


@any_of_them(GLASS, PEOPLE, st.lists(ANSWERS | BREAKING, max_size=4))
def test_after_a_denial_nobody_breaks_the_glass(start: RequestRecord, person: PersonId, then: list[Answer]) -> None:
    denied = after(start, answer(person, "deny"))

    if denied.state != "open":
        assert played(denied, then) == denied


@any_of_them(
    st.sampled_from(["approve", "break_glass", "edit", "hand_on", "stand_in", "use_standing"]),
    st.sampled_from([as_by(way, by) for way in ("slack", "email", "console", "api", "cli") for by in get_args(LinkBy)]),
    st.sets(st.sampled_from(["slack", "email", "console", "api", "cli"]), min_size=1),
)
def test_what_has_an_effect_needs_each_way_that_its_proof_rests_on(act: Act, proof: Proof, ways: set[str]) -> None:
    asked = policy(approve_by_email="email" in ways, answer_from=tuple(sorted(ways)))

    assert counts(asked, act, rests_on(proof)) is (rests_on(proof) <= ways)
    for needed in rests_on(proof):
        without = asked.model_copy(
            update={"answer_from": tuple(sorted(ways - {needed})), "approve_by_email": "email" in ways - {needed}}
        )
        assert not counts(without, act, rests_on(proof))
