"""A deploy from a repository on a git server: a tag of a moment ago is found, and an approval is of its commit."""

import shutil
import subprocess
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.wiring.local_mail import ADDRESS
from tests.kit.shop import a_shop
from tests.kit.world import World
from tests.servers import git_hosts
from tests.test_tour import live

STALE = "could not be reached"


@asynccontextmanager
async def a_shop_at(url: str, redis: str, folder: Path, demo: Path) -> AsyncGenerator[World]:
    """The demo whose repository is at `url`; its own folder is only where commands look."""
    shop = folder / "demo" / "shop"

    def edit(toml: str) -> str:
        return toml.replace(f'repo = "{shop}"', f'repo = "{url}"\ncwd = "{shop}"')

    async with a_shop(redis, folder, demo, edit) as world:
        yield world


@pytest.fixture
def origin(tmp_path: Path, demo: Path) -> Path:
    """The repository of the demo, where its server has it."""
    shutil.copytree(demo / "shop", tmp_path / "hosted" / "shop", symlinks=True)
    return tmp_path / "hosted" / "shop"


@pytest.fixture
async def shop(redis: str, tmp_path: Path, demo: Path, origin: Path) -> AsyncIterator[World]:
    with git_hosts.web(origin.parent) as host:
        async with a_shop_at(f"{host.url}/shop", redis, tmp_path / "data", demo) as world:
            yield world


def tag(origin: Path, name: str) -> str:
    """Make a release of one more commit; return that commit."""
    who = ["-c", "user.name=Cy Cole", "-c", "user.email=cy@corp.example"]
    for args in (
        (*who, "commit", "--quiet", "--allow-empty", "--message", f"Release {name}"),
        ("tag", "--force", name),
    ):
        subprocess.run(["git", *args], cwd=origin, check=True, capture_output=True)
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=origin, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.long
async def test_a_tag_that_was_pushed_a_moment_ago_is_deployed_by_mail(shop: World, origin: Path) -> None:
    commit = tag(origin, "v9.0.0")
    await shop.send("anna", ADDRESS, "deploy v9.0.0 to production")
    card = await shop.next_mail("bo")

    await shop.reply("bo", card, "approve")

    assert "Repository:" not in card.text
    assert "v9.0.0 (" in (await shop.next_mail("anna", about="is live in production")).text
    assert live(shop, "production") == commit


async def test_a_tag_that_moves_after_the_approval_is_asked_about_again(shop: World, origin: Path) -> None:
    tag(origin, "v9.0.0")
    run_id = await shop.trigger("deploy v9.0.0 to production")
    record = await shop.opened(run_id)
    await shop.steer(run_id, "pause")
    await shop.decide("bo", record, "approve")
    tag(origin, "v9.0.0")
    await shop.steer(run_id, "resume")

    again = await shop.opened(run_id)

    assert again.request.id != record.request.id
    assert (await shop.request(record.request.id)).state == "superseded"


@pytest.mark.long
async def test_a_server_that_went_away_leaves_the_card_with_its_age_and_the_commit(
    redis: str, tmp_path: Path, demo: Path, origin: Path
) -> None:
    commit = tag(origin, "v9.0.0")
    with git_hosts.daemon(origin.parent) as url:
        server = a_shop_at(f"{url}/shop", redis, tmp_path / "data", demo)
        shop = await server.__aenter__()
        first = await shop.trigger("deploy v9.0.0 to staging")
        assert (await shop.ended(first)).state == "done"

    record = await shop.opened(await shop.trigger("deploy v9.0.0 to production"))
    await shop.decide("bo", record, "approve")

    facts = {fact.label: fact.text for fact in record.request.call.effect.facts} if record.request.call else {}
    assert STALE in facts["Repository"]
    assert (await shop.ended(record.request.run_id)).state == "done"
    assert live(shop, "production") == commit
    await server.__aexit__(None, None, None)
