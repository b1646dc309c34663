"""`sayso evals`: recorded cases against the agents' plain rules and their models, and new cases made of runs."""

import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from bot.cli.options import Data, Json, settings_of
from bot.cli.plain import plain, plain_json

if TYPE_CHECKING:
    from agents.model.protocol import Model
    from bot.config.settings import Settings
    from bot.evals.report import Report
    from bot.evals.running import Plan, Tried

_BAR = 0.95
_RUN, _HELP = "run", "--help"


class _Group(TyperGroup):
    """`evals deploy` runs cases as `evals run deploy` does: the name of an agent is no command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        is_command = bool(args) and args[0] in {*self.commands, _HELP}
        return super().parse_args(ctx, args if is_command else [_RUN, *args])


evals = typer.Typer(cls=_Group, help="Run recorded cases against the agents, or make a case of a run.")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    evals.command(_RUN)(run_cases)
    evals.command()(add)
    app.add_typer(evals, name="evals")


def run_cases(
    agent: Annotated[str | None, typer.Argument(metavar="AGENT", help="Only the cases of this agent.")] = None,
    bar: Annotated[float, typer.Option(help="The share of cases that must pass, in every row.", min=0, max=1)] = _BAR,
    model_bar: Annotated[
        float | None, typer.Option(help="The same for models; if not given, each agent's floor.", min=0, max=1)
    ] = None,
    model: Annotated[str | None, typer.Option(help="A model instead of the configured ones: MAKER:MODEL.")] = None,
    at_once: Annotated[int, typer.Option(help="Calls of models at once; 1 for one machine.", min=1, max=50)] = 6,
    record: Annotated[Path | None, typer.Option(help="Write what models answer into this file.")] = None,
    recorded: Annotated[Path | None, typer.Option(help="Judge the answers of this file, and ask no model.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Run the cases, also as `sayso evals AGENT`. Nothing is executed. Exit code 1 when a row is below its bar."""
    import asyncio

    report = asyncio.run(_report(data, agent, _How(model, at_once, record, recorded)))
    below = report.below(bar, model_bar)
    print(plain_json(json.dumps(report.data())) if as_json else plain(report.text()))
    for row in below:
        print(f"sayso: {row.agent} ({row.chosen_by}): {row.passed} of {row.cases} is below the bar", file=sys.stderr)
    if below:
        raise typer.Exit(1)


def add(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A run in which a person denied or edited a call.")],
    name: Annotated[str, typer.Option(help="How the case is called.")] = "",
    is_printed: Annotated[bool, typer.Option("--print", help="Print the case, and write nothing.")] = False,
    data: Data = None,
) -> None:
    """Make a case of the last call in RUN that a person denied or edited, in evals/AGENT.toml beside sayso.toml.

    It holds what the run's own events say, and nothing else; texts of attached files are not in it.
    """
    import asyncio

    from bot.cli.client import connect
    from bot.evals.adding import append, case_of, for_rules, written
    from bot.evals.files import folder_of
    from bot.evals.judging import expected
    from bot.registry.configured import agents_of

    settings = settings_of(data)
    with connect(data) as client:
        events = client.events(run_id)
    name_of_agent, case = case_of(run_id, events, name)
    agent = next((one for one in agents_of(settings) if one.name == name_of_agent), None)
    how = f"There is no agent {name_of_agent!r} here, so plain rules were not tried"
    if agent is not None:
        case, how = asyncio.run(for_rules(agent, case))
    folder = folder_of(settings)
    if is_printed or folder is None:
        print(plain(written(name_of_agent, case)))
        print(plain(how), file=sys.stderr)
        return
    file = append(folder, name_of_agent, case)
    print(plain(f"{case.name!r} is in {file}: {expected(case.expect, case.never)}.\n{how}."))
    print("Names and words of the run are in it: read it before you share it.")


@dataclass(frozen=True, slots=True)
class _How:
    """Which model is asked, how many calls at once, and which file holds the answers, to be written or judged."""

    model: str | None
    at_once: int
    record: Path | None
    recorded: Path | None


async def _report(data: Path | None, only: str | None, how: _How) -> "Report":
    from bot.evals.files import planned
    from bot.evals.report import Report
    from bot.evals.running import by_rules

    settings = _with_model(settings_of(data), how.model)
    found = planned(settings, only)
    if not found.plans and not found.skipped:
        raise typer.BadParameter(f"there are no cases of {only!r}. Without a name the cases of every agent are run")
    labels = _labels(settings, found.plans)
    rules = await by_rules(found.plans, _told())
    if how.recorded:
        tried = await _recorded(settings, found.plans, labels, how.recorded)
    else:
        tried = await _asked(settings, found.plans, labels, how)
    return Report(found.plans, rules, tried, labels, found.skipped, found.floors)


async def _asked(
    settings: "Settings", plans: "Sequence[Plan]", labels: "dict[str, str]", how: _How
) -> "list[Tried] | None":
    """What the models choose; None where there is none to ask."""
    from bot.config.errors import ConfigError
    from bot.evals.recorded import Recorder
    from bot.evals.running import by_models
    from bot.registry.configured import models_of

    models = models_of(settings, tuple({plan.agent.name: plan.agent for plan in plans}.values()))
    if not models:
        if how.model:
            raise ConfigError([f"there is no way to the model {how.model}: its key or its server's address is not set"])
        return None
    recorder = Recorder()
    tried = await _closing(models, by_models(plans, models, labels, _told(), how.at_once, recorder.note))
    if how.record:
        how.record.write_text(recorder.written(), "utf-8")
    return tried


async def _recorded(
    settings: "Settings", plans: "Sequence[Plan]", labels: "dict[str, str]", file: Path
) -> "list[Tried]":
    from bot.config.tables import AgentConfig
    from bot.evals.recorded import by_answers, read_answers
    from bot.registry.configured import model_names, options_of

    agents = {plan.agent.name: plan.agent for plan in plans}
    names = model_names(settings, agents.values())
    options = {
        name: options_of(settings, model, settings.agents.get(name, AgentConfig())) for name, model in names.items()
    }
    return await by_answers(plans, read_answers(file), options, labels)


async def _closing(models: "Mapping[str, Model]", work: "Awaitable[list[Tried]]") -> "list[Tried]":
    try:
        return await work
    finally:
        for model in models.values():
            await model.close()


def _with_model(settings: "Settings", model: str | None) -> "Settings":
    """The settings with one model for everybody, or with each agent's own: a fallback's steps are not the model's."""
    gone = {"fallback_model": None} | ({"model": None} if model else {})
    agents = {name: config.model_copy(update=gone) for name, config in settings.agents.items()}
    return settings.model_copy(update={"agents": agents} | ({"model": model} if model else {}))


def _labels(settings: "Settings", plans: "Sequence[Plan]") -> dict[str, str]:
    """Prompt and model, by agent. An agent that is all code has none."""
    import prompts
    from bot.registry.configured import model_names

    agents = {plan.agent.name: plan.agent for plan in plans}
    names = model_names(settings, agents.values())
    return {
        name: f"{prompts.load(agents[name].prompt, agents[name].folder).label} {model}" for name, model in names.items()
    }


def _told() -> "Callable[[Tried], None]":
    """A line for each case on a terminal's stderr: with a model it takes minutes."""

    def tell(tried: "Tried") -> None:
        how = "passed" if tried.has_passed else "FAILED"
        print(plain(f"{how}  {tried.by}  {tried.plan.agent.name}: {tried.plan.case.name}"), file=sys.stderr)

    return tell if sys.stderr.isatty() else lambda _: None
