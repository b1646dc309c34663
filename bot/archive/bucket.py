"""A bucket of an S3-compatible store as the place of the archive."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, TypedDict, cast

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store
from pydantic import SecretStr

from bot.archive.places import ArchiveUnavailable, check_size
from bot.command_line import command
from bot.config.tables import RetentionConfig

if TYPE_CHECKING:
    from obstore.store import S3Config

_CONNECT_WITHIN, _ANSWER_WITHIN = timedelta(seconds=3), timedelta(seconds=10)
_TRIES_AGAIN = 1
_WHY_CHARS = 300


class _Object(TypedDict):
    path: str


class _Listed(TypedDict):
    """What a listing holds; the library's own type needs a package of its own."""

    objects: Sequence[_Object]


class BucketPlace:
    """The objects below one prefix. Without keys the library looks for those of the machine's role.

    Its blocking functions are called, from threads: its asynchronous ones can abort a process that ends, as a thread of
    theirs may call into Python after it is gone.
    """

    def __init__(self, to: str, config: RetentionConfig, key_id: SecretStr | None, secret: SecretStr | None) -> None:
        bucket, _, prefix = to.removeprefix("s3://").partition("/")
        self._where = f"{to} at {config.endpoint}" if config.endpoint else to
        settings: S3Config = {"region": config.region or "us-east-1"}
        if config.endpoint:
            settings["endpoint"] = config.endpoint
        if key_id:
            settings["access_key_id"] = key_id.get_secret_value()
        if secret:
            settings["secret_access_key"] = secret.get_secret_value()
        self._store = S3Store(
            bucket,
            prefix=prefix or None,
            config=settings,
            client_options={
                "allow_http": (config.endpoint or "").startswith("http://"),
                "connect_timeout": _CONNECT_WITHIN,
                "timeout": _ANSWER_WITHIN,
            },
            retry_config={"max_retries": _TRIES_AGAIN, "retry_timeout": _ANSWER_WITHIN},
        )

    @property
    def where(self) -> str:
        """Its address."""
        return self._where

    def put(self, name: str, body: bytes) -> None:
        """Store the object; S3 answers once it is durable."""
        try:
            obstore.put(self._store, name, body, use_multipart=False)
        except (BaseError, OSError) as error:
            raise self._unavailable(error) from error

    def get(self, name: str) -> bytes | None:
        """Fetch the object."""
        try:
            found = obstore.get(self._store, name)
            check_size(f"{name} in {self._where}", found.meta["size"])
            return found.bytes().to_bytes()
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise self._unavailable(error) from error
            return None
        except (BaseError, OSError) as error:
            raise self._unavailable(error) from error

    def names(self, folder: str) -> list[str]:
        """List the objects one level below a prefix."""
        try:
            found = cast("_Listed", obstore.list_with_delimiter(self._store, folder))  # pyright: ignore[reportUnknownMemberType]
        except (BaseError, OSError) as error:
            raise self._unavailable(error) from error
        return sorted(one["path"].rpartition("/")[2] for one in found["objects"])

    def remove(self, name: str) -> None:
        """Delete the object."""
        try:
            obstore.delete(self._store, name)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> ArchiveUnavailable:
        why = " ".join(str(error).partition("\n\nDebug source")[0].split())[:_WHY_CHARS]
        return ArchiveUnavailable(
            f"The archive in {self._where} can't be used ({why})", f"Nothing was deleted; {command('doctor')}"
        )
