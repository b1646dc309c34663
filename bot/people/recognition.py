"""The human behind an id: who else is here, may be them, and so may not do what they may not."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from itertools import chain

from agents.moves import without
from agents.requests import (
    Author,
    Origin,
    PersonId,
    Vote,
)
from agents.requests.asked import Asked, AskedStep
from agents.requests.origin import as_of_person
from agents.requests.record import RequestRecord
from agents.run import Run
from bot.people.directory import People
from bot.policy.approvers.delegation import hand_ons_to
from bot.policy.approvers.who import Who, who_of

Maybe = Callable[[PersonId], tuple[PersonId, ...]]
"""Who else is here now and may be the human behind an id."""


def as_known_now(record: RequestRecord, people: People) -> RequestRecord:
    """Return `record` as it counts now, to judge by; it is not what is written.

    Seats and votes need nothing: an id means one human for ever, and who is not surely that one has another. But what
    somebody may not do, nobody may who may be them: whoever asked or set it off, changed an argument, handed it on,
    broke the glass, or has a vote that counts. Of several who have voted and may be one human, the first vote counts.
    Whoever an operator says has asked, or answered, under another id takes it back as before, and denies what they
    could deny under that one.
    """
    request, asked, maybe = record.request, record.asked, people.maybe
    who = who_of(record)
    sat_out = _may_have_sat(record, who, people)
    changed = _others(chain.from_iterable(request.edits.values()), maybe)
    surely = [one for one in record.requesters if not record.only_may_be(one)]
    may_be = (*_others((*surely, *request.behind), maybe), *_set_off(request.origin, people))
    took = {people.ids_of(one)[0]: request.parts.get(one, "asked") for one in surely if one in request.requesters}
    again = {one: part for one, part in took.items() if one not in request.requesters}
    may_be = tuple(one for one in dict.fromkeys(may_be) if one not in {*record.requesters, *again})
    joined = tuple(one for one in people.by_now(record.askers) if one not in record.requesters)
    doubles = doubles_in(who, people)
    took_part = (*record.requesters, *request.behind, *request.editors)
    may_not_give = tuple(dict.fromkeys(chain.from_iterable(map(maybe, took_part))))
    could_deny = dict.fromkeys((*who.seated_ever, *who.denied_before))
    deny_again = tuple(one for one in people.by_now(could_deny) if one not in could_deny)
    doubts = {people.ids_of(one)[0]: cards for one, cards in record.doubts.items()}
    is_new = doubts != record.doubts
    if not (may_be or again or joined or changed or sat_out or doubles or may_not_give or deny_again or is_new):
        return record
    known = asked.edited_by(_both(request.editors, maybe), request.policy).model_copy(
        update={
            **_without(asked, sat_out),
            "steps": tuple(step.model_copy(update=_without(step, sat_out)) for step in asked.steps),
            "handed_on": tuple(
                one.model_copy(update={"person": _now(one.person, people), "to": _now(one.to, people)})
                for one in asked.handed_on
            ),
            "may_deny": (*asked.may_deny, *sorted({*who.seated_ever}.intersection(sat_out)), *deny_again),
        }
    )
    parts = {**request.parts, **dict.fromkeys(may_be, "maybe"), **again}
    request = request.model_copy(update={"parts": parts, "requesters": (*request.requesters, *again)})
    then = {"may_be": may_be, "doubles": doubles, "may_not_break": (*sat_out, *changed), "may_not_give": may_not_give}
    then |= {"joined": (*record.joined, *joined), "doubts": doubts}
    return record.model_copy(update={"request": request, "asked": known, **then})


def as_told_now(record: RequestRecord, people: People) -> RequestRecord:
    """Return `record` as it counts now, to say by it who may do what: nobody is said to have done what another did.

    Whoever only may be somebody that handed it on has not.
    """
    known = as_known_now(record, people)
    asked = known.asked.model_copy(update={"handed_on": record.asked.handed_on})
    return known.model_copy(update={"asked": asked})


def doubles_in(who: Who, people: People) -> tuple[tuple[PersonId, PersonId], ...]:
    """Return the pairs of those who are named, or may have a seat, that may be one human."""
    if not people.doubles:
        return ()
    named = dict.fromkeys((*who.named, *who.stand_ins, *who.givers))
    pairs = dict.fromkeys((min(one, other), max(one, other)) for one in named for other in people.maybe(one))
    return tuple(pairs)


def whose_votes_count(record: RequestRecord, people: People) -> tuple[PersonId, ...]:
    """Return those who are here and whose approval of `record`, or whose breaking of its glass, counts as known now."""
    known = as_known_now(record, people)
    if known.decision and known.decision.broke_glass:
        return tuple(filter(people.is_here, who_of(known).glass))
    out = {*who_of(known).out, *may_have_sat(record, people)}
    return tuple(one for one in people.all() if one not in out)


def is_stranger(record: RequestRecord, known: RequestRecord, person: PersonId) -> bool:
    """Return whether somebody only may be a requester of `record`, as it is `known` now: that lets them do nothing.

    Whoever may decide, deny or take back what they did may still end it.
    """
    may_end = {*who_of(record).seated_ever, *who_of(known).denied_before, *known.joined}
    return person in known.may_be and person not in may_end


def void_votes(record: RequestRecord, people: People) -> tuple[Vote, ...]:
    """Return the votes that count no more, as whoever gave them has left."""
    return tuple(vote for vote in record.votes if not people.is_here(vote.person))


def with_other_ids(run: Run, people: People) -> Run:
    """Return `run`, to say by it who may not decide: whoever may be somebody that had a part in it had it as well."""
    maybe = people.maybe
    begun = (run.started.requester, *_begun(run)) if run.started else ()
    wrote = (*begun, *run.writers, *(one.person for one in run.read_by if one.asks))
    set_off = _set_off(run.started.origin, people) if run.started else ()
    joined = tuple(one for one in dict.fromkeys((*_others(wrote, maybe), *set_off)) if one not in wrote)
    besides = [other for one in run.edits for other in _besides(one.editor, people)]
    read = dict.fromkeys(one.person for one in run.read_by)
    beside = [one.model_copy(update={"person": other}) for one in run.read_by for other in maybe(one.person)]
    beside += [Author(person=other, part="answered") for other in besides]
    return replace(
        run,
        writers=(*run.writers, *joined),
        others=frozenset((*joined, *(one.person for one in beside))).difference(wrote, read),
        read_by=(*run.read_by, *beside),
        edits=tuple(replace(one, editor=_now(one.editor, people)) for one in run.edits),
    )


def _begun(run: Run) -> Iterable[PersonId]:
    begun = run.started
    return (*filter(None, [begun.submitter]), *begun.holders, *begun.inherits) if begun else ()


def _set_off(origin: Origin, people: People) -> tuple[PersonId, ...]:
    """Return who has by now a login or the address of those that set a run off, and who may be them."""
    by = as_of_person(origin)
    wrote = (*people.once_had("email", by.address), *people.once_had("slack", by.address))
    return _both((*filter(None, map(people.by_github, by.logins)), *wrote), people.maybe)


def may_have_sat(record: RequestRecord, people: People) -> tuple[PersonId, ...]:
    """Return who may be somebody that has had a seat: one human fills one, and has none after they handed it on.

    Nor has anybody one who had it of somebody that is, or may be, one of those whom it is kept from.
    """
    return _may_have_sat(record, who_of(record), people)


def _may_have_sat(record: RequestRecord, who: Who, people: People) -> tuple[PersonId, ...]:
    voted = (*record.asked.filled, *(vote.person for vote in record.votes))
    asked = replace(who, requesters=(*who.requesters, *_set_off(record.request.origin, people)))
    out = dict.fromkeys((*chain.from_iterable(map(people.maybe, who.givers)), *_had_of_barred(asked, people)))
    for one in dict.fromkeys((*who.broke, *filter(people.is_here, voted))):
        out |= {} if one in out else dict.fromkeys(people.maybe(one))
    return tuple(out)


def _had_of_barred(who: Who, people: People) -> list[PersonId]:
    """Return who has a seat from somebody that would not decide in it, or may be whoever asked, changed it, or handed
    on another seat before.
    """
    given_on, found = who.asked.handed_on, list[PersonId]()
    took_part = {*who.requesters, *who.behind, *who.editors}
    for number, given in enumerate(given_on):
        own = {one.person for one in hand_ons_to(who.asked, given.person)}
        before = {one.person for one in given_on[:number]} - own
        is_barred = given.person in {*found, *who.barred}
        if is_barred or any(people.may_be_one(given.person, one) for one in took_part | before):
            found.append(given.to)
    return found


def _others(people: Iterable[PersonId], maybe: Maybe) -> tuple[PersonId, ...]:
    """Return who may be one of `people` and is none of them."""
    named = tuple(people)
    return tuple(dict.fromkeys(other for one in named for other in maybe(one) if other not in named))


def _both(people: tuple[PersonId, ...], maybe: Maybe) -> tuple[PersonId, ...]:
    return (*people, *_others(people, maybe))


def _now(person: PersonId, people: People) -> PersonId:
    """Return who is here in place of `person`; the same where they are, nobody may be, or several may."""
    others = people.maybe(person)
    return others[0] if len(others) == 1 and not people.is_here(person) else person


def _besides(person: PersonId, people: People) -> tuple[PersonId, ...]:
    """Return who may be `person` where nobody could say which of several is: none of them decides."""
    others = people.maybe(person)
    return others if len(others) > 1 or people.is_here(person) else ()


def _without(held: Asked | AskedStep, people: Collection[PersonId]) -> dict[str, object]:
    """Return how that names, and escalates to, nobody of `people`."""
    return {
        "rule": without(held.rule, people),
        "escalate_to": tuple(without(seat, people) for seat in held.escalate_to),
    }
