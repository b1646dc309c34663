"""Where Redis is: one server, a cluster, or whichever server Sentinel says is the master."""

import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

Kind = Literal["server", "cluster", "sentinel"]

_KINDS: dict[str, Kind] = {"cluster": "cluster", "sentinel": "sentinel"}
_PORTS: dict[Kind, int] = {"cluster": 6379, "sentinel": 26379}
_HOST = re.compile(r"(?:\[(?P<ip6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")
# Those of redis-py that are about a connection.
_OPTIONS = frozenset({
    "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname", "ssl_min_version",
    "ssl_ciphers", "protocol",
})  # fmt: skip
# Sentinel has users of its own.
_OF_SENTINEL = {"sentinel_username": "username", "sentinel_password": "password"}


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """What an address says. `hosts` are nodes of a cluster, or Sentinels that know the master of `service`."""

    kind: Kind
    url: str = field(repr=False)
    hosts: tuple[tuple[str, int], ...] = ()
    service: str = ""
    db: int = 0
    of_sentinel: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def at(self, host: str, port: int) -> str:
        """The address of one server among them, with the user, password, database and TLS of all."""
        parts = _split(self.url)
        user, at, _ = parts.netloc.rpartition("@")
        options = urlencode([one for one in parse_qsl(parts.query) if one[0] in _OPTIONS])
        place = f"[{host}]" if ":" in host else host
        return f"{parts.scheme.partition('+')[0]}://{user}{at}{place}:{port}/{self.db}{'?' if options else ''}{options}"


def parse_redis_url(url: str) -> RedisPlace:
    """The place that SAYSO_REDIS_URL names. Raises ValueError with what is allowed.

    The forms with several hosts are those of other Python libraries on Redis, such as `limits`:
    https://limits.readthedocs.io/en/stable/storage.html
    """
    scheme, _, kind = url.partition("://")[0].partition("+")
    if scheme in {"redis", "rediss", "unix"} and not kind:
        return RedisPlace("server", url)
    if scheme not in {"redis", "rediss"} or kind not in _KINDS:
        raise ValueError(
            "an address that begins with redis://, rediss:// (TLS), unix://, redis+cluster:// or redis+sentinel://; "
            "the last two also with rediss"
        )
    parts, named = _split(url), _KINDS[kind]
    options = dict(parse_qsl(parts.query))
    own = set(_OF_SENTINEL) if named == "sentinel" else set[str]()
    if unknown := sorted(options.keys() - _OPTIONS - own):
        raise ValueError(f"an address without the option {unknown[0]}; there are {', '.join(sorted(_OPTIONS | own))}")
    service, db = _service(parts.path, named)
    of_sentinel = tuple((_OF_SENTINEL[name], value) for name, value in options.items() if name in own)
    return RedisPlace(named, url, _hosts(parts.netloc.rpartition("@")[2], named), service, db, of_sentinel)


def _split(url: str) -> SplitResult:
    """The parts of an address, also of several hosts with brackets among them, which `urlsplit` takes for one."""
    scheme, _, rest = url.partition("://")
    netloc = rest[: next((at for at, char in enumerate(rest) if char in "/?#"), len(rest))]
    # With nothing where the hosts stand, what is behind them is read as it is.
    return urlsplit(f"//{rest[len(netloc) :]}", scheme)._replace(netloc=netloc)


def _hosts(netloc: str, kind: Kind) -> tuple[tuple[str, int], ...]:
    found = [_HOST.fullmatch(one) for one in netloc.split(",")]
    hosts = [(one["ip6"] or one["name"], int(one["port"] or _PORTS[kind])) for one in found if one]
    if len(hosts) < len(found) or any(not 0 < port < 65_536 for _, port in hosts):
        raise ValueError(
            f"hosts with commas between them, such as redis+{kind}://one.example:{_PORTS[kind]},two.example"
        )
    return tuple(hosts)


def _service(path: str, kind: Kind) -> tuple[str, int]:
    """The name that Sentinel knows the master by, and the number of the database, which a cluster has only one of."""
    service, _, db = unquote(path.strip("/")).partition("/")
    if kind == "cluster":
        if service not in {"", "0"} or db:
            raise ValueError("an address without a database: a cluster has only number 0")
        return "", 0
    if not service or not re.fullmatch(r"\d*", db):
        raise ValueError(
            "the name of the master behind the hosts, as Sentinel knows it, and perhaps a database: "
            "redis+sentinel://one.example:26379,two.example/mymaster/0"
        )
    return service, int(db or 0)


def passwords_in(url: str) -> list[str]:
    """Passwords that an address holds, before the host or as an option; also as they stand there, encoded."""
    user, _, _ = _split(url).netloc.rpartition("@")
    written = user.partition(":")[2]
    options = [value for name, value in parse_qsl(_split(url).query) if name.endswith("password")]
    return [word for word in dict.fromkeys([written, unquote(written), *options]) if word]
