"""In Slack whoever decides presses Hand on, and somebody else is asked in their place."""

from pathlib import Path

from agents.requests import people_of
from tests.fakes.slack.driver import Workspace
from tests.kit.office import TOML
from tests.kit.slack_world import a_slack_world
from tests.kit.tables import becomes
from tests.kit.world import a_world

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


async def test_attack_whoever_gets_the_id_of_whom_a_window_offers_gets_the_seat(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, SOLO) as office:
        await office.world.start()
        await slack.connected()
        await office.anna.says("#ops", "@sayso press bell")
        card = await office.card("#ops", to_press="Hand on…")
        record = await office.world.opened(await office.only_run())
        assert (await office.bo.presses("Hand on…", in_=card)).acked
        await office.bo.sees_modal("Reason")

        zoe = 'name = "Zoe Zahn"\nslack = "U0ZOE"\nemail = "zoe@corp.example"'
        begins = office.world.toml.index('slack = "U0DAN"')
        ends = office.world.toml.index("\n\n", begins)
        await becomes(office.world, office.world.toml[:begins] + zoe + office.world.toml[ends:])
        assert office.world.app.people.named("dan") == "dan~2"
        await office.bo.submits({"To": "Dan Dorn", "Reason": "on the train"})

        await office.bo.sees_ephemeral("Dan Dorn")
        now = await office.world.request(record.request.id)
        assert (now.request.policy.handed_on, [*people_of(now.request.policy.rule)]) == ((), ["bo"])


async def test_attack_an_id_that_means_two_people_is_handed_a_seat(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", SOLO) as office:
        zoe = '\n[people.dan]\nname = "Zoe Zahn"\nemail = "zoe@corp.example"\n'
        toml = SOLO.replace("[people.dan]", "[people.daniel]") + zoe
        await becomes(office, toml.replace('["person:dan"]\napprove', '["person:dan", "person:daniel"]\napprove'))
        record = await office.opened(await office.trigger("press bell"))
        card = await office.next_mail("bo", "Press bell?")

        await office.reply("bo", card, "delegate: dan")
        await office.quiet()

        now = await office.request(record.request.id)
        assert now.request.policy.handed_on == ()
        assert "'dan' means two people" in office.mails("bo")[-1].text
