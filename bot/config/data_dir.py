"""The data directory: what a process keeps there beside Redis."""

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from bot.command_line import command
from bot.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from bot.config.settings import Settings


_SERVER, _SERVED = "server.json", "server.lock"
_OTHERS = 0o077
_ANSWER_WITHIN_S = 1.0
REDIS_NOTE = "redis/socket"
"""Where, under a data directory, its Redis server leaves the path of its socket."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """The note that a `sayso dev` leaves for the commands of its data directory's owner.

    People open `url`; commands use `api`, which only this machine reaches, with the keys of the people there. The key
    under `""` belongs to nobody: it reads and operates. `secrets` are the triggers whose secret the server has.
    """

    url: str
    api: str
    keys: Mapping[str, str]
    secrets: tuple[str, ...]


class DataDir:
    """Files of one data directory; each holds one small thing, and only its owner may read it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._served: int | None = None

    def host(self) -> str:
        """A random name for this data directory, so that a run knows where its command may still be running."""
        return self._made_once("host", lambda: secrets.token_hex(8))

    def keys(self, settings: "Settings") -> list[bytes]:
        """Return the keys that sign reply tokens, the current key first. Raises Invalid."""
        if settings.secret_key is None:
            if settings.redis_url is not None:
                raise Invalid(
                    "SAYSO_REDIS_URL is set and SAYSO_SECRET_KEY is not, so replies could not be recognised",
                    "Set it to the same long random text in every process, such as the output of: openssl rand -hex 32",
                )
            return [self._made_once("secret.key", lambda: secrets.token_hex(32)).encode()]
        previous = settings.secret_key_previous
        keys = [settings.secret_key, *([previous] if previous else [])]
        return [key.get_secret_value().encode() for key in keys]

    def audit_keys(self, settings: "Settings") -> list[bytes]:
        """Return the key that seals the audit log, and then those that earlier records may be sealed with.

        Without SAYSO_AUDIT_KEY it is made of SAYSO_SECRET_KEY, so whoever has that can seal as well. Raises Invalid.
        """
        if settings.audit_key is None and settings.secret_key is None and settings.redis_url is None:
            return [self._made_once("audit.key", lambda: secrets.token_hex(32)).encode()]
        given = [settings.audit_key.get_secret_value().encode()] if settings.audit_key else []
        made = self.read("audit.key")
        return [
            *given,
            *([made.encode()] if made and settings.redis_url is None else []),
            *self.derived_audit_keys(settings),
        ]

    def derived_audit_keys(self, settings: "Settings") -> list[bytes]:
        """Return those of `audit_keys` that are made of SAYSO_SECRET_KEY: who has that has them. Raises Invalid."""
        if settings.audit_key is None and settings.secret_key is None and settings.redis_url is None:
            return []
        return [hmac.digest(key, b"sayso audit", "sha256") for key in self.keys(settings)]

    def note(self, name: str, text: str) -> None:
        """Leave `text` under `name` for other processes; they see the old one or the new one."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self.folder / f"{name}.{secrets.token_hex(4)}.new"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.folder / name)

    def read(self, name: str) -> str | None:
        """Return the text that some process left under `name`; None if there is none."""
        try:
            return (self.folder / name).read_text()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def announce(self, server: LocalServer) -> None:
        """Let commands find `server` and speak for the people there, until `withdraw`."""
        self.note(_SERVER, json.dumps(asdict(server) | {"keys": dict(server.keys)}))
        if self._served is None:
            # Locked for as long as this process lives, however it ends.
            self._served = os.open(self.folder / _SERVED, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._served, fcntl.LOCK_SH)  # whoever looks holds it for an instant at most

    def withdraw(self) -> None:
        """Commands find no server here any more."""
        (self.folder / _SERVER).unlink(missing_ok=True)
        if self._served is not None:
            os.close(self._served)
            self._served = None

    def is_served(self) -> bool:
        """Return whether the process that announced a server here still lives."""
        try:
            file = (self.folder / _SERVED).open()
        except OSError:
            return False
        with file:
            # A server shares its lock; another command that looks just now does not, and must not pass for one.
            return not _locks(file, fcntl.LOCK_EX) and _locks(file, fcntl.LOCK_SH)

    def server(self) -> LocalServer | None:
        """The server that was announced last; it may have died since. None for what others could have written."""
        try:
            with (self.folder / _SERVER).open() as file:
                found = os.fstat(file.fileno())
                is_ours = found.st_uid == os.getuid() and not found.st_mode & _OTHERS
                return LocalServer(**json.load(file)) if is_ours else None
        except (OSError, ValueError, TypeError):
            return None

    def redis(self) -> str | None:
        """The URL of the Redis server that runs for this data directory and answers; None when there is none."""
        try:
            path = Path((self.folder.absolute() / REDIS_NOTE).read_text())
        except OSError:
            return None
        # A copied data directory carries the note of the original, whose server is not its own.
        if path.name != socket_name(self.folder.absolute()):
            return None
        return socket_url(path) if _is_ours(path) and ping(path).startswith(b"+PONG") else None

    def _made_once(self, name: str, make: Callable[[], str]) -> str:
        """Return the content of the file; the first process to ask makes it, for all. Raises Invalid for none of it."""
        if (found := self.read(name)) is not None:
            if not found.strip():
                do = "Put back what was in it; or delete it, and another one is made, which knows nothing of before"
                raise Invalid(f"{self.folder / name} is empty", do)
            return found
        fresh = f"{name}.{secrets.token_hex(4)}"
        self.note(fresh, make())
        try:
            os.link(self.folder / fresh, self.folder / name)
        except FileExistsError:
            pass
        finally:
            (self.folder / fresh).unlink()
        return self._made_once(name, make)


def _locks(file: IO[str], how: int) -> bool:
    """Lock `file`, at once or not at all."""
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def redis_url(settings: "Settings") -> str:
    """The Redis this process uses: the configured one, else the one that `sayso dev` runs for the data directory.

    Raises Unavailable when there is none.
    """
    if settings.redis_url is not None:
        return settings.redis_url
    url = DataDir(settings.data_dir).redis()
    if url is None:
        raise Unavailable(
            f"No `sayso dev` is running for {settings.data_dir}",
            f"Start one with `{command('dev')}`, name another data directory with --data, set SAYSO_REDIS_URL, or, to "
            "speak for yourself from elsewhere, SAYSO_URL and SAYSO_API_KEY",
        )
    return url


def socket_name(data: Path) -> str:
    """The name of the socket on which the Redis server of that data directory listens."""
    return hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:16] + ".sock"


def socket_url(path: Path) -> str:
    """The URL of the Redis server that listens there."""
    return f"unix://{path}"


def ping(socket_path: Path) -> bytes:
    """The server's answer to PING; nothing when there is no server, or it does not answer in time."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_ANSWER_WITHIN_S)
        try:
            connection.connect(str(socket_path))
            connection.sendall(b"PING\r\n")
            return connection.recv(256)
        except OSError:
            return b""


def _is_ours(socket_path: Path) -> bool:
    """Return whether the socket belongs to us: the note may have come with a folder that is somebody else's."""
    try:
        return socket_path.stat().st_uid == os.getuid()
    except OSError:
        return False
