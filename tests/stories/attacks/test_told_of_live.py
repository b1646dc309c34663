"""What is said to be live is what tools saw since anybody may have changed it: an older look says nothing."""

import subprocess
from pathlib import Path
from typing import Literal

import pytest

from agents.deploy.results import live_seen
from agents.requests import Request, RunId
from agents.steps import CallTool
from bot.render.outcome import word_of
from bot.render.status_line import status_line
from tests.fakes.anthropic import Answer, FakeAnthropic, error, message, tool_use
from tests.kit.long import few_of
from tests.kit.tables import becomes
from tests.kit.waiting import until
from tests.kit.world import World, held
from tests.servers.console import a_console
from tests.stories.attacks.test_lying_model import STAGING, calls, says, surfaces
from tests.stories.faults.test_deploy import release
from tests.stories.test_rollback import breaks_the_page, shop_of
from tests.test_tour import commit_of, live

CHANGED = "Something was changed all the same"
HALF_WAY = '#!/bin/sh\n./real.sh "$@"\nexit 3\n'


def puts_live(world: World, version: str, where: str = "production") -> None:
    """Somebody deploys it past sayso."""
    command = ["./deploy.sh", where, commit_of(world, version)]
    subprocess.run(command, cwd=shop_of(world), check=True, capture_output=True)


async def told(world: World, run_id: RunId, about: str) -> list[str]:
    """What each place says of how the run ended, the mail first."""
    mail = await world.next_mail("anna", about=about)
    return [" ".join(text.split()) for text in (mail.text, *(await surfaces(world, run_id)).values())]


async def test_what_fails_half_way_overtakes_what_the_run_had_put_live_before(
    model_shop: World, claude: FakeAnthropic
) -> None:
    before, after = "v1.2.0", "v1.1.0"
    release(model_shop, after, HALF_WAY)
    first, back = (
        calls("deploy", version=before, environment="staging"),
        calls("rollback", version=after, environment="staging"),
    )
    claude.answers(first, back, says(f"{before} is live in staging."))

    run_id = await model_shop.trigger(f"deploy {before} to staging, then {after}", agent="deploy")
    run = await model_shop.ended(run_id)

    assert live(model_shop, "staging") == commit_of(model_shop, after), "it failed once it was live"
    assert [*live_seen(run)] == ["staging"]
    assert live_seen(run)["staging"].startswith(f"{after} (")
    for text in await told(model_shop, run_id, f"Failed: deploy {before} to staging"):
        assert f"{before} (" not in text.partition("Change this run")[0], text


@pytest.mark.long
async def test_what_others_deployed_while_people_were_waited_for_is_what_is_live(
    model_shop: World, claude: FakeAnthropic
) -> None:
    first = calls("deploy", version="v1.1.0", environment="staging")
    claude.answers(first, calls("deploy", version="v1.1.0", environment="production"))
    run_id = await model_shop.trigger("deploy v1.1.0 to staging and to production", agent="deploy")
    record = await model_shop.opened(run_id)
    claude.answers(calls("deploy", version="v1.2.0", environment="staging"), says("v1.2.0 is live in staging."))
    await model_shop.ended(await model_shop.trigger("deploy v1.2.0 to staging", agent="deploy"))
    await model_shop.move_time(3600)
    claude.answers(says("v1.1.0 is live in both."))

    await model_shop.decide("bo", record, "approve")

    run = await model_shop.ended(run_id)
    assert live(model_shop, "staging") == commit_of(model_shop, "v1.2.0")
    assert {where: what.split()[0] for where, what in live_seen(run).items()} == {
        "production": "v1.1.0",
        "staging": "v1.2.0",
    }
    for text in await told(model_shop, run_id, "Done: v1.1.0 is live in production and v1.2.0 is live in staging"):
        assert "v1.1.0 (a8bf61f) is live in staging" not in text, text


async def test_a_run_that_waited_for_people_and_is_cancelled_says_nothing_of_what_it_saw_before(
    model_shop: World, claude: FakeAnthropic
) -> None:
    first = calls("deploy", version="v1.1.0", environment="staging")
    claude.answers(first, calls("deploy", version="v1.1.0", environment="production"))
    run_id = await model_shop.trigger("deploy v1.1.0 to staging and to production", agent="deploy")
    await model_shop.opened(run_id)
    await model_shop.move_time(3600)

    await model_shop.steer(run_id, "cancel", "anna")

    assert live_seen(await model_shop.ended(run_id)) == {}
    said = " ".join((await model_shop.next_mail("anna", about="Cancelled: deploy v1.1.0")).text.split())
    assert "Something was changed all the same" in said
    assert "is live in" not in said


