"""The one directory: who people are, which groups they are in, and what a policy means in terms of people."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

from agents.requests import AllOf, AnyOf, Anyone, PersonId, PolicySnapshot, Rule
from bot.config.tables import AllOfTable, AnyOfTable, Approver, Approvers, PersonConfig, PolicyConfig
from bot.errors import NotFound
from channels import Contact
from language import Language, say, speaking
from language.lists import both

# A question that the model asked: long enough for a night's sleep on the other side of the world.
QUESTION_EXPIRES_S = 24 * 3600.0


class People:
    """The directory as channels (contacts) and policies (groups) need it; also a `channels.Directory`."""

    def __init__(
        self,
        people: Mapping[str, PersonConfig],
        policies: Mapping[str, PolicyConfig],
        language: Language = "en",
    ) -> None:
        self._people, self._policies = people, policies
        self._language: Language = language
        self._by_email = {person.email.lower(): name for name, person in people.items() if person.email}
        self._by_github = {person.github.lower(): name for name, person in people.items() if person.github}

    def contacts(self) -> tuple[Contact, ...]:
        """Return what channels may know of everyone."""
        return tuple(found for name in self._people if (found := self.contact(name)))

    def contact(self, person: str) -> Contact | None:
        """Return what channels may know of a person."""
        found = self._people.get(person)
        if found is None:
            return None
        return Contact(
            id=person,
            name=found.name,
            email=found.email,
            slack=found.slack,
            timezone=found.timezone,
            language=self.language_of(person),
        )

    def by_email(self, address: str) -> Contact | None:
        """The person who has exactly this address; letter case does not count."""
        name = self._by_email.get(address.lower())
        return None if name is None else self.contact(name)

    def by_github(self, login: str) -> PersonId | None:
        """The person who has this login at GitHub; letter case does not count."""
        name = self._by_github.get(login.lower())
        return None if name is None else PersonId(name)

    def named(self, person: str) -> PersonId:
        """`person` as an id. Raises NotFound."""
        if person not in self._people:
            known = ", ".join(sorted(self._people)) or say("error.no-people")
            raise NotFound(say("error.no-person", person=repr(person)), say("error.people-are", names=known))
        return PersonId(person)

    def all(self) -> tuple[PersonId, ...]:
        """Everyone, in the order of the file."""
        return tuple(PersonId(name) for name in self._people)

    def name_of(self, person: str) -> str:
        """Return the name that people use for `person`; the id itself for somebody who has left."""
        found = self._people.get(person)
        return found.name if found else person

    def language_of(self, person: str) -> Language:
        """Return the language that `person` reads: that of the installation where they chose none, or are nobody."""
        found = self._people.get(person)
        return (found.language if found else None) or self._language

    def speaking_to(self, person: str) -> AbstractContextManager[None]:
        """Speak the language that `person` reads, until the end of the block; that of the installation to nobody."""
        return speaking(self.language_of(person))

    def called(self, person: str, place: str) -> str:
        """Return the addressee's name: that of `person`, or a `place` (`slack:#release`) that is nobody's own."""
        return place.partition(":")[2] if place else self.name_of(person)

    def names_of(self, people: Iterable[str]) -> str:
        """`Bo Berg and Cy Cole`."""
        return both([self.name_of(person) for person in people])

    def members(self, refs: Iterable[str]) -> tuple[PersonId, ...]:
        """Everyone that `person:…` and `group:…` names mean, each once."""
        return tuple(dict.fromkeys(person for ref in refs for person in self._anyone(ref).people))

    def snapshot(self, name: str) -> PolicySnapshot | None:
        """A policy as it stands now, groups resolved; None when there is no such policy."""
        policy = self._policies.get(name)
        if policy is None:
            return None
        return PolicySnapshot(
            name=name,
            rule=self._rule(policy.approvers),
            quorum=policy.quorum,
            reach=policy.reach,
            also_post=policy.also_post,
            answer_from=policy.answer_from,
            approve_by_email=policy.approve_by_email,
            requester_may_approve=policy.requester_may_approve,
            expires_after_s=policy.expires_after_s,
            execute_within_s=policy.execute_within_s,
        )

    def question(
        self,
        to: Sequence[PersonId],
        reach: tuple[str, ...],
        source: str = "the requester",
        expires_after_s: float = QUESTION_EXPIRES_S,
    ) -> PolicySnapshot:
        """The policy of a question to `to`: any of them may answer, the requester too, in any way that reaches us."""
        return PolicySnapshot(
            name="question",
            rule=Anyone(source=source, people=tuple(to)),
            reach=reach,
            answer_from=("slack", "email", "console", "cli", "api"),
            approve_by_email=False,
            requester_may_approve=True,
            expires_after_s=expires_after_s,
            execute_within_s=expires_after_s,
        )

    def _rule(self, approvers: Approvers | Approver) -> Rule:
        match approvers:
            case str():
                return self._anyone(approvers)
            case AllOfTable():
                return AllOf(of=tuple(self._rule(part) for part in approvers.all_of))
            case AnyOfTable():
                return AnyOf(of=tuple(self._rule(part) for part in approvers.any_of))
            case _:
                return AnyOf(of=tuple(self._rule(part) for part in approvers))

    def _anyone(self, ref: str) -> Anyone:
        kind, _, name = ref.partition(":")
        if kind == "person":
            return Anyone(source=ref, people=(PersonId(name),) if name in self._people else ())
        inside = (PersonId(person) for person, config in self._people.items() if name in config.groups)
        return Anyone(source=ref, people=tuple(inside))
