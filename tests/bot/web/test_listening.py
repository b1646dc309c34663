import socket

import pytest

from bot.web.serve import listen, port_of


@pytest.mark.parametrize("bind", ["127.0.0.1", "::1"])
def test_it_listens_where_it_says_and_sends_at_once(bind: str) -> None:
    with listen(bind, 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP, "or asyncio waits for acknowledgements"
        with socket.create_connection((bind, port_of(listener)), timeout=60):
            pass


def test_a_port_that_is_taken_is_an_error_and_nothing_stays_open() -> None:
    with listen("127.0.0.1", 0) as first:
        with pytest.raises(OSError, match="in use"):
            listen("127.0.0.1", port_of(first))
        with pytest.raises(OSError, match="assign requested address"):
            listen("192.0.2.1", 0)


def test_a_port_can_be_taken_again_as_soon_as_it_is_free() -> None:
    with listen("127.0.0.1", 0) as first:
        port = port_of(first)
        with socket.create_connection(("127.0.0.1", port), timeout=60):
            first.accept()[0].close()

    with listen("127.0.0.1", port) as again:
        assert port_of(again) == port
