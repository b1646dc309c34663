"""Events to build runs from: plain ones by hand, and hypothesis strategies for any event at all."""

from bot.testing.events import (
    ANNA,
    BO,
    DEPLOY,
    EFFECT,
    MODEL,
    NOON,
    POLICY,
    SEEN,
    chosen,
    decided,
    ended,
    failed,
    finished,
    opened,
    orphaned,
    raised,
    request,
    revoked,
    said,
    started,
    tool_started,
    vote,
)
from tests.agents.stories import any_event

__all__ = [
    "ANNA", "BO", "DEPLOY", "EFFECT", "MODEL", "NOON", "POLICY", "SEEN",
    "any_event", "chosen", "decided", "ended", "failed", "finished", "opened", "orphaned", "raised", "request",
    "revoked", "said", "started", "tool_started", "vote",
]  # fmt: skip
