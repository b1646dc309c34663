"""A clean copy of one commit, for the command that is to be just that commit. Standard library only.

The copy is a repository of its own: it has the tags of that commit, but neither the configuration nor the hooks of the
other one, so nothing that was changed there since the approval has a part in it. The commit's own files are taken over
by their hashes, which git computes anew; for what came before it, the copy borrows the objects of the other one.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from bot.execution.runner_files import clean_environment

# A copy that a runner could not remove may still be used by what it had begun.
_LEFT_FOR_S = 24 * 3600
_LIMIT_S = 300.0
_SAID_CHARS = 300
_SHA256_CHARS = 64
_GIT = (
    *("git", "--no-pager", "--no-optional-locks", "--no-replace-objects"),
    *("-c", "safe.bareRepository=all"),
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "advice.graftFileDeprecated=false"),
)
_CLOSED = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_GRAFT_FILE": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
}
# A filter of this user's own would make other files than those of the commit.
_ALONE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


class NoTree(Exception):
    """No clean copy exists, and nothing was run: `str()` says why."""


@contextmanager
def clean_tree(place: Path, repo: str, commit: str, umask: int) -> Generator[Path]:
    """The folder in a clean copy of `commit` that `repo` is in its repository; the copy at `place` goes at the end.

    Its files are made under `umask`. Raises NoTree.
    """
    try:
        _make_room(place)
        yield _filled(place, repo, commit, umask)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def in_tree(argv: Sequence[str], repo: str, folder: Path) -> list[str]:
    """`argv` with the full paths below `repo` as those of the copy, as far as they are there."""

    def moved(part: str) -> str:
        path = Path(part)
        if not path.is_absolute() or not path.is_relative_to(repo):
            return part
        copied = folder / path.relative_to(repo)
        return str(copied) if copied.exists() else part

    return [moved(part) for part in argv]


def _make_room(place: Path) -> None:
    """Clear `place`. A killed runner's command there may still run, so the copy is moved aside for a day."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        place.rename(place.with_name(f".left.{time.time_ns()}"))
    for left in place.parent.glob(".left.*"):
        if time.time_ns() - int(left.suffix.removeprefix(".") or 0) > _LEFT_FOR_S * 10**9:
            shutil.rmtree(left, ignore_errors=True)


def _filled(place: Path, repo: str, commit: str, umask: int) -> Path:
    prefix = _git(["rev-parse", "--show-prefix"], repo).strip()
    objects = _git(["rev-parse", "--path-format=absolute", "--git-path", "objects"], repo).strip()
    tags = _git(["for-each-ref", f"--points-at={commit}", "--format=%(objectname) %(refname)", "refs/tags"], repo)
    form = "sha256" if len(commit) == _SHA256_CHARS else "sha1"
    _git(["init", "--quiet", "--template=", f"--object-format={form}", str(place)], "/", _ALONE, umask)
    _take_over(place, repo, commit)
    _git(["checkout", "--quiet", "--detach", "--force", commit, "--"], str(place), _ALONE, umask)
    (place / ".git" / "objects" / "info").mkdir(exist_ok=True)
    (place / ".git" / "objects" / "info" / "alternates").write_text(f"{objects}\n")
    (place / ".git" / "packed-refs").write_text(tags)
    return place / prefix


def _take_over(place: Path, repo: str, commit: str) -> None:
    """The commit and its files: who reads an object believes its name, who indexes a pack computes it."""
    pack = place / ".git" / "taken"
    names = _git(["rev-list", "--objects", "--no-object-names", "--no-walk", commit, "--"], repo)
    with pack.open("wb") as file:
        _git(["pack-objects", "--quiet", "--stdout"], repo, given=names.encode(), into=file)
    _git(["index-pack", str(pack), "-o", str(_packed(place, "idx"))], str(place), _ALONE)
    pack.rename(_packed(place, "pack"))


def _packed(place: Path, kind: str) -> Path:
    return place / ".git" / "objects" / "pack" / f"pack-taken.{kind}"


def _git(
    args: Sequence[str],
    cwd: str,
    extra: dict[str, str] | None = None,
    umask: int = -1,
    *,
    given: bytes = b"",
    into: IO[bytes] | None = None,
) -> str:
    environment = clean_environment()
    try:
        done = subprocess.run(
            [*_GIT, *args],
            check=False,
            cwd=cwd,
            env={**environment, **_CLOSED, **(extra or {})},
            input=given,
            stdout=into or subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=_LIMIT_S,
            umask=umask,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoTree(f"git {args[0]} failed: {error}") from error
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())[:_SAID_CHARS]
        raise NoTree(f"git {args[0]} failed: {said}")
    return (done.stdout or b"").decode(errors="surrogateescape")
