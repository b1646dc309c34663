"""The command `sayso connect`: has a coding agent ask people before it acts."""

import os
import shlex
import shutil
import socket
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.options import Data
from bot.command_line import command

if TYPE_CHECKING:
    from bot.cli.coding_agents import CodingAgent, Wish

# Written out for the help, as no command loads the room of the web to start.
_AGENTS = ("claude-code", "codex", "copilot", "gemini", "vscode")
_POLICY = "coding-agent"
# Claude Code and Codex give a hook 600 s, if nothing else is said.
_WAIT_S = 570


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(connect)


def connect(
    agent: Annotated[str, typer.Argument(metavar="AGENT", help=f"One of {', '.join(_AGENTS)}.")],
    url: Annotated[
        str, typer.Option(help="The address of sayso; $SAYSO_URL, else the running `sayso dev`.", metavar="URL")
    ] = "",
    policy: Annotated[
        str, typer.Option(help="The policy to ask under, where the key may ask under several.", metavar="NAME")
    ] = "",
    wait_s: Annotated[
        int, typer.Option("--wait-s", help="How long people have before the agent goes on without.", min=1, max=3_600)
    ] = _WAIT_S,
    every_call: Annotated[
        bool, typer.Option("--every-call", help="Ask before each tool, also where the agent would not ask you.")
    ] = False,
    mcp: Annotated[
        bool, typer.Option("--mcp", help="The MCP server in place of the hook: the agent puts questions to people.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Write it into the agent's settings.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take it out of the agent's settings.")] = False,
    file: Annotated[Path | None, typer.Option(help="Another file than the agent's usual one.", metavar="PATH")] = None,
    data: Data = None,
) -> None:
    """Let people say what a coding agent may do: shows what goes into its settings, or writes it.

    `sayso connect claude-code --write`, then make a key, as it says, and start the agent with it in SAYSO_API_KEY: no
    settings have the key. All else in them stays. Written twice is as written once. --remove takes exactly that out.

    Where sayso does not answer, nothing runs. Claude Code asks by HTTP; the others start the command `sayso-hook`.
    """
    from bot.cli.agent_files import change, put, taken_out, text_of
    from bot.cli.coding_agents import AGENTS, Wish

    if agent not in AGENTS:
        raise typer.BadParameter(f"there is no agent {agent!r}. There are: {', '.join(AGENTS)}")
    if write and remove:
        raise typer.BadParameter("--write puts it in, --remove takes it out: give one")
    known = AGENTS[agent]
    if every_call and not known.asks_every_call and not mcp:
        raise typer.BadParameter(f"{agent} has one way to ask: leave --every-call out")
    path = file or _file(known, mcp=mcp)
    address, you = ("http://127.0.0.1:8000", "YOU") if remove else _address(url, data)
    command = [] if mcp or not known.by_command else _hook_command(known)
    key_file = str(known.home(os.environ, Path.home()) / known.key_file) if known.key_file and not mcp else ""
    wish = Wish(address, policy, wait_s, every_call, socket.gethostname(), command, key_file)
    ours = known.mcp(wish) if mcp else known.hook(wish)
    if remove:
        print(f"Taken out of {path}." if change(path, taken_out, ours) else f"Nothing of sayso is in {path}.")
        return
    if write:
        print(f"Written into {path}." if change(path, put, ours) else f"{path} has it already.")
    else:
        print(text_of(ours), end="", flush=True)
    aside = sys.stdout if write else sys.stderr  # what is shown can be sent to a file
    for line in _next(known, wish, you, path, written=write, mcp=mcp):
        print(line, file=aside)


def _next(agent: "CodingAgent", wish: "Wish", you: str, path: Path, *, written: bool, mcp: bool) -> Generator[str]:
    """Say what to do next, and how to try it."""
    name = agent.called
    if not written:
        yield f"\nThis goes into {path}; --write puts it there, beside all that it has."
    yield f"\nNext, a key that can do nothing but ask. Where sayso runs{', with your name for YOU' * (you == 'YOU')}:"
    asks = f"policy:{wish.policy or _POLICY},person:{you}"
    made = f"keys create --service {agent.name} --holder {you} --scope ask --acts-for {you} --asks {asks}"
    yield f"  {command(made)}"
    if agent.by_command and not mcp and wish.command == ["sayso-hook"] and shutil.which("sayso-hook") is None:
        yield "Its hook starts the command sayso-hook, which is not here yet. In sayso's repository:"
        yield "  pip install ./clients/hook"
    if wish.key_file:
        yield f"Put the key into a file that only you can read: {name}'s daemon keeps the environment it first had."
        yield f"  (umask 077; cat > {shlex.quote(wish.key_file)})    # paste the key, then Enter and Ctrl-D"
        yield f"Start {name}:\n  {agent.starts}"
    else:
        yield f"Start {name} with the key in its environment; no file has it:"
        restart = f"  {agent.restart}    # its daemon keeps the environment it first had\n" if agent.restart else ""
        yield f"  export SAYSO_API_KEY=sayso_…\n{restart}  {agent.starts}"
    if mcp:
        yield f"Try it: tell it to ask {you} whether staging-three may go. The answer may come in days."
        return
    yield f"Try it: let it run `touch tried`. It waits until somebody says yes: by email, in Slack, or at {wish.url}"
    yield from agent.asks_every_call if wish.every_call else agent.asks
    yield from agent.notes


def _file(agent: "CodingAgent", *, mcp: bool) -> Path:
    """Return the usual file: the person's own, or that of the folder they are in."""
    in_project = agent.mcp_in_project if mcp else agent.hook_in_project
    home = Path.cwd() if in_project else agent.home(os.environ, Path.home())
    return home / (agent.mcp_file if mcp else agent.hook_file)


def _address(url: str, data: Path | None) -> tuple[str, str]:
    """Return the address of sayso and what to call the person there. Raises Unavailable."""
    from bot.cli.server import dev_server, is_origin
    from bot.errors import Unavailable

    given = (url or os.environ.get("SAYSO_URL", "")).rstrip("/")
    if not given:
        server = dev_server(data)
        return server.url, min(filter(None, server.keys), default="YOU")
    if not is_origin(given):
        raise Unavailable(f"The address is {given!r}", "Give one such as https://sayso.corp.example, with no path")
    return given, "YOU"


def _hook_command(agent: "CodingAgent") -> list[str]:
    """Return the words that start `sayso-hook` on this machine, or on any where the file may be shared."""
    beside = Path(__file__).parents[2] / "clients" / "hook" / "sayso_hook.py"
    if agent.hook_in_project or shutil.which("sayso-hook") or not beside.exists():
        return ["sayso-hook"]
    return [sys.executable, "-I", str(beside)]
