"""What a model answered to recorded cases, in a file: each release judges it again, without a key.

A line of the file is one answer. It counts for as long as the request would be the same one today: an answer to another
prompt, other tools or another case says nothing about these.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from agents import Agent
from agents.context import budget_after
from agents.model.makers import Access, Options, make
from agents.model.protocol import Chosen, Failed
from agents.requests import Frozen
from agents.run import fold
from agents.steps import ModelCall, asked_name
from bot.errors import Invalid
from bot.evals.running import Answer, Chooser, Plan, Tried, tried
from bot.evals.story import Story
from bot.render.words import failure_name

NOT_RECORDED = "not_recorded"
"""The kind of failure where the file has no answer to the request."""


class Kept(Frozen):
    """One answer: to which request of which case, and what came. `kind` is empty where a step was chosen."""

    agent: str
    case: str
    file: str
    step: int
    call: ModelCall
    reply: str = ""
    kind: str = ""
    detail: str = ""


class Recorder:
    """Notes what a model answers. `answers` are in the order in which they came."""

    def __init__(self) -> None:
        self.answers: list[Kept] = []

    def note(self, plan: Plan, step: int, found: Chosen | Failed) -> None:
        """Keep one answer."""
        kind, detail = (found.kind, found.detail) if isinstance(found, Failed) else ("", "")
        self.answers.append(
            Kept(
                agent=plan.agent.name,
                case=plan.case.name,
                file=plan.file,
                step=step,
                call=found.call,
                reply=found.reply,
                kind=kind,
                detail=detail,
            )
        )

    def written(self) -> str:
        """Return the text of the file."""
        ordered = sorted(self.answers, key=lambda one: (one.file, one.case, one.step))
        return "".join(f"{one.model_dump_json()}\n" for one in ordered)


def read_answers(file: Path) -> tuple[Kept, ...]:
    """Read a file of answers. Raises Invalid."""
    try:
        return tuple(Kept.model_validate(json.loads(line)) for line in file.read_text("utf-8").splitlines() if line)
    except (OSError, ValueError, ValidationError) as error:
        raise Invalid(
            f"{file} can't be read: {type(error).__name__}", "Record it again: sayso evals --record"
        ) from None


async def by_answers(
    plans: Iterable[Plan], answers: Sequence[Kept], options: Mapping[str, Options], labels: Mapping[str, str]
) -> list[Tried]:
    """Judge every case whose agent has a model by the recorded answers. `options` are those of each agent's model."""
    kept = {(one.file, one.case, one.step): one for one in answers}
    return [
        await tried(plan, "model", labels[plan.agent.name], _asking(plan, kept, options[plan.agent.name]))
        for plan in plans
        if plan.agent.name in options
    ]


def _asking(plan: Plan, kept: Mapping[tuple[str, str, int], Kept], options: Options) -> Chooser:
    step = 0

    async def ask(agent: Agent, story: Story) -> Answer:
        nonlocal step
        step += 1
        found = kept.get((plan.file, plan.case.name, step))
        return _answer(agent, story, found, options) if found else _none(None)

    return ask


def _answer(agent: Agent, story: Story, kept: Kept, options: Options) -> Answer:
    model = make(asked_name(kept.call), Access(), replace(options, form=kept.call.form or options.form))
    run, call = fold(story.events), kept.call
    if call.input_hash != model.input_hash(agent, run, story.events, budget_after(run, options.context_tokens)):
        return _none(call)
    if step := model.read_again(agent, kept.reply) if kept.reply else None:
        return Answer(call, step)
    kind = kept.kind or "bad_arguments"
    return Answer(call, None, f"no step ({failure_name(kind)}): {kept.detail}", kind)


def _none(call: ModelCall | None) -> Answer:
    problem = "no answer to this request is recorded: its prompt, tools or case are newer"
    return Answer(call or ModelCall(model="", rehearsal=False), None, problem, NOT_RECORDED)
