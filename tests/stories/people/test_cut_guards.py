"""A file that lost its end, and with it something that guards, is only half taken: nothing goes by what is left."""

from pathlib import Path

import pytest

from bot.people.noted import NotedTables
from bot.policy.judgements import Counted, Decided
from bot.process.half_taken import HalfTaken
from tests.kit.office import ROLES, TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, write
from tests.kit.world import World, a_world
from tests.servers.web import Api
from tests.stories.people.test_half_taken import moved_on, process_of, rewritten

ADA = '\n[people.ada]\nname = "Ada Aster"\nemail = "ada@corp.example"\n\n[roles]\nadmin = ["person:ada"]\n'
EVE = '\n[people.eve]\nname = "Eve East"\nemail = "eve@corp.example"\n'
THREE = '\n[policies.three]\napprovers = ["group:release", "person:dan"]\nexpires_after = "4h"\nquorum = 2\n'
PER_STEP = (
    '\n[policies.steps]\nexpires_after = "4h"\n\n[[policies.steps.steps]]\nname = "one"\napprovers = ["person:bo"]\n'
)
SECOND_STEP = '\n[[policies.steps.steps]]\nname = "two"\napprovers = ["person:cy"]\n'
WINDOW = '\n[[freeze.windows]]\nname = "year end"\nfrom = "2031-12-20T00:00"\nuntil = "2032-01-03T00:00"\n'
LOST = (
    (TOML + THREE, "quorum = 2\n", "policies.three"),
    (TOML + THREE, THREE, "policies.three"),
    (TOML + PER_STEP + SECOND_STEP, SECOND_STEP, "policies.steps"),
    (TOML + ROLES, 'admin = ["person:ada"]\n', "roles.admin"),
    (TOML + WINDOW, WINDOW, "freeze.windows.0"),
    (
        f'{TOML}\n[agents.clerk]\ntriggered_by = ["person:anna"]\n',
        'triggered_by = ["person:anna"]\n',
        "agents.clerk.triggered_by",
    ),
    (
        TOML.replace('[alerts]\nto = ["person:dan"]\n\n', "") + '\n[alerts]\nto = ["person:dan"]\n',
        'to = ["person:dan"]\n',
        "alerts.to",
    ),
)


pytestmark = opens(toml=TOML + THREE)


async def asked_three(world: World, what: str = "bell") -> str:
    world.workshop.policy_of[what] = "three"
    return await world.trigger(f"press {what}")


async def test_attack_a_file_that_lost_its_end_and_a_guard_with_it_is_only_half_taken(world: World) -> None:
    for toml, end, name in LOST:
        assert toml.endswith(end)
        await becomes(world, toml)
        before = world.app.people.tables

        async with rewritten(world, toml.removesuffix(end)):
            assert world.app.people.half_taken, name
            assert world.app.people.tables == before
            mail = await world.next_mail("dan", name)
            assert "last lines were deleted on purpose" in mail.text.replace("\n", " ")


@opens(f'{TOML}{ROLES}{THREE}{WINDOW}\n[agents.clerk]\ntriggered_by = ["person:anna"]\n')
@pytest.mark.parametrize("step", [37, pytest.param(1, marks=pytest.mark.long)])
async def test_attack_no_beginning_of_a_file_takes_a_guard_away(world: World, step: int) -> None:
    toml = world.toml
    reload, whole = process_of(world), world.app.people.tables
    await reload.begin()

    for end in range(0, len(toml), step):
        write(world, toml[:end])
        await reload.look(at_once=True)
        now = world.app.people.tables
        guards = (now.policies, now.roles, now.windows, now.triggered_by, now.alerts)
        assert guards == (whole.policies, whole.roles, whole.windows, whole.triggered_by, whole.alerts), toml[:end]


async def test_attack_a_policy_of_two_that_lost_its_quorum_opens_nothing_and_is_one_of_two_afterwards(
    world: World,
) -> None:
    async with rewritten(world, (TOML + THREE).removesuffix("quorum = 2\n")):
        run_id = await asked_three(world)
        await moved_on(world, run_id)
        assert (await world.run(run_id)).open is None

    await world.move_time(120)
    record = await world.opened(run_id)
    assert isinstance(await world.decide("bo", record, "approve"), Counted)
    assert isinstance(await world.decide("cy", record, "approve"), Decided)
    await world.has(run_id, "done")


async def test_attack_what_was_changed_above_hides_no_end_that_is_missing(world: World) -> None:
    other = (TOML + THREE).replace('"Anna Ames"', '"Anna A. Ames"').replace("1000/h", "900/h")

    async with rewritten(world, other.removesuffix("quorum = 2\n")):
        assert world.app.people.half_taken


COPY = THREE.replace("three", "four")
COPIED = (
    (THREE, COPY + THREE.removesuffix("quorum = 2\n")),
    (THREE + WINDOW, COPY + THREE.removesuffix("quorum = 2\n")),
    (THREE + WINDOW, COPY),
    (THREE + COPY, THREE.replace("quorum = 2", "quorum = 3")),
)


async def test_attack_a_table_that_was_copied_above_hides_no_end_that_is_missing(world: World) -> None:
    for before, cut in COPIED:
        await becomes(world, TOML + before)
        tables = world.app.people.tables

        async with rewritten(world, TOML + cut):
            assert world.app.people.half_taken, cut
            assert world.app.people.tables == tables


