"""A stop by an id counts whatever stands around it, also in answer to the very card that it names."""

import pytest

from agents.requests.record import RequestRecord
from channels import Reply
from tests.bot.cli.shell import sayso
from tests.fakes.hallway import Hallway
from tests.kit.long import few_of
from tests.kit.opens import opens
from tests.kit.world import World
from tests.servers.web import serving
from tests.stories.attacks.test_lost_stops import BY_MAIL, asked_by_mail, stopped_by
from tests.stories.attacks.test_stops_typed_anywhere import asked, state, token_of, types

pytestmark = opens(beside=("hallway",), reach=("slack", "email"))
TEXTS = (
    "This is the wrong tag.\nstop ID",
    "approve\nstop ID",
    "It is late. deny ID, wrong tag",
    "Das ist falsch. Bitte ID stoppen",
)


async def say(world: World, hallway: Hallway, way: str, person: str, record: RequestRecord, text: str) -> None:
    """They say it in answer to the card of `record`."""
    if way == "terminal":
        await sayso(world, "answer", record.request.id, text, "--as", person)
    else:
        said = Reply(person=person, token=await token_of(hallway, person), said="free_text", text=text, is_typed=True)
        await types(world, hallway, said)


@pytest.mark.parametrize("way", few_of(["window", "terminal"], 0))
async def test_attack_a_stop_by_the_id_of_what_it_answers_is_asked_back(
    world: World, hallway: Hallway, way: str
) -> None:
    for at, text in enumerate(TEXTS):
        record = await asked(world, hallway, thread=f"one {at}")
        words = text.replace("ID", record.request.id if at % 2 else record.request.run_id)
        await say(world, hallway, way, "bo", record, words)
        assert await state(world, record) == ("denied", []), text
        decision = (await world.request(record.request.id)).decision
        assert decision
        assert decision.reason == words

    record = await asked(world, hallway, thread="before it starts")
    await world.steer(record.request.run_id, "pause")
    await world.decide("bo", record, "approve")
    await say(world, hallway, way, "bo", record, f"Oh, that is the wrong tag.\nstop {record.request.run_id}")
    assert await state(world, record) == ("revoked", [])


@BY_MAIL
async def test_attack_a_mail_that_stops_what_it_answers_by_its_id_is_a_comment(world: World) -> None:
    for at, text in enumerate(TEXTS):
        record = await world.opened(await world.trigger("press bell"))
        words = text.replace("ID", record.request.run_id if at % 2 else record.request.id)
        await world.reply("bo", await world.next_mail("bo", about=record.request.id), words)
        assert await state(world, record) == ("denied", []), text


@BY_MAIL
async def test_attack_whoever_asked_stops_it_by_its_id_and_steers_it_by_that(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))

    await sayso(
        world, "answer", record.request.id, f"Cy says v2 has a bug.\nstop {record.request.run_id}", "--as", "anna"
    )

    assert await state(world, record) == ("withdrawn", [])


@BY_MAIL
async def test_attack_a_stop_by_an_id_answers_a_question_of_the_run(world: World) -> None:
    run_id, letter = await asked_by_mail(world, "ask free_text Which version?", "press bell")

    await world.reply("anna", letter, f"Cy says v2 has a bug.\nstop {run_id}")
    await world.quiet()

    assert (await stopped_by(world, run_id), world.workshop.effects) == (["anna"], [])


@BY_MAIL
async def test_attack_a_stop_that_a_program_asks_with_is_lost_where_no_approval_waits(world: World) -> None:
    for words in ("stop", "Cy says v2 has a bug.\nstop ID"):
        run_id = await world.trigger("ask yes_no Shall I?\npress bell")
        question = (await world.opened(run_id)).request.id

        async with serving(world.app) as api:
            anna = await api.client("anna", "answer", "steer")
            told = await anna.post(f"/v1/requests/{question}/answer", json={"ask": words.replace("ID", run_id)})

        assert "The run has your stop" in told.json()["detail"]
        await world.quiet()
        assert (await stopped_by(world, run_id), world.workshop.effects) == (["anna"], [])
