"""The story of sayso, from a wish to its effect. Read this first."""

import subprocess

from bot.policy.judgements import Decided
from tests.kit.world import World


def commit_of(world: World, version: str) -> str:
    command = ["git", "rev-parse", f"{version}^{{commit}}"]
    shop = world.folder / "demo" / "shop"
    return subprocess.run(command, cwd=shop, capture_output=True, text=True, check=True).stdout.strip()


def live(world: World, environment: str) -> str:
    """The commit whose release visitors of the demo site get."""
    return (world.folder / "demo" / "site" / environment / "current").resolve().name


async def test_a_deploy_waits_for_an_answer_by_mail_and_then_exactly_that_commit_goes_live_once(shop: World) -> None:
    run_id = await shop.trigger("deploy v1.2.0 to production", person="anna")
    card = await shop.next_mail("bo")
    assert card.subject.startswith("Deploy v1.2.0 to production, replacing v1.0.0? [")
    assert commit_of(shop, "v1.2.0") in card.text
    assert live(shop, "production") == commit_of(shop, "v1.0.0"), "nothing happens before somebody has answered"

    await shop.reply("bo", card, "approved, thanks")

    run = await shop.ended(run_id)
    assert run.state == "done"
    assert live(shop, "production") == commit_of(shop, "v1.2.0")
    assert live(shop, "staging") == commit_of(shop, "v1.0.0")
    [record] = await shop.requests()
    assert (record.state, record.decision and record.decision.by) == ("approved", ("bo",))
    kinds = [event.type for event in await shop.events(run_id)]
    assert (kinds.count("tool_started"), kinds.count("request_decided"), kinds.count("run_ended")) == (3, 1, 1)
    for person in ("anna", "bo"):
        heard = await shop.next_mail(person, about="Done: v1.2.0 is live in production")
        assert "v1.2.0" in heard.text
        assert "is live in production, verified" in heard.text


async def test_the_same_story_from_a_terminal(shop: World) -> None:
    run_id = await shop.trigger("deploy v1.1.0 to production", person="anna")
    record = await shop.opened(run_id)
    assert live(shop, "production") == commit_of(shop, "v1.0.0")

    judgement = await shop.decide("cy", record, "approve")

    assert isinstance(judgement, Decided)
    assert (await shop.ended(run_id)).state == "done"
    assert live(shop, "production") == commit_of(shop, "v1.1.0")


async def test_a_denial_by_mail_with_its_reason_ends_the_run_and_nothing_goes_live(shop: World) -> None:
    run_id = await shop.trigger("deploy v1.2.0 to production", person="anna")

    await shop.reply("cy", await shop.next_mail("cy"), "No, the shop is full of customers.")

    assert await shop.summary(run_id) == (
        "failed: Deploying v1.2.0 to production was denied: the shop is full of customers."
    )
    assert live(shop, "production") == commit_of(shop, "v1.0.0")


async def test_where_no_policy_stands_before_it_a_deploy_asks_nobody(shop: World) -> None:
    run_id = await shop.trigger("deploy v1.2.0 to staging", person="anna")

    assert (await shop.ended(run_id)).state == "done"
    assert live(shop, "staging") == commit_of(shop, "v1.2.0")
    assert live(shop, "production") == commit_of(shop, "v1.0.0")
    assert await shop.requests() == []
    assert shop.mails("bo") == ()
