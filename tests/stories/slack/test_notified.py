"""Whoever is asked in Slack is notified of it, at the first try and once."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from agents.requests import PersonId
from bot.policy.answers import Statement
from bot.policy.judgements import Delegated
from bot.policy.record import RequestRecord
from bot.requests.reassignment.delegation import HandOn
from tests.fakes.slack.driver import Message, Person
from tests.fakes.slack.state import SCOPES
from tests.kit.office import STEPS, TOML
from tests.kit.opens import opens
from tests.kit.slack_world import SlackWorld
from tests.kit.tables import becomes
from tests.kit.world import World

BO_ALONE = TOML.replace('["group:release"]\napprove', '["person:bo"]\nstand_ins = ["person:cy"]\napprove', 1)
ESCALATES = BO_ALONE.replace("expires_after", 'escalate_after = "1h"\nescalate_to = ["person:cy"]\nexpires_after', 1)
WITH_UID = BO_ALONE.replace('name = "Bo Berg"\n', 'name = "Bo Berg"\nuid = "staff-7"\n')
DIRECT = '\n[slack]\ncards = "dm"\n'
REMINDED = TOML.replace("quorum = 2\n", 'quorum = 2\nremind_after = ["1h"]\n')
HOURLY = WITH_UID.replace('expires_after = "4h"', 'expires_after = "4h"\nremind_after = ["1h"]', 1)
ALSO_POSTED = BO_ALONE.replace('expires_after = "4h"', 'expires_after = "4h"\nalso_post = ["slack:#release"]', 1)
ONE_IN_THREAD = TOML.replace("[policies.pair]\n", '[policies.pair]\ncards = "thread"\n') + DIRECT
KEPT = STEPS.replace('approvers = ["person:bo"]', 'approvers = ["person:bo", "person:cy"]').replace(
    'approvers = ["group:finance"]', 'approvers = ["person:bo"]'
)
STEPPED = STEPS.replace('approvers = ["group:finance"]', 'approvers = ["person:cy"]')


def on_pair(world: World) -> None:
    world.workshop.policy_of["bell"] = "pair"


def on_spending(world: World) -> None:
    world.workshop.policy_of["bell"] = "spending"


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


async def asks(office: SlackWorld, text: str = "press bell") -> tuple[Message, RequestRecord]:
    """Anna asks for it in #ops: her message, and the request."""
    asked = await office.anna.says("#ops", f"@sayso {text}")
    await office.card("#ops")
    return asked, await office.world.opened(await office.only_run())


async def is_notified(person: Person, *, times: int = 1) -> list[Message]:
    """The messages of which `person` was notified, once they are so many."""

    async def found() -> bool:
        return len(await person.notices()) >= times

    await person.slack.until(found, f"{person.name} is notified {times} times")
    told = await person.notices()
    everything = {(one.channel, one.ts): one for each in told for one in await person.slack.messages(each.channel)}
    return [everything[each.channel, each.ts] for each in told]


async def mentioned(office: SlackWorld) -> Counter[str]:
    """How often each person was mentioned by a message of ours, in all."""
    calls = [call["args"] for call in await office.slack.calls("chat.postMessage") if not call["error"]]
    people = (office.anna, office.bo, office.cy, office.dan)
    return Counter(one.name for one in people for call in calls if f"<@{one.id}>" in call["text"])


async def test_the_card_in_a_channel_mentions_all_who_are_asked_and_nobody_else(office: SlackWorld) -> None:
    asked, _ = await asks(office)
    card = await office.card("#ops")

    assert [await is_notified(one) for one in (office.bo, office.cy)] == [[card], [card]]
    await office.world.quiet()
    assert await office.dan.notices() == []
    assert await mentioned(office) == {"bo": 1, "cy": 1}
    assert card.thread == asked.ts


@opens(toml=ESCALATES)
async def test_whoever_it_escalates_to_is_mentioned_below_the_card(office: SlackWorld) -> None:
    asked, record = await asks(office)
    await is_notified(office.bo)
    await office.world.quiet()
    assert await office.cy.notices() == []

    await office.world.move_time(3600 + 60)

    [line] = await is_notified(office.cy)
    assert line.thread == asked.ts
    assert f"You are asked as well: {record.request.title}" in line.words
    await office.world.quiet()
    assert await mentioned(office) == {"bo": 1, "cy": 1}


