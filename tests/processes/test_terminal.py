"""Strangers' words reach the terminal in which sayso runs, and do nothing there."""

import asyncio
import base64
import os
import pty
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from bot.config.settings import Settings, load
from bot.wiring.local_mail import local_mail
from channels.email.transport import Transport
from channels.showing import escape_invisible
from tests.browser.dev import Dev
from tests.kit.programs import Started, typed
from tests.kit.waiting import wait_until

CLIPBOARD = "\x1b]52;c;aGkh\x07"
# Colours are ours.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class InTerminal(Dev):
    """`sayso dev` whose output is a terminal; what it prints there ends up in the log."""

    def __init__(self, folder: Path, runtime: Path) -> None:
        super().__init__(folder, runtime)
        self.folder = folder

    def __enter__(self) -> "InTerminal":
        self.log.touch()
        self._begins_at = 0
        ours, theirs = pty.openpty()
        with Path(os.devnull).open("rb") as nothing:
            files = [nothing.fileno(), theirs, theirs]
            self.process = Started(self._main, self.words, self._environ, self.folder, files)
        os.close(theirs)
        self._reading = threading.Thread(target=self._read, args=(ours,))
        self._reading.start()
        self.wait_for("Ctrl-C ends it")
        self.url = self.printed("HTTP API").removesuffix("/openapi.json")
        return self

    def settings(self) -> Settings:
        """Return the settings that it was started with."""
        return load(self.folder / "data", self._environ)

    def prints(self, *words: str) -> str:
        """Return what a command in another terminal prints."""
        return typed(*words, "--data", str(self.folder / "data"), env=self._environ).out

    def _read(self, terminal: int) -> None:
        with self.log.open("ab", buffering=0) as log, os.fdopen(terminal, "rb", buffering=0) as screen:
            try:
                while chunk := screen.read(65_536):
                    log.write(chunk.replace(b"\r\n", b"\n"))
            except OSError:
                return  # the other end is closed


@pytest.fixture
def terminal(tmp_path: Path, short_path: Path) -> Iterator[InTerminal]:
    with InTerminal(tmp_path, short_path) as dev:
        yield dev


def hidden_in(text: str) -> set[str]:
    return {char for char in COLOUR.sub("", text) if escape_invisible(char) != char} - set("\n")


@pytest.mark.long
def test_a_strangers_mail_and_path_do_nothing_in_the_terminal_of_sayso_dev(terminal: InTerminal) -> None:
    mail = local_mail(terminal.settings())
    word = base64.b64encode(f"{CLIPBOARD}Ping\u3164".encode()).decode()
    raw = (
        f"From: eve{CLIPBOARD}@else.example\r\nTo: {mail.address}\r\n"
        f"Subject: =?utf-8?b?{word}?=\r\nMessage-ID: <1@else.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n'
        f"deploy v1.2.0 {CLIPBOARD}\r\n--b\r\nContent-Type: text/csv\r\n"
        f'Content-Disposition: attachment; filename="a{CLIPBOARD}.csv"\r\n\r\n1\r\n--b--\r\n'
    )
    relay = mail.relay("")()
    transport = Transport(lambda: type(relay)(host=relay.host, port=relay.port, tls="none"))
    asyncio.run(transport.send(raw.encode(), sender="eve@else.example", recipients=[mail.address]))
    host, _, port = terminal.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        path = f"/v1/triggers/{quote(CLIPBOARD)}"
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        connection.recv(1_000)

    wait_until(lambda: "else.example" in terminal.said(), 30, "it is told of the mail")

    assert hidden_in(terminal.said()) == set()
    assert hidden_in(terminal.prints("dead")) == set()
