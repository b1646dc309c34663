"""SIGTERM: finish what is short, detach what is not, and be gone within 4 s."""

import signal
import time

from tests.kill.parts import ToolName
from tests.kill.people import Story
from tests.processes.programs import Program
from tests.processes.stage import Stage
from tests.waiting import wait_until

# The promise is 4 s, since supervisors kill after 5. On a machine that is busy with more than us it may take longer.
LEAVES_WITHIN_S = 8.0
AT_ONCE_S = 1.0


def held(stage: Stage, tool: ToolName, at_most_s: float | None = None) -> Story:
    """A story whose tool is being called, and does not answer, or not before so long."""
    stage.hold(tool, at_most_s)
    story = stage.people.want(tool)
    stage.until_called(story)
    return story


def leaves(worker: Program, number: signal.Signals = signal.SIGTERM) -> float:
    """How many seconds a worker needs to leave."""
    began = time.monotonic()
    worker.signal(number)
    assert worker.ended() == 0
    took_s = time.monotonic() - began
    print(f"left after {took_s:.2f} s")  # noqa: T201
    return took_s


def test_an_idle_worker_leaves_at_once(stage: Stage) -> None:
    worker = stage.start()

    assert leaves(worker) < AT_ONCE_S


def test_a_worker_finishes_a_tool_that_ends_in_time(stage: Stage) -> None:
    worker = stage.start()
    story = held(stage, "careless", at_most_s=1)

    assert leaves(worker) < LEAVES_WITHIN_S
    stage.start("successor")
    stage.until_told(story)

    assert story.problems() == []
    assert (len(story.calls), story.calls_before_unknown) == (1, [])


def test_a_worker_leaves_a_tool_that_does_not_end_and_people_are_asked(stage: Stage) -> None:
    worker = stage.start()
    story = held(stage, "careless")

    assert leaves(worker) < LEAVES_WITHIN_S
    stage.start("successor")
    stage.until_told(story)

    assert story.problems() == []
    assert story.calls_before_unknown == [1]


def test_a_worker_leaves_a_tool_that_honours_its_key_and_it_is_called_again(stage: Stage) -> None:
    worker = stage.start()
    story = held(stage, "honours")

    assert leaves(worker) < LEAVES_WITHIN_S
    stage.start("successor")
    stage.until_told(story)

    assert story.problems() == []
    assert (len(story.calls), story.effects) == (2, 1)


def test_a_worker_leaves_while_redis_is_away(stage: Stage) -> None:
    worker = stage.start()
    story = held(stage, "careless")

    stage.redis.kill()
    assert leaves(worker) < LEAVES_WITHIN_S
    stage.redis.start()
    stage.start("successor")
    stage.until_told(story)

    assert story.problems() == []


def test_a_worker_leaves_while_redis_does_not_answer(stage: Stage) -> None:
    worker = stage.start()
    story = held(stage, "careless")

    stage.redis.freeze()
    assert leaves(worker) < LEAVES_WITHIN_S
    stage.redis.kill()
    stage.redis.start()
    stage.start("successor")
    stage.until_told(story)

    assert story.problems() == []


def test_an_idle_worker_leaves_while_redis_does_not_answer(stage: Stage) -> None:
    worker = stage.start()

    stage.redis.freeze()

    assert leaves(worker) < LEAVES_WITHIN_S


def test_a_worker_that_waits_for_redis_leaves(stage: Stage) -> None:
    stage.redis.kill()
    worker = stage.start(ready=False)
    worker.wait_for("waiting for Redis")

    assert leaves(worker) < LEAVES_WITHIN_S


def test_a_second_ctrl_c_ends_a_worker_without_waiting(stage: Stage) -> None:
    worker = stage.start()
    story = held(stage, "careless")

    def press() -> bool:
        worker.signal(signal.SIGINT)
        return worker.process.poll() is not None

    wait_until(press, AT_ONCE_S, "an end")
    stage.start("successor")
    stage.until_told(story)

    assert story.problems() == []
