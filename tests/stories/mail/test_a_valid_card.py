"""Whoever may decide by mail has one card that counts, at every moment, and no mail says of another that it does."""

import random
from datetime import timedelta
from typing import Any

import pytest

from agents.requests import Binding, DeliveryId
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from bot.config.data_dir import DataDir
from bot.policy.answers import Statement
from bot.policy.approvers.who import who_of
from bot.policy.judge import MOST_NOTED, judge
from bot.policy.judgements import Counted, Decided
from bot.requests.tokens import Tokens
from bot.store.outbox_entry import Delivery
from channels.email.local.letters import Letter
from tests.bot.examples import answer
from tests.kit.long import few_of
from tests.kit.waiting import until
from tests.kit.world import World
from tests.stories.mail.test_consent import approved, card_for, write

OLD = timedelta(hours=2)


def cards(world: World, person: str = "bo") -> list[Letter]:
    """The mails in somebody's mailbox that bring a card which can be answered, oldest first."""
    return [each for each in world.mails(person) if each.reply_to and "+" in each.reply_to]


async def stray(world: World, card: Letter, text: str = "Sounds good!", **changes: Any) -> Letter:
    """Bo's consent to something else, sent to the address of `card`; returns what he is told."""
    before = len(world.mails("bo"))
    at = world.about_now()
    await write(world, card.reply_to, text, at=changes.pop("at", at), **changes)
    return (await until(lambda: world.mails("bo")[before:], what="Bo is told"))[0]


async def counts(world: World, record: RequestRecord, card: Letter) -> bool:
    """Whether an approval would count that answers `card`."""
    tokens = Tokens(DataDir(world.settings().data_dir).keys(world.settings()))
    delivery_id = tokens.read((card.reply_to or "").partition("+")[2].partition("@")[0])
    body = await world.app.store.delivery(delivery_id or "")
    placed, stands = Delivery.model_validate_json(body or b""), await world.request(record.request.id)
    meant = answer(
        placed.person, "approve", channel="email", at=await world.now(), revision=placed.revision,
        digest=placed.digest, card=DeliveryId(placed.id),
    )  # fmt: skip
    return isinstance(judge(stands, meant), Counted | Decided)


async def test_another_card_of_the_same_question_has_its_title_and_subject_but_for_the_code(world: World) -> None:
    _, card = await card_for(world)

    await stray(world, card)
    again = cards(world)[-1]

    stem, _, code = again.subject.rpartition(" ")
    assert stem == card.subject.rpartition(" ")[0]
    assert code != card.subject.rpartition(" ")[2]
    assert again.references.split()[0] == card.references.split()[0]
    assert "\nPress bell?\n" in again.text


@pytest.mark.long
async def test_whoever_answers_without_end_in_front_of_others_is_told_once_which_ways_are_left(world: World) -> None:
    record, _ = await card_for(world)
    decisions, bo = world.app.requests.decisions, who_of(record).named[0]

    async def in_front_of_others(number: int) -> None:
        stands = await world.request(record.request.id)
        said = Statement(
            reply_id=f"mail-{number}",
            person=bo,
            proof=as_by("email"),
            binding=Binding(
                by="card",
                revision=1,
                digest=record.request.digest,
                card=stands.cards_of(bo)[-1],
                is_exposed=True,
            ),
            said="free_text",
            text=f"hm, number {number}",
        )
        await decisions.decide(record.request.id, said)

    for number in range(MOST_NOTED + 4):
        await in_front_of_others(number)
    await until(lambda: any("no further card" in one.text for one in world.mails("bo")), what="Bo is told")
    await world.quiet()

    told = [one.text for one in world.mails("bo")]
    assert len(told) == 1 + MOST_NOTED + 1
    assert [("no further card" in one, "with: sayso answer" in one) for one in told if "no further" in one] == [
        (True, True)
    ]
    assert not await counts(world, record, cards(world)[-1])
    await world.reply("bo", cards(world)[-1], "no")
    await world.ended(record.request.run_id)
    assert (await world.request(record.request.id)).state == "denied"


STEPS = ("stray", "stray", "exposed", "comment", "question", "automatic", "older", "minutes", "revision")


async def taken(world: World, record: RequestRecord, step: str, dice: random.Random, number: int) -> None:
    """Do one thing that may happen to an open request; each text is another, so that nothing is a copy."""
    mine, at = cards(world), world.about_now()
    card, newest = dice.choice(mine), mine[-1]
    match step:
        case "stray":
            await write(world, card.reply_to, f"Sounds good! {'Yes! ' * number}", at=dice.choice([at, at - OLD]))
        case "exposed":
            to, subject = card.reply_to, f"Re: {card.subject}"
            await write(world, to, f"what is number {number}?", subject, card.message_id, at, "eve@corp.example")
        case "comment":
            await world.reply("bo", newest, f"hm, number {number}, let me see")
        case "question":
            await world.reply("bo", newest, f"why number {number}?")
        case "older":
            await world.reply("bo", card, f"hm, let me see that, number {number}")
        case "automatic":
            about = f"Out of office: {number}"
            await write(world, card.reply_to, "I am away.", about, card.message_id, at, extra="auto-replied")
        case "minutes":
            await world.move_time(dice.choice([60, 240, 660, 2_000]))
        case _:
            await world.edit(
                record.request.requesters[0], await world.request(record.request.id), what=f"horn {number}"
            )


@pytest.mark.parametrize("seed", few_of([*range(12)], 0))
async def test_whatever_comes_the_newest_card_counts_and_each_sentence_about_a_card_is_true(
    world: World, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311
    record, _ = await card_for(world)

    for number in range(14):
        before = len(world.mails("bo"))
        valid = [each for each in cards(world) if await counts(world, record, each)]
        await taken(world, record, dice.choice(STEPS), dice, number)
        await world.quiet()

        told = world.mails("bo")[before:]
        assert len(told) <= 2
        assert await counts(world, record, cards(world)[-1]), f"step {number}"
        earlier = [mail for mail in told if "The earlier card works as well" in mail.text]
        assert not earlier or await counts(world, record, valid[-1])

    assert world.workshop.effects == []
    await world.reply("bo", cards(world)[-1], "approve")
    await approved(world, record)
    assert len(world.mails("bo")) <= 32
