"""The register: everybody whom the directory ever had, kept for all processes, and who an operator says is the same."""

from collections.abc import Collection, Mapping
from functools import reduce

from agents.requests import PersonId
from agents.requests.proof import Proof
from bot.audit.log import AuditLog
from bot.config.tables import PersonConfig
from bot.errors import Conflict, Forbidden, NotFound, WaitsForFile
from bot.people.directory import People, names_in
from bot.people.humans import Human, Humans
from bot.people.marks import Mark, hashed, mark_of
from bot.people.tables import Tables
from bot.store import Store, scripts
from bot.store.client import Client
from bot.store.keys import Keys
from bot.store.scripts import If
from language import say

_KEYS = Keys(0)
# A try that is lost is another process that read the same file.
_TRIES = 100


class Register:
    """Gives everybody in the directory the id that is theirs for ever. All methods raise StoreUnavailable."""

    def __init__(self, store: Store, people: People) -> None:
        self._client, self._people, self._audit = store.client, people, AuditLog(store)

    async def hold(self, written: Tables | None = None) -> None:
        """Let tables hold from now on, with everybody in them under their own id; those that hold where none are given.

        Whoever is new is in the register before they are in the directory.
        """
        is_given, written = written is not None, written or self._people.as_written
        marks = {name: mark_of(person) for name, person in written.people.items()}
        for _ in range(_TRIES):
            number, humans = await self._read()
            who = humans.who_is(marks, names_in(written))
            new = [human.id for human in who.values() if human.id not in humans.known]
            if humans.known and new:
                await self._client.do("SADD", _KEYS.people_untold, *new)
            if all([await self._keep(humans.known.get(human.id), human) for human in who.values()]):
                self._people.joined_as_of = number
                return self._people.change(written, humans) if is_given else self._people.know(humans)
        raise RuntimeError(f"the register of people changed {_TRIES} times at once")

    async def look(self) -> None:
        """Have the directory go by what an operator has said since somewhere else."""
        if (await self._client.do("GET", _KEYS.people_number) or b"") != self._people.joined_as_of:
            await self.hold()

    async def same(
        self,
        known_by: str,
        person: str,
        by: PersonId,
        *,
        behind: Collection[PersonId] = (),
        proof: Proof | None,
    ) -> tuple[PersonId, PersonId]:
        """Have `person` be whom the directory knew by an address, a Slack id, a uid, or under the id that was theirs.

        Return whom they are from now on, and who they were taken for until now. `by` says so, with those `behind` it
        where that is a program; saying it again changes nothing. Raises NotFound, Conflict, WaitsForFile,
        and Forbidden to whoever says it of themselves, or of one whom they may be by anything they were ever known by.
        """
        for _ in range(_TRIES):
            await self.hold()
            if self._people.half_taken:  # whom it means may only be missing in a file
                raise WaitsForFile(say("error.half-taken"), say("error.half-taken-do"))
            now = self._people.named(person)
            number, humans = await self._read()
            if number != self._people.joined_as_of:
                continue
            _check_is_nobody_of(humans, now, (by, *behind))
            mine, was = humans.known[now], _whom(humans, known_by, now)
            if was is None:
                return now, now
            _check_is_nobody_of(humans, was.id, (by, *behind))
            if self._people.is_here(was.id):
                raise Conflict(say("error.is-here", known=repr(known_by)), say("error.is-here-do"))
            if humans.is_again(now):  # what they have under this id would be lost to them
                raise Conflict(say("error.same-twice", id=repr(now)), say("error.same-twice-do"))
            await self._audit.note("people_same", who=by, proof=proof, people=(was.id, now))
            # By whatever they were known in between somebody may be them as well.
            again, other = reduce(Human.known_by, mine.marks, was), mine.model_copy(update={"same_as": was.id})
            if await self._change(number, (was, again), (mine, other)):
                await self.hold()
                return was.id, now
        raise RuntimeError(f"the register of people changed {_TRIES} times at once")

    async def forget(self, person: str) -> None:
        """Forget what somebody was called who is in the directory no longer; that their id was theirs stays known."""
        for _ in range(_TRIES):
            number, humans = await self._read()
            known = humans.known.get(PersonId(person))
            if known is None or not known.name or self._people.is_here(person):
                return
            if await self._change(number, (known, known.model_copy(update={"name": ""}))):
                return
        raise RuntimeError(f"the register of people changed {_TRIES} times at once")

    async def _change(self, number: bytes, *changes: tuple[Human, Human]) -> bool:
        """Change what is known of people, and have every process read it; False where that changed since `number`."""
        there = [If(_KEYS.people, [was.model_dump_json()], was.id) for was, _ in changes]
        kept = [["HSET", _KEYS.people, now.id, now.model_dump_json()] for _, now in changes]
        call = scripts.write_if([If(_KEYS.people_number, [number]), *there], ["INCR", _KEYS.people_number], *kept)
        return (await self._client.run(call)).is_set

    async def _read(self) -> tuple[bytes, Humans]:
        number, found = await self._client.read(["GET", _KEYS.people_number], ["HGETALL", _KEYS.people])
        return number or b"", _humans(found)

    async def _keep(self, was: Human | None, now: Human) -> bool:
        """Keep what is known of somebody; False where another process has said something else meanwhile."""
        if was == now:
            return True
        body = now.model_dump_json()
        if was is None:
            return bool(await self._client.do("HSETNX", _KEYS.people, now.id, body))
        call = scripts.set_if(_KEYS.people, now.id, body, was.model_dump_json())
        return (await self._client.run(call)).is_set


async def here(client: Client, people: Mapping[str, PersonConfig]) -> frozenset[PersonId]:
    """Return the ids of all who are in the file, for who only looks. Raises StoreUnavailable."""
    known = _humans(await client.do("HGETALL", _KEYS.people))
    return frozenset(one.id for one in known.who_is({name: mark_of(one) for name, one in people.items()}).values())


async def known_by(client: Client, kind: str, address: str) -> frozenset[PersonId]:
    """Return the ids of those whom some process knew last by an address, of the `kind` `slack` or `email`.

    Raises StoreUnavailable.
    """
    part, humans = (kind, hashed(kind, address)), _humans(await client.do("HGETALL", _KEYS.people))
    return frozenset(human.id for human in humans.known.values() if part in human.newest.parts)


def _humans(found: Mapping[bytes, bytes]) -> Humans:
    return Humans().with_those(Human.model_validate_json(body) for body in found.values())


def _whom(humans: Humans, known_by: str, now: PersonId) -> Human | None:
    """Return whom the directory knew so and who is not `now`; None where it is. Raises NotFound and Conflict."""
    parts = {(kind, hashed(kind, known_by)) for kind in Mark.model_fields}
    named = humans.known.get(PersonId(known_by))
    known = {humans.by_now(one).id for one in humans.once_known_by(parts) or ([named] if named else [])}
    others = sorted(known - {now})
    if not known:
        raise NotFound(say("error.never-known", known=repr(known_by)), say("error.never-known-do"))
    if len(others) > 1:
        told = say("error.several-known", known=repr(known_by), names=", ".join(others))
        raise Conflict(told, say("error.several-known-do"))
    return humans.known[others[0]] if others else None


def _check_is_nobody_of(humans: Humans, person: PersonId, speakers: Collection[PersonId]) -> None:
    """Check that `person` can't be one of those who say it, by anything they were ever known by. Raises Forbidden."""
    if any(person == one or humans.may_be_one(person, one) for one in speakers):
        raise Forbidden(say("error.same-as-oneself"), say("error.same-as-oneself-do"))