async def test_the_line_of_a_run_names_the_version_that_people_chose_and_not_what_was_asked(
    model_shop: World, claude: FakeAnthropic
) -> None:
    claude.answers(calls("deploy", version="v1.2.0", environment="production"))
    run_id = await model_shop.trigger("deploy v1.2.0 to production", agent="deploy")
    record = await model_shop.opened(run_id)
    await model_shop.edit("bo", record, version="v1.1.0")
    claude.answers(says("It is live."))

    await model_shop.decide("cy", await model_shop.request(record.request.id), "approve")

    run = await model_shop.ended(run_id)
    assert (await model_shop.next_mail("anna", about="Done")).subject == "Done: v1.1.0 is live in production"
    assert status_line(run, None, model_shop.people) == "Done: v1.1.0 is live in production"


async def test_a_deploy_that_changes_nothing_and_ends_well_is_not_called_done(
    model_shop: World, claude: FakeAnthropic
) -> None:
    release(model_shop, "v1.2.0", "#!/bin/sh\necho queued\n")
    claude.answers(calls("deploy", version="v1.2.0", environment="staging"), says("v1.2.0 is live in staging."))

    run_id = await model_shop.trigger("deploy v1.2.0 to staging", agent="deploy")
    run = await model_shop.ended(run_id)

    assert live(model_shop, "staging") == commit_of(model_shop, "v1.0.0")
    assert (await model_shop.next_mail("anna", about="v1.2.0 ")).subject == "Failed: deploy v1.2.0 to staging"
    assert word_of(run) == "failed"
    assert live_seen(run)["staging"].startswith("v1.0.0 (")
    for place, text in (await surfaces(model_shop, run_id)).items():
        assert "v1.2.0 (" not in text.partition("Change this run")[0], (place, text)


async def test_attack_a_model_says_to_be_live_what_nobody_sees_there(model_shop: World, claude: FakeAnthropic) -> None:
    site = model_shop.folder / "demo" / "site"
    release(model_shop, "v1.2.0", f"#!/bin/sh\nrm -rf {site}/staging/current\n")
    claude.answers(calls("deploy", version="v1.2.0", environment="staging"), says("v1.2.0 is live in staging."))

    run_id = await model_shop.trigger("deploy v1.2.0 to staging", agent="deploy")
    run = await model_shop.ended(run_id)

    assert "staging" not in live_seen(run)
    mail = await model_shop.next_mail("anna", about="v1.2.0 ")
    assert mail.subject == "Nobody knows what was changed: deploy v1.2.0 to staging"
    assert "It is not known what was changed." in mail.text
    for place, text in (await surfaces(model_shop, run_id)).items():
        assert "v1.2.0 (" not in text.partition("Change this run")[0], (place, text)


@pytest.mark.parametrize("first", few_of(["staging", "production"], 0))
async def test_a_part_that_was_refused_is_not_titled_as_done_with_the_other(
    model_shop: World, claude: FakeAnthropic, first: str
) -> None:
    to_deploy, wish = calls("start_run", agent="deploy"), "deploy v1.1.0 to staging and to production"
    gives_up = message(tool_use("done", {"summary": "No such version.", "outcome": "failed"}))
    staged = (to_deploy, calls("deploy", version="v1.1.0", environment="staging"), says("Staged."))
    refused = (to_deploy, calls("deploy", version="v9.9.9", environment="production"), gives_up)
    claude.answers(*(staged + refused if first == "staging" else refused + staged), *[says("Both are live.")] * 4)

    run_id = await model_shop.app.runs.starter.start("cli", wish, model_shop.app.people.named("anna"), agent="triage")
    run = await model_shop.ended(run_id)

    title = f"Failed: {wish}" if first == "staging" else "Done: v1.1.0 is live in staging"
    assert (await model_shop.next_mail("anna", about=title)).subject == title
    assert status_line(run, None, model_shop.people).startswith(title)


async def deployed_and_broken(shop: World, way_back: Literal["approve", "deny"]) -> Request:
    """The request for a deploy after which the page is broken, once Cy has said so much of the way back."""
    breaks_the_page(shop)
    run_id = await shop.trigger("deploy v1.3.0 to production")
    deploy = await shop.opened(run_id)
    await shop.decide("bo", deploy, "approve")
    await shop.decide("cy", await shop.opened(run_id, after=deploy.request.id), way_back)
    await shop.ended(run_id)
    return deploy.request


