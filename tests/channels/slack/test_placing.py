"""One message once, wherever an answer is lost and whoever dies in between."""

import asyncio
from itertools import product

import pytest

from channels import Address, ChannelError, ChannelRefused, ChannelUnavailable
from channels.slack import cards
from channels.slack.members import Members
from channels.slack.placing import Placing, Spot
from channels.slack.rate_limit import Paced, Rates
from channels.slack.sender import SlackSender
from tests.channels.slack.outgoing import CARD, DONE, MemoryMarks, a_sender, direct, paced, shared
from tests.fakes.slack.driver import Message, Person, Workspace
from tests.kit.long import few_of

LOST = ["not_json", "half_after", "no_object_after"]


@pytest.fixture
async def asked(anna: Person, ops: str) -> Message:
    """The message that began a thread in #ops."""
    assert ops
    return await anna.says("#ops", "@sayso deploy v1.2.0 to production")


@pytest.fixture
def marks() -> MemoryMarks:
    return MemoryMarks()


def there(asked: Message) -> Address:
    return shared(asked.channel, f"{asked.channel}/{asked.ts}")


async def lost(slack: Workspace, asked: Message, sender: SlackSender, kind: str = "cut_after") -> None:
    """The answer to a post of this sender is lost."""
    await slack.breaks("chat.postMessage", kind)
    with pytest.raises(ChannelUnavailable):
        await sender.send(CARD, there(asked), "s0d-1")


@pytest.mark.parametrize("kind", LOST)
async def test_a_post_whose_answer_was_lost_is_there_once(
    slack: Workspace, bo: Person, asked: Message, marks: MemoryMarks, kind: str
) -> None:
    await lost(slack, asked, a_sender(slack, bo, marks=marks), kind)

    delivery = await a_sender(slack, bo, marks=marks).send(CARD, there(asked), "s0d-1")
    assert await a_sender(slack, bo, marks=marks).send(CARD, there(asked), "s0d-1") == delivery, "and stays the same"

    cards_there = (await slack.messages(asked))[1:]
    assert [f"{card.channel}/{card.ts}" for card in cards_there] == [delivery.handle]
    assert await slack.violations() == []


async def test_whatever_goes_wrong_twice_each_message_is_there_once(
    slack: Workspace, bo: Person, asked: Message, marks: MemoryMarks
) -> None:
    kinds = ["cut", "cut_after", "http_500_after", "error", "ratelimited"]
    for number, (first, second) in enumerate(product(kinds, repeat=2)):
        await slack.breaks("chat.postMessage", first)
        await slack.breaks("chat.postMessage", second)
        await slack.breaks("conversations.replies", first)
        await sent_in_the_end(slack, bo, asked, marks, f"s0d-{number}")

    shown = (await slack.messages(asked))[1:]
    assert len(shown) == len(kinds) ** 2
    assert await slack.violations() == []


async def sent_in_the_end(slack: Workspace, bo: Person, asked: Message, marks: MemoryMarks, key: str) -> None:
    """Each try is made by another process."""
    for _ in range(6):
        try:
            await a_sender(slack, bo, marks=marks).send(CARD, there(asked), key)
        except ChannelError:
            continue
        return
    raise AssertionError(f"{key} was never sent")


@pytest.mark.parametrize(("kind", "posts"), few_of([("hang", 2), ("hang_after", 1)], 0, rows=True))
async def test_a_post_that_was_never_answered_is_there_once(
    slack: Workspace, bo: Person, marks: MemoryMarks, kind: str, posts: int
) -> None:
    sender = a_sender(slack, bo, marks=marks, timeout_s=1)
    await slack.breaks("chat.postMessage", kind)
    with pytest.raises(ChannelUnavailable):
        await sender.send(CARD, direct(bo), "s0d-1")

    await sender.send(CARD, direct(bo), "s0d-1")

    assert len(await slack.messages("@bo")) == 1
    assert len(await slack.calls("chat.postMessage")) == posts


async def test_another_key_is_another_message_and_what_was_never_in_doubt_is_not_looked_up(
    slack: Workspace, bo: Person, asked: Message
) -> None:
    sender = a_sender(slack, bo)

    sent = [await sender.send(CARD, there(asked), key) for key in ("s0d-1", "s0d-2", "s0d-3")]
    await sender.update(sent[0], DONE, "s0o-1")

    assert len({each.handle for each in sent}) == 3
    assert await slack.calls("conversations.replies") == []


