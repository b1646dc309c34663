"""Payloads over Socket Mode: stored before Slack hears that we have them, and otherwise not acknowledged."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from channels import ByUser, Card, ChannelUnavailable, Ignored, Line, Quarantined, Reply, Trigger
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
from tests.kit.acts import acts
from tests.kit.long_turns import expression
from tests.kit.waiting import until

ORDER = "deploy v1 to production"
WHY = "Why? The agent is told."


@pytest.fixture
async def office(slack: Workspace, anna: Person, bo: Person) -> AsyncGenerator[Office]:
    """A channel that is connected, and knows Anna and Bo."""
    async with receiving(office_of(slack, contact(anna), contact(bo))) as office:
        yield office
    assert await slack.violations() == []


@pytest.fixture
async def cy(slack: Workspace, ops: str) -> Person:
    """A stranger who is in #ops as well."""
    cy = await slack.person("cy")
    await slack.tell("member", channel=ops, user=cy.id, is_in=True)
    return cy


async def posted(slack: Workspace, channel: str, card: Any, thread: str = "") -> Message:
    """A card of ours in a Slack channel."""
    shown = cards.message(card, "d1")
    more = {"thread_ts": thread} if thread else {}
    api = Api(slack.bot_token, slack.base_url)
    blocks: Any = [*shown.blocks]
    await api.call("chat.postMessage", channel, channel=channel, text=shown.text, blocks=blocks, **more)
    return await slack.message(in_=channel, containing=card.title)


async def wants(office: Office) -> Trigger:
    reading = await office.read()
    assert isinstance(reading, Trigger), reading
    return reading


async def answers(office: Office) -> Reply:
    reading = await office.read()
    assert isinstance(reading, Reply), reading
    return reading


# ---- what people write


async def test_a_mention_is_stored_once_though_it_comes_as_two_events(
    slack: Workspace, office: Office, anna: Person, ops: str
) -> None:
    said = await anna.says("#ops", "@sayso deploy v1 & tell @bo in #ops, see https://corp.example/a?b=1")
    await slack.settled()

    (inbound,) = await office.stored()
    reading = await wants(office)
    assert len(office.store.came) == 2
    assert inbound.key == f"message:A0APP:T0TEAM:{ops}:{said.ts}"
    assert (inbound.can_wait, inbound.is_answer, inbound.within) == (False, False, "")
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


async def test_words_below_a_message_its_edits_and_its_deletion_are_for_the_run_of_its_thread(
    slack: Workspace, office: Office, anna: Person, ops: str
) -> None:
    said = await anna.says("#ops", "lunch?")
    await anna.answers(said, "at noon")
    (below,) = await office.stored()
    reading = await wants(office)
    assert below.within == f"{ops}/{said.ts}"
    assert (reading.follows, reading.is_addressed, reading.thread) == (True, False, f"{ops}/{said.ts}")

    other = await anna.says("#ops", "no mention, no thread")
    await anna.edits(other, "@sayso now with one")
    _, edit = await office.stored(2)
    reading = await wants(office)
    assert edit.within == f"{ops}/{other.ts}"
    assert (reading.follows, reading.is_edit, reading.text) == (True, True, "now with one")

    asked = await anna.says("#ops", "@sayso deploy v1")
    await anna.deletes(asked)
    *_, wish, _ = await office.stored(4)
    reading = await wants(office)
    assert (reading.deleted, reading.text, reading.is_edit, reading.follows) == (wish.key, "", True, True)
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


async def test_texts_that_are_attached_are_read_and_others_are_named(
    slack: Workspace, office: Office, anna: Person
) -> None:
    files: Any = [{"name": "log.txt", "text": "line ä"}, {"name": "logo.png", "base64": "AAAA"}]
    await anna.says("@sayso", "look at these", files=files)
    text, logo = (await wants(office)).files
    assert (text.name, text.text, text.size_bytes, text.note) == ("log.txt", "line ä", 7, "")
    assert text.content == "line ä".encode()
    assert (logo.name, logo.type, logo.text) == ("logo.png", "image/png", "")
    assert "only its name is known" in logo.note

    granted = (await slack.settings())["scopes"]
    await slack.settings(scopes=[scope for scope in granted if scope != "files:read"])
    await anna.says("@sayso", "look at this", files=files[:1])
    await office.stored(2)
    assert "files:read" in (await wants(office)).files[0].note, "the message is not lost"


