"""The one directory: who people are, which groups they are in, and what a policy means in terms of people."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

from agents.requests import AllOf, AnyOf, Anyone, PersonId, PolicySnapshot, PolicyStep, Rule, Urgency, parts_of
from agents.requests.record import RequestRecord
from bot.config.directory.policies import AllOfTable, AnyOfTable, Approver, Approvers, PolicyConfig, StepConfig, refs_of
from bot.config.tables import PersonConfig
from bot.errors import NotFound, WaitsForFile
from bot.people.humans import Humans
from bot.people.marks import Mark, hashed, mark_of
from bot.people.tables import Tables, renamed_ref, tables_of
from bot.policy.approvers.delegation import Accepts
from bot.policy.approvers.oncall import Duty, duty, next_duty
from bot.policy.approvers.steps import by_any_of
from bot.policy.approvers.who import who_at_first
from bot.policy.judge import ways_to_approve
from channels import CalledGroup, Contact
from language import Language, say, speaking
from language.lists import both

if TYPE_CHECKING:
    from bot.config.settings import Settings
    from bot.people.slack_groups import GroupReader

_KINDS = ("person:", "group:", "oncall:")
_Seat = Callable[[str, datetime], Anyone]

# What of a policy may be another while people join a request: the glass is for those alone whom it named at first.
_DECIDES_NOTHING = frozenset({"reach", "also_post", "remind_after_s", "quiet_hours", "urgency", "cards", "break_glass"})

# A question that the model asked: long enough for a night's sleep on the other side of the world.
QUESTION_EXPIRES_S = 24 * 3600.0
QUESTION = "question"
"""The name of what stands in for a policy where a question goes to people, which no file has."""


@dataclass(frozen=True, slots=True)
class Group:
    """The people of a group. `strangers` are members elsewhere who are nobody in [people], and do not count.

    `problem` says why nobody is known to be in it, where it can't be read.
    """

    people: tuple[PersonId, ...] = ()
    strangers: tuple[str, ...] = ()
    problem: str = ""


class People:
    """The directory as channels (contacts) and policies (groups) need it; also a `channels.Directory`.

    What it says changes as a whole: `change` puts other tables in place of those it holds, but for a file that is only
    half taken. Members of groups that are kept in Slack are those that `look_up` has read.
    """

    def __init__(
        self, people: Mapping[str, PersonConfig], policies: Mapping[str, PolicyConfig], language: Language = "en"
    ) -> None:
        self._language: Language = language
        self._groups: GroupReader | None = None
        self._humans: Humans = Humans()
        self._ids: Mapping[str, PersonId] = {}
        self._maybe: Mapping[PersonId, tuple[PersonId, ...]] = {}
        self._again: Mapping[PersonId, tuple[PersonId, ...]] = {}
        self._namesakes: frozenset[str] = frozenset()
        self._written: Tables = Tables({}, {})
        self._tables: Tables = self._written
        self._whole: Tables = self._written
        self._half: tuple[str, Tables] | None = None
        self._alerted: tuple[PersonId, ...] = ()
        self._reached: Mapping[str, Contact] = {}
        self.unknown_guards: frozenset[str] = frozenset()
        """Names of what guarded in a file that held as a whole, of a process that started on one half taken."""
        self.joined_as_of: bytes = b""
        """The number in the register of what operators have said that this directory goes by."""
        self.settles_until: float = 0.0
        """By `time.monotonic`, where some of what people wrote is unread who were missing until just now."""
        self.change(Tables(people, policies))

    @classmethod
    def of(cls, settings: "Settings") -> "People":
        """The directory that the settings give. Reads the files of groups; one that can't be read has nobody in it."""
        people = cls({}, {}, settings.language)
        people.change(tables_of(settings))
        return people

    @property
    def tables(self) -> Tables:
        """The tables that hold now, in which everybody has the id that is theirs for ever."""
        return self._tables

    @property
    def as_written(self) -> Tables:
        """The same with the ids of the file."""
        return self._written

    def change(self, written: Tables, humans: Humans | None = None) -> None:
        """Let tables hold from now on, all at once, as they are `written` with the ids of the file.

        `humans` are all who are known, where others know more of them than this directory has seen itself.
        """
        humans = self._humans if humans is None else humans
        marks = {name: mark_of(person) for name, person in written.people.items()}
        who = humans.who_is(marks, names_in(written))
        self._humans = humans.with_those(who.values())
        self._ids = {name: human.id for name, human in who.items()}
        self._written, self._tables = written, written.under(self._ids)
        self._whole, self._half, self._alerted = self._tables, None, ()
        self.unknown_guards = frozenset()
        self._maybe = self._humans.maybe(self._ids.values())
        self._again = self._humans.again()
        counted = Counter(person.name for person in written.people.values())
        self._namesakes = frozenset(name for name, count in counted.items() if count > 1)

    def know(self, humans: Humans) -> None:
        """Go by all who are known by now; the same tables hold, and a file that is half taken stays so."""
        half, alerted, unknown = self._half, self._alerted, self.unknown_guards
        self.change(self._written, humans)
        if half:
            self._take_half(*half)
            self._alerted, self.unknown_guards = alerted, unknown

    def here_by(self, written: Tables) -> frozenset[PersonId]:
        """Return who of those who are known would be here if these tables held."""
        marks = {name: mark_of(person) for name, person in written.people.items()}
        return frozenset(human.id for human in self._humans.who_is(marks).values())

    def take_half(self, written: Tables, digest: str, at: datetime) -> None:
        """Take no more of `written`, the file of this digest, than that whoever is missing there is not here.

        All else stays as it was when a file held as a whole. `change` ends it.
        """
        if not self._half:
            self._alerted = self.members(self._whole.alerts, at)
        self._take_half(digest, written)

    def alert_as_well(self, refs: Iterable[str], at: datetime, heard: Iterable[Contact]) -> bool:
        """Have those of `refs` hear the alerts while a file is half taken, and who `heard` them last and is missing.

        Return whether anybody does then who is here.
        """
        self._reached = {one.id: one for one in heard if not self.is_here(one.id)}
        gone = map(PersonId, self._reached)
        self._alerted = tuple(dict.fromkeys((*self._alerted, *self.members(refs, at), *gone)))
        return any(map(self.is_here, self._alerted))

    def _take_half(self, digest: str, written: Tables) -> None:
        here = self.here_by(written)
        people = {person: config for person, config in self._whole.people.items() if person in here}
        self._tables, self._half = replace(self._whole, people=people), (digest, written)
        self._maybe = self._humans.maybe([PersonId(one) for one in people])

    @property
    def half_taken(self) -> str:
        """The digest of the file that is only half taken; empty where the tables hold as a whole.

        While there is one, nothing is done for good because somebody is not here.
        """
        return self._half[0] if self._half else ""

    @property
    def holds_tools(self) -> bool:
        """Whether no approval begins anything: people may be missing, or have said no while they were."""
        return bool(self._half) or time.monotonic() < self.settles_until

    @property
    def missing(self) -> tuple[PersonId, ...]:
        """Those who were here when a file held as a whole, and are not in one that is half taken."""
        return tuple(PersonId(one) for one in self._whole.people if not self.is_here(one))

    def is_missing(self, person: str) -> bool:
        """Return whether somebody is not here who may only be missing in a file that is half taken."""
        return bool(self._half) and not self.is_here(person)

    def check_not_missing(self, person: str) -> None:
        """Raise WaitsForFile where `is_missing` is so of somebody."""
        if self.is_missing(person):
            raise WaitsForFile(say("error.half-taken"), say("error.half-taken-do"))

    def may_be_missing(self, kind: str, address: str) -> bool:
        """Return whether whom the directory ever knew by an address may only be missing, as `once_had` has it."""
        return any(map(self.is_missing, self.once_had(kind, address)))

    def alerted(self, at: datetime) -> tuple[PersonId, ...]:
        """Return who hears the alerts; also those of them who are missing in a file that is half taken, and whom Slack
        named last in a group of which nobody can say now who is in it.
        """
        refs = self._tables.alerts
        return tuple(dict.fromkeys((*self.members(refs, at), *self._named_last(refs), *self._alerted)))

    def _named_last(self, refs: Iterable[str]) -> tuple[PersonId, ...]:
        tables = [self._tables.groups.get(ref.partition(":")[2]) for ref in self.unknown(refs)]
        named = (self._groups.last(table.slack) for table in tables if table and table.slack and self._groups)
        return _told_apart(chain.from_iterable(named), self._tables.by_slack)[0]

    def contact_to_alert(self, person: str) -> Contact | None:
        """Return the `contact` of a person, also of one who hears alerts and is missing in a file."""
        if person not in self._alerted:
            return self.contact(person)
        return self._contact(person, self._whole) or self._reached.get(person)

    def maybe(self, person: PersonId) -> tuple[PersonId, ...]:
        """Return who else of those who are here may be the human that `person` is or was."""
        return self._maybe.get(person, ())

    def may_be_one(self, one: PersonId, other: PersonId) -> bool:
        """Return whether two people may be one human, also where both have left."""
        return self._humans.may_be_one(one, other)

    @property
    def doubles(self) -> Mapping[PersonId, tuple[PersonId, ...]]:
        """All of these, by the id of whom they may be."""
        return self._maybe

    def refs(self, written: Iterable[str]) -> tuple[str, ...]:
        """Return what names of the file mean that stand outside the tables: `person:cy` is whom the file calls so."""
        return tuple(renamed_ref(ref, self._ids) for ref in written)

    def of_file(self, name: str) -> PersonId:
        """Return whom the file calls `name`; the name itself where it calls nobody so."""
        return self._ids.get(name, PersonId(name))

    def ids_of(self, person: str) -> tuple[PersonId, ...]:
        """Return all ids of whoever `person` is: their own, then those that an operator has said were theirs."""
        known = self._humans.known.get(PersonId(person))
        own = self._humans.by_now(known).id if known else PersonId(person)
        return (own, *self._again.get(own, ()))

    def by_now(self, ids: Iterable[PersonId]) -> tuple[PersonId, ...]:
        """Return who `ids` are by now: an operator may have said of one that it was another's."""
        return tuple(dict.fromkeys(self.ids_of(one)[0] for one in ids))

    def counting_as_new(self, untold: Collection[PersonId]) -> dict[str, tuple[PersonId, ...]]:
        """Return whom the file calls as others that have left, or who is new and may be one of those.

        By what it calls them, with the ids of those, the first one first; `untold` are all who are new and whom nobody
        has looked at so. Not where both have a uid and no address in
        common: then they are two humans.
        """
        found, left_as = dict[str, tuple[PersonId, ...]](), dict[PersonId, list[PersonId]]()
        for one, others in self._maybe.items():
            for person in {*untold}.intersection(others):
                left_as.setdefault(person, []).append(one)
        for name, person in self._ids.items():
            base, _, number = person.rpartition("~")
            earlier = [name, *(f"{name}~{one}" for one in range(2, int(number)))] if base == name else []
            ids = dict.fromkeys((*map(PersonId, earlier), *left_as.get(person, ())))
            known = [self._humans.known[one] for one in ids if one in self._humans.known]
            has_uid = bool(self._humans.known[person].newest.uid)
            gone = (one for one in known if not one.same_as and not self.is_here(one.id))
            if others := tuple(
                one.id for one in gone if not (has_uid and one.newest.uid) or self.may_be_one(person, one.id)
            ):
                found[name] = others
        return found

    def id_in_file(self, person: str) -> str:
        """Return the id that the file gives a person; their own for somebody who has left."""
        return next((name for name, one in self._ids.items() if one == person), person)

    def read_groups_by(self, reader: "GroupReader") -> None:
        """Have `reader` read the groups that are kept in Slack."""
        self._groups = reader

    async def look_up(self, refs: Iterable[str], *, anew: bool = False) -> list[str]:
        """Read the groups among `refs` that are kept in Slack, as `GroupReader.read` does; return those that were read.

        Never raises.
        """
        found = list[str]()
        for ref in refs:
            table = self._tables.groups.get(ref.removeprefix("group:")) if ref.startswith("group:") else None
            if table and table.slack and self._groups and await self._groups.read(table.slack, anew=anew):
                found.append(ref)
        return found

    async def look_up_policy(self, name: str) -> None:
        """`look_up` everybody whom a policy names."""
        if policy := self._tables.policies.get(name):
            await self.look_up(policy.refs)

    def contacts(self) -> tuple[Contact, ...]:
        """Return what channels may know of everyone."""
        return tuple(found for name in self._tables.people if (found := self.contact(name)))

    def contact(self, person: str) -> Contact | None:
        """Return what channels may know of a person."""
        return self._contact(person, self._tables)

    def _contact(self, person: str, tables: Tables) -> Contact | None:
        found = tables.people.get(person)
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

    def is_here(self, person: str) -> bool:
        """Return whether the human that `person` is has not left."""
        return person in self._tables.people

    def by_email(self, address: str) -> Contact | None:
        """The person who has exactly this address; letter case does not count."""
        name = self._tables.by_email.get(address.lower())
        return None if name is None else self.contact(name)

    def once_had(self, kind: str, address: str) -> tuple[PersonId, ...]:
        """Return whom the directory ever knew by an address, of the `kind` `slack` or `email`; also who has left."""
        found = self._humans.once_known_by({(kind, hashed(kind, address))}) if address else ()
        return tuple(dict.fromkeys(self._humans.by_now(one).id for one in found))

    def is_of_another(self, person: PersonId, kind: str, sent_to: str) -> bool:
        """Return whether an address of the `kind` `slack` or `email`, `hashed`, is not that of a `person` who is here,
        and was ever somebody else's, also of one who has another one by now or has left.
        """
        found = self._tables.people.get(person)
        if not sent_to or found is None or (kind, sent_to) in mark_of(found).parts:
            return False
        return any(self._humans.by_now(one).id != person for one in self._humans.once_known_by({(kind, sent_to)}))

    def had_address(self, person: PersonId, kind: str, address: str = "") -> bool:
        """Return whether an `address` was theirs who are here, and is no more; without one, whether they had any and
        have none. The `kind` is `slack` or `email`: of others nothing is known.
        """
        human, found = self._humans.known.get(person), self._tables.people.get(person)
        if human is None or found is None or kind not in Mark.model_fields:
            return False
        had, now = {getattr(mark, kind) for mark in human.marks} - {""}, getattr(mark_of(found), kind)
        if address:
            return hashed(kind, address) in had - {now}
        return bool(had) and not now

    def by_github(self, login: str) -> PersonId | None:
        """The person who has this login at GitHub; letter case does not count."""
        name = self._tables.by_github.get(login.lower())
        return None if name is None else PersonId(name)

    def named(self, person: str) -> PersonId:
        """Return whom a human or a program names: by the id of the file, or the one that is theirs. Raises NotFound.

        One of which nobody could tell whom it means names nobody.
        """
        found, is_here = self._ids.get(person), person in self._tables.people
        if found and is_here and found != person:
            both = ", ".join(sorted((found, self.id_in_file(person))))
            raise NotFound(say("error.two-people", person=repr(person)), say("error.people-are", names=both))
        if found:
            return found
        if not is_here:
            known = ", ".join(sorted(self._written.people)) or say("error.no-people")
            raise NotFound(say("error.no-person", person=repr(person)), say("error.people-are", names=known))
        return PersonId(person)

    def all(self) -> tuple[PersonId, ...]:
        """Everyone, in the order of the file."""
        return tuple(PersonId(name) for name in self._tables.people)

    def name_of(self, person: str) -> str:
        """Return the name that people use for `person`; `Bo Berg (has left)` for somebody who has.

        An id that nobody ever had stays what it is. Who may only be missing in a file has not left, nor has who is here
        under another id.
        """
        own = self.ids_of(person)[0]
        has_left = own in self._humans.known and not (self.is_here(own) or own in self.missing)
        return say("words.has-left", name=self.known_as(own)) if has_left else self.known_as(own)

    def known_as(self, person: str) -> str:
        """Return the name alone that people use for `person`, or used, for where it is said that they have left.

        Behind a name that several people have stands the id that the file gives them.
        """
        found, known = self._tables.people.get(person), self._humans.known.get(PersonId(person))
        if found:
            return f"{found.name} ({self.id_in_file(person)})" if found.name in self._namesakes else found.name
        return known.name or say("words.somebody") if known else person

    def language_of(self, person: str) -> Language:
        """Return the language that `person` reads: that of the installation where they chose none, or are nobody."""
        found = self._tables.people.get(person)
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

    def group(self, name: str) -> Group:
        """Return who is in a group, as far as is known now; nobody where there is no such group."""
        tables = self._tables
        table = tables.groups.get(name)
        if table is None:
            return Group(tuple(PersonId(one) for one, config in tables.people.items() if name in config.groups))
        if table.file:
            file = tables.files[name]
            return Group(*_told_apart(file.addresses, tables.by_email), file.problem)
        if self._groups is None:
            return Group(problem=say("group.no-slack"))
        read = self._groups.known(table.slack or "")
        return Group(*_told_apart(read.members, tables.by_slack), read.problem)

    def wholly_among(self, people: Collection[PersonId], refs: Iterable[str]) -> list[CalledGroup]:
        """Return the user groups of Slack among `refs` in which nobody is but two or more of `people`."""
        found, slack_ids = list[CalledGroup](), {self._slack_id(one) for one in people}
        for ref in dict.fromkeys(refs):
            table = self._tables.groups.get(ref.removeprefix("group:")) if ref.startswith("group:") else None
            if table is None or table.slack is None or self._groups is None:
                continue
            read = self._groups.known(table.slack)
            if len(read.members) > 1 and slack_ids.issuperset(read.members):
                found.append(CalledGroup(id=table.slack, people=self.group(ref.removeprefix("group:")).people))
        return found

    def _slack_id(self, person: PersonId) -> str | None:
        found = self._tables.people.get(person)
        return found.slack if found else None

    def unknown(self, refs: Iterable[str]) -> tuple[str, ...]:
        """Return those of `refs` that are groups of which nobody can say now who is in them."""
        return tuple(ref for ref in refs if ref.startswith("group:") and self.group(ref.partition(":")[2]).problem)

    def duties(self, at: datetime) -> dict[str, tuple[Duty | None, Duty | None]]:
        """Return who is on call `at` this moment, and who is next, by the name of the rotation."""
        return {name: (duty(table, at), next_duty(table, at)) for name, table in self._tables.oncall.items()}

    def members(self, refs: Iterable[str], at: datetime) -> tuple[PersonId, ...]:
        """Everyone that `person:…`, `group:…` and `oncall:…` names mean at a moment, each once."""
        return tuple(dict.fromkeys(person for ref in refs for person in self.seat(ref, at).people))

    def problems(self, policy: str) -> tuple[str, ...]:
        """Why groups of a policy can't be resolved, each with its name; none where all of them can."""
        found = self._tables.policies.get(policy)
        return self.problems_of(found.refs if found else ())

    def problems_of(self, refs: Iterable[str]) -> tuple[str, ...]:
        """Why groups among `refs` can't be resolved, each with its name; none where all of them can."""
        names = [ref.partition(":")[2] for ref in self.unknown(refs)]
        problems = {name: self.group(name).problem for name in names}
        return tuple(say("group.problem", group=name, why=why) for name, why in problems.items())

    def without_anybody(self, policy: str, at: datetime) -> tuple[str, ...]:
        """Return the names in a policy that mean nobody at a moment: an empty group, a rotation that has not begun."""
        found = self._tables.policies.get(policy)
        refs = [ref for _, table in found.rules for ref in refs_of(table.approvers or ())] if found else ()
        return tuple(dict.fromkeys(ref for ref in refs if not self.members([ref], at)))

    def may_ever(self, policy: str, at: datetime) -> frozenset[PersonId]:
        """Return who may come to decide by a policy, with groups as they are `at` this moment, whoever is on call then.

        Nobody, where it is not known who is in a group.
        """
        found = self._tables.policies.get(policy)
        if found is None or self.problems(policy):
            return frozenset()
        # Not those of `break_glass`: whoever decides alone in an emergency decides nothing that lasts.
        named = [ref for _, table in found.rules for ref in (*refs_of(table.approvers or ()), *table.escalate_to)]
        return frozenset(person for ref in (*named, *found.stand_ins) for person in self._reserve(ref, at).people)

    def snapshot(self, name: str, at: datetime, *, ever: bool = False) -> PolicySnapshot | None:
        """A policy as it stands `at` a moment, groups and rotations resolved; None when there is no such policy.

        `ever`: in a seat of a rotation sits everybody who may be on call.
        """
        policy = self._tables.policies.get(name)
        if policy is None:
            return None
        seat = self._reserve if ever else self.seat
        steps = tuple(self._step(step, at, seat) for step in policy.steps)
        first = steps[0] if steps else self._step(policy, at, seat)
        return PolicySnapshot(
            name=name,
            rule=first.rule,
            quorum=first.quorum,
            reach=policy.reach,
            also_post=policy.also_post,
            answer_from=policy.answer_from,
            approve_by_email=policy.approve_by_email,
            requester_may_approve=policy.requester_may_approve,
            expires_after_s=policy.expires_after_s,
            execute_within_s=policy.execute_within_s,
            editor_may_approve=policy.editor_may_approve,
            remind_after_s=policy.remind_after_s,
            escalate_after_s=first.escalate_after_s,
            escalate_to=first.escalate_to,
            quiet_hours=policy.quiet_hours or "",
            urgency=policy.urgency,
            steps=steps,
            stand_ins=tuple(self._reserve(ref, at) for ref in policy.stand_ins),
            break_glass=tuple(self.seat(ref, at) for ref in policy.break_glass),
            cards=policy.cards or self._tables.cards,
        )

    def _step(self, table: PolicyConfig | StepConfig, at: datetime, seat: _Seat) -> PolicyStep:
        return PolicyStep(
            name=table.name if isinstance(table, StepConfig) else "",
            rule=_rule(table.approvers or (), at, seat),
            quorum=table.quorum,
            escalate_after_s=table.escalate_after_s,
            escalate_to=tuple(self._reserve(ref, at) for ref in table.escalate_to),
        )

    def _reserve(self, ref: str, at: datetime) -> Anyone:
        """Return the seat of those who may come to decide: of a rotation, everybody who may be on call by then."""
        kind, _, name = ref.partition(":")
        table = self._tables.oncall.get(name) if kind == "oncall" else None
        if table is None:
            return self.seat(ref, at)
        names = [*table.rotation, *(one.person for one in table.overrides)]
        found = (PersonId(one.removeprefix("person:")) for one in dict.fromkeys(names))
        return Anyone(source=ref, people=tuple(person for person in found if person in self._tables.people))

    def may_join(self, record: RequestRecord, seat: Anyone, at: datetime) -> bool:
        """Return whether people may come to a seat of a request `at` this moment whom its policy did not name as it was
        opened.

        They come to an approval only while the file has the same policy but for people, and that names the seat where
        that of then did, or where it decides sooner. Else somebody of now would decide by what the policy lets people
        do, as neither that of then nor that of now lets them.
        """
        if record.request.purpose != "gate":
            return True
        then, refs = record.request.policy, {*refs_of_seat(seat)}
        if (same := self._same_by_now(then, at)) is None:
            return False
        now = _named_in(same)
        return all(refs <= now[place] for place, named in _named_in(then).items() if refs <= named)

    def _same_by_now(self, policy: PolicySnapshot, at: datetime) -> PolicySnapshot | None:
        """Return the policy as the file has it `at` this moment, if it is the same but for people."""
        now = self.snapshot(policy.name, at)
        return now if now and _but_for_people(now) == _but_for_people(policy) else None

    def on_duty(self, record: RequestRecord, seats: Iterable[Anyone], at: datetime) -> tuple[PersonId, ...]:
        """Return those of whom the policy of a request escalates to who are there `at` this moment, each once.

        Of a rotation, that is whoever is on call then, and may join.
        """
        found = dict[PersonId, None]()
        for seat in seats:
            may_join = self.may_join(record, seat, at)
            there = self.by_now(one for one in self.filled(seat, at).people if may_join or one in seat.people)
            found |= dict.fromkeys(person for person in there if person in self._tables.people)
        return tuple(found)

    def escalates_to(self, record: RequestRecord, at: datetime) -> tuple[PersonId, ...]:
        """Return to whom a request escalates `at` this moment.

        Where they have all left, or their rotation is called otherwise by now, they are those whom the file names now,
        if its policy is the same but for people.
        """
        asked = record.asked
        if there := self.on_duty(record, asked.escalate_to, at):
            return there
        now = self._same_by_now(record.request.policy, at)
        if now is None:
            return ()
        return self.on_duty(record, now.steps[asked.in_step].escalate_to if now.steps else now.escalate_to, at)

    def may_take(self, record: RequestRecord, at: datetime) -> Accepts:
        """Return who may take a seat of a request that is handed on `at` this moment.

        They are those whom the seat names by then, if they may join, those whom the policy escalates to, and its
        stand-ins: nobody who has no way by which an approval counts.
        """
        policy = record.request.policy
        reserve = self.on_duty(record, (*record.asked.escalate_to, *policy.stand_ins), at)

        def accepts(seat: Anyone) -> frozenset[PersonId]:
            named = self.members(refs_of_seat(seat), at) if self.may_join(record, seat, at) else seat.people
            return frozenset(one for one in (*reserve, *named) if self._has_way(one, policy))

        return accepts

    def without_way(self, policy: PolicySnapshot) -> tuple[PersonId, ...]:
        """Return whom `policy` names and who has no way by which an approval counts there."""
        return tuple(one for one in who_at_first(policy, ()).named if not self._has_way(one, policy))

    def _has_way(self, person: PersonId, policy: PolicySnapshot) -> bool:
        """Return whether somebody has a way by which an approval counts: Slack and mail take an address there."""
        found = self._tables.people.get(person)
        addresses = {"slack": found.slack, "email": found.email} if found else {}
        return any(addresses.get(way, way) for way in ways_to_approve(policy))

    def filled(self, seat: Anyone, at: datetime) -> Anyone:
        """Return `seat` with whoever is on call `at` this moment, where it is that of a rotation."""
        return self.seat(seat.source, at) if seat.source.startswith("oncall:") else seat

    def seated_anew(self, seat: Anyone, at: datetime, but: Collection[PersonId]) -> tuple[PersonId, ...]:
        """Return those of `seat` who are here, under whichever id, and those whom its names mean `at` this moment.

        Nobody comes to it who is in `but`.
        """
        stayed = [one for one in seat.people if self.is_here(one)]
        named = (*filter(self.is_here, self.by_now(seat.people)), *self.members(refs_of_seat(seat), at))
        return tuple(dict.fromkeys((*stayed, *(one for one in named if one not in but))))

    def by_operators(self, policy: PolicySnapshot, at: datetime) -> PolicySnapshot:
        """Return `policy` with one of those who hear the alerts to answer, whoever asked or handed it on."""
        operators = Anyone(source="the operators", people=self.members(self._tables.alerts, at))
        more = {"rule": operators, "quorum": 1, "requester_may_approve": True}
        return policy.model_copy(update=more)

    def who_else_knows(self, policy: PolicySnapshot, at: datetime) -> list[PolicySnapshot]:
        """Return `policy` with those who say what became of an effect where nobody is left in it, the nearest first:
        whom the file names now, whoever handed it on, and the operators.
        """
        now = self.snapshot(policy.name, at)
        named = [policy.model_copy(update={"rule": by_any_of(who_at_first(now, ())).rule})] if now else []
        return [*named, self.by_operators(policy, at)]

    def zones(self) -> dict[PersonId, str]:
        """Return everybody's time zone."""
        return {PersonId(name): person.timezone for name, person in self._tables.people.items()}

    def question(
        self,
        to: Sequence[PersonId],
        reach: tuple[str, ...],
        source: str = "the requester",
        expires_after_s: float = QUESTION_EXPIRES_S,
        urgency: Urgency = "medium",
    ) -> PolicySnapshot:
        """The policy of a question to `to`: any of them may answer, the requester too, in any way that reaches us."""
        return PolicySnapshot(
            name=QUESTION,
            rule=Anyone(source=source, people=tuple(to)),
            reach=reach,
            answer_from=("slack", "email", "console", "cli", "api"),
            approve_by_email=False,
            requester_may_approve=True,
            expires_after_s=expires_after_s,
            execute_within_s=expires_after_s,
            urgency=urgency,
            cards=self._tables.cards,
        )

    def seat(self, ref: str, at: datetime) -> Anyone:
        """Return the seat of a rule that `person:…`, `group:…` or `oncall:…` means at a moment."""
        kind, _, name = ref.partition(":")
        on_call = self._on_call(name, at) if kind == "oncall" else None
        if kind == "person":
            found = (PersonId(name),)
        elif kind == "oncall":
            found = (on_call.person,) if on_call else ()
        else:
            found = self.group(name).people if kind == "group" else ()
        there = tuple(person for person in found if person in self._tables.people)
        return Anyone(source=ref, people=there, until=on_call.until if on_call else None)

    def _on_call(self, rotation: str, at: datetime) -> Duty | None:
        table = self._tables.oncall.get(rotation)
        return duty(table, at) if table else None


