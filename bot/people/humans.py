"""Who is who: each human has one id in sayso for ever, whatever id the file gives them. Pure.

Events, records, lists, keys and sessions name people by this id, so that it means the same human as long as they are
kept. It is the id of the file, unless somebody else had that before.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from agents.requests import Frozen, PersonId
from bot.people.marks import Mark, maybe_same, surely_same
from language.stored import Stored


class Human(Stored, Frozen):
    """One human: their `id` for ever, and by what the directory knew them, the newest last.

    `same_as` is the id that an operator says is theirs as well: they are known by that one from then on. `name` is
    what the file called them last, to name who did something once they have left; empty once they are forgotten.
    """

    id: PersonId
    marks: tuple[Mark, ...]
    name: str = ""
    same_as: PersonId = PersonId("")

    @property
    def newest(self) -> Mark:
        """What the directory knew them by last."""
        return self.marks[-1] if self.marks else Mark()

    def known_by(self, mark: Mark) -> "Human":
        """Return the same human once the directory knows them by `mark`."""
        now = self.newest.followed_by(mark)
        marks = (*(one for one in self.marks if one != now), now)
        return self if now == self.newest else self.model_copy(update={"marks": marks})

    def called(self, name: str) -> "Human":
        """Return the same human once the file calls them `name`."""
        return self.model_copy(update={"name": name}) if name and name != self.name else self


@dataclass(frozen=True, slots=True)
class Humans:
    """Everybody whom the directory ever had, by the id that is theirs."""

    known: Mapping[PersonId, Human] = field(default_factory=dict[PersonId, Human])

    def who_is(self, directory: Mapping[str, Mark], names: Mapping[str, str] | None = None) -> dict[str, Human]:
        """Return the human behind each id of a directory, as they are known once it holds; `names` are by id as well.

        The uid finds them first. Whoever may be one of several, or is surely none of those who are known, is new.
        """
        free = {human.id: human for human in self.known.values() if not human.same_as}
        found, left, sharing = dict[str, Human](), dict(directory), dict[tuple[str, str], dict[PersonId, Human]]()
        for human in free.values():
            for part in human.newest.parts:
                sharing.setdefault(part, {})[human.id] = human

        def likely(mark: Mark) -> list[Human]:
            """Return those who are free and share a part with `mark`: nobody else can be the same human."""
            humans = {one: human for part in mark.parts for one, human in sharing.get(part, {}).items()}
            return [human for one, human in humans.items() if one in free]

        def take(name: str, humans: Iterable[Human], *, is_certain: bool = False) -> None:
            fits = sorted(humans, key=lambda human: (human.newest != left[name], human.id))
            if fits and (is_certain or len(fits) == 1 or fits[0].newest == left[name]):
                found[name] = free.pop(fits[0].id).known_by(left.pop(name))

        for name, mark in directory.items():
            if mark.uid:
                take(name, [one for one in likely(mark) if one.newest.uid == mark.uid], is_certain=True)
        for name, mark in list(left.items()):
            take(name, [one for one in likely(mark) if one.newest == mark])
        for name, mark in list(left.items()):
            take(name, [one for one in likely(mark) if surely_same(one.newest, mark)])
        taken = {*self.known, *(human.id for human in found.values())}
        for name, mark in left.items():
            found[name] = Human(id=_free(name, taken), marks=(mark,))
            taken.add(found[name].id)
        return {name: found[name].called((names or {}).get(name, "")) for name in directory}

    def with_those(self, humans: Iterable[Human]) -> "Humans":
        """Return everybody, and these as they are here."""
        return Humans({**self.known, **{human.id: human for human in humans}})

    def maybe(self, here: Iterable[PersonId]) -> dict[PersonId, tuple[PersonId, ...]]:
        """Return, for each who is known, those who are `here` and may be that human, by whatever they ever had.

        Also for those who are here themselves: an address or a uid of theirs may be somebody else's by now, and nobody
        can say which of them had it when.
        """
        sharing = dict[tuple[str, str], list[Human]]()
        for human in (self.known[one] for one in {*here} if one in self.known):
            for part in _parts(human):
                sharing.setdefault(part, []).append(human)
        found = dict[PersonId, tuple[PersonId, ...]]()
        for human in self.known.values():
            likely = (one for part in _parts(human) for one in sharing.get(part, ()) if one.id != human.id)
            others = {one.id for one in likely if maybe_same(one.marks, human.marks)}
            found |= {human.id: tuple(sorted(others))} if others else {}
        return found

    def may_be_one(self, one: PersonId, other: PersonId) -> bool:
        """Return whether two ids may be one human's, wherever they are by now."""
        both = [self.known[each] for each in {one, other} if each in self.known]
        return len(both) > 1 and maybe_same(both[0].marks, both[1].marks)

    def by_now(self, human: Human) -> Human:
        """Return who somebody is, as far as an operator has said that they are somebody else."""
        return self.known[human.same_as] if human.same_as else human

    def again(self) -> dict[PersonId, tuple[PersonId, ...]]:
        """Return the other ids that an operator has said were somebody's, by their own."""
        found = dict[PersonId, tuple[PersonId, ...]]()
        for human in sorted(self.known.values(), key=lambda one: one.id):
            if human.same_as:
                found[human.same_as] = (*found.get(human.same_as, ()), human.id)
        return found

    def is_again(self, person: PersonId) -> bool:
        """Return whether an operator has said that this is who somebody new is."""
        return any(human.same_as == person for human in self.known.values())

    def once_known_by(self, parts: Collection[tuple[str, str]]) -> list[Human]:
        """Return those whom the directory ever knew by one of these parts of a mark."""
        wanted = set(parts)
        return [human for human in self.known.values() if not wanted.isdisjoint(_parts(human))]


def _parts(human: Human) -> Iterator[tuple[str, str]]:
    for mark in human.marks:
        yield from mark.parts


def _free(name: str, taken: Collection[str]) -> PersonId:
    """Return the id for somebody new whom the file calls `name`; no file can give one with a tilde."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}~{number}"
    return PersonId(found)
