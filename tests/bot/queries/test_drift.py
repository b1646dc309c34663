"""What is live and was never approved is told once; what sayso put there, and what was there first, is not."""

import subprocess

from bot.store import Commit, Line
from bot.store.ids import new_id
from tests.bot.backup.putting_back import backed_up, restored
from tests.bot.cli.shell import sayso
from tests.kit.world import World
from tests.servers.console import a_console
from tests.stories.faults.test_deploy import release
from tests.stories.test_rollback import live, shop_of


def by_hand(world: World, version: str, environment: str = "production") -> str:
    """Somebody puts a version live without asking; the commit."""
    shop = shop_of(world)
    found = ["git", "rev-parse", f"{version}^{{commit}}"]
    commit = subprocess.run(found, check=True, cwd=shop, capture_output=True, text=True).stdout.strip()
    subprocess.run([str(shop / "deploy.sh"), environment, commit], check=True, cwd=shop, capture_output=True)
    assert live(world, environment) == version
    return commit


async def alarms(world: World) -> list[str]:
    await world.quiet()
    return [
        mail.text for person in ("anna", "bo", "cy") for mail in world.mails(person) if "never approved" in mail.text
    ]


async def test_what_was_there_first_is_where_it_begins_from(shop: World) -> None:
    commit = by_hand(shop, "v1.1.0")

    await shop.app.drift.look()
    await shop.app.drift.look()

    assert (await shop.app.drift.seen())["production"].commit == commit
    assert await alarms(shop) == []
    assert await shop.app.drift.needs() == []


async def test_what_nobody_approved_is_told_once_and_stands_in_the_status_while_it_is_live(shop: World) -> None:
    await shop.app.drift.look()
    commit = by_hand(shop, "v1.2.0")

    await shop.app.drift.look()
    await shop.app.drift.look()

    told = await alarms(shop)
    assert told
    assert len(told) == len(shop.app.people.members(shop.app.settings.alerts.to, await shop.now()))
    assert commit in told[0]
    last_by = (await shop.app.drift.seen())["production"].last_by
    assert last_by
    assert last_by in " ".join(told[0].split())
    status = await sayso(shop, "status")
    assert status.code == 1
    assert f"✗ production: {commit[:12]} is live since" in status.out
    async with a_console(shop) as console:
        anna = await console.browser("anna")
        assert (await anna.get("/live")).words.count("Nobody approved this. Seen ") == 1
        by_hand(shop, "v1.0.0")
        await shop.app.drift.look()
        assert "Nobody approved this." not in (await anna.get("/live")).words
    assert await shop.app.drift.needs() == []
    by_hand(shop, "v1.2.0")
    await shop.app.drift.look()
    assert len(await alarms(shop)) == len(told)
    assert len(await shop.app.drift.needs()) == 1


async def test_attack_what_waited_for_its_approval_while_many_others_began_was_approved(shop: World) -> None:
    await shop.app.drift.look()
    run_id = await shop.trigger("deploy v1.2.0 to production")
    opened = await shop.opened(run_id)
    (told,), now = await shop.app.store.lists.summaries_of([run_id]), shop.about_now()
    assert told
    for _ in range(501):
        other = new_id("run", 0)
        line = Line(told.replace(run_id.encode(), other.encode()), "waiting", "cy", "deploy", now)
        await shop.app.store.commit(Commit(run_id=other, summary=line))

    await shop.decide("bo", opened, "approve")
    await shop.ended(run_id)
    await shop.app.drift.look()

    assert live(shop, "production") == "v1.2.0"
    assert await alarms(shop) == []


async def test_attack_what_failed_and_somebody_put_there_by_hand_later_is_credited_to_who_approved_it(
    shop: World,
) -> None:
    may_work = shop.folder / "may-work"
    release(shop, "v1.2.0", f'#!/bin/sh\n[ -e {may_work} ] || exit 3\nexec ./real.sh "$@"\n')
    await shop.app.drift.look()
    run_id = await shop.trigger("deploy v1.2.0 to production")
    await shop.decide("bo", await shop.opened(run_id), "approve")
    await shop.ended(run_id)
    await shop.move_time(3600)
    await shop.now()  # what only looks at the time goes by the last that was read
    await shop.app.drift.look()
    assert live(shop, "production") == "v1.0.0"

    may_work.touch()
    commit = by_hand(shop, "v1.2.0")
    await shop.app.drift.look()
    async with a_console(shop) as console:
        page = await (await console.browser("anna")).get("/live")

    assert commit in (await alarms(shop))[0]
    assert page.words.count("Nobody approved this. Seen ") == 1
    assert "Asked for by Anna Ames" not in page.words


async def test_what_a_deploy_that_gave_up_waiting_had_begun_is_no_drift_when_it_is_there_minutes_later(
    shop: World,
) -> None:
    is_there = shop.folder / "is-there"
    release(shop, "v1.2.0", f'#!/bin/sh\n[ -e {is_there} ] || exit 3\nexec ./real.sh "$@"\n')
    await shop.app.drift.look()
    run_id = await shop.trigger("deploy v1.2.0 to production")
    await shop.decide("bo", await shop.opened(run_id), "approve")
    await shop.ended(run_id)
    await shop.move_time(600)
    await shop.now()  # what only looks at the time goes by the last that was read
    await shop.app.drift.look()

    is_there.touch()
    by_hand(shop, "v1.2.0")  # stands in for a rollout that goes on after its command
    await shop.app.drift.look()

    assert live(shop, "production") == "v1.2.0"
    assert await alarms(shop) == []


async def test_attack_what_people_had_approved_after_the_backup_is_said_to_be_nobodys_once_it_is_restored(
    shop: World,
) -> None:
    await shop.app.drift.look()
    backup = await backed_up(shop)
    run_id = await shop.trigger("deploy v1.2.0 to production")
    await shop.decide("bo", await shop.opened(run_id), "approve")
    await shop.ended(run_id)
    await restored(shop, backup)

    await shop.app.drift.look()
    await shop.app.drift.look()

    assert await alarms(shop) == []
    told = await shop.next_mail("anna", about="production: it is not known here whether what is live was approved")
    assert "sayso was restored from a backup of " in told.text
    assert "No run of sayso" not in told.text
    [need] = await shop.app.drift.needs()
    assert "nobody knows here who approved it: sayso was restored from a backup of " in need
    async with a_console(shop) as console:
        words = (await (await console.browser("anna")).get("/live")).words
        assert words.count("Whether this was approved is not known here: sayso was restored from a backup") == 1
        assert "Nobody approved this." not in words
    by_hand(shop, "v1.1.0")
    await shop.app.drift.look()
    assert await alarms(shop)
