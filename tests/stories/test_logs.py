"""What is logged of one run: two lines, and at the level of debug more; each names the run, and the request."""

from collections import Counter
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from tests.kit.world import World

Lines = list[MutableMapping[str, Any]]
# Said of a shard by whoever seals it, whenever that is.
OF_NO_RUN = {"audit head"}


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Whatever is logged from now on, at any level, as a process writes it; read it with `of_runs`."""
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        yield lines


def of_runs(lines: Lines) -> Lines:
    """Those of runs: all but what is said of the audit log."""
    return [line for line in lines if line["event"] not in OF_NO_RUN]


async def ended(world: World) -> tuple[str, str]:
    """A run from its trigger to its end, with a question and an effect, sealed; and its request."""
    run_id = await world.trigger("press it")
    record = await world.opened(run_id)
    await world.decide("bo", record, "approve")
    await world.ended(run_id)
    await world.seal()
    return run_id, record.request.id


async def test_a_run_takes_two_lines_and_with_debug_one_for_each_thing_that_names_run_and_request(
    world: World, lines: Lines
) -> None:
    run_id, request_id = await ended(world)

    answer, end = [line for line in of_runs(lines) if line["log_level"] != "debug"]
    assert (answer["event"], answer["person"], answer["outcome"]) == ("answer", "bo", "decided")
    assert (answer["run_id"], answer["request_id"]) == (run_id, request_id)
    assert (end["event"], end["outcome"], end["steps"], end["run_id"]) == ("run ended", "done", 2, run_id)
    told = Counter(line["event"] for line in of_runs(lines))
    assert told.pop("step") >= 2, "what was thought beside something that came in is thought again"
    assert told == Counter({"run started", "asking", "answer", "tool starts", "tool ended", "run ended"})
    assert {line["run_id"] for line in of_runs(lines)} == {run_id}
    assert {line.get("request_id") for line in lines if line["event"].startswith("tool")} == {request_id}


async def test_a_tool_that_fails_is_no_secret_at_the_usual_level(world: World, lines: Lines) -> None:
    world.workshop.breaks["letter"] = RuntimeError("stuck")
    run_id = await world.trigger("press letter")
    record = await world.opened(run_id)
    await world.decide("bo", record, "approve")
    await world.ended(run_id)

    [failed] = [line for line in lines if line["event"] == "tool ended"]
    assert (failed["log_level"], failed["decision"], failed["run_id"]) == ("warning", "error", run_id)
