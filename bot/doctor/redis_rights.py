"""The commands and keys that sayso needs of Redis, and whether its user may use them: asked, and never executed."""

import secrets
from collections.abc import Iterable, Sequence

from bot.doctor.finding import Finding
from bot.store.client import Client, StoreError
from bot.store.keys import Keys

_KEY = "{key}"

# Each with arguments that would be well formed. Where commands of the store or of its scripts are others, a test says
# which.
NEEDED: tuple[tuple[str, ...], ...] = tuple(
    tuple(line.split())
    for line in """
    BZPOPMIN {key} 0
    DEL {key}
    EVAL 0 0
    EVALSHA 0 0
    EXISTS {key}
    EXPIRE {key} 1
    GET {key}
    GETBIT {key} 0
    HDEL {key} f
    HEXISTS {key} f
    HGET {key} f
    HGETALL {key}
    HINCRBY {key} f 1
    HKEYS {key}
    HLEN {key}
    HMGET {key} f
    HSET {key} f v
    HSETNX {key} f v
    HVALS {key}
    INCR {key}
    LPUSH {key} m
    LRANGE {key} 0 0
    LTRIM {key} 0 0
    MGET {key}
    PEXPIRE {key} 1
    PEXPIREAT {key} 1
    PTTL {key}
    PUBLISH {key} m
    RPUSH {key} m
    SADD {key} m
    SCAN 0
    SET {key} v
    SETBIT {key} 0 1
    SMEMBERS {key}
    SREM {key} m
    TIME
    XADD {key} * f v
    XDEL {key} 0-1
    XLEN {key}
    XRANGE {key} - +
    XREVRANGE {key} + -
    XTRIM {key} MINID 0-1
    ZADD {key} 1 m
    ZCARD {key}
    ZCOUNT {key} 0 1
    ZPOPMIN {key}
    ZRANGE {key} 0 0
    ZRANGEBYSCORE {key} 0 1
    ZREM {key} m
    ZREMRANGEBYRANK {key} 0 0
    ZREMRANGEBYSCORE {key} 0 1
    ZREVRANGE {key} 0 0
    ZREVRANGEBYSCORE {key} 1 0
    ZSCORE {key} m
    """.strip().splitlines()
)


async def examine_rights(client: Client, shards: int, more: Sequence[tuple[str, ...]] = ()) -> Finding:
    """Check that the server would run every command on every kind of key; nothing is executed. Raises StoreError.

    `more` are commands that only some installations need.
    """
    kinds = [Keys(shard).prefix for shard in range(shards)]
    commands, patterns = set[str](), set[str]()
    for kind in kinds:
        key = f"{kind}doctor-{secrets.token_hex(8)}"
        asked = [[part.replace(_KEY, key) for part in command] for command in (*NEEDED, *more)]
        refused = zip(asked, await client.refusals(asked), strict=True)
        found = [(command[0], why) for command, why in refused if why]
        commands |= {name for name, why in found if not _is_about_names(why)}
        patterns |= {kind for _, why in found if _is_about_names(why)}
    try:
        async with client.listening([f"{kinds[0]}doctor"]):
            pass
    except StoreError as error:
        (patterns if _is_about_names(str(error)) else commands).add("SUBSCRIBE")
    return _told(sorted(commands), sorted(patterns))


def _is_about_names(why: str) -> bool:
    """Return whether a refusal is about the key or the channel, and not about the command."""
    return any(word in why for word in (" key", " channel"))


def _told(commands: Sequence[str], patterns: Sequence[str]) -> Finding:
    if not commands and not patterns:
        return Finding(sign="✓", what="Redis lets us use every command and key that sayso needs")
    lacks = [f"run {', '.join(commands)}"] if commands else []
    lacks += [f"use keys and channels that begin with {', '.join(patterns)}"] if patterns else []
    rights = " ".join(
        [*_allowed("+", map(str.lower, commands), ""), *_allowed("~", patterns, "*"), *_allowed("&", patterns, "*")]
    )
    fix = f"ACL SETUSER with the user of SAYSO_REDIS_URL: {rights}"
    return Finding(sign="✗", what=f"Redis does not let us {' and '.join(lacks)}", fix=fix)


def _allowed(sign: str, names: Iterable[str], end: str) -> list[str]:
    return [f"{sign}{name}{end}" for name in names]
