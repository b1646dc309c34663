"""`sayso slack`: the process that hears what people do in Slack, and the manifest of its app."""

import json
from typing import Annotated

import typer

from bot.cli.options import Data, serve

HELP = """Hear what people do in Slack, over Socket Mode; any number of these may run.

To set Slack up, begin with the manifest of its app: `sayso slack manifest`."""

slack = typer.Typer(help=HELP, invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    slack.callback()(receive)
    slack.command()(manifest)
    app.add_typer(slack, name="slack")


def receive(context: typer.Context, data: Data = None) -> None:
    """Hear what people do in Slack, unless another command is named."""
    if context.invoked_subcommand is None:
        serve(data, works=False, receives=("slack",))


def _app_name(name: str) -> str:
    from channels.slack.manifest import NAME_CHARS

    if not name.strip() or not name.isprintable() or len(name) > NAME_CHARS:
        raise typer.BadParameter(f"a name that can be seen, of at most {NAME_CHARS} characters")
    return name.strip()


def _origin(url: str | None) -> str:
    import re

    if url and not re.fullmatch(r"https://[^/\s@?#\"\\]+/?", url):
        raise typer.BadParameter('an address such as "https://sayso.corp.example", without a path; Slack wants TLS')
    return (url or "").rstrip("/")


def manifest(
    url: Annotated[
        str,
        typer.Option(help="HTTP mode: where `sayso web` is reached from outside.", metavar="URL", callback=_origin),
    ] = "",
    name: Annotated[str, typer.Option(help="What the app is called in Slack.", callback=_app_name)] = "sayso",
    agent: Annotated[
        bool, typer.Option("--agent", help="Make it an agent, which shows that it works; needs a paid plan of Slack.")
    ] = False,
    groups: Annotated[
        bool, typer.Option("--groups", help="Let it read user groups, for `[groups.NAME]` with `slack`.")
    ] = False,
    data: Data = None,  # noqa: ARG001 - every command takes --data
) -> None:
    """Print the manifest of the Slack app as JSON, to be pasted where Slack makes apps (From a manifest)."""
    from channels.slack.manifest import manifest as made

    print(json.dumps(made(name, url, is_agent=agent, reads_groups=groups), indent=2))
