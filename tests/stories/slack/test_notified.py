"""Whoever is asked in Slack is notified of it, at the first try and once."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from agents.requests import PersonId
from bot.policy.answers import Statement
from bot.policy.judgements import Delegated
from bot.policy.record import RequestRecord
from bot.requests.reassignment.delegation import HandOn
from tests.fakes.slack.driver import Message, Person, Workspace
from tests.fakes.slack.state import SCOPES
from tests.kit.office import STEPS, TOML
from tests.kit.slack_world import SlackWorld, a_slack_world
from tests.kit.tables import becomes
from tests.kit.world import World

BO_ALONE = TOML.replace('["group:release"]\napprove', '["person:bo"]\nstand_ins = ["person:cy"]\napprove', 1)
ESCALATES = BO_ALONE.replace("expires_after", 'escalate_after = "1h"\nescalate_to = ["person:cy"]\nexpires_after', 1)
WITH_UID = BO_ALONE.replace('name = "Bo Berg"\n', 'name = "Bo Berg"\nuid = "staff-7"\n')
DIRECT = '\n[slack]\ncards = "dm"\n'
STEPPED = STEPS.replace('approvers = ["group:finance"]', 'approvers = ["person:cy"]')


@asynccontextmanager
async def an_office(
    url: str, folder: Path, address: str, toml: str = TOML, policy: str = "production"
) -> AsyncGenerator[SlackWorld]:
    async with Workspace(address) as slack, a_slack_world(url, folder / "data", slack, toml) as office:
        office.world.workshop.policy_of["bell"] = policy
        await office.world.start()
        await slack.connected()
        yield office
        assert await slack.violations() == []


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


async def test_the_card_in_a_channel_mentions_all_who_are_asked_and_nobody_else(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address) as office:
        asked, _ = await asks(office)
        card = await office.card("#ops")

        assert [await is_notified(one) for one in (office.bo, office.cy)] == [[card], [card]]
        await office.world.quiet()
        assert await office.dan.notices() == []
        assert await mentioned(office) == {"bo": 1, "cy": 1}
        assert card.thread == asked.ts


async def test_whoever_it_escalates_to_is_mentioned_below_the_card(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address, ESCALATES) as office:
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


async def test_whom_it_is_handed_on_to_is_mentioned_below_the_card(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address, BO_ALONE) as office:
        await asks(office)
        card = await office.card("#ops", to_press="Hand on…")
        await office.bo.presses("Hand on…", in_=card)
        await office.bo.sees_modal("Reason")
        await office.bo.submits({"To": "Cy Cole", "Reason": "on the train"})

        [line] = await is_notified(office.cy)
        assert "Press bell?" in line.words
        await office.world.quiet()
        assert await mentioned(office) == {"bo": 1, "cy": 1}


async def test_whoever_stands_in_is_mentioned_on_the_card_and_below_it_where_it_stands_already(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address, BO_ALONE) as office:
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


async def test_whoever_decides_the_next_step_is_mentioned_when_it_begins(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address, STEPPED, "spending") as office:
        asked, _ = await asks(office)
        await is_notified(office.bo)
        await office.world.quiet()
        assert await office.cy.notices() == []
        await office.bo.presses("Approve", in_=await office.card("#ops"))

        [line] = await is_notified(office.cy)
        assert line.thread == asked.ts
        await office.world.quiet()
        assert await mentioned(office) == {"bo": 1, "cy": 1}


async def test_who_is_kept_for_a_later_step_is_mentioned_when_that_begins(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    """Bo and Cy decide the first step, and Bo alone the second: his word is needed there."""
    toml = STEPS.replace('approvers = ["person:bo"]', 'approvers = ["person:bo", "person:cy"]')
    toml = toml.replace('approvers = ["group:finance"]', 'approvers = ["person:bo"]')
    async with an_office(redis, tmp_path, slack_address, toml, "spending") as office:
        await asks(office)
        await is_notified(office.cy)
        await office.world.quiet()
        assert await office.bo.notices() == []
        await office.cy.presses("Approve", in_=await office.card("#ops"))

        await is_notified(office.bo)
        await office.world.quiet()
        assert await mentioned(office) == {"bo": 1, "cy": 1}


async def test_with_cards_by_direct_message_nothing_of_the_card_stands_in_the_thread(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    toml = TOML.replace("[policies.pair]\n", '[policies.pair]\ncards = "thread"\n') + '\n[slack]\ncards = "dm"\n'
    async with an_office(redis, tmp_path, slack_address, toml) as office:
        await office.anna.says("#ops", "@sayso press bell")
        cards = [await office.card(f"@{one.name}") for one in (office.bo, office.cy)]

        assert [await is_notified(one) for one in (office.bo, office.cy)] == [[cards[0]], [cards[1]]]
        assert not any("Expires" in one.words for one in await office.slack.messages("#ops"))

        office.world.workshop.policy_of["bell"] = "pair"
        second = await office.anna.says("#ops", "@sayso press bell")
        _, card = await is_notified(office.bo, times=2)
        assert card.thread == second.ts
        assert await mentioned(office) == {"bo": 1, "cy": 1}


async def test_a_direct_message_that_slack_refuses_does_not_put_the_card_into_the_thread(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address, f'{BO_ALONE}\n[slack]\ncards = "dm"\n') as office:
        await office.slack.breaks("conversations.open", "error", error="cannot_dm_bot", times=20)
        await office.anna.says("#ops", "@sayso press bell")

        assert "Press bell" in (await office.world.next_mail("bo")).subject
        assert not any("Expires" in one.words for one in await office.slack.messages("#ops"))
        assert await mentioned(office) == {}


@pytest.mark.parametrize(
    ("kind", "more"),
    [("http_500_after", {}), ("http_500", {}), ("cut", {}), ("ratelimited", {"seconds": 1})],
)
async def test_a_post_of_which_nobody_knows_how_it_ended_notifies_everybody_once(
    redis: str, tmp_path: Path, slack_address: str, kind: str, more: dict[str, int]
) -> None:
    async with an_office(redis, tmp_path, slack_address, ESCALATES) as office, another_worker(office):
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


async def test_who_is_asked_while_the_card_is_on_its_way_is_mentioned_once(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address, BO_ALONE) as office:
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


async def test_no_line_calls_anybody_to_what_is_decided_by_then(redis: str, tmp_path: Path, slack_address: str) -> None:
    async with an_office(redis, tmp_path, slack_address, ESCALATES) as office:
        _, record = await asks(office)
        await is_notified(office.bo)
        await office.world.quiet()
        await office.slack.breaks("chat.postMessage", "http_500", times=100)
        await office.world.move_time(3600 + 60)

        async def is_asked() -> bool:
            return "cy" in (await office.world.request(record.request.id)).request.policy.everybody

        await office.slack.until(is_asked, "it has escalated")
        await office.world.decide(
            "bo", await office.world.request(record.request.id), "deny", "not on <!channel> Friday"
        )
        await office.slack.tell("faults_over")
        told = await office.slack.message(in_="#ops", containing="not on ")
        await office.world.quiet()

        assert await office.cy.notices() == []
        assert "not on &lt;!channel&gt; Friday" in told.text


async def test_words_of_people_mention_nobody_and_the_notification_holds_the_question(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address) as office:
        await office.slack.tell("user_group", id="S0ALL", members=["cy", "dan"])
        asked = "<@U0DAN> <!channel> <!subteam^S0ALL> Which of them? Or all?"
        await office.anna.says("@sayso", f"ask free_text {asked}")
        card = await office.card("@anna")

        assert "&lt;!channel&gt; &lt;!subteam^S0ALL&gt; Which of them? Or all?" in card.text
        assert card.ts in [each.ts for each in await office.anna.notices()]
        await office.world.quiet()
        assert [await one.notices() for one in (office.bo, office.cy, office.dan)] == [[], [], []]


async def test_a_user_group_that_was_emptied_since_stands_for_nobody(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    toml = TOML.replace('groups = ["release"]\n', "") + '\n[groups.release]\nslack = "S0CREW"\n'
    toml = toml.replace("quorum = 2\n", 'quorum = 2\nremind_after = ["1h"]\n')
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, toml) as office:
        await slack.settings(scopes=[*SCOPES, "usergroups:read"])
        await slack.tell("user_group", id="S0CREW", members=["bo", "cy"])
        office.world.workshop.policy_of["bell"] = "pair"
        await office.world.start()
        await slack.connected()
        await asks(office)
        await is_notified(office.bo)
        await office.world.quiet()

        await slack.tell("user_group", id="S0CREW", members=[])
        await office.world.move_time(3600 + 60)

        for one in (office.bo, office.cy):
            await is_notified(one, times=2)
            assert [each.why for each in await one.notices()] == ["mention", "mention"]


@pytest.mark.parametrize("members", [("bo", "cy"), ("bo", "cy", "anna")])
async def test_a_user_group_stands_for_its_members_where_all_of_them_are_asked(
    redis: str, tmp_path: Path, slack_address: str, members: tuple[str, ...]
) -> None:
    toml = TOML.replace('groups = ["release"]\n', "") + '\n[groups.release]\nslack = "S0CREW"\n'
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, toml) as office:
        await slack.settings(scopes=[*SCOPES, "usergroups:read"])
        await slack.tell("user_group", id="S0CREW", members=list(members))
        await office.world.start()
        await slack.connected()
        await asks(office)

        whole = len(members) == 2
        [card], _ = [await is_notified(one) for one in (office.bo, office.cy)]
        assert ("<!subteam^S0CREW>" in card.text, "<@U0BO>" in card.text) == (whole, not whole)
        assert await office.anna.notices() == [each for each in await office.anna.notices() if each.why == "thread"]
        assert await slack.violations() == []


async def test_a_card_that_changes_keeps_the_mention_of_who_is_still_asked(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address, TOML, "pair") as office:
        await asks(office)
        card = await office.card("#ops")
        assert ("<@U0BO>" in card.text, "<@U0CY>" in card.text) == (True, True)
        await office.bo.presses("Approve", in_=card)

        now = await office.becomes(card, "1 of 2")
        assert ("<@U0BO>" in now.text, "<@U0CY>" in now.text) == (False, True)
        assert [len(await one.notices()) for one in (office.bo, office.cy)] == [1, 1]


EVE = '\n[people.eve]\nname = "Eve Eder"\nslack = "U0EVE"\nemail = "eve@corp.example"\ngroups = ["release"]\n'
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


@pytest.mark.parametrize("how", GONE)
async def test_whom_it_escalates_to_is_told_alone_where_the_channel_is_closed_to_them(
    redis: str, tmp_path: Path, slack_address: str, how: str
) -> None:
    async with an_office(redis, tmp_path, slack_address, ESCALATES) as office:
        await asks(office)
        await is_notified(office.bo)
        await office.world.quiet()
        await goes(office, how)

        await office.world.move_time(3600 + 60)

        await is_told_alone(office, how)
        await office.world.quiet()
        assert await mentioned(office) == {"bo": 1}


@pytest.mark.parametrize("how", [*GONE, "restricted_action", "msg_too_long"])
async def test_each_whom_a_reminder_does_not_reach_in_the_thread_gets_a_card_of_their_own(
    redis: str, tmp_path: Path, slack_address: str, how: str
) -> None:
    toml = TOML.replace("quorum = 2\n", 'quorum = 2\nremind_after = ["1h"]\n')
    async with an_office(redis, tmp_path, slack_address, toml, "pair") as office, another_worker(office):
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


async def test_who_came_into_the_directory_by_a_reload_is_mentioned_like_anybody(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address) as office:
        eves = await office.slack.person("eve", id="U0EVE", email="eve@corp.example")
        await asks(office)
        await office.world.quiet()
        await office.slack.channel("ops", eves)
        await becomes(office.world, office.world.toml + EVE)
        second = await office.anna.says("#ops", "@sayso press bell again")

        [card] = await is_notified(eves)
        assert (card.thread, "<@U0EVE>" in card.text) == (second.ts, True)
        await eves.presses("Approve", in_=card)
        await office.becomes(card, "Eve Eder")


@pytest.mark.parametrize("uid", ['uid = "staff-7"\n', ""])
@pytest.mark.parametrize("how", ["in the channel", "by direct message"])
async def test_whose_slack_id_a_reload_changes_is_called_by_the_new_one(
    redis: str, tmp_path: Path, slack_address: str, uid: str, how: str
) -> None:
    toml = BO_ALONE.replace('expires_after = "4h"', 'expires_after = "4h"\nremind_after = ["1h"]', 1)
    toml = toml.replace('name = "Bo Berg"\n', f'name = "Bo Berg"\n{uid}')
    cards = '\n[slack]\ncards = "dm"\n' if how == "by direct message" else ""
    async with an_office(redis, tmp_path, slack_address, toml + cards) as office:
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
        where = "#ops" if how == "in the channel" else "@bo2"
        await anew.presses("Approve", in_=await office.card(where, to_press="Approve"))
        await office.world.has(await office.only_run(), "done")


@pytest.mark.parametrize("how", ["in the channel", "by direct message"])
async def test_attack_whoever_is_in_slack_no_more_waits_for_a_reminder_of_a_card_that_stands_there(
    redis: str, tmp_path: Path, slack_address: str, how: str
) -> None:
    async with an_office(
        redis, tmp_path, slack_address, WITH_UID + (DIRECT if how == "by direct message" else "")
    ) as office:
        await office.anna.says("#ops", "@sayso press bell")
        await is_notified(office.bo)
        await office.world.quiet()

        for _ in range(2):
            await becomes(office.world, office.world.toml.replace('slack = "U0BO"\n', ""))
            await office.world.quiet()

        [card] = office.world.mails("bo")
        await office.world.reply("bo", card, "approve")
        await office.world.has(await office.only_run(), "done")


async def test_attack_a_card_that_was_sent_to_a_slack_id_of_before_waits_there_for_a_reminder(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address, WITH_UID + DIRECT) as office:
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


async def test_a_card_stays_where_it_stands_when_a_reload_names_another_channel_and_the_next_goes_there(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    toml = BO_ALONE.replace('expires_after = "4h"', 'expires_after = "4h"\nalso_post = ["slack:#release"]', 1)
    async with an_office(redis, tmp_path, slack_address, toml) as office:
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


async def test_attack_whoever_has_their_card_in_slack_gets_none_as_slack_is_switched_off(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with an_office(redis, tmp_path, slack_address, policy="pair") as office:
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
