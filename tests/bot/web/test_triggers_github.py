"""GitHub's deliveries start a run for a pushed tag and for failed CI, each once, whatever their headers say."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.events import RunStarted
from tests.bot.triggers.hub import COMMIT, ping, pushed, workflow_run
from tests.bot.triggers.posting import HUB_SECRET, SECRET, bytes_of, post, signed, signed_by_github
from tests.bot.web.test_triggers import refused, runs
from tests.kit.office import TOML
from tests.kit.world import World, a_world
from tests.servers.web import Api, serving

TRIGGERS = """
[triggers.tags]
kind = "github"
on = "push"
only = "v*"
repository = "acme/shop"
text = "stamp {tag}"
requester = "anna"

[triggers.broken]
kind = "github"
on = "workflow_run"
text = "stamp {workflow} on {branch}"
requester = "anna"
"""


@pytest.fixture
async def office(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    def change(world: World) -> None:
        world.environ = {
            "SAYSO_TRIGGERS__TAGS__SECRET": HUB_SECRET,
            "SAYSO_TRIGGERS__BROKEN__SECRET": SECRET,
        }

    async with a_world(redis, tmp_path / "data", TOML + TRIGGERS, change=change) as world:
        yield world


@pytest.fixture
async def api(office: World) -> AsyncIterator[Api]:
    async with serving(office.app) as api:
        yield api


async def test_a_pushed_tag_starts_a_run_and_a_redelivery_is_the_same_one(office: World, api: Api) -> None:
    client, body = api.with_key(None), bytes_of(pushed())

    first = await post(client, "tags", body, signed_by_github(body, "push", "d-1"))
    again = await post(client, "tags", body, signed_by_github(body, "push", "d-1"))
    await office.quiet()

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == {"trigger": "tags", "id": first.json()["id"], "is_repeat": True}
    assert office.workshop.effects == ["stamp v1.2.0"]
    started = (await office.events(first.json()["id"]))[0]
    assert isinstance(started, RunStarted)
    assert started.context == {
        "trigger": "tags", "event": "push", "repository": "acme/shop", "tag": "v1.2.0", "commit": COMMIT,
        "by": "anna-ames",
    }  # fmt: skip
    assert (started.channel, started.trigger) == ("github", "tags")


async def test_attack_a_redelivery_is_the_same_run_also_once_that_has_left_for_the_archive(
    office: World, api: Api
) -> None:
    client, body = api.with_key(None), bytes_of(pushed())
    first = await post(client, "tags", body, signed_by_github(body, "push", "d-1"))
    await office.ended(first.json()["id"])
    await office.quiet()
    await office.move_time(31 * 24 * 3600)
    assert await office.retention() == 1

    again = await post(client, "tags", body, signed_by_github(body, "push", "d-1"))
    await office.quiet()

    assert again.json() == {"trigger": "tags", "id": first.json()["id"], "is_repeat": True}
    assert office.workshop.effects == ["stamp v1.2.0"]


async def test_failed_ci_starts_a_run_in_which_names_are_quoted(office: World, api: Api) -> None:
    body = bytes_of(workflow_run())

    answer = await post(api.with_key(None), "broken", body, signed_by_github(body, "workflow_run", secret=SECRET))

    started = (await office.events(answer.json()["id"]))[0]
    assert isinstance(started, RunStarted)
    assert started.text == 'stamp "Build and test" on main'


async def test_a_copy_under_another_delivery_id_or_event_starts_nothing_more(office: World, api: Api) -> None:
    """Neither header is signed."""
    client, body = api.with_key(None), bytes_of(pushed())
    first = await post(client, "tags", body, signed_by_github(body, "push", "d-1"))

    copied = await post(client, "tags", body, signed_by_github(body, "push", "d-2"))
    bare = {name: value for name, value in signed_by_github(body, "push").items() if name != "X-GitHub-Delivery"}
    without = await post(client, "tags", body, bare)
    renamed = await post(client, "tags", body, signed_by_github(body, "create", "d-3"))

    assert {first.json()["id"]} == {copied.json()["id"], without.json()["id"]}
    assert renamed.json() == {"trigger": "tags", "ignored": "this trigger waits for push"}
    assert len(await runs(office.app)) == 1


async def test_another_body_under_a_delivery_id_that_was_seen_is_a_delivery_of_its_own(office: World, api: Api) -> None:
    """Otherwise a copy that is sent first could have the next tag swallowed."""
    client, body, other = api.with_key(None), bytes_of(pushed()), bytes_of(pushed("refs/tags/v1.3.0"))
    first = await post(client, "tags", body, signed_by_github(body, "push", "d-1"))

    second = await post(client, "tags", other, signed_by_github(other, "push", "d-1"))
    again = await post(client, "tags", other, signed_by_github(other, "push", "d-2"))
    await office.quiet()

    assert second.json() == {"trigger": "tags", "id": second.json()["id"], "is_repeat": False}
    assert first.json()["id"] != second.json()["id"] == again.json()["id"]
    assert sorted(office.workshop.effects) == ["stamp v1.2.0", "stamp v1.3.0"]


async def test_ping_is_answered_and_other_events_are_acknowledged_and_start_nothing(office: World, api: Api) -> None:
    client = api.with_key(None)
    for event, sent in (
        ("ping", ping()),
        ("issues", {"action": "opened"}),
        ("push", pushed("refs/heads/main")),
        ("push", pushed("refs/tags/nightly")),
        ("push", pushed(deleted=True)),
    ):
        body = bytes_of(sent)
        answer = await post(client, "tags", body, signed_by_github(body, event))
        assert (answer.status_code, answer.json()["trigger"]) == (200, "tags")
        assert answer.json()["ignored"]
    assert await runs(office.app) == []


async def test_only_its_own_signature_of_github_s_kind_passes(office: World, api: Api) -> None:
    client, body = api.with_key(None), bytes_of(pushed())

    for headers in (
        signed_by_github(body, "push", secret=SECRET),
        signed_by_github(body + b" ", "push"),
        signed(body, await office.now(), HUB_SECRET) | {"X-GitHub-Event": "push"},
        signed_by_github(body, "ping", secret="wrong"),
    ):
        refused(await post(client, "tags", body, headers), 401, "not-signed")
    assert await runs(office.app) == []


async def test_a_signed_body_of_another_shape_is_refused_in_words(office: World, api: Api) -> None:
    body = bytes_of({"ref": "refs/tags/v1"})

    answer = await post(api.with_key(None), "tags", body, signed_by_github(body, "push"))

    assert refused(answer, 422, "invalid") == "The body is not that of the event push."
