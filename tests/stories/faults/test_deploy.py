"""Deploys that are not what they were: unknown and moved tags, commands that fail, two at once."""

import asyncio
import hashlib
import os
import subprocess
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agents.requests import PersonId
from bot.policy.judgements import ClosedOtherwise
from bot.testing.waiting import until
from tests.kit.shop import a_shop
from tests.kit.world import World
from tests.test_tour import commit_of, live


def git(world: World, *args: str) -> None:
    who = ("-c", "user.name=Anna", "-c", "user.email=anna@shop.example", "-c", "advice.detachedHead=false")
    subprocess.run(["git", *who, *args], cwd=world.folder / "demo" / "shop", check=True, capture_output=True)


def replace_blob(repo: Path, name: str, content: bytes) -> None:
    """Other content under the hash of a file, which git believes when it reads it."""
    blob = subprocess.check_output(["git", "-C", str(repo), "rev-parse", name], text=True).strip()
    file = repo / ".git" / "objects" / blob[:2] / blob[2:]
    file.chmod(0o600)
    file.write_bytes(zlib.compress(b"blob %d\0" % len(content) + content))


def release(world: World, tag: str, script: str) -> None:
    """Have `tag` be a release whose `deploy.sh` is `script`; the real one stands beside it as `real.sh`."""
    shop = world.folder / "demo" / "shop"
    git(world, "checkout", "--quiet", "--force", tag)
    (shop / "real.sh").write_text((shop / "deploy.sh").read_text())
    (shop / "deploy.sh").write_text(script)
    for name in ("real.sh", "deploy.sh"):
        (shop / name).chmod(0o755)
    git(world, "add", "--all")
    git(world, "commit", "--quiet", "--message", f"Deploy {tag} another way")
    git(world, "tag", "--force", tag)


@asynccontextmanager
async def a_shop_with(program: str, redis: str, tmp_path: Path, demo: Path) -> AsyncGenerator[World]:
    """A shop that is deployed with another program."""
    own = '"./deploy.sh"'
    async with a_shop(redis, tmp_path / "data", demo, lambda toml: toml.replace(own, f'"{program}"')) as world:
        yield world


def outside(world: World, script: str) -> Path:
    """A program beside the repository."""
    program = world.folder / "demo" / "put-live"
    program.write_text(script)
    program.chmod(0o755)
    return program


async def test_an_unknown_tag_is_answered_with_those_that_exist_and_asks_nobody(shop: World) -> None:
    run_id = await shop.trigger("deploy v9.9.9 to production")

    assert await shop.summary(run_id) == (
        "failed: There is no version 'v9.9.9'. Versions, newest first: v1.2.0, v1.1.0, v1.0.0"
    )
    assert await shop.requests() == []
    assert "newest first: v1.2.0" in (await shop.next_mail("anna", about="Failed")).text


async def test_a_tag_that_disappears_before_the_start_is_not_deployed(shop: World) -> None:
    run_id = await shop.trigger("deploy v1.2.0 to production")
    record = await shop.opened(run_id)
    git(shop, "tag", "--delete", "v1.2.0")

    await shop.decide("bo", record, "approve")

    assert "There is no version 'v1.2.0'" in await shop.summary(run_id)
    assert live(shop, "production") == commit_of(shop, "v1.0.0")


async def test_attack_what_moved_is_said_however_often_it_is_asked_anew(shop: World) -> None:
    meant = commit_of(shop, "v1.2.0")
    first = await shop.opened(run_id := await shop.trigger("deploy v1.2.0 to production"))
    git(shop, "tag", "--force", "v1.2.0", "v1.1.0")
    await shop.decide("bo", first, "approve")
    second = await shop.opened(run_id, after=first.request.id)
    await shop.app.requests.freezes.freeze("", PersonId("bo"), "incident 4711", proof=None)
    await shop.decide("bo", second, "approve")
    await shop.move_time(901)

    await shop.app.requests.freezes.unfreeze("", PersonId("bo"), "it is over", proof=None)
    third = await shop.opened(run_id, after=second.request.id)

    assert first.request.moved == {}
    assert second.request.moved == third.request.moved == {"v1.2.0": meant}


