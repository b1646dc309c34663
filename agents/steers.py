"""The facts of people steering a run. They belong to the union in `agents.events`."""

from typing import Literal

from agents.requests import Happened, PersonId, RunId


class RunPaused(Happened):
    """A person stopped the run at the next step boundary."""

    type: Literal["run_paused"] = "run_paused"
    schema_version: Literal[1] = 1
    by: PersonId


class RunResumed(Happened):
    """A person let the run go on."""

    type: Literal["run_resumed"] = "run_resumed"
    schema_version: Literal[1] = 1
    by: PersonId


class RunCancelled(Happened):
    """A person wants the run to end, or `parent`, which started it, is over or needs it no more.

    `by` is then whoever cancelled that run, if anybody did. A tool that runs is finished first.
    """

    type: Literal["run_cancelled"] = "run_cancelled"
    schema_version: Literal[1] = 1
    by: PersonId | None = None
    parent: RunId | None = None
