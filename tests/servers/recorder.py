"""The effects of tools on the world outside, and the record of them: `python -m tests.servers.recorder`.

A call of the tool `honours` with a key that was seen before has no new effect; every other call has one. `slow` makes
answers take at least and at most so long, once the effect is made: a different time for each story, and always the
same one.
"""

import asyncio
import time
import zlib

import uvloop

from tests.kit.waiting import passes
from tests.servers.lines import Message, for_ever, listening, say
from tests.servers.traps import Traps


class Recorder:
    """Counts invocations and effects. Traps: before the effect, during (it is made, nobody hears of it), after."""

    def __init__(self) -> None:
        self.calls: list[Message] = []
        self._traps = Traps()
        self._keys: dict[str, str] = {}
        self._slow_s = (0.0, 0.0)

    async def handle(self, message: Message) -> Message:
        """`call` a tool, list the `calls`, of one `story` or of all, or set traps."""
        match message["do"]:
            case "call":
                return await self._call(message["tool"], message["story"], message["key"])
            case "calls":
                story = message.get("story")
                return {"calls": [call for call in self.calls if story in {None, call["story"]}]}
            case "slow":
                self._slow_s = (message.get("least_s", 0.0), message["most_s"])
                return {}
            case _:
                return self._traps.control(message)

    async def _call(self, tool: str, story: str, key: str | None) -> Message:
        call: Message = {"tool": tool, "story": story, "key": key, "has_effect": False, "at": time.monotonic()}
        self.calls.append(call)
        trap = self._traps.arrived(tool)
        if await self._traps.at(trap, "before"):
            return {}
        if key is None or tool != "honours" or key not in self._keys:
            call["has_effect"] = True
            self._keys[key or ""] = f"{tool} did {story}"
        least_s, most_s = self._slow_s
        if most_s:
            await passes(least_s + (most_s - least_s) * (zlib.crc32(story.encode()) % 100) / 100)
        if await self._traps.at(trap, "during"):
            return {}
        if trap and trap.when == "after":
            # Once the answer is on its way: what the caller still does with it is up to chance.
            asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(self._traps.at(trap, "after")))
        return {"output": f"{tool} did {story}"}


async def _main() -> None:
    async with listening(Recorder().handle) as port:
        say(port=port)
        await for_ever()


if __name__ == "__main__":
    uvloop.run(_main())
