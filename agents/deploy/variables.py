"""The variables that an environment's commands get beside PATH, HOME and LANG: by name on cards, by value nowhere."""

import asyncio
import hashlib
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from agents import Variables
from agents.deploy.environment import Environment
from agents.deploy.lookup import LOOK_S, LookFailed, look, patterns_of
from agents.requests import Fact

_FILE = "_FILE"
_SECRET_BYTES = 65_536
# A name that says so holds a secret wherever it came from.
_HOLDS_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL", re.IGNORECASE)


async def variables_of(environment: Environment) -> Variables:
    """Read the variables of `environment` as they are now.

    Raises LookFailed where one that is to be passed on is not set here, or the file of one can't be read.
    """
    passed = {name: _set_here(name) for name in environment.pass_env}
    files = {name: path for name, path in environment.env.items() if name.endswith(_FILE)}
    read = {name.removesuffix(_FILE): await asyncio.to_thread(_content, name, path) for name, path in files.items()}
    plain = {name: value for name, value in environment.env.items() if name not in files}
    shown = {**plain, **passed}
    hidden = [*read.values(), *(value for name, value in shown.items() if _HOLDS_SECRET.search(name))]
    return Variables({**shown, **read}, patterns_of(hidden))


async def missing(environment: Environment) -> tuple[str, ...]:
    """Return a line for each variable that a command would lack now: not set here, or its file can't be read."""
    found = [f"{name} is not set here" for name in environment.pass_env if name not in os.environ]
    for name, path in environment.env.items():
        try:
            if name.endswith(_FILE):
                await asyncio.to_thread(_content, name, path)
        except LookFailed as error:
            found.append(str(error))
    return tuple(found)


def facts_of(environment: Environment) -> tuple[Fact, ...]:
    """Return what a card says of them: their names, and where each comes from."""
    text = "; ".join(filter(None, _described(environment)))
    return (Fact(label="Variables", text=text),) if text else ()


async def artifacts_of(environment: Environment) -> dict[str, str]:
    """Return what binds them to an approval: their names and, as one SHA-256, the values of those that are no secret,
    and the paths of files. A secret may be renewed. Raises LookFailed as `variables_of` does.
    """
    text = "; ".join(filter(None, _described(environment)))
    if not text:
        return {}
    values = (await variables_of(environment)).values
    open_ones = {name: values[name] for name in environment.pass_env if not _HOLDS_SECRET.search(name)}
    told = json.dumps([open_ones, dict(environment.env)], sort_keys=True)
    return {"variables": f"{text}; SHA-256 {hashlib.sha256(told.encode()).hexdigest()}"}


async def look_in(environment: Environment, argv: Sequence[str], timeout_s: float = LOOK_S) -> str:
    """Return what a command of `environment` prints that only looks, without its secrets. Raises LookFailed."""
    given = await variables_of(environment)
    return await look(argv, environment.folder, timeout_s, given.values, hidden=given.hidden)


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
            content = file.read(_SECRET_BYTES + 1).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise LookFailed(f"{name}: {path} can't be read: {why}") from error
    if len(content) > _SECRET_BYTES or "\0" in content:
        raise LookFailed(f"{name}: {path} holds more than a variable can: a text of 64 KB at most")
    return content
