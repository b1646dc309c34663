"""Under which names this installation answers, and whether it may listen where it was told to."""

import re
from ipaddress import IPv4Network, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from bot.config.errors import ConfigError
from bot.config.settings import Settings

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]{1,5})?")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def is_loopback(bind: str) -> bool:
    """Return whether only this machine can reach what listens at `bind`."""
    return bind == "localhost" or ip_address(bind).is_loopback


def loopback(bind: str, port: int) -> str:
    """Return the URL at which only this machine reaches `bind`; empty if `bind` is an outside address only."""
    if ip_address_is_any(bind):
        bind = "::1" if ":" in bind else "127.0.0.1"
    if bind == "localhost":
        bind = "127.0.0.1"  # a name may lead to ::1 as well, where somebody else may listen
    if not is_loopback(bind):
        return ""
    return f"http://[{bind}]:{port}" if ":" in bind else f"http://{bind}:{port}"


def check_bind(settings: Settings) -> None:
    """Check that an address others can reach has a secret key and a public URL. Raises ConfigError."""
    if is_loopback(settings.bind):
        return
    wanted = {"SAYSO_SECRET_KEY": settings.secret_key, "SAYSO_PUBLIC_URL": settings.public_url}
    missing = [name for name, value in wanted.items() if value is None]
    if missing:
        problem = (
            f"SAYSO_BIND: found {settings.bind!r}, which others can reach; that needs {' and '.join(missing)} as well "
            "(openssl rand -hex 32 makes a secret; the URL is what people type). Or leave SAYSO_BIND out: then only "
            "this machine can reach it"
        )
        raise ConfigError([problem])


def names(settings: Settings) -> frozenset[str]:
    """The Host names that are ours. Any other is a page that pretends to be us (DNS rebinding)."""
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    bound = [] if ip_address_is_any(settings.bind) else [settings.bind]
    return frozenset(name.lower() for name in (*_LOOPBACK, *bound, *([public] if public else [])))


def ip_address_is_any(bind: str) -> bool:
    """Return whether `bind` means every address there is."""
    return bind != "localhost" and ip_address(bind).is_unspecified


def host_name(header: str) -> str:
    """The name in a Host header, without its port and brackets; empty for something else."""
    found = _HOST.fullmatch(header.lower())
    return (found[1] or found[2]) if found else ""


def proxies(settings: Settings) -> list[str]:
    """Return the networks of the proxies that are trusted, as they are seen from IPv4 and from IPv6."""
    named = [ip_network(one.strip()) for one in settings.trusted_proxies.split(",")] if settings.trusted_proxies else []
    # RFC 4291, section 2.5.5.2: so who comes over IPv4 is called where IPv6 is listened at.
    mapped = [f"::ffff:{one.network_address}/{96 + one.prefixlen}" for one in named if isinstance(one, IPv4Network)]
    return [*map(str, named), *mapped]


# RFC 4291, section 2.5.1: the rest of an address is what a machine chooses for itself.
_NETWORK_BITS = 64


def network_of(address: str) -> str:
    """Return whose an address is: itself, with IPv6 its network; what is none as it is."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((int(found), _NETWORK_BITS), strict=False))
