"""*Ask sayso about this*: whoever wrote the message counts as a requester, and no card calls it the asker's words."""

import pytest

from agents.requests.record import RequestRecord
from bot.people.offers import deciders
from bot.policy.judgements import Decided, NotEntitled
from tests.fakes.slack.driver import Person
from tests.kit.slack_world import SlackWorld
from tests.kit.tables import becomes
from tests.kit.waiting import until
from tests.stories.attacks.test_who_is_who import with_mark
from tests.stories.slack.test_threads import begun_since

BROKEN = "checkout is broken, could somebody get v9 onto production today?"


async def test_attack_whoever_wrote_what_is_asked_about_does_not_approve_it_and_a_strangers_words_are_not_the_askers(
    office: SlackWorld,
) -> None:
    eve: Person = await office.slack.person("eve")
    await office.slack.tell("member", channel=office.ops, user=eve.id, is_in=True)
    for writer, requesters, is_own, judged in (
        (office.bo, ("anna", "bo"), False, NotEntitled),
        (eve, ("anna",), False, Decided),
        (office.anna, ("anna",), True, Decided),
    ):
        before = await office.runs()
        said = await writer.says("#ops", BROKEN)
        assert (await office.anna.uses_shortcut("ask_about", on=said)).acked
        await office.anna.sees_modal("get v9 onto production today")
        await office.anna.submits({"What should be done?": "press bell"})
        [run_id] = await until(lambda: begun_since(office, before), what="a run begins")  # noqa: B023
        record = await office.world.opened(run_id)

        assert BROKEN in record.request.words
        assert (record.request.requesters, record.request.words_are_own) == (requesters, is_own), writer.name
        assert isinstance(await office.world.decide("bo", record, "approve"), judged), writer.name
        started = (await office.world.run(run_id)).started
        assert started
        weak = "" if is_own else "it quotes a message that somebody else wrote"
        assert (started.quotes, started.weakness) == (not is_own, weak)


@pytest.mark.parametrize("when", ["before it is chosen", "while the window is open"])
async def test_attack_whoever_wrote_it_under_another_slack_id_approves_it(office: SlackWorld, when: str) -> None:
    toml = office.world.toml = with_mark(office.world.toml, "bo", 'uid = "of-bo"')
    await becomes(office.world, toml)
    said = await office.bo.says("#ops", BROKEN)
    if when == "before it is chosen":
        await becomes(office.world, toml.replace('"U0BO"', '"U0BO9"'))
    assert (await office.anna.uses_shortcut("ask_about", on=said)).acked
    await office.anna.sees_modal("get v9 onto production today")
    await becomes(office.world, toml.replace('"U0BO"', '"U0BO9"'))
    await office.anna.submits({"What should be done?": "press bell"})
    record = await office.world.opened(await office.only_run())

    assert record.request.requesters == ("anna", "bo")
    assert isinstance(await office.world.decide("bo", record, "approve"), NotEntitled)
    assert isinstance(await office.world.decide("cy", record, "approve"), Decided)


async def test_attack_whoever_wrote_it_is_named_once_they_approved_it_or_gave_their_seat_away(
    office: SlackWorld,
) -> None:
    """Nobody knows eve as Anna asks; she is Bo by another account of his."""
    toml, stand_ins = with_mark(office.world.toml, "bo", 'uid = "of-bo"'), 'stand_ins = ["person:dan"]\n'
    office.world.toml = toml.replace("[policies.production]\n", f"[policies.production]\n{stand_ins}")
    await becomes(office.world, office.world.toml)
    eve: Person = await office.slack.person("eve")
    await office.slack.tell("member", channel=office.ops, user=eve.id, is_in=True)
    asked = list[RequestRecord]()
    for _ in range(2):
        before = await office.runs()
        assert (await office.anna.uses_shortcut("ask_about", on=await eve.says("#ops", BROKEN))).acked
        await office.anna.sees_modal("get v9 onto production today")
        await office.anna.submits({"What should be done?": "press bell"})
        [run_id] = await until(lambda: begun_since(office, before), what="a run begins")  # noqa: B023
        asked.append(await office.world.opened(run_id))
    first, second = asked
    await office.world.steer(first.request.run_id, "pause")
    assert isinstance(await office.world.decide("bo", first, "approve"), Decided)
    await office.world.delegate("bo", second, "dan")

    office.world.toml = office.world.toml.replace('"U0BO"', f'"{eve.id}"')
    await becomes(office.world, office.world.toml)

    assert deciders(await office.world.request(second.request.id), office.world.people) == ("cy",)
    assert isinstance(await office.world.decide("dan", second, "approve"), NotEntitled)
    await office.world.steer(first.request.run_id, "resume")
    anew = await office.world.opened(first.request.run_id, after=first.request.id)
    assert deciders(anew, office.world.people) == ("cy",)
    assert isinstance(await office.world.decide("bo", anew, "approve"), NotEntitled)
    assert office.world.workshop.effects == []
