"""The verbs that more than one surface has: what each is called, the right that it needs, and where it is sent.

`bot/web/operations.py` says what each does; the API, the forms of the console, the commands and the table of rights in
the tests come from these rows. What one surface has alone is plain code there.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.people.rights import Action


@dataclass(frozen=True, slots=True)
class Operation:
    """A verb: its name in OpenAPI, the right, its path over HTTP, and that of its form in the console, which may lack.

    What `ends_stop` is not sent again when no answer comes: somebody may have stopped the same anew by then.
    """

    id: str
    action: "Action"
    path: str
    form: str = ""
    ends_stop: bool = False


FREEZE = Operation("freeze", "freeze", "/v1/freeze", "/live/freeze")
UNFREEZE = Operation("unfreeze", "freeze", "/v1/unfreeze", "/live/unfreeze", ends_stop=True)

SET_ABSENCE = Operation("setAbsence", "absent", "/v1/absences", "/live/away")
END_ABSENCE = Operation("endAbsence", "absent", "/v1/absences/end", "/live/back")

REQUEUE = Operation("requeueDeadLetter", "dead", "/v1/dead/{some_id}/requeue", "/quarantine/{some_id}/requeue")
DISCARD = Operation("discardHeld", "dead", "/v1/dead/{some_id}/discard", "/quarantine/{some_id}/discard")
CONFIRM = Operation("confirmHeld", "dead", "/v1/dead/{some_id}/confirm", "/quarantine/{some_id}/confirm")

SAME = Operation("samePerson", "same", "/v1/people/same")

PAUSE = Operation("pauseRun", "pause", "/v1/runs/{run_id}/pause", "/runs/{run_id}/pause")
RESUME = Operation("resumeRun", "resume", "/v1/runs/{run_id}/resume", "/runs/{run_id}/resume", ends_stop=True)
CANCEL = Operation("cancelRun", "cancel", "/v1/runs/{run_id}/cancel", "/runs/{run_id}/cancel")

REVOKE = Operation("revokeStanding", "answer", "/v1/standing/{standing_id}/revoke", "/standing/{standing_id}/revoke")

OPERATIONS = (
    *(FREEZE, UNFREEZE, SET_ABSENCE, END_ABSENCE, REQUEUE, DISCARD, CONFIRM, SAME),
    *(PAUSE, RESUME, CANCEL, REVOKE),
)
