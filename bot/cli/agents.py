"""The agents and prompts commands: `sayso agents`, `sayso prompts` and `sayso prompts diff A B`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.options import Data, Json, settings_of
from bot.cli.plain import plain, short_hash

if TYPE_CHECKING:
    from agents import Agent, Tool
    from bot.config.settings import Settings
    from prompts import Prompt

_HASH_CHARS = 12
_HELP = "List the prompts in all their versions, with hashes, and the agents that use them."

prompts = typer.Typer(help=_HELP, invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(agents)
    prompts.callback()(listed)
    prompts.command()(diff)
    app.add_typer(prompts, name="prompts")


def agents(as_json: Json = False, data: Data = None) -> None:
    """List the agents with model, prompt and tools; a hash changes with what a model is told."""
    from bot.registry.configured import release_in_use

    settings, configured = _configured(data)
    told = [_told(settings, agent) for agent in configured]
    release = release_in_use(settings, configured)
    if as_json:
        print(json.dumps([one | {"release": release} for one in told]))
        return
    for one in told:
        works = f"{one['mode']}, prompt {one['prompt']}" if one["prompt"] else one["mode"]
        model = f"  model {one['model']}" if one["model"] else ""
        model += f", else {one['fallback_model']}" if one["fallback_model"] else ""
        print(plain(f"{one['name']}  {one['description']} ({works}){model}  tools {one['tools_hash'][:_HASH_CHARS]}"))
        for tool in one["tools"]:
            head = f"  {tool['name']}@{tool['version']}  {tool['hash']}  {tool['description']}"
            print(plain(f"{head}  (gate: {tool['gate']})"))
    print(f"release {release}")


def listed(context: typer.Context, as_json: Json = False, data: Data = None) -> None:
    """List the prompts in all their versions, with hashes, and the agents that use them."""
    from bot.registry.configured import release_in_use

    if context.invoked_subcommand is not None:
        return
    settings, configured = _configured(data)
    users = _users(configured)
    found = [(prompt, users.get((prompt.file, prompt.label), [])) for prompt in _versions(configured)]
    release = release_in_use(settings, configured)
    if as_json:
        print(json.dumps([_row(prompt, used_by) | {"release": release} for prompt, used_by in found]))
        return
    for prompt, used_by in found:
        use = f"in use by {', '.join(used_by)}" if used_by else "not in use"
        print(f"{prompt.label}  {prompt.hash[:_HASH_CHARS]}  {use}")
    print(f"release {release}")


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A version, such as deploy@1.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one; without a number: the newest.")],
    data: Data = None,
) -> None:
    """Show what differs between two versions, as a unified diff."""
    _, configured = _configured(data)
    before, after = (_named(name, configured) for name in (a, b))
    print(plain(difference(before, after)) or f"{before.label} and {after.label} say the same.")


def difference(before: "Prompt", after: "Prompt") -> str:
    """A unified diff of two versions as they are written; empty when they say the same."""
    import difflib

    return "\n".join(difflib.unified_diff(_lines(before), _lines(after), before.label, after.label, lineterm=""))


def _configured(data: Path | None) -> "tuple[Settings, tuple[Agent, ...]]":
    """The agents as a process would compose them. Raises ConfigError and PromptError."""
    from bot.registry.configured import agents_of
    from bot.registry.prompts import with_chosen_prompts

    settings = settings_of(data)
    return settings, with_chosen_prompts(settings, agents_of(settings))


def _told(settings: "Settings", agent: "Agent") -> dict[str, Any]:
    """One agent as JSON."""
    from bot.registry.configured import fallback_names, model_names, rehearsing
    from bot.registry.prompts import in_use

    (uses,) = in_use([agent], model_names(settings, [agent]))
    rehearses = agent.name in rehearsing(settings, [agent])
    mode = "all code" if not agent.prompt else "rehearsal: no model key" if rehearses else "model"
    return {
        "name": agent.name,
        "description": agent.description,
        "mode": mode,
        "model": uses.model,
        "fallback_model": fallback_names(settings, [agent]).get(agent.name, ""),
        "prompt": uses.prompt,
        "prompt_hash": uses.prompt_hash,
        "tools_hash": uses.tools_hash,
        "tools": [_tool(tool) for tool in agent.tools],
    }


def _tool(tool: "Tool[Any]") -> dict[str, object]:
    told: dict[str, object] = {
        "name": tool.name,
        "version": tool.schema_version,
        "description": tool.description,
        "schema": tool.args.model_json_schema(),
    }
    # Which policy is a matter of the arguments: code asks for each call.
    gate = "a policy, by its arguments" if tool.may_be_gated else "none"
    return told | {"hash": short_hash(told), "gate": gate}


def _folders(configured: "tuple[Agent, ...]") -> dict[str, Path]:
    """Return the folders of prompts that are not among sayso's own, by prompt name."""
    return {agent.prompt.partition("@")[0]: agent.folder for agent in configured if agent.prompt and agent.folder}


def _versions(configured: "tuple[Agent, ...]") -> "list[Prompt]":
    """All versions of our own prompts and of those that agents bring along, newest first."""
    import prompts as files

    own = [prompt for name in files.names() for prompt in files.versions(name)]
    return own + [prompt for name, folder in _folders(configured).items() for prompt in files.versions(name, folder)]


def _users(configured: "tuple[Agent, ...]") -> dict[tuple[str, str], list[str]]:
    """Return the agents that use each prompt, by its file and label."""
    import prompts as files

    users: dict[tuple[str, str], list[str]] = {}
    for agent in configured:
        if agent.prompt:
            prompt = files.load(agent.prompt, agent.folder)
            users.setdefault((prompt.file, prompt.label), []).append(agent.name)
    return users


def _row(prompt: "Prompt", used_by: list[str]) -> dict[str, object]:
    return {
        "name": prompt.name,
        "version": prompt.version,
        "hash": prompt.hash,
        "file": prompt.file,
        "in_use_by": used_by,
    }


def _named(name: str, configured: "tuple[Agent, ...]") -> "Prompt":
    import prompts as files

    return files.load(name, _folders(configured).get(name.partition("@")[0]))


def _lines(prompt: "Prompt") -> list[str]:
    """Return the lines that make a version: its models, its inputs, and the template as it is written."""
    head = [f"family: {prompt.family}", f"inputs: {', '.join(prompt.inputs)}", ""]
    return head + prompt.body.splitlines()
