"""What all processes together know of the tables that change without a restart: which hold, and what is wrong."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from bot.people.tables import Tables
from bot.store import Store
from bot.store.keys import Keys

WRONG_S = 15.0
"""Seconds that a problem counts after it was last seen."""

_TOLD_S = 24 * 3600.0
_KEYS = Keys(0)


@dataclass(frozen=True, slots=True)
class Difference:
    """Names that are new, gone, or mean something else: `people.bo`, `policies.production`, `groups.finance`."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def hashes_of(tables: Tables) -> dict[str, str]:
    """Return a hash of each entry of the tables by its name, with the content of a group's file."""
    found = dict[str, str]()
    for kind in ("people", "policies", "oncall", "groups"):
        entries: Mapping[str, BaseModel] = getattr(tables, kind)
        for name, entry in entries.items():
            file = tables.files.get(name) if kind == "groups" else None
            found[f"{kind}.{name}"] = _hash(f"{entry.model_dump_json()} {file or ''}")
    found |= {f"roles.{role}": _hash(repr(refs)) for role, refs in tables.roles if refs}
    found |= {f"agents.{name}.triggered_by": _hash(repr(refs)) for name, refs in tables.triggered_by.items()}
    found |= {"alerts.to": _hash(repr(tables.alerts))} if tables.alerts else {}
    found |= {f"freeze.windows.{number}": _hash(one.model_dump_json()) for number, one in enumerate(tables.windows)}
    return found


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> Difference:
    """Return what differs between two sets of hashes."""
    return Difference(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(sorted(name for name in after.keys() & before.keys() if after[name] != before[name])),
    )


class NotedTables:
    """The hashes that were noted last, and what is wrong with a file. All raise StoreUnavailable without Redis."""

    def __init__(self, store: Store) -> None:
        self._store, self._client = store, store.client

    async def last(self) -> dict[str, str] | None:
        """Return the hashes of the tables that were noted last; None where none ever were."""
        body = await self._client.do("GET", _KEYS.tables)
        return None if body is None else dict(json.loads(body))

    async def note(self, hashes: Mapping[str, str]) -> None:
        """Note that these hold from now on."""
        await self._client.do("SET", _KEYS.tables, json.dumps(dict(hashes)))

    async def note_wrong(self, problems: str) -> bool:
        """Note that a file can't be used just now; return whether people are still to be told."""
        await self._client.do("SET", _KEYS.tables_wrong, problems, "PX", round(WRONG_S * 1000))
        # A value of our own: whoever told it before is told apart from us.
        mine = secrets.token_bytes(16)
        _, is_new = await self._store.remember(f"settings wrong {_hash(problems)}", mine, _TOLD_S)
        return is_new

    async def wrong(self) -> str:
        """Return what is wrong with a file that some process would read anew; empty where nothing is."""
        body = await self._client.do("GET", _KEYS.tables_wrong)
        return body.decode() if body else ""


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
