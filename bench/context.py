"""Prints tokens of runs in our format and as messages, and how long rendering takes."""

import json
import time
from collections.abc import Sequence

from agents.context import BUDGET_TOKENS, build
from agents.context.tokens import tokens_in
from agents.events import Event, write_event
from agents.run import fold
from agents.text import ends_of
from bench.messages import Message, messages_of
from bench.stories import messages_only, story
from bench.table import show

SIZES, _LONG, _MESSAGES = (10, 50, 200), 10_000, 9_900
_ROUNDS = 5
HEAD = ("events", "steps", "ours, no budget", f"ours, {BUDGET_TOKENS:,}", "messages", "messages, results cut as ours")
# As much of a result as our own format shows.
_HEAD_CHARS, _TAIL_CHARS = 1_500, 2_500


def main() -> None:
    """Print both tables."""
    show("Tokens of a run", HEAD, [row(size) for size in SIZES])
    runs = {f"{size:,}": story(size) for size in (*SIZES, _LONG)}
    runs[f"{_MESSAGES:,} long messages"] = messages_only(_MESSAGES)
    rows = [(name, f"{_megabytes(events):.2f}", f"{_ms(events):.3g}") for name, events in runs.items()]
    show(f"Rendering within {BUDGET_TOKENS:,} tokens, best of {_ROUNDS}", ("events", "MB", "ms"), rows)


def row(size: int) -> tuple[str, ...]:
    """The tokens of a run of so many events, as in `HEAD`."""
    events = story(size)
    run = fold(events)
    ours = [build(run, events, budget).tokens for budget in (10**9, BUDGET_TOKENS)]
    whole, cut = messages_of(events), messages_of(events, lambda text: ends_of(text, _HEAD_CHARS, _TAIL_CHARS))
    return (str(size), str(run.steps), *(f"{tokens:,}" for tokens in (*ours, _count(whole), _count(cut))))


def _count(messages: Sequence[Message]) -> int:
    return tokens_in(json.dumps(messages, ensure_ascii=False, separators=(",", ":")))


def _megabytes(events: Sequence[Event]) -> float:
    return sum(len(write_event(event)) for event in events) / 1e6


def _ms(events: Sequence[Event]) -> float:
    run, best = fold(events), float("inf")
    for _ in range(_ROUNDS):
        began = time.process_time()
        build(run, events)
        best = min(best, time.process_time() - began)
    return 1000 * best


if __name__ == "__main__":
    main()
