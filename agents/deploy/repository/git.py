"""Read versions and commits of a git repository. All of it was written by others: it comes out as data."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from agents.deploy.lookup import MOST_BYTES, LookFailed, is_cut, look
from agents.deploy.names import highest, is_latest
from agents.text import one_line

# What can be a version: nothing that git would read as an option, a range, or an expression (`main~1`, `@{upstream}`).
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,99}")
_HASH = re.compile(r"[0-9a-f]{7,64}")
_FULL = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

# A look needs no approval, so nothing in a repository's configuration may run a program, fetch, or fake objects.
_GIT = (
    *("git", "--no-pager", "--no-optional-locks", "--no-replace-objects"),
    *("-c", "safe.bareRepository=all"),
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"),
)
_CLOSED = MappingProxyType(
    {
        # Only git 2.45 and later know the first; for older ones, no protocol to fetch missing objects by is allowed.
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_GRAFT_FILE": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
    }
)
_PLAIN_DIFF = (
    *("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"),
    *("--no-relative", "--submodule=short", "--ignore-submodules=none"),
)
_LIKE_PATHS = ("refs/", "tags/", "heads/", "remotes/")
_NAME_LAST = "--format=%(objectname) %(refname)"
_MOST_VERSIONS = 20
_MOST_COMMITS = 2_000
_LINE_CHARS = 120
_SHALLOW = "the repository is a shallow clone, which holds only the newest part of the history"
_NAME_CHARS = 60


Kind = Literal["file", "folder", "symbolic link", "submodule"]
_KINDS: Mapping[str, Kind] = MappingProxyType({"040000": "folder", "120000": "symbolic link", "160000": "submodule"})


@dataclass(frozen=True, slots=True)
class Entry:
    """What is at a path of a commit. `state` is its mode and hash: another one where it, or anything in it, differs."""

    kind: Kind
    state: str = ""


@dataclass(frozen=True, slots=True)
class Touched:
    """A file that differs, and by how many lines; a binary one has none. `path` is as its author wrote it."""

    path: str
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class Commits:
    """One line for each commit, newest first, and how many there are. `unread` says why lines are missing."""

    lines: tuple[str, ...]
    total: int
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Versions:
    """The newest tags, newest first, and how many older ones there are."""

    names: tuple[str, ...]
    older: int

    def __str__(self) -> str:
        shown = ", ".join(self.names) or "(none)"
        return f"{shown}, and {self.older} older" if self.older else shown


def is_version(text: str) -> bool:
    """Return whether `text` may be asked of git as a version."""
    return _VERSION.fullmatch(text) is not None and ".." not in text


def is_hash(text: str) -> bool:
    """Return whether `text` can be a commit, full or short."""
    return _HASH.fullmatch(text) is not None


async def versions(repo: Path) -> Versions:
    """The tags of `repo` that can be deployed by name. Raises LookFailed."""
    names = tuple(filter(is_version, await _tags(repo)))
    return Versions(names[:_MOST_VERSIONS], max(0, len(names) - _MOST_VERSIONS))


async def newest(repo: Path) -> tuple[str, str] | None:
    """The newest tag that can be deployed by name, else `HEAD`, and its commit; None without any. Raises LookFailed."""
    for name in (await versions(repo)).names:
        with suppress(LookFailed):  # a name that stands for more than one
            if commit := await commit_of(repo, name):
                return name, commit
    head = await _peeled(repo, "HEAD")
    return ("HEAD", head) if head else None


async def check(repo: Path) -> None:
    """Look whether `repo` is a git repository that can be read. Raises LookFailed."""
    await _git(repo, "rev-parse", "--git-dir")


async def meant_by(repo: Path, word: str) -> str | None:
    """The one tag that `word` stands for: `v1.2.0` for `1.2.0`, the highest release for `latest`. Raises LookFailed.

    None where a tag, a commit or a branch is called `word` itself, and where no tag or more than one can be meant.
    """
    if not is_version(word) or await commit_of(repo, word) or await _is_branch(repo, word):
        return None
    if not is_latest(word):
        return f"v{word}" if await _tagged(repo, f"v{word}") else None
    tags = await _tags(repo)
    is_whole = sum(len(f"refs/tags/{tag.removeprefix('refs/tags/')}\n".encode()) for tag in tags) < MOST_BYTES
    return highest(filter(is_version, tags)) if is_whole else None


async def commit_of(repo: Path, version: str) -> str | None:
    """The full hash that a tag, or a full or short hash of a commit that some branch or tag holds, stands for.

    A tag may also be named in full (`refs/tags/v1`). None when there is no such thing. Raises LookFailed when `repo`
    can't be read, for a name that several refs have, and for a tag that is called like a commit and stands for another.
    """
    if not is_version(version):
        return None
    await _git(repo, "rev-parse", "--git-dir")
    tagged = await _only_tag(repo, version)
    if tagged is None:
        return await _by_hash(repo, version)
    commit = await _peeled(repo, tagged)
    if is_hash(version.lower()) and not (commit or "").startswith(version.lower()):
        raise LookFailed(
            f"{one_line(version, _LINE_CHARS)!r} is the name of a tag that stands for another commit than its name "
            "says. Delete that tag, or name the commit by another tag or by more of its hash"
        )
    return commit


async def full_hash(repo: Path, short: str) -> str | None:
    """The one commit of `repo` whose hash begins with `short`, held by a branch or not. Raises LookFailed."""
    # Unlike `rev-parse NAME` this reads no names: not a branch's, and not one in describe's syntax (`x-gHASH`).
    objects = (await _git(repo, "rev-parse", f"--disambiguate={short}")).split()
    commits = [one for one in objects if _FULL.fullmatch(one) and await _peeled(repo, one) == one]
    return commits[0] if len(commits) == 1 else None


async def tags_at(repo: Path, commit: str) -> tuple[str, ...]:
    """The tags that stand for `commit`, a full hash; none for anything else. Raises LookFailed."""
    if not _FULL.fullmatch(commit):
        return ()
    printed = await _git(repo, "for-each-ref", f"--points-at={commit}", "--format=%(refname)", "refs/tags")
    return tuple(name for name in map(_called, printed.splitlines()) if is_version(name))


async def tag_message(repo: Path, version: str) -> str:
    """The message of the annotated tag that is called `version`, without its signature; nothing for any other version.

    Of a very long one it is the beginning. Raises LookFailed.
    """
    if not is_version(version):
        return ""
    tag = version if version.startswith("refs/tags/") else f"refs/tags/{version}"
    # The message comes last, for that is what may be too long; git ends each ref's line with a line break.
    parts = "%(refname)%00%(objecttype)%00%(contents:signature)%00%(contents)%00"
    # A pattern also finds what lies below it as below a folder.
    printed = (await _git(repo, "for-each-ref", f"--format={parts}", tag)).split("\0")
    rows = (printed[start : start + 4] for start in range(0, len(printed), 4))
    for ref, kind, signature, message in (row for row in rows if len(row) == 4):
        if ref.lstrip("\n") == tag and kind == "tag":
            return message.removesuffix(signature).strip("\n") if signature else message.strip("\n")
    return ""


async def log(repo: Path, old: str, new: str) -> Commits:
    """The commits that `new` has and `old` has not, 2,000 of them at most. Raises LookFailed."""
    which = (f"{old}..{new}", "--")
    total = int((await _git(repo, "rev-list", "--count", *which)).strip() or 0)
    most = f"--max-count={_MOST_COMMITS}"
    printed = await _git(repo, "log", "--no-show-signature", "--no-color", "--format=%h %s (%an)", most, *which)
    # What was cut in the middle of a line is no line.
    whole = printed if printed.endswith("\n") else printed.rpartition("\n")[0]
    lines = tuple(one_line(line, _LINE_CHARS) for line in whole.split("\n") if line)
    if await _is_shallow(repo):
        return Commits(lines, total, _SHALLOW)
    left = total - len(lines)
    return Commits(
        lines, total, f"of {total} only the newest {len(lines)} are listed, and {left} more are not" if left else ""
    )


async def _is_shallow(repo: Path) -> bool:
    return (await _git(repo, "rev-parse", "--is-shallow-repository")).strip() != "false"


async def authors(repo: Path, old: str, new: str) -> tuple[tuple[str, int], ...]:
    """Return who wrote the commits that `new` has and `old` has not, how many each; most first. Raises LookFailed."""
    printed = await _git(repo, "shortlog", "--summary", "--numbered", f"{old}..{new}", "--")
    if is_cut(printed):
        raise LookFailed("too many people wrote them to read all names")
    counted = (line.strip().partition("\t") for line in printed.split("\n") if line.strip())
    return tuple((one_line(name, _NAME_CHARS), int(count)) for count, _, name in counted if count.isdecimal())


async def touched(repo: Path, old: str, new: str) -> tuple[Touched, ...]:
    """Every file in which `new` differs from `old`. Raises LookFailed, also when they are too many to be read."""
    printed = await _git(repo, "diff", *_PLAIN_DIFF, "--numstat", "-z", old, new, "--")
    if is_cut(printed):
        raise LookFailed("too many files differ to read them all")
    rows = (row.split("\t", 2) for row in printed.split("\0") if row)
    return tuple(
        Touched(row[2], *(int(part) if part.isdecimal() else 0 for part in row[:2])) for row in rows if len(row) == 3
    )


async def diff(repo: Path, old: str, new: str, path: str = "") -> str:
    """Return how `new` differs from `old`, in all files or in one, as `git diff` prints it. Raises LookFailed.

    Where `is_cut` it is only the beginning. Nothing that the repository configures is run for it.
    """
    # `repo` may be a folder inside the repository, and paths begin at its top.
    argv = (*_GIT, "diff", *_PLAIN_DIFF, old, new, "--", *([f":(top,literal){path}"] if path else []))
    return await look(argv, repo, extra=_CLOSED)


async def have_common(repo: Path, old: str, new: str) -> bool:
    """Return whether any commit comes before both. Raises LookFailed."""
    try:
        return bool((await _git(repo, "merge-base", old, new)).strip())
    except LookFailed as error:
        if error.exit_code == 1:
            return False
        raise


async def entries(repo: Path, commit: str, paths: Sequence[str]) -> dict[str, Entry]:
    """Return what is at each of `paths`, from the folder `repo`, in `commit`, a full hash; others are left out.

    Raises LookFailed.
    """
    asked = [path for path in paths if path != "."]
    found = {".": Entry("folder")} if len(asked) < len(paths) else {}
    # With `-t` a folder is listed as well where something in it was asked for.
    argv = (*_GIT, "--literal-pathspecs", "ls-tree", "-t", "-z", commit, "--", *asked)
    for row in (await look(argv, repo, extra=_CLOSED)).split("\0") if asked else ():
        state, _, path = row.partition("\t")
        if path in asked:
            found[path] = Entry(_KINDS.get(state.split(" ")[0], "file"), state)
    return found


async def _by_hash(repo: Path, version: str) -> str | None:
    """The commit of that hash, if it is on a branch or tag: what nothing refers to may vanish, or never be reviewed."""
    commit = await full_hash(repo, version) if is_hash(version) else None
    if commit is None:
        return None
    held_by = ("refs/heads", "refs/remotes", "refs/tags")
    holders = await _git(repo, "for-each-ref", f"--contains={commit}", "--count=1", "--format=%(refname)", *held_by)
    return commit if holders.strip() else None


async def _tags(repo: Path) -> list[str]:
    """The names of all tags, newest first, as far as they could be read."""
    order = ("--sort=-version:refname", "--sort=-creatordate")
    printed = await _git(repo, "for-each-ref", *order, "--format=%(refname)", "refs/tags")
    return [_called(ref) for ref in printed.splitlines()]


async def _is_branch(repo: Path, name: str) -> bool:
    """Return whether a branch is called so, here or where this was cloned from."""
    own, others = f"refs/heads/{name}", f"refs/remotes/*/{name}"
    printed = await _git(repo, "for-each-ref", "--format=%(refname)", own, others)
    return any(ref == own or ref.split("/", 3)[3:] == [name] for ref in printed.splitlines())


async def _only_tag(repo: Path, name: str) -> str | None:
    """The object that the one tag of that name points to. Raises LookFailed where git knows another ref by it, too."""
    ways = [f"refs/{name}", f"refs/tags/{name}", f"refs/heads/{name}", *([name] if name.startswith("refs/") else [])]
    printed = await _git(repo, "for-each-ref", _NAME_LAST, *ways, f"refs/remotes/*/{name}")
    rows = [line.partition(" ")[::2] for line in printed.splitlines()]
    found = {ref: object_id for object_id, ref in rows if ref in ways or ref.split("/", 3)[3:] == [name]}
    if len(found) > 1:
        raise LookFailed(
            f"{one_line(name, _LINE_CHARS)!r} is the name of more than one: "
            f"{', '.join(one_line(ref, _LINE_CHARS) for ref in sorted(found))}. "
            "Name a tag in full where it is the only one of that name, or the commit by its hash, or delete the others"
        )
    tag = name if name.startswith("refs/tags/") else f"refs/tags/{name}"
    object_id = found.get(tag, "") if is_plain(name) or tag == name else ""
    return object_id if _FULL.fullmatch(object_id) else None


def is_plain(name: str) -> bool:
    """Return whether the name can only be read as that tag; git reads `tags/v1` and `refs/tags/v1` as `v1` as well."""
    return not name.startswith(_LIKE_PATHS)


def _called(ref: str) -> str:
    """A tag as people name it: in full where less could be read as another."""
    name = ref.removeprefix("refs/tags/")
    return name if is_plain(name) else ref


async def _tagged(repo: Path, name: str) -> str | None:
    """The object that the tag of exactly that name points to."""
    ref = f"refs/tags/{name}"
    # A pattern also finds what lies below it as below a folder.
    found = (line.split(" ") for line in (await _git(repo, "for-each-ref", _NAME_LAST, ref)).splitlines())
    return next((parts[0] for parts in found if parts[1:] == [ref] and _FULL.fullmatch(parts[0])), None)


async def _peeled(repo: Path, object_id: str) -> str | None:
    """The commit that an object, named by its full hash, is or is a tag of."""
    try:
        printed = await _git(repo, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{object_id}^{{commit}}")
    except LookFailed as error:
        if error.exit_code is None:
            raise
        return None
    commit = printed.strip()
    return commit if _FULL.fullmatch(commit) else None


async def _git(repo: Path, *args: str) -> str:
    return await look((*_GIT, *args), repo, extra=_CLOSED)
