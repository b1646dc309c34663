"""*Ask sayso about this*: whoever wrote the message counts as a requester, and no card calls it the asker's words."""

import pytest

from bot.policy.judgements import Decided, NotEntitled
from bot.policy.record import RequestRecord
from tests.fakes.slack.driver import Message, Person
from tests.kit.slack_world import SlackWorld
from tests.kit.tables import becomes
from tests.stories.attacks.test_who_is_who import with_mark

BROKEN = "checkout is broken, could somebody get v9 onto production today?"


async def asked_about(office: SlackWorld, said: Message) -> RequestRecord:
    assert (await office.anna.uses_shortcut("ask_about", on=said)).acked
    await office.anna.sees_modal("get v9 onto production today")
    await office.anna.submits({"What should be done?": "press bell"})
    record = await office.world.opened(await office.only_run())
    assert BROKEN in record.request.words
    return record


async def test_attack_whoever_wrote_what_is_asked_about_does_not_approve_it(office: SlackWorld) -> None:
    record = await asked_about(office, await office.bo.says("#ops", BROKEN))

    assert (record.request.requesters, record.request.words_are_own) == (("anna", "bo"), False)
    assert isinstance(await office.world.decide("bo", record, "approve"), NotEntitled)
    assert isinstance(await office.world.decide("cy", record, "approve"), Decided)


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


async def test_attack_the_words_of_a_stranger_are_not_called_the_askers(office: SlackWorld) -> None:
    eve: Person = await office.slack.person("eve")
    await office.slack.tell("member", channel=office.ops, user=eve.id, is_in=True)
    record = await asked_about(office, await eve.says("#ops", BROKEN))

    assert (record.request.requesters, record.request.words_are_own) == (("anna",), False)
    started = (await office.world.run(record.request.run_id)).started
    assert started
    assert (started.quotes, started.weakness) == (True, "it quotes a message that somebody else wrote")


async def test_what_somebody_wrote_themselves_stays_their_own(office: SlackWorld) -> None:
    record = await asked_about(office, await office.anna.says("#ops", BROKEN))

    assert (record.request.requesters, record.request.words_are_own) == (("anna",), True)
    assert isinstance(await office.world.decide("bo", record, "approve"), Decided)
