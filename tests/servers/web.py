"""A sayso that serves HTTP on a free port of loopback, and a client that holds a key."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress

from httpx2 import AsyncClient

from bot.app import App
from bot.people.api_keys import ApiKey
from bot.web.connections import LIMITS, Limits
from bot.web.here import Demo
from bot.web.serve import listen, port_of, serve
from tests.kit.waiting import PATIENCE_S, until

# Trusts nobody: these clients speak plain HTTP, and reading a machine's certificates takes longer than many a test.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Api:
    """One web process of `app`, as programs meet it."""

    def __init__(self, app: App, port: int) -> None:
        self.app, self.port, self.url = app, port, f"http://127.0.0.1:{port}"
        self.keyring = app.access.keyring
        self._clients: list[AsyncClient] = []

    async def key(
        self,
        person: str | None = None,
        *scopes: str,
        service: str | None = None,
        acts_for: Sequence[str] = (),
        asks: Sequence[str] = (),
        holders: Sequence[str] = (),
    ) -> tuple[ApiKey, str]:
        """A key of `person`, made by them in a session, with all scopes but admin unless some are named.

        One that has the scope admin is made by an operator, as nobody can tick it in the console.
        """
        wanted = scopes or ("trigger", "read", "answer", "steer")
        is_own = person is not None and "admin" not in wanted
        return await self.keyring.create(
            person=person,
            service=service,
            scopes=wanted,
            acts_for=acts_for,
            asks=asks,
            holders=holders,
            made_by="person" if is_own else "operator",
            link_by="operator" if is_own else None,
        )

    async def client(
        self,
        person: str | None = None,
        *scopes: str,
        service: str | None = None,
        acts_for: Sequence[str] = (),
        asks: Sequence[str] = (),
        holders: Sequence[str] = (),
    ) -> AsyncClient:
        """A client with a fresh key; see `key`."""
        _, text = await self.key(person, *scopes, service=service, acts_for=acts_for, asks=asks, holders=holders)
        return self.with_key(text)

    async def until_open(self, count: int = 1) -> None:
        """Returns when so many event streams and long polls are open here."""
        looks = await self.client("anna", "read")

        async def is_open() -> bool:
            return f"sayso_http_streams {count:.1f}" in (await looks.get("/metrics")).text

        await until(is_open, what=f"{count} streams are open")

    def with_key(self, text: str | None) -> AsyncClient:
        """A client that sends this key, or none."""
        headers = {"Authorization": f"Bearer {text}"} if text else {}
        client = AsyncClient(base_url=self.url, headers=headers, timeout=PATIENCE_S, trust_env=False, verify=NO_TLS)
        self._clients.append(client)
        return client

    async def close(self) -> None:
        """Close every client."""
        for client in self._clients:
            await client.aclose()


@asynccontextmanager
async def serving(
    app: App,
    demo: Demo | None = None,
    *,
    ping_s: float = 15.0,
    look_s: float = 4.0,
    longest_wait_s: float = 50.0,
    port: int = 0,
    limits: Limits = LIMITS,
) -> AsyncGenerator[Api]:
    """`app` over HTTP while the context is open."""
    listener = listen("127.0.0.1", port)
    api = Api(app, port_of(listener))
    task = asyncio.create_task(
        serve(app, listener, demo, ping_s=ping_s, look_s=look_s, longest_wait_s=longest_wait_s, limits=limits)
    )
    try:
        yield api
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await api.close()
