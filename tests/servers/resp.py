"""As much of the Redis protocol as a proxy and a test need: where a frame ends, what it says, and how to ask.

Both versions of the protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

import socket
from collections.abc import Sequence

from tests.kit.waiting import PATIENCE_S

Reply = bytes | int | None | list["Reply"]


class Refused(Exception):
    """Redis answered with an error."""


def frame_end(data: bytes | bytearray, start: int) -> int | None:
    """Return where the frame that begins at `start` ends; None while it is not all there."""
    wanted, at = 1, start
    while wanted:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            return None
        kind, line, at = data[at], data[at + 1 : line_end], line_end + 2
        wanted -= 1
        if kind in b"$=!":
            at += max(int(line), -2) + 2
            if at > len(data):
                return None
        elif kind in b"*~>":
            wanted += max(int(line), 0)
        elif kind == ord("%"):
            wanted += 2 * int(line)
        elif kind == ord("|"):
            wanted += 2 * int(line) + 1  # what follows an attribute is what it is about
    return at


def words_of(command: bytes) -> list[bytes]:
    """The parts of one command, which is an array of strings."""
    words: list[bytes] = []
    at = command.index(b"\r\n") + 2
    while at < len(command):
        line_end = command.index(b"\r\n", at)
        size = int(command[at + 1 : line_end])
        words.append(command[line_end + 2 : line_end + 2 + size])
        at = line_end + 2 + size + 2
    return words


def command(*words: str | bytes | int) -> bytes:
    """One command as it goes over the line."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


class Redis:
    """A connection of a test's own to a server, past every proxy. `url` is `unix://…` or `redis://127.0.0.1:…`."""

    def __init__(self, url: str) -> None:
        scheme, _, place = url.partition("://")
        if scheme == "unix":
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.connect(place)
        else:
            host, _, port = place.partition("/")[0].partition(":")
            self._socket = socket.create_connection((host, int(port)))
        self._socket.settimeout(PATIENCE_S)
        self._buffer = b""

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def ask(self, *words: str | bytes | int) -> Reply:
        """Return what the server answers. Raises Refused, and ConnectionError when it goes away."""
        self._socket.sendall(command(*words))
        while (end := frame_end(self._buffer, 0)) is None:
            chunk = self._socket.recv(65536)
            if not chunk:
                raise ConnectionResetError("Redis went away")
            self._buffer += chunk
        frame, self._buffer = self._buffer[:end], self._buffer[end:]
        return _read(frame, 0)[0]


def _read(frame: bytes, at: int) -> tuple[Reply, int]:
    line_end = frame.index(b"\r\n", at)
    kind, line, at = frame[at : at + 1], frame[at + 1 : line_end], line_end + 2
    match kind:
        case b"-":
            raise Refused(line.decode())
        case b":":
            return int(line), at
        case b"$":
            size = int(line)
            return (None, at) if size < 0 else (frame[at : at + size], at + size + 2)
        case b"*":
            items: list[Reply] = []
            for _ in range(int(line)):
                item, at = _read(frame, at)
                items.append(item)
            return items, at
        case _:
            return line, at


def texts(reply: Reply) -> Sequence[str]:
    """A list of strings, as KEYS gives it."""
    assert isinstance(reply, list)
    return [item.decode() for item in reply if isinstance(item, bytes)]
