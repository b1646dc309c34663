"""What a process remembers of its store, to notice one that was put back, emptied or exchanged.

A store that goes back forgets what was done since, and would have it done again. Two things never become less in one
that does not: the starts of tools, which each shard counts, and the audit log. Here is what was seen of both; it is
compared right before each start, by the script that records it (`commit.lua`), and once a second for all shards
(`bot.store.went_back`). docs/decisions/0043 says why these two.
"""

import asyncio
import fcntl
import json
import math
import os
import re
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from bot.config.files import read_file, write_whole

log = structlog.stdlib.get_logger()

FILE = "store.seen"
"""Where a data directory keeps it."""

# A fail-over may lose what a replica had not heard yet; what was still there so long after it was first seen is on
# every replica that follows. Time in which nobody could look does not count: the master may have been away all of it.
SETTLED_S = 10.0
NOTHING_STARTED = "--------"
_OLDER_ONES = 20
_MOST_BYTES = 256 << 10
_TOKEN = len(NOTHING_STARTED) + 1
_STARTS = re.compile(r"(\S+) (\d+) (.*)")
_HEAD = re.compile(r"s\d+:(\d+):([0-9a-f]+)")


class Mark(NamedTuple):
    """The random name of a store, and those that it had `before` it was restored, the newest first."""

    name: str
    before: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Mark":
        """The mark as the store keeps it."""
        name, *before = text.split() or [""]
        return cls(name, tuple(before))

    def __str__(self) -> str:
        return " ".join((self.name, *self.before[:_OLDER_ONES]))

    def restored(self, name: str, also: Iterable[str] = ()) -> "Mark":
        """The mark of this store from its restoration on; `also` are names of it that the backup does not know."""
        return Mark(name, tuple(dict.fromkeys((self.name, *self.before, *also))))

    def is_restored_from(self, seen: "Mark") -> bool:
        """Return whether it was restored since it was `seen`, from a backup of whatever age."""
        return self.name not in seen.names and not seen.names.isdisjoint(self.before)

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return frozenset((self.name, *self.before))


class Starts(NamedTuple):
    """The starts of tools in a shard: the store's name, how many there were, and the ends of the newest ones' ids.

    `starts.lua` writes the same.
    """

    mark: str
    number: int
    newest: str

    @classmethod
    def parse(cls, text: str) -> "Starts | None":
        """What is in a shard's key; None where nothing is that anybody wrote."""
        found = _STARTS.fullmatch(text)
        return cls(found[1], int(found[2]), found[3]) if found else None

    @property
    def seen(self) -> str:
        """The count and the newest start, as `starts.lua` compares them."""
        return f"{self.mark} {self.number} {self.newest[: _TOKEN - 1]}"

    def lacks(self, seen: "Starts") -> bool:
        """Return whether a start that was `seen` is missing here; `starts.lua` asks the same."""
        if self.mark != seen.mark or self.number < seen.number:
            return True
        place = (self.number - seen.number) * _TOKEN
        there = self.newest[place : place + _TOKEN - 1]
        return there not in {"", seen.newest[: _TOKEN - 1]}


class Sealed(NamedTuple):
    """The end of a shard's audit log: the number of its newest record, and that one's seal."""

    n: int
    seal: str

    @classmethod
    def parse(cls, text: str) -> "Sealed | None":
        """A head as the store keeps it; None where nothing is sealed."""
        found = _HEAD.fullmatch(text)
        return cls(int(found[1]), found[2]) if found else None


@dataclass
class Shard:
    """What was seen of a shard: its starts, and the ends of its audit log, each with when it was first seen here."""

    starts: Starts | None = None
    ends: deque[tuple[float, Sealed]] = field(default_factory=deque[tuple[float, Sealed]])

    def saw_start(self, starts: Starts | None) -> bool:
        """Keep `starts` if they are further than those that were seen; return whether they are."""
        is_new = starts is not None and (self.starts is None or starts.number > self.starts.number)
        self.starts = starts if is_new else self.starts
        return is_new

    def saw_end(self, sealed: Sealed | None, at_s: float) -> None:
        """Note where the audit log ended at this moment."""
        if sealed and (not self.ends or sealed.n > self.ends[-1][1].n):
            self.ends.append((at_s, sealed))

    def settled(self, by_s: float) -> Sealed | None:
        """The newest end that was seen by that moment: it is there, whichever server has the shard by now."""
        while len(self.ends) > 1 and self.ends[1][0] <= by_s:
            self.ends.popleft()
        return self.ends[0][1] if self.ends and self.ends[0][0] <= by_s else None

    def found(self, starts: Starts | None, settled: Sealed | None) -> None:
        """Take in what another process, or this one in its last life, had seen."""
        self.saw_start(starts)
        if settled and (not self.ends or settled.n > self.ends[0][1].n):
            newer = [end for end in self.ends if end[1].n > settled.n]
            self.ends = deque([(-math.inf, settled), *newer])


class Seen(NamedTuple):
    """What was seen at one moment: the mark; of each shard the starts, and the end of the audit log."""

    mark: Mark | None
    shards: Sequence[tuple[Starts | None, Sealed | None]]


