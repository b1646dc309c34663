"""GitHub's deliveries start a run for a pushed tag and for failed CI, each once, whatever their headers say."""

from agents.events import RunStarted
from tests.bot.triggers.hub import COMMIT, ping, pushed, workflow_run
from tests.bot.triggers.posting import HUB_SECRET, SECRET, bytes_of, post, signed, signed_by_github
from tests.bot.web.test_triggers import refused, runs, secrets
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World
from tests.servers.web import Api

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


pytestmark = opens(TOML + TRIGGERS, change=secrets(tags=HUB_SECRET, broken=SECRET))


async def test_attack_a_redelivery_of_a_pushed_tag_starts_another_run(world: World, api: Api) -> None:
    """Nor once the first one has left for the archive."""
    client, body = api.with_key(None), bytes_of(pushed())

    first = await post(client, "tags", body, signed_by_github(body, "push", "d-1"))
    again = await post(client, "tags", body, signed_by_github(body, "push", "d-1"))
    await world.quiet()

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == {"trigger": "tags", "id": first.json()["id"], "is_repeat": True}
    assert world.workshop.effects == ["stamp v1.2.0"]
    started = (await world.events(first.json()["id"]))[0]
    assert isinstance(started, RunStarted)
    assert started.context == {
        "trigger": "tags", "event": "push", "repository": "acme/shop", "tag": "v1.2.0", "commit": COMMIT,
        "by": "anna-ames",
    }  # fmt: skip
    assert (started.channel, started.trigger) == ("github", "tags")
    await world.move_time(31 * 24 * 3600)
    assert await world.retention() == 1
    later = await post(client, "tags", body, signed_by_github(body, "push", "d-1"))
    await world.quiet()
    assert later.json() == again.json()
    assert world.workshop.effects == ["stamp v1.2.0"]


async def test_failed_ci_starts_a_run_in_which_names_are_quoted(world: World, api: Api) -> None:
    body = bytes_of(workflow_run())

    answer = await post(api.with_key(None), "broken", body, signed_by_github(body, "workflow_run", secret=SECRET))

    started = (await world.events(answer.json()["id"]))[0]
    assert isinstance(started, RunStarted)
    assert started.text == 'stamp "Build and test" on main'


async def test_a_copy_under_another_delivery_id_or_event_starts_nothing_more(world: World, api: Api) -> None:
    """Neither header is signed. Another body is one of its own: else a copy sent first had the next tag swallowed."""
    client, body, other = api.with_key(None), bytes_of(pushed()), bytes_of(pushed("refs/tags/v1.3.0"))
    first = await post(client, "tags", body, signed_by_github(body, "push", "d-1"))

    copied = await post(client, "tags", body, signed_by_github(body, "push", "d-2"))
    bare = {name: value for name, value in signed_by_github(body, "push").items() if name != "X-GitHub-Delivery"}
    without = await post(client, "tags", body, bare)
    renamed = await post(client, "tags", body, signed_by_github(body, "create", "d-3"))

    assert {first.json()["id"]} == {copied.json()["id"], without.json()["id"]}
    assert renamed.json() == {"trigger": "tags", "ignored": "this trigger waits for push"}
    assert len(await runs(world.app)) == 1
    second = await post(client, "tags", other, signed_by_github(other, "push", "d-1"))
    again = await post(client, "tags", other, signed_by_github(other, "push", "d-2"))
    await world.quiet()
    assert second.json() == {"trigger": "tags", "id": second.json()["id"], "is_repeat": False}
    assert first.json()["id"] != second.json()["id"] == again.json()["id"]
    assert sorted(world.workshop.effects) == ["stamp v1.2.0", "stamp v1.3.0"]


async def test_ping_is_answered_and_other_events_are_acknowledged_and_start_nothing(world: World, api: Api) -> None:
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
    assert await runs(world.app) == []


async def test_only_its_own_signature_of_github_s_kind_passes_and_a_body_of_its_shape(world: World, api: Api) -> None:
    client, body = api.with_key(None), bytes_of(pushed())

    for headers in (
        signed_by_github(body, "push", secret=SECRET),
        signed_by_github(body + b" ", "push"),
        signed(body, await world.now(), HUB_SECRET) | {"X-GitHub-Event": "push"},
        signed_by_github(body, "ping", secret="wrong"),
    ):
        refused(await post(client, "tags", body, headers), 401, "not-signed")
    other = bytes_of({"ref": "refs/tags/v1"})
    answer = await post(client, "tags", other, signed_by_github(other, "push"))
    assert refused(answer, 422, "invalid") == "The body is not that of the event push."
    assert await runs(world.app) == []
