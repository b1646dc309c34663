"""A worker dies by kill -9 at each named point of the path and is started again: nothing is lost, nothing done twice.

Three tools are called behind a gate, and an outside process counts: `honours` promises to honour its key, `careless`
gets a key and declares that it does not, `keyless` never sees one. People answer what they are asked; whether an
interrupted effect happened they find out from the outside process. Each test is one story, told in a lane of its own
(`lane.py`) beside the others.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.kill.lane import SETTINGS, Point
from tests.kill.lanes import Case, Lanes
from tests.kill.parts import TOOLS
from tests.kill.people import Story
from tests.kit.long import few_of

THOUGHT, ASKED = "commit context_fetched+step_chosen", "commit request_opened"
PLACED, DECIDED, ENDED = "commit card_delivered", "commit vote_cast+request_decided", "commit step_chosen+run_ended"
STARTED = "commit tool_started"

# What a worker writes and does in one story, and how often: the points at which it can die.
AT_REDIS = {
    "accept": 2, "admit": 1, "commit run_started": 1, THOUGHT: 1, ASKED: 1, PLACED: 1, DECIDED: 1, STARTED: 1,
    "commit tool_finished": 1, ENDED: 1, "commit outgoing": 4, "commit sent": 11,
}  # fmt: skip
AT_THE_DESK = {"send": 3, "update": 2}
# Where chance decides how often. What shows how things stand is drawn once for all that came while it was drawn, and
# two that come at once may both send the run's line of status, under one key.
VARIES = {"update", "send"}
# Of what is written again and again the later ones differ only in which card they follow.
NTH_AT_MOST = 3
BY_THE_CLOCK = {"sweep", "take", "keep_lease", "seal", "note_format", "grow_shards"}
# What a worker comes to where its successor goes on, and where something makes it (`SETTINGS` in `lane.py`).
AFTER_A_DEATH = ("take", "sweep", "commit rest")
# One is killed at by `test_auditor_killed.py`; the others are asked before any work begins.
ELSEWHERE = {"seal", "note_format", "grow_shards"}

REDIS_POINTS = [
    Point(name, when, nth)
    for name, count in AT_REDIS.items()
    for nth in range(1, min(count, NTH_AT_MOST) + 1)
    for when in ("before", "after")
]
DESK_POINTS = [
    Point(name, when, nth)
    for name, count in AT_THE_DESK.items()
    for nth in range(1, count + 1)
    for when in ("before", "after")
]
KILLED = [
    Case(tool, (point,))
    for tool in TOOLS
    for point in (*REDIS_POINTS, *(Point(tool, when) for when in ("before", "during", "after")), *DESK_POINTS)
] + [Case(tool, (Point(name, when),)) for tool in TOOLS for name in SETTINGS for when in ("before", "after")]
UNHEARD = [
    Case(tool, (replace(point, act="drop"),))
    for tool in ("honours", "careless")
    for point in REDIS_POINTS
    if point.when == "after"
]
# The successor of a worker that died in the middle of a tool dies as well.
AGAIN = (
    [
        Case(tool, (Point(tool, "during"), Point(name, when)))
        for tool in ("honours", "careless")
        for name in ("commit tool_orphaned", STARTED, "commit tool_finished", "commit step_chosen+run_ended")
        for when in ("before", "after")
        if not (tool == "careless" and name in {STARTED, "commit tool_finished"})  # people say that it happened
    ]
    + [
        Case("careless", (Point("careless", "before"), Point(name, when)))
        for name in (ASKED, PLACED, "accept", "commit request_decided", STARTED, "commit tool_finished")
        for when in ("before", "after")
    ]
    + [
        Case(tool, (Point(tool, "during"), Point(name, when)))
        for tool in TOOLS
        for name in AFTER_A_DEATH
        for when in ("before", "after")
    ]
    # What was sent by one that died is found where it stands, and its thread is noted then.
    + [
        Case(tool, (Point(PLACED, "before"), Point("note_thread", when)))
        for tool in TOOLS
        for when in ("before", "after")
    ]
)
TAKEN = Case("careless", (Point("careless", "during"), Point("take", "after")))
STOPPED = [
    Case(tool, (Point(name, when, act="stop"),))
    for tool in TOOLS
    for name in (THOUGHT, ASKED, PLACED, DECIDED, STARTED, "commit tool_finished", ENDED)
    for when in ("before", "after")
]
STOOD_STILL = Case("careless", (Point(STARTED, "after", act="stop"),))
CLEAN = [Case(tool) for tool in TOOLS]


def points_without_a_death(story: Story) -> set[str]:
    """The scripts, and the look for work, that a worker came to and that no case has it die at."""
    died_at = {point.name for case in (*KILLED, *AGAIN) for point in case.kills}
    return {name for name in story.seen if not name.startswith("commit ")} - died_at - ELSEWHERE


@pytest.fixture(scope="module")
def lanes(request: pytest.FixtureRequest) -> Iterator[Lanes]:
    """Tells the stories of all selected tests."""
    chosen = {item.name.partition("[")[2].removesuffix("]") for item in request.session.items}
    with Lanes([case for case in (*CLEAN, *KILLED, *AGAIN, *UNHEARD, *STOPPED) if str(case) in chosen]) as lanes:
        yield lanes


@pytest.mark.parametrize("case", few_of(CLEAN, 0), ids=str)
@pytest.mark.long
def test_a_story_without_a_death_passes_the_named_points_and_no_others(lanes: Lanes, case: Case) -> None:
    story = lanes.story(case)

    assert story.problems() == []
    passed = Counter(name for name in story.seen if name not in BY_THE_CLOCK)
    expected = AT_REDIS | AT_THE_DESK | {case.tool: 1}
    assert {name: count for name, count in passed.items() if name not in VARIES} == {
        name: count for name, count in expected.items() if name not in VARIES
    }
    assert passed.keys() - expected.keys() == set()


@pytest.mark.parametrize("case", few_of(KILLED, *range(3, len(KILLED), 80)), ids=str)
def test_a_worker_that_is_killed_loses_nothing_and_does_nothing_twice(lanes: Lanes, case: Case) -> None:
    story = lanes.story(case)

    assert story.problems() == []
    assert (story.kills, story.sprung) == (1, 1)
    assert story.noted == []
    assert points_without_a_death(story) == set()


@pytest.mark.parametrize("case", few_of(AGAIN, AGAIN.index(TAKEN)), ids=str)
def test_a_successor_that_is_killed_too_changes_nothing(lanes: Lanes, case: Case) -> None:
    story = lanes.story(case)

    assert story.problems() == []
    assert (story.kills, story.sprung) == (2, 2)
    assert points_without_a_death(story) == set()


@pytest.mark.parametrize("case", few_of(UNHEARD, 2), ids=str)
def test_an_answer_of_redis_that_is_lost_is_asked_for_again_without_doing_it_twice(lanes: Lanes, case: Case) -> None:
    story = lanes.story(case)

    assert story.problems() == []
    assert (story.kills, story.sprung) == (0, 1)
    assert (story.calls_before_unknown, story.noted) == ([], [])


@pytest.mark.parametrize("case", few_of(STOPPED, STOPPED.index(STOOD_STILL)), ids=str)
def test_a_worker_that_stood_still_overwrites_nothing_of_its_successor(lanes: Lanes, case: Case) -> None:
    story = lanes.story(case)

    assert story.problems() == []
    assert (story.kills, story.sprung) == (0, 1)
