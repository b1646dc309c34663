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


@pytest.mark.parametrize("length", [b"0", b"5", b"4000"])
def test_attack_a_body_with_two_lengths_hides_a_request_from_a_proxy_that_goes_by_the_other(length: bytes) -> None:
    parser = Parser()
    parser.receive_data(HEAD[:-2] + b"Content-Length: " + length + b"\r\n\r\n0\r\n\r\nGET /")

    with pytest.raises(h11.RemoteProtocolError, match="two lengths"):
        parser.next_event()
