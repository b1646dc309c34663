"""The same again without asking: granted as anything is, used as often as it says, and no more."""

from pathlib import Path

from agents.requests import PersonId
from tests.bot.cli.shell import sayso
from tests.stories.people.standing import an_office, asked, done_once, granted, is_asked, the_only


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
        assert facts["Asked for by"] == "anna"
        assert record.request.requesters == ("anna",)
        assert record.request.policy.name == "production"
