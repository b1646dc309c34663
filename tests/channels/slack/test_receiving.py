"""Payloads over Socket Mode: stored before Slack hears that we have them, and otherwise not acknowledged."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from channels import ChannelUnavailable, Contact, Ignored, Line, Quarantined, Reply, Trigger
from channels.slack import cards
from channels.slack.api import Api
from channels.slack.inbound import Stored, sort
from language import speaking
from tests.channels.slack.receiving import (
    NOON,
    TOKEN,
    Office,
    approval,
    asking,
    contact,
    office_of,
    receiving,
)
from tests.fakes.slack.driver import HOME, Message, Person, Workspace
from tests.kit.long import few_of
from tests.kit.waiting import until


@pytest.fixture
async def office(slack: Workspace, anna: Person, bo: Person) -> AsyncGenerator[Office]:
    """A channel that is connected, and knows Anna and Bo."""
    async with receiving(office_of(slack, contact(anna), contact(bo))) as office:
        yield office
    assert await slack.violations() == []


async def posted(slack: Workspace, channel: str, card: Any, thread: str = "") -> Message:
    """A card of ours in a Slack channel."""
    shown = cards.message(card, "d1")
    more = {"thread_ts": thread} if thread else {}
    api = Api(slack.bot_token, slack.base_url)
    blocks: Any = [*shown.blocks]
    await api.call("chat.postMessage", channel, channel=channel, text=shown.text, blocks=blocks, **more)
    return await slack.message(in_=channel, containing=card.title)


async def test_a_mention_is_stored_once_though_it_comes_as_two_events(
    slack: Workspace, office: Office, anna: Person, ops: str
) -> None:
    said = await anna.says("#ops", "@sayso deploy v1 & tell @bo in #ops, see https://corp.example/a?b=1")
    await slack.settled()

    (inbound,) = await office.stored()
    reading = await office.read()
    assert len(office.store.came) == 2
    assert inbound.key == f"message:A0APP:T0TEAM:{ops}:{said.ts}"
    assert (inbound.can_wait, inbound.is_answer, inbound.within) == (False, False, "")
    assert isinstance(reading, Trigger)
    assert reading.text == "deploy v1 & tell @Bo in #ops, see https://corp.example/a?b=1"
    assert (reading.person, reading.thread, reading.room) == ("anna", f"{ops}/{said.ts}", ops)
    assert (reading.follows, reading.is_addressed, reading.place) == (False, True, f"{ops}/")


async def test_half_a_character_does_no_harm(office: Office, anna: Person) -> None:
    event = {"type": "message", "channel": "D1", "channel_type": "im", "user": anna.id, "ts": "1.2"}
    body: dict[str, Any] = {"type": "event_callback", "event": event | {"text": "v1 \ud83d"}}
    stored = sort(body, NOON)

    assert isinstance(stored, Stored)
    reading = await office.channel.read(stored.inbound)
    assert isinstance(reading, Trigger)
    assert reading.text == "v1 ?"


async def test_a_word_in_a_thread_waits_for_whether_the_thread_is_known(
    slack: Workspace, office: Office, anna: Person, ops: str
) -> None:
    said = await anna.says("#ops", "lunch?")
    await anna.answers(said, "at noon")
    await slack.settled()

    (inbound,) = await office.stored()
    reading = await office.read()
    assert inbound.within == f"{ops}/{said.ts}"
    assert isinstance(reading, Trigger)
    assert (reading.follows, reading.is_addressed, reading.thread) == (True, False, f"{ops}/{said.ts}")


async def test_an_edit_is_for_the_run_in_whose_thread_it_stands_and_begins_none(
    slack: Workspace, office: Office, anna: Person, ops: str
) -> None:
    said = await anna.says("#ops", "no mention, no thread")
    await anna.edits(said, "@sayso now with one")
    await slack.settled()

    (inbound,) = await office.stored()
    reading = await office.read()
    assert inbound.within == f"{ops}/{said.ts}"
    assert isinstance(reading, Trigger)
    assert (reading.follows, reading.is_edit, reading.text) == (True, True, "now with one")


async def test_a_deletion_names_the_message_that_it_was(
    slack: Workspace, office: Office, anna: Person, ops: str
) -> None:
    said = await anna.says("#ops", "@sayso deploy v1")
    await anna.deletes(said)
    await slack.settled()

    asked, deleted = await office.stored(2)
    reading = await office.channel.read(deleted)
    assert isinstance(reading, Trigger)
    assert (reading.deleted, reading.text, reading.is_edit, reading.follows) == (asked.key, "", True, True)
    assert (reading.person, reading.place) == ("anna", f"{ops}/")


async def test_deletions_joins_bots_and_our_own_words_are_nothing(
    slack: Workspace, office: Office, anna: Person, ops: str
) -> None:
    said = await anna.says("#ops", "no mention, no thread")
    await anna.deletes(said)
    await (await slack.person("cy")).joins("#ops")
    await Api(slack.bot_token, slack.base_url).call("chat.postMessage", ops, channel=ops, text="<@U0BOT> mine")

    assert {each["state"] for each in await slack.settled()} == {"acked"}
    assert office.store.came == []


async def test_a_message_that_could_not_be_stored_comes_again(slack: Workspace, office: Office, anna: Person) -> None:
    await slack.settings(answer_within_s=0.2, retry_after_s=[0.05] * 100)
    office.store.fails = True
    await anna.says("@sayso", "deploy v1")
    await until(lambda: len(office.store.came) > 2, what="it comes again")
    assert office.store.kept == {}

    office.store.fails = False
    (inbound,) = await office.stored()
    assert (await slack.settled())[0]["state"] == "acked"
    assert set(office.store.came) == {inbound.key}


async def test_a_press_that_could_not_be_stored_is_not_acknowledged_and_its_author_is_told(
    slack: Workspace, office: Office, bo: Person, ops: str
) -> None:
    await slack.settings(answer_within_s=0.2)
    card = await posted(slack, ops, approval())
    office.store.fails = True

    pressed = await bo.presses("Approve", in_=card)

    assert not pressed.acked
    await bo.sees_ephemeral("it may not count")


async def test_nothing_is_acknowledged_before_it_is_stored(
    slack: Workspace, office: Office, bo: Person, ops: str
) -> None:
    card = await posted(slack, ops, approval())
    office.store.door.clear()
    pressing = asyncio.ensure_future(bo.presses("Approve", in_=card))
    await until(lambda: office.store.came, what="the press arrives")
    assert not pressing.done()

    office.store.door.set()

    assert (await pressing).acked


async def test_a_press_says_who_and_where(slack: Workspace, office: Office, bo: Person, ops: str) -> None:
    asked = await bo.says("#ops", "hello")
    card = await posted(slack, ops, approval(), asked.ts)

    assert (await bo.presses("Approve", in_=card)).acked

    (inbound,) = await office.stored()
    assert (inbound.is_answer, inbound.can_wait) == (True, False)
    assert inbound.key.startswith("action:")
    assert await office.read() == Reply(
        person="bo",
        token=TOKEN,
        said="approve",
        text="approve",
        evidence=f"Slack user {bo.id} of team T0TEAM pressed Approve",
        is_shared=True,
        place=f"{ops}/{asked.ts}",
    )


async def test_what_is_pressed_in_a_dm_is_not_shared(slack: Workspace, office: Office, bo: Person) -> None:
    card = await posted(slack, bo.dm, approval())

    await bo.presses("Deny", in_=card)

    reading = await office.read()
    assert isinstance(reading, Reply)
    assert (reading.said, reading.is_shared, reading.place) == ("deny", False, f"{bo.dm}/{card.ts}")


async def test_choices_come_as_numbers(slack: Workspace, office: Office, bo: Person, ops: str) -> None:
    card = await posted(slack, ops, asking("choice", options=("red", "green")))

    await bo.presses("green", in_=card)

    reading = await office.read()
    assert isinstance(reading, Reply)
    assert (reading.said, reading.picks, reading.text, reading.token) == ("free_text", (2,), "2", TOKEN)


async def test_a_choice_from_a_menu_comes_as_its_number(slack: Workspace, office: Office, bo: Person, ops: str) -> None:
    card = await posted(slack, ops, asking("choice", options=tuple("abcdefg")))

    await bo.presses("choose", in_=card, value="3. c")

    reading = await office.read()
    assert isinstance(reading, Reply)
    assert reading.picks == (3,)


async def test_in_the_app_home_what_is_chosen_on_this_card_is_sent_and_on_no_other(office: Office, bo: Person) -> None:
    menus = {
        "one": {"pick": {"type": "multi_static_select", "selected_options": [{"value": "other-card 1"}]}},
        "two": {"pick": {"type": "multi_static_select", "selected_options": [{"value": f"{TOKEN} 2"}]}},
    }
    body: dict[str, Any] = {
        "type": "block_actions",
        "trigger_id": "1.2.3",
        "user": {"id": bo.id, "team_id": "T0TEAM"},
        "container": {"type": "view", "view_id": "V1"},
        "view": {"id": "V1", "type": "home", "state": {"values": menus}},
        "actions": [{"action_id": "send", "value": TOKEN}],
    }

    stored = sort(body, NOON)
    assert isinstance(stored, Stored)
    reading = await office.channel.read(stored.inbound)
    assert isinstance(reading, Reply)
    assert (reading.picks, reading.token) == ((2,), TOKEN)


async def test_a_denial_with_a_reason_goes_through_a_window(
    slack: Workspace, office: Office, bo: Person, ops: str
) -> None:
    office.desk.cards[TOKEN] = approval()
    card = await posted(slack, ops, approval())

    assert (await bo.presses("Deny with reason…", in_=card)).acked
    await bo.sees_modal("Deploy 4f2a to production?")
    assert office.store.came == []
    sent = await bo.submits({"Why? The agent is told.": "Not on a Friday"})

    reading = await office.read()
    assert (sent["sent"], sent["open"], sent["errors"]) == (True, False, {})
    assert isinstance(reading, Reply)
    assert (reading.said, reading.reason, reading.token) == ("deny", "Not on a Friday", TOKEN)
    assert (reading.is_shared, reading.place) == (True, f"{ops}/{card.ts}")
    assert office.desk.asked == [(TOKEN, "bo")]


async def test_a_window_that_could_not_be_stored_stays_open(
    slack: Workspace, office: Office, bo: Person, ops: str
) -> None:
    office.desk.cards[TOKEN] = approval()
    card = await posted(slack, ops, approval())
    await bo.presses("Deny with reason…", in_=card)
    await bo.sees_modal("Deploy 4f2a to production?")
    await slack.settings(answer_within_s=0.2)
    office.store.fails = True

    sent = await bo.submits({"Why? The agent is told.": "Not on a Friday"})

    assert sent["open"]
    assert sent["errors"]


async def test_a_form_is_filled_in_in_a_window(slack: Workspace, office: Office, bo: Person, ops: str) -> None:
    form = asking("form", fields=[{"name": "version"}, {"name": "why"}])
    office.desk.cards[TOKEN] = form
    card = await posted(slack, ops, form)

    await bo.presses("Answer…", in_=card)
    await bo.sees_modal("version")
    await bo.submits({"version": "v2", "why": "it is better\nand newer"})

    reading = await office.read()
    assert isinstance(reading, Reply)
    assert reading.filled == {"version": "v2", "why": "it is better\nand newer"}
    assert reading.said == "free_text"


async def test_what_does_not_fit_in_a_form_is_said_at_its_field_and_nothing_is_stored(
    slack: Workspace, office: Office, bo: Person, ops: str
) -> None:
    form = asking("form", fields=[{"name": "version"}, {"name": "why"}])
    office.desk.cards[TOKEN], office.desk.wrong = form, {"why": "it says nothing"}
    card = await posted(slack, ops, form)
    await bo.presses("Answer…", in_=card)
    await bo.sees_modal("version")

    sent = await bo.submits({"version": "v2", "why": "wrong"})

    assert (sent["open"], sent["errors"]) == (True, {"field.2.why": "it says nothing"})
    assert office.store.came == []
    assert not (await bo.submits({"why": "it is better"}))["open"]
    reading = await office.read()
    assert isinstance(reading, Reply)
    assert reading.filled == {"version": "v2", "why": "it is better"}


async def test_a_form_that_nobody_can_look_at_now_is_stored_and_looked_at_later(
    slack: Workspace, office: Office, bo: Person, ops: str
) -> None:
    form = asking("form", fields=[{"name": "why"}])
    office.desk.cards[TOKEN], office.desk.wrong = form, {"why": "it says nothing"}
    card = await posted(slack, ops, form)
    await bo.presses("Answer…", in_=card)
    await bo.sees_modal("why")
    office.desk.fails = True

    assert not (await bo.submits({"why": "wrong"}))["open"]

    reading = await office.read()
    assert isinstance(reading, Reply)
    assert reading.filled == {"why": "wrong"}


async def test_an_answer_is_written_in_a_window(slack: Workspace, office: Office, bo: Person, ops: str) -> None:
    question = asking("free_text")
    office.desk.cards[TOKEN] = question
    card = await posted(slack, ops, question)

    await bo.presses("Answer…", in_=card)
    await bo.sees_modal("Which one?")
    await bo.submits({"Your answer": "The second one"})

    reading = await office.read()
    assert isinstance(reading, Reply)
    assert (reading.said, reading.text) == ("free_text", "The second one")


@pytest.mark.parametrize("error", ["expired_trigger_id", "trigger_expired"])
async def test_a_window_that_slack_opens_no_more_is_offered_again_where_it_was_pressed(
    slack: Workspace, office: Office, bo: Person, ops: str, error: str
) -> None:
    office.desk.cards[TOKEN] = approval()
    asked = await bo.says("#ops", "hello")
    card = await posted(slack, ops, approval(), asked.ts)
    await slack.breaks("views.open", "error", error=error)

    await bo.presses("Deny with reason…", in_=card)
    again = await bo.sees_ephemeral("this one took longer")
    assert (again.thread, office.store.came) == (asked.ts, [])
    await bo.presses("Open it", in_=again)
    await bo.sees_modal("Deploy 4f2a to production?")
    await bo.submits({"Why? The agent is told.": "Not on a Friday"})

    reading = await office.read()
    assert isinstance(reading, Reply)
    assert (reading.said, reading.reason, reading.token) == ("deny", "Not on a Friday", TOKEN)
    assert (reading.is_shared, reading.place) == (True, f"{ops}/{asked.ts}")


async def test_a_window_of_the_home_is_offered_again_in_a_direct_message(
    slack: Workspace, office: Office, anna: Person
) -> None:
    await anna.opens_home()
    await anna.sees_home("Ask sayso…")
    await slack.breaks("views.open", "error", error="expired_trigger_id")

    await anna.presses("Ask sayso…", in_=HOME)
    await anna.presses("Open it", in_=await slack.message(in_="@anna", containing="this one took longer"))

    await anna.sees_modal("What should be done?")


async def test_a_shortcut_that_slack_waited_for_too_long_is_to_be_used_again(
    slack: Workspace, office: Office, anna: Person, ops: str
) -> None:
    said = await anna.says("#ops", "the site is slow")
    await slack.breaks("views.open", "error", error="expired_trigger_id")

    await anna.uses_shortcut("ask_about", on=said)

    assert (await anna.sees_ephemeral("use the shortcut on the message again")).buttons == []
    assert office.store.came == []


async def test_details_show_the_complete_arguments(slack: Workspace, office: Office, bo: Person, ops: str) -> None:
    office.desk.cards[TOKEN] = approval(exact="first" + "x" * 5_000 + "last")
    card = await posted(slack, ops, approval())

    await bo.presses("Details", in_=card)

    await bo.sees_modal("last")
    assert office.store.came == []


@pytest.mark.long
async def test_a_long_list_is_read_page_by_page_in_its_window(
    slack: Workspace, office: Office, bo: Person, ops: str
) -> None:
    lines = [f"{number:07x} Small change {'x' * 90} (Anna)" for number in range(2_000)]
    changes = Line(label="Changes", text="2000 commits, newest first:", lines=2_000, whole="\n".join(lines))
    office.desk.cards[TOKEN] = approval(facts=(changes,))
    card = await posted(slack, ops, approval(facts=(changes.model_copy(update={"whole": ""}),)))

    await bo.presses("Details", in_=card)
    seen = [(await bo.sees_modal("Page 1 of")).words]
    count = int(seen[0].partition("Page 1 of ")[2].split()[0])
    for number in range(2, count + 1):
        await bo.presses("Next page")
        seen.append((await bo.sees_modal(f"Page {number} of")).words)
    await bo.presses("Previous page")

    assert (await bo.sees_modal(f"Page {count - 1} of")).words == seen[-2]
    assert [line for line in lines if line not in "\n".join(seen)] == []
    assert office.store.came == []


@pytest.mark.parametrize(
    ("what", "says"),
    [("refused", "none of ours"), ("away", "can't look it up"), ("closed", "nothing here that you can")],
)
async def test_a_window_says_why_there_is_nothing_to_answer(
    slack: Workspace, office: Office, bo: Person, ops: str, what: str, says: str
) -> None:
    office.desk.fails = what == "away"
    if what == "closed":
        office.desk.cards[TOKEN] = approval(form=None, summary="Cy has approved it.")
    card = await posted(slack, ops, approval())

    await bo.presses("Deny with reason…", in_=card)

    await bo.sees_modal(says)


async def test_a_stranger_is_told_in_the_window(slack: Workspace, office: Office, bo: Person, ops: str) -> None:
    cy = await slack.person("cy")
    await slack.tell("member", channel=ops, user=cy.id, is_in=True)
    card = await posted(slack, ops, approval())

    await cy.presses("Deny with reason…", in_=card)

    await cy.sees_modal("You are not in sayso's directory, so nothing was counted")
    assert office.desk.asked == []


async def test_a_strangers_press_is_kept_and_held(slack: Workspace, office: Office, ops: str) -> None:
    cy = await slack.person("cy")
    await slack.tell("member", channel=ops, user=cy.id, is_in=True)
    card = await posted(slack, ops, approval())

    await cy.presses("Approve", in_=card)

    reading = await office.read()
    assert isinstance(reading, Quarantined)
    assert (reading.stranger, reading.claims, reading.person, reading.token) == (cy.id, cy.id, "", TOKEN)
    assert reading.place == f"{ops}/{card.ts}"
    assert "nothing was counted" in reading.notice


async def test_a_press_counts_once_our_own_token_is_mended(
    slack: Workspace, office: Office, bo: Person, ops: str
) -> None:
    card = await posted(slack, ops, approval())
    await bo.presses("Approve", in_=card)
    await office.stored(1)

    await slack.settings(revoked=True)
    with pytest.raises(ChannelUnavailable, match="our token was taken back"):
        await office.read()
    await slack.settings(revoked=False)

    assert isinstance(await office.read(), Reply)


async def test_of_strangers_who_talk_among_themselves_nothing_is_kept_and_none_is_told_off(
    slack: Workspace, office: Office, anna: Person, ops: str
) -> None:
    cy = await slack.person("cy")
    await slack.tell("member", channel=ops, user=cy.id, is_in=True)
    said = await anna.says("#ops", "@sayso deploy v1")
    await office.stored()

    await cy.answers(said, "a fine day for it")
    await office.stored(2)
    assert isinstance(await office.read(), Ignored)
    await cy.answers(said, "@sayso deploy v2")
    await office.stored(3)
    assert isinstance(await office.read(), Quarantined)


@pytest.mark.parametrize(
    ("changes", "word"),
    few_of(
        [
            ({"guest": True}, "guest"),
            ({"single_channel_guest": True}, "guest"),
            ({"deleted": True}, "deactivated"),
            ({"bot": True}, "bot"),
        ],
        0,
        rows=True,
    ),
)
async def test_who_is_no_full_member_any_more_is_seen_when_a_window_is_sent(
    slack: Workspace, office: Office, bo: Person, ops: str, changes: dict[str, Any], word: str
) -> None:
    office.desk.cards[TOKEN] = approval()
    card = await posted(slack, ops, approval())
    await bo.presses("Deny with reason…", in_=card)
    await bo.sees_modal("Deploy 4f2a to production?")

    await slack.person("bo", id=bo.id, **changes)
    await bo.submits({"Why? The agent is told.": "Not on a Friday"})

    reading = await office.read()
    assert isinstance(reading, Quarantined)
    assert word in reading.notice


async def test_somebody_of_another_workspace_counts_only_if_listed(slack: Workspace, bo: Person) -> None:
    zoe = await slack.person("zoe", team="T0ELSE")
    yan = await slack.person("yan", team="T0ELSE")
    shared = await slack.channel("shared", bo, zoe, yan, slack.bot, shared=True)
    async with receiving(office_of(slack, contact(zoe))) as office:
        card = await posted(slack, shared, approval())

        await zoe.presses("Approve", in_=card)
        listed = await office.read()
        await yan.presses("Approve", in_=card)
        await office.stored(2)
        stranger = await office.read()

    assert isinstance(listed, Reply)
    assert "of team T0ELSE" in listed.evidence
    assert isinstance(stranger, Quarantined)


async def test_a_command_starts_a_thread_that_is_not_there_yet(
    slack: Workspace, office: Office, anna: Person, ops: str
) -> None:
    handled = await anna.commands("/sayso", "deploy v1", in_="#ops")

    reading = await office.read()
    assert handled.acked
    await anna.sees_ephemeral("On it.")
    assert isinstance(reading, Trigger)
    assert reading.thread.startswith(f"{ops}/~")
    assert (reading.text, reading.person, reading.follows, reading.room) == ("deploy v1", "anna", False, ops)


async def test_a_command_without_words_explains_itself(
    slack: Workspace, office: Office, anna: Person, ops: str
) -> None:
    await anna.commands("/sayso", " ", in_="#ops")

    await anna.sees_ephemeral("Write what you want after it")
    assert office.store.came == []


async def test_help_is_told_to_whoever_asks_for_it_alone(
    slack: Workspace, office: Office, anna: Person, ops: str
) -> None:
    office.desk.can_be_asked = "- deploy: deploys <!channel>. Such as: “deploy v1.2.0 to production”"

    assert (await anna.commands("/sayso", "Help", in_="#ops")).acked

    told = await anna.sees_ephemeral("- deploy: deploys <!channel>.")
    assert "<!channel>" not in told.text
    assert office.store.came == []
    assert await slack.messages("#ops") == []


async def test_whoever_is_not_in_the_directory_gets_no_word_on_a_command_before_the_one_that_says_so(
    slack: Workspace, office: Office, ops: str
) -> None:
    cy = await slack.person("cy")
    await slack.tell("member", channel=ops, user=cy.id, is_in=True)

    assert (await cy.commands("/sayso", "deploy v1", in_="#ops")).acked

    assert isinstance(await office.read(), Quarantined)
    assert await cy.ephemerals() == []


async def test_a_shortcut_on_a_complete_order_asks_nothing_and_names_its_writer(
    slack: Workspace, office: Office, anna: Person, bo: Person, ops: str
) -> None:
    said = await bo.says("#ops", "deploy v1 to production")

    assert (await anna.uses_shortcut("ask_about", on=said)).acked

    reading = await office.read()
    assert isinstance(reading, Trigger)
    assert (reading.person, reading.text, reading.others) == ("anna", "deploy v1 to production", ("bo",))
    assert (reading.quotes, reading.weakness) == (True, "it quotes a message that somebody else wrote")
    assert (reading.thread, reading.follows, reading.room) == (f"{ops}/{said.ts}", False, ops)
    assert await anna.modals() == []


async def test_one_s_own_order_has_nobody_else_behind_it(office: Office, anna: Person, ops: str) -> None:
    said = await anna.says("#ops", "deploy v1 to production")

    await anna.uses_shortcut("ask_about", on=said)

    reading = await office.read()
    assert isinstance(reading, Trigger)
    assert (reading.others, reading.quotes, reading.weakness) == ((), False, "")


@pytest.mark.parametrize("who", ["a stranger", "an app", "with a file"])
async def test_an_order_that_may_be_something_else_is_asked_about(
    slack: Workspace, office: Office, anna: Person, bo: Person, ops: str, who: str
) -> None:
    order = "deploy v1 to production"
    cy = await slack.person("cy")
    await slack.tell("member", channel=ops, user=cy.id, is_in=True)
    match who:
        case "a stranger":
            said = await cy.says("#ops", order)
        case "an app":
            said = await posted(slack, ops, approval(title=order))
        case _:
            said = await bo.says("#ops", order, files=[{"name": "why.txt", "text": "no"}])

    await anna.uses_shortcut("ask_about", on=said)

    await anna.sees_modal("What should be done?")
    assert office.store.came == []


async def test_a_shortcut_asks_about_a_message(slack: Workspace, office: Office, anna: Person, ops: str) -> None:
    said = await anna.says("#ops", "the site is <slow> & red")

    assert (await anna.uses_shortcut("ask_about", on=said)).acked
    await anna.sees_modal("the site is <slow> & red")
    await anna.submits({"What should be done?": "Find out why"})

    reading = await office.read()
    assert isinstance(reading, Trigger)
    assert reading.text == ("Find out why\n\nIt is about this message from Slack, quoted:\n> the site is <slow> & red")
    assert (reading.thread, reading.follows, reading.room) == (f"{ops}/{said.ts}", False, ops)


@pytest.mark.usefixtures("ops")
async def test_what_a_german_asks_about_a_message_is_begun_in_german(slack: Workspace, anna: Person) -> None:
    german = Contact(id="anna", name="Anna Ames", slack=anna.id, language="de")
    said = await anna.says("#ops", "the site is slow")
    async with receiving(office_of(slack, german)) as office:
        await anna.uses_shortcut("ask_about", on=said)
        await anna.sees_modal("Was soll getan werden?")
        await anna.submits({"Was soll getan werden?": "Sieh nach"})

        reading = await office.read()

    assert isinstance(reading, Trigger)
    assert reading.text == "Sieh nach\n\nEs geht um diese Nachricht aus Slack, zitiert:\n> the site is slow"


async def test_the_app_home_is_drawn_when_it_is_opened_and_takes_a_wish(
    slack: Workspace, office: Office, anna: Person
) -> None:
    office.desk.cards[TOKEN] = approval()
    await anna.opens_home()
    await anna.sees_home("Waiting on you: Deploy 4f2a to production?")

    await anna.presses("Ask sayso…", in_=HOME)
    await anna.sees_modal("What should be done?")
    await anna.submits({"What should be done?": "deploy v1"})

    reading = await office.read()
    assert isinstance(reading, Trigger)
    assert reading.thread.startswith(f"{anna.id}/~")
    assert (reading.text, reading.room) == ("deploy v1", "")


async def test_a_stranger_sees_no_overview(slack: Workspace, office: Office) -> None:
    cy = await slack.person("cy")
    office.desk.cards[TOKEN] = approval()

    await cy.opens_home()

    home = await cy.sees_home("You are not in sayso's directory")
    assert "Deploy" not in home.words


async def test_a_stranger_reads_the_language_of_the_installation_and_the_record_is_english(slack: Workspace) -> None:
    cy = await slack.person("cy")
    async with receiving(office_of(slack, language="de")) as office:
        await cy.opens_home()
        await cy.sees_home("Sie stehen nicht im Verzeichnis von sayso, daher wurde nichts vorbereitet.")

        await cy.says("@sayso", "deploy v1")

        await office.stored()
        with speaking("de"):
            reading = await office.read()
    assert isinstance(reading, Quarantined)
    assert "daher wurde nichts gestartet" in reading.notice
    assert "You are not in sayso's directory" in reading.reasons[0]


async def test_texts_that_are_attached_are_read_and_others_are_named(
    slack: Workspace, office: Office, anna: Person
) -> None:
    files = [{"name": "log.txt", "text": "line ä"}, {"name": "logo.png", "base64": "AAAA"}]
    await anna.says("@sayso", "look at these", files=files)

    reading = await office.read()
    assert isinstance(reading, Trigger)
    log, logo = reading.files
    assert (log.name, log.text, log.size_bytes, log.note) == ("log.txt", "line ä", 7, "")
    assert log.content == "line ä".encode()
    assert (logo.name, logo.type, logo.text) == ("logo.png", "image/png", "")
    assert "only its name is known" in logo.note


async def test_a_file_that_may_not_be_read_loses_no_message(slack: Workspace, office: Office, anna: Person) -> None:
    granted = (await slack.settings())["scopes"]
    await slack.settings(scopes=[scope for scope in granted if scope != "files:read"])
    await anna.says("@sayso", "look at this", files=[{"name": "log.txt", "text": "line"}])

    reading = await office.read()
    assert isinstance(reading, Trigger)
    assert "files:read" in reading.files[0].note


async def test_what_is_under_way_is_acknowledged_when_the_channel_leaves(
    slack: Workspace, bo: Person, ops: str
) -> None:
    office = office_of(slack, contact(bo))
    task = asyncio.ensure_future(office.channel.receive(office.store.accept, office.desk))
    await slack.connected()
    card = await posted(slack, ops, approval())
    office.store.door.clear()
    pressing = asyncio.ensure_future(bo.presses("Approve", in_=card))
    await until(lambda: office.store.came, what="the press arrives")

    task.cancel()
    office.store.door.set()

    assert (await pressing).acked
    with contextlib.suppress(asyncio.CancelledError):
        await task

    async def is_alone() -> bool:
        return await slack.see("connections") == []

    await until(is_alone, what="Slack sees that we have left")
