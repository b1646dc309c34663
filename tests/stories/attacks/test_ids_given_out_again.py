"""An id that is somebody else's by now: typed, forgotten or looked after, it is never taken for the other human."""

from datetime import UTC, datetime, timedelta

from bot.audit.reading import Query
from bot.doctor.redis import examine_redis
from bot.policy.judgements import NotEntitled
from tests.bot.cli.shell import attached
from tests.bot.triggers.test_crons import known, runs
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, settings_in
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.web import Api
from tests.stories.attacks.test_who_is_who import by_someone_else
from tests.stories.test_absences import write
from tests.stories.test_audit import asked, records
from tests.stories.test_delegation import SOLO, on_solo

_ZOE = '\n[people.cy]\nname = "Zoe Zahn"\nemail = "zoe@corp.example"\ngroups = ["release"]\n'


@opens(SOLO, change=on_solo)
async def test_attack_an_id_that_means_two_people_stands_in_and_whoever_had_it_first_does_as_the_file_calls_them(
    world: World,
) -> None:
    await becomes(world, SOLO.replace("[people.cy]", "[people.cyril]") + _ZOE)
    day = (await world.now() + timedelta(days=3)).date()

    await write(world, f"away until {day}: cy")
    assert "means two people" in " ".join((await world.next_mail("bo", about="absence")).text.split())
    assert not await world.app.requests.absences.all()
    await write(world, f"away until {day}: cyril")

    await world.next_mail("bo", about="absence")
    assert [one.to for one in await world.app.requests.absences.all()] == ["cy"]


@opens(TOML)
async def test_attack_the_log_forgets_whoever_had_the_id_before(world: World) -> None:
    await voted(world)
    await becomes(world, by_someone_else(TOML))

    refused = await attached(world, "audit", "forget", "cy", "--yes")
    left = await world.app.audit.search(Query(person="cy"))
    zoe = await attached(world, "audit", "forget", "cy~2", "--yes")
    before = await attached(world, "audit", "forget", "cy", "--left", "--yes")

    assert refused.code != 0
    assert "cy~2" in refused.out + refused.err
    assert left[0]
    assert (zoe.code, before.code) == (0, 0)
    assert not (await world.app.audit.search(Query(person="cy")))[0]


async def voted(office: World) -> None:
    record = await asked(office)
    await office.decide("cy", record, "approve")
    await records(office, "vote", record.request.id)
    await records(office, "tool_finished", record.request.id)


@opens(TOML)
async def test_the_doctor_knows_that_whoever_holds_a_key_is_here_though_the_id_was_another_ones(
    world: World, api: Api
) -> None:
    await becomes(world, by_someone_else(TOML))
    await api.key(None, "trigger", service="ci", holders=["cy"])
    settings = settings_in(world.folder)

    found = [one.what async for one in examine_redis(settings, world.url, lambda: datetime.now(UTC))]

    assert not [what for what in found if "service:ci" in what]


_TIMER = """
[triggers.ringing]
cron = "0 * * * *"
text = "press bell"
requester = "cy"
"""


@opens(TOML + _TIMER)
async def test_attack_whose_id_is_anothers_by_now_approves_what_their_timer_asks_before_the_restart(
    world: World,
) -> None:
    toml = world.toml
    world.workshop.policy_of["bell"] = "production"
    await known(world, "ringing")
    later = toml.replace("[people.cy]", "[people.cyril]").replace('requester = "cy"', 'requester = "cyril"')
    await becomes(world, later + _ZOE)
    due = await known(world, "ringing")
    await world.move_time((due - await world.now()).total_seconds() + 1)

    [run] = await until(lambda: runs(world), what="the timer has started a run")
    record = await world.opened(run.run_id)

    assert isinstance(await world.decide("cyril", record, "approve"), NotEntitled)
    assert world.workshop.effects == []