async def test_a_file_that_was_changed_and_has_its_end_holds_at_once(world: World) -> None:
    for after in (COPY + THREE + WINDOW, THREE + COPY, WINDOW + THREE, COPY + WINDOW):
        await becomes(world, TOML + (THREE + WINDOW if WINDOW in after else THREE))
        reload = process_of(world)
        await reload.begin()
        write(world, TOML + after)

        await reload.look(at_once=True)

        assert world.app.people.half_taken == "", after


@opens(TOML + ADA + THREE)
async def test_last_lines_that_were_deleted_on_purpose_hold_once_an_operator_confirms_it(
    world: World, api: Api
) -> None:
    reload, ada = process_of(world), await api.client("ada", "admin", "read")
    await reload.begin()
    write(world, TOML + ADA)
    await reload.look(at_once=True)
    [need] = [one for one in (await ada.get("/v1/status")).json()["needs"] if "half taken" in one]
    assert "deleted on purpose" in need

    said = await ada.post("/v1/people/confirm", json={"digest": world.app.people.half_taken})
    assert said.status_code == 200
    await reload.look()

    assert world.app.people.half_taken == ""
    assert "three" not in world.app.people.tables.policies


async def test_a_guard_that_is_taken_out_of_the_middle_or_changed_holds_at_once(world: World) -> None:
    reload = process_of(world)
    await reload.begin()

    for toml in (TOML + THREE.replace("quorum = 2", "quorum = 1"), TOML.replace("quorum = 2\n", "") + THREE):
        write(world, toml)
        await reload.look(at_once=True)
        assert world.app.people.half_taken == ""
    assert world.app.people.tables.policies["pair"].quorum == 1


async def test_attack_a_process_that_starts_on_a_file_without_its_end_knows_what_held_last(world: World) -> None:
    reload = process_of(world)
    await reload.begin()
    await reload.look(at_once=True)
    async with world.stopped():
        world.toml = (TOML + THREE).removesuffix("quorum = 2\n")
    await HalfTaken(world.app).begin()
    run_id = await asked_three(world)
    await moved_on(world, run_id)

    assert world.app.people.half_taken in await NotedTables(world.app.store).half()
    assert (await world.run(run_id)).open is None
    async with world.stopped():
        world.toml = TOML + THREE
    await process_of(world).look(at_once=True)
    await world.move_time(120)
    assert isinstance(await world.decide("bo", await world.opened(run_id), "approve"), Counted)


@pytest.mark.parametrize(
    ("role", "becomes", "is_half"),
    [
        ("viewer", "staff,bo@corp.example\n", True),
        pytest.param("operator", "staff,bo@corp.example\n", False, marks=pytest.mark.long),
        pytest.param("operator", "", True, marks=pytest.mark.long),
        ("viewer", "staff,bo@corp.example\nstaff,cy@corp.exa", True),
        ("operator", "staff,bo@cor", True),
        ("viewer", "staff,bo@corp.example\nstaff,cy@corp.example\nstaff,max@elsewhere.example\n", False),
    ],
    ids=[
        "some who start nothing", "some others", "everybody",
        "within an address", "within the only address", "a stranger has joined",
    ],
)  # fmt: skip
async def test_attack_the_file_of_a_group_that_lost_its_end_frees_nobody_and_empties_no_policy(
    redis: str, tmp_path: Path, role: str, becomes: str, *, is_half: bool
) -> None:
    group = tmp_path / "data" / "staff.csv"
    group.parent.mkdir()
    group.write_text("group,email\nstaff,bo@corp.example\nstaff,cy@corp.example\n")
    toml = f'{TOML}\n[groups.staff]\nfile = "staff.csv"\n\n[roles]\n{role} = ["group:staff"]\n'
    async with a_world(redis, tmp_path / "data", toml) as world:
        reload, rights = process_of(world), world.app.access.rights
        await reload.begin()
        await reload.look(at_once=True)
        before = rights.role_of("cy")

        group.write_text(f"group,email\n{becomes}")
        await reload.look(at_once=True)

        assert bool(world.app.people.half_taken) is is_half
        assert (rights.role_of("cy") == before) is (is_half or "cy@corp.example" in becomes)


@pytest.mark.parametrize(
    ("approvers", "left", "is_half"),
    [
        ("", 1, True),
        ("", 2, False),
        pytest.param(', "person:dan"', 1, False, marks=pytest.mark.long),
    ],
    ids=["too few", "enough", "enough with another"],
)
async def test_attack_a_run_fails_as_the_file_of_its_deciders_lost_its_end(
    redis: str, tmp_path: Path, approvers: str, left: int, *, is_half: bool
) -> None:
    group = tmp_path / "data" / "staff.csv"
    group.parent.mkdir()
    lines = ["group,email\n", *(f"staff,{one}@corp.example\n" for one in ("bo", "cy", "eve"))]
    group.write_text("".join(lines))
    toml = TOML.replace('"group:release"', f'"group:staff"{approvers}') + EVE + '\n[groups.staff]\nfile = "staff.csv"\n'
    async with a_world(redis, tmp_path / "data", toml) as world:
        reload = process_of(world)
        await reload.begin()
        await reload.look(at_once=True)
        world.workshop.policy_of["bell"] = "pair"

        group.write_text("".join(lines[: left + 1]))
        await reload.look(at_once=True)
        assert bool(world.app.people.half_taken) is is_half
        run_id = await world.trigger("press bell")
        await moved_on(world, run_id)
        assert (await world.run(run_id)).ended is None

        group.write_text("".join(lines))
        await reload.look(at_once=True)
        await world.move_time(120)
        assert await world.opened(run_id)
