"""A run's events as rows: each has its colour, its words, and leads to what it is about."""

from bot.web.console.views.timeline import rows
from tests.kit.world import World


async def test_rows_are_marked_by_what_they_mean_and_lead_to_the_request_and_the_mailbox(world: World) -> None:
    run_id = await world.trigger("press it")
    record = await world.opened(run_id)
    await world.next_mail("cy")
    await world.quiet()
    await world.decide("dan", record, "approve")
    await world.decide("bo", record, "approve")
    await world.ended(run_id)

    told = rows(await world.events(run_id), world.app.people)

    assert [row.seq for row in told] == list(range(1, len(told) + 1))
    marks = {row.text.partition(" ")[0]: row.mark for row in told}
    assert marks == {
        "Anna": "person",
        "Looked": "work",
        "Next:": "work",
        "Asks:": "ask",
        "Card": "work",
        "Dan": "doubt",
        "Bo": "good",
        "Running": "work",
        "Succeeded": "good",
        "Done": "good",
    }
    assert {row.request_id for row in told} == {None, record.request.id}
    assert sorted(row.mailbox for row in told if row.mailbox) == ["bo", "cy"]


async def test_what_went_wrong_is_marked_and_long_words_are_cut(world: World) -> None:
    world.workshop.breaks["cup"] = RuntimeError("broken " * 2_000)
    broken = await world.trigger("stamp cup")
    denied = await world.trigger("press it")
    record = await world.opened(denied)
    await world.decide("cy", record, "deny", "no")
    for run_id in (broken, denied):
        await world.ended(run_id)

    failed = rows(await world.events(broken), world.app.people)
    refused = rows(await world.events(denied), world.app.people)

    assert [row.mark for row in failed[-3:] if row.text == "Failed"] == ["bad", "bad"]
    assert max(len(row.quoted) for row in failed) <= 4_001
    assert [row.mark for row in refused if row.text.startswith("Cy Cole denied")] == ["doubt"]
