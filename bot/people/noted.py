"""What all processes together know of the tables that change without a restart: which hold, and what is wrong.

And which files are only half taken, and which of them an operator has confirmed.
"""

import hashlib
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydantic import BaseModel, TypeAdapter, ValidationError

from agents.requests import Freeze, PersonId
from agents.requests.proof import Proof
from bot.audit.log import AuditLog
from bot.errors import NotFound, WaitsForFile
from bot.people.directory import People
from bot.people.register import known_by
from bot.people.tables import Tables
from bot.store import Store
from bot.store.client import Client
from bot.store.keys import Keys
from channels import Contact
from language import say

WRONG_S = 15.0
"""Seconds that a problem counts after it was last seen."""

DIGEST_CHARS = 16
"""Characters of the digest of a file."""

TOLD_S = 24 * 3600.0
"""Seconds for which people are not told the same again."""

# So long nothing begins at most while something is unread.
_SETTLES_S = 60.0
# So long at most one tells them.
_TELLS_S = 20.0
_MEAN_PEOPLE = ("people.", "groups.", "oncall.")
_GIVE_RIGHTS = ("roles.", "alerts.", "groups.", "oncall.")
_CONFIRMED = "confirmed"
_RIGHT = "settings right"
_HASHES = TypeAdapter(dict[str, str])
_MS = re.compile(r"[0-9]{1,14}\Z")
_KEYS = Keys(0)


class Whole(BaseModel):
    """What is kept of the file that held last as a whole: its lines, who stood in the file of each group, who hears
    the alerts, as it names them, and who heard them last, and where: a process that starts on a file without them knows
    that from here alone.
    """

    lines: list[str] = []
    members: dict[str, list[str]] = {}
    alerts: list[str] = []
    heard: list[PersonId] = []
    reached: list[Contact] = []


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
            found[f"{kind}.{name}"] = _hash(f"{_said_in(entry)} {file or ''}")
    found |= {f"roles.{role}": _hash(repr(refs)) for role, refs in tables.roles if refs}
    found |= {f"agents.{name}.triggered_by": _hash(repr(refs)) for name, refs in tables.triggered_by.items()}
    found |= {"alerts.to": _hash(repr(tables.alerts))} if tables.alerts else {}
    found |= {f"freeze.windows.{number}": _hash(_said_in(one)) for number, one in enumerate(tables.windows)}
    found |= {name: _hash(said) for name, said in tables.beside.items()}
    return found


def command_of(digest: str) -> str:
    """Return the command that confirms a file which is only half taken."""
    return f"sayso people confirm {digest}"


def half_taken_words(digest: str, since: datetime) -> str:
    """Return what a person has to look at where a file is only half taken."""
    return (
        f"sayso.toml may have been emptied or cut: it is only half taken since {since:%d %b %Y %H:%M UTC}, and what "
        f"needs people waits. Put it right; or, if it is right as it is, as when its last lines were deleted on "
        f"purpose: {command_of(digest)}"
    )


