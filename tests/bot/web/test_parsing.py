"""What costs little is parsed, in whatever pieces it comes."""

import h11
import pytest

from bot.web.parsing import Parser

HEAD = b"POST /v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
BODIES = [b"x" * 700, b"0\r\n" + b"\0" * 700, b"0\r\n" + b"a\n" * 350]


@pytest.mark.parametrize("body", BODIES, ids=["bytes", "what looks like the last chunk", "many lines"])
def test_a_chunk_comes_whole_wherever_the_pieces_of_it_end(body: bytes) -> None:
    sent = HEAD + (b"%x\r\n%b\r\n" % (len(body), body)) * 3 + b"0\r\nX-Sum: a\r\n\r\n"

    for end in range(len(sent) + 1):
        parser, got = Parser(), b""
        for piece in filter(None, (sent[:end], sent[end:])):
            parser.receive_data(piece)
            for event in iter(parser.next_event, h11.NEED_DATA):
                got += bytes(event.data) if isinstance(event, h11.Data) else b""
                if isinstance(event, h11.EndOfMessage):
                    break
        assert (end, got == body * 3, parser.their_state) == (end, True, h11.DONE)
