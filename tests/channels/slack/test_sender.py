"""Cards on their way out: in a thread, in a DM, in a place that a policy names, for one person alone; and changed."""

import asyncio
import time

import pytest

from channels import Address, Card, ChannelRefused, ChannelUnauthorized, ChannelUnavailable, Placement
from channels.slack.members import KEEPS_S, Members
from channels.slack.sender import Clocks, SlackSender
from tests.channels.slack.outgoing import (
    AT,
    CARD,
    DONE,
    FORM,
    Clock,
    MemoryMarks,
    People,
    a_sender,
    contact,
    direct,
    paced,
    shared,
)
from tests.fakes.slack.driver import Message, Person, Workspace
from tests.kit.acts import stop


@pytest.fixture
async def asked(anna: Person, ops: str) -> Message:
    """The message that began a thread in #ops."""
    assert ops
    return await anna.says("#ops", "@sayso deploy v1.2.0 to production")


def within(asked: Message) -> str:
    return f"{asked.channel}/{asked.ts}"


async def test_a_card_stands_in_the_thread_and_nowhere_else(slack: Workspace, bo: Person, asked: Message) -> None:
    to = shared(asked.channel, within(asked))

    delivery = await a_sender(slack, bo).send(CARD, to, "s0d-1")

    card = (await slack.messages(asked))[-1]
    assert delivery == Placement(key="s0d-1", address=to, handle=f"{asked.channel}/{card.ts}")
    assert card.thread == asked.ts
    assert card.buttons == ["Approve", "Deny", "More…", "Deny with reason…"]
    assert card.text.startswith(CARD.title)
    sent = (await slack.calls("chat.postMessage"))[-1]["args"]
    assert "reply_broadcast" not in sent
    assert (sent["unfurl_links"], sent["unfurl_media"]) == ("false", "false")
    assert "s0d-x" not in sent["metadata"], "a token stands in buttons only"
    assert await slack.violations() == []


async def test_a_card_in_a_dm_opens_it_once_and_may_go_into_a_thread_there(slack: Workspace, bo: Person) -> None:
    sender = a_sender(slack, bo)
    said = await bo.says("@sayso", "deploy v1.2.0")

    first = await sender.send(CARD, direct(bo), "s0d-1")
    await sender.send(CARD, direct(bo), "s0d-2")
    await sender.send(CARD, direct(bo, f"{bo.dm}/{said.ts}"), "s0d-3")

    _, one, other, within_said = sorted(await slack.messages("@bo"), key=lambda message: message.ts)
    assert (one.thread, other.thread, within_said.thread) == (one.ts, other.ts, said.ts)
    assert first.handle.startswith(f"{bo.dm}/")
    assert len(await slack.calls("conversations.open")) == 1
    assert await slack.violations() == []


async def test_a_card_changes_where_it_stands(slack: Workspace, bo: Person, asked: Message) -> None:
    sender, to = a_sender(slack, bo), shared(asked.channel, within(asked))
    delivery = await sender.send(CARD, to, "s0d-1")
    stops = DONE.model_copy(update={"form": FORM.model_copy(update={"acts": stop()})})

    for number, (card, words, buttons) in enumerate(
        [
            (stops, "Approved by Bo", ["Stop"]),
            (Card(title="Running: deploy", at=AT, is_line=True), "Running: deploy", []),
            (DONE, "Approved by Bo", []),
            (DONE, "Approved by Bo", []),
        ]
    ):
        await sender.update(delivery, card, f"s0o-{number}")
        _, now = await slack.messages(asked)
        assert (now.words.split("\n")[0], now.buttons) == (words, buttons)

    gone = Placement(key="s0d-1", address=to, handle=f"{asked.channel}/1.000001")
    with pytest.raises(ChannelRefused, match="the message in #ops is gone"):
        await sender.update(gone, DONE, "s0o-9")
    assert await slack.violations() == []


async def test_a_card_whose_update_slack_puts_off_shows_what_stands_by_then(
    slack: Workspace, bo: Person, asked: Message
) -> None:
    sender = a_sender(slack, bo)
    delivery = await sender.send(CARD, shared(asked.channel, within(asked)), "s0d-1")
    await slack.breaks("chat.update", "ratelimited", seconds=4)

    async def newest() -> Card:
        return DONE

    await sender.update(delivery, CARD, "s0o-1", newest)

    assert (await slack.messages(asked))[-1].words == "Approved by Bo"


def place(name: str, thread: str = "") -> Address:
    return Address(channel="slack", person="", to=name, thread=thread)


