"""The replay of what a model saw before it chose a step, and of what it answered.

What it saw is made from the events there were by then, byte for byte. What it answered is there while it is kept.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypedDict

from pydantic import AwareDatetime

from agents import Agent
from agents.context import BUDGET_TOKENS, render
from agents.events import Event, StepChosen, own
from agents.model.makers import Access, Options, make
from agents.model.protocol import OUTPUT_TOKENS
from agents.requests import Frozen, RunId
from agents.run import Run, fold
from agents.steps import asked_name
from bot.errors import Conflict
from bot.queries.history import Story
from bot.runs.thinking import completed
from bot.store import Store
from bot.store.indexes import KeptReply, kept_replies
from language import say
from language.dates import in_words
from prompts import PromptError


class PromptReplay(Frozen):
    """`text` is the one message that the step was chosen by; system prompt and tools are those of `prompt`.

    `is_same`: whether the hash of all that was sent is what it would be now; null where none was recorded. `note` says
    so in words. `reply` is the body of the model's answer as it came, but for secrets, and `reply_kept_until` when it
    goes; null where it is not kept. `reply_is_same`: whether it gives the same step when it is read again now.
    """

    run_id: RunId
    step: int
    text: str
    model: str
    prompt: str
    is_same: bool | None
    note: str
    reply: str | None = None
    reply_kept_until: AwareDatetime | None = None
    reply_is_same: bool | None = None
    reply_note: str = ""


async def replay(store: Store, run_id: RunId, story: Story, step: int, agents: Mapping[str, Agent]) -> PromptReplay:
    """Return what came before the `step`-th chosen step of a run, and after it. Raises Conflict."""
    chosen = story.events[_place(story.events, step)]
    asked = chosen.call.input_hash if isinstance(chosen, StepChosen) else ""
    kept = await kept_replies(store.client, run_id, [asked], story.now)
    return await asyncio.to_thread(seen, story.events, step, agents, reply=kept.get(asked))


def seen(
    events: Sequence[Event],
    step: int,
    agents: Mapping[str, Agent],
    models: Sequence[str] = (),
    reply: KeptReply | None = None,
) -> PromptReplay:
    """Return what came before the `step`-th chosen step, counted from 1, copied ones too.

    `models` are names under which the model may have been asked, and `reply` is what it answered, while that is kept.
    Raises Conflict when there is no such step.
    """
    run, place = fold(events), _place(events, step)
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
        **_replied(then, chosen, agents, reply),
    )


def _place(events: Sequence[Event], step: int) -> int:
    """Return where the `step`-th chosen step is. Raises Conflict."""
    places = [place for place, event in enumerate(events) if isinstance(event, StepChosen)]
    if not 1 <= step <= len(places):
        there = f"steps 1 to {len(places)}" if places else "chosen no step yet"
        raise Conflict(f"{fold(events).id} has {there}, and no step {step}", "`sayso show` tells them")
    return places[step - 1]


class _Replied(TypedDict, total=False):
    """The part of a replay that is about the reply."""

    reply: str
    reply_kept_until: datetime
    reply_is_same: bool
    reply_note: str


def _replied(run: Run, chosen: StepChosen, agents: Mapping[str, Agent], kept: KeptReply | None) -> _Replied:
    if not chosen.call.input_hash:
        return {}
    if kept is None:
        return {"reply_note": say("run.reply-gone")}
    is_same = _gives(run, chosen, agents, kept.text)
    note = [say("run.reply-kept", until=in_words(kept.until))]
    if kept.is_cut:
        note.append(say("run.reply-cut"))
    elif not is_same:
        note.append(say("run.reply-differs"))
    return {
        "reply": kept.text,
        "reply_kept_until": kept.until,
        "reply_is_same": is_same,
        "reply_note": " ".join(note),
    }


def _gives(run: Run, chosen: StepChosen, agents: Mapping[str, Agent], reply: str) -> bool:
    """Return whether `reply`, read again, is the step that was taken."""
    agent = agents.get(run.started.agent) if run.started else None
    if agent is None:
        return False
    step = make(asked_name(chosen.call), Access(), Options(form=chosen.call.form)).read_again(agent, reply)
    return step is not None and completed(agent, run, step) == chosen.step


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
    limit = call.max_output_tokens or OUTPUT_TOKENS
    options = Options(max_output_tokens=limit, effort=call.effort, form=call.form)
    try:
        hashes = {
            make(name, Access(), options).input_hash(agent, run, before, budget) for name in (asked_name(call), *models)
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
