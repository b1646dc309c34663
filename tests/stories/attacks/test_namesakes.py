"""Somebody else gets the id of a person that has left, and somebody gets another id: neither is a way to approve."""

from pathlib import Path

from agents.requests import RunId
from bot.policy.judgements import DelegationRefused, NotEntitled
from tests.bot.inbound.test_follow_ups import THREAD, said, written
from tests.bot.inbound.test_follow_ups import asked as in_thread
from tests.bot.queries.test_overview import looks
from tests.bot.web.console.stage import buttons, place
from tests.bot.web.problems import refused
from tests.fakes.hallway import Hallway
from tests.office import TOML
from tests.servers.console import a_console
from tests.servers.web import serving
from tests.stories.people.standing import ALLOWED, an_office, done_once, granted, is_asked, the_only
from tests.stories.test_audit import asked
from tests.tables import becomes, without
from tests.waiting import until
from tests.world import World, a_world

_ANNA = '\n[people.anna]\nname = "Anna Zimmer"\nemail = "anna.zimmer@corp.example"\n'
_BO = '\n[people.bo]\nname = "Bo Zander"\nemail = "bo.zander@corp.example"\ngroups = ["release"]\n'
# Anna has another id by now, and may decide for others.
_AMES = TOML.replace("[people.anna]", "[people.ames]").replace(
    'email = "anna@corp.example"\n', 'email = "anna@corp.example"\ngroups = ["release"]\n'
)


async def replaced(office: World, toml: str, person: str, by: str) -> None:
    """Somebody leaves, and somebody else gets their id."""
    await becomes(office, without(toml, person))
    await becomes(office, without(toml, person) + by)


async def under_way(office: World) -> RunId:
    """A run of Anna's that stamps, and asks when it goes on."""
    run_id = await office.trigger("stamp paper\npress bell")
    await until(lambda: "stamp paper" in office.workshop.started, what="it stamps")
    return run_id


