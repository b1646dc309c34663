"""In Slack whoever decides presses Hand on, and somebody else is asked in their place."""

from agents.requests import people_of
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.slack_world import SlackWorld
from tests.kit.tables import becomes
from tests.kit.world import World

SOLO = TOML.replace('["group:release"]\napprove', '["person:bo"]\nstand_ins = ["person:dan"]\napprove', 1)


@opens(toml=SOLO)
async def test_bo_hands_it_on_in_a_window_and_dan_approves_it(office: SlackWorld) -> None:
    wish = await office.anna.says("#ops", "@sayso press bell")
    card = await office.card("#ops", to_press="Hand on…")
    run_id = await office.only_run()
    record = await office.world.opened(run_id)

    assert (await office.bo.presses("Hand on…", in_=card)).acked
    await office.bo.sees_modal("Reason")
    await office.bo.submits({"To": "Dan Dorn", "Reason": "on the train"})

    await office.says(wish, "Waiting for Dan Dorn (for Bo Berg)")
    await office.cy.presses("More…", in_=card)
    await office.cy.sees_modal("Bo Berg to Dan Dorn: “on the train”")
    now = await office.world.request(record.request.id)
    assert now.asked.givers == ("bo",)
    await office.world.decide("dan", now, "approve")
    assert await office.world.summary(run_id) == "done: ok: press bell: done"


@opens(toml=SOLO)
async def test_attack_whoever_gets_the_id_of_whom_a_window_offers_gets_the_seat(
    office: SlackWorld,
) -> None:
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
    assert (now.asked.handed_on, [*people_of(now.asked.rule)]) == ((), ["bo"])


@opens(toml=SOLO)
async def test_attack_an_id_that_means_two_people_is_handed_a_seat(world: World) -> None:
    zoe = '\n[people.dan]\nname = "Zoe Zahn"\nemail = "zoe@corp.example"\n'
    toml = SOLO.replace("[people.dan]", "[people.daniel]") + zoe
    await becomes(world, toml.replace('["person:dan"]\napprove', '["person:dan", "person:daniel"]\napprove'))
    record = await world.opened(await world.trigger("press bell"))
    card = await world.next_mail("bo", "Press bell?")

    await world.reply("bo", card, "delegate: dan")
    await world.quiet()

    now = await world.request(record.request.id)
    assert now.asked.handed_on == ()
    assert "'dan' means two people" in world.mails("bo")[-1].text
