"""What is said to be live is what tools saw since anybody may have changed it: an older look says nothing."""

import shutil
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from agents.deploy.results import live_seen
from agents.model.prices import is_priced
from agents.requests import RunId
from bot.config.example import example_toml
from bot.dev.demo import add_ways
from bot.render.outcome import word_of
from bot.render.status_line import status_line
from tests.fakes.anthropic import FakeAnthropic, message, running, tool_use
from tests.stories.attacks.test_lying_model import calls, says, surfaces
from tests.stories.faults.test_deploy import release
from tests.test_tour import commit_of, live
from tests.world import World, a_world


@pytest.fixture(scope="module")
def api() -> Iterator[FakeAnthropic]:
    import_module("anthropic")
    is_priced("claude-sonnet-5-5")
    with running() as fake:
        yield fake


@pytest.fixture
async def shop(redis: str, tmp_path: Path, demo: Path, api: FakeAnthropic) -> AsyncIterator[World]:
    """The demo shop, whose agents have a model."""

    def with_model(world: World) -> None:
        world.environ = {"ANTHROPIC_API_KEY": "sk-test-key", "ANTHROPIC_BASE_URL": api.base_url}

    shutil.copytree(demo, tmp_path / "data" / "demo", symlinks=True)
    add_ways(tmp_path / "data" / "demo")
    toml = example_toml(tmp_path / "data" / "demo" / "shop")
    async with a_world(redis, tmp_path / "data", toml, deploys=True, change=with_model) as world:
        yield world


HALF_WAY = '#!/bin/sh\n./real.sh "$@"\nexit 3\n'


async def told(world: World, run_id: RunId, about: str) -> list[str]:
    """What each place says of how the run ended, the mail first."""
    mail = await world.next_mail("anna", about=about)
    return [" ".join(text.split()) for text in (mail.text, *(await surfaces(world, run_id)).values())]


async def test_a_deploy_that_fails_half_way_overtakes_what_the_run_had_put_live_before(
    shop: World, api: FakeAnthropic
) -> None:
    release(shop, "v1.2.0", HALF_WAY)
    first = calls("deploy", version="v1.1.0", environment="staging")
    api.answers(first, calls("deploy", version="v1.2.0", environment="staging"), says("v1.1.0 is live in staging."))

    run_id = await shop.trigger("deploy v1.1.0 to staging, then v1.2.0", agent="deploy")
    run = await shop.ended(run_id)

    assert live(shop, "staging") == commit_of(shop, "v1.2.0"), "it failed once it was live"
    assert [*live_seen(run)] == ["staging"]
    assert live_seen(run)["staging"].startswith("v1.2.0 (")
    for text in await told(shop, run_id, "Failed: deploy v1.1.0 to staging"):
        assert "v1.1.0 (" not in text.partition("Change this run")[0], text


async def test_a_rollback_that_fails_half_way_overtakes_what_the_run_had_put_live_before(
    shop: World, api: FakeAnthropic
) -> None:
    release(shop, "v1.1.0", HALF_WAY)
    first = calls("deploy", version="v1.2.0", environment="staging")
    api.answers(first, calls("rollback", version="v1.1.0", environment="staging"), says("v1.2.0 is live still."))

    run_id = await shop.trigger("deploy v1.2.0 to staging, and back", agent="deploy")
    run = await shop.ended(run_id)

    assert live(shop, "staging") == commit_of(shop, "v1.1.0")
    assert live_seen(run)["staging"].startswith("v1.1.0 (")


async def test_what_others_deployed_while_people_were_waited_for_is_what_is_live(
    shop: World, api: FakeAnthropic
) -> None:
    first = calls("deploy", version="v1.1.0", environment="staging")
    api.answers(first, calls("deploy", version="v1.1.0", environment="production"))
    run_id = await shop.trigger("deploy v1.1.0 to staging and to production", agent="deploy")
    record = await shop.opened(run_id)
    api.answers(calls("deploy", version="v1.2.0", environment="staging"), says("v1.2.0 is live in staging."))
    await shop.ended(await shop.trigger("deploy v1.2.0 to staging", agent="deploy"))
    await shop.move_time(3600)
    api.answers(says("v1.1.0 is live in both."))

    await shop.decide("bo", record, "approve")

    run = await shop.ended(run_id)
    assert live(shop, "staging") == commit_of(shop, "v1.2.0")
    assert {where: what.split()[0] for where, what in live_seen(run).items()} == {
        "production": "v1.1.0",
        "staging": "v1.2.0",
    }
    for text in await told(shop, run_id, "Done: deploy v1.1.0 to staging and to production"):
        assert "v1.1.0 (a8bf61f) is live in staging" not in text, text


