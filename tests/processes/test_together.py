"""Several processes on one Redis, which may go away and come back."""

import pytest

from tests.kill.parts import TOOLS
from tests.processes.stage import Stage

RUNS = 30

pytestmark = pytest.mark.long


def test_two_workers_share_the_work_and_execute_each_run_once(stage: Stage) -> None:
    first, second = stage.start("first", "works"), stage.start("second", "works")
    stage.start("receiver", "receives")

    stories = [stage.people.want(TOOLS[number % len(TOOLS)]) for number in range(RUNS)]
    stage.until_told(*stories)

    assert [story.problems() for story in stories] == [[]] * RUNS
    assert [len(story.calls) for story in stories] == [1] * RUNS
    executed = [worker.said().count('"event":"tool starts"') for worker in (first, second)]
    assert sum(executed) == RUNS
    assert min(executed) > 0


def test_two_workers_that_hear_the_same_message_start_one_run(stage: Stage) -> None:
    stage.start("first")
    stage.start("second")

    stage.people.doubled = 1
    stories = [stage.people.want(TOOLS[number % len(TOOLS)]) for number in range(RUNS)]
    stage.until_told(*stories)

    assert stage.people.duplicates >= 2 * RUNS
    assert [story.problems() for story in stories] == [[]] * RUNS
    assert [len(story.calls) for story in stories] == [1] * RUNS


def test_a_tool_that_takes_longer_than_its_lease_is_left_to_its_owner(stage: Stage) -> None:
    for name in ("first", "second", "third"):
        stage.start(name)
    stage.hold("careless", at_most_s=3)

    story = stage.people.want("careless")
    stage.until_told(story)

    assert story.problems() == []
    assert (len(story.calls), story.calls_before_unknown) == (1, [])


def test_a_worker_that_starts_while_redis_is_away_waits_for_it(stage: Stage) -> None:
    stage.redis.kill()
    worker = stage.start(ready=False)
    worker.wait_for("waiting for Redis")

    stage.redis.start()
    worker.wait_for()
    story = stage.people.want("careless")
    stage.until_told(story)

    assert story.problems() == []


def test_a_result_that_redis_was_away_for_is_kept_until_it_is_back(stage: Stage) -> None:
    worker = stage.start()
    stage.hold("careless")
    story = stage.people.want("careless")
    stage.until_called(story)

    stage.redis.kill()
    stage.release()
    worker.wait_for('"event":"tool ended"')
    stage.redis.start()
    stage.until_told(story)

    assert story.effects == 1
    assert len(story.calls) == 1
    assert story.is_decided_before_it_is_done()


def test_messages_that_come_while_redis_is_away_are_taken_when_it_is_back(stage: Stage) -> None:
    stage.start()
    stage.redis.kill()

    story = stage.people.want("honours")
    stage.redis.start()
    stage.until_told(story)

    assert story.problems() == []


def test_a_line_to_redis_that_goes_dead_holds_a_worker_up_for_seconds_only(stage: Stage) -> None:
    proxy = stage.proxy()
    stage.start(through=proxy)
    proxy.ask(do="arm", name="commit request_opened", nth=1, when="before", act="hold")

    story = stage.people.want("careless")
    stage.until_told(story)

    assert story.problems() == []