@opens(toml=BO_ALONE)
async def test_whom_it_is_handed_on_to_is_mentioned_below_the_card(office: SlackWorld) -> None:
    await asks(office)
    card = await office.card("#ops", to_press="Hand on…")
    await office.bo.presses("Hand on…", in_=card)
    await office.bo.sees_modal("Reason")
    await office.bo.submits({"To": "Cy Cole", "Reason": "on the train"})

    [line] = await is_notified(office.cy)
    assert "Press bell?" in line.words
    await office.world.quiet()
    assert await mentioned(office) == {"bo": 1, "cy": 1}


@opens(toml=BO_ALONE)
async def test_whoever_stands_in_is_mentioned_on_the_card_and_below_it_where_it_stands_already(
    office: SlackWorld,
) -> None:
    day = (await office.world.now() + timedelta(days=3)).date().isoformat()
    await asks(office)
    await is_notified(office.bo)
    await office.bo.says("#ops", f"@sayso away until {day}: cy")
    await is_notified(office.cy)
    await office.world.quiet()

    second = await office.anna.says("#ops", "@sayso press bell again")
    _, card = await is_notified(office.cy, times=2)
    assert card.thread == second.ts
    await office.world.quiet()
    assert await mentioned(office) == {"bo": 1, "cy": 2}


@opens(toml=STEPPED, change=on_spending)
async def test_whoever_decides_the_next_step_is_mentioned_when_it_begins(office: SlackWorld) -> None:
    asked, _ = await asks(office)
    await is_notified(office.bo)
    await office.world.quiet()
    assert await office.cy.notices() == []
    await office.bo.presses("Approve", in_=await office.card("#ops"))

    [line] = await is_notified(office.cy)
    assert line.thread == asked.ts
    await office.world.quiet()
    assert await mentioned(office) == {"bo": 1, "cy": 1}


@opens(toml=KEPT, change=on_spending)
async def test_who_is_kept_for_a_later_step_is_mentioned_when_that_begins(office: SlackWorld) -> None:
    """Bo and Cy decide the first step, and Bo alone the second: his word is needed there."""
    await asks(office)
    await is_notified(office.cy)
    await office.world.quiet()
    assert await office.bo.notices() == []
    await office.cy.presses("Approve", in_=await office.card("#ops"))

    await is_notified(office.bo)
    await office.world.quiet()
    assert await mentioned(office) == {"bo": 1, "cy": 1}


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
    assert await mentioned(office) == {"bo": 1, "cy": 1}


@opens(toml=BO_ALONE + DIRECT)
async def test_a_direct_message_that_slack_refuses_does_not_put_the_card_into_the_thread(office: SlackWorld) -> None:
    await office.slack.breaks("conversations.open", "error", error="cannot_dm_bot", times=20)
    await office.anna.says("#ops", "@sayso press bell")

    assert "Press bell" in (await office.world.next_mail("bo")).subject
    assert not any("Expires" in one.words for one in await office.slack.messages("#ops"))
    assert await mentioned(office) == {}


@pytest.mark.parametrize(
    ("kind", "more"),
    [("http_500_after", {}), ("ratelimited", {"seconds": 1})],
)
@opens(toml=ESCALATES)
async def test_a_post_of_which_nobody_knows_how_it_ended_notifies_everybody_once(
    office: SlackWorld, kind: str, more: dict[str, int]
) -> None:
    async with another_worker(office):
        await office.slack.breaks("chat.postMessage", kind, times=3, **more)
        await asks(office)
        await is_notified(office.bo)
        await office.world.quiet()
        await office.slack.breaks("chat.postMessage", kind, times=1, **more)
        await office.world.move_time(3600 + 60)
        await is_notified(office.cy)
        await office.world.quiet()

        assert [Counter(each.why for each in await one.notices())["mention"] for one in (office.bo, office.cy)] == [
            1,
            1,
        ]


@opens(toml=BO_ALONE)
async def test_who_is_asked_while_the_card_is_on_its_way_is_mentioned_once(office: SlackWorld) -> None:
    await office.slack.breaks("chat.postMessage", "http_500", times=10)
    await office.anna.says("#ops", "@sayso press bell")
    record = await office.world.opened(await office.only_run())
    wish = Statement(
        reply_id="hand-on-1",
        person=PersonId("bo"),
        channel="console",
        said="free_text",
        text="",
        revision=1,
        digest=record.request.digest,
    )
    handed = HandOn(PersonId("cy"))
    judged = await office.world.app.requests.decisions.delegate(record.request.id, wish, handed)
    assert isinstance(judged.judgement, Delegated)
    await office.slack.tell("faults_over")

    await is_notified(office.cy)
    await office.world.quiet()
    assert [each.why for each in await office.cy.notices()].count("mention") == 1


