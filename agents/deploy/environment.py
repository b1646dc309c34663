"""A place to deploy to, as the configuration names it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from agents.deploy.backends import Backend
from agents.deploy.backends.ci_status import Checks
from agents.deploy.repository.mirror import Remote

Way = Literal["deploy", "rollback"]
# How the tools are called that have a server do it.
ELSEWHERE: Mapping[Way, str] = MappingProxyType({"deploy": "dispatch", "rollback": "dispatch_rollback"})

_PLACE = re.compile(r"\{([a-z_]+)\}")
# What changes the shape of stored data is called like this by most frameworks.
MIGRATIONS = (
    *("**/migrations/**", "**/migrate/**", "**/alembic/versions/**", "**/liquibase/**", "**/flyway/**"),
    *("**/*.sql", "**/changelog*.xml", "**/schema.rb", "**/schema.prisma"),
)

# With them the program that was approved runs other code.
_STEERING = {
    *("PATH", "BASH_ENV", "BASHOPTS", "ENV", "GCONV_PATH", "GLIBC_TUNABLES"),
    *("IFS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "MAKEFLAGS", "NODE_OPTIONS", "NODE_PATH"),
    *("PS4", "RUBYLIB", "RUBYOPT", "SHELLOPTS"),
}
_STEERING_FAMILIES = ("SAYSO_", "LD_", "DYLD_", "GIT_", "PERL5", "PYTHON")


@dataclass(frozen=True, slots=True)
class Environment:
    """`command` deploys and `live` prints the commit that is live; both run in `folder`, without a shell.

    `repo` is a git repository on this machine, our own mirror of `remote` where there is one. `cwd` is the folder for
    commands where that is not `repo`; a command that names files of the commit runs in a clean copy of that. Commands
    get the variables `pass_env` of this process and those of `env`, where `NAME_FILE` names the file of `NAME`.
    Their elements may hold `{environment}`, those of `command`, `plan` and `ci` also `{commit}`, and those of `command`
    `{plan}`: the SHA-256 of what `plan` printed. `policy` names who must approve, None for nobody. `timeout_s` is for a
    deploy. `plan` prints what would change, `ci` how the checks of a commit stand, `last` who deployed last and when,
    `health` whether what is live works; each may be missing. `migrations` are patterns of paths. With a `backend` that
    deploys, not `command`, and may tell what is live; `checks` is asked where there is no `ci`. Raises ValueError for
    any other place to fill in.
    """

    name: str
    policy: str | None
    repo: Path
    command: tuple[str, ...]
    live: tuple[str, ...]
    timeout_s: float
    ci: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    migrations: tuple[str, ...] = MIGRATIONS
    checks: Checks | None = None
    backend: Backend | None = None
    plan: tuple[str, ...] = ()
    remote: Remote | None = None
    cwd: Path | None = None
    pass_env: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        for what, argv, allowed in (
            ("command", self.command, {"environment", "commit", "plan"} if self.plan else {"environment", "commit"}),
            ("plan", self.plan, {"environment", "commit"}),
            ("live", self.live, {"environment"}),
            ("ci", self.ci, {"environment", "commit"}),
            ("last", self.last, {"environment"}),
            ("health", self.health, {"environment"}),
        ):
            if not argv and what in {"command", "live"} and self.backend is None:
                raise ValueError(f"deploy.environments.{self.name}.{what} is empty: it must name a program")
            for unknown in {place for part in argv for place in _PLACE.findall(part)} - allowed:
                known = ", ".join(f"{{{place}}}" for place in sorted(allowed))
                raise ValueError(f"deploy.environments.{self.name}.{what} holds {{{unknown}}}; it may hold {known}")

    @property
    def folder(self) -> Path:
        """The folder in which commands run."""
        return self.cwd or self.repo

    @property
    def lock(self) -> str:
        """The lock that a deploy there takes: one at a time, on every machine."""
        return f"deploy-{self.name}"

    def deploy_argv(self, commit: str, plan: str = "") -> tuple[str, ...]:
        """The command that puts `commit` live, as `plan` says by its SHA-256."""
        return self._filled(self.command, commit, plan)

    def plan_argv(self, commit: str) -> tuple[str, ...]:
        """The command that prints what putting `commit` live would change."""
        return self._filled(self.plan, commit)

    def live_argv(self) -> tuple[str, ...]:
        """The command that prints what is live."""
        return self._filled(self.live)

    def ci_argv(self, commit: str) -> tuple[str, ...]:
        """The command that tells how the checks of `commit` stand."""
        return self._filled(self.ci, commit)

    def last_argv(self) -> tuple[str, ...]:
        """The command that prints who deployed last, and when."""
        return self._filled(self.last)

    def health_argv(self) -> tuple[str, ...]:
        """The command that succeeds when what is live works."""
        return self._filled(self.health)

    def is_migration(self, path: str) -> bool:
        """Return whether a file of that path changes the shape of stored data, by its name."""
        # With a `/` in front, so that `**/x` finds `x` at the top as well.
        return any(fnmatchcase(f"/{path}".lower(), _anchored(pattern.lower())) for pattern in self.migrations)

    def _filled(self, argv: tuple[str, ...], commit: str = "", plan: str = "") -> tuple[str, ...]:
        return _filled(argv, {"environment": self.name, "commit": commit, "plan": plan})


@dataclass(frozen=True, slots=True)
class Ways:
    """The differences of environments, by name: a health check, a server that deploys, where nobody need approve."""

    checked: frozenset[str] = frozenset()
    dispatched: frozenset[str] = frozenset()
    ungated: frozenset[str] = frozenset()

    def tool(self, way: Way, environment: str) -> str:
        """The tool that does it there."""
        return ELSEWHERE[way] if environment in self.dispatched else way


def ways_of(environments: Mapping[str, Environment]) -> Ways:
    """Return what the plain rules need to know of the environments."""
    every = environments.values()
    return Ways(
        checked=frozenset(one.name for one in every if one.health),
        dispatched=frozenset(one.name for one in every if one.backend),
        ungated=frozenset(one.name for one in every if one.policy is None),
    )


def _anchored(pattern: str) -> str:
    """`pattern` for a path that begins with `/`: without a folder of its own it means any. `*` crosses folders."""
    return f"*/{pattern.removeprefix('**/')}" if pattern.startswith("**/") or "/" not in pattern else f"/{pattern}"


def _filled(argv: tuple[str, ...], values: Mapping[str, str]) -> tuple[str, ...]:
    """`argv` with its places filled in, in one pass, so that no value is read as a place itself."""
    return tuple(_PLACE.sub(lambda found: values[found[1]], part) for part in argv)


def is_steering(variable: str) -> bool:
    """Return whether a variable, or a file of one, decides what the program that was approved runs, or is our own."""
    name = variable.upper().removesuffix("_FILE")
    return not name or name in _STEERING or name.startswith(_STEERING_FAMILIES)