async def test_who_denied_the_way_back_is_not_said_to_have_stopped_the_deploy_that_is_live(shop: World) -> None:
    deploy = await deployed_and_broken(shop, "deny")

    run = await shop.run(deploy.run_id)
    assert live(shop, "production") == commit_of(shop, "v1.3.0")
    assert status_line(run, None, shop.people).startswith(f"Stopped: denied by Cy Cole: {run.text}. {CHANGED}")
    mail = await shop.next_mail("anna", about="Partly done: deploy v1.3.0 to production")
    assert "v1.3.0 was deployed to production" in " ".join(mail.text.split())
    assert "Decided by: Bo Berg and Cy Cole\n" in mail.text


async def test_attack_the_card_of_a_deploy_says_that_it_left_live_what_people_put_back_after_it(shop: World) -> None:
    deploy = await deployed_and_broken(shop, "approve")

    async with a_console(shop) as console:
        card = (await (await console.browser("bo")).get(f"/requests/{deploy.id}")).words

    assert "Done: Deploy v1.3.0 to production" in card
    assert "v1.0.0 (56a8c29) was live in production afterwards." in card
    assert "when it ended" not in card


async def test_attack_whoever_may_not_see_what_brought_what_is_live_reads_that_nothing_brought_it(
    shop: World,
) -> None:
    for where in ("production", "staging"):
        run_id = await shop.trigger(f"deploy v1.1.0 to {where}", "cy")
        if where == "production":
            await shop.decide("bo", await shop.opened(run_id), "approve")
        await shop.ended(run_id)

    async with a_console(shop) as console:
        of_anna = (await (await console.browser("anna")).get("/live")).words
        of_cy = (await (await console.browser("cy")).get("/live")).words

    for where in ("production", "staging"):
        assert f"{where} v1.1.0 · a8bf61f Asked for by Cy Cole" in of_cy
        assert f"{where} v1.1.0 · a8bf61f Nothing that you may see brought it" in of_anna
    assert "that is kept here" not in of_anna


@pytest.mark.long
async def test_who_once_approved_what_others_put_back_is_not_said_to_have_approved_that(shop: World) -> None:
    for version in ("v1.1.0", "v1.2.0"):
        run_id = await shop.trigger(f"deploy {version} to production")
        await shop.decide("bo", await shop.opened(run_id), "approve")
        await shop.ended(run_id)
    await shop.quiet()
    async with a_console(shop) as console:
        anna = await console.browser("anna")
        before = (await anna.get("/live")).words
        puts_live(shop, "v1.1.0")
        await shop.app.live.places(anew=True)

        after = (await anna.get("/live")).words
        await becomes(shop, f'{shop.toml}\n[roles]\noperator = ["person:cy"]\n')
        of_operator = (await (await console.browser("cy")).get("/live")).words

    by_bo, by_nobody = "Asked for by Anna Ames, approved by Bo Berg", "Nothing that you may see brought it"
    assert "No approval that is kept here brought it" in of_operator.partition("staging v1.0.0")[0]
    assert by_bo in before.partition("staging v1.0.0")[0]
    assert "production v1.1.0" in after
    assert by_nobody in after.partition("staging v1.0.0")[0]
    assert by_bo not in after


async def test_what_a_deploy_that_failed_half_way_put_live_is_not_said_to_be_there_without_an_approval(
    shop: World,
) -> None:
    release(shop, "v1.2.0", HALF_WAY)
    run_id = await shop.trigger("deploy v1.2.0 to production")
    await shop.decide("bo", await shop.opened(run_id), "approve")
    await shop.ended(run_id)
    assert live(shop, "production") == commit_of(shop, "v1.2.0")
    await shop.app.live.places(anew=True)

    async with a_console(shop) as console:
        page = (await (await console.browser("anna")).get("/live")).words

    assert "Asked for by Anna Ames, approved by Bo Berg" in page.partition("staging v1.0.0")[0]