async def test_a_place_is_found_by_its_name_once_it_is_there(slack: Workspace, asked: Message) -> None:
    await slack.channel("release", slack.bot)
    await slack.channel("secret", slack.bot, private=True)
    sender = a_sender(slack)

    for number, name in enumerate(("#release", "#release", "#secret")):
        await sender.send(CARD, place(name, within(asked)), f"s0d-{number}")
    assert len(await slack.calls("conversations.list")) == 1
    assert [m.thread == m.ts for m in await slack.messages("#release")] == [True, True], "no thread of another channel"
    assert len(await slack.messages("#secret")) == 1

    with pytest.raises(ChannelRefused, match="Slack knows no #later"):
        await sender.send(CARD, place("#later"), "s0d-3")
    await slack.channel("later", slack.bot)
    await sender.send(CARD, place("#later"), "s0d-3")
    assert len(await slack.messages("#later")) == 1
    assert await slack.violations() == []


async def test_a_refusal_makes_us_ask_again_who_is_there(
    slack: Workspace, bo: Person, ops: str, asked: Message
) -> None:
    sender = a_sender(slack, bo)
    assert await sender.address(contact(bo), within(asked)) == shared(ops, within(asked))
    await slack.tell("member", channel="ops", user=slack.bot, is_in=False)
    with pytest.raises(ChannelRefused):
        await sender.send(CARD, shared(ops, within(asked)), "s0d-1")

    assert await sender.address(contact(bo), within(asked)) == direct(bo)


async def refusal(slack: Workspace, to: Address, *people: Person) -> str:
    with pytest.raises((ChannelRefused, ChannelUnauthorized)) as refused:
        await a_sender(slack, *people).send(CARD, to, "s0d-1")
    return str(refused.value)


async def test_what_slack_refuses_is_a_sentence_that_names_the_place_as_people_do(
    slack: Workspace, anna: Person, bo: Person, asked: Message
) -> None:
    secret = await slack.channel("secret", anna, private=True)
    await slack.channel("release", anna)
    await slack.channel("old", anna, archived=True)
    told = {name: await refusal(slack, place(name)) for name in ("#release", "#old", "#secret", secret)}
    assert told["#release"].startswith("sayso is not a member of #release. Write `/invite @sayso` there")
    assert told["#old"].startswith("#old is archived")
    for name in ("#secret", secret):
        assert told[name].startswith(f"Slack knows no {name}, or sayso may not see it")

    for error, sentence in {
        "missing_scope": "the app lacks the scope chat:write",
        "restricted_action": "a workspace setting keeps sayso from writing in #ops",
        "invalid_auth": "Slack does not take our token",
        "token_revoked": "our token was taken back",
        "msg_too_long": "Slack takes no message so long",
    }.items():
        await slack.breaks("chat.postMessage", "error", error=error, needed="chat:write" * (error == "missing_scope"))
        assert (await refusal(slack, shared(asked.channel, within(asked)))).startswith(sentence)
    await slack.breaks("chat.postMessage", "error", error="restricted_action")
    assert "keeps sayso from writing in direct messages with them" in await refusal(slack, direct(bo), bo)


async def test_somebody_who_can_not_be_written_to_is_a_sentence(slack: Workspace, bo: Person) -> None:
    gone = await slack.person("gone", deleted=True)
    robo, nobody = await slack.person("robo", bot=True), await slack.person("nobody", stranger=True)
    assert "is deactivated in Slack" in await refusal(slack, direct(gone), gone)
    assert "is a bot and reads no messages" in await refusal(slack, direct(robo), robo)
    assert "Slack knows nobody with the id" in await refusal(slack, direct(nobody), nobody)

    sender = a_sender(slack, bo)
    await sender.send(CARD, direct(bo), "s0d-1")
    await slack.person("bo", deleted=True)
    with pytest.raises(ChannelRefused, match=f"{bo.id} is deactivated in Slack"):
        await sender.send(CARD, direct(bo), "s0d-2")
    assert len(await slack.messages("@bo")) == 1


async def test_a_thread_that_does_not_exist_is_begun_with_what_it_is_about(
    slack: Workspace, bo: Person, ops: str
) -> None:
    sender, to = a_sender(slack, bo), shared(ops, f"{ops}/~s0r-abc")

    first = await sender.send(CARD.model_copy(update={"topic": "deploy v1.2.0 <!channel>"}), to, "s0d-1")
    again = await sender.send(DONE, to, "s0o-2")

    root, *others = await slack.messages("#ops")
    assert first.address.thread == again.address.thread == f"{ops}/{root.ts}", "the name that Slack gives it"
    assert root.words == "deploy v1.2.0 <!channel>"
    assert [message.thread for message in others] == [root.ts, root.ts]
    assert root.text == "deploy v1.2.0 &lt;!channel&gt;"
    assert await slack.violations() == []


