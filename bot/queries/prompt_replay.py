"""The replay of what a model saw before it chose a step: the same bytes, made from the events there were by then."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agents import Agent
from agents.context import BUDGET_TOKENS, render
from agents.events import Event, StepChosen, own
from agents.model.makers import Access, Options, make
from agents.model.protocol import OUTPUT_TOKENS
from agents.requests import Frozen, RunId
from agents.run import Run, fold
from bot.errors import Conflict
from prompts import PromptError


class PromptReplay(Frozen):
    """`text` is the one message that the step was chosen by; system prompt and tools are those of `prompt`.

    `is_same`: whether the hash of all that was sent is what it would be now; null where none was recorded. `note` says
    so in words.
    """

    run_id: RunId
    step: int
    text: str
    model: str
    prompt: str
    is_same: bool | None
    note: str


def seen(events: Sequence[Event], step: int, agents: Mapping[str, Agent], models: Sequence[str] = ()) -> PromptReplay:
    """Return what came before the `step`-th chosen step, counted from 1, copied ones too.

    `models` are names under which the model may have been asked. Raises Conflict when there is no such step.
    """
    run, places = fold(events), [place for place, event in enumerate(events) if isinstance(event, StepChosen)]
    if not 1 <= step <= len(places):
        there = f"steps 1 to {len(places)}" if places else "chosen no step yet"
        raise Conflict(f"{run.id} has {there}, and no step {step}", "`sayso show` tells them")
    place = places[step - 1]
    chosen, before = events[place], tuple(events[:place])
    if not isinstance(chosen, StepChosen):
        raise TypeError(f"{chosen.type} is no step")
    then, call = fold(before), chosen.call
    is_same = _is_same(then, before, chosen, agents, models)
    is_own = place >= len(events) - len(own(events))
    return PromptReplay(
        run_id=run.id,
        step=step,
        text=render(then, before, call.context_tokens or BUDGET_TOKENS),
        model=call.model,
        prompt=call.prompt,
        is_same=is_same,
        note=_note(run, chosen, is_same, is_own=is_own),
    )


def _is_same(
    run: Run, before: Sequence[Event], chosen: StepChosen, agents: Mapping[str, Agent], models: Sequence[str]
) -> bool | None:
    agent = agents.get(run.started.agent) if run.started else None
    if not chosen.call.input_hash:
        return None
    if agent is None:
        return False
    call = chosen.call
    agent, budget = replace(agent, prompt=call.prompt or agent.prompt), call.context_tokens or BUDGET_TOKENS
    options = Options(max_output_tokens=call.max_output_tokens or OUTPUT_TOKENS, effort=call.effort)
    try:
        hashes = {
            make(name, Access(), options).input_hash(agent, run, before, budget) for name in (call.model, *models)
        }
    except PromptError:
        return False
    return chosen.call.input_hash in hashes


def _note(run: Run, chosen: StepChosen, is_same: bool | None, *, is_own: bool) -> str:
    if not is_own and run.forked:
        return f"This step was copied from {run.forked.source}: what was seen there may have named other people."
    if is_same is None:
        return f"No model was asked for this step ({chosen.call.model}): a model would have seen this."
    if is_same:
        return "Exactly what was sent, by its hash."
    return (
        "The hash of what was sent is another one: it was rendered by another release, or with another prompt, other "
        f"tools or another model name{f' (release {chosen.release})' if chosen.release else ''}."
    )
