"""Who is away: a person, who is offered in Slack to hand on what they are asked; or the store, which takes nothing."""

from email.message import EmailMessage

from tests.kit.opens import opens
from tests.kit.slack_world import SlackWorld
from tests.servers.web import serving
from tests.stories.slack.test_handing_on import SOLO


@opens(toml=SOLO)
async def test_whose_mailbox_says_that_they_are_out_is_offered_it_in_slack(idle: SlackWorld) -> None:
    world = idle.world
    world.reach = ("email", "slack")
    await world.start()
    await idle.slack.connected()
    record = await world.opened(await world.trigger("press bell"))
    card, reply = await world.next_mail("bo"), EmailMessage()
    reply["From"], reply["To"], reply["Subject"] = "bo@corp.example", card.reply_to, "Out of office"
    reply["Auto-Submitted"] = "auto-replied"
    reply.set_content("I am back on Monday.")

    to = card.reply_to or ""
    await world.transport("bo@corp.example").send(bytes(reply), sender="bo@corp.example", recipients=[to])

    offer = await idle.slack.message(in_="@bo", containing="automatic reply of yours")
    assert f"sayso delegate {record.request.id} --to PERSON" in offer.words
    assert "away until 2026-12-01: PERSON" in offer.words
    assert len(world.mails("bo")) == 1
    stands = (await world.request(record.request.id)).asked
    assert (stands.handed_on, [one.person for one in stands.away]) == ((), ["bo"])


async def test_attack_a_press_is_taken_while_nobody_works_on_a_store_that_went_back(idle: SlackWorld) -> None:
    world, slack = idle.world, idle.slack
    world.environ = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_SIGNING_SECRET": slack.signing_secret}
    await world.start()
    await slack.connected()
    _, card, record = await idle.asked()
    async with serving(world.app) as api:
        urls = {"events_url": f"{api.url}/slack/events", "interactions_url": f"{api.url}/slack/interactions"}
        await slack.settings(socket_mode=False, **urls)
        world.app.ready.clear()

        assert not (await idle.bo.presses("Approve", in_=card)).acked

        world.app.ready.set()
        assert (await idle.bo.presses("Approve", in_=card)).acked
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"
