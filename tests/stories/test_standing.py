"""The same again without asking: granted as anything is, used as often as it says, and no more."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import JsonValue

from agents.requests import PersonId, RunId
from agents.standing import AllowAgainArgs, Pattern, facts_of
from bot.render import times
from bot.testing.events import NOON
from channels.email import cards
from language import dates
from tests.bot.cli.shell import sayso
from tests.kit.office import TOML
from tests.kit.tables import becomes
from tests.servers.console import a_console
from tests.servers.web import serving
from tests.stories.people.standing import ALLOWED, an_office, asked, done_once, granted, is_asked, the_only


async def test_what_people_allowed_once_for_three_times_is_not_asked_three_times(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        standing = await granted(office, await done_once(office), uses=3)

        for _ in range(3):
            assert not await is_asked(office)

        assert await is_asked(office)
        assert office.workshop.effects == ["press bell"] * 4
        assert len((await the_only(office)).uses) == 3
        assert (await the_only(office)).approval.granted_by == ("bo",)
        letters = [letter for letter in office.mails("bo") if standing.approval.id in letter.text]
        assert len(letters) >= 3


async def test_an_explanation_says_what_nobody_is_asked_about(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        standing = await granted(office, await done_once(office))
        assert not await is_asked(office)

        before = await sayso(office, "policies", "explain", "production", "--as", "anna")
        of_dan = await sayso(office, "policies", "explain", "production", "--as", "dan")
        await office.app.requests.standing.revoke(standing.approval.id, PersonId("bo"), "", channel="cli")
        after = await sayso(office, "policies", "explain", "production", "--as", "anna")

    assert "2 more times until " in before.out
    assert f"by the standing approval {standing.approval.id}" in " ".join(before.out.split())
    assert "standing approval" not in of_dan.out + after.out


async def test_each_use_has_a_request_of_its_own_that_says_what_decided_it(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        standing = await granted(office, await done_once(office))
        assert not await is_asked(office)

        [use] = (await the_only(office)).uses
        record = await office.request(use.request_id)

        assert record.state == "approved"
        assert record.decision
        assert record.decision.standing
        assert record.decision.standing.id == standing.approval.id
        assert record.votes == ()
        assert record.request.digest


async def test_an_open_argument_may_be_anything_and_the_rest_may_not(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        await granted(office, await done_once(office), leave_open=("what",))

        assert not await is_asked(office, "press button")
        assert await is_asked(office, "press bell", person="dan")


async def test_the_card_says_all_that_would_be_allowed(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        record = await asked(office, await done_once(office), uses=2)

        assert record.request.call
        facts = {fact.label: fact.text for fact in record.request.call.effect.facts}
        assert facts["Allows"] == "press"
        assert facts["Environment"] == "workshop"
        assert facts["With what"] == "“bell”"
        assert facts["Uses"] == "2"
        assert facts["Asked for by"] == "Anna Ames"
        assert record.request.requesters == ("anna",)
        assert record.request.policy.name == "production"


async def test_nothing_offers_whoever_asks_for_it_a_change_of_what_it_would_allow(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        record = await asked(office, await done_once(office))
        async with a_console(office) as console:
            page = await (await console.browser("anna")).get(f"/requests/{record.request.id}")

    assert record.request.title in page.words
    assert f"edit-{record.request.id}" not in page.html


async def test_its_card_quotes_nobody_and_says_by_its_readers_clock_until_when_it_would_count(
    redis: str, tmp_path: Path
) -> None:
    address = 'email = "bo@corp.example"\n'
    toml = ALLOWED.replace(address, f'{address}timezone = "Asia/Tokyo"\n')
    async with an_office(redis, tmp_path, toml) as office:
        record = await asked(office, await done_once(office))
        assert record.request.call
        [until] = [fact.text for fact in record.request.call.effect.facts if fact.label == "Until"]
        [(_, moment)] = dates.moments(until)

        card = await office.next_mail("bo", about="without asking")
        shown = await sayso(office, "show", record.request.id)
        async with a_console(office) as console:
            page = await (await console.browser("bo")).get(f"/requests/{record.request.id}")

    assert f"Until: {cards.moment(moment, 'Asia/Tokyo')}" in card.text
    assert f"Until {times.moment(ZoneInfo('Asia/Tokyo'), moment)}" in page.words
    for text in (card.text, page.words):
        lines = " ".join(text.split())
        assert "wrote" not in lines
        assert "it counts from then on" in lines
    assert times.moment(None, moment) in shown.out
    assert until not in card.text + page.words + shown.out
    assert "wrote" not in shown.out


@pytest.mark.parametrize("changed", [TOML, ALLOWED.replace('execute_within = "15m"', 'execute_within = "20m"', 1)])
async def test_wherever_it_is_listed_and_on_the_next_card_it_says_that_its_policy_has_changed(
    redis: str, tmp_path: Path, changed: str
) -> None:
    async with an_office(redis, tmp_path) as office, serving(office.app) as api:
        standing = await granted(office, await done_once(office), uses=3)
        anna = await api.client("anna")
        assert (await anna.get("/v1/standing")).json()["standing"][0]["lapsed"] == ""

        await becomes(office, changed)

        why = f"Standing approval {standing.approval.id} counts no longer: its policy has changed"
        async with a_console(office) as console:
            page = await (await console.browser("anna")).get("/standing")
        [listed] = (await anna.get("/v1/standing")).json()["standing"]
        await office.send("anna", "sayso@sayso.example", "standing")
        assert why in page.words
        assert (listed["state"], listed["lapsed"]) == ("valid", why)
        assert why in (await sayso(office, "standing", "list", "--as", "anna")).out
        assert why in " ".join((await office.next_mail("anna", "To end it, write: revoke")).text.split())
        assert await is_asked(office)
        assert why in " ".join((await office.next_mail("bo", "Changed since the last card")).text.split())


def test_a_card_names_the_environment_once() -> None:
    arguments: dict[str, JsonValue] = {"version": "v1", "environment": "production"}
    pattern = Pattern(
        policy="p", rules="r", tool="deploy", schema_version=1, environment="production", arguments=arguments
    )
    args = AllowAgainArgs(
        title="Deploy v1", run=RunId("r"), person=PersonId("anna"), uses=1, until=NOON, pattern=pattern
    )

    labels = [fact.label for fact in facts_of(args, "Anna Ames")]

    assert labels == ["Allows", "Environment", "With version", "Uses", "Until", "Asked for by"]
