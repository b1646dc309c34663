"""An announcement reaches places of many and people once, whatever becomes of whom it was for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.corkboard import Corkboard
from tests.fakes.slack.driver import Workspace
from tests.kit.office import TOML
from tests.kit.slack_world import a_slack_world
from tests.kit.world import World, a_world

ANNOUNCE = TOML + '[announce]\nto = ["person:bo", "slack:#ops"]\n'
TEA = "announce: tea is ready, <!channel> *now*"


@pytest.fixture
def board() -> Corkboard:
    return Corkboard()


@pytest.fixture
async def office(redis: str, tmp_path: Path, board: Corkboard) -> AsyncIterator[World]:
    """A running sayso with a board that stands for a place of many."""
    async with a_world(redis, tmp_path / "data", ANNOUNCE, deploys=True, beside=[board]) as world:
        yield world


async def test_a_place_and_a_person_hear_it_once_and_nobody_can_answer_it(office: World, board: Corkboard) -> None:
    run_id = await office.app.runs.starter.start("cli", TEA, office.app.people.named("anna"), agent="announce")

    assert await office.summary(run_id) == "done: Announced to person:bo, slack:#ops"
    await office.quiet()
    [card] = board.at("#ops")
    assert card.form is None
    assert card.quoted == "tea is ready, <!channel> *now*"
    assert len([to for to in board.sends if to.person == "bo"]) == 1


async def test_a_place_that_takes_nothing_is_told_to_the_operators_and_to_whoever_had_it_announced(
    office: World, board: Corkboard
) -> None:
    board.banned.add("#ops")

    await office.app.runs.starter.start("cli", TEA, office.app.people.named("anna"), agent="announce")

    for person in ("dan", "anna"):  # who reads that it was announced there
        assert "#ops may not have a card here" in (await office.next_mail(person, about="can't be reached")).text


async def test_a_slack_channel_shows_it_as_somebodys_words_and_calls_nobody(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with (
        Workspace(slack_address) as slack,
        a_slack_world(redis, tmp_path / "data", slack, ANNOUNCE) as office,
    ):
        office.world.deploys = True
        await office.world.start()
        await slack.connected()
        anna = office.world.app.people.named("anna")
        await office.world.app.runs.starter.start("cli", TEA, anna, agent="announce")

        said = await office.says(office.ops, "tea is ready")

        assert "The announce agent says this for Anna Ames." in said.words
        assert "\ntea is ready, <!channel> *now*\n" in said.words, "literally, not as a mention"
        assert await slack.violations() == []
