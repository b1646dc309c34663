"""The fact that a run goes on from a copied story. It belongs to the union in `agents.events`."""

from collections.abc import Sequence
from typing import Literal, TypeVar

from agents.requests import Happened, PersonId, RunId

E = TypeVar("E")


class RunForked(Happened):
    """All events before this one are history, copied from the first `at_seq` events of `source`.

    What was decided or approved there authorises nothing here. `by` had it copied, and is a requester from now on.
    """

    type: Literal["run_forked"] = "run_forked"
    schema_version: Literal[1] = 1
    how: Literal["fork", "retry", "import"]
    source: RunId
    at_seq: int
    by: PersonId


def own(events: Sequence[E]) -> Sequence[E]:
    """What happened in the run itself: nothing of what was copied into it. Of a run that is no copy, all of it."""
    forks = (place for place in range(len(events), 0, -1) if isinstance(events[place - 1], RunForked))
    return events[next(forks, 0) :]
