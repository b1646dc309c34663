"""Handing a request on: to whom somebody's seats may go, why not to others, and which of their seats go. Pure."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal, NamedTuple

from agents.moves import handed_on, seats_in
from agents.requests import Anyone, PersonId, Rule, parts_of
from agents.requests.asked import Asked, HandedOn
from agents.requests.moves import SeatsPassed
from agents.requests.record import RequestRecord
from bot.policy.approvers.steps import can_go_on
from bot.policy.approvers.who import Who, who_of

MOST_HANDED_ON = 3
"""So often one person's seat is handed on: whoever holds it then decides, or nobody does."""

Objection = Literal[
    "not_asked",
    "has_voted",
    "may_have_stopped",
    "may_have_part",
    "self",
    "left",
    "requester",
    "editor",
    "loop",
    "deciding",
    "chain",
    "not_accepted",
    "took_part",
    "too_few",
]
"""Why a request is not handed on: see `objection`. `took_part` is found by whoever knows the run.

`may_have_stopped`: their answer may have been a stop, and they alone can say that it was none. `may_have_part`: nobody
decides in a seat of somebody who may be another one that had a part in it.
"""

Accepts = Callable[[Anyone], Collection[PersonId]]
"""Everybody who may take this seat: whom it names by now, whom the policy escalates to, and its stand-ins."""


class Involved(NamedTuple):
    """The people of a request, who has voted in the step in force, who is still there, and whose answer may have been a
    stop.
    """

    who: Who
    voters: Collection[PersonId]
    here: Collection[PersonId]
    in_doubt: Collection[PersonId] = ()

    def after(self, move: SeatsPassed) -> "Involved":
        """Return the same once the seats of one person are held by another."""
        return self._replace(who=replace(self.who, asked=handed_on(self.who.asked, move)))


def people_involved(record: RequestRecord, here: Collection[PersonId]) -> Involved:
    """Return the people of a request as it counts now; `here` is everyone in the directory."""
    return Involved(who_of(record), record.approved_by, here, record.doubts)


class Absent(NamedTuple):
    """Somebody is away `until` then; `to` is to stand in for them, where they named somebody."""

    until: datetime
    to: PersonId | None = None


def objection(person: PersonId, to: PersonId, involved: Involved, accepts: Accepts) -> Objection | None:
    """Return why `person` may not hand it on to `to`; None if they may.

    Nobody takes part in a request and a seat of it as well, whatever the policy allows those whom it names itself.
    """
    people = involved.who
    may, out, asked = people.approve, people.out, people.asked
    taken = {one for step in asked.other_steps for one in step.by}
    checks: tuple[tuple[Objection, bool], ...] = (
        ("not_asked", person not in may),
        ("has_voted", person in involved.voters),
        ("may_have_stopped", person in involved.in_doubt),
        ("may_have_part", person in people.may_not_give),
        ("self", to == person),
        ("left", to not in involved.here),
        ("requester", to in people.requesters),
        ("editor", to in {*people.editors_out, *people.editors}),
        ("loop", to in people.givers),
        ("deciding", to in may or to in involved.voters or to in taken),
        ("took_part", to in out or to in people.doubles_of(person)),
        ("chain", len(hand_ons_to(asked, person)) >= MOST_HANDED_ON),
        ("not_accepted", not all(to in accepts(seat) for seat in _seats(asked.rule) if person in seat.people)),
    )
    for found, is_so in checks:
        if is_so:
            return found
    after = involved.after(passed(asked, person, to, accepts))
    return None if can_go_on(after.who, after.voters, after.here) else "too_few"


def passed(asked: Asked, person: PersonId, to: PersonId, accepts: Accepts) -> SeatsPassed:
    """Return what has the seats of one person held by another: of other steps those that they may take."""
    rules = [(asked.in_step, asked.rule), *((number, step.rule) for number, step in enumerate(asked.steps))]
    seats = (one for number, rule in rules for one in seats_in(rule, number))
    taken = dict.fromkeys(one for one, seat in seats if person in seat.people and to in accepts(seat))
    return SeatsPassed(out=person, into=to, seats=tuple(taken))


def hand_ons_to(asked: Asked, person: PersonId) -> tuple[HandedOn, ...]:
    """Return the hand-ons by which somebody's seat came to `person`, the first one first."""
    found, holder = list[HandedOn](), person
    for one in reversed(asked.handed_on):
        if one.to == holder:
            found.append(one)
            holder = one.person
    return tuple(reversed(found))


def now_held_by(asked: Asked, person: PersonId) -> PersonId:
    """Return who holds what was somebody's seat by now, or themselves."""
    holder = person
    for one in asked.handed_on:
        holder = one.to if one.person == holder else holder
    return holder


def candidates(involved: Involved, accepts: Accepts, person: PersonId | None = None) -> tuple[PersonId, ...]:
    """Return to whom `person` may hand it on; without one, to whom anybody may who decides it."""
    may, rule = involved.who.approve, involved.who.asked.rule
    givers = [one for one in may if person in {None, one} and one not in involved.voters]
    # Few of a large directory: only of these everything is looked at.
    found = set[PersonId]().union(*(accepts(seat) for seat in _seats(rule) if {*givers} & {*seat.people}))
    able = (one for one in involved.here if one in found and one not in may)
    return tuple(one for one in able if any(objection(giver, one, involved, accepts) is None for giver in givers))


def stood_in_for(absent: Mapping[PersonId, Absent], involved: Involved, accepts: Accepts) -> Iterator[SeatsPassed]:
    """Yield what goes to the stand-ins of those who are away, one after the other; a stand-in may be away as well.

    Whoever is away and has nobody whom the policy accepts stays asked.
    """
    stuck = set[PersonId]()
    while True:
        held = involved.who.approve
        person = next((one for one in held if one in absent and one not in stuck), None)
        if person is None:
            return
        until, to = absent[person]
        if to is None or objection(person, to, involved, accepts):
            stuck.add(person)
            continue
        move = passed(involved.who.asked, person, to, accepts).model_copy(update={"until": until})
        yield move
        involved = involved.after(move)


def _seats(rule: Rule) -> Iterator[Anyone]:
    return (part for part in parts_of(rule) if isinstance(part, Anyone))