async def test_a_tag_that_moved_between_card_and_execution_is_asked_again_and_shows_what_changed(shop: World) -> None:
    before, after = commit_of(shop, "v1.2.0"), commit_of(shop, "v1.1.0")
    run_id = await shop.trigger("deploy v1.2.0 to production")
    record = await shop.opened(run_id)
    card = await shop.next_mail("bo")
    git(shop, "tag", "--force", "v1.2.0", "v1.1.0")

    await shop.reply("bo", card, "approved")
    again = await shop.next_mail("bo", about="Changed since the last card")

    assert (await shop.request(record.request.id)).state == "superseded"
    assert f'"v1.2.0" meant {before[:7]} and now means {after[:7]}.' in " ".join(again.text.split())
    assert await shop.decide("cy", record, "approve") == ClosedOtherwise(state="superseded")
    assert live(shop, "production") == commit_of(shop, "v1.0.0"), "the approval was for another commit"
    await shop.reply("bo", again, "approved")
    assert (await shop.ended(run_id)).state == "done"
    assert live(shop, "production") == after


async def test_a_command_that_fails_is_not_tried_again_and_one_that_claims_to_have_worked_is_checked(
    shop: World,
) -> None:
    fails = f"#!/bin/sh\necho tried >> {shop.folder}/demo/tries\necho 'disk full on host 7' >&2\nexit 3\n"
    release(shop, "v1.2.0", fails)
    summary = await shop.summary(await shop.trigger("deploy v1.2.0 to staging"))
    assert summary.endswith("ended with exit code 3.\ndisk full on host 7")
    assert (shop.folder / "demo" / "tries").read_text() == "tried\n"

    release(shop, "v1.1.0", "#!/bin/sh\necho fine\n")
    summary = await shop.summary(await shop.trigger("deploy v1.1.0 to staging"))
    assert summary.startswith("failed: The deploy of v1.1.0 to staging ran, but staging serves")
    assert "v1.0.0" in summary


@pytest.mark.long
async def test_two_deploys_of_one_environment_at_once_run_one_after_the_other(shop: World) -> None:
    for tag in ("v1.1.0", "v1.2.0"):
        release(shop, tag, '#!/bin/sh\nmkdir ../busy || exit 9\n./real.sh "$@"\nrmdir ../busy\n')

    runs = await asyncio.gather(*(shop.trigger(f"deploy {version} to staging") for version in ("v1.1.0", "v1.2.0")))
    ended = [await shop.ended(run_id) for run_id in runs]

    deployed = [result.text for run in ended for result in run.results if result.text.startswith("deployed")]
    assert len(deployed) == 2
    assert not any("exit code 9" in result.text for run in ended for result in run.results)


async def test_a_program_of_the_repository_that_is_replaced_after_the_approval_is_not_what_runs(shop: World) -> None:
    run_id = await shop.trigger("deploy v1.2.0 to production")
    card = await shop.next_mail("bo")
    (shop.folder / "demo" / "shop" / "deploy.sh").write_text("#!/bin/sh\ntouch ../replaced\n")

    await shop.reply("bo", card, "approved")

    assert (await shop.ended(run_id)).state == "done"
    assert live(shop, "production") == commit_of(shop, "v1.2.0")
    assert not (shop.folder / "demo" / "replaced").exists()
    assert "Program: ./deploy.sh, as it is in this commit" in " ".join(card.text.split())
    assert not list((shop.folder / "trees").glob("*/shop")), "the copy goes when the command has ended"


@pytest.mark.long
async def test_an_object_of_the_repository_that_is_replaced_after_the_approval_is_not_what_runs(shop: World) -> None:
    run_id = await shop.trigger("deploy v1.2.0 to production")
    card = await shop.next_mail("bo")
    replace_blob(shop.folder / "demo" / "shop", "v1.2.0:deploy.sh", b"#!/bin/sh\n")

    await shop.reply("bo", card, "approved")

    await shop.ended(run_id)
    story = " ".join((await shop.next_mail("anna")).text.split())
    assert "nothing was run: there is no clean copy of" in story
    assert live(shop, "production") != commit_of(shop, "v1.2.0")


