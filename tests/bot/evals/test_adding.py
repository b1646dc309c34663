"""A run that people corrected becomes a case, which the rules that were corrected then fail."""

from collections.abc import Mapping

import pytest

from agents.events import (
    ContextFetched,
    Event,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestRevised,
    RequestRevoked,
    StepChosen,
    ToolFinished,
    ToolStarted,
)
from agents.requests import (
    AttemptId,
    Closed,
    Decision,
    Effect,
    Fact,
    GatedCall,
    Request,
    RequestId,
    StepId,
    Vote,
)
from agents.requests.proof import as_by
from agents.steps import CallTool, ModelCall
from bot.errors import Invalid
from bot.evals.adding import case_of, for_rules, written
from bot.evals.cases import Calls, Case, Happens, parse
from bot.evals.running import Plan, Tried, by_rules
from bot.testing import events as build
from tests.agents.worlds import BO, NOON, SEEN, started
from tests.bot.evals.plans import AGENT, PLAIN

RULES = ModelCall(model="rehearsal", rehearsal=True)
CALL = CallTool(tool="deploy", arguments={"version": "v1.2.0", "place": {"environment": "staging"}})
OTHER = {"version": "v1.1.0", "place": {"environment": "staging"}}
BEGINNING: list[Event] = [
    started("deploy"),
    ContextFetched(at=NOON, facts=(Fact(label="Live", text="v1.0.0"),)),
]


def request(arguments: Mapping[str, object] = PLAIN) -> Request:
    told = {"tool": "deploy", "schema_version": 1, "arguments": arguments, "effect": Effect(argv=())}
    return build.request().model_copy(update={"call": GatedCall.model_validate(told), "requesters": ()})


ASKED: list[Event] = [
    StepChosen(at=NOON, step_id=StepId("s1"), step=CALL, gate="production", call=RULES, read_by=()),
    RequestOpened(at=NOON, request=request()),
]
EDITED = RequestRevised(at=NOON, by=BO, request=request(OTHER))


def decided(state: Closed) -> RequestDecided:
    return RequestDecided(
        at=NOON, request_id=RequestId("q1"), decision=Decision(state=state, by=(BO,), reason="no", at=NOON)
    )


def taken_back() -> RequestRevoked:
    vote = Vote(
        reply_id="r",
        person=BO,
        approve=False,
        binding=SEEN,
        proof=as_by("cli"),
        at=NOON,
    )
    return RequestRevoked(at=NOON, request_id=RequestId("q1"), vote=vote)


async def passes(case: Case) -> bool:
    told = list[Tried]()
    (tried,) = await by_rules([Plan(AGENT, case, "mine.toml")], told.append)
    return tried.has_passed


async def test_a_denied_call_must_never_be_chosen_again() -> None:
    agent, case = case_of("r1", [*BEGINNING, *ASKED, decided("denied")])

    assert (agent, case.name, case.text, case.facts) == ("deploy", "denied in r1", "deploy", {"Live": "v1.0.0"})
    assert (case.expect, case.never) == ((), (Calls(tool="deploy", arguments=CALL.arguments),))
    assert not await passes(case), "the rules would choose the same again"
    assert await passes(case.model_copy(update={"text": "something else"}))


async def test_an_edited_call_is_what_is_expected() -> None:
    _, case = case_of("r1", [*BEGINNING, *ASKED, EDITED, decided("approved")], "older, please")

    assert case.name == "older, please"
    assert case.expect == (Calls.model_validate({"tool": "deploy", "arguments": OTHER}),)
    assert case.never == (Calls(tool="deploy", arguments=CALL.arguments),)
    assert not await passes(case)


def test_what_was_denied_taken_back_or_edited_is_not_right_and_where_nobody_corrected_nothing_is_learnt() -> None:
    _, edited = case_of("r1", [*BEGINNING, *ASKED, EDITED, decided("denied")])
    _, back = case_of("r1", [*BEGINNING, *ASKED, decided("approved"), taken_back()])
    untaught: list[Closed] = ["approved", "expired", "withdrawn"]

    assert (edited.expect, [one.tool for one in edited.never if isinstance(one, Calls)]) == ((), ["deploy", "deploy"])
    assert back.never == (Calls(tool="deploy", arguments=CALL.arguments),)
    for state in untaught:
        with pytest.raises(Invalid, match="Nobody denied or edited anything"):
            case_of("r1", [*BEGINNING, *ASKED, decided(state)])


def test_what_happened_before_is_the_history() -> None:
    look = CallTool(tool="live", arguments={"environment": "staging"})
    before: list[Event] = [
        StepChosen(at=NOON, step_id=StepId("s0"), step=look, call=RULES, read_by=()),
        ToolStarted(
            at=NOON, step_id=StepId("s0"), attempt_id=AttemptId("a0"), tool="live", effect=Effect(argv=()),
            idempotent=True, host="h",
        ),
        ToolFinished(at=NOON, attempt_id=AttemptId("a0"), output="v1.0.0\nfine"),
        PersonSaid(at=NOON, said_id="i1", person=BO, proof=as_by("cli"), text="mind the disk"),
    ]  # fmt: skip

    _, case = case_of("r1", [*BEGINNING, *before, *ASKED, decided("denied")])

    assert case.history == (
        Happens(calls="live", arguments=look.arguments, gives="v1.0.0\nfine"),
        Happens(says="mind the disk", by=BO),
    )
    assert parse(written("deploy", case), "here").cases == (case,)


@pytest.mark.parametrize(
    ("text", "wanted", "is_marked", "how"),
    [
        ("deploy", Calls(tool="deploy"), False, "Plain rules pass it"),
        ("hello", Calls(tool="deploy"), True, "It needs a model (needs_model = true), so plain rules have to ask"),
        ("deploy", Calls(tool="live"), True, "they fail it now: calls deploy"),
    ],
)
async def test_a_case_that_rules_can_not_pass_is_marked_and_said_to_be(
    text: str, wanted: Calls, is_marked: bool, how: str
) -> None:
    made, said = await for_rules(AGENT, Case(name="made", text=text, expect=(wanted,)))

    assert made.needs_model is is_marked
    assert how in said
    assert said.endswith("they do") == (text == "hello")
    assert parse(written("deploy", made), "here").cases == (made,)
