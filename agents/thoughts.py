"""What a run becomes by a thought: a step that was chosen, none that could be had, or one that came too late. Pure."""

from dataclasses import replace

from agents.events import StepChosen, StepFailed, ThoughtDropped
from agents.failures import is_too_long
from agents.pending import PendingStep
from agents.raised import REASONS
from agents.state import Run
from agents.steps import RULES, Done, RequestHumanInput


def chosen(run: Run, event: StepChosen) -> Run:
    """A chosen step is pending until it is closed; `Done` only waits for `RunEnded`."""
    is_rehearsal = run.is_rehearsal or event.call.rehearsal
    run = _paid(replace(run, budget=replace(run.budget, is_last_try=False)), event)
    unheard = run.unheard if _leaves_unheard(event) else ()
    run = replace(run, failures=(), retry_at=None, is_rehearsal=is_rehearsal, unheard=unheard)
    if isinstance(event.step, Done):
        return run
    return replace(run, pending=PendingStep(event.step_id, event.step, event.gate))


def without_step(run: Run, event: StepFailed | ThoughtDropped) -> Run:
    """What failed counts among the failures in a row; what came too late was no failure, and is only paid."""
    run = _paid(run, event)
    if isinstance(event, ThoughtDropped):
        return run
    run = replace(run, failures=(*run.failures, event), retry_at=event.retry_at)
    if run.budget.is_last_try and is_too_long([failure.kind for failure in run.failures]):
        over = f"{REASONS['too_long']}, also after somebody said to go on: {event.detail}"
        return replace(run, budget=replace(run.budget, over=over))
    return run


def _leaves_unheard(event: StepChosen) -> bool:
    """Whether the step takes no account of what people wrote: plain rules that only ask for what is missing.

    They read none of it, and ask for a yes or no once they are to do something in spite of it.
    """
    is_by_rules = event.call.rehearsal or event.call.model == RULES
    return is_by_rules and isinstance(event.step, RequestHumanInput) and event.step.format != "yes_no"


def _paid(run: Run, event: StepChosen | StepFailed | ThoughtDropped) -> Run:
    return replace(run, budget=run.budget.after(event))
