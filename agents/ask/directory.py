"""The people who may be asked, as the ask agent needs to know them. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

# More people than this are not asked by a bot on somebody's behalf.
MOST_PEOPLE = 20


@dataclass(frozen=True, slots=True)
class Listed:
    """A person in the directory; `zone` is an IANA time zone."""

    name: str
    zone: str = "UTC"
    groups: tuple[str, ...] = ()


Directory: TypeAlias = Mapping[str, Listed]


def members(directory: Directory, refs: Iterable[str]) -> tuple[str, ...]:
    """Everybody whom `person:…` and `group:…` mean, each once."""
    return tuple(dict.fromkeys(name for ref in refs for name in _meant(directory, ref)))


def unknown(directory: Directory, refs: Iterable[str]) -> tuple[str, ...]:
    """Those of `refs` that mean nobody."""
    return tuple(ref for ref in refs if not _meant(directory, ref))


def zone_of(directory: Directory, person: str) -> str:
    """The time zone of `person`."""
    return directory[person].zone if person in directory else "UTC"


def name_of(directory: Directory, person: str) -> str:
    """Return how people call `person`."""
    return directory[person].name if person in directory else person


def _meant(directory: Directory, ref: str) -> list[str]:
    kind, _, name = ref.partition(":")
    if kind == "person":
        return [name] if name in directory else []
    return [person for person, listed in directory.items() if kind == "group" and name in listed.groups]
