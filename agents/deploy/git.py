"""What a git repository says of versions and commits. Everything in it was written by others: it comes out as data."""

import re
from dataclasses import dataclass
from pathlib import Path

from agents.deploy.lookup import LookFailed, look
from agents.text import one_line

# What can be a version: nothing that git would read as an option, a range, or an expression (`main~1`, `@{upstream}`).
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,99}")
_HASH = re.compile(r"[0-9a-f]{7,64}")
_FULL = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

# Configuration that would run programs or fake objects stays out.
_GIT = ("git", "--no-pager", "--no-optional-locks", "--no-replace-objects", "-c", "core.fsmonitor=false")
_MOST_VERSIONS = 20
_MOST_COMMITS = 20
_LINE_CHARS = 120


@dataclass(frozen=True, slots=True)
class Versions:
    """The newest tags, newest first, and how many older ones there are."""

    names: tuple[str, ...]
    older: int

    def __str__(self) -> str:
        shown = ", ".join(self.names) or "(none)"
        return f"{shown}, and {self.older} older" if self.older else shown


def is_version(text: str) -> bool:
    """Whether `text` may be asked of git as a version."""
    return _VERSION.fullmatch(text) is not None and ".." not in text


def is_hash(text: str) -> bool:
    """Whether `text` can be a commit, full or short."""
    return _HASH.fullmatch(text) is not None


async def versions(repo: Path) -> Versions:
    """The tags of `repo` that can be deployed by name. Raises LookFailed."""
    order = ("--sort=-version:refname", "--sort=-creatordate")
    printed = await look((*_GIT, "for-each-ref", *order, "--format=%(refname:lstrip=2)", "refs/tags"), repo)
    names = [name for name in printed.splitlines() if is_version(name)]
    return Versions(tuple(names[:_MOST_VERSIONS]), max(0, len(names) - _MOST_VERSIONS))


async def commit_of(repo: Path, version: str) -> str | None:
    """The full hash that a tag, or a full or short hash of a commit that some branch or tag holds, stands for.

    None when there is no such thing. Raises LookFailed when `repo` can't be read.
    """
    if not is_version(version):
        return None
    await look((*_GIT, "rev-parse", "--git-dir"), repo)
    return await _named(repo, f"refs/tags/{version}") or await _by_hash(repo, version)


async def tags_at(repo: Path, commit: str) -> tuple[str, ...]:
    """The tags that stand for `commit`. Raises LookFailed."""
    printed = await look(
        (*_GIT, "for-each-ref", f"--points-at={commit}", "--format=%(refname:lstrip=2)", "refs/tags"), repo
    )
    return tuple(name for name in printed.splitlines() if is_version(name))


async def log(repo: Path, old: str, new: str) -> tuple[str, ...]:
    """One line for each commit that `new` has and `old` has not, newest first, 20 at most. Raises LookFailed."""
    which = (f"--max-count={_MOST_COMMITS + 1}", f"{old}..{new}", "--")
    printed = await look((*_GIT, "log", "--no-show-signature", "--no-color", "--format=%h %s (%an)", *which), repo)
    lines = [one_line(line, _LINE_CHARS) for line in printed.split("\n") if line]
    return (*lines[:_MOST_COMMITS], "…") if len(lines) > _MOST_COMMITS else tuple(lines)


async def _by_hash(repo: Path, version: str) -> str | None:
    """The commit of that hash, if it is on a branch or tag: what nothing refers to may vanish, or never be reviewed."""
    if not is_hash(version):
        return None
    commit = await _named(repo, version)
    # A branch may be called like a hash; only a real one begins its own commit.
    if commit is None or not commit.startswith(version):
        return None
    holders = await look((*_GIT, "for-each-ref", f"--contains={commit}", "--count=1", "--format=%(refname)"), repo)
    return commit if holders.strip() else None


async def _named(repo: Path, name: str) -> str | None:
    try:
        printed = await look(
            (*_GIT, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"), repo
        )
    except LookFailed as error:
        if error.exit_code is None:
            raise
        return None
    commit = printed.strip()
    return commit if _FULL.fullmatch(commit) else None