async def test_who_died_before_the_post_is_followed_by_who_posts(
    slack: Workspace, bo: Person, asked: Message, marks: MemoryMarks
) -> None:
    await slack.breaks("chat.postMessage", "hang")
    dying = asyncio.create_task(a_sender(slack, bo, marks=marks).send(CARD, there(asked), "s0d-1"))

    async def under_way() -> bool:
        return bool(await slack.calls("chat.postMessage"))

    await slack.until(under_way, "the call is under way")
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)

    await a_sender(slack, bo, marks=marks).send(CARD, there(asked), "s0d-1")

    assert len(await slack.messages(asked)) == 2
    assert len(await slack.calls("conversations.replies")) == 1


async def test_a_message_is_found_behind_many_others(
    slack: Workspace, anna: Person, asked: Message, marks: MemoryMarks
) -> None:
    for number in range(205):
        await anna.answers(asked, f"line {number}")
    sender = a_sender(slack, marks=marks)
    await lost(slack, asked, sender)

    await sender.send(CARD, there(asked), "s0d-1")

    assert len(await slack.calls("conversations.replies")) == 2
    assert len(await slack.calls("chat.postMessage")) == 1


async def test_what_slack_refused_is_not_looked_up(
    slack: Workspace, bo: Person, asked: Message, marks: MemoryMarks
) -> None:
    await slack.breaks("chat.postMessage", "error", error="restricted_action")
    with pytest.raises(ChannelRefused):
        await a_sender(slack, bo, marks=marks).send(CARD, there(asked), "s0d-1")

    await a_sender(slack, bo, marks=marks).send(CARD, there(asked), "s0d-1")

    assert await slack.calls("conversations.replies") == []
    assert len(await slack.messages(asked)) == 2


async def test_a_message_refused_again_and_again_is_there_once_in_the_end(
    slack: Workspace, bo: Person, asked: Message, marks: MemoryMarks
) -> None:
    sender = a_sender(slack, bo, marks=marks)
    await slack.breaks("chat.postMessage", "error", error="restricted_action", times=12)
    await slack.breaks("chat.postMessage", "cut_after")
    for _ in range(13):
        with pytest.raises(ChannelError):
            await sender.send(CARD, there(asked), "s0d-1")

    delivery = await sender.send(CARD, there(asked), "s0d-1")
    assert len(await slack.messages(asked)) == 2

    await a_sender(slack, bo).send(CARD, there(asked), "s0d-1")
    await sender.update(delivery, DONE, "s0o-1")
    assert [message.buttons for message in await slack.messages(asked)] == [[], [], []]


async def test_an_unclear_look_is_no_reason_to_post(
    slack: Workspace, bo: Person, asked: Message, marks: MemoryMarks
) -> None:
    sender = a_sender(slack, bo, marks=marks)
    await slack.breaks("chat.postMessage", "cut_after")
    await slack.breaks("conversations.replies", "http_500", times=2)
    for _ in range(3):
        with pytest.raises(ChannelUnavailable):
            await sender.send(CARD, there(asked), "s0d-1")

    await sender.send(CARD, there(asked), "s0d-1")

    assert len(await slack.messages(asked)) == 2
    assert len(await slack.calls("chat.postMessage")) == 1


async def test_of_doubles_the_first_stays_and_the_others_are_closed(
    slack: Workspace, bo: Person, asked: Message, marks: MemoryMarks
) -> None:
    await a_sender(slack, bo).send(CARD, there(asked), "s0d-1")
    sender = a_sender(slack, bo, marks=marks)
    await lost(slack, asked, sender)

    delivery = await sender.send(CARD, there(asked), "s0d-1")

    _, first, second = await slack.messages(asked)
    assert delivery.handle == f"{first.channel}/{first.ts}"
    assert first.buttons != []
    assert second.buttons == []
    assert second.text == "This was sent twice by mistake. The other one counts."
    assert await slack.violations() == []


async def test_a_double_that_turns_up_late_is_closed_with_the_next_update(
    slack: Workspace, bo: Person, asked: Message, marks: MemoryMarks
) -> None:
    sender = a_sender(slack, bo, marks=marks)
    await lost(slack, asked, sender, "cut")
    delivery = await sender.send(CARD, there(asked), "s0d-1")
    await a_sender(slack, bo).send(CARD, there(asked), "s0d-1")

    await sender.update(delivery, DONE, "s0o-1")
    await sender.update(delivery, DONE, "s0o-2")

    _, first, late = await slack.messages(asked)
    assert first.words == "Approved by Bo"
    assert late.buttons == []
    assert late.versions == 1, "closed once"
    assert await slack.violations() == []


