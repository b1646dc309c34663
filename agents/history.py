"""The fact that a run goes on from a copied story. It belongs to the union in `agents.events`."""

from typing import Literal

from agents.requests import Happened, PersonId, RunId


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
