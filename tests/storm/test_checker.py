"""The checker finds each thing that can be wrong, and takes no storm for one in which too little happened."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.kill.parts import ToolName
from tests.servers.lines import Message
from tests.storm.checker import DONE, WRONGS, Report, check, died_at
from tests.storm.facts import SETUPS, Facts, Kind, Plot, Said, Setup, Shown, Story


def enough(setup: Setup = "one") -> Counter[str]:
    return Counter(dict.fromkeys(DONE[setup], 1))


ENOUGH = enough()
YES, NO = Said("bo", True, at=1.0), Said("bo", False, at=1.0)


def call(at: float = 2.0, *, has_effect: bool = True) -> Message:
    return {"at": at, "has_effect": has_effect}


def story(
    *said: Said,
    kind: Kind = "approve",
    calls: tuple[Message, ...] = (),
    shown: tuple[Shown, ...] = ("done",),
    tool: ToolName = "keyless",
    asked: tuple[int, ...] = (),
) -> Story:
    plot = Plot("story-1", kind, tool, "api", "slack")
    return Story(plot, was_taken=True, said=[*said], shown=[*shown], calls=[*calls], calls_before_unknown=[*asked])


def judged(*stories: Story) -> Report:
    return check(Facts(stories=[*stories, story(YES, calls=(call(),))], done=ENOUGH))


def wrong(found: Story) -> list[str]:
    return [what for what, names in judged(found).wrong.items() if names]


RIGHT = {
    "approved, done once": story(YES, calls=(call(),)),
    "denied, not done": story(NO, kind="deny", shown=("stopped",)),
    "called again under its key": story(YES, calls=(call(), call(3, has_effect=False)), tool="honours"),
    "nobody knew, it had happened": story(YES, calls=(call(),), asked=(1,)),
    "nobody knew, it had not happened, approved again": story(
        YES, replace(YES, at=8.0), calls=(call(9.0),), asked=(0,)
    ),
    "approved and denied at once, done": story(YES, NO, kind="both", calls=(call(),)),
    "approved and denied at once, not done": story(YES, NO, kind="both", shown=("stopped",)),
    "cancelled when it had started": story(YES, kind="cancel", calls=(call(),), shown=("cancelled",)),
}
WRONG = {
    "approved, shown as stopped, not done": (story(YES, shown=("stopped",)), ["lost"]),
    "told that it is done, and it is not": (story(YES), ["lost", "wrong outcome shown"]),
    "done twice": (story(YES, calls=(call(), call(3))), ["executed twice", "executed without a valid decision"]),
    "done twice under two keys": (story(YES, calls=(call(), call(3)), tool="honours"), ["executed twice"]),
    "done again after people said it had happened": (
        story(YES, replace(YES, at=2.5), calls=(call(), call(3)), asked=(1,)),
        ["executed twice"],
    ),
    "done before anybody decided": (story(YES, calls=(call(0.5),)), ["executed without a valid decision"]),
    "done though only the requester approved": (
        story(replace(YES, person="anna"), calls=(call(),)),
        ["executed without a valid decision"],
    ),
    "done though it was too late to approve": (
        story(replace(YES, counts=False), kind="late", calls=(call(),)),
        ["executed without a valid decision"],
    ),
    "done though denied": (
        story(NO, kind="deny", calls=(call(),), shown=("stopped",)),
        ["executed without a valid decision", "wrong outcome shown"],
    ),
    "done and shown as stopped": (
        story(YES, kind="both", calls=(call(),), shown=("stopped",)),
        ["wrong outcome shown"],
    ),
    "two ends shown": (story(YES, calls=(call(),), shown=("stopped", "done")), ["wrong outcome shown"]),
    "no end shown": (story(YES, calls=(call(),), shown=()), ["stuck over 60 s"]),
}


def test_a_story_that_went_well_is_no_finding() -> None:
    assert {name: wrong(found) for name, found in RIGHT.items() if not judged(found).is_well} == {}


@pytest.mark.parametrize(("found", "what"), WRONG.values(), ids=WRONG)
def test_what_went_wrong_is_found_and_named(found: Story, what: list[str]) -> None:
    assert wrong(found) == what
    assert not judged(found).is_well
    assert f"{what[0]}: story-1" in judged(found).lines()


def test_each_thing_that_can_be_wrong_is_found_in_some_story() -> None:
    assert {what for _, whats in WRONG.values() for what in whats} == {*WRONGS}


def test_a_card_that_can_still_be_answered_is_a_finding() -> None:
    assert check(Facts(stories=[story(YES, calls=(call(),))], live=["story-1: open"], done=ENOUGH)).is_well is False


@pytest.mark.parametrize("setup", SETUPS)
def test_a_storm_counts_with_all_that_can_befall_its_redis_and_fails_without_any_of_it(setup: Setup) -> None:
    assert check(Facts(setup, stories=[story(YES, calls=(call(),))], done=enough(setup))).is_well
    for missing in DONE[setup]:
        done = Counter({what: count for what, count in enough(setup).items() if what != missing})

        report = check(Facts(setup, stories=[story(YES, calls=(call(),))], done=done))

        assert (report.tame, report.is_well) == ([missing], False)


def test_deaths_are_counted_by_point_also_where_nobody_died() -> None:
    done = ENOUGH + Counter([died_at("commit tool_orphaned")])

    lines = [*check(Facts(stories=[story(YES, calls=(call(),))], done=done)).lines()]

    assert "| died at a named point: commit tool_orphaned | 1 |" in lines
    assert "| died at a named point: sweep | 0 |" in lines


def test_a_storm_with_too_few_approvals_fails() -> None:
    assert not check(Facts(stories=[story(YES, calls=(call(),))], done=ENOUGH), least_approvals=2).is_well


def test_what_this_machine_has_no_means_for_is_not_asked_for() -> None:
    done = ENOUGH - Counter(["disk of Redis full"])

    report = check(Facts(stories=[story(YES, calls=(call(),))], done=done, skipped=["disk of Redis full: no rights"]))

    assert report.is_well
    assert "not done here: disk of Redis full: no rights" in report.lines()
