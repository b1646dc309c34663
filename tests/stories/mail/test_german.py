"""Bo reads German: his mails are German, and what he answers counts as it does in English."""

import re
from collections.abc import Callable

import pytest

from channels.email.local.letters import Letter
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World
from tests.stories.mail.test_consent import approved, button, card_for, raw_of, write

GERMAN = TOML.replace('email = "bo@corp.example"\n', 'email = "bo@corp.example"\nlanguage = "de"\n')
OUTLOOK = (
    "-----Ursprüngliche Nachricht-----\nVon: sayso <sayso@sayso.example>\nGesendet: Dienstag, 3. März 2026 09:55\n"
    "An: Bo Berg\nBetreff: {}\n\n"
)
GMAIL = "Am Di., 3. März 2026 um 09:55 Uhr schrieb sayso <sayso@sayso.example>:\n\n"

Quote = Callable[[Letter], str]
pytestmark = opens(toml=GERMAN)


def gmail(card: Letter) -> str:
    return GMAIL + "\n".join(f"> {line}" for line in card.text.split("\n"))


def outlook(card: Letter) -> str:
    return OUTLOOK.format(card.subject) + card.text


async def test_bos_mail_is_german_and_its_one_word_and_his_reason_count_and_cys_is_english(world: World) -> None:
    record, german = await card_for(world)
    english = await world.next_mail("cy")

    assert german.text.startswith("Bitte antworten Sie bis ")
    assert "Zum Genehmigen antworten Sie mit dem einen Wort: genehmigt" in german.text
    assert '<html lang="de"' in raw_of(world, german).replace("=\n", "").replace("=3D", "=")
    assert english.text.startswith("Please answer by ")
    assert german.subject.partition(" [")[0] == english.subject.partition(" [")[0]
    await world.reply("bo", german, "Genehmigt!\n\nViele Grüße\nBo")
    await approved(world, record)

    record, german = await card_for(world)
    await world.reply("bo", german, "abgelehnt, nicht am Freitag")
    assert await world.summary(record.request.run_id) == "failed: denied: nicht am Freitag"
    await world.next_mail("anna", about="nicht am Freitag")


async def test_its_buttons_approve_and_deny_without_a_thread(world: World) -> None:
    record, card = await card_for(world)
    approves = button(world, card, "Per E-Mail genehmigen")
    assert re.fullmatch(r"Ich genehmige: .* \(Code [A-Z2-7]{12}\)", approves)
    await write(world, card.reply_to, f"{approves}\n\nVon meinem iPhone gesendet\n", f"Re: {card.subject}", "")
    await approved(world, record)

    record, card = await card_for(world)
    denies = button(world, card, "Per E-Mail ablehnen")
    assert denies.startswith("Ich lehne ab: ")
    await write(world, card.reply_to, f"{denies}\nzu früh\n", "irgendwas", "")
    assert await world.summary(record.request.run_id) == "failed: denied: zu früh"


async def in_english(world: World) -> None:
    async with world.stopped():
        world.toml = TOML


@pytest.mark.parametrize("quote", [gmail, outlook])
async def test_what_he_answers_to_an_older_mail_counts_after_his_language_was_changed(
    world: World, quote: Quote
) -> None:
    record, card = await card_for(world)
    await in_english(world)

    await write(world, card.reply_to, f"genehmigt\n\n{quote(card)}", f"AW: {card.subject}", "")

    await approved(world, record)
