"""Another channel, whose `send` waits after the card was taken: what happens meanwhile finds it on its way."""

import asyncio
from collections.abc import Callable

from channels import (
    Accept,
    Address,
    Card,
    Channel,
    Contact,
    Inbound,
    Marks,
    Newest,
    Placement,
    Reading,
    Remembers,
    RequestLookup,
)


class SlowChannel:
    """`channel`, whose `send` returns once `may_return` is set, for what `is_slow` says. `sent` are the keys of it."""

    def __init__(self, channel: Channel, is_slow: Callable[[Card, Address], bool] = lambda _card, _to: True) -> None:
        self._channel, self.name, self.edits, self._is_slow = channel, channel.name, channel.edits, is_slow
        self.may_return, self.sent = asyncio.Event(), list[str]()

    def remember_in(self, marks: Marks) -> None:
        if isinstance(self._channel, Remembers):
            self._channel.remember_in(marks)

    async def receive(self, accept: Accept, desk: RequestLookup) -> None:
        await self._channel.receive(accept, desk)

    async def read(self, inbound: Inbound) -> Reading:
        return await self._channel.read(inbound)

    async def address(self, contact: Contact, thread: str, *, anew: bool = False) -> Address | None:
        return await self._channel.address(contact, thread, anew=anew)

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        delivery = await self._channel.send(card, to, key)
        if self._is_slow(card, to):
            self.sent.append(key)
            await self.may_return.wait()
        return delivery

    async def update(self, delivery: Placement, card: Card, key: str, newest: Newest | None = None) -> None:
        await self._channel.update(delivery, card, key, newest)
