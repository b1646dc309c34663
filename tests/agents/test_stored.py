"""Runs as the release before this one stored them, byte for byte, and what they amount to.

`stored/*.jsonl` holds one run each, one event per line, with at least one of every kind. Never edit them: an event
that changes is upgraded when it is read, and the runs amount to the same.
"""

import json
from pathlib import Path
from typing import get_args

import pytest
from pydantic import JsonValue, TypeAdapter

from agents.events import Event, RequestDecided, RunStarted, read_event, write_event
from agents.run import Run, fold

STORED = Path(__file__).parent / "stored"
FILES = sorted(STORED.glob("*.jsonl"))
AMOUNTS: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


def stored(file: Path) -> list[Event]:
    return [read_event(line) for line in file.read_bytes().splitlines()]


def amounts_to(events: list[Event]) -> JsonValue:
    """The parts of the fold that people and the code go by, as plain data."""
    run = fold(events)
    parts = {
        "state": run.state,
        "began": _began(run.started),
        "pending": _pending(run),
        "open": run.open,
        "decisions": [
            f"{event.request_id} {event.decision.state} by {', '.join(event.decision.by)}"
            for event in events
            if isinstance(event, RequestDecided)
        ],
        "results": [f"{result.kind} by {', '.join(result.by)}: {result.text}" for result in run.results],
        "made": [f"{one.id} {one.state}: {one.text}" for one in run.made],
        "writers": run.writers,
        "advisers": run.advisers,
        "objections": [one.person for one in run.objections],
        "children": [child.run_id for child in run.children],
        "spent": [run.spoken_for.steps, run.spoken_for.tokens, run.spoken_for.cost_usd],
        "forked": run.forked and run.forked.source,
        "ended": run.ended and f"{run.ended.outcome}: {run.ended.summary}",
    }
    return json.loads(json.dumps(parts))


def _began(started: RunStarted | None) -> dict[str, JsonValue] | None:
    if started is None:
        return None
    return {
        "requester": started.requester,
        "channel": started.channel,
        "trigger": started.trigger,
        "outsider": started.outsider and started.outsider.model_dump(),
        "desk": started.desk,
        "submitter": started.submitter,
        "service": started.service,
        "holders": list(started.holders),
        "parent": started.parent and started.parent.run_id,
        "inherits": list(started.inherits),
    }


def _pending(run: Run) -> JsonValue:
    step = run.pending
    return step and [step.step.type, step.gate, step.request and step.request.id, bool(step.decision), step.has_begun]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_stored_run_amounts_to_what_it_did(file: Path) -> None:
    before = AMOUNTS.validate_json((STORED / "amounts.json").read_bytes())

    assert amounts_to(stored(file)) == before[file.stem]


def test_there_is_one_of_every_kind_of_event() -> None:
    kinds = {kind.model_fields["type"].default for kind in get_args(get_args(Event)[0])}

    assert {event.type for file in FILES for event in stored(file)} == kinds


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_read_is_written_so_that_it_reads_the_same(file: Path) -> None:
    events = stored(file)

    assert [read_event(write_event(event)) for event in events] == events
