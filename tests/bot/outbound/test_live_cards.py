"""Cards that are changed where they stand: the newest state wins, whoever's update lands last, and with few calls."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from agents.requests import PersonId, RunId
from agents.requests.record import RequestRecord
from bot.app import App, compose
from bot.render.status_line import StatusLines
from bot.store import Commit, Keys
from bot.store.journal import outbox_entry, outgoing_id
from bot.store.outbox_entry import Delivery, UpdateCard
from channels import Card
from tests.fakes.wall import Wall
from tests.kit.clerk import clerk
from tests.kit.guards import guards
from tests.kit.long import few_of
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import TOML, World

CROWD = [f"p{number}" for number in range(1, 8)]
PEOPLE = "".join(
    f'\n[people.{name}]\nname = "{name.upper()}"\nemail = "{name}@corp.example"\ngroups = ["crowd"]\n' for name in CROWD
)
# What is drawn again after the grace is not the matter here, however slow the machine is.
MANY = (
    f'grace_s = 3600\n{TOML}{PEOPLE}\n[policies.crowd]\napprovers = ["group:crowd"]\nquorum = 6\nexpires_after = "4h"\n'
)


@pytest.fixture
def wall() -> Wall:
    return Wall()


pytestmark = opens(MANY, beside=["wall"], reach=("slack", "email"))


async def asked(world: World, policy: str) -> RequestRecord:
    """An open request whose cards hang on the wall."""
    world.workshop.policy_of["bell"] = policy
    record = await world.opened(await world.trigger("press bell"))
    await world.quiet()
    return record


async def another(world: World, wall: Wall) -> AsyncIterator[App]:
    """Another process over the same Redis, which does only what it is told to."""
    app = compose(world.app.settings, world.url, [world.mail.channel(), wall], (clerk(world.workshop),))
    yield app
    await app.store.client.close()


def update_of(record: RequestRecord, person: str) -> UpdateCard:
    request = record.request
    [delivery_id] = [holder.delivery_id for holder in record.holders if holder.person == person]
    return UpdateCard(
        id=outgoing_id(request.id),
        run_id=request.run_id,
        person=PersonId(person),
        reach=("slack",),
        card=Card(title="never seen", at=request.opened_at),
        thread=request.thread,
        request_id=request.id,
        delivery_id=delivery_id,
    )


async def test_an_old_update_that_lands_last_does_not_bring_the_buttons_back(world: World, wall: Wall) -> None:
    record = await asked(world, "pair")
    other = Wall(pinned=wall.pinned, looks=wall.looks, is_slow=lambda card: card.form is not None)
    async for app in another(world, other):
        entry = update_of(record, "bo")
        await app.store.commit(Commit(run_id=entry.run_id, outgoing=[outbox_entry(entry)]))
        late = asyncio.create_task(app.messages.outbox.send(entry.id))
        await until(lambda: other.held, what="the other process has begun to show that it is open")

        await world.decide("bo", record, "approve", channel="slack")
        await world.decide("cy", record, "deny", "no", channel="slack")
        await until(lambda: wall.of("bo")[-1].form is None, what="this process has shown that it is denied")
        other.may_go.set()
        await late

    assert any(card.form for card in wall.of("bo")[2:]), "it did land late"
    assert wall.of("bo")[-1].title == "Denied: Press bell"
    assert wall.of("bo")[-1].form is None


async def test_an_old_update_that_lands_last_and_is_never_answered_does_not_bring_the_buttons_back(
    world: World, wall: Wall
) -> None:
    record = await asked(world, "pair")
    other = Wall(pinned=wall.pinned, looks=wall.looks, is_slow=lambda card: card.form is not None, stammers=True)
    async for app in another(world, other):
        entry = update_of(record, "bo")
        await app.store.commit(Commit(run_id=entry.run_id, outgoing=[outbox_entry(entry)]), push=False)
        late = asyncio.create_task(app.messages.outbox.send(entry.id))
        await until(lambda: other.held, what="the other process has begun to show that it is open")

        await world.decide("bo", record, "deny", "no", channel="slack")
        await until(lambda: wall.of("bo")[-1].form is None, what="this process has shown that it is denied")
        await world.app.messages.outbox.send(entry.id)
        assert await app.store.outgoing(entry.id) is None
        other.may_go.set()
        await late
        assert await app.store.outgoing(entry.id) is None, "what shows it again is nobody else's to be done with"

    assert wall.of("bo")[-1].form, "it did land late"
    await world.move_time(5)
    await until(lambda: wall.of("bo")[-1].form is None, what="whoever takes it shows that it is denied")


@pytest.mark.parametrize(
    ("asks_again", "shown"), [(False, ["0", "1", "5"]), (True, ["0", "5"])], ids=["on its way", "still to go"]
)
async def test_changes_that_come_while_an_update_has_to_wait_are_shown_together(
    world: World, wall: Wall, *, asks_again: bool, shown: list[str]
) -> None:
    record = await asked(world, "crowd")
    wall.is_slow, wall.asks_again = lambda _: True, asks_again

    await world.decide("p1", record, "approve", channel="slack")
    await until(lambda: len(wall.held) == len(CROWD), what="the first change is on its way to everybody")
    for person in CROWD[1:5]:
        await world.decide(person, record, "approve", channel="slack")
    wall.may_go.set()
    await world.quiet()

    approvals = [fact.text[:6] for card in wall.of("p7") for fact in card.decides if fact.label == "Approvals"]
    # On a slow machine a worker takes one up again, and shows the same once more.
    assert list(dict.fromkeys(approvals)) == [f"{count} of 6" for count in shown]
    assert len([person for person, _ in wall.calls if person == "p7"]) <= len(shown)


@guards("planted:note_that_a_card_may_be_sent")
@pytest.mark.parametrize("what", few_of(["mumbles", "is_fatal"], 0))
async def test_a_card_whose_sending_was_never_answered_is_closed_too_when_it_is_decided_meanwhile(
    world: World, wall: Wall, what: str
) -> None:
    setattr(wall, what, True)
    world.workshop.policy_of["bell"] = "production"
    record = await world.opened(await world.trigger("press bell"))
    await until(lambda: wall.now("bo") and wall.now("cy"), what="the cards hang there, and nobody knows")

    await world.decide("bo", record, "deny", channel="slack")
    setattr(wall, what, False)

    await until(lambda: all(_is_closed(wall.now(name)) for name in ("bo", "cy")), what="neither can be answered")


def _is_closed(card: Card | None) -> bool:
    return card is not None and card.form is None and card.title.startswith("Denied")


async def test_what_landed_late_from_a_worker_that_died_is_put_right_by_whoever_takes_its_work(
    world: World, wall: Wall
) -> None:
    record = await asked(world, "production")
    await world.decide("bo", record, "deny", "no", channel="slack")
    await world.ended(record.request.run_id)
    await world.quiet()
    wall.of("bo").append(wall.of("bo")[0])
    assert wall.of("bo")[-1].form, "the dead worker's call landed"

    left = update_of(record, "bo")
    left = left.model_copy(
        update={"card": left.card.model_copy(update={"at": record.request.opened_at - timedelta(minutes=1)})}
    )
    await world.app.store.commit(Commit(run_id=left.run_id, outgoing=[outbox_entry(left)]))

    await until(lambda: wall.of("bo")[-1].form is None, what="the sweeper brings it, and the buttons go")


async def test_where_one_card_stands_for_several_only_the_one_it_was_sent_for_changes_it(
    world: World, wall: Wall
) -> None:
    record = await asked(world, "production")
    bos, cys = (holder.delivery_id for holder in record.holders)
    body = await world.app.store.delivery(cys)
    assert body
    shared = Delivery.model_validate_json(body).model_copy(update={"shares": bos}).model_dump_json().encode()
    await world.app.store.commit(Commit(run_id=record.request.run_id, deliveries=[(cys, shared)]))

    await world.decide("bo", record, "deny", "no", channel="slack")
    await world.quiet()

    assert {person for person, _ in wall.calls} == {"bo"}


async def test_one_line_however_often_it_is_first_sent(world: World, wall: Wall) -> None:
    run_id = await on_the_wall(world)
    name = f"status {run_id}"
    for shard in range(world.app.store.shards):
        await world.app.store.client.do("DEL", Keys(shard).seen(name))
    assert await StatusLines(world.app.store).find(run_id) is None

    await world.steer(run_id, "pause")
    await until(lambda: wall.lines()[0][-1].startswith("Paused by Anna Ames: "), what="the line says so")

    assert len(wall.lines()) == 1


async def test_a_line_or_a_change_that_is_refused_is_dropped_at_once_and_nobody_is_alarmed(
    world: World, wall: Wall
) -> None:
    wall.refuses = lambda card: card.is_line or (card.form is None and card.title.endswith("Press bell"))
    await on_the_wall(world)
    record = await asked(world, "production")

    await world.decide("bo", record, "approve", channel="slack")
    await world.ended(record.request.run_id)
    await world.quiet()

    assert wall.lines() == []
    assert any(card.form is None for _, card in wall.calls)
    assert (world.mails("dan"), await world.dead()) == ((), [])


async def on_the_wall(world: World) -> RunId:
    """A run that began on the wall and waits for people."""
    run_id = await world.app.runs.starter.start("slack", "press bell", PersonId("anna"), thread="C01/1.0")
    await world.opened(run_id)
    await world.quiet()
    return run_id