async def test_a_run_that_waited_for_people_and_is_cancelled_says_nothing_of_what_it_saw_before(
    shop: World, api: FakeAnthropic
) -> None:
    first = calls("deploy", version="v1.1.0", environment="staging")
    api.answers(first, calls("deploy", version="v1.1.0", environment="production"))
    run_id = await shop.trigger("deploy v1.1.0 to staging and to production", agent="deploy")
    await shop.opened(run_id)
    await shop.move_time(3600)

    await shop.steer(run_id, "cancel", "anna")

    assert live_seen(await shop.ended(run_id)) == {}
    said = " ".join((await shop.next_mail("anna", about="Cancelled: deploy v1.1.0")).text.split())
    assert "Something was changed all the same" in said
    assert "is live in" not in said


async def test_the_line_of_a_run_names_the_version_that_people_chose_and_not_what_was_asked(
    shop: World, api: FakeAnthropic
) -> None:
    api.answers(calls("deploy", version="v1.2.0", environment="production"))
    run_id = await shop.trigger("deploy v1.2.0 to production", agent="deploy")
    record = await shop.opened(run_id)
    await shop.edit("bo", record, version="v1.1.0")
    api.answers(says("It is live."))

    await shop.decide("cy", await shop.request(record.request.id), "approve")

    run = await shop.ended(run_id)
    assert (await shop.next_mail("anna", about="Done")).subject == "Done: v1.1.0 is live in production"
    assert status_line(run, None, shop.people) == "Done: v1.1.0 is live in production"


async def test_a_deploy_that_changes_nothing_and_ends_well_is_not_called_done(shop: World, api: FakeAnthropic) -> None:
    release(shop, "v1.2.0", "#!/bin/sh\necho queued\n")
    api.answers(calls("deploy", version="v1.2.0", environment="staging"), says("v1.2.0 is live in staging."))

    run_id = await shop.trigger("deploy v1.2.0 to staging", agent="deploy")
    run = await shop.ended(run_id)

    assert live(shop, "staging") == commit_of(shop, "v1.0.0")
    assert (await shop.next_mail("anna", about="v1.2.0 ")).subject == "Failed: deploy v1.2.0 to staging"
    assert word_of(run) == "failed"
    assert live_seen(run)["staging"].startswith("v1.0.0 (")
    for place, text in (await surfaces(shop, run_id)).items():
        assert "v1.2.0 (" not in text.partition("Change this run")[0], (place, text)


@pytest.mark.parametrize("first", ["staging", "production"])
async def test_a_part_that_was_refused_is_not_titled_as_done_with_the_other(
    shop: World, api: FakeAnthropic, first: str
) -> None:
    to_deploy, wish = calls("start_run", agent="deploy"), "deploy v1.1.0 to staging and to production"
    gives_up = message(tool_use("done", {"summary": "No such version.", "outcome": "failed"}))
    staged = (to_deploy, calls("deploy", version="v1.1.0", environment="staging"), says("Staged."))
    refused = (to_deploy, calls("deploy", version="v9.9.9", environment="production"), gives_up)
    api.answers(*(staged + refused if first == "staging" else refused + staged), *[says("Both are live.")] * 4)

    run_id = await shop.app.runs.starter.start("cli", wish, shop.app.people.named("anna"), agent="triage")
    run = await shop.ended(run_id)

    title = f"Failed: {wish}" if first == "staging" else "Done: v1.1.0 is live in staging"
    assert (await shop.next_mail("anna", about=title)).subject == title
    assert status_line(run, None, shop.people).startswith(title)


async def test_a_run_whose_second_deploy_was_refused_is_not_called_done(shop: World, api: FakeAnthropic) -> None:
    first = calls("deploy", version="v1.1.0", environment="staging")
    api.answers(first, calls("deploy", version="v9.9.9", environment="production"), says("Both are live."))

    run_id = await shop.trigger("deploy v1.1.0 to staging and v9.9.9 to production", agent="deploy")
    run = await shop.ended(run_id)

    assert word_of(run) == "failed"
    assert "v1.1.0 (" in (await shop.next_mail("anna", about="Failed: deploy v1.1.0 to staging")).text
