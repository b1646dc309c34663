"""The one place that imports redis-py."""

import sys
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def _unloaded(package: str) -> Generator[None]:
    """Let whoever imports `package` in the block find that it is not installed, unless it is loaded already.

    None in `sys.modules` stops an import: https://docs.python.org/3/reference/import.html#the-module-cache
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        del sys.modules[package]


# For figures that nobody here asks it for, redis-py loads that SDK wherever it is installed: as long as all else of it.
with _unloaded("opentelemetry.sdk"):
    from redis import exceptions
    from redis.asyncio import Redis, from_url
    from redis.asyncio.client import PubSub
    from redis.asyncio.cluster import ClusterNode, PipelineCommand, RedisCluster
    from redis.asyncio.retry import Retry
    from redis.asyncio.sentinel import Sentinel
    from redis.backoff import NoBackoff
    from redis.crc import key_slot

__all__ = [
    "ClusterNode",
    "NoBackoff",
    "PipelineCommand",
    "PubSub",
    "Redis",
    "RedisCluster",
    "Retry",
    "Sentinel",
    "exceptions",
    "from_url",
    "key_slot",
]
