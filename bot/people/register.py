"""The register: everybody whom the directory ever had, kept for all processes, and who an operator says is the same."""

from agents.requests import PersonId
from bot.errors import Conflict, NotFound
from bot.people.directory import People
from bot.people.humans import Human, Humans
from bot.people.marks import Mark, hashed, mark_of
from bot.people.tables import Tables
from bot.store import Store
from bot.store.client import Script
from bot.store.keys import Keys
from language import say

_RENOTE = Script("renote")
_KEYS = Keys(0)
# A try that is lost is another process that read the same file.
_TRIES = 100


class Register:
    """Gives everybody in the directory the id that is theirs for ever. All methods raise StoreUnavailable."""

    def __init__(self, store: Store, people: People) -> None:
        self._client, self._people = store.client, people
        self._number = b""

    async def hold(self, written: Tables | None = None) -> None:
        """Let tables hold from now on, with everybody in them under their own id; those that hold where none are given.

        Whoever is new is in the register before they are in the directory.
        """
        written = self._people.as_written if written is None else written
        marks = {name: mark_of(person) for name, person in written.people.items()}
        for _ in range(_TRIES):
            number, humans = await self._read()
            who = humans.who_is(marks)
            if all([await self._keep(humans.known.get(human.id), human) for human in who.values()]):
                self._number = number
                return self._people.change(written, humans)
        raise RuntimeError(f"the register of people changed {_TRIES} times at once")

    async def look(self) -> None:
        """Have the directory go by what an operator has said since somewhere else."""
        if (await self._client.do("GET", _KEYS.people_number) or b"") != self._number:
            await self.hold()

    async def same(self, known_by: str, person: str) -> Human:
        """Have `person` be whom the directory knew by an address, a Slack id or a uid, or under an id of sayso.

        Asking twice does it once. Raises NotFound and Conflict.
        """
        await self.hold()
        now = self._people.named(person)
        for _ in range(_TRIES):
            _, humans = await self._read()
            mine = humans.known[now]
            parts = {(kind, hashed(kind, known_by)) for kind in Mark.model_fields}
            was = [one for one in humans.once_known_by(parts) if one.id != now and not one.same_as]
            was = was or [one for one in [humans.known.get(PersonId(known_by))] if one and one.id != now]
            if not was and mine in humans.once_known_by(parts):
                return mine
            if not was:
                raise NotFound(say("error.never-known", known=repr(known_by)), say("error.never-known-do"))
            if len(was) > 1 or self._people.is_here(was[0].id):
                names = ", ".join(sorted(one.id for one in was))
                raise Conflict(say("error.not-one-human", known=repr(known_by), names=names), say("error.not-one-do"))
            again = was[0].known_by(mine.newest)
            other = mine.model_copy(update={"same_as": was[0].id})
            if await self._keep(was[0], again) and await self._keep(mine, other):
                await self._client.do("INCR", _KEYS.people_number)
                await self.hold()
                return again
        raise RuntimeError(f"the register of people changed {_TRIES} times at once")

    async def _read(self) -> tuple[bytes, Humans]:
        number, found = await self._client.read(["GET", _KEYS.people_number], ["HGETALL", _KEYS.people])
        return number or b"", Humans().with_those(Human.model_validate_json(body) for body in found.values())

    async def _keep(self, was: Human | None, now: Human) -> bool:
        """Keep what is known of somebody; False where another process has said something else meanwhile."""
        if was == now:
            return True
        body = now.model_dump_json()
        if was is None:
            return bool(await self._client.do("HSETNX", _KEYS.people, now.id, body))
        return bool(await self._client.run(_RENOTE, [_KEYS.people], [now.id, was.model_dump_json(), body]))
