"""Parses requests at a cost that is bounded by their bytes: what costs more is refused before it is parsed.

h11 by itself takes as many fields and chunks as come, some microseconds for each. Its expressions for a field and for
a chunk need a time that grows with the square of the blanks in it, where these are followed by what may not be there:
half a second for 16 KB.
"""

import re

import h11

# What is longer, or has more fields, is answered with 400.
HEAD_BYTES = 16_384
FIELDS = 100
# So many chunks may be small. Beside them there may be one more for so many bytes of a body.
SMALL_CHUNKS, CHUNK_BYTES = 100, 256

_END = re.compile(rb"(?:^|\n)\r?\n")
_NEVER = re.compile(rb"[\x00\x0b\x0c]|\r[^\n]")
_CHUNK_LINE_BYTES = 300
_CHUNK_LINE = re.compile(rb"\r?\n?([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r\n")


class Parser(h11.Connection):
    """Parses what one client sends."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, HEAD_BYTES)
        self._is_before_chunk = self._is_before_trailers = False
        self._chunks = self._body_bytes = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return what comes next. Raises h11.RemoteProtocolError for no request, and for what costs too much."""
        if self.their_state is h11.IDLE or self._is_before_trailers:
            _check_fields(self.trailing_data[0])
        elif self._is_before_chunk:
            self._check_chunk(self.trailing_data[0])
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._chunks = self._body_bytes = 0
            names = {name for name, _ in event.headers}
            self._is_before_chunk = b"transfer-encoding" in names
            if self._is_before_chunk and b"content-length" in names:  # a proxy may go by it: RFC 9112, section 6.1
                raise _refused("The body has two lengths.")
        elif isinstance(event, h11.Data):
            self._is_before_chunk = event.chunk_end
            self._chunks += event.chunk_end
            self._body_bytes += len(event.data)
            if self._chunks > SMALL_CHUNKS + self._body_bytes // CHUNK_BYTES:
                raise _refused("The chunks are too small.")
        elif isinstance(event, h11.EndOfMessage):
            self._is_before_chunk = self._is_before_trailers = False
        return event

    def _check_chunk(self, data: bytes) -> None:
        line = _CHUNK_LINE.match(data, 0, _CHUNK_LINE_BYTES)
        if line is None and len(data) >= _CHUNK_LINE_BYTES:
            raise _refused("The line before a chunk is too long.")
        if line is None:
            return
        self._is_before_chunk = False  # the line is taken, also where what it begins has not come
        if not int(line[1], 16):
            self._is_before_trailers = True
            _check_fields(data[line.end() :])


def _check_fields(data: bytes) -> None:
    end = _END.search(data)
    fields = data[: end.start()] if end else data
    if len(fields) > HEAD_BYTES:
        raise _refused("The head is too long.")
    if fields.count(b"\n") > FIELDS:
        raise _refused("The head has too many fields.")
    if _NEVER.search(fields):
        raise _refused("The head has a byte that none may have.")


def _refused(why: str) -> h11.RemoteProtocolError:
    return h11.RemoteProtocolError(why, error_status_hint=431)
