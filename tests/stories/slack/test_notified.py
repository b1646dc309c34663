"""Whoever is asked in Slack is notified of it, at the first try and once."""

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bot.policy.approvers.who import who_of
from tests.fakes.slack.driver import Message, Person
from tests.fakes.slack.state import SCOPES
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.slack_world import SlackWorld
from tests.kit.tables import becomes
from tests.kit.waiting import until
from tests.kit.world import World

BO_ALONE = TOML.replace('["group:release"]\napprove', '["person:bo"]\nstand_ins = ["person:cy"]\napprove', 1)
ESCALATES = BO_ALONE.replace("expires_after", 'escalate_after = "1h"\nescalate_to = ["person:cy"]\nexpires_after', 1)
WITH_UID = BO_ALONE.replace('name = "Bo Berg"\n', 'name = "Bo Berg"\nuid = "staff-7"\n')
HOURLY = WITH_UID.replace('expires_after = "4h"', 'expires_after = "4h"\nremind_after = ["1h"]', 1)
CREW = TOML.replace('groups = ["release"]\n', "") + '\n[groups.release]\nslack = "S0CREW"\n'
STEPPED = (
    ESCALATES
    + """
[policies.spending]
expires_after = "2d"

[[policies.spending.steps]]
name = "first"
approvers = ["person:bo", "person:cy"]

[[policies.spending.steps]]
name = "second"
approvers = ["person:bo"]
"""
)
DIRECT = '\n[slack]\ncards = "dm"\n'
REMINDED = TOML.replace("quorum = 2\n", 'quorum = 2\nremind_after = ["1h"]\n')
ALSO_POSTED = BO_ALONE.replace('expires_after = "4h"', 'expires_after = "4h"\nalso_post = ["slack:#release"]', 1)
ONE_IN_THREAD = TOML.replace("[policies.pair]\n", '[policies.pair]\ncards = "thread"\n') + DIRECT


def on_pair(world: World) -> None:
    world.workshop.policy_of["bell"] = "pair"


@asynccontextmanager
async def another_worker(office: SlackWorld) -> AsyncGenerator[None]:
    """Two processes take what is to be sent."""
    world = office.world
    other = World(world.url, world.folder, world.toml, over=world.over, reach=world.reach)
    await other.start(receives=False)
    try:
        yield
    finally:
        await other.stop()


async def called(office: SlackWorld, wish: Message) -> Counter[str]:
    """How often each person was notified by a mention in the thread of a wish."""
    there = {one.ts for one in await office.slack.messages(wish)}
    people = (office.anna, office.bo, office.cy, office.dan)
    told = [(one.name, each) for one in people for each in await one.notices()]
    return Counter(name for name, each in told if each.why == "mention" and each.ts in there)


async def nothing_more(_: SlackWorld, __: Message) -> None:
    """Nothing happens."""


async def an_hour(office: SlackWorld, _: Message) -> None:
    await office.world.move_time(3600 + 60)


async def bo_hands_on(office: SlackWorld, card: Message) -> None:
    await office.bo.presses("Hand on…", in_=card)
    await office.bo.sees_modal("Reason")
    await office.bo.submits({"To": "Cy Cole", "Reason": "on the train"})


async def cy_approves(office: SlackWorld, card: Message) -> None:
    await office.cy.presses("Approve", in_=card)


async def bo_is_away(office: SlackWorld, _: Message) -> None:
    day = (await office.world.now() + timedelta(days=3)).date().isoformat()
    await office.bo.says("#ops", f"@sayso away until {day}: cy")


CALLED: list[tuple[str, dict[str, int], Callable[[SlackWorld, Message], Awaitable[None]]]] = [
    ("pair", {"bo": 1, "cy": 1}, nothing_more),
    ("production", {"bo": 1}, an_hour),
    ("production", {"bo": 1}, bo_hands_on),
    ("spending", {"cy": 1}, cy_approves),  # Bo's word is needed in the step behind it
    ("production", {"bo": 1}, bo_is_away),
]


@opens(toml=STEPPED)
async def test_whoever_is_asked_is_mentioned_once_on_the_card_or_below_it_and_nobody_else(office: SlackWorld) -> None:
    for policy, at_first, does in CALLED:
        office.world.workshop.policy_of["bell"] = policy
        wish, card, record = await office.asked()
        await office.world.quiet()
        assert (await called(office, wish), card.thread) == (at_first, wish.ts), does.__name__

        await does(office, card)

        await until(lambda: all_called(office, wish), what=f"both are called: {does.__name__}")  # noqa: B023
        await office.world.quiet()
        assert await called(office, wish) == {"bo": 1, "cy": 1}, does.__name__
        if does is bo_is_away:
            assert await called(office, (await office.asked())[0]) == {"cy": 1}
        else:
            await office.world.decide("anna", await office.world.request(record.request.id), "deny")


