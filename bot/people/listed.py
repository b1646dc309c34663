"""The people as agents know them who ask several: as the directory is each time somebody looks."""

from collections.abc import Iterator, Mapping

from agents.ask import Listed
from bot.people.directory import People


class ListedNow(Mapping[str, Listed]):
    """Everybody whom the file names, by the ids that it gives them.

    Whoever has another id in sayso is found by that as well.
    """

    def __init__(self, people: People) -> None:
        self._people = people

    def __getitem__(self, person: str) -> Listed:
        found = self._people.as_written.people
        one = found.get(person) or found[self._people.id_in_file(person)]
        return Listed(one.name, one.timezone, one.groups)

    def __iter__(self) -> Iterator[str]:
        return iter(self._people.as_written.people)

    def __len__(self) -> int:
        return len(self._people.as_written.people)
