"""Short commands that only look: git, and whatever tells what is live."""

import asyncio
import errno
import os
import re
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from agents.text import one_line

# Nobody waits longer than this for a look, and nobody reads more than this of it.
LOOK_S = 10.0
MOST_BYTES = 256_000
_ERROR_CHARS = 300
# No room for another open file, in this process or on this machine, passes when somebody closes one.
_NO_ROOM = (errno.EMFILE, errno.ENFILE)
_STARTS = 5
_PAUSE_S = 0.2
MASK = "[redacted]"
_LEAST_HIDDEN, _PART_CHARS, _MARGIN = 6, 256, 4_096
_BETWEEN = r"(?:\x1b\[[0-9;]*[A-Za-z]|\r)*"
_NOTHING: Mapping[str, str] = MappingProxyType({})


class LookFailed(Exception):
    """A look gave nothing: `str()` says in one line what was run and what it said.

    `exit_code` is None when the program did not start or did not end by itself; `output` is what it printed before.
    """

    def __init__(self, what: str, exit_code: int | None = None, output: str = "") -> None:
        super().__init__(what)
        self.exit_code, self.output = exit_code, output


async def look(
    argv: Sequence[str],
    cwd: Path,
    timeout_s: float = LOOK_S,
    extra: Mapping[str, str] = _NOTHING,
    pause_s: float = _PAUSE_S,
    hidden: Sequence[str] = (),
    passed: Sequence[int] = (),
) -> str:
    """Return what `argv` prints, at most 256,000 bytes. No shell; PATH, HOME, LANG and `extra` are its environment.

    What the patterns `hidden` find is masked before anything is cut. The open files `passed` are open for it as well.
    With too many files open it is tried 5 times, `pause_s` apart. Raises LookFailed for a program that is not there,
    another exit code than 0, or no end within `timeout_s`.
    """
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    child, heard = await _started(argv, cwd, {**environment, **extra}, pause_s, passed)
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.shield(heard.all)
    except TimeoutError as error:
        raise LookFailed(f"{argv[0]!r} did not end within {timeout_s:g} s") from error
    finally:
        await _end(child, heard)
    printed, complaint = (_shown(bytes(stream), hidden) for stream in heard.streams.values())
    if code := child.get_returncode():
        said = (one_line(text, _ERROR_CHARS) for text in (complaint, printed))
        reason = next(filter(None, said), "it said nothing")
        raise LookFailed(f"{argv[0]!r} failed with exit code {code}: {reason}", code, printed)
    return printed


def patterns_of(secrets: Iterable[str]) -> tuple[str, ...]:
    """Return regular expressions that find each line of each of `secrets` in what a program prints, long ones in parts.

    Colours and carriage returns may stand within. The longest come first; lines under 6 characters would be found in
    words that only look alike, and are left out.
    """
    lines = {line.strip() for secret in secrets for line in secret.splitlines()}
    told = sorted((line for line in lines if len(line) >= _LEAST_HIDDEN), key=len, reverse=True)
    parts = dict.fromkeys(part for line in told for part in _parts(line))
    return tuple(_BETWEEN.join(map(re.escape, part)) for part in parts)


def _parts(line: str) -> Iterator[str]:
    """The parts of a line, none so short that it would not be looked for."""
    at = 0
    while len(line) - at >= _PART_CHARS + _LEAST_HIDDEN:
        yield line[at : at + _PART_CHARS]
        at += _PART_CHARS
    yield line[at:]


def _shown(stream: bytes, hidden: Sequence[str]) -> str:
    text = stream.decode(errors="replace")
    for pattern in hidden:
        text = re.sub(pattern, MASK, text)
    if len(stream) < MOST_BYTES:
        return text
    # What was cut in the middle of a secret is no longer found.
    end = MOST_BYTES - (_MARGIN if hidden else 0)
    return text.encode()[:end].decode(errors="ignore")


def is_cut(printed: str) -> bool:
    """Return whether what `look` returned may be only the beginning."""
    return len(printed.encode()) >= MOST_BYTES - 2 * _MARGIN  # masks and half a character make it shorter


async def _started(
    argv: Sequence[str], cwd: Path, environment: Mapping[str, str], pause_s: float, passed: Sequence[int]
) -> tuple[asyncio.SubprocessTransport, "_Heard"]:
    for left in reversed(range(_STARTS)):
        try:
            return await _start(argv, cwd, environment, passed)
        except ValueError as error:  # such as a variable with a NUL in it
            raise LookFailed(f"cannot run {argv[0]!r} in {cwd}: {error}") from error
        except OSError as error:
            if error.errno not in _NO_ROOM or not left:
                raise LookFailed(f"cannot run {argv[0]!r} in {cwd}: {error.strerror}") from error
        await asyncio.sleep(pause_s)
    raise AssertionError("the last start returns or raises")


async def _start(
    argv: Sequence[str], cwd: Path, environment: Mapping[str, str], passed: Sequence[int]
) -> tuple[asyncio.SubprocessTransport, "_Heard"]:
    loop, pipe = asyncio.get_running_loop(), asyncio.subprocess.PIPE
    starting = asyncio.ensure_future(
        loop.subprocess_exec(
            _Heard, *argv, cwd=cwd, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe,
            start_new_session=True, pass_fds=passed,
        )
    )  # fmt: skip
    try:
        await _surely(starting)
    except asyncio.CancelledError:
        if not starting.exception():
            await _end(*starting.result())  # asyncio would end the program, and not what it has started
        raise
    return starting.result()


class _Heard(asyncio.SubprocessProtocol):
    """What a program prints: the first part of its two streams. The rest is read too, so that it can end.

    `end` is done when the program has ended, `all` when nobody has its streams open any more either.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.streams = {1: bytearray(), 2: bytearray()}
        self.end: asyncio.Future[None] = loop.create_future()
        self.all: asyncio.Future[None] = loop.create_future()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.streams[fd] += data[: MOST_BYTES - len(self.streams[fd])]

    def process_exited(self) -> None:
        self.end.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.all.set_result(None)


async def _end(child: asyncio.SubprocessTransport, heard: _Heard) -> None:
    """End the whole group; after a regular end there is usually nobody left in it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.get_pid(), signal.SIGKILL)
    try:
        await _surely(heard.end)
    finally:
        child.close()
        await _surely(heard.all)


async def _surely(soon: asyncio.Future[Any]) -> None:
    """Wait for what is done soon, however often this task is cancelled meanwhile."""
    cancelled: asyncio.CancelledError | None = None
    while not soon.done():
        try:
            await asyncio.wait([soon])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled:
        raise cancelled
