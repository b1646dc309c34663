"""One script with what all of them share in front of it, and one call of it with its typed reply."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1
from importlib import resources
from typing import Any, Generic, TypeVar, get_args

from agents.run import RunState
from bot.store.client.line import Arg
from bot.store.keys import Keys

T = TypeVar("T")

PRELUDE = ("clock.lua", "lists.lua", "ready.lua", "audit.lua", "starts.lua")
# The keys that the prelude knows by their names, and by which words a script shows that it wants them.
_SHARED: Mapping[str, str] = {
    "clock": "now_ms",
    "clock_seen": "now_ms",
    "changed": "tell_changed",
    "audit_new": "note_audit|audit_new",
    "turns": "push_new|turns",
}
_STATES: tuple[RunState, ...] = get_args(RunState)
_COMMENT = re.compile(r"--.*")


class Script:
    """One Lua script of this package."""

    def __init__(self, name: str) -> None:
        folder = resources.files("bot.store").joinpath("lua")
        parts = [folder.joinpath(part).read_text(encoding="utf-8") for part in (*PRELUDE, f"{name}.lua")]
        code = _COMMENT.sub("", parts[-1])
        self.name = name
        self._shared = [key for key, words in _SHARED.items() if re.search(rf"\b(?:{words})\b", code)]
        self.text = "\n".join([self._first_lines(), *parts])
        self.sha = sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    def _first_lines(self) -> str:
        places = ", ".join(f"{state} = {place}" for place, state in enumerate(_STATES, 1))
        states = f"local STATES, STATE_COUNT = {{ {places} }}, {len(_STATES)}"
        last = len(self._shared) - 1
        return f"{states}\nlocal {', '.join(self._shared)} = unpack(KEYS, #KEYS - {last})" if self._shared else states

    def shared(self, keys: Keys) -> list[str]:
        """The last keys of each call, which the script has by name."""
        return [getattr(keys, name) for name in self._shared]


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A script with its keys and arguments, and what its reply is read by."""

    script: Script
    keys: Sequence[str]
    args: Sequence[Arg]
    read: Callable[[Any], T]
