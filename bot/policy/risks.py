"""What in a call of a coding agent deserves a second look, found by code. Pure.

It finds what is written plainly, and no more: a card without such words is not harmless for that.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, cast

COMMANDS = frozenset(
    ("Bash", "Shell", "bash", "local_shell", "powershell", "run_in_terminal", "run_shell_command", "shell")
)
"""The tools that run a command."""
PATHS = ("file_path", "path", "notebook_path", "filePath", "absolute_path", "dir_path")
"""The arguments of tools that name a file or a folder."""


class Sign(NamedTuple):
    """A kind of risk, and the words that show it."""

    kind: str
    words: str


_KINDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
_FOUND = {kind: re.compile("|".join(patterns), re.IGNORECASE) for kind, patterns in _KINDS.items()}
_PATH = re.compile(r"(?:^|[\s'\"=(<>;|&`])((?:~|\.\.|/|\$\{?HOME\b)[^\s'\"|;&)<>`]*)")
_NOWHERE = "/dev/null"


def signs_of(text: str, folder: str) -> tuple[Sign, ...]:
    """Return the signs of risk in what a call says, as an agent in `folder` makes it."""
    text = text.replace("\\\n", "")  # a shell reads on at the next line
    found = [Sign(kind, match[0].strip()) for kind, pattern in _FOUND.items() if (match := pattern.search(text))]
    outside = next((path for path in _PATH.findall(text) if path != _NOWHERE and is_outside(path, folder)), "")
    return (*found, *([Sign("outside the folder", outside)] if outside else []))


def texts_in(value: Any) -> Iterator[str]:
    """Yield each text in a JSON value; the names of an object are none."""
    if isinstance(value, Mapping):
        for one in cast("Mapping[str, Any]", value).values():
            yield from texts_in(one)
    elif isinstance(value, list | tuple):
        for one in cast("list[Any]", value):
            yield from texts_in(one)
    elif isinstance(value, str):
        yield value


def is_outside(path: str, folder: str) -> bool:
    """Return whether `path` is, or may be, outside `folder`."""
    if path.startswith(("~", "$")):
        return True
    whole = list[str]()
    for part in PurePosixPath(folder, path).parts:
        if part == "..":
            whole = whole[:-1] or ["/"]
        else:
            whole.append("/" if part == "//" else part)  # which POSIX leaves open, and Linux takes for the root
    return not PurePosixPath(*whole).is_relative_to(folder)
