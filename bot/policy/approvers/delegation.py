"""Handing a request on: to whom somebody's seats may go, why not to others, and which of their seats go. Pure."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from agents.moves import handed_on, seats_in
from agents.requests import Anyone, HandedOn, PersonId, PolicySnapshot, Rule, parts_of
from agents.requests.moves import SeatsPassed
from agents.requests.record import RequestRecord
from bot.policy.approvers.quorum import doubles_of
from bot.policy.approvers.steps import can_go_on
from bot.policy.approvers.who import who

MOST_HANDED_ON = 3
"""So often one person's seat is handed on: whoever holds it then decides, or nobody does."""

Objection = Literal[
    "not_asked",
    "has_voted",
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
"""Why a request is not handed on: see `objection`. `took_part` is found by whoever knows the run."""

Accepts = Callable[[Anyone], Collection[PersonId]]
"""Everybody who may take this seat: whom it names by now, whom the policy escalates to, and its stand-ins."""


class Involved(NamedTuple):
    """The people of a request: who asked, who has voted in the step in force, who is still there, and who ever chose
    a value that stands.
    """

    requesters: Collection[PersonId]
    voters: Collection[PersonId]
    here: Collection[PersonId]
    editors: Collection[PersonId] = ()


def people_involved(record: RequestRecord, here: Collection[PersonId]) -> Involved:
    """Return the people of a request as it counts now; `here` is everyone in the directory."""
    return Involved(record.requesters, record.approved_by, here, record.request.editors)


class Absent(NamedTuple):
    """Somebody is away `until` then; `to` is to stand in for them, where they named somebody."""

    until: datetime
    to: PersonId | None = None


def objection(
    policy: PolicySnapshot, person: PersonId, to: PersonId, involved: Involved, accepts: Accepts
) -> Objection | None:
    """Return why `person` may not hand it on to `to`; None if they may.

    Nobody takes part in a request and a seat of it as well, whatever the policy allows those whom it names itself.
    """
    people = who(policy, involved.requesters)
    may, out = people.approve, people.out
    taken = {one for step in policy.other_steps for one in step.by}
    checks: tuple[tuple[Objection, bool], ...] = (
        ("not_asked", person not in may),
        ("has_voted", person in involved.voters),
        ("self", to == person),
        ("left", to not in involved.here),
        ("requester", to in involved.requesters),
        ("editor", to in {*policy.editors, *involved.editors}),
        ("loop", to in policy.givers),
        ("deciding", to in may or to in involved.voters or to in taken),
        ("took_part", to in out or to in doubles_of(policy, person)),
        ("chain", len(hand_ons_to(policy, person)) >= MOST_HANDED_ON),
        ("not_accepted", not all(to in accepts(seat) for seat in _seats(policy.rule) if person in seat.people)),
    )
    for found, is_so in checks:
        if is_so:
            return found
    after = handed_on(policy, passed(policy, person, to, accepts))
    return None if can_go_on(after, involved.requesters, involved.voters, involved.here) else "too_few"


def passed(policy: PolicySnapshot, person: PersonId, to: PersonId, accepts: Accepts) -> SeatsPassed:
    """Return what has the seats of one person held by another: of other steps those that they may take."""
    rules = [(policy.in_step, policy.rule), *((number, step.rule) for number, step in enumerate(policy.steps))]
    seats = (one for number, rule in rules for one in seats_in(rule, number))
    taken = dict.fromkeys(one for one, seat in seats if person in seat.people and to in accepts(seat))
    return SeatsPassed(out=person, into=to, seats=tuple(taken))


def hand_ons_to(policy: PolicySnapshot, person: PersonId) -> tuple[HandedOn, ...]:
    """Return the hand-ons by which somebody's seat came to `person`, the first one first."""
    found, holder = list[HandedOn](), person
    for one in reversed(policy.handed_on):
        if one.to == holder:
            found.append(one)
            holder = one.person
    return tuple(reversed(found))


def candidates(
    policy: PolicySnapshot, involved: Involved, accepts: Accepts, person: PersonId | None = None
) -> tuple[PersonId, ...]:
    """Return to whom `person` may hand it on; without one, to whom anybody may who decides it."""
    may = who(policy, involved.requesters).approve
    givers = [one for one in may if person in {None, one} and one not in involved.voters]
    # Few of a large directory: only of these everything is looked at.
    found = set[PersonId]().union(*(accepts(seat) for seat in _seats(policy.rule) if {*givers} & {*seat.people}))
    able = (one for one in involved.here if one in found and one not in may)
    return tuple(one for one in able if any(_may(policy, giver, one, involved, accepts) for giver in givers))


def _may(policy: PolicySnapshot, person: PersonId, to: PersonId, involved: Involved, accepts: Accepts) -> bool:
    return objection(policy, person, to, involved, accepts) is None


def stood_in_for(
    policy: PolicySnapshot, absent: Mapping[PersonId, Absent], involved: Involved, accepts: Accepts
) -> Iterator[SeatsPassed]:
    """Yield what goes to the stand-ins of those who are away, one after the other; a stand-in may be away as well.

    Whoever is away and has nobody whom the policy accepts stays asked.
    """
    stuck = set[PersonId]()
    while True:
        held = who(policy, involved.requesters).approve
        person = next((one for one in held if one in absent and one not in stuck), None)
        if person is None:
            return
        until, to = absent[person]
        if to is None or objection(policy, person, to, involved, accepts):
            stuck.add(person)
            continue
        move = passed(policy, person, to, accepts).model_copy(update={"until": until})
        yield move
        policy = handed_on(policy, move)


def reserve_of(policy: PolicySnapshot) -> Iterable[Anyone]:
    """Return the seats of those whom the policy accepts in any seat: to whom it escalates, and the stand-ins."""
    return (*policy.escalate_to, *policy.stand_ins)


def _seats(rule: Rule) -> Iterator[Anyone]:
    return (part for part in parts_of(rule) if isinstance(part, Anyone))