# ---- stored, and then acknowledged


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


async def test_a_message_whose_words_take_too_long_to_read_is_stored_all_the_same(
    slack: Workspace, anna: Person, ops: str
) -> None:
    def reads(text: str) -> bool:
        expression()
        return bool(text)

    async with receiving(office_of(slack, contact(anna), is_stop=reads)) as office:
        said = await anna.says("#ops", "@sayso deploy v1")
        below = await anna.says("#ops", "@sayso stop", thread=said)

        items = await office.stored(2)

        assert {each["state"] for each in await slack.settled()} == {"acked"}
        assert [one.key.rpartition(":")[2] for one in items] == [said.ts, below.ts]
        assert [one.stops for one in items] == ["", ""]


async def test_a_press_is_acknowledged_once_it_is_stored_and_its_author_is_told_where_it_is_not(
    slack: Workspace, office: Office, bo: Person, ops: str
) -> None:
    card = await posted(slack, ops, approval())
    office.store.door.clear()
    pressing = asyncio.ensure_future(bo.presses("Approve", in_=card))
    await until(lambda: office.store.came, what="the press arrives")
    assert not pressing.done()
    office.store.door.set()
    assert (await pressing).acked

    await slack.settings(answer_within_s=0.2)
    office.store.fails = True
    assert not (await bo.presses("Deny", in_=card)).acked
    await bo.sees_ephemeral("it may not count")


async def test_a_window_that_could_not_be_stored_stays_open(
    slack: Workspace, office: Office, bo: Person, ops: str
) -> None:
    office.desk.cards[TOKEN] = approval()
    await bo.presses("Deny with reason…", in_=await posted(slack, ops, approval()))
    await bo.sees_modal("Deploy 4f2a to production?")
    await slack.settings(answer_within_s=0.2)
    office.store.fails = True

    sent = await bo.submits({WHY: "Not on a Friday"})

    assert sent["open"]
    assert sent["errors"]


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


# ---- what people press


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
        known=ByUser(user=bo.id, team="T0TEAM", did="pressed", what="Approve"),
        is_shared=True,
        place=f"{ops}/{asked.ts}",
    )

    await slack.settings(revoked=True)
    with pytest.raises(ChannelUnavailable, match="our token was taken back"):
        await office.read()
    await slack.settings(revoked=False)
    assert isinstance(await office.read(), Reply), "it counts once our own token is mended"


async def test_each_answer_is_read_as_what_was_pressed(slack: Workspace, office: Office, bo: Person, ops: str) -> None:
    rows: list[tuple[str, Card, str, str | None, dict[str, Any]]] = [
        (bo.dm, approval(), "Deny", None, {"said": "deny", "is_shared": False, "token": TOKEN}),
        (ops, asking("choice", options=("red", "green")), "green", None, {"said": "free_text", "picks": (2,)}),
        (ops, asking("choice", options=tuple("abcdefg")), "choose", "3. c", {"picks": (3,)}),
    ]
    for number, (place, card, button, value, read) in enumerate(rows, 1):
        message = await posted(slack, place, card)
        await bo.presses(button, in_=message, value=value)
        await office.stored(number)
        reply = await answers(office)
        assert {field: getattr(reply, field) for field in read} == read
        assert reply.place == f"{place}/{message.ts}"


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