def digest_of(content: bytes, tables: Tables) -> str:
    """Return the digest of the `content` of a file, with those of groups and what else the tables say."""
    whole = json.dumps([hashlib.sha256(content).hexdigest(), hashes_of(tables)], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:DIGEST_CHARS]


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
        self._store, self._client, self._audit = store, store.client, AuditLog(store)

    async def last(self) -> dict[str, str] | None:
        """Return the hashes of the tables that were noted last, none if unreadable; None where none ever were."""
        body = await self._client.do("GET", _KEYS.tables)
        try:
            return None if body is None else _HASHES.validate_json(body)
        except ValidationError:
            return {}

    async def names(self, named: Iterable[PersonId], people: People) -> bool:
        """Return whether the file that was noted last names one of these whom ours does not: it has not come to us."""
        new = [one for one in named if not _in_file(one, people)]
        return bool(new) and await self._differs(new, people, await self.last())

    async def _differs(self, named: Collection[PersonId], people: People, last: Mapping[str, str] | None) -> bool:
        """Return whether the file that was noted `last` says something else than ours of one of these.

        Where ours has a name for somebody else, whoever has it in a newer one is `cy~2`, whom ours does not name. So it
        may be with what an operator has said and we have not read: that somebody new is whoever has left.
        """
        if (await self._client.do("GET", _KEYS.people_number) or b"") != people.joined_as_of:
            return True
        names = {_in_file(one, people) or people.id_in_file(one).partition("~")[0] for one in named}
        ours = {name: config for name, config in people.as_written.people.items() if name in names}
        said = hashes_of(Tables(ours, {}))
        return bool(last) and any(last.get(f"people.{one}") != said.get(f"people.{one}") for one in names)

    async def has(self, kind: str, address: str, people: People) -> bool:
        """Return whether the file that was noted last says something else than ours of somebody whose address this is.

        The `kind` is `slack` or `email`.
        """
        found = difference(hashes_of(Tables(people.as_written.people, {})), await self.last() or {})
        differ = {name for name in (*found.added, *found.changed, *found.removed) if name.startswith("people.")}
        known = await known_by(self._client, kind, address) if differ else ()
        # Whom ours calls otherwise than their id, or the newer one does: then it lacks what ours calls them.
        names = (name for one in known for name in (one.partition("~")[0], people.id_in_file(one)))
        return not differ.isdisjoint(f"people.{name}" for name in names)

    async def check_joined(self, named: Iterable[PersonId], people: People) -> None:
        """Raise WaitsForFile where a newer file than ours `names` one of these: they have not left."""
        if await self.names(named, people):
            raise WaitsForFile(say("error.newer-file"), say("error.newer-file-do"))

    async def check_begins(self, named: Collection[PersonId], people: People) -> None:
        """Raise WaitsForFile where the file that was noted last says something else than ours of one of these, or
        freezes what ours does not: they may have left, and something may be frozen.
        """
        last = await self.last()
        if _windows_in(last) - _windows_of(people) or await self._differs(named, people, last):
            raise WaitsForFile(say("error.newer-file"), say("error.newer-file-do"))

    async def check_frozen(self, freeze: Freeze | None, people: People) -> None:
        """Raise WaitsForFile where the file that was noted last may freeze otherwise what ours has this freeze for, or
        none: it has a window of our file no more, or one that ours lacks. What people freeze is so in every process.
        """
        if freeze and not freeze.window:
            return
        last = await self.last()
        differs = _windows_in(last) - _windows_of(people)
        if freeze:
            differs = _windows_of(people, freeze.window) - _windows_in(last) if last else set[str]()
        if differs:
            raise WaitsForFile(say("error.newer-file"), say("error.newer-file-do"))

    async def check_policy(self, name: str, people: People) -> None:
        """Raise WaitsForFile where the file that was noted last says something else than ours of a policy, or of who is
        in what: by ours a step might be refused that people have approved, or could be asked about.
        """
        last, ours = await self.last(), people.as_written
        found = difference(last or {}, hashes_of(ours))
        differ = (*found.added, *found.changed, *found.removed)
        if last and any(one == f"policies.{name}" or one.startswith(_MEAN_PEOPLE) for one in differ):
            raise WaitsForFile(say("error.newer-file"), say("error.newer-file-do"))

    async def check_rights(self, person: PersonId, people: People) -> None:
        """Raise WaitsForFile where the file that was noted last says something else than ours of who may what."""
        last, name, ours = await self.last(), people.id_in_file(person), people.as_written
        own = {one: config for one, config in ours.people.items() if one == name}
        found = difference(last or {}, hashes_of(replace(ours, people=own, policies={})))
        differ = (*found.added, *found.changed, *found.removed)
        if last and any(one.startswith(_GIVE_RIGHTS) or one == f"people.{name}" for one in differ):
            raise WaitsForFile(say("error.newer-file"), say("error.newer-file-do"))

    async def note(self, hashes: Mapping[str, str]) -> None:
        """Note that these hold from now on."""
        await self._client.do("SET", _KEYS.tables, json.dumps(dict(hashes)))

    async def note_wrong(self, problems: str) -> str:
        """Note that a file can't be used just now; return the name by which people are told once."""
        await self._client.do("SET", _KEYS.tables_wrong, problems, "PX", round(WRONG_S * 1000))
        since, _ = await self._store.remember(_RIGHT, secrets.token_bytes(16), TOLD_S)
        return f"settings wrong {_hash(problems)} {since.hex()}"

    async def forget_wrong(self) -> None:
        """Have people told again of whatever is wrong with a file from now on."""
        await self._store.forget(_RIGHT)

    async def wrong(self) -> str:
        """Return what is wrong with a file that some process would read anew; empty where nothing is."""
        body = await self._client.do("GET", _KEYS.tables_wrong)
        return body.decode(errors="replace") if body else ""

    async def note_half(self, digest: str, now: datetime) -> datetime:
        """Note that the file of this digest is only half taken; return since when it is."""
        await self._client.do("HSETNX", _KEYS.tables_half, digest, round(now.timestamp() * 1000))
        return (await self.half()).get(digest, now)

    async def half(self) -> dict[str, datetime]:
        """Return since when files are only half taken, by their digests."""
        return await half_taken(self._client)

    async def confirm(self, digest: str, by: PersonId | None, proof: Proof | None) -> str:
        """Have the file of this digest hold as it is, as `by` says; what was done, in words. Raises NotFound.

        Every process hears of it with its next look at the file.
        """
        found = await self._halves()
        if found.get(digest) == _CONFIRMED:
            return say("notice.people-confirmed-already", digest=digest)
        if digest not in found:
            known = ", ".join(sorted(await self.half())) or say("error.no-half-taken")
            raise NotFound(say("error.not-half-taken", digest=repr(digest)), say("error.half-taken-are", digests=known))
        await self._audit.note("people_confirmed", who=by, proof=proof, channel="cli", detail={"digest": digest})
        await self._client.do("HSET", _KEYS.tables_half, digest, _CONFIRMED)
        return say("notice.people-confirmed", digest=digest)

    async def is_confirmed(self, digest: str) -> bool:
        """Return whether an operator has confirmed the file of this digest, and no other one has held since."""
        return (await self._halves()).get(digest) == _CONFIRMED

    async def whole(self) -> Whole:
        """Return what `note_whole` was given last; nothing where that is unreadable."""
        body = await self._client.do("GET", _KEYS.tables_whole)
        try:
            return Whole.model_validate_json(body) if body else Whole()
        except ValidationError:
            return Whole()

    async def note_whole(self, digest: str, whole: Whole) -> None:
        """Note that the file of this digest holds as it is: no other one is half taken or confirmed any more."""
        await self._client.do("SET", _KEYS.tables_whole, whole.model_dump_json())
        if others := (await self._halves()).keys() - {digest}:
            await self._client.do("HDEL", _KEYS.tables_half, *others)

    async def untold(self) -> list[PersonId]:
        """Return who is new in the register since somebody was last told who counts as new."""
        return sorted(PersonId(one.decode()) for one in await self._client.do("SMEMBERS", _KEYS.people_untold))

    async def have_told(self, new: Collection[PersonId]) -> None:
        """Note that whoever is to hear of these has."""
        if new:
            await self._client.do("SREM", _KEYS.people_untold, *new)

    async def keep(self, inbound_id: str) -> None:
        """Note that something came in which is read once a file is whole."""
        await self._client.do("SADD", _KEYS.tables_kept, inbound_id)

    async def settle(self, people: People) -> bool:
        """Return whether no approval begins anything now: a file is half taken, or there is unread what somebody wrote
        who was missing, whichever process that came to. It may be a no.

        It is read within seconds once no process has such a file; what nobody can read then holds nothing up for long.
        """
        if not await self.keeps_any():
            people.settles_until = 0.0
        elif people.half_taken or not people.settles_until or await self.half():
            people.settles_until = time.monotonic() + _SETTLES_S
        return people.holds_tools

    async def keeps_any(self) -> bool:
        """Return whether some of that is still unread."""
        for member in sorted(await self._client.do("SMEMBERS", _KEYS.tables_kept)):
            with suppress(NotFound):  # nothing of ours
                if await self._store.lists.is_unread(member.decode(errors="replace")):
                    return True
            await self._client.do("SREM", _KEYS.tables_kept, member)
        return False

    async def tell_once(
        self, found: Iterable[str], tell: Callable[[Sequence[str]], Awaitable[None]], lasts_s: float = TOLD_S
    ) -> bool:
        """Tell people what of that which was `found` nobody was told, by its names, whichever process finds it.

        Return whether they were told all of it. Where it is false, another one is telling them, or died over it: ask
        again.
        """
        untold = [one for one in found if await self._store.remembered(one) is None]
        if not untold:
            return True
        if not await self._store.is_first(f"tells {' '.join(untold)}", _TELLS_S):
            return False
        await tell(untold)
        for one in untold:
            await self._store.remember(one, b"told", lasts_s)
        return True

    async def _halves(self) -> dict[str, str]:
        return await _halves(self._client)


