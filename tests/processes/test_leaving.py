"""SIGTERM: finish what is short, detach what is not, and be gone, whatever is under way.

What is held is held for ever unless it is let go: a worker that waits for it is never gone.
"""

import signal

import pytest

from tests.kill.parts import ToolName
from tests.kill.people import Story
from tests.kit.programs import Program
from tests.kit.waiting import wait_until
from tests.processes.stage import Stage

pytestmark = pytest.mark.long


def held(stage: Stage, tool: ToolName) -> tuple[Program, Story]:
    """A worker in a story whose tool does not answer until it is let go."""
    worker = stage.start()
    stage.hold(tool)
    story = stage.people.want(tool)
    stage.until_called(story)
    return worker, story


def goes_on(stage: Stage, story: Story) -> None:
    """A successor ends it well."""
    stage.start("successor")
    stage.until_told(story)
    assert story.problems() == []


def test_a_worker_finishes_a_tool_that_ends_in_time(stage: Stage) -> None:
    worker, story = held(stage, "careless")

    worker.signal(signal.SIGTERM)
    stage.release()
    assert worker.ended() == 0

    goes_on(stage, story)
    assert (len(story.calls), story.calls_before_unknown) == (1, [])


def test_a_worker_leaves_a_tool_that_does_not_end_and_people_are_asked(stage: Stage) -> None:
    worker, story = held(stage, "careless")

    worker.leaves()

    goes_on(stage, story)
    assert story.calls_before_unknown == [1]


def test_a_worker_leaves_a_tool_that_honours_its_key_and_it_is_called_again(stage: Stage) -> None:
    worker, story = held(stage, "honours")

    worker.leaves()

    goes_on(stage, story)
    assert (len(story.calls), story.effects) == (2, 1)


@pytest.mark.parametrize("how", ["is away", "does not answer"])
def test_a_worker_leaves_in_the_middle_of_a_tool_while_redis_is_no_help(stage: Stage, how: str) -> None:
    worker, story = held(stage, "careless")

    stage.redis.kill() if how == "is away" else stage.redis.freeze()
    worker.leaves()
    stage.redis.kill()
    stage.redis.start()

    goes_on(stage, story)


def test_a_worker_that_waits_for_redis_leaves(stage: Stage) -> None:
    stage.redis.kill()

    stage.start(ready=False).wait_for("waiting for Redis").leaves()


def test_a_second_ctrl_c_ends_a_worker_without_waiting(stage: Stage) -> None:
    worker, story = held(stage, "careless")

    def press() -> bool:
        worker.signal(signal.SIGINT)
        return worker.process.poll() is not None

    wait_until(press, what="an end")
    assert worker.process.returncode == 1, "it was the second press, and no leave in order"
    goes_on(stage, story)