async def test_the_copy_that_a_program_runs_in_has_nothing_of_the_configuration_or_of_a_killed_runner(
    shop: World,
) -> None:
    release(shop, "v1.2.0", '#!/bin/sh\ngit config --list --local >../config\nls >../files\n./real.sh "$@"\n')
    hook = shop.folder / "demo" / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {shop.folder}/demo/hooked\n")
    hook.chmod(0o755)
    for name in ("core.fsmonitor", "core.hooksPath", "filter.odd.smudge", "filter.odd.process"):
        git(shop, "config", name, str(hook))
    (shop.folder / "demo" / "shop" / ".git" / "info" / "attributes").write_text("* filter=odd\n")
    left = shop.folder / "trees" / "deploy-staging" / "shop"
    left.mkdir()
    for name in ("deploy.sh", "left.sh"):
        (left / name).write_text("#!/bin/sh\ntouch ../replaced\n")

    assert (await shop.ended(await shop.trigger("deploy v1.2.0 to staging"))).state == "done"

    assert str(hook) not in (left.parent / "config").read_text()
    assert "left.sh" not in (left.parent / "files").read_text()
    assert not (shop.folder / "demo" / "hooked").exists()
    assert live(shop, "staging") == commit_of(shop, "v1.2.0")
    assert not left.exists()


async def test_another_program_that_is_replaced_after_the_approval_is_asked_about_again(
    redis: str, tmp_path: Path, demo: Path
) -> None:
    async with a_shop_with("../put-live", redis, tmp_path, demo) as shop:
        program = outside(shop, '#!/bin/sh\nexec ./deploy.sh "$@"\n')
        before = hashlib.sha256(program.read_bytes()).hexdigest()
        run_id = await shop.trigger("deploy v1.2.0 to production")
        record, card = await shop.opened(run_id), await shop.next_mail("bo")
        outside(shop, "#!/bin/sh\ntouch ../replaced\n")
        after = hashlib.sha256(program.read_bytes()).hexdigest()

        await shop.reply("bo", card, "approved")
        again = await shop.next_mail("bo", about="Changed since the last card")

        assert (await shop.request(record.request.id)).state == "superseded"
        assert f"SHA-256 of {program} is {before}" in " ".join(card.text.split())
        assert f"SHA-256 of {program} was {before[:7]} and is now {after[:7]}." in " ".join(again.text.split())
        assert not (shop.folder / "demo" / "replaced").exists()


@pytest.mark.long
async def test_another_program_that_is_replaced_while_a_deploy_waits_for_its_turn_is_asked_about_again(
    redis: str, tmp_path: Path, demo: Path
) -> None:
    async with a_shop_with("../put-live", redis, tmp_path, demo) as shop:
        gate, begun = shop.folder / "demo" / "gate", shop.folder / "demo" / "begun"
        os.mkfifo(gate)
        outside(shop, f'#!/bin/sh\ntouch ../begun\nread -r _ < {gate}\nexec ./deploy.sh "$@"\n')
        first = await shop.trigger("deploy v1.0.0 to production")
        await shop.decide("bo", await shop.opened(first), "approve")
        await until(begun.exists)
        record = await shop.opened(second := await shop.trigger("deploy v1.0.0 to production"))
        await shop.decide("bo", record, "approve")
        await shop.has(second, "running")
        outside(shop, "#!/bin/sh\ntouch ../replaced\n")

        await asyncio.to_thread(gate.write_text, "go\n")
        again = await shop.opened(second, after=record.request.id)

        assert any("put-live was" in change for change in again.request.changed)
        assert not (shop.folder / "demo" / "replaced").exists()


@pytest.mark.long
async def test_a_script_of_the_repository_that_another_program_is_given_is_that_of_the_approved_commit(
    redis: str, tmp_path: Path, demo: Path
) -> None:
    async with a_shop_with('sh", "./deploy.sh', redis, tmp_path, demo) as shop:
        run_id = await shop.trigger("deploy v1.2.0 to production")
        card = await shop.next_mail("bo")
        (shop.folder / "demo" / "shop" / "deploy.sh").write_text("touch ../replaced\n")

        await shop.reply("bo", card, "approved")

        assert (await shop.ended(run_id)).state == "done"
        assert live(shop, "production") == commit_of(shop, "v1.2.0")
        assert not (shop.folder / "demo" / "replaced").exists()
