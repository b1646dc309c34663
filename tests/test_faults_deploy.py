"""Deploys that are not what they were: unknown and moved tags, commands that fail, two at once."""

import asyncio
import subprocess

from bot.judge import ClosedOtherwise
from bot.mail.local import ADDRESS
from tests.test_tour import commit_of, live
from tests.world import World


def git(world: World, *args: str) -> None:
    subprocess.run(["git", *args], cwd=world.folder / "demo" / "shop", check=True, capture_output=True)


async def test_an_unknown_tag_is_answered_with_those_that_exist_and_asks_nobody(shop: World) -> None:
    run_id = await shop.trigger("deploy v9.9.9 to production")

    assert await shop.summary(run_id) == (
        "failed: There is no version 'v9.9.9'. Versions, newest first: v1.2.0, v1.1.0, v1.0.0"
    )
    assert await shop.requests() == []
    assert "newest first: v1.2.0" in (await shop.next_mail("anna", about="Failed")).text


async def test_a_tag_that_disappears_before_the_start_is_not_deployed(shop: World) -> None:
    run_id = await shop.trigger("deploy v1.2.0 to production")
    record = await shop.opened(run_id)
    git(shop, "tag", "--delete", "v1.2.0")

    await shop.decide("bo", record, "approve")

    assert "There is no version 'v1.2.0'" in await shop.summary(run_id)
    assert live(shop, "production") == commit_of(shop, "v1.0.0")


async def test_an_unknown_environment_is_answered_with_those_that_exist(shop: World) -> None:
    run_id = await shop.trigger("deploy v1.2.0 to prodcution")

    card = await shop.next_mail("anna", about="Which environment")
    await shop.reply("anna", card, "2")

    assert "1. production\n2. staging" in card.text
    assert (await shop.ended(run_id)).state == "done"
    assert live(shop, "staging") == commit_of(shop, "v1.2.0")


async def test_the_latest_for_a_short_name_is_shown_as_the_exact_version_and_place(shop: World) -> None:
    await shop.trigger("deploy latest to prod")

    card = await shop.next_mail("bo", about="Deploy v1.2.0 to production?")

    assert commit_of(shop, "v1.2.0") in card.text


async def test_a_way_back_without_a_version_is_a_list_to_choose_from(shop: World) -> None:
    await shop.trigger("please roll back production")

    card = await shop.next_mail("anna", about="Which version should production go back to?")
    await shop.reply("anna", card, "v1.1.0")

    assert "1. v1.2.0\n2. v1.1.0\n3. none of these" in card.text
    assert "Deploy v1.1.0 to production?" in (await shop.next_mail("bo")).subject


async def test_a_polite_mail_asks_for_what_its_one_plain_sentence_says(shop: World) -> None:
    await shop.send("anna", ADDRESS, "Hi,\n\nplease deploy v1.2.0 to production\n\nThanks, Anna")

    card = await shop.next_mail("bo", about="Deploy v1.2.0 to production?")
    await shop.reply("bo", card, "approved")
    await shop.next_mail("anna", about="Done")

    assert live(shop, "production") == commit_of(shop, "v1.2.0")


async def test_a_mail_that_takes_its_wish_back_is_asked_about_and_deploys_nothing(shop: World) -> None:
    await shop.send("anna", ADDRESS, "Hi,\n\nplease deploy v1.2.0 to staging\n\nNo, wait until Bo has looked.\nAnna")

    card = await shop.next_mail("anna", about="Which agent is your message for?")

    assert "1. deploy: puts versions live in production, staging" in " ".join(card.text.split())
    assert live(shop, "staging") == commit_of(shop, "v1.0.0")


async def test_a_tag_that_moved_between_card_and_execution_is_asked_again_and_shows_what_changed(shop: World) -> None:
    before, after = commit_of(shop, "v1.2.0"), commit_of(shop, "v1.1.0")
    run_id = await shop.trigger("deploy v1.2.0 to production")
    record = await shop.opened(run_id)
    card = await shop.next_mail("bo")
    git(shop, "tag", "--force", "v1.2.0", "v1.1.0")

    await shop.reply("bo", card, "approved")
    again = await shop.next_mail("bo", about="Changed since the last card")

    assert (await shop.request(record.request.id)).state == "superseded"
    assert f"v1.2.0 was {before} and is now {after}." in again.text
    assert live(shop, "production") == commit_of(shop, "v1.0.0"), "the approval was for another commit"
    await shop.reply("bo", again, "approved")
    assert (await shop.ended(run_id)).state == "done"
    assert live(shop, "production") == after


async def test_an_answer_to_the_card_of_the_moved_tag_decides_nothing(shop: World) -> None:
    run_id = await shop.trigger("deploy v1.2.0 to production")
    record = await shop.opened(run_id)
    git(shop, "tag", "--force", "v1.2.0", "v1.1.0")
    await shop.decide("bo", record, "approve")
    await shop.opened(run_id, after=record.request.id)

    assert await shop.decide("cy", record, "approve") == ClosedOtherwise(state="superseded")

    assert live(shop, "production") == commit_of(shop, "v1.0.0")
    assert (await shop.run(run_id)).state == "waiting"


async def test_a_command_that_fails_is_told_with_its_words_and_is_not_tried_again(shop: World) -> None:
    script = shop.folder / "demo" / "shop" / "deploy.sh"
    script.write_text("#!/bin/sh\necho tried >> ../tries\necho 'disk full on host 7' >&2\nexit 3\n")
    run_id = await shop.trigger("deploy v1.2.0 to staging")

    summary = await shop.summary(run_id)

    assert "ended with exit code 3. disk full on host 7" in summary
    assert (shop.folder / "demo" / "tries").read_text() == "tried\n"


async def test_a_deploy_that_claims_to_have_worked_is_checked_against_what_is_live(shop: World) -> None:
    (shop.folder / "demo" / "shop" / "deploy.sh").write_text("#!/bin/sh\necho fine\n")

    summary = await shop.summary(await shop.trigger("deploy v1.2.0 to staging"))

    assert summary.startswith("failed: The deploy of v1.2.0 to staging ran, but staging serves")
    assert "v1.0.0" in summary


async def test_two_deploys_of_one_environment_at_once_run_one_after_the_other(shop: World) -> None:
    script = shop.folder / "demo" / "shop" / "deploy.sh"
    script.rename(script.with_name("real.sh"))
    script.write_text('#!/bin/sh\nmkdir ../busy || exit 9\n./real.sh "$@"\nrmdir ../busy\n')
    script.chmod(0o755)

    runs = await asyncio.gather(*(shop.trigger(f"deploy {version} to staging") for version in ("v1.1.0", "v1.2.0")))
    ended = [await shop.ended(run_id) for run_id in runs]

    deployed = [result.text for run in ended for result in run.results if result.text.startswith("deployed")]
    assert len(deployed) == 2
    assert not any("exit code 9" in result.text for run in ended for result in run.results)


async def test_an_amended_deploy_deploys_what_was_amended(shop: World) -> None:
    run_id = await shop.trigger("deploy v1.2.0 to production")
    record = await shop.opened(run_id)
    await shop.next_mail("bo")

    await shop.steering.amend(record.request.id, record.request.requesters[0], {"version": "v1.1.0"})
    card = await shop.next_mail("bo", about="Deploy v1.1.0 to production?")
    await shop.reply("bo", card, "approve")

    assert (await shop.ended(run_id)).state == "done"
    assert live(shop, "production") == commit_of(shop, "v1.1.0")
