"""A scripted person."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.fakes.slack.driver.sight import Json, Message, Shown

if TYPE_CHECKING:
    from tests.fakes.slack.driver.workspace import Workspace

# Where to press: in the person's App Home, instead of in a message.
HOME = "home"


@dataclass(frozen=True)
class Handled:
    """The app's handling of an interaction; `answer` is the payload of the ack."""

    acked: bool
    answer: Any
    raw: Json

    @classmethod
    def of(cls, parcel: Json) -> "Handled":
        last: Json = parcel["tries"][-1] if parcel["tries"] else {"acked": False}
        return cls(last["acked"], parcel["answer"], parcel)


@dataclass(frozen=True)
class Notice:
    """A message of which somebody was notified, and `why`: as a direct message, by a mention or by its thread."""

    channel: str
    ts: str
    why: str


@dataclass(frozen=True)
class Person:
    """`anna.says(…)`, `bo.presses(…)`. Whatever nobody could do in Slack fails, and says why."""

    slack: "Workspace"
    id: str
    name: str
    dm: str

    async def says(
        self, where: str, text: str, *, thread: Message | None = None, files: list[Json] | None = None
    ) -> Message:
        """Type `text` in `#channel`, or in the DM with `@sayso`; `@name` and `#channel` in it become mentions."""
        body: Json = {"channel": where, "text": text, "files": files or []}
        if thread:
            body |= {"thread_ts": thread.thread, "channel": thread.channel}
        return Message(await self._do("say", **body))

    async def answers(self, message: Message, text: str, *, files: list[Json] | None = None) -> Message:
        """Type `text` in the thread of `message`."""
        return await self.says(message.channel, text, thread=message, files=files)

    async def edits(self, message: Message, text: str) -> None:
        await self._do("edit", channel=message.channel, ts=message.ts, text=text)

    async def deletes(self, message: Message) -> None:
        await self._do("delete", channel=message.channel, ts=message.ts)

    async def joins(self, channel: str) -> None:
        await self._do("join", channel=channel)

    async def leaves(self, channel: str) -> None:
        await self._do("leave", channel=channel)

    async def commands(self, command: str, text: str = "", *, in_: str) -> Handled:
        """`/command text` in `#channel` or the DM with `@sayso`."""
        return Handled.of(await self._do("command", channel=in_, command=command, text=text))

    async def uses_shortcut(self, callback_id: str, *, on: Message) -> Handled:
        """Choose a shortcut from the menu of a message."""
        return Handled.of(await self._do("shortcut", channel=on.channel, ts=on.ts, callback_id=callback_id))

    async def opens_home(self) -> None:
        """Open the App Home; the app hears of it as an event."""
        await self._do("open_home")

    async def presses(
        self, what: str, *, in_: Message | str | None = None, value: Any = None, version: int | None = None, **more: Any
    ) -> Handled:
        """Press the button (or choose `value` in the menu) called so: in a message, the App Home, or the open modal.

        `version` presses what the message showed before an edit: 0 is the first one, also where there was no edit yet,
        -1 the one before the current.
        """
        body: Json = {"what": what, "value": value} | more | ({} if version is None else {"version": version})
        if isinstance(in_, Message):
            body |= {"channel": in_.channel, "ts": in_.ts}
        elif in_ == HOME:
            body["home"] = True
        return Handled.of(await self._do("press", **body))

    async def submits(self, values: Json | None = None) -> Json:
        """Fill in the open modal (by label, action id or block id) and send it.

        `sent`, `errors` by block id, whether it is still `open`, and the `parcel`.
        """
        return await self._do("submit", values=values or {})

    async def modals(self) -> list[Shown]:
        """Those open, the topmost last."""
        return [Shown(view) for view in await self.slack.see("views", user=self.id)]

    async def sees_modal(self, containing: str = "") -> Shown:
        """The topmost modal, as soon as it says so."""

        async def found() -> Shown | None:
            mine = await self.modals()
            return mine[-1] if mine and containing in f"{mine[-1].title}\n{mine[-1].words}" else None

        return await self.slack.until(found, f"{self.name} sees a modal with {containing!r}")

    async def ephemerals(self) -> list[Message]:
        """Return what this person alone was shown, oldest first."""
        return [Message(each | {"user": ""}) for each in await self.slack.see("ephemerals", user=self.id)]

    async def sees_ephemeral(self, containing: str = "") -> Message:
        """The latest message for this person alone that says so."""

        async def found() -> Message | None:
            mine = [each for each in await self.ephemerals() if containing in f"{each.text}\n{each.words}"]
            return mine[-1] if mine else None

        return await self.slack.until(found, f"{self.name} alone is told {containing!r}")

    async def notices(self) -> list[Notice]:
        """Every message of which Slack has notified this person, oldest first."""
        found = await self.slack.see("notices", user=self.id)
        return [Notice(each["channel"], each["ts"], each["why"]) for each in found]

    async def sees_home(self, containing: str = "") -> Shown:
        """The App Home, as soon as it says so."""

        async def found() -> Shown | None:
            home = await self.slack.see("home", user=self.id)
            return Shown(home) if home and containing in Shown(home).words else None

        return await self.slack.until(found, f"{self.name}'s App Home says {containing!r}")

    async def _do(self, verb: str, **body: Any) -> Json:
        return await self.slack.tell(verb, user=self.id, **body)
