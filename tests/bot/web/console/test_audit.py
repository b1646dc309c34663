"""The page of the audit log: those who hear the alerts read it, filter it and take it away."""

import json

from tests.servers.console import Console
from tests.stories.test_audit import asked, records
from tests.world import World


async def test_whoever_hears_the_alerts_sees_who_decided_filters_it_and_downloads_it(
    world: World, console: Console
) -> None:
    record = await asked(world)
    await world.decide("bo", record, "approve", channel="slack")
    await records(world, "tool_finished", record.request.id)
    dan = await console.browser("dan")

    page = await dan.get("/audit")
    of_bo = await dan.get("/audit?person=bo")
    lines = await dan.ask("GET", "/audit/export?person=bo")
    table = await dan.ask("GET", "/audit/export?format=csv&policy=production")
    wrong = await dan.get("/audit?since=soon")

    assert "Vote: approve" in page.words
    assert "Asked" in page.words
    assert ("Decided: approved" in of_bo.words, "Started" in of_bo.words) == (True, False)
    assert [json.loads(line)["kind"] for line in lines.text.splitlines()] == ["vote", "decided"]
    assert table.text.startswith("shard,n,at,kind,who,")
    assert len(table.text.splitlines()) == 6
    assert "soon is no day" in wrong.words


async def test_nobody_else_reads_the_audit_log(console: Console) -> None:
    bo = await console.browser("bo")

    assert (await bo.ask("GET", "/audit")).status_code == 403
    assert (await bo.ask("GET", "/audit/export")).status_code == 403
    assert "/audit" not in (await bo.ask("GET", "/")).text


async def test_how_it_was_known_is_told_in_the_reader_s_language_and_the_policy_by_its_name(
    world: World, console: Console
) -> None:
    record = await asked(world)
    bo = await console.browser("bo")
    page = await bo.get(f"/requests/{record.request.id}")
    await bo.submit(page.form(f"/requests/{record.request.id}/answer"), "Approve")
    await records(world, "vote", record.request.id)
    dan = await console.browser("dan")

    shown = await dan.get("/audit")

    assert "Console session, opened by a link" in shown.words
    assert "Policy: production" in shown.words
