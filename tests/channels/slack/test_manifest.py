"""The manifest: what it asks for, that the docs say why, and that nothing more is needed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import JsonValue

from channels.slack.api import Api
from channels.slack.manifest import AGENT_SCOPE, APP_SCOPE, EVENTS, SCOPES, SHORTCUT, manifest
from tests.fakes.slack.driver import Workspace, running

DOCS = Path(__file__).parents[3] / "docs" / "slack.md"


def test_socket_mode_needs_no_address() -> None:
    made = manifest()

    assert "://" not in str(made)
    assert made["settings"] == {
        "event_subscriptions": {"bot_events": list(EVENTS)},
        "interactivity": {"is_enabled": True},
        "org_deploy_enabled": False,
        "socket_mode_enabled": True,
        "token_rotation_enabled": False,
    }


def test_over_http_every_address_is_ours() -> None:
    made = manifest("ask", "https://sayso.corp.example")

    assert set(re.findall(r"https?://[^'\"]+", str(made))) == {
        "https://sayso.corp.example/slack/events",
        "https://sayso.corp.example/slack/interactions",
    }
    assert '"socket_mode_enabled": False' in str(made).replace("'", '"')


def test_people_find_the_app_by_its_name_and_start_with_a_command_a_shortcut_or_its_home() -> None:
    features = manifest("ask")["features"]

    assert isinstance(features, dict)
    assert features["bot_user"] == {"display_name": "ask", "always_online": True}
    assert features["app_home"] == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": False,
    }
    assert (SHORTCUT in str(features["shortcuts"]), "/sayso" in str(features["slash_commands"])) == (True, True)
    assert "agent_view" not in features


def test_an_agent_is_asked_for_only_when_wanted() -> None:
    assert "agent_view" in str(manifest(is_agent=True))
    assert AGENT_SCOPE in str(manifest(is_agent=True))
    assert AGENT_SCOPE not in str(manifest())


def test_texts_are_as_long_as_slack_takes_them() -> None:
    # https://docs.slack.dev/reference/app-manifest#display
    shown = manifest("n" * 35)["display_information"]

    assert isinstance(shown, dict)
    assert len(str(shown["description"])) <= 140
    assert 174 <= len(str(shown["long_description"])) <= 4_000


def test_the_docs_have_the_reason_for_each_scope_and_for_no_other() -> None:
    rows = re.findall(r"^\| `([a-z:.]+)` \| (.+) \|$", DOCS.read_text(), re.MULTILINE)

    assert [scope for scope, _ in rows] == [*SCOPES, APP_SCOPE, AGENT_SCOPE]
    assert all(len(reason) > 20 for _, reason in rows)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where a fake Slack of these tests listens."""
    with running() as address:
        yield address


# What any part of sayso calls, but for views.open and views.update: those need somebody who presses, and no scope.
CALLS: dict[str, dict[str, JsonValue]] = {
    "auth.test": {},
    "users.info": {"user": "{anna}"},
    "users.list": {},
    "conversations.info": {"channel": "{channel}"},
    "conversations.list": {"types": "public_channel,private_channel"},
    "conversations.members": {"channel": "{channel}"},
    "conversations.history": {"channel": "{channel}"},
    "conversations.replies": {"channel": "{channel}", "ts": "{ts}"},
    "conversations.open": {"users": "{anna}"},
    "chat.postMessage": {"channel": "{channel}", "text": "hello"},
    "chat.postEphemeral": {"channel": "{channel}", "user": "{anna}", "text": "hello"},
    "chat.update": {"channel": "{channel}", "ts": "{ts}", "text": "hello again"},
    "views.publish": {"user_id": "{anna}", "view": {"type": "home", "blocks": []}},
    "agents.sessions.setStatus": {"channel_id": "{channel}", "thread_ts": "{ts}", "status": "processing"},
}


@pytest.mark.parametrize("kind", ["public", "private", "direct"])
async def test_with_exactly_these_scopes_all_that_is_called_works(address: str, kind: str) -> None:
    async with Workspace(address) as slack:
        await slack.starts_anew()
        await slack.settings(scopes=list(SCOPES))
        anna = await slack.person("anna")
        ops = await slack.channel("ops", anna, slack.bot, private=kind == "private")
        channel = anna.dm if kind == "direct" else ops
        api = Api(slack.bot_token, slack.base_url)
        ts = str((await api.call("chat.postMessage", channel=channel, text="first")).get("ts"))
        words = {"{anna}": anna.id, "{channel}": channel, "{ts}": ts}

        for method, arguments in CALLS.items():
            await api.call(method, **{name: words.get(str(value), value) for name, value in arguments.items()})

        assert "anna@corp.example" in str(await api.call("users.info", user=anna.id))
        assert await slack.violations() == []