async def all_called(office: SlackWorld, wish: Message) -> bool:
    return len(await called(office, wish)) == 2


async def is_notified(person: Person, *, times: int = 1) -> list[Message]:
    """The messages of which `person` was notified, once they are so many."""

    async def found() -> bool:
        return len(await person.notices()) >= times

    await person.slack.until(found, f"{person.name} is notified {times} times")
    told = await person.notices()
    everything = {(one.channel, one.ts): one for each in told for one in await person.slack.messages(each.channel)}
    return [everything[each.channel, each.ts] for each in told]


@opens(toml=ONE_IN_THREAD)
async def test_with_cards_by_direct_message_nothing_of_the_card_stands_in_the_thread(office: SlackWorld) -> None:
    await office.anna.says("#ops", "@sayso press bell")
    cards = [await office.card(f"@{one.name}") for one in (office.bo, office.cy)]

    assert [await is_notified(one) for one in (office.bo, office.cy)] == [[cards[0]], [cards[1]]]
    assert not any("Expires" in one.words for one in await office.slack.messages("#ops"))

    office.world.workshop.policy_of["bell"] = "pair"
    second = await office.anna.says("#ops", "@sayso press bell")
    _, card = await is_notified(office.bo, times=2)
    assert card.thread == second.ts
    assert await called(office, second) == {"bo": 1, "cy": 1}


@opens(toml=BO_ALONE + DIRECT)
async def test_a_direct_message_that_slack_refuses_does_not_put_the_card_into_the_thread(office: SlackWorld) -> None:
    await office.slack.breaks("conversations.open", "error", error="cannot_dm_bot", times=20)
    await office.anna.says("#ops", "@sayso press bell")

    assert "Press bell" in (await office.world.next_mail("bo")).subject
    assert not any("Expires" in one.words for one in await office.slack.messages("#ops"))


@opens(toml=ALSO_POSTED)
async def test_a_card_stays_where_it_stands_when_a_reload_names_another_channel_and_the_next_goes_there(
    office: SlackWorld,
) -> None:
    ids = [await office.slack.channel(name, office.bo, office.slack.bot) for name in ("release", "launch")]
    await office.asked()
    first = await office.card("#release")
    await is_notified(office.bo)

    await becomes(office.world, office.world.toml.replace("slack:#release", f"slack:{ids[1]}"))
    await office.bo.presses("Approve", in_=await office.card("#ops"))

    await office.becomes(first, "Bo Berg")
    assert await office.slack.messages("#launch") == []
    await office.world.quiet()
    await office.anna.says("#ops", "@sayso press bell again")
    assert (await office.card("#launch")).channel == ids[1]
    assert len(await office.slack.messages("#release")) == 1


@opens(change=on_pair)
async def test_attack_whoever_has_their_card_in_slack_gets_none_as_slack_is_switched_off(office: SlackWorld) -> None:
    await office.asked()
    await is_notified(office.bo)
    await is_notified(office.cy)
    await office.world.quiet()

    async with office.world.stopped():
        office.world.over = lambda people: ()  # noqa: ARG005

    assert (await office.world.next_mail("bo", "Press bell?")).reply_to
    await office.world.quiet()
    assert await office.world.app.requests.departures.look_at_all()
    assert [len(office.world.mails(one)) for one in ("anna", "bo", "cy", "dan")] == [0, 1, 1, 0]
    assert await office.world.unsent() == []


@opens(toml=ESCALATES)
async def test_a_post_of_which_nobody_knows_how_it_ended_notifies_everybody_once(office: SlackWorld) -> None:
    async with another_worker(office):
        await office.slack.breaks("chat.postMessage", "http_500_after", times=3)
        wish, _, _ = await office.asked()
        await is_notified(office.bo)
        await office.world.quiet()
        await office.slack.breaks("chat.postMessage", "http_500_after", times=1)
        await office.world.move_time(3600 + 60)
        await is_notified(office.cy)
        await office.world.quiet()

        assert await called(office, wish) == {"bo": 1, "cy": 1}


@opens(toml=ESCALATES)
async def test_what_changes_while_a_line_is_on_its_way_calls_nobody_twice_or_too_late(office: SlackWorld) -> None:
    await office.slack.breaks("chat.postMessage", "http_500", times=100)
    wish = await office.anna.says("#ops", "@sayso press bell")
    record = await office.world.opened(await office.only_run())
    await office.world.delegate("bo", record, "cy")
    await office.slack.tell("faults_over")
    await is_notified(office.cy)
    await office.world.quiet()
    assert (await called(office, wish))["cy"] == 1
    await office.world.decide("anna", await office.world.request(record.request.id), "deny")

    wish, _, record = await office.asked()
    await office.world.quiet()
    await office.slack.breaks("chat.postMessage", "http_500", times=100)
    await office.world.move_time(3600 + 60)

    async def is_asked() -> bool:
        return "cy" in who_of(await office.world.request(record.request.id)).named

    await office.slack.until(is_asked, "it has escalated")
    await office.world.decide("bo", await office.world.request(record.request.id), "deny", "not on <!channel> Friday")
    await office.slack.tell("faults_over")
    told = await office.slack.message(in_="#ops", containing="not on ")
    await office.world.quiet()

    assert await called(office, wish) == {"bo": 1}
    assert "not on &lt;!channel&gt; Friday" in told.text


