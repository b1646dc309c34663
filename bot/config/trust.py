"""Trust in files of the current folder: `sayso trust` records what somebody has looked at; a change asks anew.

A folder may be anybody's, such as a repository that was just cloned; what it holds must not run because we stand in it.
"""

import hashlib
import json
import os
import pwd
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter

from bot.config.data_dir import DataDir

_NOTE = "trusted.json"
_NOTES = TypeAdapter(dict[str, str])
_FOLDER = "folder"


def state_dir(environ: Mapping[str, str]) -> Path:
    """Return the folder of this user's own notes, whatever folder a command is typed in."""
    given = Path(environ.get("XDG_STATE_HOME") or "")
    if given.is_absolute():
        return given / "sayso"
    try:
        home = environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        home = "/nonexistent"
    return Path(home) / ".local" / "state" / "sayso"


def is_trusted(environ: Mapping[str, str], file: Path, content: bytes) -> bool:
    """Return whether `file` was trusted with exactly this content."""
    return _notes(environ).get(_name(file)) == _hash(content)


def is_folder_trusted(environ: Mapping[str, str], folder: Path) -> bool:
    """Return whether a data directory was made here, or trusted as it was found."""
    return _notes(environ).get(_name(folder)) == _FOLDER


def trust(environ: Mapping[str, str], file: Path, content: bytes) -> None:
    """Let `file` count as long as it has this content."""
    _note(environ, {_name(file): _hash(content)})


def trust_folder(environ: Mapping[str, str], folder: Path) -> None:
    """Let a data directory count."""
    _note(environ, {_name(folder): _FOLDER})


def _note(environ: Mapping[str, str], more: Mapping[str, str]) -> None:
    DataDir(state_dir(environ)).note(_NOTE, json.dumps({**_notes(environ), **more}, indent=1))


def _notes(environ: Mapping[str, str]) -> dict[str, str]:
    try:
        return _NOTES.validate_json(DataDir(state_dir(environ)).read(_NOTE) or "{}")
    except (OSError, ValueError):
        return {}


def _name(path: Path) -> str:
    """Return the typed path and where it leads: a link to a trusted file elsewhere is not trusted by that."""
    typed, there = str(path.absolute()), str(path.resolve())
    return typed if typed == there else f"{typed} -> {there}"


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
