"""Our mirror of a repository that is elsewhere: a bare clone, brought up to date before anything is looked up in it.

All runs and processes that use one data directory share it. What begins to look at a moment sees what was there at that
moment: it waits for a fetch that began no earlier. https://git-scm.com/docs/git and https://git-scm.com/docs/git-config
say what the settings mean.
"""

import asyncio
import base64
import fcntl
import os
import re
import shlex
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from agents.deploy.lookup import LookFailed, look, patterns_of
from agents.requests import Fact
from language import say
from language.dates import in_words
from language.recorded import text_of

WAIT_S = 8.0
"""Seconds for which a look waits for a fetch; the fetch itself goes on, for whoever looks next."""
# A first fetch brings everything there is.
_FIRST_S, _FETCH_S = 1_800.0, 120.0
_PAUSE_S = 0.02
# What git packs anew once there is a lot of it, beside everything else.
_TIDY_S = 600.0
_HEADS, _TAGS = "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"
_GIT = (
    *("git", "--no-pager", "--no-replace-objects"),
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "http.followRedirects=false"),
    # A line on which next to nothing comes for that long is dead.
    *("-c", "http.lowSpeedLimit=100", "-c", "http.lowSpeedTime=20"),
    # What went on by itself would go on beside whoever holds the lock next.
    *("-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false"),
)
# Nothing of this user's or this machine's own: no helper or file of passwords, no other address for this one.
_CLOSED = {
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
}
_PASSED = ("SSH_AUTH_SOCK", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "GIT_SSL_CAINFO")
_LIKE_SCP = re.compile(r"(?:[\w.-]+@)?[\w.-]+:(?!//)\S+")
_going_on = set[asyncio.Task[None]]()


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository by its `url`, and `mirror`, the folder of ours.

    `token` goes to the https server of `url` and nowhere else. `ssh_key` and `known_hosts` are files for ssh, which
    without them goes by its agent and its own settings.
    """

    url: str
    mirror: Path
    token: str = field(default="", repr=False)
    ssh_key: Path | None = None
    known_hosts: Path | None = None


def scheme_of(url: str) -> str:
    """`ssh` for `git@host:org/shop.git`, else what stands before `://`; empty for what is no address."""
    if "://" in url:
        return url.partition("://")[0].lower()
    return "ssh" if _LIKE_SCP.fullmatch(url) else ""


def host_of(url: str) -> str:
    """Return the server that an address of a repository names; empty for one on this machine."""
    if "://" in url:
        return urlsplit(url).hostname or ""
    return url.partition(":")[0].rpartition("@")[2] if _LIKE_SCP.fullmatch(url) else ""


async def refresh(remote: Remote, wait_s: float = WAIT_S) -> tuple[Fact, ...]:
    """Bring the mirror up to date. Return a fact on how old it is where that did not work, else nothing.

    Raises LookFailed where there is no mirror yet.
    """
    asked = time.time()
    task = asyncio.create_task(_fetched(remote, asked))
    _going_on.add(task)
    task.add_done_callback(_ended)
    try:
        await asyncio.wait_for(asyncio.shield(task), wait_s)
    except TimeoutError:
        if _is_fetched_since(remote.mirror, asked):  # and is being packed
            return ()
        why = f"it did not answer within {wait_s:g} s"
    except LookFailed as error:
        why = str(error)
    else:
        return ()
    return (_stale(remote, why),)


def _ended(task: asyncio.Task[None]) -> None:
    _going_on.discard(task)
    if not task.cancelled():
        task.exception()  # told to whoever waited, as far as anybody did


def _stale(remote: Remote, why: str) -> Fact:
    """Return the fact that says how old the mirror is, and why. Raises LookFailed where there is none."""
    began = _fetched_at(remote.mirror)
    if not began:
        raise LookFailed(f"{remote.url} was never fetched: {why}")
    when = in_words(datetime.fromtimestamp(began, UTC))
    return Fact(label="Repository", text=say("deploy.stale", url=remote.url, why=text_of(why), when=when))


async def _fetched(remote: Remote, asked: float) -> None:
    """Fetch, unless somebody else has begun and ended one since it was `asked` for. Raises LookFailed."""
    try:
        for folder in (remote.mirror.parent.parent, remote.mirror.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
        async with _alone(remote.mirror.with_suffix(".lock")) as lock:
            if _is_fetched_since(remote.mirror, asked):
                return
            began = time.time()
            await (_fetch(remote, lock) if remote.mirror.is_dir() else _clone(remote, lock))
            _note(remote.mirror).touch()
            os.utime(_note(remote.mirror), (began, began))
            with suppress(LookFailed):
                await _git(remote, lock, "gc", "--auto", "--quiet", within_s=_TIDY_S)
    except OSError as error:
        raise LookFailed(f"{remote.mirror} can't be written: {error.strerror}") from error


@asynccontextmanager
async def _alone(lock: Path) -> AsyncGenerator[int]:
    """Wait until no other process, and nobody else in this one, holds `lock`; the kernel drops a dead holder's.

    Whoever gets the open file that this gives holds the lock as well, until they end.
    """
    file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _locked(file):  # noqa: ASYNC110 - it may be another process's
            await asyncio.sleep(_PAUSE_S)
        yield file
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _fetch(remote: Remote, lock: int) -> None:
    # Whoever was killed in the middle left them, and nobody else writes there now.
    for left in [*remote.mirror.glob("*.lock"), *remote.mirror.glob("refs/**/*.lock")]:
        left.unlink(missing_ok=True)
    what = ("--quiet", "--prune", "--force", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance")
    await _git(remote, lock, "fetch", *what, "--no-write-fetch-head", remote.url, _HEADS, _TAGS, within_s=_FETCH_S)


async def _clone(remote: Remote, lock: int) -> None:
    """A first copy, under its name only once it is whole."""
    part = remote.mirror.with_suffix(".part")
    await look(("rm", "-rf", "--", str(part)), remote.mirror.parent)
    what = ("clone", "--quiet", "--bare", "--template=", "--no-local", remote.url, str(part))
    await _run(remote, lock, what, remote.mirror.parent, _FIRST_S)
    part.rename(remote.mirror)


async def _git(remote: Remote, lock: int, *args: str, within_s: float) -> str:
    return await _run(remote, lock, args, remote.mirror, within_s)


async def _run(remote: Remote, lock: int, args: tuple[str, ...], cwd: Path, within_s: float) -> str:
    """Run git with the lock in its hands: one that outlives us is not disturbed."""
    hidden = patterns_of([remote.token, _said(remote)]) if remote.token else ()
    return await look((*_GIT, *args), cwd, within_s, _environment(remote), hidden=hidden, passed=(lock,))


def _environment(remote: Remote) -> dict[str, str]:
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    ssh = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "StrictHostKeyChecking=yes"]
    ssh += ["-i", str(remote.ssh_key), "-o", "IdentitiesOnly=yes"] if remote.ssh_key else []
    ssh += ["-o", f"UserKnownHostsFile={shlex.quote(str(remote.known_hosts))}"] if remote.known_hosts else []
    own = {"GIT_ALLOW_PROTOCOL": scheme_of(remote.url), "GIT_SSH_COMMAND": shlex.join(ssh)}
    return {**passed, **_CLOSED, **own, **_authorization(remote)}


def _authorization(remote: Remote) -> dict[str, str]:
    """The token as a setting for that server alone: in no list of processes, and sent to nobody else."""
    where = urlsplit(remote.url)
    if not remote.token or where.scheme not in {"https", "http"}:
        return {}
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{where.scheme}://{where.netloc}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {_said(remote)}",
    }


def _said(remote: Remote) -> str:
    return base64.b64encode(f"x-access-token:{remote.token}".encode()).decode()


def _note(mirror: Path) -> Path:
    return mirror / "sayso-fetched"


def _is_fetched_since(mirror: Path, asked: float) -> bool:
    return asked <= _fetched_at(mirror) <= time.time()  # a clock may have been ahead


def _fetched_at(mirror: Path) -> float:
    """When the newest fetch that worked began, in seconds since 1970; 0 where none has."""
    try:
        return _note(mirror).stat().st_mtime
    except OSError:
        return 0.0
