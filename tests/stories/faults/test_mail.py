"""Mail that lies, is broken, is too large, or does not quite say yes: nothing of it is an approval."""

from email.message import EmailMessage

from agents.requests.record import RequestRecord
from channels.email.local.letters import Letter
from channels.email.local.maildir import create
from tests.kit.waiting import until
from tests.kit.world import World

BOT = "sayso@sayso.example"


async def card_for(world: World, person: str = "bo") -> tuple[RequestRecord, Letter]:
    """An open request and the mail that asks `person`."""
    record = await world.opened(await world.trigger("press bell"))
    return record, await world.next_mail(person, about=record.request.digest)


async def still_open(world: World, record: RequestRecord) -> bool:
    after = await world.request(record.request.id)
    return after.state == "open" and after.votes == () and world.workshop.effects == []


async def held(world: World) -> str:
    """The note of the one mail that was held, once it is."""
    await until(world.dead, what="a mail is held")
    [note] = await world.dead()
    return note


def token(letter: Letter) -> str:
    assert letter.reply_to is not None
    return letter.reply_to.partition("+")[2].partition("@")[0]


async def test_a_reply_with_a_token_that_was_changed_is_held_and_decides_nothing(world: World) -> None:
    record, card = await card_for(world)
    good = token(card)
    bad = good[:-1] + ("a" if good[-1] != "a" else "b")

    await world.send("bo", f"sayso+{bad}@sayso.example", "approve")

    assert "the reply token is not one of ours" in await held(world)
    assert await still_open(world, record)


async def test_a_reply_that_nothing_proves_is_held_and_the_requester_hears_it(world: World) -> None:
    record, card = await card_for(world)
    for person, note in (
        ("mallory", "mallory@corp.example is not in the directory of people"),
        ("bo", "it was sent without logging in as bo@corp.example"),
    ):
        await world.send(person, card.reply_to or "", "approve", login=None)

        assert "Nothing was decided" in (await world.next_mail("anna", about="An answer was quarantined")).text
        assert any(note in one for one in await world.dead())
        assert await still_open(world, record)


async def test_what_is_not_plainly_an_approval_is_none(world: World) -> None:
    for text in ("", "yes but wait until 5", "approve?", "approve\n\nPS: only for staging"):
        record, card = await card_for(world)

        await world.reply("bo", card, text)

        told = await world.next_mail("bo", about="not counted as a decision")
        assert told.text.count("To approve, reply with the one word: approve") == 1
        assert await still_open(world, record), text
        noted = [event for event in await world.events(record.request.run_id) if event.type == "answer_noted"]
        assert [event.outcome for event in noted] == ["asked" if text.endswith("?") else "unclear"]


async def test_a_mail_whose_text_is_longer_than_32_kb_is_held(world: World) -> None:
    await world.send("anna", BOT, "press bell " * 4_000)

    assert "its text is longer than 32 KB" in await held(world)
    assert await world.app.store.lists.summaries() == []


async def test_a_broken_mail_file_is_held_and_the_next_mail_is_read(world: World) -> None:
    record, card = await card_for(world)
    folder = world.mail.folder(BOT)
    create(folder)

    (folder / "new" / "1.broken").write_bytes(b"\x00\xff\xfe not a mail at all")
    (folder / "new" / "2.empty").write_bytes(b"")
    (folder / "new" / "3.loop").symlink_to("3.loop")

    async def are_held() -> bool:
        return len(await world.dead()) == 3

    await until(are_held, what="all three are held")
    notes = await world.dead()
    assert sum('"kind":"quarantined"' in note for note in notes) >= 2
    assert any("could not be read from the mailbox" in note for note in notes)
    assert await still_open(world, record)
    await world.reply("bo", card, "approve")
    await world.ended(record.request.run_id)


async def test_a_mail_names_its_page_only_where_an_approval_counts_there(world: World) -> None:
    async with world.stopped():
        world.toml = world.toml.replace("approve_by_email = true", 'answer_from = ["email", "cli"]', 1)
    _, card = await card_for(world)

    assert "console" not in card.text
    assert "in a terminal" in card.text


async def test_who_seems_to_be_away_is_told_to_hand_on_only_what_they_can(world: World) -> None:
    _, card = await card_for(world)
    await automatic(world, card)

    told = await world.next_mail("bo", about="You seem to be away")

    assert "delegate" not in told.text
    assert "hand" not in told.text.partition("nothing was handed on")[2]
    assert "away until 2026-12-01: PERSON" in told.text


async def automatic(
    world: World, card: Letter, text: str = "I am away.", login: str | None = "bo@corp.example"
) -> None:
    """An answer of Bo's mailbox, by itself."""
    message = EmailMessage()
    message["From"], message["To"] = "bo@corp.example", card.reply_to
    message["Subject"], message["Auto-Submitted"] = "Out of office", "auto-replied"
    message.set_content(text)
    sender = login or "mallory@corp.example"
    await world.transport(login).send(bytes(message), sender=sender, recipients=[card.reply_to or ""])
    await until(lambda: not list((world.mail.folder(BOT) / "new").iterdir()))
    await world.quiet()


async def test_automatic_replies_answer_nothing_and_offer_once_to_hand_it_on(world: World) -> None:
    record, card = await card_for(world)

    for _ in range(3):
        await automatic(world, card, "approve")

    assert await still_open(world, record)
    offer = await world.next_mail("bo", about="automatic reply of yours")
    told = " ".join(offer.text.split())
    assert "nothing was handed on" in told
    assert "?" not in told.partition("An automatic reply")[0], "a no would answer it"
    assert "A no in answer to this message denies the request." in told
    assert len(world.mails("bo")) == 2
    stands = (await world.request(record.request.id)).asked
    assert (stands.handed_on, [(one.person, one.until) for one in stands.away]) == ((), [("bo", None)])
    assert await world.dead() == []


async def test_attack_the_line_that_the_offer_names_sets_nothing_in_answer_to_it_and_nobody_says_so(
    world: World,
) -> None:
    record, card = await card_for(world)
    await automatic(world, card)
    offer = await world.next_mail("bo", about="automatic reply of yours")

    for line in ("away until 2026-12-01: cy@corp.example", "not away"):
        await world.reply("bo", offer, line)
        await world.quiet()

        told = " ".join(world.mails("bo")[-1].text.split())
        assert "This sets no absence and ends none. To be away, write this alone in a new message" in told
    assert await world.app.requests.absences.all() == []
    assert await still_open(world, record)
    assert not [one for one in world.mails("anna") if "comment" in one.subject]


async def test_an_automatic_reply_that_is_not_certainly_theirs_says_nothing_of_them(world: World) -> None:
    record, card = await card_for(world)

    await automatic(world, card, "away until 2026-12-01: dan", login=None)

    assert (await world.request(record.request.id)).asked.away == ()
    assert len(world.mails("bo")) == 1


async def test_somebody_whom_no_channel_reaches_is_told_to_the_operators_and_the_others_decide(world: World) -> None:
    async with world.stopped():
        world.toml = world.toml.replace('email = "bo@corp.example"', 'uid = "0002"')
    record = await world.opened(await world.trigger("press bell"))

    told = await world.next_mail("dan", about="Bo Berg can't be reached")

    assert "the card “Press bell?” for Bo Berg" in told.text
    assert any(event.type == "delivery_failed" for event in await world.events(record.request.run_id))
    await world.reply("cy", await world.next_mail("cy"), "approve")
    await world.ended(record.request.run_id)
