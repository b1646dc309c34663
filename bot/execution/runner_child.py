"""The process that runs one command and outlives its worker: `python -m bot.execution.runner_child`.

It reads one JSON order on stdin, leaves the worker's session, waits for its lock, asks the worker whether it still may
(where the order says so), claims the attempt, runs the command, writes the result, and publishes it. Stdout is its line
to the worker: closing it tells the worker, if there still is one, that it is over.
Standard library only until the result is safe: it starts in hundredths of a second.
"""

import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import FrameType

from bot.execution.runner_files import (
    Given,
    Places,
    clean_environment,
    open_lock,
    take_claim,
    take_lock,
    write_result,
)
from bot.execution.runner_tree import NoTree, clean_tree, in_tree

# Half a megabyte each of head and tail says how it began and how it ended.
_HEAD_BYTES = _TAIL_BYTES = 500_000
_CHUNK_BYTES = 65_536
# How often the end of the command is looked for while it prints nothing.
_LOOK_S = 0.02
# What a command may still do after it was asked to end.
_KILL_AFTER_S = 5.0
# The result file is what counts; Redis only lets other machines see it sooner.
_PUBLISH_TRIES, _PUBLISH_PAUSE_S, _PUBLISH_LIMIT_S = 3, 0.5, 15
# A worker that says nothing for longer is frozen, and others wait for the lock. Longer than any last look may take.
_LAST_LOOK_S = 90.0
ASKS, MAY = b"?", b"!"
# The lease of a lock ends by itself.
_GIVE_UP_S = 2.0
# The longest part of a secret that can stand at a cut.
_MARGIN = 4_096
# Shells give these to commands that can't be started.
_NOT_FOUND = 127


@dataclass(frozen=True, slots=True)
class Kept:
    """A lock of all machines: see `bot/store/locks.py`. It must not end before the command does, whoever dies."""

    shards: int
    lease_s: float
    name: str
    holder: str
    fence: int


@dataclass(frozen=True, slots=True)
class Order:
    """The worker's order for a command.

    Times are seconds; from `not_after` on (Unix time) it must not begin. It begins only if the worker, asked once the
    lock is held, says that it still may. With a `commit` it runs in a clean copy of that commit of `cwd`. `env` is
    added to its environment; what the patterns `hidden` find in its output is masked.
    """

    data_dir: str
    redis_url: str
    attempt_id: str
    argv: list[str]
    cwd: str
    lock: str
    timeout_s: float
    kill_after_s: float = _KILL_AFTER_S
    not_after: float | None = None
    commit: str = ""
    kept: Kept | None = None
    env: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    hidden: list[str] = field(default_factory=list[str], repr=False)


@dataclass(slots=True)
class _Output:
    """The first and last part of what a command prints."""

    head: bytearray = field(default_factory=bytearray)
    tail: deque[bytes] = field(default_factory=deque[bytes])
    tail_bytes: int = 0
    left_out_bytes: int = 0

    def add(self, chunk: bytes) -> None:
        room = _HEAD_BYTES - len(self.head)
        self.head += chunk[:room]
        if rest := chunk[room:]:
            self.tail.append(rest)
            self.tail_bytes += len(rest)
        while self.tail and self.tail_bytes - len(self.tail[0]) >= _TAIL_BYTES:
            self.tail_bytes -= len(self.tail[0])
            self.left_out_bytes += len(self.tail.popleft())

    def text(self, margin: int) -> str:
        """All of it; where it was cut, so many bytes less on both sides: half a secret is not found any more."""
        head, tail, between = bytes(self.head), b"".join(self.tail), b""
        if self.left_out_bytes:
            head, tail = head[: len(head) - margin], tail[margin:]
            between = f"\n[… {self.left_out_bytes + 2 * margin} bytes left out …]\n".encode()
        return (head + between + tail).decode(errors="replace")


def main() -> None:
    """Do what stdin orders, in a process that nobody waits for."""
    order = _read_order(sys.stdin.buffer.read())
    umask = os.umask(0o077)
    places = Places(Path(order.data_dir))
    places.make()
    os.close(open_lock(places.lock(order.lock)))  # the worker hears of what fails here
    if os.fork():
        os._exit(0)  # the worker has nothing to reap, and no reason to end us
    _stay()
    os.dup2(_nowhere(), sys.stderr.fileno())
    lock = take_lock(places.lock(order.lock))
    begins = _may_begin(order)
    # Nobody but this runner could begin it: what it leaves is the one proof that it never started.
    is_ours = take_claim(places.claim(order.attempt_id), "runner" if begins else "nobody") is not None
    if not begins or not is_ours:
        return
    with _keeping(order):
        body = write_result(places.result(order.attempt_id), _run(order, places, umask))
    os.close(lock)
    os.dup2(_nowhere(), sys.stdout.fileno())
    _publish(order, body)
    places.remove_old(time.time())


def _read_order(text: bytes) -> Order:
    order = Order(**json.loads(text))
    # JSON knows no classes.
    return replace(order, kept=Kept(**asdict(order)["kept"])) if order.kept else order


@contextmanager
def _keeping(order: Order) -> Generator[None]:
    """Keep the lock of all machines while this is open, and give it up at the end."""
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(order, over), daemon=True)
    if order.kept:
        keeper.start()
    try:
        yield
    finally:
        over.set()
        if order.kept:
            keeper.join(_GIVE_UP_S)


