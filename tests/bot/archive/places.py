"""Places of an archive in tests: a directory, a bucket of an S3-compatible server, and one that breaks off."""

import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import httpx2
from pydantic import SecretStr

from bot.archive.bucket import BucketPlace
from bot.archive.places import ArchiveUnavailable, Place
from bot.config.tables import RetentionConfig
from tests.kit.waiting import PATIENCE_S, wait_until

BUCKET = "corp-archive"
KEY_ID, SECRET = SecretStr("AKIDTESTS"), SecretStr("the-secret-of-the-tests")


@dataclass(frozen=True)
class ObjectStore:
    """A running S3-compatible server with one bucket."""

    endpoint: str

    def place(self, prefix: str = "sayso", bucket: str = BUCKET) -> BucketPlace:
        config = RetentionConfig.model_validate({"endpoint": self.endpoint})
        return BucketPlace(f"s3://{bucket}/{prefix}", config, KEY_ID, SECRET)


@contextmanager
def object_store() -> Generator[ObjectStore]:
    """A process of its own that speaks S3's protocol."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    endpoint = f"http://127.0.0.1:{port}"
    try:
        with httpx2.Client(base_url=endpoint, timeout=PATIENCE_S) as client:
            wait_until(lambda: _made(client), what="the bucket is made")
        yield ObjectStore(endpoint)
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE_S)


def _made(client: httpx2.Client) -> bool:
    try:
        return client.put(f"/{BUCKET}").is_success
    except httpx2.TransportError:
        return False


class Breaking:
    """A place whose `nth` call fails: what was written before it stays. With `lies` it gives back other bytes."""

    def __init__(self, inner: Place, nth: int = 0, *, lies: bool = False) -> None:
        self._inner, self._nth, self._calls, self.lies = inner, nth, count(1), lies
        self.broke = False

    @property
    def where(self) -> str:
        return self._inner.where

    def put(self, name: str, body: bytes) -> None:
        self._count()
        self._inner.put(name, body)

    def get(self, name: str) -> bytes | None:
        self._count()
        found = self._inner.get(name)
        return found[:-1] if found and self.lies else found

    def names(self, folder: str) -> list[str]:
        self._count()
        return self._inner.names(folder)

    def remove(self, name: str) -> None:
        self._count()
        self._inner.remove(name)

    def _count(self) -> None:
        if next(self._calls) == self._nth:
            self.broke = True
            raise ArchiveUnavailable("The disk of the archive is full", "Nothing was deleted")