@opens(toml=ESCALATES)
async def test_no_line_calls_anybody_to_what_is_decided_by_then(office: SlackWorld) -> None:
    _, record = await asks(office)
    await is_notified(office.bo)
    await office.world.quiet()
    await office.slack.breaks("chat.postMessage", "http_500", times=100)
    await office.world.move_time(3600 + 60)

    async def is_asked() -> bool:
        return "cy" in (await office.world.request(record.request.id)).request.policy.everybody

    await office.slack.until(is_asked, "it has escalated")
    await office.world.decide("bo", await office.world.request(record.request.id), "deny", "not on <!channel> Friday")
    await office.slack.tell("faults_over")
    told = await office.slack.message(in_="#ops", containing="not on ")
    await office.world.quiet()

    assert await office.cy.notices() == []
    assert "not on &lt;!channel&gt; Friday" in told.text


CREW = TOML.replace('groups = ["release"]\n', "") + '\n[groups.release]\nslack = "S0CREW"\n'


async def with_crew(office: SlackWorld, *members: str) -> None:
    """The group `release` is one of Slack's."""
    await office.slack.settings(scopes=[*SCOPES, "usergroups:read"])
    await office.slack.tell("user_group", id="S0CREW", members=list(members))
    await office.world.start()
    await office.slack.connected()
    await asks(office)


@opens(toml=CREW.replace("quorum = 2\n", 'quorum = 2\nremind_after = ["1h"]\n'), change=on_pair)
async def test_a_user_group_that_was_emptied_since_stands_for_nobody(idle: SlackWorld) -> None:
    await with_crew(idle, "bo", "cy")
    await is_notified(idle.bo)
    await idle.world.quiet()

    await idle.slack.tell("user_group", id="S0CREW", members=[])
    await idle.world.move_time(3600 + 60)

    for one in (idle.bo, idle.cy):
        await is_notified(one, times=2)
        assert [each.why for each in await one.notices()] == ["mention", "mention"]


@opens(toml=CREW)
@pytest.mark.parametrize("members", [("bo", "cy"), ("bo", "cy", "anna")])
async def test_a_user_group_stands_for_its_members_where_all_of_them_are_asked(
    idle: SlackWorld, members: tuple[str, ...]
) -> None:
    await with_crew(idle, *members)

    whole = len(members) == 2
    [card], _ = [await is_notified(one) for one in (idle.bo, idle.cy)]
    assert ("<!subteam^S0CREW>" in card.text, "<@U0BO>" in card.text) == (whole, not whole)
    assert await idle.anna.notices() == [each for each in await idle.anna.notices() if each.why == "thread"]


@opens(change=on_pair)
async def test_a_card_that_changes_keeps_the_mention_of_who_is_still_asked(office: SlackWorld) -> None:
    await asks(office)
    card = await office.card("#ops")
    assert ("<@U0BO>" in card.text, "<@U0CY>" in card.text) == (True, True)
    await office.bo.presses("Approve", in_=card)

    now = await office.becomes(card, "1 of 2")
    assert ("<@U0BO>" in now.text, "<@U0CY>" in now.text) == (False, True)
    assert [len(await one.notices()) for one in (office.bo, office.cy)] == [1, 1]


GONE = ["deactivated", "left", "archived", "bot removed"]


async def goes(office: SlackWorld, how: str) -> None:
    """Cy does not see #ops any more, or nothing of ours can be said there."""
    match how:
        case "deactivated":
            await office.slack.person("cy", id="U0CY", deleted=True)
        case "left":
            await office.cy.leaves("#ops")
        case "archived":
            await office.slack.channel("ops", archived=True)
        case _:
            await office.slack.tell("member", channel="ops", user=office.slack.bot, is_in=False)


async def is_told_alone(office: SlackWorld, how: str) -> None:
    """Cy has a card of his own, and approves with it."""
    if how == "deactivated":
        await office.world.reply("cy", await office.world.next_mail("cy", "Press bell?"), "approve")
    else:
        card = await office.card("@cy", to_press="Approve")
        assert card.ts in [each.ts for each in await office.cy.notices()]
        await office.cy.presses("Approve", in_=card)
    await office.world.has(await office.only_run(), "done")
    assert office.world.workshop.effects == ["press bell"]


