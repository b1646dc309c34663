"""The verbs that more than one surface has: the name of each, the right that it needs, and where it is sent.

A command loads these rows alone; `bot/web/operations.py` says what each takes and does. The API and the forms of the
console are made of both. What one surface has alone, or each in a way of its own, is plain code there.
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
CONFIRM_HELD = Operation("confirmHeld", "dead", "/v1/dead/{some_id}/confirm", "/quarantine/{some_id}/confirm")

SAME = Operation("samePerson", "same", "/v1/people/same")
CONFIRM_PEOPLE = Operation("confirmPeople", "confirm", "/v1/people/confirm")

PAUSE = Operation("pauseRun", "pause", "/v1/runs/{run_id}/pause", "/runs/{run_id}/pause")
RESUME = Operation("resumeRun", "resume", "/v1/runs/{run_id}/resume", "/runs/{run_id}/resume", ends_stop=True)
CANCEL = Operation("cancelRun", "cancel", "/v1/runs/{run_id}/cancel", "/runs/{run_id}/cancel")

REVOKE = Operation("revokeStanding", "answer", "/v1/standing/{standing_id}/revoke", "/standing/{standing_id}/revoke")
