"""A mail that says what became of an answer can itself be answered, where it shows what it asks about."""

from agents.events import Event
from agents.requests.record import RequestRecord
from channels.email.local.letters import Letter
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World, heading

NOT_BY_MAIL = TOML.replace("approve_by_email = true", "approve_by_email = false")


async def asked(world: World) -> tuple[RequestRecord, Letter]:
    """An open request and the mail that asks Bo."""
    record = await world.opened(await world.trigger("press bell"))
    return record, await world.next_mail("bo")


async def commented(world: World, card: Letter, text: str = "looks good, let me check first") -> Letter:
    """Return what Bo is told after a comment."""
    await world.reply("bo", card, text)
    return await world.next_mail("bo", about="not counted as a decision")


async def noted(world: World, record: RequestRecord) -> list[Event]:
    return [event for event in await world.events(record.request.run_id) if event.type == "answer_noted"]


async def test_a_notice_about_a_comment_shows_the_whole_card_and_is_answered_as_the_card_is(world: World) -> None:
    record, card = await asked(world)

    told = await commented(world, card)
    await world.reply("cy", told, "approve")
    assert "To approve" not in (await world.next_mail("cy", about="made for somebody else")).text
    assert (await world.request(record.request.id)).state == "open"
    await world.reply("bo", told, "approve")

    assert heading(told) == "Press bell?"
    shown = " ".join(told.text.split())
    for part in ("To approve, reply with the one word: approve", f"Digest: {record.request.digest}", 'runs: ["press"'):
        assert part in shown
    missing = set(card.text.split("\n")) - set(told.text.split("\n"))
    assert missing <= {card.text.partition("\n")[0], "Press bell?"}
    assert "Your message was not counted as a decision: it says neither" in told.text.partition("\n")[0]
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"
    after = await world.request(record.request.id)
    assert [(vote.person, vote.binding.digest) for vote in after.votes] == [("bo", record.request.digest)]
    await world.reply("bo", card, "approve")
    late = await world.next_mail("bo", about="Already decided: Bo Berg approved")
    assert "reply" not in late.text
    assert late.reply_to is None or "+" not in late.reply_to
    assert world.workshop.effects == ["press bell"]


async def test_a_notice_that_shows_an_older_revision_decides_nothing_and_says_to_answer_the_newest(
    world: World,
) -> None:
    record, card = await asked(world)
    old = await commented(world, card)
    await world.edit(record.request.requesters[0], await world.request(record.request.id), what="horn")
    new = await world.next_mail("bo", about="Press horn?")

    await world.reply("bo", old, "approve")

    told = await world.next_mail("bo", about="older version and does not count")
    assert world.workshop.effects == []
    assert "Please answer the newest card" in told.text
    await world.reply("bo", new, "approve")
    assert await world.summary(record.request.run_id) == "done: ok: press horn: done"


async def test_a_notice_that_could_be_sent_only_after_the_decision_asks_nothing(world: World) -> None:
    record, card = await asked(world)
    async with world.stopped():
        await world.start(receives=False)
        await world.decide("bo", record, "free_text", "hm", channel="email")
        await world.decide("cy", record, "deny", "no")
        await world.ended(record.request.run_id)
        await world.stop()

    await world.move_time(120)

    told = await world.next_mail("bo", about="not counted as a decision")
    assert "To approve, reply" not in told.text
    assert card.text != told.text


@opens(toml=f'public_url = "https://sayso.corp.example"\n{NOT_BY_MAIL}')
async def test_where_approving_by_mail_is_off_an_approval_is_told_the_other_ways_and_a_denial_counts(
    world: World,
) -> None:
    record, card = await asked(world)
    request_id = record.request.id

    await world.reply("bo", card, "approve")

    told = await world.next_mail("bo", about="An approval does not count this way here")
    shown = " ".join(told.text.split())
    assert "nothing was decided" in shown
    assert "on its page in the console, after a log-in by another link than one in a mail" in shown
    assert f"in a terminal, with: sayso answer {request_id} approve" in shown
    assert "by email" not in shown.partition("Ways that count")[2].partition("A denial")[0]
    assert f"https://sayso.corp.example/requests/{request_id}" in shown
    assert "A denial counts in every way" in shown
    assert (await world.request(request_id)).state == "open"
    assert [event.outcome for event in await noted(world, record) if event.type == "answer_noted"] == ["not_this_way"]
    await world.reply("bo", told, "deny: too early")
    assert await world.summary(record.request.run_id) == "failed: denied: too early"