async def test_who_goes_elsewhere_after_a_lost_answer_leaves_nothing_to_press_behind(
    slack: Workspace, bo: Person, asked: Message, marks: MemoryMarks
) -> None:
    sender = a_sender(slack, bo, marks=marks)
    await lost(slack, asked, sender)

    await sender.send(CARD, direct(bo), "s0d-1")

    assert [message.buttons for message in (await slack.messages(asked))[1:]] == [[]]
    assert [message.buttons for message in await slack.messages("@bo")] != [[]]


async def test_who_was_put_out_of_a_channel_after_a_lost_answer_goes_elsewhere(
    slack: Workspace, bo: Person, asked: Message, marks: MemoryMarks
) -> None:
    sender = a_sender(slack, bo, marks=marks)
    await lost(slack, asked, sender)
    await slack.tell("member", channel="ops", user=slack.bot, is_in=False)

    with pytest.raises(ChannelRefused, match="sayso is not a member of #ops"):
        await sender.send(CARD, there(asked), "s0d-1")
    await sender.send(CARD, direct(bo), "s0d-1")

    assert len(await slack.messages("@bo")) == 1


def a_placing(api: Paced, marks: MemoryMarks) -> Placing:
    return Placing(api, marks, Members(api, lambda: 0.0), lambda: 1_000_000.0)


async def test_whoever_is_sent_back_from_a_long_line_has_tried_nothing_and_looks_nothing_up(
    slack: Workspace, ops: str, marks: MemoryMarks
) -> None:
    api, shown = paced(slack, rates=Rates(line_s=0.0)), cards.message(CARD, "x")
    placing = a_placing(api, marks)

    async with api.turn_to_post(ops):
        with pytest.raises(ChannelUnavailable, match="many are before this one"):
            await placing.place(shown, Spot(ops), "s0d-1")
        assert marks.words == {}

    await slack.breaks("chat.postMessage", "cut_after")
    with pytest.raises(ChannelUnavailable):
        await placing.place(shown, Spot(ops), "s0d-1")
    async with api.turn_to_post(ops):
        with pytest.raises(ChannelUnavailable, match="many are before this one"):
            await placing.place(shown, Spot(ops), "s0d-1")
        assert await slack.calls("conversations.history") == []

    assert await placing.place(shown, Spot(ops), "s0d-1") == (await slack.messages("#ops"))[0].ts
    assert len(await slack.calls("chat.postMessage")) == 1


async def test_of_two_at_once_one_posts_and_the_other_comes_again(slack: Workspace, ops: str) -> None:
    marks, shown = Together(), cards.message(CARD, "x")
    processes = [a_placing(paced(slack), marks) for _ in range(2)]

    found = await asyncio.gather(*(one.place(shown, Spot(ops), "s0d-1") for one in processes), return_exceptions=True)
    again = await processes[0].place(shown, Spot(ops), "s0d-1")

    assert again in found
    assert [isinstance(each, ChannelUnavailable) for each in found].count(True) == 1
    assert len(await slack.messages("#ops")) == 1


@pytest.mark.parametrize("may_delete", [True, False])
async def test_who_posts_only_after_others_did_in_their_place_leaves_nothing_to_press(
    slack: Workspace, ops: str, *, may_delete: bool
) -> None:
    if not may_delete:
        await slack.breaks("chat.delete", "error", error="cant_delete_message")
    marks, shown, done = Late(), cards.message(CARD, "x"), cards.message(DONE, "x")
    late, other = (a_placing(paced(slack), marks) for _ in range(2))
    stands_still = asyncio.create_task(late.place(shown, Spot(ops), "s0d-1"))
    await marks.noted.wait()
    ts = await other.place(shown, Spot(ops), "s0d-1")
    await other.update(done, ops, ts, "s0d-1")

    marks.goes_on.set()

    assert await stands_still == ts
    there = await slack.messages("#ops")
    assert there[0].ts == ts
    assert [message.buttons for message in there] == [[]] * (1 if may_delete else 2)


class Late(MemoryMarks):
    """The first one to note a try stands still before it is made."""

    def __init__(self) -> None:
        super().__init__()
        self.noted, self.goes_on = asyncio.Event(), asyncio.Event()

    async def put_if_absent(self, key: str, value: str, days: int = 60) -> str:
        found = await super().put_if_absent(key, value, days)
        if key == "post s0d-1 1" and not self.noted.is_set():
            self.noted.set()
            await self.goes_on.wait()
        return found


class Together(MemoryMarks):
    """Two look at the same moment whether somebody has tried before."""

    def __init__(self) -> None:
        super().__init__()
        self._both = asyncio.Barrier(2)

    async def get(self, key: str) -> str | None:
        value = await super().get(key)
        if value is None and key == "post s0d-1 1":
            await self._both.wait()
        return value