def _said_in(entry: BaseModel) -> str:
    """Return what the file says in an entry: a release that knows one more key reads the same in it."""
    return entry.model_dump_json(exclude_defaults=True)


def _in_file(person: PersonId, people: People) -> str:
    """Return the id that our file gives a person; empty where it names them no more, or not yet."""
    name = people.id_in_file(person)
    return name if name in people.as_written.people else ""


def _windows_in(hashes: Mapping[str, str] | None) -> set[str]:
    return {found for name, found in (hashes or {}).items() if name.startswith("freeze.windows.")}


def _windows_of(people: People, name: str = "") -> set[str]:
    ours = people.as_written
    found = tuple(one for one in ours.windows if name in {"", one.name})
    return _windows_in(hashes_of(Tables({}, {}, windows=found)))


async def half_taken(client: Client) -> dict[str, datetime]:
    """Return since when files are only half taken, by their digests. Raises StoreUnavailable."""
    found = await _halves(client)
    return {digest: datetime.fromtimestamp(int(one) / 1000, UTC) for digest, one in found.items() if _MS.match(one)}


async def _halves(client: Client) -> dict[str, str]:
    found: Mapping[bytes, bytes] = await client.do("HGETALL", _KEYS.tables_half)
    return {digest.decode(errors="replace"): one.decode(errors="replace") for digest, one in found.items()}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
