"""Bo reads German: his mails are German, and what he answers counts as it does in English."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from channels.email.local.letters import Letter
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.stories.mail.test_consent import approved, button, card_for, is_open, raw_of, write

GERMAN = TOML.replace('email = "bo@corp.example"\n', 'email = "bo@corp.example"\nlanguage = "de"\n')
OUTLOOK = (
    "-----Ursprüngliche Nachricht-----\nVon: sayso <sayso@sayso.example>\nGesendet: Dienstag, 3. März 2026 09:55\n"
    "An: Bo Berg\nBetreff: {}\n\n"
)
GMAIL = "Am Di., 3. März 2026 um 09:55 Uhr schrieb sayso <sayso@sayso.example>:\n\n"

Quote = Callable[[Letter], str]


@pytest.fixture
async def world(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(redis, tmp_path / "data", GERMAN) as world:
        yield world


def gmail(card: Letter) -> str:
    return GMAIL + "\n".join(f"> {line}" for line in card.text.split("\n"))


def outlook(card: Letter) -> str:
    return OUTLOOK.format(card.subject) + card.text


async def test_bos_mail_is_german_and_cys_is_english(world: World) -> None:
    await card_for(world)
    german, english = world.mails("bo")[0], await world.next_mail("cy")

    assert german.text.startswith("Bitte antworten Sie bis ")
    assert "Zum Genehmigen antworten Sie mit dem einen Wort: genehmigt" in german.text
    assert '<html lang="de"' in raw_of(world, german).replace("=\n", "").replace("=3D", "=")
    assert english.text.startswith("Please answer by ")
    assert german.subject.partition(" [")[0] == english.subject.partition(" [")[0]


@pytest.mark.parametrize("words", few_of(["genehmigt", "Genehmigt!\n\nViele Grüße\nBo", "ja", "approve"], 0))
async def test_he_approves_by_the_one_word_that_his_mail_names_or_in_another_language(world: World, words: str) -> None:
    record, card = await card_for(world)

    await world.reply("bo", card, words)

    await approved(world, record)


async def test_he_denies_with_a_reason_and_anna_reads_it(world: World) -> None:
    record, card = await card_for(world)

    await world.reply("bo", card, "abgelehnt, nicht am Freitag")

    assert await world.summary(record.request.run_id) == "failed: denied: nicht am Freitag"
    assert "nicht am Freitag" in (await world.next_mail("anna")).text


@pytest.mark.parametrize(
    "words", few_of(["genehmigt, aber erst nach dem Mittag", "genehmigt?", "Zum Genehmigen brauche ich mehr"], 0)
)
async def test_a_condition_is_a_comment(world: World, words: str) -> None:
    record, card = await card_for(world)

    await world.reply("bo", card, words)

    await world.next_mail("bo", about="Bitte antworten Sie bis")
    assert await is_open(world, record)


async def test_why_his_answer_did_not_count_he_reads_in_german_as_well(world: World) -> None:
    record, card = await card_for(world)

    await write(world, card.reply_to, "genehmigt", "AW: Mittagessen")

    told = await world.next_mail("bo", about="der Betreff Ihrer Mail ist nicht der Betreff der Karte")
    assert "its subject" not in told.text
    assert await is_open(world, record)


async def test_the_button_approves_without_a_thread(world: World) -> None:
    record, card = await card_for(world)

    sentence = button(world, card, "Per Mail genehmigen")
    await write(world, card.reply_to, f"{sentence}\n\nVon meinem iPhone gesendet\n", "irgendwas", "")

    assert re.fullmatch(r"Ich genehmige: .* \(Code [A-Z2-7]{12}\)", sentence)
    await approved(world, record)


async def test_the_other_button_denies(world: World) -> None:
    record, card = await card_for(world)

    sentence = button(world, card, "Per Mail ablehnen")
    await write(world, card.reply_to, f"{sentence}\nzu früh\n", "irgendwas", "")

    assert sentence.startswith("Ich lehne ab: ")
    assert await world.summary(record.request.run_id) == "failed: denied: zu früh"


async def test_the_buttons_sentence_with_the_code_of_another_card_approves_nothing(world: World) -> None:
    record, card = await card_for(world)
    _, other = await card_for(world)

    await write(world, card.reply_to, button(world, other, "Per Mail genehmigen"), "irgendwas", "")

    await until(lambda: len(world.mails("bo")) > 2, what="Bo gets a fresh card")
    assert await is_open(world, record)


@pytest.mark.parametrize("quote", few_of([gmail, outlook], 0))
async def test_his_card_binds_his_answer_by_its_quote_alone(world: World, quote: Quote) -> None:
    record, card = await card_for(world)

    await write(world, card.reply_to, f"genehmigt\n\n{quote(card)}", f"AW: {card.subject}", "")

    await approved(world, record)


@pytest.mark.parametrize("quote", few_of([gmail, outlook], 0))
async def test_words_of_his_own_below_the_quote_make_it_a_comment(world: World, quote: Quote) -> None:
    record, card = await card_for(world)

    text = f"genehmigt\n\n{quote(card)}\n\nnein, doch erst morgen\n"
    await write(world, card.reply_to, text, f"AW: {card.subject}", card.message_id)

    await until(lambda: len(world.mails("bo")) > 1, what="Bo gets a fresh card")
    assert await is_open(world, record)


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


async def test_the_button_of_an_older_mail_approves_after_his_language_was_changed(world: World) -> None:
    record, card = await card_for(world)
    sentence = button(world, card, "Per Mail genehmigen")
    await in_english(world)

    await write(world, card.reply_to, sentence, "irgendwas", "")

    await approved(world, record)