@pytest.mark.parametrize("how", ["left", "archived"])
@opens(toml=ESCALATES)
async def test_whom_it_escalates_to_is_told_alone_where_the_channel_is_closed_to_them(
    office: SlackWorld, how: str
) -> None:
    await asks(office)
    await is_notified(office.bo)
    await office.world.quiet()
    await goes(office, how)

    await office.world.move_time(3600 + 60)

    await is_told_alone(office, how)
    await office.world.quiet()
    assert await mentioned(office) == {"bo": 1}


@pytest.mark.parametrize("how", ["deactivated", "bot removed", "msg_too_long"])
@opens(toml=REMINDED, change=on_pair)
async def test_each_whom_a_reminder_does_not_reach_in_the_thread_gets_a_card_of_their_own(
    office: SlackWorld, how: str
) -> None:
    async with another_worker(office):
        await asks(office)
        await office.world.quiet()
        if how in GONE:
            await goes(office, how)
        else:
            await office.slack.breaks("chat.postMessage", "error", error=how, channel=office.ops, times=10)

        await office.world.move_time(3600 + 60)

        if how in ("deactivated", "left"):
            line = await office.says("#ops", "Reminder")
            assert ("<@U0BO>" in line.text, "<@U0CY>" in line.text) == (True, False)
        else:
            await office.bo.presses("Approve", in_=await office.card("@bo", to_press="Approve"))
        if how == "deactivated":
            await office.world.next_mail("cy", "Press bell?")
        else:
            card = await office.card("@cy", to_press="Approve")
            assert card.ts in [each.ts for each in await office.cy.notices()]
        await office.world.quiet()
        alone = [one for one in await office.slack.messages("@cy") if "Expires" in one.words]
        assert len([*alone, *office.world.mails("cy")]) == 1


@pytest.mark.parametrize(
    "where",
    [
        pytest.param("#ops", marks=opens(toml=HOURLY)),
        pytest.param("@bo2", marks=opens(toml=HOURLY.replace('uid = "staff-7"\n', "") + DIRECT)),
    ],
)
async def test_whose_slack_id_a_reload_changes_is_called_by_the_new_one(office: SlackWorld, where: str) -> None:
    anew = await office.slack.person("bo2", id="U0BOTWO", email="bo@corp.example")
    await office.slack.channel("ops", anew)
    await office.anna.says("#ops", "@sayso press bell")
    await is_notified(office.bo)
    await office.world.quiet()

    await becomes(office.world, office.world.toml.replace('"U0BO"', '"U0BOTWO"'))
    await office.world.move_time(3600 + 60)

    await is_notified(anew)
    await office.world.quiet()
    assert [each.why for each in await office.bo.notices()].count("thread") == len(await office.bo.notices()) - 1
    await anew.presses("Approve", in_=await office.card(where, to_press="Approve"))
    await office.world.has(await office.only_run(), "done")


@pytest.mark.parametrize(
    "where",
    [pytest.param("#ops", marks=opens(toml=WITH_UID)), pytest.param("@bo", marks=opens(toml=WITH_UID + DIRECT))],
)
async def test_attack_whoever_is_in_slack_no_more_waits_for_a_reminder_of_a_card_that_stands_there(
    office: SlackWorld, where: str
) -> None:
    await office.anna.says("#ops", "@sayso press bell")
    await office.card(where)
    await is_notified(office.bo)
    await office.world.quiet()

    for _ in range(2):
        await becomes(office.world, office.world.toml.replace('slack = "U0BO"\n', ""))
        await office.world.quiet()

    [card] = office.world.mails("bo")
    await office.world.reply("bo", card, "approve")
    await office.world.has(await office.only_run(), "done")


@opens(toml=WITH_UID + DIRECT)
async def test_attack_a_card_that_was_sent_to_a_slack_id_of_before_waits_there_for_a_reminder(
    office: SlackWorld,
) -> None:
    anew = await office.slack.person("bo2", id="U0BOTWO", email="bo@corp.example")
    await office.anna.says("#ops", "@sayso press bell")
    await is_notified(office.bo)
    await office.world.quiet()

    for _ in range(2):
        await becomes(office.world, office.world.toml.replace('"U0BO"', '"U0BOTWO"'))
        await office.world.quiet()

    [card] = await is_notified(anew)
    await anew.presses("Approve", in_=card)
    await office.world.has(await office.only_run(), "done")


@opens(toml=ALSO_POSTED)
async def test_a_card_stays_where_it_stands_when_a_reload_names_another_channel_and_the_next_goes_there(
    office: SlackWorld,
) -> None:
    ids = [await office.slack.channel(name, office.bo, office.slack.bot) for name in ("release", "launch")]
    await asks(office)
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
    await asks(office)
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
