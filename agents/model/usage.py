"""What events used of models, as whole numbers to be added up: calls, tokens, dollars, time. Pure."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from agents.events import Event, StepChosen, StepFailed, ThoughtDropped, own
from agents.steps import ModelCall, is_by_model

SECONDS = (1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0)
"""Calls are counted by the first of these that they took no longer than."""
MICRODOLLARS, UNPRICED, MILLISECONDS = "microdollars", "unpriced", "milliseconds"
CALLS, TOKENS, WITHIN = "calls ", "tokens ", "within "
"""What such a name begins with; it goes on with the outcome, the kind of token, the place in `SECONDS`."""


def used(events: Sequence[Event]) -> Counter[str]:
    """Count the calls of models that these events of one commit came from. What was copied was counted at its source.

    The tokens of each kind come once: `input` is what was neither read from a cache nor written into one.
    """
    found = Counter[str]()
    for outcome, call in _calls(own(events)):
        read, written = call.cache_read_tokens, call.cache_write_tokens
        found[f"{CALLS}{outcome}"] += 1
        found[f"{TOKENS}input"] += max(0, call.input_tokens - read - written)
        found[f"{TOKENS}cache_read"] += read
        found[f"{TOKENS}cache_write"] += written
        found[f"{TOKENS}output"] += call.output_tokens
        found[MICRODOLLARS] += round((call.cost_usd or 0.0) * 1_000_000)
        found[UNPRICED] += call.cost_usd is None and call.input_tokens + call.output_tokens > 0
        if call.latency_s:  # else nothing was sent
            found[f"{WITHIN}{bisect_left(SECONDS, call.latency_s)}"] += 1
            found[MILLISECONDS] += round(call.latency_s * 1_000)
    return +found


def _calls(events: Sequence[Event]) -> Iterator[tuple[str, ModelCall]]:
    for event in events:
        match event:
            case StepChosen() if is_by_model(event.call):
                yield "chosen", event.call
            case StepFailed():
                yield event.kind, event.call
            case ThoughtDropped():
                yield "dropped", event.call
            case _:
                pass
