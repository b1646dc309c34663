"""What can go wrong with Redis, and what of it passes by itself."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

from bot.errors import Unavailable
from bot.store.client.library import exceptions

_AWAY = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.BusyLoadingError,
    exceptions.ReadOnlyError,
    exceptions.AskError,  # and MOVED
    exceptions.TryAgainError,
    exceptions.ClusterDownError,  # and MASTERDOWN
    OSError,
)

ABOUT_REDIS = (exceptions.RedisError, exceptions.RedisClusterException, OSError)
"""Every error of redis-py, and those of the network."""

# What passes as well, and the library has no class for: a master that became a replica, one that misses its replicas, a
# server that runs a long script, as of somebody else in another of its databases, a node of a cluster that has no room
# for one more connection.
_PASSING = ("UNBLOCKED", "NOREPLICAS", "BUSY ", "max number of clients ")
# What Redis 6.2 says where a command of a script is refused; later ones say what the command would be told.
_IN_SCRIPT = re.compile(r"Error running script .*?: -(([A-Z]+) .*)", re.DOTALL)
_KINDS = {"OOM": exceptions.OutOfMemoryError, "READONLY": exceptions.ReadOnlyError}
_TRIED_AGAIN = "Nothing is lost; it is tried again"
_SEE_REDIS = "The log of the Redis server says more"


class StoreError(Unavailable):
    """The store could not do what was asked; the text says what to do."""


class StoreUnavailable(StoreError):
    """Redis can't be reached, or lost the connection: the same call may work later."""


class TakesNoWrites(StoreUnavailable):
    """Redis answers, and refuses what would change it until it has room again, in memory or on its disk."""


class NotReplicated(StoreError):
    """Too few replicas follow, so a fail-over could lose the start of a tool: nothing is executed."""

    def __init__(self) -> None:
        fix = "Bring the replicas of Redis back; sayso doctor says which server misses them"
        super().__init__("too few replicas of Redis follow to record the start of a tool", fix)


RESTORE_LOADED = (
    "Stop every process, look at what was done since, and run `sayso restore --loaded`; then start them again"
)


class WentBack(StoreError):
    """The store lacks what was in it: it was put back to what it was before, or a fail-over lost it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"This store is not what it was: {what}. Nothing is executed in it", RESTORE_LOADED)


def of_command(error: Exception) -> Exception:
    """Return the error of the command in a script that `error` is about; itself where it is about no script."""
    found = _IN_SCRIPT.match(str(error)) if isinstance(error, exceptions.ResponseError) else None
    return _KINDS.get(found[2], exceptions.ResponseError)(found[1]) if found else error


def is_away(error: Exception) -> bool:
    """Return whether it passes by itself: a server is away, another takes its place, or a slot moves."""
    if isinstance(error, exceptions.RedisClusterException):
        # The library says that of whatever a node answers that does not tell of the others.
        answer = error.__cause__ and error.__cause__.__context__
        return "not enabled" not in str(error) or (isinstance(answer, Exception) and is_away(answer))
    return isinstance(error, _AWAY) or (isinstance(error, exceptions.ResponseError) and str(error).startswith(_PASSING))


def refuses_writes(error: Exception) -> bool:
    """Return whether the server is full, or its disk fails (`maxmemory`, `stop-writes-on-bgsave-error`)."""
    is_full = isinstance(error, exceptions.OutOfMemoryError)
    return is_full or (isinstance(error, exceptions.ResponseError) and str(error).startswith("MISCONF"))


def ours(error: Exception) -> StoreError:
    """The error that callers know, for one of redis-py or of the network."""
    if is_away(error):
        return StoreUnavailable(f"Redis does not answer: {error}", _TRIED_AGAIN)
    if refuses_writes(error):
        return TakesNoWrites(f"Redis takes no writes: {error}", f"{_TRIED_AGAIN}. {_SEE_REDIS}")
    if isinstance(error, exceptions.RedisClusterException):
        fix = "Begin SAYSO_REDIS_URL with redis:// or redis+sentinel://, or let its user run CLUSTER SLOTS"
        return StoreError(f"Redis does not say that it is a cluster: {error}", fix)
    return StoreError(f"Redis refused: {error}", _SEE_REDIS)


@contextmanager
def as_ours() -> Generator[None]:
    """Raise what goes wrong in the block as callers know it."""
    try:
        yield
    except ABOUT_REDIS as error:
        raise ours(error) from error


def gone_dead(within_s: float) -> NoReturn:
    """Raise StoreUnavailable for a server that said nothing for so long."""
    raise StoreUnavailable(f"Redis does not answer within {within_s} s", _TRIED_AGAIN)
