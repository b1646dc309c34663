"""The fact that code needs a person before a run may go on. It belongs to the union in `agents.events`."""

from typing import Literal

from agents.requests import Decision, Happened, StepId

Why = Literal["steps", "tokens", "cost", "day", "failures", "too_long", "repeated"]
GO_ON, STOP_HERE = "go on", "stop the run"
REASONS: dict[Why, str] = {
    "steps": "its steps were used up",
    "tokens": "its tokens were used up",
    "cost": "its money was used up",
    "day": "the agent's budget of the day was used up",
    "failures": "it failed again and again",
    "too_long": "it is too long for its model",
    "repeated": "the same call had given the same twice",
}


class QuestionRaised(Happened):
    """Code asks whether to go on: a budget is used up, or the run gets nowhere.

    `why`: its steps, tokens, cost, or the agent's budget of the day are used up; three failures in a row; it is too
    long for its model; the same call gave the same twice. The answers are `GO_ON` and `STOP_HERE`. `story` is what led
    to it, in words of code.
    """

    type: Literal["question_raised"] = "question_raised"
    schema_version: Literal[1] = 1
    step_id: StepId
    why: Why
    question: str
    story: str = ""


def over_by(raised: QuestionRaised, decision: Decision) -> str:
    """Why the run may not go on after that answer; "" where it may: only the clear word to go on lets it."""
    if _picked(decision) == GO_ON:
        return ""
    if is_stopped(decision):
        return REASONS[raised.why]
    why = f": {decision.reason}" if decision.reason else ""
    return f"{REASONS[raised.why]}; nobody said whether to go on, the question is {decision.state}{why}"


def is_stopped(decision: Decision) -> bool:
    """Whether somebody said to stop the run."""
    return _picked(decision) == STOP_HERE


def _picked(decision: Decision) -> str:
    if decision.state != "answered" or not decision.by or decision.given is None or len(decision.given.picks) != 1:
        return ""
    return decision.given.picks[0]