def _rule(approvers: Approvers | Approver, at: datetime, seat: _Seat) -> Rule:
    match approvers:
        case str():
            return seat(approvers, at)
        case AllOfTable():
            return AllOf(of=tuple(_rule(part, at, seat) for part in approvers.all_of))
        case AnyOfTable():
            return AnyOf(of=tuple(_rule(part, at, seat) for part in approvers.any_of))
        case _:
            return AnyOf(of=tuple(_rule(part, at, seat) for part in approvers))


def names_in(written: Tables) -> dict[str, str]:
    """Return what the file calls people, by its ids."""
    return {name: person.name for name, person in written.people.items()}


def _named_in(policy: PolicySnapshot) -> defaultdict[tuple[int, object], set[str]]:
    """Return the names in each step: of those who decide it, by what its part needs together, then also of those it
    escalates to, then of stand-ins.
    """
    found = defaultdict[tuple[int, object], set[str]](set)
    for number, step in enumerate(policy.steps or (policy,)):
        for part in step.rule.of if isinstance(step.rule, AnyOf) else (step.rule,):
            found[number, _but_for_seats(part)].update(refs_in(part))
        found[number, "later"].update(*map(refs_in, (step.rule, *step.escalate_to)))
        found[number, "for others"].update(found[number, "later"], *map(refs_in, policy.stand_ins))
    return found


