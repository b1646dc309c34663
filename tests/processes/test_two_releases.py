"""Two releases of the worker side by side for an hour: the older one leaves alone what it can't read."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from tests.kill.parts import TOOLS
from tests.kill.people import Story
from tests.processes.releases import newer_release
from tests.processes.stage import Stage

HOUR_S, STEP_S = 3_600, 300


@pytest.mark.long
def test_an_hour_of_two_releases_gives_no_dead_letter_and_does_everything_once(short_path: Path) -> None:
    # A lease longer than a step of the clock: nobody stands still here.
    with (
        Stage(short_path, SAYSO_TEST_CLOCK="1", SAYSO_LEASE_S="600") as stage,
        closing(stage.redis.connect()) as redis,
    ):
        older = stage.start("older")
        newer = stage.start("newer", top=newer_release(short_path / "newer"))
        stories = list[Story]()
        for moved_s in range(STEP_S, HOUR_S + 1, STEP_S):
            told = [stage.people.want(tool) for tool in TOOLS]
            stories += told
            for story in told[: len(told) // 2]:
                stage.until_asked(story)
            for shard in (0, 1):
                redis.ask("SET", f"{{s{shard}}}:clock_offset", moved_s * 1000)
            stage.until_told(*told)

        assert [story.problems() for story in stories] == [[]] * len(stories)
        assert [redis.ask("HLEN", f"{{s{shard}}}:dead") for shard in (0, 1)] == [0, 0]
        by = {story.events[0].release for story in stories}
        assert len(by) == 2, "each of them started runs"
        left = [json.loads(line) for line in older.said().splitlines() if "left to the release" in line]
        assert left, "the older one met what it can't read"
        assert len({line["item"] for line in left}) == len(left), "and said so once of each"
        assert "Traceback" not in older.said()
        assert "left to the release" not in newer.said()
