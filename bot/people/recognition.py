"""The human behind an id: who asked under another id by now, and whose id is somebody else's by now."""

from dataclasses import replace

from agents.requests import PersonId, Request
from agents.run import Run
from bot.people.directory import People
from bot.policy.record import RequestRecord


def as_known_now(record: RequestRecord, people: People) -> RequestRecord:
    """Return `record` as it counts now, to judge by; it is not what is written.

    Whoever asked is a requester under another id as well.
    """
    others = [people.known_as(identity) for identity in record.identities.values()]
    joined = (*record.joined, *(one for one in others if one and one not in record.requesters))
    return record.model_copy(update={"joined": joined})


def with_other_ids(run: Run, people: People) -> Run:
    """Return `run`, to open a request by: whoever asked or wrote wrote to it under another id as well."""
    others = [people.known_as(identity) for identity in run.identities.values()]
    new = (one for one in others if one and one not in run.identities)
    return replace(run, writers=tuple(dict.fromkeys((*run.writers, *new))))


def is_stranger(asked: RequestRecord | Request, person: PersonId, people: People) -> bool:
    """Return whether somebody has the id of a requester and is not the human who had it then."""
    return person in asked.identities and not people.is_still(person, asked.identities[person])
