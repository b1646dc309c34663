"""A forecast, and the terminal of whoever waits, name those whose approval would count, and nobody else.

Two people may be one human, as in `test_turn_out_to_be_one`, before anything is asked.
"""

import asyncio
from pathlib import Path

import pytest

from agents.requests import PersonId
from bot.queries.explain import Desk, Explanation, explain, places_of
from tests.bot.cli.shell import sayso
from tests.kit.long import few_of
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.stories.attacks.test_turn_out_to_be_one import are_one, file_of, met


async def foretold(office: World) -> Explanation:
    app = office.app
    desk = Desk(app.requests.freezes, app.requests.decisions.delegation, app.requests.standing)
    at, anna = await office.now(), PersonId("anna")
    return await explain(app.people, desk, places_of(app.settings), "production", anna, at)


@pytest.mark.parametrize(
    ("toml", "one", "other", "needs", "asked"),
    few_of(
        [
            (file_of("bo rob", then="cy"), "bo", "cy", "Rob", ("bo", "rob")),
            (file_of("bo cy", glass="cy"), "anna", "cy", "Bo", ("bo",)),
        ],
        0,
        rows=True,
    ),
    ids=["the only one of a later step", "whoever asks"],
)
async def test_attack_a_forecast_names_one_whose_approval_would_be_refused(
    redis: str, tmp_path: Path, toml: str, one: str, other: str, needs: str, asked: tuple[str, ...]
) -> None:
    toml = toml.replace('expires_after = "4h"\n', 'expires_after = "4h"\nremind_after = ["30m"]\n')
    async with a_world(redis, tmp_path / "data", toml) as office:
        await are_one(office, one, other)

        found = await foretold(office)

        assert tuple(each.person for each in found.asked) == asked
        assert found.needs.partition("; then")[0].rpartition(": ")[2] == needs
        assert found.break_glass == ()
        assert found.coming
        assert {each.person for due in found.coming for each in due.people} <= {*asked}


@opens(file_of("bo"))
async def test_attack_a_forecast_says_that_one_decides_who_may_be_whoever_asks(world: World) -> None:
    await are_one(world, "anna", "bo")

    assert "may be somebody who took part" in (await foretold(world)).refused


@pytest.mark.long
async def test_attack_a_terminal_waits_for_one_whose_approval_would_be_refused(redis: str, tmp_path: Path) -> None:
    toml = met(file_of("bo rob", then="cy"), "bo", "cy")
    async with a_world(redis, tmp_path / "data", file_of("bo rob", then="cy")) as office:
        await are_one(office, "bo", "cy")
        assert office.toml == toml

        waiting = asyncio.create_task(sayso(office, "trigger", "press bell", "--as", "anna", "--wait"))
        [record] = await until(office.requests, what="a request")
        await office.decide("rob", record, "deny", "no")
        said = (await waiting).err

        assert "Waits for step 1 of 2, “first”: Rob; then “then”: Cy: Press bell?" in said
