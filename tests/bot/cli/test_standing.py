"""Standing approvals from a terminal: asked for, listed, revoked."""

from datetime import timedelta
from pathlib import Path

from bot.render.times import moment
from tests.bot.cli.shell import sayso
from tests.stories.people.standing import an_office, done_once, is_asked, the_only


async def test_it_is_asked_for_granted_listed_used_and_revoked(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        run_id = await done_once(office)
        day = f"{await office.now() + timedelta(days=2):%Y-%m-%d}"

        nothing = await sayso(office, "standing", "list", "--as", "cy")
        assert nothing.out == "There are no standing approvals that concern you.\n"
        asked = await sayso(office, "standing", "request", run_id, "--uses", "2", "--until", day, "--as", "anna")
        assert asked.code == 0, asked.err
        assert "“Press bell”, 2 more times without asking" in asked.out
        [record] = [one for one in await office.requests() if one.state == "open"]
        await office.decide("bo", record, "approve")
        await office.has(record.request.run_id, "done")
        assert not await is_asked(office)

        found = await the_only(office)
        listed = await sayso(office, "standing", "list", "--as", "cy")
        assert f"{found.approval.id}  valid  anna  press in workshop: what=bell  1 of 2 used" in listed.out
        assert f"until {moment(None, found.approval.until)}  by bo" in listed.out
        ended = await sayso(office, "standing", "revoke", found.approval.id, "--reason", "enough", "--as", "cy")
        assert (ended.code, ended.out) == (0, f"{found.approval.id} is revoked. People are asked again.\n")
        assert await is_asked(office)
