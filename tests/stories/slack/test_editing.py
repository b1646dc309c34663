"""In Slack whoever decides presses Change, and everybody is asked again about what they made of it."""

from tests.fakes.slack.driver import HOME
from tests.kit.opens import opens
from tests.kit.shown import live_in_slack
from tests.kit.slack_world import SlackWorld
from tests.kit.world import World


def editable(world: World) -> None:
    world.workshop.editable = ("what",)


pytestmark = opens(change=editable)
OLDER = "Your approval was for an older version and does not count."


async def test_bo_changes_what_is_asked_in_a_window_and_cy_approves_it(office: SlackWorld) -> None:
    wish = await office.anna.says("#ops", "@sayso press bell")
    card = await office.card("#ops", to_press="Approve")
    before = await office.world.opened(await office.only_run())

    assert (await office.bo.presses("Change…", in_=card)).acked
    await office.bo.sees_modal("what")
    await office.bo.submits({"what": "gong"})
    await office.says(wish, "Bo Berg changed what from bell to gong: votes before are void.")

    now = await office.world.request(before.request.id)
    assert (now.state, now.request.edits, now.votes) == ("open", {"what": ("bo",)}, ())
    await office.world.decide("cy", now, "approve")
    assert await office.world.summary(before.request.run_id) == "done: ok: press gong: done"


async def test_whom_an_edit_asks_is_called_once_though_the_card_before_it_was_still_on_its_way(
    office: SlackWorld,
) -> None:
    await office.slack.breaks("chat.postMessage", "http_500", times=1_000, channel=office.ops)
    await office.anna.says("#ops", "@sayso press bell")
    record = await office.world.opened(await office.only_run())

    async def is_tried() -> bool:
        return any("Press bell?" in call["args"]["text"] for call in await office.slack.calls("chat.postMessage"))

    await office.slack.until(is_tried, "the card is tried")
    await office.world.edit("bo", record, what="gong")
    await office.slack.tell("faults_over")

    card = await office.card("#ops", to_press="Approve")
    await office.world.quiet()
    assert "gong" in card.text
    told = [each for each in await office.cy.notices() if each.why == "mention"]
    assert [each.ts for each in told] == [card.ts]


async def test_attack_who_presses_in_the_home_what_was_changed_reads_so_alone_and_no_buttons_stay(
    office: SlackWorld,
) -> None:
    wish, _, record = await office.asked()
    await office.bo.opens_home()
    await office.bo.sees_home("Press bell?")
    await office.bo.presses("Open", in_=HOME)
    await office.bo.sees_modal("Expires")
    await office.world.edit("anna", record, what="gong")
    await office.bo.presses("Approve")
    assert (await office.says(office.bo.dm, OLDER)).buttons == []
    assert not any(OLDER in one.words for one in await office.slack.messages(wish))

    beside = await office.world.opened(await office.world.trigger("press harp"))
    card = await office.card(office.bo.dm, to_press="Approve")
    await office.world.edit("anna", beside, what="lute")
    await office.becomes(card, "A newer version of this is asked below")
    await office.bo.presses("Approve", in_=card, version=0)
    await office.says(office.bo.dm, "Changed: what from harp to lute. Please answer the newest card.")

    for one in (record, beside):
        await office.world.decide("cy", await office.world.request(one.request.id), "approve")
        await office.world.ended(one.request.run_id)
    await office.world.quiet()
    assert await live_in_slack(office) == []
