"""Attacks on one request by what is answered: again, twice, as somebody else, about something else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.events import AnswerNoted
from agents.requests import PersonId, RequestId
from agents.requests.record import RequestRecord
from bot.config.errors import ConfigError
from bot.policy.judgements import Decided
from tests.kit.long import few_of
from tests.kit.office import TOML, settings_of
from tests.kit.slack_world import SlackWorld, a_started_slack_world
from tests.kit.waiting import until
from tests.kit.world import World


@pytest.fixture
async def office(redis: str, tmp_path: Path, slack_address: str) -> AsyncIterator[SlackWorld]:
    async with a_started_slack_world(redis, tmp_path / "data", slack_address) as office:
        yield office


async def asked(world: World, what: str = "bell", policy: str = "production") -> RequestRecord:
    world.workshop.policy_of[what] = policy
    return await world.opened(await world.trigger(f"press {what}"))


async def counted(world: World, request_id: RequestId) -> list[str]:
    return [vote.person for vote in (await world.request(request_id)).votes]


async def test_an_old_button_that_is_pressed_again_decides_nothing(office: SlackWorld) -> None:
    office.world.workshop.policy_of |= {"bell": "pair", "horn": "pair"}
    await office.anna.says("#ops", "@sayso press bell")
    card = await office.card("#ops", "Approve")
    pressed = await office.bo.presses("Approve", in_=card)
    await office.becomes(card, "1 of 2")
    run_id = await office.only_run()
    before = await office.world.opened(run_id)

    await office.slack.brings_again(pressed)
    await office.world.quiet()
    assert (await office.world.request(before.request.id)).votes == before.votes

    await office.world.edit("anna", await office.world.request(before.request.id), what="horn")
    await office.becomes(card, "Press horn?")
    await office.cy.presses("Approve", in_=card, version=0)
    await office.cy.sees_ephemeral()
    await office.world.quiet()

    after = await office.world.request(before.request.id)
    assert (after.state, after.votes) == ("open", ())
    assert office.world.workshop.effects == []


async def test_a_second_address_of_the_requester_is_nobodys(world: World) -> None:
    record = await asked(world)
    card = await world.next_mail("bo", about="Press bell?")
    assert card.reply_to is not None

    for alias in ("anna2", "anna-bo", "bo-anna"):
        await world.send(alias, card.reply_to, "approved", login=None)
    await until(world.dead, what="they are quarantined")
    await world.quiet()

    assert (await world.request(record.request.id)).state == "open"


@pytest.mark.parametrize("address", few_of(["anna@corp.example", "anna+2@corp.example", "ANNA@corp.example."], 0))
def test_a_second_account_with_an_address_of_the_requester_is_refused(tmp_path: Path, address: str) -> None:
    double = f'\n[people.zoe]\nname = "Zoe Zed"\nemail = "{address}"\ngroups = ["release"]\n'

    with pytest.raises(ConfigError, match="anna"):
        settings_of(tmp_path, TOML + double)


@pytest.mark.parametrize(("person", "became"), [("bo", "denied"), ("anna", "withdrawn")])
async def test_a_no_that_counted_for_what_is_asked_in_its_place_is_the_same_no_when_it_comes_again(
    world: World, person: str, became: str
) -> None:
    before = await asked(world)
    run_id = before.request.run_id
    await world.steer(run_id, "pause")
    await world.decide("cy", before, "approve")
    await world.move_time(16 * 60)
    await world.steer(run_id, "resume")
    now = await world.opened(run_id, after=before.request.id)

    first, again = [await world.decide(person, before, "deny", "not today", reply_id="the same") for _ in range(2)]

    assert isinstance(first, Decided)
    assert (first.decision.state, (await world.request(now.request.id)).state) == (became, became)
    assert again == first, "whoever sends it once more reads what became of it, and not that nothing did"
    assert not [event for event in await world.events(run_id) if isinstance(event, AnswerNoted)]


@pytest.mark.parametrize("held", ["paused", "frozen", "paused and frozen"])
async def test_attack_who_approves_by_a_mail_that_says_it_starts_right_away_hears_nothing_of_a_later_pause_or_freeze(
    world: World, held: str
) -> None:
    record, card = await asked(world, policy="pair"), await world.next_mail("bo")
    assert "once Cy Cole has approved too, it starts right away" in " ".join(card.text.split())
    await world.decide("cy", record, "approve")
    if "paused" in held:
        await world.steer(record.request.run_id, "pause", "dan")
    if "frozen" in held:
        await world.app.requests.freezes.freeze("workshop", PersonId("dan"), "audit", proof=None)

    async def is_held() -> bool:
        now = await world.request(record.request.id)
        return (now.is_paused, now.frozen is not None) == ("paused" in held, "frozen" in held)

    await until(is_held, what="it is held back")

    await world.reply("bo", card, "approve")

    texts = {"paused": "nothing starts until the run goes on: somebody has paused it"}
    texts["frozen"] = "nothing starts until the freeze of workshop ends"
    for person in ("bo", "cy"):
        told = " ".join((await world.next_mail(person, about="Cy Cole and Bo Berg approved")).text.split())
        assert [what for what, said in texts.items() if said in told.lower()] == held.split(" and ")
    assert world.workshop.started == []


async def test_attack_who_answers_by_a_mail_that_says_the_agent_goes_on_at_once_hears_nothing_of_a_later_pause(
    world: World,
) -> None:
    run_id = await world.trigger("ask-of person:bo free_text Which bell?\npress bell")
    record, card = await world.opened(run_id), await world.next_mail("bo", about="Which bell?")
    assert "the agent goes on with your answer at once" in " ".join(card.text.split())
    await world.steer(run_id, "pause", "dan")

    async def is_held() -> bool:
        return (await world.request(record.request.id)).is_paused

    await until(is_held, what="it is held back")

    await world.reply("bo", card, "the big one")

    told = " ".join((await world.next_mail("bo", about="Bo Berg answered")).text.split())
    assert "Nothing starts until the run goes on: somebody has paused it." in told