class Memory:
    """What this process has seen of the store; nothing before it has begun to look (`bot.store.went_back`).

    `trouble` says in words what keeps this process from the store. `file` is where it is kept beside memory. An end of
    the audit log is settled once it was still there `settled_s` after it was first seen: see `looked_at_s`.
    """

    def __init__(self) -> None:
        self.mark: Mark | None = None
        self.trouble = ""
        self.file: Path | None = None
        self.settled_s, self.looked_at_s = SETTLED_S, -math.inf
        self._shards = dict[int, Shard]()
        self._doubts, self._kept, self._unkept = asyncio.Event(), dict[int, str](), ""

    def of(self, shard: int) -> Shard:
        """What was seen of a shard."""
        return self._shards.setdefault(shard, Shard())

    def seen(self, shards: int) -> "Seen":
        """What has been seen by now; what is read after this must hold it."""
        return Seen(self.mark, [(self.of(shard).starts, self.settled(shard)) for shard in range(shards)])

    def asked(self, shard: int) -> tuple[str, int, str]:
        """What `commit.lua` compares: the starts that were seen, the number of the settled record, and its seal."""
        seen, settled = self.of(shard), self.settled(shard) or Sealed(0, "")
        return (seen.starts.seen if seen.starts else "", settled.n, settled.seal)

    def settled(self, shard: int) -> Sealed | None:
        """The newest end of a shard's audit log that must be there."""
        return self.of(shard).settled(self.looked_at_s - self.settled_s)

    def saw_start(self, shard: int, told: str) -> None:
        """Keep a start of this process, on disk as well: whoever comes after it must know."""
        if self.of(shard).saw_start(Starts.parse(told)):
            self.keep(shard)

    def doubt(self) -> None:
        """Have the store looked at now: a script found that it lacks something."""
        self._doubts.set()

    async def doubted(self, within_s: float) -> bool:
        """Wait until somebody doubts, or for so long; return whether somebody does."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._doubts.wait()
        is_doubted = self._doubts.is_set()
        self._doubts.clear()
        return is_doubted

    @property
    def is_doubted(self) -> bool:
        """True once a start was refused because of it, until the store is looked at."""
        return self._doubts.is_set()

    def begin(self, mark: Mark, file: Path) -> None:
        """From now on remember the store with this `mark`, in `file` as well; nothing that was seen of another one."""
        if self.mark and self.mark.name != mark.name:
            self._shards, self._kept = {}, {}
        self.mark, self.file = mark, file

    def keep(self, *shards: int) -> None:
        """Add to the file what is new in those `shards`, or in all: a line for each, as renaming takes too long."""
        rows = {shard: self._row(shard) for shard in shards or sorted(self._shards)}
        new = [row for shard, row in rows.items() if row != self._kept.get(shard)]
        if self.file is None or not new:
            return
        try:
            with _alone(self.file) as held:
                if os.fstat(held).st_size == 0:  # nobody had it yet, or somebody has deleted it
                    new = list(map(self._row, sorted(self._shards)))
                write_whole(held, "".join(new).encode())
                if os.fstat(held).st_size > _MOST_BYTES:
                    self._shorten(self.file)
        except OSError as error:
            if str(error) != self._unkept:
                log.warning("what was seen of the store is kept in memory only", error=str(error))
            self._unkept = str(error)
        else:
            self._kept |= rows
            self._unkept = ""

    def _shorten(self, file: Path) -> None:
        """Keep one line for each shard, with what other processes have added."""
        if (kept := kept_in(file)) is None or self.mark is None or kept.mark.name != self.mark.name:
            return
        self.take_in(kept)
        fresh = file.with_name(f"{FILE}.{os.getpid()}.new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as written:
            written.write("".join(map(self._row, sorted(self._shards))))
        fresh.replace(file)

    def take_in(self, kept: "Kept") -> None:
        """Know as well what a file says was seen of this store."""
        if self.mark and kept.mark.name == self.mark.name:
            for number, shard in kept.shards.items():
                self.of(number).found(shard.starts, shard.settled(-math.inf))

    def _row(self, shard: int) -> str:
        starts = self.of(shard).starts
        newest = starts and starts._replace(newest=starts.newest[: _TOKEN - 1])
        return f"{json.dumps([str(self.mark), shard, newest, self.settled(shard)])}\n"


@contextmanager
def _alone(file: Path) -> Generator[int]:
    """The open file, to which nobody else adds anything meanwhile, and which is not replaced."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        held = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            if _is_at(held, file):
                _mend(held)
                yield held
                return
        finally:
            os.close(held)


def _mend(held: int) -> None:
    """Take off the end of a line whose process died while it wrote it."""
    size = os.fstat(held).st_size
    if size and os.pread(held, 1, size - 1) != b"\n":
        os.ftruncate(held, os.pread(held, size, 0).rfind(b"\n") + 1)


def _is_at(held: int, file: Path) -> bool:
    try:
        return os.fstat(held).st_ino == file.stat().st_ino
    except FileNotFoundError:
        return False


class Kept(NamedTuple):
    """What a file says was seen."""

    mark: Mark
    shards: dict[int, Shard]


def kept_in(file: Path) -> Kept | None:
    """Return what `file` says; None where it is not there.

    Raises OSError, also for what nobody here wrote: then it is not known what was seen.
    """
    try:
        body = read_file(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    kept: Kept | None = None
    try:
        for line in body.splitlines(keepends=True):
            if line.endswith(b"\n"):  # else its process died while it wrote it
                kept = _with(kept, json.loads(line))
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise OSError(f"{file} can't be read: {error}") from error
    return kept


def _with(kept: Kept | None, row: Sequence[Any]) -> Kept:
    """Return `kept` with one row more: the newest name of a store counts."""
    text, number, starts, sealed = row
    mark = Mark.parse(text)
    if kept and kept.mark.is_restored_from(mark):
        return kept  # of a process that did not know yet
    if kept is None or kept.mark.name != mark.name:
        kept = Kept(mark, {})
    kept.shards.setdefault(int(number), Shard()).found(
        Starts(*starts) if starts else None, Sealed(*sealed) if sealed else None
    )
    return kept


def names_seen(folder: Path) -> frozenset[str]:
    """Return the names of the store that a data directory knows; none where it knows nothing."""
    try:
        kept = kept_in(folder / FILE)
    except OSError:
        return frozenset()
    return kept.mark.names if kept else frozenset()
