"""Words for the ends of steps, in the language that is spoken. Pure."""

from agents.run import Result
from language import say

_ENDS = {
    "ok": "agent.end-ok",
    "error": "agent.end-error",
    "answered": "agent.end-answered",
    "denied": "agent.end-denied",
    "revoked": "agent.end-revoked",
    "expired": "agent.end-expired",
    "withdrawn": "agent.end-withdrawn",
    "refused": "agent.end-refused",
}
_CHILD_ENDS = {"failed": "agent.child-failed", "cancelled": "agent.child-cancelled"}


def end_of(result: Result) -> str:
    """Return in one word how a step ended: `denied`."""
    return say(_ENDS[result.kind])


def how(result: Result) -> str:
    """Return how a step ended, and why where that is known: `denied: not on Friday`."""
    return f"{end_of(result)}: {result.text}" if result.text else end_of(result)


def how_child(state: str, summary: str) -> str:
    """Return how a child run ended that did not do what was wished: `failed: exit code 3`."""
    return say(_CHILD_ENDS[state], summary=summary) if state in _CHILD_ENDS else f"{state}: {summary}"
