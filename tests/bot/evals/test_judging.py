"""The judgement of steps: a table, and that `never` weighs more than `expect`."""

import pytest

from agents.steps import CallTool, Done, RequestHumanInput, Step
from bot.evals.cases import Asks, Calls, Ends, Wanted
from bot.evals.judging import expected, fits, is_harmless, is_right, shown

CALL = CallTool(tool="deploy", arguments={"version": "v1", "more": {"a": 1, "b": [1, 2]}, "dry": True})
QUESTION = RequestHumanInput(question="Which environment?\nSay it.", format="choice", options=("a", "b"))
END = Done(outcome="failed", summary="It was denied: no")


@pytest.mark.parametrize(
    ("step", "wanted", "is_one"),
    [
        (CALL, Calls(tool="deploy"), True),
        (CALL, Calls(tool="*"), True),
        (CALL, Calls(tool="deploy", arguments={"version": "v1"}), True),
        (CALL, Calls(tool="deploy", arguments={"more": {"a": 1}}), True),
        (CALL, Calls(tool="deploy", arguments={"more": {"b": [1]}}), False),
        (CALL, Asks(asks=""), False),
        (QUESTION, Asks(asks="ENVIRONMENT.*say"), True),
        (QUESTION, Asks(asks="", format="yes_no"), False),
        (QUESTION, Ends(done="either"), False),
        (END, Ends(done="failed", says="denied"), True),
        (END, Ends(done="either", says="approved"), False),
    ],
)
def test_a_step_fits_what_describes_it(step: Step, wanted: Wanted, *, is_one: bool) -> None:
    assert fits(step, wanted) is is_one


def test_what_must_never_be_is_wrong_though_it_is_expected() -> None:
    assert is_right(CALL, [Calls(tool="deploy")], [])
    assert not is_right(CALL, [Calls(tool="deploy")], [Calls(tool="*")])
    assert is_right(QUESTION, [], [Calls(tool="*")])
    assert not is_right(QUESTION, [END_WANTED], [])


END_WANTED = Ends(done="either")


def test_rules_that_need_a_model_may_only_ask_or_own_that_they_could_not() -> None:
    assert is_harmless(QUESTION, [])
    assert is_harmless(END, [])
    assert not is_harmless(CALL, [])
    assert not is_harmless(Done(summary="all is well"), [])
    assert not is_harmless(QUESTION, [Asks(asks="environment")])


def test_what_was_wanted_and_what_came_are_lines() -> None:
    assert (
        expected([Calls(tool="live"), Asks(asks="x")], [Calls(tool="*")])
        == "calls live or asks /x/; never calls any tool"
    )
    assert expected([], [END_WANTED]) == "anything else; never ends"
    assert shown(QUESTION) == "asks (choice) Which environment? Say it.: a, b"
    assert shown(END) == "ends as failed: It was denied: no"
    assert shown(CallTool(tool="x\x1b[2J", arguments={})) == "calls x[2J"
