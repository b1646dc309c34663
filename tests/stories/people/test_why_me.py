"""A card says in one line why its reader was asked, wherever they read it."""

from pathlib import Path

import pytest

from agents.requests.record import RequestRecord
from bot.process.reload import Reload
from bot.queries.rebuild import rebuild
from bot.render.cards import request_card
from bot.render.views import request_view
from language.dates import in_words
from tests.bot.cli.shell import sayso
from tests.fakes.slack.driver import Workspace
from tests.fakes.wall import Wall
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.slack_world import a_slack_world
from tests.kit.tables import in_place_of, settings_in, write
from tests.kit.world import World, a_world
from tests.servers.console import a_console

WHO = (
    TOML.replace('name = "Dan Dorn"\n', 'name = "Dan Dorn"\nlanguage = "de"\n')
    + """
[oncall.ops]
rotation = ["person:dan"]
shift = "1d"
starts = "2026-01-01T09:00"
timezone = "Europe/Berlin"

[policies.hotfix]
approvers = ["person:bo"]
expires_after = "4h"
escalate_after = "20m"
escalate_to = ["oncall:ops", "person:cy"]

[policies.spending]
expires_after = "4h"

[[policies.spending.steps]]
name = "manager"
approvers = ["person:bo"]

[[policies.spending.steps]]
name = "finance"
approvers = ["group:release"]
"""
)
pytestmark = opens(toml=WHO)
EVE = '\n[people.eve]\nname = "Eve Eder"\nemail = "eve@corp.example"\ngroups = ["release"]\n'


async def asked(world: World, policy: str) -> RequestRecord:
    world.workshop.policy_of["bell"] = policy
    return await world.opened(await world.trigger("press bell"))


async def because(world: World, record: RequestRecord) -> dict[str, str]:
    """Why everybody who may decide is asked, as the API says it."""
    return {**request_view(await world.request(record.request.id), world.app.people).asked_because}


def told(text: str) -> str:
    return " ".join(text.split())


async def test_a_mail_a_page_the_terminal_and_the_api_say_as_whom_somebody_is_asked(world: World) -> None:
    record = await asked(world, "production")

    card = await world.next_mail("bo")
    shown = await sayso(world, "show", record.request.id)
    async with a_console(world) as console:
        page = await (await console.browser("cy")).get(f"/requests/{record.request.id}")
        asker = await (await console.browser("anna")).get(f"/requests/{record.request.id}")

    assert "You, as a member of the group release · asked " in told(card.text)
    assert "You, as a member of the group release · asked " in page.words
    assert "You, as a member" not in asker.words
    assert "asked      Bo Berg and Cy Cole: as a member of the group release" in shown.out
    assert await because(world, record) == dict.fromkeys(("bo", "cy"), "as a member of the group release")


async def test_who_is_asked_as_nobody_answered_or_for_a_step_or_on_call_reads_that(world: World) -> None:
    record = await asked(world, "hotfix")
    await world.move_time(21 * 60)
    card = await world.next_mail("cy", about="Press bell")

    whys = await because(world, record)
    assert whys["bo"] == "by name in the policy hotfix"
    escalated = (await world.request(record.request.id)).asked.escalated_at
    assert escalated
    late = f"since {in_words(escalated)}, because nobody decided within 20 min"
    assert whys["cy"] == f"{late}, by name in the policy hotfix"
    assert whys["dan"].startswith(f"{late}, as on-call of ops until ")
    assert "because nobody decided within 20 min, by name in the policy hotfix" in told(card.text)
    assert "als Bereitschaft von ops bis " in told((await world.next_mail("dan")).text)

    record = await asked(world, "spending")
    assert await because(world, record) == {"bo": "for the step “manager”, by name in the policy spending"}
    await world.decide("bo", record, "approve")
    assert await because(world, record) == {"cy": "for the step “finance”, as a member of the group release"}


async def test_who_is_asked_instead_of_somebody_who_left_reads_who_that_was(world: World) -> None:
    record = await asked(world, "pair")

    write(world, in_place_of(WHO.replace('"person:bo"', '"person:cy"'), "bo", EVE))
    await Reload(world.app, lambda: settings_in(world.folder), works=True).look(at_once=True)

    whys = await because(world, record)
    assert whys["eve"] == "because Bo Berg has left, as a member of the group release"
    assert whys["cy"] == "as a member of the group release"
    before = await world.request(record.request.id)
    await rebuild(world.app.store)
    assert await world.request(record.request.id) == before


async def test_a_card_that_many_read_says_it_to_nobody(redis: str, tmp_path: Path) -> None:
    wall = Wall()

    def change(world: World) -> None:
        world.beside, world.reach = (wall,), ("slack", "email")

    async with a_world(redis, tmp_path / "data", WHO, change=change) as world:
        record = await asked(world, "hotfix")
        await world.quiet()

        said = [card.asked for _, card in wall.pinned.values() if card.form]

        assert ["You, by name" in one for one in said] == [True]
        card = request_card(record, world.app.people, record.request.opened_at)
        assert card.asked.startswith("Asked ")


@pytest.mark.long
async def test_in_slack_each_card_of_one_s_own_says_it_to_its_reader(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, WHO) as room:
        await room.world.start()
        await slack.connected()
        await asked(room.world, "hotfix")
        first = await room.card("@bo", "Approve")

        await room.world.move_time(21 * 60)
        late = await room.card("@cy", "Approve")

        assert "You, by name in the policy hotfix · asked " in told(first.words)
        assert "because nobody decided within 20 min, by name in the policy hotfix · asked " in told(late.words)
        assert await slack.violations() == []