async def test_each_answer_is_read_as_what_was_sent_in_its_window(
    slack: Workspace, office: Office, bo: Person, ops: str
) -> None:
    form = asking("form", fields=[{"name": "version"}, {"name": "why"}])
    asks = asking("approval", acts=acts("approve", "deny", "ask")).model_copy(
        update={"title": "Deploy 4f2a to production?"}
    )
    glass = asking("approval", acts=acts("approve", "deny", "break_glass"))
    reason = {"Why this cannot wait": "All are ill"}
    filled = {"version": "v2", "why": "better\nand newer"}
    rows: list[tuple[Card, str, str, dict[str, str], dict[str, Any]]] = [
        (approval(), "Deny with reason…", "Deploy 4f2a", {WHY: "Too late"}, {"said": "deny", "reason": "Too late"}),
        (form, "Answer…", "version", filled, {"said": "free_text", "filled": filled}),
        (asking("free_text"), "Answer…", "Which one?", {"Your answer": "2nd"}, {"said": "free_text", "text": "2nd"}),
        (asks, "Ask…", "Deploy 4f2a", {"Your question to Anna Ames": "Tested?"}, {"said": "ask", "text": "Tested?"}),
        (glass, "Break glass…", "Which one?", reason, {"said": "break_glass", "reason": "All are ill"}),
    ]
    for number, (card, button, title, words, read) in enumerate(rows, 1):
        office.desk.cards[TOKEN] = card
        message = await posted(slack, ops, card)
        assert (await bo.presses(button, in_=message)).acked
        await bo.sees_modal(title)
        assert len(office.store.came) == number - 1
        sent = await bo.submits(words)
        await office.stored(number)
        reply = await answers(office)
        assert (sent["sent"], sent["open"], sent["errors"]) == (True, False, {})
        assert {field: getattr(reply, field) for field in read} == read
        assert (reply.token, reply.is_shared, reply.place) == (TOKEN, True, f"{ops}/{message.ts}")
    assert office.desk.asked[0] == (TOKEN, "bo")