async def test_attack_a_namesake_uses_a_standing_approval(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        await granted(office, await done_once(office))
        await replaced(office, ALLOWED, "anna", _ANNA)

        assert await is_asked(office)

        assert office.workshop.effects == ["press bell"]
        standing = await the_only(office)
        assert "anna" not in office.app.requests.standing.concerned(standing)


async def test_attack_a_namesake_keeps_what_somebody_else_granted_alive(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        await granted(office, await done_once(office))
        await replaced(office, ALLOWED, "bo", _BO)

        assert await is_asked(office)

        assert office.workshop.effects == ["press bell"]


async def test_attack_a_run_of_somebody_who_has_left_uses_a_standing_approval(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        await granted(office, await done_once(office))
        held = office.workshop.hold("paper")
        run_id = await under_way(office)
        await becomes(office, without(ALLOWED, "anna"))

        held.set()

        await office.opened(run_id)
        assert office.workshop.effects == ["press bell", "stamp paper"]


async def test_attack_a_run_of_somebody_who_has_left_uses_what_their_namesake_has(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        held = office.workshop.hold("paper")
        run_id = await under_way(office)
        await replaced(office, ALLOWED, "anna", _ANNA)
        await granted(office, await done_once(office))

        held.set()

        await office.opened(run_id)
        assert office.workshop.effects == ["press bell", "stamp paper"]


async def test_attack_a_namesake_sees_and_steers(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data") as office, serving(office.app) as api:
        record = await asked(office)
        request, run_id = record.request.id, record.request.run_id
        assert (await (await api.client("anna")).get(f"/v1/runs/{run_id}")).status_code == 200
        await replaced(office, TOML, "anna", _ANNA)

        anna = await api.client("anna")
        seen = [await anna.get(f"/v1/runs/{run_id}"), await anna.get(f"/v1/requests/{request}")]
        amended = await anna.post(f"/v1/requests/{request}/amend", json={"changes": {"what": "horn"}})
        cancelled = await anna.post(f"/v1/runs/{run_id}/cancel")
        denied = await office.decide("anna", record, "deny")

        assert [one.status_code for one in (*seen, amended, cancelled)] == [404] * 4
        assert isinstance(denied, NotEntitled)
        assert (await office.request(request)).state == "open"


async def test_attack_a_namesake_writes_in_the_thread(redis: str, tmp_path: Path) -> None:
    hallway = Hallway()

    def change(world: World) -> None:
        world.beside, world.reach = (hallway,), ("slack", "email")

    async with a_world(redis, tmp_path / "data", change=change) as office:
        record = await in_thread(office, hallway, "press bell")
        await replaced(office, TOML, "anna", _ANNA)

        await written(office, hallway.follows("anna", "cancel", THREAD))
        await written(office, hallway.follows("anna", "press the horn", THREAD))

        now = await office.request(record.request.id)
        assert (now.state, now.request.remarks, now.joined) == ("open", (), ())
        assert await said(office, record.request.run_id) == []


async def test_attack_a_request_is_handed_on_to_another_id_of_whoever_asked(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data") as office:
        record = await asked(office)
        await becomes(office, _AMES)

        handed_on = await office.delegate("bo", record, "ames")

        assert isinstance(handed_on, DelegationRefused)
        assert handed_on.kind == "requester"


async def test_attack_others_are_asked_and_one_is_who_asked(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data") as office:
        record = await asked(office)

        await becomes(office, without(without(_AMES, "bo"), "cy"))

        await office.quiet()
        left = await office.request(record.request.id)
        assert "ames" not in {holder.person for holder in left.holders}
        assert isinstance(await office.decide("ames", left, "approve"), NotEntitled)


_SOLO = '\n[policies.solo]\napprovers = ["person:ames"]\nexpires_after = "4h"\n'


def of_ames(world: World) -> None:
    """Put the bell under a policy by which Ames alone decides."""
    world.workshop.policy_of["bell"] = "solo"


async def test_attack_who_asked_comes_to_decide_under_another_id(redis: str, tmp_path: Path) -> None:
    first = TOML + '\n[people.ames]\nname = "Al Ames"\nemail = "al@corp.example"\n' + _SOLO
    async with a_world(redis, tmp_path / "data", first, change=of_ames) as office:
        record = await office.opened(await office.trigger("press bell"))
        await becomes(office, _AMES + _SOLO)  # in one go, so that nobody seems to have left

        approved = await office.decide("ames", record, "approve")

        assert isinstance(approved, NotEntitled)
        assert approved.why == "requester"
        assert (await office.request(record.request.id)).state == "open"


async def test_attack_the_card_of_who_asked_has_no_approval_for_another_id_of_theirs(
    redis: str, tmp_path: Path
) -> None:
    first = TOML + '\n[people.ames]\nname = "Al Ames"\nemail = "al@corp.example"\n' + _SOLO
    async with a_world(redis, tmp_path / "data", first, change=of_ames) as office, a_console(office) as console:
        record = await office.opened(await office.trigger("press bell"))
        assert "Approve" in buttons(await (await console.browser("ames")).get(place(record)))
        await becomes(office, _AMES + _SOLO)

        shown = buttons(await (await console.browser("ames")).get(place(record)))
        card = await looks(office, record, "ames")

        assert "Deny" in shown
        assert "Approve" not in shown
        assert card.form
        assert not card.form.may_approve


async def test_attack_a_key_that_may_only_answer_steers_under_another_id_of_whoever_asked(
    redis: str, tmp_path: Path
) -> None:
    first = TOML + '\n[people.ames]\nname = "Al Ames"\nemail = "al@corp.example"\n' + _SOLO
    async with a_world(redis, tmp_path / "data", first, change=of_ames) as office, serving(office.app) as api:
        record = await office.opened(await office.trigger("press bell"))
        await becomes(office, _AMES + _SOLO)

        path, ames = f"/v1/requests/{record.request.id}/answer", await api.client("ames", "answer")
        refusal = await ames.post(path, json={"text": "take the horn instead"})

        refused(refusal, 403, "scope-missing")
        now = await office.request(record.request.id)
        assert (now.request.revision, now.request.remarks) == (1, ())


async def test_attack_a_request_is_opened_for_another_id_of_whoever_asked(redis: str, tmp_path: Path) -> None:
    async with a_world(redis, tmp_path / "data") as office:
        held = office.workshop.hold("paper")
        run_id = await under_way(office)
        await becomes(office, _AMES)

        held.set()

        record = await office.opened(run_id)
        assert record.request.requesters == ("anna", "ames")
        assert "ames" not in {holder.person for holder in record.holders}
        assert isinstance(await office.decide("ames", record, "approve"), NotEntitled)


_TWO = '\n[policies.two]\napprovers = ["group:release"]\nquorum = 2\nexpires_after = "4h"\n'


def by_two(world: World) -> None:
    """Two decide about the bell."""
    world.workshop.policy_of["bell"] = "two"
