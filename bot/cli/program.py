"""The program `sayso`: its commands, and how it ends when something is wrong."""

import sys
import traceback
from types import TracebackType
from typing import Annotated

import typer

from bot.cli import act, agents, evals, forks, mail, operate, people, runs, slack, triggers

app = typer.Typer(
    name="sayso",
    help="Ask a human as a tool call. Start with `./sayso dev`, then, in another terminal:\n\n"
    './sayso trigger "deploy v1.2.0 to production" --as anna',
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
for part in (operate, mail, slack, act, forks, runs, people, agents, evals, triggers):
    part.register(app)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        from bot.registry.release import version

        print(f"sayso {version()}")
        raise typer.Exit


@app.callback()
def sayso(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Take what concerns no single command."""


def _print_traceback(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    """As Python does it, but for what a terminal would obey: in an error may be anybody's words."""
    from bot.cli.show import plain

    print(plain("".join(traceback.format_exception(kind, error, at))), end="", file=sys.stderr)


def main() -> None:
    """Run the command; an error that has something to say is said in one line, exit code 1."""
    sys.excepthook = _print_traceback
    try:
        app()
    except Exception as error:
        from bot.cli.remote import sentence
        from bot.cli.show import plain

        said = sentence(error)
        if said is None:
            raise
        print(plain(f"sayso: {said}"), file=sys.stderr)
        sys.exit(1)
