"""Whoever granted a standing approval hears of each use by mail, and ends it by an answer."""

from pathlib import Path

from tests.stories.people.standing import an_office, done_once, granted, is_asked, the_only


async def test_an_answer_to_the_mail_about_a_use_ends_it(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        standing = await granted(office, await done_once(office))
        assert not await is_asked(office)
        letter = await office.next_mail("bo", "Used without asking")
        assert f"answer with nothing but: revoke {standing.approval.id}" in letter.text

        await office.reply("bo", letter, f"revoke {standing.approval.id}\nWe are in an incident.")

        assert "is revoked" in (await office.next_mail("bo", "Revoked")).text
        ended = (await the_only(office)).revoked
        assert ended
        assert (ended.by, ended.reason) == ("bo", "We are in an incident.")
        assert await is_asked(office)


async def test_a_mail_of_somebody_it_does_not_concern_or_of_nobody_proven_ends_nothing(
    redis: str, tmp_path: Path
) -> None:
    async with an_office(redis, tmp_path) as office:
        standing = await granted(office, await done_once(office))
        letter = await office.next_mail("anna")
        to = letter.reply_to or "sayso@sayso.example"

        await office.send("dan", to, f"revoke {standing.approval.id}")
        await office.send("bo", to, f"revoke {standing.approval.id}", login=None)
        await office.quiet()

        assert (await the_only(office)).revoked is None
        assert not await is_asked(office)


async def test_a_new_mail_that_says_nothing_else_ends_it(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        standing = await granted(office, await done_once(office))

        await office.send("cy", "sayso@sayso.example", f"revoke {standing.approval.id}")
        await office.next_mail("cy", "Revoked")

        assert (await the_only(office)).revoked
