"""SIGTERM: finish what is short, detach what is not, and be gone, whatever is under way.

What is held is held for ever unless it is let go: a worker that waits for it is never gone.
"""

import signal

import pytest

from tests.kill.parts import ToolName
from tests.kill.people import Story
from tests.kit.waiting import wait_until
from tests.processes.programs import Program
from tests.processes.stage import Stage

# The promise is 4 s, since supervisors kill after 5; a busy machine is not a failure.


def held(stage: Stage, tool: ToolName) -> Story:
    """A story whose tool is being called, and does not answer until it is let go."""
    stage.hold(tool)
    story = stage.people.want(tool)
    stage.until_called(story)
    return story


def leaves(worker: Program) -> None:
    """The worker leaves in order, in its own time: a busy machine is not a failure."""
    worker.signal(signal.SIGTERM)
    assert worker.ended() == 0


@pytest.mark.long
def test_an_idle_worker_leaves(stage: Stage) -> None:
    worker = stage.start()

    leaves(worker)


@pytest.mark.long
def test_a_worker_finishes_a_tool_that_ends_in_time(stage: Stage) -> None:
    worker = stage.start()
    story = held(stage, "careless")

    worker.signal(signal.SIGTERM)
    stage.release()
    assert worker.ended() == 0
    stage.start("successor")
    stage.until_told(story)

    assert story.problems() == []
    assert (len(story.calls), story.calls_before_unknown) == (1, [])


@pytest.mark.long
def test_a_worker_leaves_a_tool_that_does_not_end_and_people_are_asked(stage: Stage) -> None:
    worker = stage.start()
    story = held(stage, "careless")

    leaves(worker)
    stage.start("successor")
    stage.until_told(story)

    assert story.problems() == []
    assert story.calls_before_unknown == [1]


@pytest.mark.long
def test_a_worker_leaves_a_tool_that_honours_its_key_and_it_is_called_again(stage: Stage) -> None:
    worker = stage.start()
    story = held(stage, "honours")

    leaves(worker)
    stage.start("successor")
    stage.until_told(story)

    assert story.problems() == []
    assert (len(story.calls), story.effects) == (2, 1)


@pytest.mark.long
def test_a_worker_leaves_while_redis_is_away(stage: Stage) -> None:
    worker = stage.start()
    story = held(stage, "careless")

    stage.redis.kill()
    leaves(worker)
    stage.redis.start()
    stage.start("successor")
    stage.until_told(story)

    assert story.problems() == []


@pytest.mark.long
def test_a_worker_leaves_while_redis_does_not_answer(stage: Stage) -> None:
    worker = stage.start()
    story = held(stage, "careless")

    stage.redis.freeze()
    leaves(worker)
    stage.redis.kill()
    stage.redis.start()
    stage.start("successor")
    stage.until_told(story)

    assert story.problems() == []


@pytest.mark.long
def test_an_idle_worker_leaves_while_redis_does_not_answer(stage: Stage) -> None:
    worker = stage.start()

    stage.redis.freeze()

    leaves(worker)


@pytest.mark.long
def test_a_worker_that_waits_for_redis_leaves(stage: Stage) -> None:
    stage.redis.kill()
    worker = stage.start(ready=False)
    worker.wait_for("waiting for Redis")

    leaves(worker)


@pytest.mark.long
def test_a_second_ctrl_c_ends_a_worker_without_waiting(stage: Stage) -> None:
    worker = stage.start()
    story = held(stage, "careless")

    def press() -> bool:
        worker.signal(signal.SIGINT)
        return worker.process.poll() is not None

    wait_until(press, what="an end")
    assert worker.process.returncode == 1, "it was the second press, and no leave in order"
    stage.start("successor")
    stage.until_told(story)

    assert story.problems() == []
