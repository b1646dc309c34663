"""Operators forget a held message, or have the person asked whose word it claims to be. Nobody waves it through."""

import pytest
from structlog.testing import capture_logs

from agents.requests.record import RequestRecord
from bot.errors import Conflict, NotFound
from bot.inbound.quarantine_review import elsewhere_first
from bot.outbound.dead_letter import Note
from channels.email.local.letters import Letter
from tests.kit.waiting import until
from tests.kit.world import World

BOT = "sayso@sayso.example"


async def one_held(world: World) -> str:
    """The id of the one held message, once it is."""
    await until(world.dead, what="a message is held")
    [name] = await world.app.store.lists.dead()
    return name


async def note_of(world: World, name: str) -> Note:
    return Note.model_validate_json((await world.app.store.lists.dead())[name])


async def forged_answer(world: World) -> tuple[RequestRecord, Letter, str]:
    """An open request, Bo's card, and the id of a message that only claims to be his answer."""
    record = await world.opened(await world.trigger("press bell"))
    card = await world.next_mail("bo")
    await world.send("bo", card.reply_to or "", "approve", login=None)
    return record, card, await one_held(world)


async def test_the_person_is_asked_once_at_their_own_address_and_their_own_answer_counts_and_the_message_never(
    world: World,
) -> None:
    record, card, name = await forged_answer(world)
    note = await note_of(world, name)
    assert (note.kind, note.claims, note.channel) == ("quarantined", "bo@corp.example", "email")
    assert note.request_id == record.request.id
    assert note.delivery_id in {holder.delivery_id for holder in record.holders if holder.person == "bo"}

    done = await world.app.messages.quarantine.confirm(name, "dan")
    told = await world.next_mail("bo", about="Was this message yours?")
    again = await world.app.messages.quarantine.confirm(name, "cy")
    await world.quiet()

    assert done == "Bo Berg is asked whether it was theirs. It stays quarantined whatever they say."
    assert again.startswith("Bo Berg was asked already, at ")
    assert [letter.subject for letter in world.mails("bo")].count("Was this message yours?") == 1
    assert (await note_of(world, name)).asked_by == "dan"
    text = " ".join(told.text.split())
    assert "so it may be forged: it was sent without logging in as bo@corp.example" in text
    assert "If it was yours, answer the request again" in text
    assert f"Reference: {record.request.id}" in text
    assert "To approve" not in text
    await world.reply("bo", told, "yes, approve")
    refused = await world.next_mail("bo", about="Your message was not accepted")
    assert "it answers a mail that asked nothing" in " ".join(refused.text.split())
    assert (await world.request(record.request.id)).state == "open"
    assert name in await world.app.store.lists.dead()
    await world.reply("bo", card, "approve")
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"


async def test_nobody_is_asked_where_it_claims_to_be_from_nobody_we_know_or_is_certainly_from_whoever_was_told(
    world: World,
) -> None:
    await world.send("mallory", BOT, "press bell", login=None)
    name = await one_held(world)
    with pytest.raises(Conflict, match="does not claim to be from anybody in the directory"):
        await world.app.messages.quarantine.confirm(name, "dan")
    await world.quiet()
    assert not world.mail.folder("mallory@corp.example").exists()
    await world.app.messages.quarantine.discard(name, "dan")

    await world.send("anna", BOT, "press bell " * 4_000)
    with pytest.raises(Conflict, match="It is certain that Anna Ames sent it"):
        await world.app.messages.quarantine.confirm(await one_held(world), "dan")


async def test_a_discarded_message_is_gone_with_its_bytes_and_the_log_says_who_did_it(world: World) -> None:
    _, _, name = await forged_answer(world)

    with capture_logs() as logs:
        done = await world.app.messages.quarantine.discard(name, "dan")

    assert done == f"{name} is discarded."
    assert await world.dead() == []
    assert await world.app.store.inbound(name) is None
    assert [(line["event"], line["by"], line["inbound_id"]) for line in logs if "inbound_id" in line] == [
        ("message in quarantine discarded", "dan", name)
    ]
    for verb in (world.app.messages.quarantine.discard, world.app.messages.quarantine.confirm):
        with pytest.raises(NotFound, match=f"There is no quarantined message {name}"):
            await verb(name, "dan")


def test_the_person_is_asked_through_another_channel_first_where_there_is_one() -> None:
    assert elsewhere_first("email", ("email", "slack")) == ("slack", "email")
    assert elsewhere_first("slack", ("email", "slack")) == ("email", "slack")
    assert elsewhere_first("email", ("email",)) == ("email",)
