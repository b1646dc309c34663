"""What a tool gave is kept without secrets, and not more of it than anybody reads."""

from agents import Outcome
from agents.requests import AttemptId
from bot.execution.results import finished
from bot.testing.events import NOON


def test_output_and_error_of_a_tool_are_masked_and_keep_their_head_and_their_tail() -> None:
    text = f"hush {'x' * 100_000} end"

    event, _ = finished(NOON, AttemptId("a1"), Outcome(text, text), lambda told: told.replace("hush", "[redacted]"))

    for kept in (event.output, event.error):
        assert kept.startswith("[redacted] xxx")
        assert kept.endswith("xxx end")
        assert len(kept) < 40_000
