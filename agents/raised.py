"""The fact that code needs a person before a run may go on. It belongs to the union in `agents.events`."""

from typing import Literal

from agents.requests import Happened, StepId

Why = Literal["steps", "tokens", "cost", "day", "failures", "repeated"]
GO_ON, STOP_HERE = "go on", "stop the run"


class QuestionRaised(Happened):
    """Code asks whether to go on: a budget is used up, or the run gets nowhere.

    `why`: its steps, tokens, cost, or the agent's budget of the day are used up; three failures in a row; the same call
    gave the same twice. The answers are `GO_ON` and `STOP_HERE`. `story` is what led to it, in words of code.
    """

    type: Literal["question_raised"] = "question_raised"
    schema_version: Literal[1] = 1
    step_id: StepId
    why: Why
    question: str
    story: str = ""