async def test_rules_that_take_over_from_a_model_do_not_say_that_nothing_was_deployed_before(
    model_shop: World, claude: FakeAnthropic
) -> None:
    first = (calls("start_run", agent="deploy"), STAGING, says("Staged."))
    asks = message(tool_use("request_human_input", {"question": "Does staging look right?", "format": "free_text"}))
    claude.answers(*first, asks, *[error(400, "invalid_request_error")] * 8)
    anna = model_shop.app.people.named("anna")
    run_id = await model_shop.app.runs.starter.start(
        "cli", "deploy v1.1.0 to staging, then ask me", anna, agent="triage"
    )
    await model_shop.opened(run_id)

    await model_shop.move_time(31 * 24 * 3600)

    run = await model_shop.ended(run_id)
    assert live(model_shop, "staging") == commit_of(model_shop, "v1.1.0")
    for text in await told(model_shop, run_id, "Stopped: deploy v1.1.0 to staging"):
        assert "Nothing was" not in text, text
    assert run.ended
    assert run.ended.summary.startswith("Nothing more was started")


async def test_attack_a_model_keeps_to_itself_that_what_it_deployed_is_not_healthy(
    model_shop: World, claude: FakeAnthropic
) -> None:
    breaks_the_page(model_shop)
    deploys, health = calls("deploy", version="v1.3.0", environment="staging"), calls("health", environment="staging")
    back = (calls("rollback", version="v1.0.0", environment="staging"), health)
    for script, word, title in (
        ((deploys, health, *back), "done", "Done: v1.0.0 is live in staging"),
        ((deploys, health), "failed", "Failed: deploy v1.3.0 to staging"),
    ):
        claude.answers(*script, says("All is healthy."))

        run = await model_shop.ended(await model_shop.trigger("deploy v1.3.0 to staging", agent="deploy"))

        assert word_of(run) == word
        mail = await model_shop.next_mail("anna", about=title)
        assert mail.subject == title
        assert ("The health check of staging failed." in mail.text) == (word == "failed"), mail.text
        assert status_line(run, None, model_shop.people).startswith(title)


@pytest.mark.parametrize(
    ("looks", "says_so"),
    [
        ((calls("live", environment="staging"),), "verified"),
        ((calls("live", environment="production"), calls("health", environment="staging")), "verified and healthy"),
    ],
    ids=["what is live", "whether it is well"],
)
async def test_attack_rules_that_take_over_say_of_a_deploy_what_a_model_saw_elsewhere(
    model_shop: World, claude: FakeAnthropic, looks: tuple[Answer, ...], says_so: str
) -> None:
    deploy = calls("deploy", version="v1.1.0", environment="production")
    claude.answers(deploy, *looks, *[error(400, "invalid_request_error")] * 8)
    run_id = await model_shop.trigger("deploy v1.1.0 to production", agent="deploy")
    await model_shop.decide("bo", await model_shop.opened(run_id), "approve")

    run = await model_shop.ended(run_id)

    assert word_of(run) == "done"
    assert run.ended
    assert says_so in run.ended.summary
    last = run.results[-1].step
    assert isinstance(last, CallTool)
    assert last.arguments["environment"] == "production", "it is said to be well, so it was looked at"


async def test_attack_what_people_said_did_not_happen_and_is_live_later_is_said_to_be_there_by_no_run(
    shop: World, redis: str, tmp_path: Path
) -> None:
    may_go, begun = shop.folder / "may-go", shop.folder / "begun"
    waits = f"touch {begun}\nwhile [ ! -e {may_go} ]; do sleep 0.1; done"
    release(shop, "v1.2.0", f'#!/bin/sh\n{waits}\nexec ./real.sh "$@"\n')
    await shop.app.drift.look()
    run_id = await shop.trigger("deploy v1.2.0 to production")
    gate = await shop.opened(run_id)
    await shop.decide("bo", gate, "approve")
    await until(begun.exists, what="it deploys")
    await shop.stop()  # its machine is gone for good, and what it began there is not
    other = World(redis, tmp_path / "other", shop.toml, deploys=True)
    async with held(other):
        await other.start()
        await other.move_time(120)
        await other.has(run_id, "unknown")
        asks = await other.opened(run_id, after=gate.request.id)
        await other.decide("bo", asks, "free_text", asks.request.options[1])
        await other.decide("cy", await other.opened(run_id, after=asks.request.id), "deny", "tomorrow")
        await other.ended(run_id)
        may_go.touch()
        await until(lambda: live(shop, "production") == commit_of(shop, "v1.2.0"), what="it is there after all")

        await other.app.drift.look()

        told = await other.next_mail("anna", about="production: what is live was said not to have happened")
        [need] = await other.app.drift.needs()
        async with a_console(other) as console:
            page = (await (await console.browser("anna")).get("/live")).words
    for text in (told.text, need, page):
        said = " ".join(text.split())
        assert run_id in said, said
        assert "did not happen" in said, said
        assert not any(one in said for one in ("obody approved", "never approved", "No run of sayso")), said