async def test_two_who_begin_the_same_thread_at_once_begin_one(slack: Workspace, bo: Person, ops: str) -> None:
    marks, to = MemoryMarks(), shared(ops, f"{ops}/~s0r-abc")
    one, other = [waiting_for_real(slack, marks) for _ in range(2)]
    await slack.breaks("chat.postMessage", "slow", seconds=0.4)

    await asyncio.gather(one.send(CARD, to, "s0d-1"), other.send(CARD, to, "s0d-2"))

    root, *cards = await slack.messages("#ops")
    assert [message.thread for message in cards] == [root.ts, root.ts]
    assert len(await slack.calls("chat.postMessage")) == 3
    assert await slack.violations() == []


async def test_who_begins_a_thread_far_too_slowly_takes_it_back(slack: Workspace, bo: Person, ops: str) -> None:
    marks, to = MemoryMarks(), shared(ops, f"{ops}/~s0r-abc")
    await slack.breaks("chat.postMessage", "slow", seconds=60)
    slow = asyncio.create_task(a_sender(slack, bo, marks=marks).send(CARD, to, "s0d-1"))

    async def under_way() -> bool:
        return bool(await slack.calls("chat.postMessage"))

    await slack.until(under_way, "the slow one is under way")
    await a_sender(slack, bo, marks=marks).send(CARD, to, "s0d-2")
    await slack.moves_clock(60)
    await slow

    root, *cards = await slack.messages("#ops")
    assert [message.thread for message in cards] == [root.ts, root.ts]
    assert len(await slack.calls("chat.delete")) == 1
    assert await slack.violations() == []


async def test_a_root_whose_answer_was_lost_is_found_again(slack: Workspace, bo: Person, ops: str) -> None:
    sender, to = a_sender(slack, bo), shared(ops, f"{ops}/~s0r-abc")
    await slack.breaks("chat.postMessage", "cut_after")

    with pytest.raises(ChannelUnavailable):
        await sender.send(CARD, to, "s0d-1")
    await sender.send(CARD, to, "s0d-1")

    root, card = await slack.messages("#ops")
    assert card.thread == root.ts


async def test_words_for_one_person_are_seen_by_that_person_alone(slack: Workspace, bo: Person, asked: Message) -> None:
    only = direct(bo).model_copy(update={"to": f"only:{within(asked)}"})
    sender = a_sender(slack, bo)

    delivery = await sender.send(Card(title="Only group release may approve this", at=AT), only, "s0o-1")

    seen = await bo.sees_ephemeral("Only group release")
    assert seen.raw["thread_ts"] == asked.ts
    assert len(await slack.messages("#ops")) == 1
    with pytest.raises(ChannelRefused, match="to one person alone"):
        await sender.update(delivery, DONE, "s0o-2")
    assert await slack.violations() == []


async def test_words_for_one_person_reach_that_person_where_they_are_and_nobody_else(
    slack: Workspace, anna: Person, bo: Person, asked: Message
) -> None:
    by_id = Address(channel="slack", person="", to=f"only:{asked.channel}/:{bo.id}")
    await a_sender(slack).send(Card(title="You are not in the directory", at=AT), by_id, "s0o-1")
    assert (await bo.sees_ephemeral("not in the directory")).raw["thread_ts"] is None

    cy = await slack.person("cy")
    with pytest.raises(ChannelRefused, match="they are not a member of #ops"):
        await a_sender(slack, cy).send(CARD, direct(cy).model_copy(update={"to": f"only:{within(asked)}"}), "s0o-2")

    await a_sender(slack, bo).send(CARD, direct(bo).model_copy(update={"to": f"only:{bo.dm}/"}), "s0o-3")
    assert (len(await slack.messages("@bo")), len(await bo.ephemerals())) == (1, 1), "in a DM it is a message"

    with pytest.raises(ChannelRefused):
        await a_sender(slack, anna, bo).send(CARD, direct(bo).model_copy(update={"to": f"only:{anna.dm}/"}), "s0o-4")
    assert await slack.messages("@anna") == []


LINE = Card(title="Running: Deploy v1.2.0", at=AT, is_line=True, is_busy=True)
WAITING = LINE.model_copy(update={"title": "Waiting for Bo", "is_busy": False})