def _keep(order: Order, over: threading.Event) -> None:
    # The worker has just moved the end of the lease, and frees the lock of a command that is over before the next time.
    if (kept := order.kept) and not over.wait(kept.lease_s / 3):
        from bot.store import locks  # noqa: PLC0415 - the Redis client takes a while to import

        held = locks.Held(kept.name, kept.holder, kept.fence)
        locks.keep_until(order.redis_url, kept.shards, kept.lease_s, held, over)


def _may_begin(order: Order) -> bool:
    """Return whether the command is still wanted, now that it is our turn; a worker that has gone wants none."""
    return _is_told_to() and (order.not_after is None or time.time() < order.not_after)


def _is_told_to() -> bool:
    line = sys.stdout.fileno()
    with suppress(OSError):
        os.write(line, ASKS)
        return bool(select.select([line], [], [], _LAST_LOOK_S)[0]) and os.read(line, 1) == MAY
    return False


def _stay() -> None:
    """Let no signal to a group of workers end us: the command goes on, and its result must be kept."""
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # A handler, and not SIG_IGN, because the command would inherit that and could not be ended either.
        signal.signal(name, _ignore)


def _ignore(_: int, __: FrameType | None) -> None:
    pass


def _nowhere() -> int:
    return os.open(os.devnull, os.O_WRONLY)


def _run(order: Order, places: Places, umask: int) -> Given:
    if not order.commit:
        return run(order, umask)
    try:
        with clean_tree(places.tree(order.lock, order.cwd), order.cwd, order.commit, umask) as folder:
            argv = in_tree(order.argv, order.cwd, folder)
            return run(replace(order, argv=argv, cwd=str(folder)), umask)
    except (NoTree, OSError) as error:
        said = f"nothing was run: there is no clean copy of {order.commit} of {order.cwd}: {error}"
        return Given(_NOT_FOUND, said, is_cut=False)


def run(order: Order, umask: int) -> Given:
    """Run the command in a process group of its own, with a clean environment, until its end or its time-out."""
    try:
        command = subprocess.Popen(
            order.argv,
            cwd=order.cwd,
            env=clean_environment() | order.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=umask,
        )
    except (OSError, ValueError) as error:
        return Given(_NOT_FOUND, _not_started(order, error), is_cut=False)
    output = _Output()
    is_over = _follow(command, output, time.monotonic() + order.timeout_s)
    if not is_over:
        _end(command, output, order.kill_after_s)
    text = output.text(_MARGIN if order.hidden else 0)
    for pattern in order.hidden:
        text = re.sub(pattern, "[redacted]", text)
    return Given(command.returncode if is_over else None, text, output.left_out_bytes > 0)


def _not_started(order: Order, error: Exception) -> str:
    if not Path(order.cwd).is_dir():
        return f"cannot start {order.argv[0]!r}: its folder {order.cwd} is not there. Correct the repo in the settings"
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return (
        f"cannot start {order.argv[0]!r} in {order.cwd}: {reason}. "
        "Correct the command in the settings, or make the file executable"
    )


def _follow(command: subprocess.Popen[bytes], output: _Output, until: float) -> bool:
    """Gather what the command prints until it ends, True, or the time comes, False.

    Its end counts, and not that of its output: a background process that it left may hold that open for ever.
    """
    assert command.stdout is not None  # noqa: S101 - it was asked for
    pipe, is_open = command.stdout.fileno(), True
    os.set_blocking(pipe, False)
    while True:
        has_ended = command.poll() is not None
        if time.monotonic() >= until:
            return has_ended
        if is_open and select.select([pipe], [], [], 0 if has_ended else _LOOK_S)[0]:
            is_open = _read(pipe, output)
        elif has_ended:
            return True
        elif not is_open:
            with suppress(subprocess.TimeoutExpired):
                command.wait(_LOOK_S)


def _read(pipe: int, output: _Output) -> bool:
    """Read what there is; False when nothing will ever come."""
    chunk = os.read(pipe, _CHUNK_BYTES)
    output.add(chunk)
    return bool(chunk)


def _end(command: subprocess.Popen[bytes], output: _Output, kill_after_s: float) -> None:
    """End the whole group: asked first, then made to."""
    _signal(command, signal.SIGTERM)
    _follow(command, output, time.monotonic() + kill_after_s)
    _signal(command, signal.SIGKILL)
    _follow(command, output, time.monotonic() + kill_after_s)


def _signal(command: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # The group goes by the command's own number, which nobody else gets while one of the group lives.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(command.pid, number)


def _publish(order: Order, body: bytes) -> None:
    """Tell Redis, so that another machine may see the result. It is safe already: no failure here matters."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(_PUBLISH_LIMIT_S)  # ends this process if Redis never answers
    for _ in range(_PUBLISH_TRIES):
        try:
            from bot.store import indexes  # noqa: PLC0415 - the Redis client takes a while to import

            indexes.publish(order.redis_url, order.attempt_id, body)
        except Exception:  # noqa: BLE001 - see above
            time.sleep(_PUBLISH_PAUSE_S)
        else:
            break
    signal.alarm(0)


if __name__ == "__main__":
    main()
