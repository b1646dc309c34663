"""The other end of a channel: takes messages from people, shows them cards. `python -m tests.servers.desk`.

As Slack and mail do, it hands a message over again until it was acknowledged, and one key is one card.
"""

import asyncio

from tests.servers.lines import Message, for_ever, listening, say
from tests.servers.traps import Traps


class Desk:
    """Messages in the order they were put, cards in the order they came."""

    def __init__(self) -> None:
        self._items = 0
        self._waiting: dict[int, Message] = {}
        self._cards: list[Message] = []
        self._keys: set[str] = set()
        self._refuses: set[str] = set()
        self._fails = 0
        self._traps = Traps()
        self._changed = asyncio.Condition()

    async def handle(self, message: Message) -> Message:
        """`put` a message, get the `next`, `ack` it; `send` or `update` a card, see the `cards`, `refuse` those for a
        person, `fail` the next so many that are sent; or set traps.
        """
        match message["do"]:
            case "put":
                self._waiting[self._items] = {"index": self._items, "key": message["key"], "body": message["body"]}
                self._items += 1
            case "next":
                return await self._next(message["after"])
            case "ack":
                self._waiting.pop(message["index"], None)
                return {}
            case "refuse":
                self._refuses.add(message["person"])
                return {}
            case "fail":
                self._fails = message["times"]
                return {}
            case "send" | "update":
                return await self._show(message)
            case "cards":
                return {"cards": await self._new_cards(message["after"], message["wait_s"])}
            case _:
                return self._traps.control(message)
        await self._notify()
        return {}

    async def _next(self, after: int) -> Message:
        def first() -> Message | None:
            return next((item for index, item in self._waiting.items() if index >= after), None)

        async with self._changed:
            await self._changed.wait_for(first)
            return first() or {}

    async def _show(self, message: Message) -> Message:
        trap = self._traps.arrived(message["do"])
        if await self._traps.at(trap, "before"):
            return {}
        if message["person"] in self._refuses:
            return {"refused": f"{message['person']} is not here any more"}
        if message["do"] == "send" and self._fails:
            self._fails -= 1
            return {"away": "nobody is at the desk"}
        if message["key"] not in self._keys:
            self._keys.add(message["key"])
            self._cards.append(message)
        await self._notify()
        await self._traps.at(trap, "after")
        return {}

    async def _new_cards(self, after: int, wait_s: float) -> list[Message]:
        async with self._changed:
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait_for(lambda: len(self._cards) > after)
            except TimeoutError:
                return []
        return self._cards[after:]

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


async def _main() -> None:
    async with listening(Desk().handle) as port:
        say(port=port)
        await for_ever()


if __name__ == "__main__":
    asyncio.run(_main())
