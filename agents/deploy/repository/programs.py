"""Bind the programs that a deploy runs to its approval: by the approved commit itself, or by their SHA-256.

A command that names files of the commit runs in a clean copy of it, so nobody can change them after the approval.
A program from elsewhere runs as it is on this machine, and only while its SHA-256 is the approved one.
"""

import asyncio
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agents import ToolRefused
from agents.deploy.repository import git
from agents.requests import Fact
from agents.text import one_line
from language import say

_SHOWN_CHARS = 200
# Hashing more than this on each look would keep people waiting.
_MOST_BYTES = 512 * 1024 * 1024
# The mode that git keeps of a file that may be run.
_EXECUTABLE = "100755"
_NO_FILES = {
    "symbolic link": "deploy.program-is-link",
    "folder": "deploy.program-is-folder",
    "submodule": "deploy.program-is-submodule",
}


@dataclass(frozen=True, slots=True)
class Bound:
    """The binding of a command. With `commit` it runs in a clean copy of that; `artifacts` are part of the approval."""

    fact: Fact
    commit: str = ""
    artifacts: tuple[tuple[str, str], ...] = ()


async def bound(repo: Path, folder: Path, argv: Sequence[str], commit: str) -> Bound:
    """Return what binds `argv` to an approval of `commit`; without any file of that commit it runs in `folder`.

    Raises ToolRefused for a program that is not there, and LookFailed when `repo` can't be read.
    """
    inside = dict(_inside(repo, argv))
    kinds = await git.entries(repo, commit, tuple(inside.values())) if inside else {}
    program = argv[0]
    entry = kinds.get(inside.get(program, ""))
    if entry and entry.kind == "file":
        return Bound(_fact(f"{program}, as it is in this commit"), commit)
    if entry:
        raise ToolRefused(say(_NO_FILES[entry.kind], program=repr(one_line(program, _SHOWN_CHARS)), commit=commit))
    path = _found(folder, program)
    artifacts = ((f"SHA-256 of {path}", await asyncio.to_thread(_sha256, path)),)
    if program not in inside and any(_is_used(part, kinds.get(place)) for part, place in inside.items()):
        fact = _fact(f"{path}, bound by its SHA-256, in a clean copy of this commit")
        return Bound(fact, commit, artifacts)
    text = f"{path}, bound by its SHA-256, in {folder} as that is then; what it reads or calls there is not bound"
    return Bound(_fact(text), "", artifacts)


async def why_not_run(repo: Path, folder: Path, argv: Sequence[str], commit: str) -> str:
    """Return why an approved deploy of `commit` could not start `argv`, "" where it could. Raises LookFailed."""
    try:
        binding = await bound(repo, folder, argv, commit)
    except ToolRefused as error:
        return str(error)
    if binding.artifacts:
        return why_not_started(folder, argv)
    place = dict(_inside(repo, argv[:1]))[argv[0]]
    entry = (await git.entries(repo, commit, (place,)))[place]
    return "" if entry.state.startswith(_EXECUTABLE) else f"{argv[0]} is not executable in this commit"


def why_not_started(folder: Path, argv: Sequence[str]) -> str:
    """Return why `argv` could not be started in `folder` as it is now, "" where it could."""
    program = argv[0]
    if "/" not in program:
        return "" if shutil.which(program) else f"there is no program {program} on PATH"
    path = folder / program
    if not path.is_file():
        return f"{path} is a folder" if path.is_dir() else f"there is no program {path}"
    return "" if os.access(path, os.X_OK) else f"{path} is not executable"


async def changed(repo: Path, argv: Sequence[str], old: str, new: str) -> tuple[tuple[str, str], ...]:
    """Return the parts of `argv` that name what only one of the commits has or both have otherwise, and what it is.

    A link in `new` is one of them in any case: what it leads to may have changed. Raises LookFailed.
    """
    # The whole repository is what a deploy is about: that it changed says nothing.
    inside = {part: _way_to(place) for part, place in _inside(repo, argv) if place != "."}
    asked = tuple({step for way in inside.values() for step in way})
    before, after = await asyncio.gather(git.entries(repo, old, asked), git.entries(repo, new, asked))
    found = list[tuple[str, str]]()
    for part, way in inside.items():
        steps = [(before.get(step), after.get(step)) for step in way]
        if steps[0][0] != steps[0][1] or any(was != now and _leads_away(was, now) for was, now in steps):
            found.append((part, "changed"))
        if any(now and now.kind == "symbolic link" for _, now in steps):
            found.append((part, "is a link"))
    return tuple(found)


def _way_to(place: str) -> tuple[str, ...]:
    """`place`, and the folders that lead to it: each of them can be a link."""
    return (place, *(str(folder) for folder in Path(place).parents if folder != Path()))


def _leads_away(*entries: git.Entry | None) -> bool:
    """Return whether what is below one of them is elsewhere."""
    return any(entry and entry.kind in {"symbolic link", "submodule"} for entry in entries)


def _fact(text: str) -> Fact:
    return Fact(label="Program", text=text)


def _inside(repo: Path, argv: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each part of `argv` that can name something in `repo`, and the path there; a bare program is found on PATH."""
    for number, part in enumerate(argv):
        if not part or part.startswith("-") or "\0" in part or (number == 0 and "/" not in part):
            continue
        path = os.path.relpath(os.path.normpath(repo / part), repo)
        if Path(path).parts[:1] != ("..",):
            yield part, path


def _is_used(part: str, entry: git.Entry | None) -> bool:
    """Return whether `part` means what is there: a word that is also the name of a folder (`production`) does not."""
    return entry is not None and (entry.kind == "file" or "/" in part or part == ".")


def _found(folder: Path, program: str) -> Path:
    """The file that `program` stands for on this machine. Raises ToolRefused."""
    named = str(folder / program) if "/" in program else shutil.which(program)
    try:
        return Path(named or "").resolve(strict=True) if named else _missing(folder, program)
    except OSError:
        return _missing(folder, program)


def _missing(folder: Path, program: str) -> Path:
    key = "deploy.no-program-folder" if "/" in program else "deploy.no-program-path"
    raise ToolRefused(say(key, program=repr(one_line(program, _SHOWN_CHARS)), folder=folder))


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_size > _MOST_BYTES:
                raise ToolRefused(say("deploy.program-not-bindable", path=path))
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ToolRefused(say("deploy.program-unread", path=path, why=error.strerror)) from error
