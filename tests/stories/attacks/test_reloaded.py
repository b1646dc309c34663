"""A file that is read anew while something waits: it waits for what the file says now, and for nothing else."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from agents.requests import PersonId
from agents.requests.proof import as_by
from bot.people.noted import NotedTables
from bot.policy.edits import Edited
from bot.policy.judgements import Counted
from bot.process.reload import Reload
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.said import said
from tests.kit.shop import a_shop
from tests.kit.tables import becomes, settings_in, without, write
from tests.kit.waiting import until
from tests.kit.world import World, beside_it
from tests.stories.people.standing import ALLOWED, done_once, granted

_PATIENT = TOML.replace('execute_within = "15m"', 'execute_within = "3d"')


def _with_window(world: World, more: str = "") -> str:
    """The file with a window above it that is on, and ends the day after tomorrow."""
    now = world.about_now()
    begins, ends = now - timedelta(hours=1), now + timedelta(hours=40)
    times = f'from = "{begins:%Y-%m-%dT%H:%M}"\nuntil = "{ends:%Y-%m-%dT%H:%M}"\n'
    return f'[[freeze.windows]]\nname = "year end"\n{times}{more}{_PATIENT}'


@opens(_PATIENT)
async def test_attack_an_approved_step_waits_for_the_end_of_a_window_that_is_for_another_environment_by_now(
    world: World,
) -> None:
    await becomes(world, _with_window(world))
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.decide("bo", record, "approve")
    await world.quiet()
    assert (await world.request(record.request.id)).frozen
    assert not world.workshop.effects

    await becomes(world, _with_window(world, 'environments = ["elsewhere"]\n'))

    await until(lambda: world.workshop.effects, what="it is done")
    assert not (await world.request(record.request.id)).frozen


_EVE = '[people.eve]\nname = "Eve Ebert"\nemail = "eve@corp.example"\ngroups = ["release"]\n\n'
_WITH_EVE = TOML.replace("[people.dan]", f"{_EVE}[people.dan]")


@opens(_WITH_EVE)
async def test_attack_who_was_missing_in_a_file_for_a_while_waits_for_nothing_as_their_approval_is_void(
    world: World,
) -> None:
    world.workshop.policy_of["bell"] = "pair"
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.reply("eve", await world.next_mail("eve", "Press bell?"), "approve")
    await world.next_mail("eve", "Your approval counts")

    await becomes(world, TOML)
    await becomes(world, _WITH_EVE)

    card = await world.next_mail("eve", "Counts no more")
    for _ in range(2):
        await world.app.requests.departures.look(record.request.id)
    await world.quiet()
    assert sum("Counts no more" in mail.text for mail in world.mails("eve")) == 1
    await world.reply("eve", card, "approve")
    await world.decide("bo", await world.request(record.request.id), "approve")
    await world.has(run_id, "done")


@asynccontextmanager
async def elsewhere_without_bo(world: World) -> AsyncGenerator[World]:
    """Another process, the only one that sees a file without Bo, before it is put back."""
    other = World(world.url, world.folder.with_name("other"), without(_WITH_EVE, "bo"))
    other.workshop = world.workshop
    async with beside_it(other):
        yield other


@opens(_WITH_EVE)
async def test_attack_a_request_waits_for_nobody_as_only_another_process_saw_a_file_without_one_who_voted(
    world: World,
) -> None:
    world.workshop.policy_of["bell"] = "pair"
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.decide("bo", record, "approve")

    async with elsewhere_without_bo(world) as other:
        assert isinstance(await other.decide("cy", record, "approve"), Counted)

    await world.has(run_id, "done")


@opens(_WITH_EVE)
async def test_attack_who_left_by_a_file_that_only_another_process_saw_has_no_card_of_what_was_changed_meanwhile(
    world: World,
) -> None:
    world.workshop.policy_of = {"bell": "pair", "horn": "pair"}
    world.workshop.editable = ("what",)
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.next_mail("bo", "Press bell?")

    async with elsewhere_without_bo(world) as other:
        assert isinstance(await other.edit("anna", record, what="horn"), Edited)

    await world.reply("bo", await world.next_mail("bo", "Press horn?"), "approve")
    await world.decide("eve", await world.request(record.request.id), "approve")
    await world.has(run_id, "done")


@opens(ALLOWED)
async def test_attack_who_granted_a_standing_approval_never_hears_that_a_process_of_an_older_file_ended_it(
    world: World,
) -> None:
    async with beside_it(World(world.url, world.folder.with_name("other"), ALLOWED)) as other:
        await becomes(world, ALLOWED.replace("[people.dan]", f"{_EVE}[people.dan]"))
        one = (await granted(world, await done_once(world), by=("eve",))).approval.id

        await other.app.requests.standing.revoke(one, PersonId("cy"), proof=as_by("cli"))

        assert "Cy Cole revoked" in " ".join((await world.next_mail("eve", about="Revoked: ")).text.split())


async def test_attack_two_deploys_run_at_once_in_an_environment_that_is_called_otherwise_as_one_runs_there(
    redis: str, tmp_path: Path, demo: Path
) -> None:
    (started := tmp_path / "started").mkdir()
    goes_on = tmp_path / "goes_on"
    waits = f"touch {started}/$1; until [ -e {goes_on} ]; do sleep 0.05; done; ./deploy.sh $0 $1"

    def slow(toml: str) -> str:
        quick = 'command = ["./deploy.sh", "{environment}", "{commit}"]'
        return toml.replace(quick, f'command = ["bash", "-c", "{waits}", "{{environment}}", "{{commit}}"]', 1)

    async with a_shop(redis, tmp_path / "data", demo, slow) as shop:
        run_id = await shop.trigger("deploy v1.2.0 to production")
        await shop.decide("bo", await shop.opened(run_id), "approve")
        await until(lambda: list(started.iterdir()), what="the deploy runs")
        reload = Reload(shop.app, lambda: settings_in(shop.folder), works=True)
        write(shop, shop.toml.replace("[deploy.environments.production]", "[deploy.environments.prod]"))

        await reload.look(at_once=True)
        assert not reload.starts_again
        wrong = await NotedTables(shop.app.store).wrong()
        assert said("error.deploy-runs-there", names="production") in wrong

        goes_on.touch()
        await shop.ended(run_id)
        await reload.look(at_once=True)
        assert reload.starts_again
