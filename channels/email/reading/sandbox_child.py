"""The child process that reads mails (`confined`): one after another from the line it was given, until that ends."""

import os
import pickle
import resource
import signal
import socket
import sys
import traceback
from pathlib import Path

from pydantic import TypeAdapter

from channels.email.reading.reader import Reader
from channels.email.reading.sandbox import LENGTH, OUT_OF_MEMORY, Order
from channels.email.reply import prepare
from channels.email.reply.binding import MailReading

_READING = TypeAdapter[MailReading](MailReading)


def main() -> None:
    """Answer until the other end of the line is closed, by whatever way our parent ended."""
    try:
        _serve(socket.socket(fileno=sys.stdin.fileno()))
    except (EOFError, ConnectionError):
        os._exit(0)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def _serve(line: socket.socket) -> None:
    order = _order(line, _length(line))
    prepare()
    _confine(order.limits.memory_bytes)
    while True:
        length, size_bytes, of_card = _length(line), _length(line), _length(line)
        raw, card = _receive(line, length), _receive(line, of_card).decode()
        # The default of SIGPROF ends the process, whatever it is in the middle of.
        signal.setitimer(signal.ITIMER_PROF, order.limits.cpu_s)
        answer = _answer(order.reader, raw, size_bytes, card)
        signal.setitimer(signal.ITIMER_PROF, 0)
        line.sendall(LENGTH.pack(len(answer)) + answer)
        if length := _length(line):
            order = _order(line, length)


def _order(line: socket.socket, length: int) -> Order:
    order = pickle.loads(_receive(line, length))  # noqa: S301 - from our parent, who started us
    assert isinstance(order, Order)  # noqa: S101 - for the types
    return order


def _confine(memory_bytes: int) -> None:
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # it may have been ignored where we come from
    # RLIMIT_DATA, not RLIMIT_AS: what only looks large, such as mapped files, is nobody's memory.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the mail


def _answer(reader: Reader, raw: bytes, size_bytes: int, card: str) -> bytes:
    """The reading as JSON; or a `!` and where reading failed, without a word of the mail."""
    try:
        return _READING.dump_json(reader.read(raw, size_bytes, card))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a mistake of ours must not be taken for the child's death
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"!{type(error).__name__} in {Path(where.filename).name}:{where.lineno}".encode()


def _length(line: socket.socket) -> int:
    (length,) = LENGTH.unpack(_receive(line, LENGTH.size))
    return length


def _receive(line: socket.socket, size: int) -> bytes:
    found = bytearray(size)
    view, at = memoryview(found), 0
    while at < size:
        count = line.recv_into(view[at:])
        if not count:
            raise EOFError
        at += count
    return bytes(found)
