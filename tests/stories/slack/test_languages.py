"""Bo reads German: what Slack shows him alone is German, what stands in a channel is English, and his presses count."""

import pytest

from tests.fakes.slack.driver import HOME, Message
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.slack_world import SlackWorld

GERMAN = TOML.replace('email = "bo@corp.example"\n', 'email = "bo@corp.example"\nlanguage = "de"\n')
pytestmark = opens(toml=GERMAN)


async def asked(office: SlackWorld) -> tuple[Message, Message]:
    """Bo's card, and the one in #ops: Anna and Cy are there, and Bo is not."""
    await office.bo.leaves("#ops")
    await office.anna.says("#ops", "@sayso press bell")
    return await office.says("@bo", "Läuft ab: "), await office.card("#ops", "Approve")


async def test_his_card_is_german_and_that_in_the_channel_english_and_what_he_presses_counts(
    office: SlackWorld,
) -> None:
    german, english = await asked(office)

    assert german.buttons == ["Genehmigen", "Ablehnen", "Mehr…", "Mit Grund ablehnen…", "Fragen…"]
    assert "Wenn Sie genehmigen: \n" in german.words
    assert "Expires" not in german.words
    assert english.buttons == ["Approve", "Deny", "More…", "Deny with reason…", "Ask…"]
    assert "Läuft ab" not in english.words

    assert (await office.bo.presses("Genehmigen", in_=german)).acked

    [result] = (await office.world.ended(await office.only_run())).results
    assert result.kind == "ok"
    assert "Bo Berg approved" in (await office.becomes(english, "Done: Press bell")).words
    assert "Bo Berg: genehmigt" in (await office.becomes(german, "Fertig: Press bell")).words
    assert (await office.bo.commands("/sayso", "press bell", in_="@sayso")).acked
    await office.bo.sees_ephemeral("Wird bearbeitet.")


@pytest.mark.long
async def test_his_home_is_german_and_that_of_cy_english(office: SlackWorld) -> None:
    await asked(office)

    for person, waiting in ((office.bo, "Wartet auf Sie"), (office.cy, "Waiting on you")):
        await person.opens_home()
        await person.sees_home(waiting)

    await office.bo.presses("Öffnen", in_=HOME)
    window = await office.bo.sees_modal("Wenn Sie genehmigen")
    assert window.title == "Anfrage"
    await office.bo.presses("Genehmigen")
    await office.bo.sees_modal("Ihre Antwort ist gespeichert.")
    [result] = (await office.world.ended(await office.only_run())).results
    assert result.kind == "ok"


@pytest.mark.long
@opens(toml=TOML.replace('name = "Anna Ames"\n', 'name = "Anna Ames"\nlanguage = "de"\n'))
async def test_the_status_line_is_in_the_language_of_who_reads_it_alone_and_in_a_channel_in_that_of_all(
    office: SlackWorld,
) -> None:
    alone = await office.anna.says("@sayso", "ask free_text Which one?")
    together = await office.anna.says("#ops", "@sayso ask free_text Which other one?")

    mine = await office.says(alone, "Wartet auf Anna Ames: Which one?")
    ours = await office.says(together, "Waiting for Anna Ames: Which other one?")
    await office.anna.answers(alone, "the left one")
    await office.anna.answers(together, "the right one")

    await office.becomes(mine, "Beantwortet")
    await office.becomes(ours, "Answered")