async def statuses(slack: Workspace, count: int = 1) -> list[tuple[str, str]]:
    """(thread, status) of all calls, as soon as there are so many."""

    async def found() -> list[tuple[str, str]] | None:
        calls = [call["args"] for call in await slack.calls("agents.sessions.setStatus")]
        return [(each["thread_ts"], each["status"]) for each in calls] if len(calls) >= count else None

    return await slack.until(found, f"{count} statuses")


async def test_slack_shows_that_something_is_being_done(slack: Workspace, bo: Person, asked: Message) -> None:
    sender, to = a_sender(slack, bo), shared(asked.channel, within(asked))

    line = await sender.send(LINE, to, "s0d-1")
    assert await statuses(slack) == [(asked.ts, "processing")]
    await sender.send(CARD, to, "s0d-2")
    await sender.update(line, WAITING, "s0o-3")
    assert await statuses(slack, 2) == [(asked.ts, "processing"), (asked.ts, "active")]

    await sender.send(LINE, shared(asked.channel, f"{asked.channel}/~s0r-abc"), "s0d-4")
    root = (await slack.messages("#ops"))[-2]
    assert (await statuses(slack, 3))[-1] == (root.ts, "processing"), "in a thread that we begin it stands as well"
    assert await slack.violations() == []


async def test_a_line_does_not_wait_for_its_status_and_the_last_one_wanted_is_shown_last(
    slack: Workspace, bo: Person, asked: Message
) -> None:
    sender = a_sender(slack, bo)
    await slack.breaks("agents.sessions.setStatus", "slow", seconds=1)

    line = await sender.send(LINE, shared(asked.channel, within(asked)), "s0d-1")
    for card in (WAITING, LINE, WAITING):
        await sender.update(line, card, "s0o-3")

    assert (await slack.now((await slack.messages(asked))[-1])).words == "Waiting for Bo"
    assert await statuses(slack, 2) == [(asked.ts, "processing"), (asked.ts, "active")]
    await slack.breaks("agents.sessions.setStatus", "cut")
    await sender.update(line, LINE, "s0o-4")
    assert (await statuses(slack, 3))[-1] == (asked.ts, "processing"), "what can't be shown fails no line"


async def test_where_slack_has_no_such_status_it_is_asked_once(
    slack: Workspace, bo: Person, anna: Person, asked: Message
) -> None:
    await slack.settings(agent=False)
    other = await anna.says("#ops", "@sayso roll back")
    sender = a_sender(slack, bo)

    await sender.send(LINE, shared(asked.channel, within(asked)), "s0d-1")
    await statuses(slack)
    await sender.send(LINE, shared(asked.channel, within(other)), "s0d-2")

    assert len(await statuses(slack)) == 1


def waiting_for_real(slack: Workspace, marks: MemoryMarks) -> SlackSender:
    """A process whose time passes as everybody's."""
    api = paced(slack)
    return SlackSender(api, Members(api, time.monotonic), marks, People([]), Clocks())


async def test_where_another_company_reads_a_line_stands_and_a_card_only_where_it_may_and_says_so(
    slack: Workspace, bo: Person, ops: str, asked: Message
) -> None:
    await slack.channel("ops", shared=True)
    to = shared(ops, within(asked))

    with pytest.raises(ChannelRefused, match=r"People of another company read #ops. .*slack:#ops"):
        await a_sender(slack, bo).send(CARD, to, "s0d-1")
    await a_sender(slack, bo).send(LINE, to, "s0d-2")
    assert [message.words for message in await slack.messages(asked)][1:] == [LINE.title]

    for number, named in enumerate(("#ops", ops), 3):
        sender = a_sender(slack, bo, shared_channels=(named,))
        delivery = await sender.send(CARD, to, f"s0d-{number}")
        placed = await slack.message(in_=asked, containing=CARD.title)
        await sender.update(delivery, DONE, f"s0o-{number}")
        for words in (placed.words, (await slack.now(placed)).words):
            assert "People of another company read this channel." in words
    assert await slack.violations() == []


async def test_a_card_in_a_channel_that_is_shared_later_becomes_a_line(
    slack: Workspace, anna: Person, bo: Person, ops: str
) -> None:
    asked, clock = await anna.says("#ops", "deploy v1.2.0"), Clock(slack)
    sender = a_sender(slack, bo, clock=clock)
    delivery = await sender.send(CARD, shared(ops, f"{ops}/{asked.ts}"), "s0d-1")
    await slack.channel("ops", shared=True)
    await clock.moves(KEEPS_S + 1)

    await sender.update(delivery, CARD.model_copy(update={"summary": "1 of 2"}), "s0o-1")

    [_, now] = await slack.messages(asked)
    assert (now.words, now.buttons) == (CARD.title, [])
