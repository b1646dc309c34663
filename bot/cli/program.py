"""The program `sayso`: its commands, and how it ends when something is wrong."""

import sys
import traceback
from types import TracebackType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bot.cli import act, agents, audit, connect, evals, mail, mcp, operate, people, runs, triggers
from bot.errors import SaysoError


class _Commands(TyperGroup):
    """All commands. An error that has something to say is said in one line, exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run one."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            said = sentence(error)
            if said is None:
                raise
            from bot.cli.plain import plain

            print(plain(f"sayso: {said}"), file=sys.stderr)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Commands,
    name="sayso",
    help="Ask a human as a tool call. Start with `./sayso dev`, then, in another terminal:\n\n"
    './sayso trigger "deploy v1.2.0 to production" --as anna\n\n'
    "Commands speak HTTP: to that `sayso dev`, or with SAYSO_API_KEY to the server that SAYSO_URL names. What works "
    "beside the data directory or Redis itself says so.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
for part in (operate, mail, act, runs, people, agents, evals, triggers, audit, mcp, connect):
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


# Errors with something to say, by where they are defined: most commands load few of those places.
_SPOKEN = {("agents", "ToolRefused"), ("channels", "ChannelError"), ("prompts", "PromptError")}


def sentence(error: BaseException) -> str | None:
    """Return what to tell the person; None for a bug, which needs its traceback.

    A group speaks for its members.
    """
    if isinstance(error, BaseExceptionGroup):
        inside: tuple[BaseException, ...] = error.exceptions  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        said = [sentence(inner) for inner in inside]
        return "\n".join(line for line in said if line) if all(said) else None
    is_spoken = isinstance(error, SaysoError) or any(
        (kind.__module__, kind.__name__) in _SPOKEN for kind in type(error).__mro__
    )
    return str(error) if is_spoken else None


def _print_traceback(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    """Print a traceback as Python does, without what a terminal would obey: an error may hold anybody's words."""
    from bot.cli.plain import plain

    print(plain("".join(traceback.format_exception(kind, error, at))), end="", file=sys.stderr)


def main() -> None:
    """Run the command, which ends the process."""
    sys.excepthook = _print_traceback
    app()
