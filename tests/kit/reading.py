"""Read what stands in Redis, past the product."""

from typing import cast

from agents.events import Event, read_event
from tests.servers.resp import Redis, texts

Entry = tuple[bytes, list[bytes]]


def runs_in(redis: Redis) -> dict[str, list[Event]]:
    """Every run's events, oldest first, by run id."""
    return {key.rpartition(":")[2]: events_of(redis, key) for key in texts(redis.ask("KEYS", "{s*}:run:*"))}


def events_of(redis: Redis, key: str) -> list[Event]:
    """The events in one stream. Raises AssertionError when its numbers have a gap."""
    entries = cast("list[Entry]", redis.ask("XRANGE", key, "-", "+"))
    assert [entry_id.decode() for entry_id, _ in entries] == [f"0-{seq + 1}" for seq in range(len(entries))]
    return [read_event(fields[1]) for _, fields in entries]
