"""The sights of people, as plain data."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

Json = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """A view, a message for one user, anything with blocks. `raw` is all the fake says of it."""

    raw: Json

    @property
    def blocks(self) -> list[Json]:
        return self.raw.get("blocks") or []

    @property
    def title(self) -> str:
        """Of a modal; "" elsewhere."""
        title: Json = self.raw.get("title") or {}
        return str(title.get("text", ""))

    @property
    def words(self) -> str:
        """Every text that is shown, a line each: in blocks where there are some, else the plain text."""
        return "\n".join(_texts(self.blocks)) if self.blocks else str(self.raw.get("text", ""))

    @property
    def buttons(self) -> list[str]:
        """The labels of all buttons, in order, and of what stands in the menus behind three dots."""
        pressed = [each for each in _elements(self.blocks) if each.get("type") in {"button", "overflow"}]
        return [one["text"]["text"] for each in pressed for one in each.get("options", [each])]

    @property
    def errors(self) -> dict[str, str]:
        """The errors that a modal shows, by block id; "" is the modal as a whole."""
        return self.raw.get("errors") or {}


@dataclass(frozen=True)
class Message(Shown):
    """A message in a channel, a DM, a thread, or for one user alone."""

    @property
    def channel(self) -> str:
        return self.raw["channel"]

    @property
    def ts(self) -> str:
        return self.raw["ts"]

    @property
    def thread(self) -> str:
        """The ts of its thread, which is its own where it has none."""
        return self.raw.get("thread_ts") or self.ts

    @property
    def text(self) -> str:
        """The text of a phone's notification."""
        return str(self.raw.get("text", ""))

    @property
    def user(self) -> str:
        return self.raw["user"]

    @property
    def versions(self) -> int:
        """The number of times it was changed."""
        return len(self.raw.get("versions") or [])


def _elements(blocks: list[Json]) -> Iterator[Json]:
    for block in blocks:
        yield from cast("list[Json]", block.get("elements") or [])
        yield from [block["accessory"]] if "accessory" in block else []


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _texts(inner)
    elif isinstance(value, dict):
        for name, inner in cast("Json", value).items():
            yield from [inner] if name == "text" and isinstance(inner, str) else _texts(inner)
