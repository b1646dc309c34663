"""The files that runners leave in the data directory: claims on attempts, and results.

Standard library only. `attempts/<id>.claim` says that the attempt is taken, for good: by the runner that was about to
run it, by nobody where that runner or its worker found that it must not begin, or by an adopter who found none. It
appears at once and whole, so exactly one of them makes it. A runner holds a `flock` on its claim for as long as it
lives. `attempts/<id>.result` is what the command gave, written whole or not at all. What is there is believed, in a
copy of the data directory as well; what is missing proves nothing. `locks/<name>.lock` is held by the runner that runs
something under that name; what it runs in a clean copy of a repository has that below `trees/<name>`. All files are
0600, all folders 0700, but for what is in such a copy.
"""

import fcntl
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from bot.config.files import write_whole

# A result is read within minutes. A claim keeps a runner that is late from beginning, so it stays until no run can
# still be waiting for it.
_RESULTS_KEPT_S = 7 * 24 * 3600
_CLAIMS_KEPT_S = 400 * 24 * 3600

Taker = Literal["runner", "nobody", "adopter"]


def clean_environment() -> dict[str, str]:
    """What a command knows of this process's environment: no secret of ours."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


@dataclass(frozen=True, slots=True)
class Given:
    """The result of a command.

    `exit_code` is None after its time-out, negative for the signal that ended it.
    """

    exit_code: int | None
    output: str
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Places:
    """The paths of one data directory's files."""

    data_dir: Path

    def lock(self, name: str) -> Path:
        """The file whose `flock` is held by whoever runs something under that name."""
        return self.data_dir / "locks" / f"{quote(name, safe='')}.lock"

    def claim(self, attempt_id: str) -> Path:
        """The file that says who took the attempt."""
        return self._attempts / f"{quote(attempt_id, safe='')}.claim"

    def result(self, attempt_id: str) -> Path:
        """The file that holds what the attempt gave."""
        return self._attempts / f"{quote(attempt_id, safe='')}.result"

    def tree(self, name: str, repo: str) -> Path:
        """Return the path of the clean copy of a repository for the lock `name`; named like its folder."""
        return self.data_dir / "trees" / quote(name, safe="") / (Path(repo).name or "repository")

    def make(self) -> None:
        """Make the folders."""
        for folder in (self.data_dir / "locks", self._attempts):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def remove_old(self, now: float) -> None:
        """Remove the files of long ended attempts; `now` is the time in seconds since 1970."""
        for path in self._attempts.iterdir():
            kept_s = _CLAIMS_KEPT_S if path.suffix == ".claim" else _RESULTS_KEPT_S
            with suppress(FileNotFoundError):  # another runner was quicker
                if path.stat().st_mtime < now - kept_s:
                    path.unlink()

    @property
    def _attempts(self) -> Path:
        return self.data_dir / "attempts"


def open_lock(path: Path) -> int:
    """Open the file of a lock, which is there from then on. Raises OSError."""
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def take_lock(path: Path) -> int:
    """Wait for the lock at `path`; it is held until the returned file is closed."""
    lock = open_lock(path)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def take_claim(path: Path, taker: Taker) -> int | None:
    """Claim an attempt; None when somebody has. The returned file holds the claim's `flock` until it is closed."""
    made = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}.new")
    claim = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_whole(claim, taker.encode())
        os.fsync(claim)
        fcntl.flock(claim, fcntl.LOCK_EX)
        os.link(made, path)
        # A claim that a power cut could take back would let a second runner start.
        _sync_folder(path.parent)
    except FileExistsError:
        os.close(claim)
        return None
    finally:
        made.unlink()
    return claim


def is_runner_alive(claim: Path) -> bool:
    """Return whether the runner that made this claim is still alive."""
    opened = os.open(claim, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(opened)
    return False


def taker_of(claim: Path) -> Taker:
    """Return which side made this claim."""
    found = claim.read_text()
    return "nobody" if found == "nobody" else "adopter" if found == "adopter" else "runner"


def write_result(path: Path, given: Given) -> bytes:
    """Keep what a command gave so that it outlives a power cut; the bytes that were written."""
    body = json.dumps(asdict(given)).encode()
    made = path.with_name(f"{path.name}.{os.getpid()}.new")
    opened = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(opened)
    made.replace(path)
    _sync_folder(path.parent)
    return body


def read_result(path: Path) -> Given | None:
    """Read the result of a command; None if none is written."""
    try:
        return Given(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
