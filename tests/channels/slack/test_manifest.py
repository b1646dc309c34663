"""The manifest: what it asks for, that the docs say why, and that nothing more is needed."""

import re
from pathlib import Path

from pydantic import JsonValue

from channels.slack.api import Api, Refused, Unauthorized
from channels.slack.inbound import ASK_ABOUT
from channels.slack.manifest import AGENT_SCOPE, APP_SCOPE, EVENTS, GROUPS_SCOPE, SCOPES, manifest
from tests.fakes.slack.driver import Workspace

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
    made = str(manifest("ask", "https://sayso.corp.example"))

    paths = {"https://sayso.corp.example/slack/events", "https://sayso.corp.example/slack/interactions"}
    assert set(re.findall(r"https?://[^'\"]+", made)) == paths
    assert "'socket_mode_enabled': False" in made


def test_people_find_the_app_by_its_name_and_start_with_a_command_a_shortcut_or_its_home() -> None:
    features = manifest("ask")["features"]

    assert isinstance(features, dict)
    assert features["bot_user"] == {"display_name": "ask", "always_online": True}
    assert features["app_home"] == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": False,
    }
    assert (ASK_ABOUT in str(features["shortcuts"]), "/sayso" in str(features["slash_commands"])) == (True, True)
    assert "agent_view" not in features


def test_an_agent_and_user_groups_are_asked_for_only_when_wanted() -> None:
    plain, agent, groups = str(manifest()), str(manifest(is_agent=True)), str(manifest(reads_groups=True))

    assert [each in plain for each in ("agent_view", AGENT_SCOPE, GROUPS_SCOPE)] == [False, False, False]
    assert [each in agent for each in ("agent_view", AGENT_SCOPE, GROUPS_SCOPE)] == [True, True, False]
    assert GROUPS_SCOPE in groups


def test_texts_are_as_long_as_slack_takes_them() -> None:
    # https://docs.slack.dev/reference/app-manifest#display
    shown = manifest("n" * 35)["display_information"]

    assert isinstance(shown, dict)
    assert len(str(shown["description"])) <= 140
    assert 174 <= len(str(shown["long_description"])) <= 4_000


def test_the_docs_have_the_reason_for_each_scope_and_for_no_other() -> None:
    rows = re.findall(r"^\| `([a-z:.]+)` \| (.+) \|$", DOCS.read_text(), re.MULTILINE)

    assert [scope for scope, _ in rows] == [*SCOPES, APP_SCOPE, AGENT_SCOPE, GROUPS_SCOPE]
    assert all(len(reason) > 20 for _, reason in rows)


KINDS = ("public", "private", "direct")

# What any part of sayso calls, but for views.open and views.update, which need somebody who presses and no scope, and
# chat.update, which needs what chat.postMessage does.
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
    "views.publish": {"user_id": "{anna}", "view": {"type": "home", "blocks": []}},
    "agents.sessions.setStatus": {"channel_id": "{channel}", "thread_ts": "{ts}", "status": "processing"},
}

# Who is in a DM is known from its opening, and it has no name to be shown.
NEVER_OF_A_DM = ("conversations.info", "conversations.members")


async def test_with_exactly_these_scopes_all_that_is_called_works_and_without_one_of_them_something_does_not(
    slack: Workspace,
) -> None:
    await slack.starts_anew()
    await slack.settings(scopes=list(SCOPES))
    assert [await refused(slack, kind) for kind in KINDS] == [set(), set(), set()]
    assert "anna@corp.example" in str(await Api(slack.bot_token, slack.base_url).call("users.list"))
    assert await slack.violations() == []

    # What no method asks for: an event, a download and a field of users come with these.
    for scope in sorted({*SCOPES} - {"commands", "files:read", "users:read.email"}):
        await slack.settings(scopes=[each for each in SCOPES if each != scope])
        assert any([await refused(slack, kind) for kind in KINDS]), scope


async def refused(slack: Workspace, kind: str) -> set[str]:
    """The methods that Slack refuses for want of a scope, in a place of this `kind`."""
    anna = await slack.person("anna")
    place = await slack.channel(kind, anna, slack.bot, private=kind == "private")
    channel, api = anna.dm if kind == "direct" else place, Api(slack.bot_token, slack.base_url)
    ts = (await anna.says("@sayso" if kind == "direct" else f"#{kind}", "first")).ts
    words = {"{anna}": anna.id, "{channel}": channel, "{ts}": ts}
    found = set[str]()
    for method, arguments in CALLS.items():
        if kind == "direct" and method in NEVER_OF_A_DM:
            continue
        try:
            await api.call(method, "", **{name: words.get(str(value), value) for name, value in arguments.items()})
        except (Refused, Unauthorized) as error:
            if error.error != "missing_scope":
                raise
            found.add(method)
    return found