@opens(toml=CREW.replace("quorum = 2\n", 'quorum = 2\nremind_after = ["1h"]\n'), change=on_pair)
@pytest.mark.parametrize("is_whole", [True, False])
async def test_a_user_group_stands_for_its_members_where_all_of_them_are_asked(
    idle: SlackWorld, *, is_whole: bool
) -> None:
    members = ["bo", "cy", *([] if is_whole else ["anna"])]
    await idle.slack.settings(scopes=[*SCOPES, "usergroups:read"])
    await idle.slack.tell("user_group", id="S0CREW", members=members)
    await idle.world.start()
    await idle.slack.connected()

    wish, card, _ = await idle.asked()

    assert ("<!subteam^S0CREW>" in card.text, "<@U0BO>" in card.text) == (is_whole, not is_whole)
    await idle.world.quiet()
    assert await called(idle, wish) == {"bo": 1, "cy": 1}
    if is_whole:
        await idle.slack.tell("user_group", id="S0CREW", members=[])
        await idle.world.move_time(3600 + 60)
        for one in (idle.bo, idle.cy):
            await is_notified(one, times=2)
        assert await called(idle, wish) == {"bo": 2, "cy": 2}, "a group that was emptied since stands for nobody"
        return

    await idle.bo.presses("Approve", in_=card)
    now = await idle.becomes(card, "1 of 2")
    assert ("<@U0BO>" in now.text, "<@U0CY>" in now.text) == (False, True), "who is still asked"


@pytest.mark.parametrize("how", ["deactivated", "bot removed", "left"])
@opens(toml=REMINDED, change=on_pair)
async def test_each_whom_a_reminder_does_not_reach_in_the_thread_gets_a_card_of_their_own(
    office: SlackWorld, how: str
) -> None:
    async with another_worker(office):
        wish, _, _ = await office.asked()
        await office.world.quiet()
        if how == "deactivated":
            await office.slack.person("cy", id="U0CY", deleted=True)
        elif how == "left":
            await office.cy.leaves("#ops")
        else:
            await office.slack.tell("member", channel="ops", user=office.slack.bot, is_in=False)

        await office.world.move_time(3600 + 60)

        if how == "bot removed":
            await office.bo.presses("Approve", in_=await office.card("@bo", to_press="Approve"))
        else:
            line = await office.says(wish, "Reminder")
            assert ("<@U0BO>" in line.text, "<@U0CY>" in line.text) == (True, False)
        if how == "deactivated":
            await office.world.next_mail("cy", "Press bell?")
        else:
            card = await office.card("@cy", to_press="Approve")
            assert card.ts in [each.ts for each in await office.cy.notices()]
        await office.world.quiet()
        alone = [one for one in await office.slack.messages("@cy") if "Expires" in one.words]
        assert len([*alone, *office.world.mails("cy")]) == 1


@pytest.mark.parametrize(
    "where", [pytest.param("#ops", marks=opens(toml=HOURLY)), pytest.param("@bo2", marks=opens(toml=WITH_UID + DIRECT))]
)
async def test_whose_slack_id_a_reload_changes_is_called_by_the_new_one(office: SlackWorld, where: str) -> None:
    anew = await office.slack.person("bo2", id="U0BOTWO", email="bo@corp.example")
    await office.slack.channel("ops", anew)
    await office.anna.says("#ops", "@sayso press bell")
    await is_notified(office.bo)
    await office.world.quiet()

    for _ in range(2):
        await becomes(office.world, office.world.toml.replace('"U0BO"', '"U0BOTWO"'))
        await office.world.quiet()
    if where == "#ops":
        await office.world.move_time(3600 + 60)

    await is_notified(anew)
    await office.world.quiet()
    assert len([each for each in await office.bo.notices() if each.why != "thread"]) == 1
    await anew.presses("Approve", in_=await office.card(where, to_press="Approve"))
    await office.world.has(await office.only_run(), "done")


@opens(toml=WITH_UID)
async def test_attack_whoever_is_in_slack_no_more_waits_for_a_reminder_of_a_card_that_stands_there(
    office: SlackWorld,
) -> None:
    await office.asked()
    await office.world.quiet()

    for _ in range(2):
        await becomes(office.world, office.world.toml.replace('slack = "U0BO"\n', ""))
        await office.world.quiet()

    [card] = office.world.mails("bo")
    await office.world.reply("bo", card, "approve")
    await office.world.has(await office.only_run(), "done")