async def test_what_does_not_fit_in_a_form_is_said_at_its_field_and_stored_where_nobody_can_look_at_it_now(
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
    await office.stored()
    assert (await answers(office)).filled == {"version": "v2", "why": "it is better"}

    await bo.presses("Answer…", in_=card)
    await bo.sees_modal("version")
    office.desk.fails = True
    assert not (await bo.submits({"version": "v2", "why": "wrong"}))["open"]
    await office.stored(2)
    assert (await answers(office)).filled == {"version": "v2", "why": "wrong"}


async def test_a_window_that_slack_opens_no_more_is_offered_again_where_it_was_pressed(
    slack: Workspace, office: Office, anna: Person, bo: Person, ops: str
) -> None:
    office.desk.cards[TOKEN] = approval()
    asked = await bo.says("#ops", "the site is slow")
    card = await posted(slack, ops, approval(), asked.ts)
    await slack.breaks("views.open", "error", error="trigger_expired")
    await bo.presses("Deny with reason…", in_=card)
    again = await bo.sees_ephemeral("this one took longer")
    assert (again.thread, office.store.came) == (asked.ts, [])
    await bo.presses("Open it", in_=again)
    await bo.sees_modal("Deploy 4f2a to production?")
    await bo.submits({WHY: "Not on a Friday"})
    reading = await answers(office)
    assert (reading.said, reading.reason, reading.token) == ("deny", "Not on a Friday", TOKEN)
    assert (reading.is_shared, reading.place) == (True, f"{ops}/{asked.ts}")

    await anna.opens_home()
    await anna.sees_home("Ask sayso…")
    await slack.breaks("views.open", "error", error="expired_trigger_id")
    await anna.presses("Ask sayso…", in_=HOME)
    await anna.presses("Open it", in_=await slack.message(in_="@anna", containing="this one took longer"))
    await anna.sees_modal("What should be done?")

    await slack.breaks("views.open", "error", error="expired_trigger_id")
    await anna.uses_shortcut("ask_about", on=asked)
    assert (await anna.sees_ephemeral("use the shortcut on the message again")).buttons == []
    assert len(office.store.came) == 1


@pytest.mark.long
async def test_a_long_list_is_read_page_by_page_in_its_window(
    slack: Workspace, office: Office, bo: Person, ops: str
) -> None:
    lines = [f"{number:07x} Small change {'x' * 90} (Anna)" for number in range(2_000)]
    changes = Line(label="Changes", text="2000 commits, newest first:", lines=2_000, whole="\n".join(lines))
    office.desk.cards[TOKEN] = approval(facts=(changes,))
    card = await posted(slack, ops, approval(facts=(changes.model_copy(update={"whole": ""}),)))

    await bo.presses("More…", in_=card)
    seen = [(await bo.sees_modal("Page 1 of")).words]
    count = int(seen[0].partition("Page 1 of ")[2].split()[0])
    for number in range(2, count + 1):
        await bo.presses("Next page")
        seen.append((await bo.sees_modal(f"Page {number} of")).words)
    await bo.presses("Previous page")

    assert (await bo.sees_modal(f"Page {count - 1} of")).words == seen[-2]
    assert [line for line in lines if line not in "\n".join(seen)] == []
    assert office.store.came == []


async def test_a_window_says_why_there_is_nothing_to_answer(
    slack: Workspace, office: Office, bo: Person, cy: Person, ops: str
) -> None:
    card = await posted(slack, ops, approval())
    await cy.presses("Deny with reason…", in_=card)
    await cy.sees_modal("You are not in sayso's directory, so nothing was counted")
    assert office.desk.asked == []

    await bo.presses("Deny with reason…", in_=card)
    await bo.sees_modal("none of ours")
    office.desk.fails = True
    await bo.presses("Deny with reason…", in_=card)
    await bo.sees_modal("can't look it up")
    office.desk.fails, office.desk.cards[TOKEN] = False, approval(form=None, summary="Cy has approved it.")
    await bo.presses("Deny with reason…", in_=card)
    await bo.sees_modal("nothing here that you can")


async def test_who_is_no_full_member_any_more_is_seen_when_a_window_is_sent(slack: Workspace, ops: str) -> None:
    changed = {"guest": "guest", "single_channel_guest": "guest", "deleted": "deactivated", "bot": "bot"}
    people = {change: await slack.person(f"p{number}") for number, change in enumerate(changed)}
    async with receiving(office_of(slack, *map(contact, people.values()))) as office:
        office.desk.cards[TOKEN] = approval()
        card = await posted(slack, ops, approval())
        for number, (change, person) in enumerate(people.items(), 1):
            await slack.tell("member", channel=ops, user=person.id, is_in=True)
            await person.presses("Deny with reason…", in_=card)
            await person.sees_modal("Deploy 4f2a to production?")
            now: dict[str, Any] = {change: True}
            await slack.person(person.name, id=person.id, **now)
            await person.submits({WHY: "Not on a Friday"})
            await office.stored(number)
            reading = await office.read()
            assert isinstance(reading, Quarantined)
            assert changed[change] in reading.notice


# ---- commands, shortcuts, the home


async def test_a_command_starts_a_thread_that_is_not_there_yet_or_explains_itself_to_its_author_alone(
    slack: Workspace, office: Office, anna: Person, cy: Person, ops: str
) -> None:
    await anna.commands("/sayso", " ", in_="#ops")
    await anna.sees_ephemeral("Write what you want after it")
    office.desk.can_be_asked = "- deploy: deploys <!channel>. Such as: “deploy v1.2.0 to production”"
    assert (await anna.commands("/sayso", "Help", in_="#ops")).acked
    told = await anna.sees_ephemeral("- deploy: deploys <!channel>.")
    assert "<!channel>" not in told.text
    assert (office.store.came, await slack.messages("#ops")) == ([], [])

    assert (await anna.commands("/sayso", "deploy v1", in_="#ops")).acked
    await anna.sees_ephemeral("On it.")
    reading = await wants(office)
    assert reading.thread.startswith(f"{ops}/~")
    assert (reading.text, reading.person, reading.follows, reading.room) == ("deploy v1", "anna", False, ops)

    assert (await cy.commands("/sayso", "deploy v1", in_="#ops")).acked
    await office.stored(2)
    assert isinstance(await office.read(), Quarantined)
    assert await cy.ephemerals() == [], "no word before the one that says who is not in the directory"


async def test_a_shortcut_on_a_complete_order_asks_nothing_and_names_its_writer(
    slack: Workspace, office: Office, anna: Person, bo: Person, ops: str
) -> None:
    said = await bo.says("#ops", ORDER)
    assert (await anna.uses_shortcut("ask_about", on=said)).acked
    reading = await wants(office)
    assert (reading.person, reading.text, reading.others) == ("anna", ORDER, ("bo",))
    assert (reading.quotes, reading.weakness) == (True, "it quotes a message that somebody else wrote")
    assert (reading.thread, reading.follows, reading.room) == (f"{ops}/{said.ts}", False, ops)
    assert await anna.modals() == []

    await anna.uses_shortcut("ask_about", on=await anna.says("#ops", ORDER))
    await office.stored(2)
    reading = await wants(office)
    assert (reading.others, reading.quotes, reading.weakness) == ((), False, ""), "nobody else is behind one's own"


async def test_a_shortcut_asks_about_a_message_that_is_no_order_or_may_be_something_else(
    slack: Workspace, office: Office, anna: Person, bo: Person, cy: Person, ops: str
) -> None:
    by_app = await posted(slack, ops, approval(title=ORDER))
    with_file = await bo.says("#ops", ORDER, files=[{"name": "why.txt", "text": "no"}])
    said = await bo.says("#ops", "the site is <slow> & red")
    for message in (await cy.says("#ops", ORDER), by_app, with_file, said):
        assert (await anna.uses_shortcut("ask_about", on=message)).acked

    async def all_asked() -> bool:
        return len(await slack.calls("views.open")) == 4

    await slack.until(all_asked, "a window about each of them")
    assert office.store.came == []

    await anna.sees_modal("the site is <slow> & red")
    await anna.submits({"What should be done?": "Find out why"})

    reading = await wants(office)
    assert reading.text == ("Find out why\n\nIt is about this message from Slack, quoted:\n> the site is <slow> & red")
    assert (reading.others, reading.weakness) == (("bo",), "it quotes a message that somebody else wrote")
    assert (reading.thread, reading.follows, reading.room) == (f"{ops}/{said.ts}", False, ops)


async def test_the_app_home_is_drawn_when_it_is_opened_and_takes_a_wish(
    slack: Workspace, office: Office, anna: Person
) -> None:
    office.desk.cards[TOKEN] = approval()
    await anna.opens_home()
    await anna.sees_home("Waiting on you: Deploy 4f2a to production?")

    await anna.presses("Ask sayso…", in_=HOME)
    await anna.sees_modal("What should be done?")
    await anna.submits({"What should be done?": "deploy v1"})

    reading = await wants(office)
    assert reading.thread.startswith(f"{anna.id}/~")
    assert (reading.text, reading.room) == ("deploy v1", "")


# ---- strangers


async def test_a_strangers_press_and_wish_are_held_and_their_talk_and_home_are_nothing(
    slack: Workspace, office: Office, anna: Person, cy: Person, ops: str
) -> None:
    office.desk.cards[TOKEN] = approval()
    await cy.opens_home()
    assert "Deploy" not in (await cy.sees_home("You are not in sayso's directory")).words

    card = await posted(slack, ops, approval())
    await cy.presses("Approve", in_=card)
    reading = await office.read()
    assert isinstance(reading, Quarantined)
    assert (reading.stranger, reading.claims, reading.person, reading.token) == (cy.id, cy.id, "", TOKEN)
    assert reading.place == f"{ops}/{card.ts}"
    assert "nothing was counted" in reading.notice

    said = await anna.says("#ops", "@sayso deploy v1")
    await office.stored(2)
    await cy.answers(said, "a fine day for it")
    await office.stored(3)
    assert isinstance(await office.read(), Ignored)
    await cy.answers(said, "@sayso deploy v2")
    await office.stored(4)
    assert isinstance(await office.read(), Quarantined)


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
