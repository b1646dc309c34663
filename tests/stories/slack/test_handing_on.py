"""In Slack whoever decides presses Hand on, and somebody else is asked in their place."""

from pathlib import Path

from tests.fakes.slack.driver import Workspace
from tests.office import TOML
from tests.slack_world import a_slack_world

SOLO = TOML.replace('["group:release"]\napprove', '["person:bo"]\nstand_ins = ["person:dan"]\napprove', 1)


async def test_bo_hands_it_on_in_a_window_and_dan_approves_it(redis: str, tmp_path: Path, slack_address: str) -> None:
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, SOLO) as office:
        await office.world.start()
        await slack.connected()
        wish = await office.anna.says("#ops", "@sayso press bell")
        card = await office.card("#ops", to_press="Hand on…")
        run_id = await office.only_run()
        record = await office.world.opened(run_id)

        assert (await office.bo.presses("Hand on…", in_=card)).acked
        await office.bo.sees_modal("Reason")
        await office.bo.submits({"To": "Dan Dorn", "Reason": "on the train"})

        await office.says(wish, "Bo Berg to Dan Dorn: “on the train”")
        await office.says(wish, "Waiting for Dan Dorn (for Bo Berg)")
        now = await office.world.request(record.request.id)
        assert now.request.policy.givers == ("bo",)
        await office.world.decide("dan", now, "approve")
        assert await office.world.summary(run_id) == "done: ok: press bell: done"
        assert await slack.violations() == []
