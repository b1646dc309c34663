"""The facts of work that goes on outside a run: long effects, reports of them, child runs.

They belong to the union in `agents.events`.
"""

from typing import Literal

from pydantic import AwareDatetime

from agents.requests import AttemptId, Frozen, Happened, PersonId, RunId, StepId

# So many runs may one start; whoever needs more has a loop.
MOST_CHILDREN = 50
# A run and all below it, which could else be that many three times over.
MOST_BELOW = 100


class Parent(Frozen):
    """The run, and its step, that started a child; `depth` is 1 for the child of a run that has no parent itself.

    `root` is the run that nobody started. The child may use no more than `max_tokens` and `max_cost_usd` before people
    are asked, whatever it might by itself; 0 is no such limit.
    """

    run_id: RunId
    step_id: StepId
    depth: int = 1
    root: RunId | None = None
    max_tokens: int = 0
    max_cost_usd: float = 0.0


class ToolWaits(Happened):
    """An attempt has had its effect, whose result comes later: it is looked for at `check_at`, or when a report comes.

    `handle` is what the outside calls it; it is written again after each look that found no result. `until` is when
    waiting ends.
    """

    type: Literal["tool_waits"] = "tool_waits"
    schema_version: Literal[1] = 1
    attempt_id: AttemptId
    handle: str
    note: str = ""
    check_at: AwareDatetime
    until: AwareDatetime


class OutsideReported(Happened):
    """A signed report about `handle` came in: a reason to look now. `text` is what it said, as data.

    Where it is the end of a child run, `writers` wrote to that: they are requesters of this run as well; `advisers`
    answered it, or said why they denied something, so that what it says may be their wish; and what it
    used (`tokens`, `cost_usd`) counts here too.
    """

    type: Literal["outside_reported"] = "outside_reported"
    schema_version: Literal[1] = 1
    report_id: str
    handle: str
    text: str = ""
    writers: tuple[PersonId, ...] = ()
    advisers: tuple[PersonId, ...] = ()
    tokens: int = 0
    cost_usd: float = 0.0


class ChildStarted(Happened):
    """A step of this run started a run of its own, under a `key` that tells it from others of the same step.

    `max_tokens` and `max_cost_usd` were set aside for it, until its end says what it used; 0 where nothing was.
    """

    type: Literal["child_started"] = "child_started"
    schema_version: Literal[1] = 1
    step_id: StepId
    run_id: RunId
    agent: str
    text: str
    key: str = ""
    max_tokens: int = 0
    max_cost_usd: float = 0.0
