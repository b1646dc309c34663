"""Short commands that only look: git, and whatever tells what is live."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from agents.text import one_line

# Nobody waits longer than this for a look, and nobody reads more than this of it.
LOOK_S = 10.0
_MOST_BYTES = 256_000
_CHUNK_BYTES = 65_536
_ERROR_CHARS = 300


class LookFailed(Exception):
    """A look gave nothing: `str()` says in one line what was run and what it said.

    `exit_code` is None when the program did not start or did not end by itself.
    """

    def __init__(self, what: str, exit_code: int | None = None) -> None:
        super().__init__(what)
        self.exit_code = exit_code


async def look(argv: Sequence[str], cwd: Path, timeout_s: float = LOOK_S) -> str:
    """What `argv` prints, at most 256,000 bytes of it. No shell; PATH, HOME and LANG are all of its environment.

    Raises LookFailed for a program that is not there, another exit code than 0, or no end within `timeout_s`.
    """
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    try:
        child = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise LookFailed(f"cannot run {argv[0]!r} in {cwd}: {error.strerror}") from error
    try:
        async with asyncio.timeout(timeout_s):
            out, err, code = await asyncio.gather(_read(child.stdout), _read(child.stderr), child.wait())
    except TimeoutError as error:
        raise LookFailed(f"{argv[0]!r} did not end within {timeout_s:g} s") from error
    finally:
        await _end(child)
    if code != 0:
        reason = one_line(err.decode(errors="replace"), _ERROR_CHARS) or "it said nothing"
        raise LookFailed(f"{argv[0]!r} failed with exit code {code}: {reason}", code)
    return out.decode(errors="replace")


async def _read(stream: asyncio.StreamReader | None) -> bytes:
    """The first part of `stream`; the rest is read too, so that the writer can end."""
    kept = bytearray()
    while stream and (chunk := await stream.read(_CHUNK_BYTES)):
        kept += chunk[: _MOST_BYTES - len(kept)]
    return bytes(kept)


async def _end(child: asyncio.subprocess.Process) -> None:
    """End the whole group; after a regular end there is usually nobody left in it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    await child.wait()
