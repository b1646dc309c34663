"""The ways to put a version live: a command of this machine, or a job at GitHub, GitLab or Argo CD.

Others use `Backend`, `command.backend_of` and `ci_status.Checks`. A new one is one file with a `RemoteBackend`, its
table in `bot/config/deploy.py` and its line in `bot/registry/environments.py`. None of them decides anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from agents import Outcome, Pending, ToolContext
from agents.requests import Effect, Fact


@dataclass(frozen=True, slots=True)
class Call:
    """The exact call that puts a commit live, as an approval binds it: all but the step's key and secrets.

    `argv` is a command, or a method, an address and a body. `commit` says that it runs in a clean copy of that commit,
    else it runs in `cwd`. `artifacts` are bound as well; `facts` say what would change, and how it runs.
    """

    argv: tuple[str, ...]
    artifacts: Mapping[str, str] = field(default_factory=dict[str, str])
    cwd: str = ""
    commit: str = ""
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Examined:
    """One thing that a back end was asked for the doctor. `is_fine` is None where it does not tell."""

    what: str
    is_fine: bool | None
    fix: str = ""
    why: str = ""


def fine(what: str) -> Examined:
    """What is as it has to be."""
    return Examined(what, is_fine=True)


def wrong(what: str, why: str, fix: str) -> Examined:
    """What is not, and how it is put right."""
    return Examined(what, is_fine=False, fix=fix, why=why)


class Backend(Protocol):
    """A way to put commits of one environment live. The way back is the same call for the commit before."""

    @property
    def server(self) -> str:
        """The address that is asked; "" for a command of this machine."""
        ...

    async def live(self) -> str:
        """What is live by its own account: the hash of a commit. Raises LookFailed, also where it keeps no account."""
        ...

    async def prepare(self, commit: str) -> Call:
        """Return what would change, and the call that does it. Changes nothing; raises ToolRefused or LookFailed."""
        ...

    async def start(self, effect: Effect, hands: ToolContext) -> Outcome | Pending:
        """Make exactly the approved call, once per `hands.key`. Raises TimeoutError where nobody knows whether it is.

        Who does not wait for its end gives back Pending, whose handle `look` and `cancel` understand.
        """
        ...

    async def look(self, handle: str, effect: Effect | None) -> Outcome | Pending:
        """Return how what was begun by an `effect` stands there. Not being told is no end."""
        ...

    async def cancel(self, handle: str, effect: Effect) -> str:
        """Ask there that what was begun by an `effect` stops, and return what people are told about that."""
        ...

    async def examine(self) -> tuple[Examined, ...]:
        """Return what the doctor has to say of it. Changes nothing."""
        ...
