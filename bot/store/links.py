"""Which processes hold a line to Slack just now, as they say themselves; what a dead one said is forgotten."""

import secrets
from typing import Literal

from pydantic import AwareDatetime

from agents.requests import Frozen
from bot.store.client import Client
from bot.store.keys import Keys

SAYS_EVERY_S = 2.0
"""How often a process says it."""

LIVES_S = 6.0
"""How long its word counts: after the third one that did not come, whoever asks hears of nobody."""

_INDEX_LIVES_S = 3_600
_KEYS = Keys(0)

Standing = Literal["connected", "not connected", "nobody is connected"]
"""How Slack reaches us: by at least one line, by none though a process tries, by none as no process does."""


class LinkState(Frozen):
    """How one process says its line is: since when, and why it is not there."""

    connected: bool
    since: AwareDatetime
    why: str = ""


class Links:
    """The lines of all processes. Raises StoreUnavailable while Redis is away."""

    def __init__(self, client: Client, lives_s: float = LIVES_S) -> None:
        self._client, self._lives_s, self._me = client, lives_s, secrets.token_hex(8)

    async def say(self, state: LinkState) -> None:
        """How the line of this process is."""
        await self._client.read(
            ["SET", _KEYS.links(self._me), state.model_dump_json(), "PX", round(self._lives_s * 1000)],
            ["SADD", _KEYS.links(), self._me],
            ["EXPIRE", _KEYS.links(), _INDEX_LIVES_S],
        )

    async def end(self) -> None:
        """This process has no line any more."""
        await self._client.read(["DEL", _KEYS.links(self._me)], ["SREM", _KEYS.links(), self._me])

    async def all(self) -> tuple[LinkState, ...]:
        """How each line is, connected ones first."""
        names: list[str] = sorted(name.decode() for name in await self._client.do("SMEMBERS", _KEYS.links()))
        if not names:
            return ()
        bodies: list[bytes | None] = await self._client.do("MGET", *map(_KEYS.links, names))
        gone = [name for name, body in zip(names, bodies, strict=True) if body is None]
        if gone:
            await self._client.do("SREM", _KEYS.links(), *gone)
        found = [LinkState.model_validate_json(body) for body in bodies if body is not None]
        return tuple(sorted(found, key=lambda state: (not state.connected, state.since)))


def standing(links: tuple[LinkState, ...]) -> Standing:
    """How Slack reaches us. One line is enough: Slack sends over whichever there is."""
    if not links:
        return "nobody is connected"
    return "connected" if any(link.connected for link in links) else "not connected"
