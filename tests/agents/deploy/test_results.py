"""What is live by a run's own results, and whether a call for it once more could do anything."""

from datetime import datetime, timedelta

import pytest

from agents.deploy.results import live_already
from agents.events import Event
from agents.run import fold
from agents.steps import CallTool
from tests.agents.worlds import DEPLOY, NOON, chosen, failed, finished, orphaned, started, tool_started

COMMIT, OTHER = "3f2a1c9" + "0" * 33, "77" * 20
LIVE = CallTool(tool="live", arguments={"environment": "production"})
HEALTH = CallTool(tool="health", arguments={"environment": "production"})
STAGING = DEPLOY.model_copy(update={"arguments": {"version": "v1.2.0", "environment": "staging"}})
OLDER = DEPLOY.model_copy(update={"arguments": {"version": "v1.1.0", "environment": "production"}})
BACK = OLDER.model_copy(update={"tool": "rollback"})


def call(number: int, step: CallTool, output: str = "", error: str = "") -> tuple[Event, ...]:
    step_id, attempt, is_look = f"s{number}", f"a{number}", step.tool in {"live", "health"}
    began = tool_started(attempt, step_id, tool=step.tool, changes=not is_look)
    return chosen(step, step_id), began, finished(attempt, output, error)


DEPLOYED = call(1, DEPLOY, f"deployed {COMMIT} to production")
SEEN = call(2, LIVE, f"{COMMIT} (v1.2.0)")
LATER, MUCH_LATER = NOON + timedelta(minutes=1), NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("events", "step", "live"),
    [
        (DEPLOYED, DEPLOY, "v1.2.0 (3f2a1c9)"),
        ((*DEPLOYED, *SEEN), DEPLOY, "v1.2.0 (3f2a1c9)"),
        ((*DEPLOYED, failed("no_tool")), DEPLOY, "v1.2.0 (3f2a1c9)"),
        ((*DEPLOYED, *call(2, HEALTH, "fine")), DEPLOY, "v1.2.0 (3f2a1c9)"),
        ((*DEPLOYED, *call(2, BACK, f"deployed {OTHER} to production")), BACK, "v1.1.0 (7777777)"),
        ((), DEPLOY, ""),
        (call(1, DEPLOY, error="exit code 3"), DEPLOY, ""),
        ((*DEPLOYED[:2], orphaned()), DEPLOY, ""),
        (DEPLOYED, OLDER, ""),
        (DEPLOYED, STAGING, ""),
        (DEPLOYED, LIVE, ""),
        (SEEN, DEPLOY, ""),
        ((*DEPLOYED, *call(2, LIVE, f"{OTHER} (v1.1.0)")), DEPLOY, ""),
        ((*DEPLOYED, *call(2, HEALTH, error="503")), DEPLOY, ""),
        ((*DEPLOYED, *call(2, BACK, f"deployed {OTHER} to production")), DEPLOY, ""),
        ((*DEPLOYED, *call(2, OLDER, error="exit code 3")), DEPLOY, ""),
    ],
)
def test_a_run_knows_whether_a_deploy_would_only_repeat_what_it_has_put_live(
    events: tuple[Event, ...], step: CallTool, live: str
) -> None:
    run = fold([started(), *events])

    assert live_already(run, step, LATER, None) == live
    assert live_already(run, step, MUCH_LATER, None) == "", "others deploy, too"


@pytest.mark.parametrize(
    ("heard_at", "is_repeat"), [(NOON - timedelta(seconds=1), True), (NOON, False), (LATER, False)]
)
def test_what_people_said_since_may_ask_for_it_once_more(heard_at: datetime, *, is_repeat: bool) -> None:
    assert bool(live_already(fold([started(), *DEPLOYED]), DEPLOY, LATER, heard_at)) == is_repeat
