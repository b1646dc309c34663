"""Where our web servers listen."""

import socket

_BACKLOG = 2_048


def listen(bind: str, port: int) -> socket.socket:
    """A socket that says it is TCP: only then does asyncio send at once what is written in two parts (TCP_NODELAY).

    Otherwise each answer waits some 40 ms for the acknowledgement of its own header. `port` 0 is any free one. Raises
    OSError.
    """
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((bind, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
