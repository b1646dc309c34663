"""The files of cases: those that come with sayso, those beside sayso.toml, and those beside an agent's code."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from agents import Agent
from bot.config.settings import Settings
from bot.errors import Invalid
from bot.evals.cases import CaseFile, parse
from bot.evals.running import Plan
from bot.registry.configured import agents_of
from bot.registry.prompts import with_chosen_prompts

FOLDER = "evals"
_OFFICE = "office.toml"


@dataclass(frozen=True, slots=True)
class Found:
    """The cases to run, those whose agent is not there: `(agent, cases, file)`, and the floors of agents."""

    plans: tuple[Plan, ...]
    skipped: tuple[tuple[str, int, str], ...] = ()
    floors: Mapping[str, float] = field(default_factory=dict[str, float])


def office() -> Settings:
    """The office that our own cases are told in: its people, environments and places. Nothing of it is ever used.

    Of agents that this release does not have it does not read the tables either.
    """
    values: dict[str, object] = tomllib.loads((_ours() / _OFFICE).read_text("utf-8"))
    return Settings.model_validate({key: value for key, value in values.items() if key in Settings.model_fields})


def ours() -> Iterator[tuple[str, CaseFile]]:
    """The files that sayso brings along, by name."""
    for file in sorted(_ours().iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml") and file.name != _OFFICE:
            yield f"agents/{FOLDER}/{file.name}", parse(file.read_text("utf-8"), file.name)


def yours(settings: Settings, agents: Iterable[Agent]) -> Iterator[tuple[str, CaseFile]]:
    """The files in `evals/` beside sayso.toml, and the `NAME.evals.toml` beside the code of each agent of yours.

    Raises Invalid.
    """
    folder = folder_of(settings)
    beside = sorted(folder.glob("*.toml")) if folder else []
    own = [agent.folder / f"{agent.name}.evals.toml" for agent in agents if agent.folder]
    for file in (*beside, *filter(Path.exists, own)):
        try:
            yield str(file), parse(file.read_text("utf-8"), str(file))
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(f"{file} can't be read: {error}", "Fix that, or name another file") from None


def folder_of(settings: Settings) -> Path | None:
    """Return the folder of your own cases; None if there is no sayso.toml."""
    return settings.config.absolute().parent / FOLDER if settings.config else None


def planned(settings: Settings, only: str | None = None) -> Found:
    """All cases with their agents; of one agent, where `only` names it. Prompts are those that the settings choose.

    Our own cases are for our own agents in their own office. Raises Invalid, ConfigError and PromptError.
    """
    of_office = with_chosen_prompts(settings, agents_of(office()))
    configured = with_chosen_prompts(settings, agents_of(settings))
    first = matched(ours(), of_office, only)
    then = matched(yours(settings, configured), configured, only)
    # A floor of yours counts instead of ours.
    floors = {**first.floors, **then.floors}
    return Found((*first.plans, *then.plans), (*first.skipped, *then.skipped), floors)


def matched(files: Iterable[tuple[str, CaseFile]], agents: Iterable[Agent], only: str | None = None) -> Found:
    """The cases in `files` with those of `agents` that they are for."""
    plans, skipped, by_name = list[Plan](), list[tuple[str, int, str]](), {agent.name: agent for agent in agents}
    floors = dict[str, float]()
    for name, file in files:
        if only not in {None, file.agent}:
            continue
        if file.floor is not None:
            floors[file.agent] = file.floor
        if agent := by_name.get(file.agent):
            plans += [Plan(agent, case, name) for case in file.cases]
        else:
            skipped.append((file.agent, len(file.case), name))
    return Found(tuple(plans), tuple(skipped), floors)


def _ours() -> Traversable:
    return resources.files("agents") / FOLDER
