"""A standing approval used for more, longer, by others or for something else than people granted."""

import asyncio
import email.policy
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import pytest

from agents import Repeats
from agents.requests import PersonId, RequestId, RunId
from bot.audit.reading import Query
from bot.config.example import example_toml
from bot.dev.demo import add_ways
from bot.errors import Invalid
from bot.policy.judgements import Decided, NotEntitled
from bot.requests.standing.uses import StandingUses
from tests.bot.backup.putting_back import backed_up, restored
from tests.bot.process.test_reload import without
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.web import serving
from tests.stories.people.standing import ALLOWED, an_office, asked, done_once, granted, is_asked, the_only
from tests.stories.people.test_departures import EVE, becomes
from tests.stories.test_break_glass import breaks
from tests.stories.test_rollback import breaks_the_page, live


async def test_of_eight_runs_at_once_three_use_what_was_granted_three_times(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        await granted(office, await done_once(office), uses=3)

        runs = await asyncio.gather(*(office.trigger("press bell") for _ in range(8)))

        await office.quiet()
        waiting = [run_id for run_id in runs if (await office.run(run_id)).open]
        assert len(waiting) == 5
        assert office.workshop.effects == ["press bell"] * 4
        assert len((await the_only(office)).uses) == 3


@pytest.fixture
async def shop(redis: str, tmp_path: Path, demo: Path) -> AsyncIterator[World]:
    """A running sayso with the demo to deploy, whose policy of production allows standing approvals."""
    folder = tmp_path / "data" / "demo"
    shutil.copytree(demo, folder, symlinks=True)
    add_ways(folder)
    policy = "[policies.production]\n"
    toml = example_toml(folder / "shop").replace(policy, f'{policy}standing = "5 in 30d"\n')
    async with a_world(redis, tmp_path / "data", toml, deploys=True) as world:
        yield world


async def deploys(shop: World, version: str) -> bool:
    """Whether a deploy to production was done without asking anybody."""
    run_id = await shop.trigger(f"deploy {version} to production")
    await until(lambda: is_open_or_over(shop, run_id), what=f"{version} is asked about, or live")
    return (await shop.run(run_id)).open is None


async def is_open_or_over(office: World, run_id: RunId) -> bool:
    run = await office.run(run_id)
    return run.open is not None or run.ended is not None


async def test_attack_a_deploy_that_takes_back_what_is_live_is_asked(shop: World) -> None:
    await granted(shop, await done_once(shop, "deploy v1.1.0 to production"), leave_open=("version",))
    assert await deploys(shop, "v1.2.0")

    assert not await deploys(shop, "v1.1.0")

    assert live(shop, "production") == "v1.2.0"
    assert len((await the_only(shop)).uses) == 1


@pytest.mark.long
async def test_attack_a_deploy_with_a_migration_or_over_something_unknown_is_asked(shop: World) -> None:
    await granted(shop, await done_once(shop, "deploy v1.1.0 to production"), leave_open=("version",))
    breaks_the_page(shop)

    assert not await deploys(shop, "v1.3.0")
    (shop.folder / "demo" / "site" / "production" / "current").unlink()
    assert not await deploys(shop, "v1.2.0")

    assert (await the_only(shop)).uses == ()


async def test_attack_what_is_risky_is_asked_and_becomes_none(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        run_id = await done_once(office)
        await granted(office, run_id, leave_open=("what",))
        office.workshop.risky.add("button")

        assert await is_asked(office, "press button")
        [record] = [one for one in await office.requests() if one.state == "open"]
        await office.decide("bo", record, "approve")
        await office.ended(record.request.run_id)

        with pytest.raises(Invalid):
            await asked(office, record.request.run_id)
        assert not await is_asked(office)


@pytest.mark.parametrize("meanwhile", ["it became risky", "it was revoked"])
async def test_attack_what_counts_no_longer_by_the_start_is_asked(redis: str, tmp_path: Path, meanwhile: str) -> None:
    async with an_office(redis, tmp_path) as office:
        standing = await granted(office, await done_once(office))
        await office.app.requests.freezes.freeze("workshop", PersonId("dan"), "incident")
        run_id = await office.trigger("press bell")
        await office.quiet()
        run = await office.run(run_id)
        assert run.pending
        assert run.pending.decision, "it is decided, and the freeze alone holds it"

        if meanwhile == "it became risky":
            office.workshop.risky.add("bell")
        else:
            await office.app.requests.standing.revoke(standing.approval.id, PersonId("cy"), "no more")
        await office.app.requests.freezes.unfreeze("workshop", PersonId("dan"), "fixed")

        record = await office.opened(run_id)
        assert standing.approval.id in record.request.changes[0]
        assert office.workshop.effects == ["press bell"]
        if meanwhile == "it was revoked":
            assert "no more" in (await office.next_mail("anna", "revoked")).text


async def test_two_have_to_grant_what_two_have_to_approve(redis: str, tmp_path: Path) -> None:
    toml = ALLOWED.replace("quorum = 2\n", 'quorum = 2\nstanding = "5 in 30d"\n')

    def change(world: World) -> None:
        world.workshop.policy_of["bell"] = "pair"

    async with an_office(redis, tmp_path, toml, change=change) as office:
        run_id = await office.trigger("press bell")
        record = await office.opened(run_id)
        for person in ("bo", "cy"):
            await office.decide(person, record, "approve")
        await office.ended(run_id)
        record = await asked(office, run_id)

        await office.decide("bo", record, "approve")
        assert await office.app.requests.standing.all() == []
        assert isinstance(await office.decide("cy", record, "approve"), Decided)

        await office.has(record.request.run_id, "done")
        assert (await the_only(office)).approval.granted_by == ("bo", "cy")
        assert not await is_asked(office)


async def test_it_serves_nobody_else_and_nobody_asks_for_more_than_was_theirs_and_the_policy_allows(
    redis: str, tmp_path: Path
) -> None:
    async with an_office(redis, tmp_path) as office:
        run_id = await done_once(office)
        with pytest.raises(Invalid):
            await asked(office, run_id, person="dan")
        for uses, within in ((6, timedelta(days=1)), (1, timedelta(days=31)), (1, -timedelta(days=1))):
            with pytest.raises(Invalid):
                await asked(office, run_id, uses, within=within)
        await granted(office, run_id, within=timedelta(hours=1))

        assert await is_asked(office, person="dan")
        assert await is_asked(office, person="cy")
        await becomes(office, without(ALLOWED, "anna"))
        await becomes(office, ALLOWED)
        assert not await is_asked(office), "whom it serves is back"
        await office.move_time(3601)
        assert await is_asked(office)


async def test_attack_it_counts_again_as_whoever_granted_it_comes_back(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path, ALLOWED + EVE) as office:
        await granted(office, await done_once(office))

        await becomes(office, without(ALLOWED, "bo") + EVE)
        told = await office.next_mail("anna", "Revoked")
        await becomes(office, ALLOWED + EVE)

        assert "whoever approved it has left" in " ".join(told.text.split())
        assert await is_asked(office)
        found = await the_only(office)
        assert (found.state, found.uses) == ("revoked", ())
        await office.seal()
        [record], _ = await office.app.audit.search(Query(kind="standing_revoked"))
        assert (record.get("who"), record["channel"], record["detail"]) == (
            None,
            "file",
            {"standing": found.approval.id},
        )


async def test_attack_its_last_use_begins_as_whoever_granted_it_comes_back(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path, ALLOWED + EVE) as office:
        await granted(office, await done_once(office), uses=1)
        await office.app.requests.freezes.freeze("workshop", PersonId("dan"), "incident")
        run_id = await office.trigger("press bell")
        await office.quiet()

        await becomes(office, without(ALLOWED, "bo") + EVE)
        await becomes(office, ALLOWED + EVE)
        await office.app.requests.freezes.unfreeze("workshop", PersonId("dan"), "fixed")

        assert (await office.opened(run_id)).votes == ()
        assert office.workshop.effects == ["press bell"]


async def test_a_freeze_holds_what_nobody_was_asked_about_and_an_approver_denies_a_use_before_it_starts(
    redis: str, tmp_path: Path
) -> None:
    async with an_office(redis, tmp_path) as office:
        await granted(office, await done_once(office))
        await office.app.requests.freezes.freeze("workshop", PersonId("dan"), "incident")
        runs = [await office.trigger("press bell") for _ in range(2)]
        await office.quiet()
        assert office.workshop.effects == ["press bell"]
        uses = {use.run_id: use.request_id for use in (await the_only(office)).uses}

        await office.decide("cy", await office.request(uses[runs[0]]), "deny", "not today")
        await office.app.requests.freezes.unfreeze("workshop", PersonId("dan"), "fixed")

        assert (await office.ended(runs[0])).ended
        await office.has(runs[1], "done")
        assert office.workshop.effects == ["press bell"] * 2


async def test_what_an_approver_edited_never_becomes_one(redis: str, tmp_path: Path) -> None:
    def change(world: World) -> None:
        world.workshop.editable = ("what",)

    async with an_office(redis, tmp_path, change=change) as office:
        run_id = await office.trigger("press bell")
        record = await office.opened(run_id)
        await office.edit("bo", record, what="button")
        await office.decide("cy", await office.request(record.request.id), "approve")
        await office.ended(run_id)

        with pytest.raises(Invalid):
            await asked(office, run_id)


async def test_a_crash_after_its_use_was_counted_spends_one_and_adds_none(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        await granted(office, await done_once(office), uses=2)
        assert not await is_asked(office)
        [used] = (await the_only(office)).uses
        died = (await office.request(used.request_id)).request.model_copy(update={"id": RequestId("s0q-zzzzzzzzzzzzz")})

        run = await office.run(used.run_id)

        looked = await StandingUses(office.app.store, office.app.people).look(died, run, Repeats())

        assert looked.decision  # and whoever found it writes nothing more
        assert await is_asked(office)
        assert office.workshop.effects == ["press bell"] * 2
        assert len((await the_only(office)).uses) == 2


async def test_whoever_breaks_the_glass_grants_nothing_and_what_they_allowed_becomes_none(
    redis: str, tmp_path: Path
) -> None:
    toml = ALLOWED.replace('standing = "5 in 30d"\n', 'standing = "5 in 30d"\nbreak_glass = ["person:dan"]\n', 1)
    async with an_office(redis, tmp_path, toml) as office:
        record = await asked(office, await done_once(office))
        assert isinstance(await breaks(office, "dan", record), NotEntitled)
        run_id = await office.trigger("press bell")
        assert isinstance(await breaks(office, "dan", await office.opened(run_id), reply_id="cli-2"), Decided)
        await office.has(run_id, "done")

        with pytest.raises(Invalid):
            await asked(office, run_id)


async def test_attack_what_somebody_else_answered_the_agent_is_asked(redis: str, tmp_path: Path) -> None:
    only_cy = ALLOWED.replace('approvers = ["group:release"]', 'approvers = ["person:cy"]', 1)
    async with an_office(redis, tmp_path, only_cy) as office:
        await granted(office, await done_once(office, by="cy"), by=("cy",))
        run_id = await office.trigger("ask-of person:bo free_text which one?\npress bell")
        question = await office.opened(run_id)
        await office.decide("bo", question, "free_text", "the bell")

        await office.quiet()

        assert (await office.run(run_id)).open
        assert office.workshop.effects == ["press bell"]


async def write(
    office: World,
    text: str,
    *,
    is_weak: bool = False,
    hours_ago: int = 0,
    to: str = "sayso@sayso.example",
    copies: int = 1,
) -> None:
    """A new mail of Anna's, with the text as its subject as well; what is weak says not when it was written.

    Copies differ in what a signature may leave out.
    """
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = "anna@corp.example", to, text
    if not is_weak:
        mail["Date"] = format_datetime(office.about_now() - timedelta(hours=hours_ago))
    mail.set_content(text)
    who = "anna@corp.example"
    for number in range(copies):
        del mail["Message-ID"]
        mail["Message-ID"] = f"<wish{number}.{abs(hash((to, hours_ago, is_weak)))}@corp.example>"
        await office.transport(who).send(bytes(mail), sender=who, recipients=["sayso@sayso.example"])


async def test_attack_a_mail_that_could_approve_nothing_uses_none_and_of_one_and_its_copies_one_uses_it(
    redis: str, tmp_path: Path
) -> None:
    async with an_office(redis, tmp_path) as office:
        await granted(office, await done_once(office))

        await write(office, "press bell", is_weak=True)
        await write(office, "press bell", hours_ago=2)
        await write(office, "press bell", to="bo@corp.example")

        await until(lambda: are_open(office, 3), what="people are asked")
        await office.quiet()
        assert office.workshop.effects == ["press bell"]
        assert (await the_only(office)).uses == ()
        await write(office, "press bell", copies=2)
        await until(lambda: are_open(office, 4), what="people are asked about the copy")
        await office.quiet()
        assert office.workshop.effects == ["press bell"] * 3, "its subject says it as well"
        assert len((await the_only(office)).uses) == 2


async def are_open(office: World, count: int) -> bool:
    return sum(one.state == "open" for one in await office.requests()) == count


async def test_attack_a_wish_by_a_way_that_does_not_count_uses_none(redis: str, tmp_path: Path) -> None:
    toml = ALLOWED.replace("approve_by_email = true\n", 'answer_from = ["console", "slack"]\n', 1)
    async with an_office(redis, tmp_path, toml) as office:
        run_id = await office.trigger("press bell")
        await office.decide("bo", await office.opened(run_id), "approve", channel="console")
        await office.ended(run_id)
        record = await asked(office, run_id)
        await office.decide("bo", record, "approve", channel="console")
        await office.has(record.request.run_id, "done")

        assert await is_asked(office)
        assert (await the_only(office)).uses == ()
        anna = office.app.people.named("anna")
        counts = await office.app.runs.starter.start("console", "press bell", anna)
        await office.ended(counts)

        assert len((await the_only(office)).uses) == 1
        assert office.workshop.effects == ["press bell"] * 2


async def test_attack_a_backup_gives_back_neither_uses_nor_what_was_revoked(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path) as office:
        await granted(office, await done_once(office), uses=1)
        backup = await backed_up(office)
        assert not await is_asked(office)

        await restored(office, backup)

        assert await is_asked(office)
        assert office.workshop.effects == ["press bell"] * 2
        assert (await the_only(office)).state == "revoked"


OWN = ALLOWED.replace("[policies.production]", "[policies.production]\nrequester_may_approve = true", 1)


async def test_attack_somebody_grants_a_standing_approval_to_themselves(redis: str, tmp_path: Path) -> None:
    async with an_office(redis, tmp_path, OWN) as office:
        run_id = await done_once(office, by="bo", person="bo")

        record = await asked(office, run_id, person="bo")

        own = await office.decide("bo", record, "approve")
        assert isinstance(own, NotEntitled)
        assert own.why == "requester"
        assert isinstance(await office.decide("cy", record, "approve"), Decided)
        await office.has(record.request.run_id, "done")
        assert (await the_only(office)).approval.granted_by == ("cy",)


async def test_attack_where_only_whom_it_would_serve_could_grant_it_no_request_is_opened(
    redis: str, tmp_path: Path
) -> None:
    alone = OWN.replace('approvers = ["group:release"]', 'approvers = ["person:bo"]', 1)
    async with an_office(redis, tmp_path, alone) as office:
        run_id = await done_once(office, by="bo", person="bo")

        with pytest.raises(Invalid, match="can't be met"):
            await asked(office, run_id, person="bo")

        assert await office.app.requests.standing.all() == []


async def test_attack_a_program_with_somebodys_own_key_uses_or_gets_a_standing_approval(
    redis: str, tmp_path: Path
) -> None:
    async with an_office(redis, tmp_path) as office, serving(office.app) as api:
        await granted(office, await done_once(office))
        anna = await api.client("anna", "trigger")

        begun = await anna.post("/v1/runs", json={"text": "press bell"})

        record = await office.opened(RunId(begun.json()["id"]))
        await office.decide("bo", record, "approve")
        await office.ended(record.request.run_id)
        with pytest.raises(Invalid):
            await asked(office, record.request.run_id)
