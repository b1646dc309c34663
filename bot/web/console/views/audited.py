"""What a record of the audit log says about itself in a row of the page. Pure."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime

from pydantic import JsonValue

from agents.requests import PersonId
from agents.text import first_line
from bot.people.directory import People
from language import say
from language.dates import in_words

Record = Mapping[str, JsonValue]

# A row is a summary; the downloads have all of it.
_CHARS, _NAMES = 300, 10


def lines_of(record: Record, people: People) -> tuple[str, ...]:
    """Return what is said below the name of the record's kind, a line each."""
    told = _TOLD.get(str(record.get("kind")))
    # What can't be told otherwise stands in its own words.
    found = tuple(told(record, people)) if told else ()
    return found or tuple(filter(None, [first_line(_text(record.get("words")), _CHARS)]))


def _absence(record: Record, people: People) -> Iterator[str]:
    """Whose absence it is, the two moments in the reader's own time, and who stands in."""
    whose = _texts(record.get("people"))
    with suppress(ValueError):
        starts, until = (in_words(datetime.fromisoformat(one)) for one in _text(record.get("words")).split())
        names = [people.name_of(PersonId(one)) for one in whose] or [say("audit.somebody")]
        told = say("absence.is-away", name=names[0], until=until, **{"from": starts})
        yield f"{told} {say('absence.stands-in', name=names[1])}" if names[1:] else told


def _key(record: Record, people: People) -> Iterator[str]:
    """Which key it is, what it may do, and whose it is."""
    detail, owner = _detail(record), _text(record.get("words"))
    if prefix := _text(detail.get("key")):
        yield " · ".join(filter(None, [prefix, ", ".join(_texts(detail.get("scopes")))]))
        kind, _, name = owner.partition(":")
        yield say("audit.key-of", name=people.name_of(PersonId(name)) if kind == "person" else owner)


def _tables(record: Record, _: People) -> Iterator[str]:
    """The names of the tables that were added, changed and removed, of many the first."""
    detail = _detail(record)
    for name, key in (("added", "audit.added"), ("changed", "audit.changed"), ("removed", "audit.removed")):
        if names := _texts(detail.get(name)):
            shown = ", ".join(names[:_NAMES]) + (" …" if names[_NAMES:] else "")
            yield say(key, names=shown)


_TOLD: Mapping[str, Callable[[Record, People], Iterator[str]]] = {
    "absence_set": _absence,
    "key_made": _key,
    "key_revoked": _key,
    "tables_changed": _tables,
}


def _detail(record: Record) -> Record:
    found = record.get("detail")
    return found if isinstance(found, dict) else {}


def _texts(value: JsonValue) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
