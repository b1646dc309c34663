"""In Slack whoever may presses a red button, and a window wants the reason."""

from pathlib import Path

import pytest

from tests.fakes.slack.driver import Workspace
from tests.kit.office import TOML
from tests.kit.slack_world import a_slack_world

GLASS = TOML.replace(
    '["group:release"]\napprove', '["group:release"]\nquorum = 2\nbreak_glass = ["person:bo"]\napprove', 1
)


@pytest.mark.long
async def test_bo_breaks_the_glass_in_a_window_and_cy_can_not(redis: str, tmp_path: Path, slack_address: str) -> None:
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, GLASS) as office:
        await office.world.start()
        await slack.connected()
        await office.anna.says("#ops", "@sayso press bell")
        card = await office.card("#ops", to_press="Break glass…")
        run_id = await office.only_run()

        assert (await office.cy.presses("Break glass…", in_=card)).acked
        closed = await office.cy.sees_modal("")
        assert "Why nobody else" not in str(closed)
        assert (await office.bo.presses("Break glass…", in_=card)).acked
        await office.bo.sees_modal("Why this cannot wait")
        await office.bo.submits({"Why this cannot wait": "checkout is down"})

        await office.becomes(card, "Bo Berg broke the glass")
        assert await office.world.summary(run_id) == "done: ok: press bell: done"
        assert await slack.violations() == []
