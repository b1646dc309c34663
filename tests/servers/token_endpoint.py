"""A small OAuth token endpoint on loopback: a refresh token in, an access token out (RFC 6749, 6).

Mail servers may ask it whose token one is.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs

from channels.email.servers.oauth import Grant

Form = Mapping[str, str]


@dataclass
class TokenEndpoint:
    """Answers while the context is open. `asked` holds every form; `valid` is the last token, until a test changes it.

    `refuses` is a status and an error to answer with instead, and `says` the body; `rotates` makes each refresh token
    good for one use. While it is `silent` it answers nobody, so many times `unanswered`.
    """

    client_id: str = "an-app"
    client_secret: str | None = "app-secret"
    refresh_token: str = "refresh-0"
    life_s: object = 3600
    refuses: tuple[int, str] | None = None
    says: bytes = b""
    rotates: bool = False
    asked: list[Form] = field(default_factory=list[Form])
    valid: str = ""
    account: str = "agent@sayso.example"
    introspected: list[str] = field(default_factory=list[str])
    silent: asyncio.Event | None = None
    unanswered: int = 0

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Listen no more."""
        if self.silent:
            self.silent.set()
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def grant(self) -> Grant:
        """The grant that makes access tokens here."""
        url = f"{self.url}/token"
        return Grant(url, self.client_id, self.refresh_token, self.client_secret, "mail")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if head.startswith("get "):
            status, answer = self._introspect(head.split()[1])
        else:
            length = int(head.partition("content-length:")[2].split()[0])
            fields = parse_qs((await reader.readexactly(length)).decode())
            if self.silent:
                self.unanswered += 1
                await self.silent.wait()
            status, answer = self._answer({name: values[0] for name, values in fields.items()})
        body = self.says or json.dumps(answer).encode()
        top = f"HTTP/1.1 {status} said\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{top}Connection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    def _introspect(self, target: str) -> tuple[int, dict[str, object]]:
        """Answer whose token it is, which a mail server asks (RFC 7662)."""
        is_valid = bool(self.valid) and f"access_token={self.valid}&" in f"{target}&"
        self.introspected.append(target)
        return (200, {"active": True, "email": self.account}) if is_valid else (401, {"error": "invalid_token"})

    def _answer(self, form: Form) -> tuple[int, dict[str, object]]:
        self.asked.append(form)
        if self.refuses:
            return self.refuses[0], {"error": self.refuses[1]}
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.refresh_token:
            return 400, {"error": "invalid_grant"}
        if (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.client_secret):
            return 401, {"error": "invalid_client"}
        self.valid = f"access-{len(self.asked)}"
        answer: dict[str, object] = {"access_token": self.valid, "token_type": "Bearer", "expires_in": self.life_s}
        if self.rotates:
            self.refresh_token = f"refresh-{len(self.asked)}"
            answer["refresh_token"] = self.refresh_token
        return 200, answer
