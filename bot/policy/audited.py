"""What somebody may have to answer for: the one list of the kinds of audit records, and of the events that leave one.

A new kind joins `Kind`, `bot/web/console/audit.py` (its words) and docs/security.md; a new event joins `OF_EVENTS` too.
"""

from collections.abc import Mapping
from typing import Literal

from agents.events import (
    AnswerHeld,
    AnswerNoted,
    Event,
    PersonSaid,
    RequestDecided,
    RequestFrozen,
    RequestOpened,
    RequestReassigned,
    RequestReminded,
    RequestRevised,
    RequestRevoked,
    RunCancelled,
    RunForked,
    RunPaused,
    RunResumed,
    ToolFinished,
    ToolOrphaned,
    ToolStarted,
    VoteCast,
)

Kind = Literal[
    # Of events: the script that appends one notes it.
    "opened", "revised", "reassigned", "reminded", "request_frozen", "vote", "break_glass", "answer", "quarantined",
    "decided", "revoked", "tool_started", "tool_finished", "tool_orphaned", "forked", "paused", "resumed", "cancelled",
    "said",
    # Outside runs: `AuditLog.note`.
    "frozen", "unfrozen", "absence_set", "absence_ended", "tables_changed", "refused", "key_made", "key_revoked",
    "forgotten", "standing_revoked", "people_same", "people_confirmed",
    # What could not be read when it was to be sealed.
    "unreadable",
]  # fmt: skip

OF_EVENTS: Mapping[type[Event], Kind] = {
    RequestOpened: "opened",
    RequestRevised: "revised",
    RequestReassigned: "reassigned",
    RequestReminded: "reminded",
    RequestFrozen: "request_frozen",
    VoteCast: "vote",
    AnswerNoted: "answer",
    AnswerHeld: "quarantined",
    RequestDecided: "decided",
    RequestRevoked: "revoked",
    ToolStarted: "tool_started",
    ToolFinished: "tool_finished",
    ToolOrphaned: "tool_orphaned",
    PersonSaid: "said",
    RunForked: "forked",
    RunPaused: "paused",
    RunResumed: "resumed",
    RunCancelled: "cancelled",
}
"""The kind of the record that an event leaves; one that is not here leaves none."""


def kind_of(event: Event) -> Kind | None:
    """Return the kind of the record that `event` leaves: a vote that breaks the glass is none of the others."""
    is_broken = isinstance(event, VoteCast) and event.vote.breaks_glass
    return "break_glass" if is_broken else OF_EVENTS.get(type(event))
