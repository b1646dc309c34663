"""The mail on how a run ended: what is live now, or how a command failed, with all that it printed attached."""

import hashlib
from collections.abc import AsyncIterator

import pytest

from bot.policy.attachments import size
from channels.email.local.letters import Letter
from tests.bot.cli.shell import sayso
from tests.kit.world import World
from tests.servers.console import Console, a_console
from tests.stories.faults.test_deploy import release
from tests.stories.faults.test_long_lists import raw_mail

LONG = """#!/bin/sh
for line in $(seq 1000); do echo "step $line of https://deploy:hush@shop.example"; done
exit 3
"""
PRINTED = "".join(f"step {line} of https://[redacted]@shop.example\n" for line in range(1, 1001))
HASH = hashlib.sha256(PRINTED.encode()).hexdigest()


@pytest.fixture
async def console(shop: World) -> AsyncIterator[Console]:
    async with a_console(shop) as console:
        yield console


def attached(world: World, person: str, mail: Letter) -> dict[str | None, str]:
    """Name and text of what is attached to `mail`."""
    parts = raw_mail(world, person, mail).iter_attachments()
    return {part.get_filename(): part.get_content().replace("\r\n", "\n") for part in parts}


async def failed(world: World) -> str:
    """The id of a run whose approved deploy fails after a thousand lines."""
    release(world, "v1.2.0", LONG)
    record = await world.opened(await world.trigger("deploy v1.2.0 to production"))
    await world.decide("bo", record, "approve")
    assert (await world.ended(record.request.run_id)).state == "failed"
    return record.request.run_id


async def test_the_further_lines_of_a_refusal_are_told_as_their_writers_and_not_as_what_a_program_printed(
    shop: World,
) -> None:
    record = await shop.opened(await shop.trigger("deploy v1.2.0 to production"))
    why = "Too early.\n\nWe go live on Friday.\nUntil then Eve deploys by hand."

    await shop.decide("bo", record, "deny", why, channel="email")

    told = await shop.next_mail("anna", about="Stopped: ")
    assert "Too early." in told.text.partition("What ")[0]
    assert "What Bo Berg wrote:\n\n| We go live on Friday.\n| Until then Eve deploys by hand.\n" in told.text
    assert "printed" not in told.text


async def test_what_a_run_further_down_printed_is_attached_to_the_mail_of_the_run_that_people_know(shop: World) -> None:
    release(shop, "v1.2.0", LONG)
    starter, anna = shop.app.runs.starter, shop.app.people.named("anna")
    run_id = await starter.start("email", "deploy v1.2.0 to staging", anna, agent="triage")

    assert (await shop.ended(run_id)).state == "failed"
    told = await shop.next_mail("anna", about="Failed")

    assert "ended with exit code 3." in told.text
    assert attached(shop, "anna", told) == {"output.txt": PRINTED}


async def test_a_failure_shows_its_last_lines_first_and_all_that_was_printed_is_attached_and_named(
    shop: World, console: Console
) -> None:
    run_id = await failed(shop)

    told = await shop.next_mail("anna", about="Failed")
    sentence, _, shown = told.text.partition("The last lines that it printed")
    assert "ended with exit code 3." in sentence
    assert " is live in production." in sentence, "what the deploy has left there"
    assert "step 980 " not in shown
    assert "step 981 " in shown
    assert f"Output: all of it, {size(len(PRINTED))}, is attached as output.txt" in told.text
    for person, mail in (("anna", told), ("bo", await shop.next_mail("bo", about="Failed"))):
        assert attached(shop, person, mail) == {"output.txt": PRINTED}
    assert "hush" not in "".join(event.model_dump_json() for event in await shop.events(run_id))

    browser, client = await console.browser("anna"), await console.api.client("anna")
    page = await browser.get(f"/runs/{run_id}")
    file = await browser.ask("GET", f"/runs/{run_id}/files/{HASH}")
    [output] = (await client.get(f"/v1/runs/{run_id}")).json()["outputs"]
    seen = await sayso(shop, "show", run_id)
    assert page.links.count(f"/runs/{run_id}/files/{HASH}") == 1, "beside the error"
    assert file.text == PRINTED
    assert (output["name"], output["size_bytes"], output["sha256"]) == ("output.txt", len(PRINTED), HASH)
    assert f"output.txt  text/plain  {size(len(PRINTED))}  sha256 {HASH}" in seen.out


@pytest.mark.long
async def test_the_page_of_the_request_says_first_what_was_live_after_it(shop: World, console: Console) -> None:
    record = await shop.opened(await shop.trigger("deploy v1.2.0 to production"))
    await shop.decide("bo", record, "approve")
    assert (await shop.ended(record.request.run_id)).state == "done"

    page = await (await console.browser("anna")).get(f"/requests/{record.request.id}")

    parts = ["Done: Deploy v1.2.0", "It began", "was live in production afterwards.", "What changes"]
    assert sorted(parts, key=page.words.index) == parts
