"""Edits: what is executed has the very digest that the counted voters saw, whatever edits and votes came before."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from agents.events import RequestRevised, VoteCast
from agents.moves import begun
from agents.requests import Effect, Fact, GatedCall, PersonId, PolicySnapshot, PolicyStep, Risk, Vote, bound_to
from agents.requests.asked import AskedStep
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord, after
from bot.policy.approvers.who import who_of
from bot.policy.digest import call_digest
from bot.policy.edits import changed_names, edited_request, typed_lines, typed_values, with_values
from bot.policy.judge import edits_as_asker, judge, objection
from bot.policy.judgements import Act, AlreadyVoted, Answer, Counted, Decided, NotEntitled
from tests.bot.examples import NOON, anyone, approval, moved, policy
from tests.kit.guards import guards

_PEOPLE = tuple(map(PersonId, ("bo", "cy", "dan")))
_VERSIONS = ("v1", "v2", "v3")


def _call(version: str) -> GatedCall:
    return GatedCall(
        tool="deploy",
        schema_version=1,
        arguments={"version": version, "where": "production"},
        effect=Effect(argv=("deploy", version)),
        editable=("version",),
    )


def _answer(person: PersonId, seen: RequestRecord, act: Act = "edit") -> Answer:
    return Answer(
        reply_id="r",
        person=person,
        act=act,
        proof=as_by("console"),
        binding=bound_to(seen.request, "page"),
        at=NOON + timedelta(seconds=1),
    )


_moves = st.lists(st.tuples(st.sampled_from(_PEOPLE), st.sampled_from((*_VERSIONS, "")), st.booleans()), max_size=12)


@given(_moves, st.integers(1, 2), st.booleans())
def test_what_is_approved_has_the_digest_that_all_counted_voters_saw(
    moves: list[tuple[PersonId, str, bool]], quorum: int, own: bool
) -> None:
    asked = approval(
        policy=policy(rule=anyone(*_PEOPLE), quorum=quorum, editor_may_approve=own), requesters=(PersonId("anna"),)
    )
    asked = asked.model_copy(update={"call": _call("v1")})
    digest = call_digest(asked.run_id, asked.id, asked.nonce, _call("v1"), asked.requesters)
    record = RequestRecord(request=asked.model_copy(update={"digest": digest}))
    shown, digests = [record], {digest}
    for person, version, is_old in moves:
        seen = shown[0] if is_old else record
        if version:
            new, old = _call(version), record.request.call
            assert old is not None
            if objection(record, _answer(person, seen)) or not changed_names(old, new):
                continue
            request = edited_request(record.request, old, new, person, {})
            assert request.digest not in digests  # no answer to an older card fits a newer one
            record = after(record, [RequestRevised(at=NOON, by=person, request=request)])
            shown, digests = [*shown, record], digests | {request.digest}
            continue
        judged = judge(record, _answer(person, seen, "approve"))
        if isinstance(judged, Counted):
            record = after(record, [VoteCast(at=NOON, request_id=asked.id, vote=judged.vote)])
        if isinstance(judged, Decided):
            votes: list[Vote] = [*record.votes, *([judged.vote] if judged.vote else [])]
            call = record.request.call
            assert call is not None
            executed = call_digest(asked.run_id, asked.id, record.request.nonce, call, asked.requesters)
            assert {vote.binding.digest for vote in votes if vote.person in judged.decision.by} == {executed}
            assert len(set(judged.decision.by)) >= quorum
            assert set(judged.decision.by) <= set(who_of(record).approve)
            assert own or not set(judged.decision.by) & set(record.request.editors)
            return


@guards("judge:decides_still")
def test_whoever_may_only_deny_it_by_now_does_not_edit_it_and_hears_why() -> None:
    bo, cy, dan = _PEOPLE
    steps = (AskedStep(name="first", rule=anyone(cy), by=(cy,)), AskedStep(name="then", rule=anyone(bo)))
    now = moved(rule=anyone(bo), steps=steps, in_step=1, may_deny=(cy, dan))
    record = RequestRecord(request=approval(call=_call("v1")), asked=now)

    assert objection(record, _answer(bo, record)) is None
    assert objection(record, _answer(cy, record)) == AlreadyVoted()
    assert objection(record, _answer(dan, record)) == NotEntitled(why="not_an_approver", approvers=(bo,))


def test_whoever_asked_changes_it_as_one_who_decides_wherever_they_come_to_decide() -> None:
    bo, cy, dan = _PEOPLE
    steps = (PolicyStep(name="first", rule=anyone(cy)), PolicyStep(name="then", rule=anyone(bo, dan)))
    in_steps = policy(rule=anyone(cy), steps=steps, requester_may_approve=True)
    second = begun(moved(in_steps), 1, (cy,), NOON)
    seats = {
        "later step": (dan, in_steps),
        "earlier step": (cy, in_steps),
        "once it escalates": (dan, policy(rule=anyone(bo), escalate_to=(anyone(dan),), requester_may_approve=True)),
        "only to break the glass": (
            dan,
            policy(rule=anyone(bo), break_glass=(anyone(dan),), requester_may_approve=True),
        ),
        "nowhere": (dan, policy(rule=anyone(bo), requester_may_approve=True)),
        "not, as they asked": (dan, policy(rule=anyone(cy), steps=steps)),
    }

    def edits_as_decider(where: str, asker: PersonId, under: PolicySnapshot) -> bool:
        asked = approval(policy=under, requesters=(asker,)).model_copy(update={"call": _call("v1")})
        record = RequestRecord(request=asked)
        if where == "earlier step":
            record = record.model_copy(update={"asked": second})
        assert objection(record, _answer(asker, record)) is None
        return not edits_as_asker(record, _answer(asker, record))

    decide = {where for where, (asker, under) in seats.items() if edits_as_decider(where, asker, under)}
    assert decide == {"later step", "earlier step", "once it escalates"}


def test_a_call_is_the_same_while_nothing_differs_but_its_facts_its_risks_and_what_may_be_edited() -> None:
    call = _call("v1")
    told = {"facts": (Fact(label="From", text="v0"),), "risks": (Risk(kind="CI", words="CI running"),)}
    beside = call.effect.model_copy(update=told)

    assert call.sha256 == call.model_copy(update={"editable": (), "effect": beside}).sha256
    for changed in ({"argv": ("deploy", "--force")}, {"artifacts": {"plan": "1 to add"}}, {"cwd": "/srv"}):
        assert call.sha256 != call.model_copy(update={"effect": call.effect.model_copy(update=changed)}).sha256


def test_who_edited_one_argument_is_its_editor_also_once_another_is_edited() -> None:
    bo, cy, _ = _PEOPLE
    asked, call = approval(edits={"version": (bo,)}), _call("v1")
    elsewhere = call.model_copy(update={"arguments": {**call.arguments, "where": "staging"}})

    found = edited_request(asked, call, elsewhere, cy, {})

    assert found.edits == {"version": (bo,), "where": (cy,)}
    assert RequestRecord(request=found).asked.editors == (bo, cy)


def test_lines_are_an_edit_only_where_each_names_an_argument_once() -> None:
    call = _call("v1")

    assert typed_lines(call, "Version: v2\n\nwhere : here\n") == {"version": "v2", "where": "here"}
    for text in ("", "version v2", "version:", "version: v2\nthanks", "version: v2\nversion: v3", "when: now"):
        assert typed_lines(call, text) is None, text


def test_what_stands_in_a_form_unchanged_is_no_wish() -> None:
    assert typed_values(_call("v1"), {"version": " v1 \r\n"}) == {}
    assert typed_values(_call("v1"), {"version": " v2 \r\n"}) == {"version": "v2"}


def test_text_that_is_nested_without_end_stays_text() -> None:
    call = _call("v1").model_copy(update={"arguments": {"n": 1.0}})

    assert with_values(call, {"n": "[" * 20_000}) == {"n": "[" * 20_000}
    assert with_values(call, {"n": "[" * 500 + "]" * 500})["n"] == "[" * 500 + "]" * 500
    assert with_values(call, {"n": " 2.5 "}) == {"n": 2.5}
