"""An id that is somebody else's by now: typed, forgotten or looked after, it is never taken for the other human."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.audit.reading import Query
from bot.doctor.redis import examine_redis
from bot.policy.judgements import NotEntitled
from tests.bot.cli.shell import attached
from tests.bot.triggers.test_crons import known, runs
from tests.kit.office import TOML
from tests.kit.tables import becomes, settings_in
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.web import serving
from tests.stories.attacks.test_who_is_who import by_someone_else
from tests.stories.test_absences import write
from tests.stories.test_audit import asked, records
from tests.stories.test_delegation import SOLO, on_solo

_ZOE = '\n[people.cy]\nname = "Zoe Zahn"\nemail = "zoe@corp.example"\ngroups = ["release"]\n'


async def test_attack_an_id_that_means_two_people_stands_in_and_whoever_had_it_first_does_as_the_file_calls_them(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", SOLO, change=on_solo) as office:
        await becomes(office, SOLO.replace("[people.cy]", "[people.cyril]") + _ZOE)
        day = (await office.now() + timedelta(days=3)).date()

        await write(office, f"away until {day}: cy")
        assert "means two people" in " ".join((await office.next_mail("bo", about="absence")).text.split())
        assert not await office.app.requests.absences.all()
        await write(office, f"away until {day}: cyril")

        await office.next_mail("bo", about="absence")
        assert [one.to for one in await office.app.requests.absences.all()] == ["cy"]


async def test_attack_the_log_forgets_whoever_had_the_id_before(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data", TOML) as office:
        await voted(office)
        await becomes(office, by_someone_else(TOML))

        refused = await attached(office, "audit", "forget", "cy", "--yes")
        left = await office.app.audit.search(Query(person="cy"))
        zoe = await attached(office, "audit", "forget", "cy~2", "--yes")
        before = await attached(office, "audit", "forget", "cy", "--left", "--yes")

        assert refused.code != 0
        assert "cy~2" in refused.out + refused.err
        assert left[0]
        assert (zoe.code, before.code) == (0, 0)
        assert not (await office.app.audit.search(Query(person="cy")))[0]


async def voted(office: World) -> None:
    record = await asked(office)
    await office.decide("cy", record, "approve")
    await records(office, "vote", record.request.id)
    await records(office, "tool_finished", record.request.id)


async def test_the_doctor_knows_that_whoever_holds_a_key_is_here_though_the_id_was_another_ones(
    redis: str, tmp_path: Path
) -> None:
    async with a_world(redis, tmp_path / "data", TOML) as office, serving(office.app) as api:
        await becomes(office, by_someone_else(TOML))
        await api.key(None, "trigger", service="ci", holders=["cy"])
        settings = settings_in(office.folder)

        found = [one.what async for one in examine_redis(settings, office.url, lambda: datetime.now(UTC))]

        assert not [what for what in found if "service:ci" in what]


_TIMER = """
[triggers.ringing]
cron = "0 * * * *"
text = "press bell"
requester = "cy"
"""


async def test_attack_whose_id_is_anothers_by_now_approves_what_their_timer_asks_before_the_restart(
    redis: str, tmp_path: Path
) -> None:
    toml = TOML + _TIMER
    async with a_world(redis, tmp_path / "data", toml) as office:
        office.workshop.policy_of["bell"] = "production"
        await known(office, "ringing")
        later = toml.replace("[people.cy]", "[people.cyril]").replace('requester = "cy"', 'requester = "cyril"')
        await becomes(office, later + _ZOE)
        due = await known(office, "ringing")
        await office.move_time((due - await office.now()).total_seconds() + 1)

        [run] = await until(lambda: runs(office), what="the timer has started a run")
        record = await office.opened(run.run_id)

        assert isinstance(await office.decide("cyril", record, "approve"), NotEntitled)
        assert office.workshop.effects == []