def refs_of_seat(seat: Anyone) -> list[str]:
    """Return the `person:…`, `group:…` and `oncall:…` names of a seat; a question's may have several."""
    return [ref for ref in seat.source.split(", ") if ref.startswith(_KINDS)]


def refs_in(rule: Rule) -> list[str]:
    """Return the names of all seats of a rule."""
    return [ref for part in parts_of(rule) if isinstance(part, Anyone) for ref in refs_of_seat(part)]


def _told_apart(members: Iterable[str], by: Mapping[str, str]) -> tuple[tuple[PersonId, ...], tuple[str, ...]]:
    """Return the people of `members`, and those who are nobody we know."""
    everybody = tuple(members)
    people = tuple(PersonId(by[one]) for one in everybody if one in by)
    return people, tuple(one for one in everybody if one not in by)


def _but_for_people(policy: PolicySnapshot | PolicyStep) -> dict[str, object]:
    """Return all that a policy says of who decides and how, whoever they are and however they hear of it."""
    found: dict[str, object] = {name: said for name, said in dict(policy).items() if name not in _DECIDES_NOTHING}
    found |= {"rule": _but_for_seats(policy.rule), "escalate_to": bool(policy.escalate_to)}
    if isinstance(policy, PolicySnapshot):
        found |= {"stand_ins": bool(policy.stand_ins), "steps": [_but_for_people(step) for step in policy.steps]}
    return found


def _but_for_seats(rule: Rule) -> object:
    """Return which of its parts a rule needs together; any one of several seats is no other than one seat."""
    match rule:
        case Anyone():
            return ()
        case AllOf(of=of):
            parts = tuple(map(_but_for_seats, of))
            return parts[0] if len(parts) == 1 else ("all", parts)
        case AnyOf(of=of):
            found = frozenset(map(_but_for_seats, of))
            return next(iter(found)) if len(found) == 1 else ("any", found)
