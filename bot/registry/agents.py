"""Agents of your own: `[agents.NAME] code = "module:function"`, the module in the folder of `sayso.toml`.

They are loaded, and looked at, when a process starts: what could not work later stops it now. What they do is trusted
like our own code; whoever can write `sayso.toml` can name commands as well. What they import beside that may lie in the
folder `packages` there; nothing in either folder stands in for a module of ours.
"""

import importlib
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import get_type_hints

from pydantic import BaseModel, JsonValue, ValidationError

import prompts
from agents import Agent
from agents.relay import RELAY
from agents.text import one_line
from bot.config.errors import ConfigError
from bot.config.settings import Settings
from bot.config.tables import AgentConfig
from prompts import PromptError

_ERROR_CHARS = 300
# What the model's API takes as the name of a tool; two steps are every agent's own.
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_STEPS = {"request_human_input", "done"}


PACKAGES = "packages"


class _Wrong(Exception):
    """An agent can't be used; the text says why and what to do, `key` at what in its table."""

    def __init__(self, what: str, key: str = "code") -> None:
        super().__init__(what)
        self.key = key


def own_agents(settings: Settings, taken: Collection[str]) -> tuple[Agent, ...]:
    """The agents that the settings name code for; `taken` are the names of ours. Raises ConfigError."""
    found, problems = list[Agent](), list[str]()
    for name, config in settings.agents.items():
        if config.code is None:
            continue
        try:
            found.append(_agent(name, config, _folder(settings), taken))
        except _Wrong as error:
            problems.append(f"{settings.config or 'settings'}: agents.{name}.{error.key}: {error}")
    if problems:
        raise ConfigError(problems)
    return tuple(found)


def _folder(settings: Settings) -> Path:
    if settings.config is None:
        raise _Wrong("there is no sayso.toml, in whose folder its module would be. Write one")
    return settings.config.absolute().parent


def own_files(settings: Settings) -> list[Path]:
    """The files of the agents of your own that this process has loaded, all that they import in their folder included,
    and the records of the packages beside them; sorted. They are read once the agents are there.
    """
    if settings.config is None or not any(config.code for config in settings.agents.values()):
        return []
    folder = _folder(settings)
    places = (Path(file).resolve() for module in list(sys.modules.values()) if (file := _file_of(module)))
    ours = {place for place in places if place.is_relative_to(folder.resolve())}
    packages = folder.resolve() / PACKAGES
    return sorted({place for place in ours if packages not in place.parents} | {*packages.glob("*.dist-info/RECORD")})


def _file_of(module: ModuleType) -> str | None:
    return getattr(module, "__file__", None)


def _agent(name: str, config: AgentConfig, folder: Path, taken: Collection[str]) -> Agent:
    if name in {*taken, RELAY}:
        raise _Wrong(f"sayso has an agent {name} itself. Give yours another name")
    module_name, _, function = (config.code or "").partition(":")
    module = _module(module_name, folder)
    make = getattr(module, function, None)
    if not callable(make):
        there = ", ".join(_functions(module)) or "none"
        raise _Wrong(f"{module.__file__} has no function {function}. It has: {there}")
    given = _settings_for(make, function, config.settings)
    try:
        agent = make(**given)
    except Exception as error:
        raise _Wrong(f"{function}() failed: {_last_line(error, folder)}. Fix it, and start again") from error
    if not isinstance(agent, Agent):
        raise _Wrong(f"{function}() gave back {type(agent).__name__}; it must give back an Agent")
    for problem in _problems(name, agent):
        raise _Wrong(problem)
    return agent


def _settings_for(make: Callable[..., object], function: str, said: Mapping[str, JsonValue]) -> dict[str, BaseModel]:
    """Return what a function takes as its parameter `settings`: its table, read by the model that it names there."""
    if "settings" not in inspect.signature(make).parameters:
        if said:
            hint = f"Give {function} a parameter `settings: YourSettings`, a pydantic model, or take the table out"
            raise _Wrong(f"{function} takes no settings. {hint}", "settings")
        return {}
    kind = get_type_hints(make).get("settings")
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        raise _Wrong(f"the parameter `settings` of {function} must name a pydantic model as its type")
    try:
        return {"settings": kind.model_validate(said)}
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        told = (f"{'.'.join(map(str, one['loc'])) or kind.__name__}: {one['msg']}" for one in found)
        raise _Wrong(one_line("; ".join(told), _ERROR_CHARS), "settings") from error


def _module(name: str, folder: Path) -> ModuleType:
    """The module of that name in `folder`, and no other one; loaded once."""
    # Last, so that nothing in that folder stands in for a module of ours or of Python's.
    sys.path += [str(one) for one in (folder, folder / PACKAGES) if str(one) not in sys.path]
    importlib.invalidate_caches()
    place = _place(name)
    if place is None or not place.is_relative_to(folder.resolve()):
        if not any((folder / part).exists() for part in (f"{name}.py", f"{name}/__init__.py")):
            raise _Wrong(f"there is no {name}.py in {folder}. Write it there, or correct the name before the colon")
        raise _Wrong(f"{name} is a module of {place or 'Python'} already. Give your file another name")
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        line = _last_line(error, folder)
        raise _Wrong(f"{place.name} can't be imported: {line}. Fix it, and start again") from error


def _place(name: str) -> Path | None:
    try:
        spec = find_spec(name)
    except ValueError:  # a module that was made by hand
        return None
    return Path(spec.origin).resolve() if spec and spec.has_location and spec.origin else None


def _functions(module: ModuleType) -> Iterator[str]:
    for name, value in vars(module).items():
        if inspect.isfunction(value) and value.__module__ == module.__name__:
            yield name


def _last_line(error: BaseException, folder: Path) -> str:
    """Return the last line of a traceback, and the place in `folder` where it happened."""
    said = one_line(traceback.format_exception_only(error)[-1], _ERROR_CHARS)
    if isinstance(error, SyntaxError) and error.filename:
        return f"{said} ({Path(error.filename).name}, line {error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    places = [(Path(frame.filename), frame.lineno) for frame in frames]
    ours = [f"{path.name}, line {line}" for path, line in places if path.is_relative_to(folder)]
    return f"{said} ({ours[-1]})" if ours else said


def _problems(name: str, agent: Agent) -> Iterator[str]:
    """Yield the problems of an agent that would fail later, or is not the one that the settings name."""
    if agent.name != name:
        yield f"that agent calls itself {agent.name!r}. Name the table [agents.{agent.name}], or the agent {name!r}"
    names = [tool.name for tool in agent.tools]
    for tool in names:
        if names.count(tool) > 1:
            yield f"it has two tools {tool!r}. Give each a name of its own"
        if tool in _STEPS:
            yield f"the tool {tool!r} is called like a step that every agent has. Give it another name"
        if not _TOOL_NAME.fullmatch(tool):
            yield f"the tool {tool!r} needs a name of at most 64 letters, digits, hyphens and underscores"
    try:
        if agent.prompt:
            prompts.load(agent.prompt, agent.folder)
    except PromptError as error:
        hint = "" if agent.folder else ". To the agent add: folder=Path(__file__).parent"
        yield f"{error}{hint}"
