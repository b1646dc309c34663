"""What people who are in the directory can do to a request, as it counts now."""

from collections.abc import Sequence
from datetime import datetime

from agents.requests import Anyone, PersonId
from agents.requests.proof import LinkBy
from agents.requests.record import RequestRecord
from bot.people.directory import People
from bot.people.recognition import as_known_now, is_stranger, may_have_sat
from bot.policy.approvers.who import who_of
from bot.policy.due import waited_for
from bot.policy.judge import needed_later
from bot.policy.judgements import Answer
from bot.policy.offers import Can, Judging, answer_by, can, named


def offers(
    record: RequestRecord,
    people: People,
    me: PersonId | None,
    way: str,
    at: datetime,
    link_by: LinkBy | None = None,
) -> Can:
    """Return what `me` can do through the channel `way`; without one, what anybody can who sees what many see."""
    return offers_of(record, people, meant_by(record, me, way, at, link_by))


def meant_by(
    record: RequestRecord, me: PersonId | None, way: str, at: datetime, link_by: LinkBy | None = None
) -> list[Answer]:
    """Return the answers that `me` might give through the channel `way`; without one, anybody who has a part in it."""
    seen_by = named(record) if me is None else (me,)
    return [answer_by(record, one, way, at, link_by) for one in seen_by]


def offers_of(record: RequestRecord, people: People, meant: Sequence[Answer]) -> Can:
    """Return what one of these answers could do, before it says anything.

    Whoever has left can do nothing, nor who only may be somebody that asked.
    """
    if not meant:
        return Can()
    known, rules = as_known_now(record, people), judging(record, people, meant[0].at)
    here = [one for one in meant if people.contact(one.person) and not is_stranger(record, known, one.person)]
    return can(known, here, rules) if here else Can(why_not=can(known, meant, rules).why_not)


def judging(record: RequestRecord, people: People, at: datetime) -> Judging:
    """Return what the rules must know of the directory `at` this moment."""
    may_take, sat = people.may_take(record, at), may_have_sat(record, people)

    def accepts(seat: Anyone) -> frozenset[PersonId]:
        return frozenset(may_take(seat)).difference(sat)

    return Judging(people.all(), accepts)


def deciders(record: RequestRecord, people: People) -> tuple[PersonId, ...]:
    """Return who may decide by now, in the policy's order: nobody who has left."""
    known = as_known_now(record, people)
    may = who_of(known).approve
    return tuple(one for one in may if people.contact(one))


def approvers_now(record: RequestRecord, people: People) -> tuple[PersonId, ...]:
    """Return those deciders whose approval counts, or has counted, in the step in force: nobody needed for another."""
    later = needed_later(as_known_now(record, people), people.all())
    return tuple(one for one in deciders(record, people) if one not in later)


def waits_for(record: RequestRecord, person: PersonId, people: People) -> bool:
    """Return whether the request waits for the decision of `person`, who may decide it now and has not voted."""
    is_theirs = person in deciders(record, people) and person in waited_for(as_known_now(record, people), people.all())
    return record.state == "open" and is_theirs


def requesters_of(record: RequestRecord, people: People) -> tuple[PersonId, ...]:
    """Return everyone who counts as a requester by now, under whichever id."""
    return as_known_now(record, people).requesters
