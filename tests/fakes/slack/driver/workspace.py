"""The workspace, and what can go wrong with it."""

import ssl
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from httpx2 import AsyncClient

from tests.fakes.slack.driver.person import Handled, Person
from tests.fakes.slack.driver.sight import Json, Message
from tests.kit.waiting import PATIENCE_S

T = TypeVar("T")
_LONGEST_S = 30
# Trusts nobody: the fake speaks plain HTTP, and reading a machine's certificates takes longer than many a test.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Workspace:
    """A running fake. Fails with the fake's own words where a test asks for what cannot be."""

    bot = "sayso"
    bot_token = "xoxb-test"
    app_token = "xapp-test"
    signing_secret = "a-signing-secret"

    def __init__(self, address: str) -> None:
        self.address = address
        self.base_url = f"{address}/api/"
        self._client = AsyncClient(base_url=address, timeout=PATIENCE_S, verify=_NO_TLS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def tell(self, verb: str, **body: Any) -> Json:
        """`POST /control/<verb>`."""
        answer = await self._client.post(f"/control/{verb}", json=body)
        assert answer.status_code == 200, f"{verb}: {answer.text}"
        return answer.json()

    async def see(self, noun: str, **query: str) -> Any:
        """`GET /control/<noun>`."""
        answer = await self._client.get(f"/control/{noun}", params=query)
        assert answer.status_code == 200, f"{noun}: {answer.text}"
        return answer.json()[noun]

    async def until(self, found: Callable[[], Awaitable[T | None]], what: str, within_s: float = PATIENCE_S) -> T:
        """The first truthy value of `found`, asked again after each change; AssertionError after `within_s`."""
        give_up_at, version = time.monotonic() + within_s, -1
        while True:
            if value := await found():
                return value
            left = give_up_at - time.monotonic()
            assert left > 0, f"not within {within_s} s: {what}"
            query = {"after": str(version), "within_s": str(min(left, _LONGEST_S))}
            version = (await self._client.get("/control/wait", params=query)).json()["version"]

    async def starts_anew(self) -> None:
        """Forget everything, as a new process would; connections are cut."""
        await self.tell("reset")

    async def settings(self, **changed: Any) -> Json:
        """Change what an operator sets up at Slack, and the fake's own switches (see `state.Settings`)."""
        return await self.tell("settings", **changed)

    async def person(self, name: str, **more: Any) -> Person:
        """A member, or with `guest`, `bot`, `deleted`, `team`, `stranger` somebody else; `email`, `tz`, `real_name`."""
        made = await self.tell("user", name=name, **more)
        return Person(self, made["id"], name, made["dm"] or "")

    async def channel(self, name: str, *members: "Person | str", **more: Any) -> str:
        """The id of a channel with these members; `private`, `archived`, `shared`. `slack.bot` names the bot."""
        names = [member if isinstance(member, str) else member.id for member in members]
        return (await self.tell("channel", name=name, members=names, **more))["id"]

    async def messages(self, where: "str | Message") -> list[Message]:
        """Those of a channel (`#ops`), of a person's DM (`@anna`), or of the thread of a message, oldest first."""
        query = {"channel": where} if isinstance(where, str) else {"channel": where.channel, "thread_ts": where.thread}
        return [Message(each) for each in await self.see("messages", **query)]

    async def message(self, *, in_: "str | Message", containing: str, by: str | None = "U0BOT") -> Message:
        """The latest message there that says so, as soon as there is one; `by` a user's id, None by anybody."""

        async def found() -> Message | None:
            there = [m for m in await self.messages(in_) if by in (None, m.user)]
            fitting = [m for m in there if containing in f"{m.text}\n{m.words}"]
            return fitting[-1] if fitting else None

        return await self.until(found, f"a message in {in_ if isinstance(in_, str) else in_.ts} with {containing!r}")

    async def now(self, message: Message) -> Message:
        """The same message as it is now."""
        return next(each for each in await self.messages(message.channel) if each.ts == message.ts)

    async def connected(self, at_least: int = 1, within_s: float = PATIENCE_S) -> list[Json]:
        """The app's connections, as soon as there are so many."""

        async def found() -> list[Json] | None:
            there = await self.see("connections")
            return there if len(there) >= at_least else None

        return await self.until(found, f"{at_least} connections", within_s)

    async def calls(self, method: str) -> list[Json]:
        """Calls of a Web API method so far: `args`, `status`, `error`, `at`."""
        return await self.see("calls", method=method)

    async def deliveries(self, type_: str = "events_api") -> list[Json]:
        """Return what was sent to the app: `payload`, `tries`, `state`, `answer`."""
        return await self.see("deliveries", type=type_)

    async def settled(self) -> list[Json]:
        """All deliveries, as soon as none is under way."""

        async def found() -> list[Json] | None:
            there = await self.see("deliveries")
            return there if there and all(each["state"] in ("acked", "given up") for each in there) else None

        return await self.until(found, "every delivery is acknowledged or given up")

    async def brings_again(self, used: Handled) -> Handled:
        """The same interaction once more, as it was: how it was taken this time."""
        return Handled.of(await self.tell("again", trigger_id=used.raw["payload"]["trigger_id"]))

    async def violations(self) -> list[Json]:
        """Return what was sent that Slack would not have, or advises against. A test expects none."""
        return await self.see("violations")

    async def breaks(self, method: str, kind: str, **more: Any) -> None:
        """The next call of `method` goes wrong (`faults.Kind`); `times`, `error`, `seconds`, `channel`, `needed`."""
        await self.tell("fault", method=method, kind=kind, **more)

    async def moves_clock(self, seconds: float) -> None:
        """Let Slack's time pass."""
        await self.tell("clock", seconds=seconds)
