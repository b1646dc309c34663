"""The human behind an id: who asked under another id by now, and whose id is somebody else's by now."""

from collections.abc import Collection
from dataclasses import replace

from agents.requests import PersonId, PolicySnapshot, Request, Vote
from agents.run import Run
from bot.people.directory import People
from bot.policy.record import RequestRecord


def as_known_now(record: RequestRecord, people: People) -> RequestRecord:
    """Return `record` as it counts now, to judge by; it is not what is written.

    Whoever asked is a requester under another id as well. A void vote counts for nobody, in whatever step.
    """
    others = [people.known_as(identity) for identity in record.identities.values()]
    joined = (*record.joined, *(one for one in others if one and one not in record.requesters))
    known = record.model_copy(update={"joined": joined})
    void = void_votes(record, people)
    if not void:
        return known
    policy = _without_approvals(record.request.policy, void_voters(record, people))
    votes = tuple(vote for vote in record.votes if vote not in void)
    return known.model_copy(update={"votes": votes, "request": record.request.under(policy)})


def void_votes(record: RequestRecord, people: People) -> tuple[Vote, ...]:
    """Return the votes that count no more: their id is there, and it is somebody else's, or has another address.

    The two can't be told apart. A vote of before, without a mark, goes by its id alone; whoever has left is judged by
    not being there.
    """
    there = (vote for vote in record.votes if people.contact(vote.person))
    return tuple(vote for vote in there if not people.is_still(vote.person, vote.identity))


def void_voters(record: RequestRecord, people: People) -> frozenset[PersonId]:
    """Return the ids all of whose votes are void."""
    void = void_votes(record, people)
    return frozenset(vote.person for vote in void) - {vote.person for vote in record.votes if vote not in void}


def _without_approvals(policy: PolicySnapshot, people: Collection[PersonId]) -> PolicySnapshot:
    """Return `policy` with no step that these people have met."""
    steps = (
        step.model_copy(update={"by": tuple(one for one in step.by if one not in people)}) for step in policy.steps
    )
    return policy.model_copy(update={"steps": tuple(steps)})


def with_other_ids(run: Run, people: People) -> Run:
    """Return `run`, to open a request by: whoever asked or wrote wrote to it under another id as well."""
    others = [people.known_as(identity) for identity in run.identities.values()]
    new = (one for one in others if one and one not in run.identities)
    return replace(run, writers=tuple(dict.fromkeys((*run.writers, *new))))


def is_stranger(asked: RequestRecord | Request, person: PersonId, people: People) -> bool:
    """Return whether somebody has the id of a requester and is not the human who had it then."""
    return person in asked.identities and not people.is_still(person, asked.identities[person])
