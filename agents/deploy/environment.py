"""A place to deploy to, as the configuration names it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PLACE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Environment:
    """`command` deploys and `live` prints the commit that is live; both run in `repo`, without a shell.

    Their elements may hold `{environment}`, and `command` also `{commit}`. `policy` names who must approve, None for
    nobody. `timeout_s` is for `command`. Raises ValueError for any other place to fill in.
    """

    name: str
    policy: str | None
    repo: Path
    command: tuple[str, ...]
    live: tuple[str, ...]
    timeout_s: float

    def __post_init__(self) -> None:
        for what, argv, allowed in (
            ("command", self.command, {"environment", "commit"}),
            ("live", self.live, {"environment"}),
        ):
            if not argv:
                raise ValueError(f"deploy.environments.{self.name}.{what} is empty: it must name a program")
            for unknown in {place for part in argv for place in _PLACE.findall(part)} - allowed:
                known = ", ".join(f"{{{place}}}" for place in sorted(allowed))
                raise ValueError(f"deploy.environments.{self.name}.{what} holds {{{unknown}}}; it may hold {known}")

    def deploy_argv(self, commit: str) -> tuple[str, ...]:
        """The command that puts `commit` live."""
        return _filled(self.command, {"environment": self.name, "commit": commit})

    def live_argv(self) -> tuple[str, ...]:
        """The command that prints what is live."""
        return _filled(self.live, {"environment": self.name})


def _filled(argv: tuple[str, ...], values: Mapping[str, str]) -> tuple[str, ...]:
    """`argv` with its places filled in, in one pass, so that no value is read as a place itself."""
    return tuple(_PLACE.sub(lambda found: values[found[1]], part) for part in argv)
