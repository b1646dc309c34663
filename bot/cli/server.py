"""The server that a command speaks to, and the key it has there. Light: it is all that `sayso mcp` needs to begin."""

import os
import re
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import typer

from bot.command_line import command
from bot.config.data_dir import DataDir, LocalServer
from bot.errors import NotFound, Unavailable

_ORIGIN = re.compile(r"https?://[^/\s@?#]+/?")


@dataclass(frozen=True, slots=True)
class Server:
    """One server, and whoever's `key` is used there. `whose` names them in the notes of what was shown to whom.

    `person` is known where it `is_local`, beside `sayso dev`.
    """

    url: str
    key: str
    whose: str
    person: str | None = None
    is_local: bool = False


def server_of(data: Path | None, person: str | None = None) -> Server:
    """The server that SAYSO_URL names, else the `sayso dev` of the data directory, as `person`.

    Only there `person` may be named: elsewhere a key says who speaks. Raises Unavailable and NotFound.
    """
    url = os.environ.get("SAYSO_URL", "").rstrip("/")
    if not url:
        return _beside_dev(data, person)
    if person is not None:
        raise typer.BadParameter(
            f"--as works only beside `sayso dev`. Over HTTP ({url}) the key in SAYSO_API_KEY says who you are: leave "
            "--as out, or unset SAYSO_URL"
        )
    return keyed_server(url)


def keyed_server(url: str) -> Server:
    """The server at `url`, as whoever's key SAYSO_API_KEY is. Raises Unavailable."""
    if not is_origin(url):
        raise Unavailable(
            f"SAYSO_URL is {url!r}", "Set it to an address such as https://sayso.corp.example, with no path"
        )
    key = os.environ.get("SAYSO_API_KEY") or _in_file(os.environ.get("SAYSO_API_KEY_FILE"))
    if not key:
        raise Unavailable("SAYSO_URL is set and SAYSO_API_KEY is not", "`sayso keys create`, on the server, makes one")
    return Server(url, key, f"{url} {key.partition('_')[2].partition('_')[0]}")


def is_origin(url: str) -> bool:
    """Return whether this is the address of a server, with no path."""
    return bool(_ORIGIN.fullmatch(url))


def _beside_dev(data: Path | None, person: str | None) -> Server:
    server = dev_server(data)
    if (person or "") not in server.keys:
        raise NotFound(
            f"There is no person {person!r} in the directory",
            f"It has: {', '.join(sorted(filter(None, server.keys)))}",
        )
    return Server(server.api, server.keys[person or ""], f"{_data_dir(data)} {person}", person=person, is_local=True)


def dev_server(data: Path | None) -> LocalServer:
    """The `sayso dev` that runs for the data directory, if it is to be trusted. Raises Unavailable."""
    from bot.config.trust import is_folder_trusted

    folder = _data_dir(data)
    server = DataDir(folder).server()
    if server is None:
        raise Unavailable(
            f"No `sayso dev` is running for {folder}",
            f"Start one with `{command('dev')}`, name another data directory with "
            "--data, or, to speak for yourself from elsewhere, set SAYSO_URL and SAYSO_API_KEY: you make a key in the "
            "console, on the page Keys",
        )
    is_named = data is not None or bool(os.environ.get("SAYSO_DATA_DIR"))
    if not _is_loopback(server.api) or not (is_named or is_folder_trusted(os.environ, folder)):
        raise Unavailable(
            f"The server that {folder} speaks of is not used: no `sayso dev` of yours made it, or it listens at an "
            "outside address",
            "Name the directory with --data, or set SAYSO_URL and SAYSO_API_KEY",
        )
    return server


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _in_file(path: str | None) -> str:
    try:
        return Path(path).read_text().strip() if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(
            f"SAYSO_API_KEY_FILE is {path!r}, which can't be read ({error})", "Name a file that holds a key"
        ) from None


def tls_for(url: str) -> bool | ssl.SSLContext:
    """How a client of this address checks who answers."""
    # Reading this machine's certificates takes a while, and plain HTTP needs none of them.
    return True if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _data_dir(data: Path | None) -> Path:
    """The data directory that a `sayso dev` of this command line would have."""
    return (data or Path(os.environ.get("SAYSO_DATA_DIR") or ".sayso")).absolute()
