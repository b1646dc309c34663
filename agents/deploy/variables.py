"""The variables that an environment's commands get beside PATH, HOME and LANG: by name on cards, by value nowhere."""

import asyncio
import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.deploy.environment import Environment
from agents.deploy.lookup import LOOK_S, LookFailed, look
from agents.requests import Fact

_FILE = "_FILE"
_SECRET_BYTES = 65_536
# A name that says so holds a secret wherever it came from.
_HOLDS_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
# Shorter ones would be taken out of words that only look alike.
_LEAST_HIDDEN = 6


@dataclass(frozen=True, slots=True)
class Variables:
    """The values by name, and those that nobody may read in what a command prints."""

    values: Mapping[str, str]
    hidden: tuple[str, ...] = ()


async def variables_of(environment: Environment) -> Variables:
    """Read the variables of `environment` as they are now.

    Raises LookFailed where one that is to be passed on is not set here, or the file of one can't be read.
    """
    passed = {name: _set_here(name) for name in environment.pass_env}
    files = {name: path for name, path in environment.env.items() if name.endswith(_FILE)}
    read = {name.removesuffix(_FILE): await asyncio.to_thread(_content, name, path) for name, path in files.items()}
    plain = {name: value for name, value in environment.env.items() if name not in files}
    hidden = [*read.values(), *(value for name, value in passed.items() if _HOLDS_SECRET.search(name))]
    return Variables({**plain, **passed, **read}, tuple(value for value in hidden if len(value) >= _LEAST_HIDDEN))


def facts_of(environment: Environment) -> tuple[Fact, ...]:
    """Return what a card says of them: their names, and where each comes from."""
    text = "; ".join(filter(None, _described(environment)))
    return (Fact(label="Variables", text=text),) if text else ()


def artifacts_of(environment: Environment) -> dict[str, str]:
    """Return what binds them to an approval: their names and, as a SHA-256, the values that stand in the settings."""
    text = "; ".join(filter(None, _described(environment)))
    stands = {name: value for name, value in environment.env.items() if not name.endswith(_FILE)}
    marked = f"; SHA-256 {hashlib.sha256(json.dumps(stands, sort_keys=True).encode()).hexdigest()}" if stands else ""
    return {"variables": f"{text}{marked}"} if text else {}


async def look_in(environment: Environment, argv: Sequence[str], timeout_s: float = LOOK_S) -> str:
    """Return what a command of `environment` prints that only looks, without its secrets. Raises LookFailed."""
    variables = await variables_of(environment)
    try:
        return masked(await look(argv, environment.folder, timeout_s, variables.values), variables.hidden)
    except LookFailed as error:
        said, printed = masked(str(error), variables.hidden), masked(error.output, variables.hidden)
        raise LookFailed(said, error.exit_code, printed) from None


def masked(text: str, hidden: Sequence[str]) -> str:
    """`text` without any of `hidden`, the longest first: one may be a part of another."""
    for value in sorted(hidden, key=len, reverse=True):
        text = text.replace(value, "[redacted]")
    return text


def _described(environment: Environment) -> tuple[str, str, str]:
    files = [name.removesuffix(_FILE) for name in environment.env if name.endswith(_FILE)]
    plain = [name for name in environment.env if not name.endswith(_FILE)]
    return (
        ", ".join(environment.pass_env) + " of this machine" if environment.pass_env else "",
        ", ".join(files) + " from files" if files else "",
        ", ".join(plain) + " of the settings" if plain else "",
    )


def _set_here(name: str) -> str:
    if name not in os.environ:
        raise LookFailed(f"{name} is to be passed on (pass_env) and is not set for this process")
    return os.environ[name]


def _content(name: str, path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(_SECRET_BYTES).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise LookFailed(f"{name}: {path} can't be read: {why}") from error
