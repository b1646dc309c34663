"""The doctor's findings about Slack, each with what fixes it."""

from datetime import UTC, datetime

import pytest

from bot.doctor.redis import examine_links
from bot.store.client import Client
from bot.store.indexes import Links, LinkState
from tests.bot.store.stores import a_store
from tests.bot.wiring.workspaces import PEOPLE, POLICY, Office
from tests.fakes.bolt import BoltApp
from tests.fakes.slack.driver import Workspace

POSTS = POLICY + 'also_post = ["slack:#release"]\n'
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def test_where_all_is_well_nothing_needs_mending(office: Office) -> None:
    await office.moves_in()

    every = await office.findings(PEOPLE + POSTS)

    assert {finding.sign for finding in every} == {"✓"}, every
    said = "\n".join(finding.what for finding in every)
    for words in ("our bot token: sayso in corp", "all scopes", "opens Socket Mode", "in #release", "anna, bo"):
        assert words in said
    assert await office.slack.violations() == []


async def test_a_token_that_slack_does_not_take_is_said_before_anything_else(office: Office) -> None:
    await office.slack.settings(bot_token="xoxb-another")

    every = await office.findings()

    assert every[0].sign == "✗"
    assert every[0].what == "SLACK_BOT_TOKEN: Slack does not take our token"
    assert every[0].fix == "Set SLACK_BOT_TOKEN to the token of the installed app"
    assert [finding.sign for finding in every] == ["✗", "✓", "–"]
    assert every[1].what == "the app token opens Socket Mode"
    assert every[2].what.startswith("not tried: scopes, Slack channels and people: ")


async def test_a_scope_that_is_missing_is_named_with_where_to_add_it(office: Office) -> None:
    await office.moves_in()
    scopes = (await office.slack.settings())["scopes"]
    await office.slack.settings(scopes=[scope for scope in scopes if scope not in ("commands", "files:read")])

    finding = await office.found("lacks")

    assert (finding.sign, finding.what) == ("✗", "the bot token lacks commands, files:read")
    assert "OAuth & Permissions" in finding.fix
    assert "install the app again" in finding.fix


@pytest.mark.parametrize(
    ("changed", "fix"),
    [
        ({"app_scopes": []}, "Make an app token with the scope connections:write"),
        ({"socket_mode": False}, "Turn Socket Mode on"),
        ({"app_token": "xapp-another"}, "Set SLACK_APP_TOKEN to an app token of this app"),
    ],
)
async def test_an_app_token_that_opens_nothing_says_what_to_turn_on(
    office: Office, changed: dict[str, object], fix: str
) -> None:
    await office.slack.settings(**changed)

    finding = await office.found("does not open Socket Mode")

    assert finding.sign == "✗"
    assert fix in finding.fix


async def test_an_app_token_of_another_app_is_named_with_both_apps(office: Office) -> None:
    await office.slack.settings(app_of_app_token="A0OTHER")

    finding = await office.found("belongs to the app")

    assert finding.sign == "✗"
    assert "A0OTHER" in finding.what
    assert "A0APP" in finding.what
    assert "both tokens of the same app" in finding.fix


async def test_no_scope_is_asked_for_that_nothing_needs(office: Office) -> None:
    await office.moves_in()
    scopes = (await office.slack.settings())["scopes"]

    assert "im:read" not in scopes
    assert {finding.sign for finding in await office.findings()} == {"✓"}


async def test_without_a_way_in_it_is_said_that_nothing_is_heard(office: Office) -> None:
    finding = await office.found("nothing that people do in Slack", SLACK_APP_TOKEN="")

    assert (finding.sign, "SLACK_APP_TOKEN=xapp-" in finding.fix) == ("✗", True)


async def test_http_mode_needs_an_address_that_slack_can_post_to(office: Office) -> None:
    http = {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "a-signing-secret"}

    without = await office.found("SAYSO_PUBLIC_URL", **http)
    silent = await office.found("/slack/events", **http, SAYSO_PUBLIC_URL="http://127.0.0.1:1")

    assert (without.sign, silent.sign) == ("✗", "–")
    assert "Event Subscriptions" in silent.fix


@pytest.mark.parametrize(
    ("secret", "path", "sign", "about"),
    [
        (Workspace.signing_secret, "/slack/events", "✓", "answers what Slack signs"),
        ("another-signing-secret", "/slack/events", "✗", "refuses what is signed with SLACK_SIGNING_SECRET"),
        (Workspace.signing_secret, "/elsewhere", "✗", "does not answer as sayso web does: status 404"),
    ],
)
async def test_the_address_that_slack_posts_to_is_asked_as_slack_does(
    office: Office, secret: str, path: str, sign: str, about: str
) -> None:
    async with BoltApp(office.slack) as web:
        origin = (await web.listens(path)).removesuffix(path)
        finding = await office.found(about, SLACK_APP_TOKEN="", SLACK_SIGNING_SECRET=secret, SAYSO_PUBLIC_URL=origin)

    assert finding.sign == sign
    assert (sign == "✓") or "SLACK_SIGNING_SECRET" in finding.fix
    assert web.heard == []


@pytest.mark.parametrize(
    ("place", "about", "fix"),
    [
        ("#release", "sayso is not in #release", "write /invite @sayso in #release"),
        ("#relaese", "there is no Slack channel #relaese", "correct also_post"),
        ("#old", "#old is archived", "name another one"),
        ("C0NOWHERE", "Slack knows no C0NOWHERE", "invited"),
    ],
)
async def test_a_place_that_cards_can_t_be_posted_in_says_how_to_let_them(
    office: Office, place: str, about: str, fix: str
) -> None:
    await office.slack.channel("release")
    await office.slack.channel("old", office.slack.bot, archived=True)

    finding = await office.found(about, PEOPLE + POLICY + f'also_post = ["slack:{place}"]\n')

    assert finding.sign == "✗"
    assert fix in finding.fix


async def test_a_slack_channel_that_announcements_go_to_is_looked_up_as_well(office: Office) -> None:
    await office.slack.channel("news")
    tables = PEOPLE + POLICY + '[announce]\nto = ["slack:#news", "slack:#nwes"]\n'

    outside = await office.found("sayso is not in #news", tables)
    unknown = await office.found("no Slack channel #nwes", tables)

    assert (outside.sign, outside.fix) == ("✗", "write /invite @sayso in #news")
    assert (unknown.sign, "to of [announce]" in unknown.fix) == ("✗", True)


async def test_a_place_is_found_by_its_id_too(office: Office) -> None:
    some_id = await office.slack.channel("secret", office.slack.bot, private=True)

    finding = await office.found(f"in {some_id}", PEOPLE + POLICY + f'also_post = ["slack:{some_id}"]\n')

    assert finding.sign == "✓"


@pytest.mark.parametrize(
    ("who", "what"),
    [
        ({"guest": True}, "bo: U01BO is a guest"),
        ({"single_channel_guest": True}, "bo: U01BO is a guest"),
        ({"bot": True}, "bo: U01BO is a bot"),
        ({"deleted": True}, "bo: U01BO is deactivated"),
    ],
)
async def test_a_person_who_is_no_full_member_is_named_with_why(
    office: Office, who: dict[str, object], what: str
) -> None:
    await office.moves_in()
    await office.slack.person("bo", **who)

    finding = await office.found("bo: ")

    assert (finding.sign, finding.what) == ("✗", what)
    assert "nothing that U01BO does counts" in finding.fix


async def test_a_person_of_another_workspace_counts_as_the_directory_lists_them_and_is_pointed_out(
    office: Office,
) -> None:
    await office.moves_in()
    await office.slack.person("bo", team="T0OTHER")

    finding = await office.found("bo: ")

    assert (finding.sign, finding.what) == ("!", "bo: U01BO belongs to another workspace (T0OTHER)")
    assert "what they do counts" in finding.fix


async def test_an_id_that_slack_does_not_know_is_named(office: Office) -> None:
    await office.slack.person("anna", id="U01ANNA")

    finding = await office.found("U01BO")

    assert (finding.sign, "Correct `slack`" in finding.fix) == ("✗", True)


async def test_an_id_of_somebody_with_another_mail_address_is_somebody_else(office: Office) -> None:
    await office.moves_in()
    await office.slack.person("bo", email="bob@corp.example")

    finding = await office.found("mail address")

    assert finding.sign == "✗"
    assert "bob@corp.example in Slack, and bo@corp.example here" in finding.what


async def test_letter_case_of_an_address_does_not_count(office: Office) -> None:
    await office.moves_in()
    await office.slack.person("bo", email="Bo@Corp.example")

    assert (await office.found("full members")).what == "full members of the workspace: anna, bo"


async def test_people_without_an_id_are_said_once(office: Office) -> None:
    await office.moves_in()

    finding = await office.found("no Slack id", PEOPLE.replace('slack = "U01BO"', "") + POLICY)

    assert (finding.sign, finding.what) == ("!", "no Slack id: bo")
    assert "sayso people import slack" in finding.fix


async def test_a_policy_that_can_reach_nobody_is_wrong_with_and_without_slack(office: Office) -> None:
    alone = PEOPLE.replace('slack = "U01BO"', "") + POLICY + 'reach = ["slack"]\n'

    without_id = await office.found("policy production", alone)
    without_slack = await office.found("policy production", PEOPLE + POLICY + 'reach = ["slack"]\n', SLACK_BOT_TOKEN="")

    assert without_id.what == "policy production asks bo, whom it can't reach: no slack"
    assert without_slack.what == "policy production asks bo, whom it can't reach: there is no Slack"
    assert {without_id.sign, without_slack.sign} == {"✗"}


async def test_an_app_token_without_a_bot_token_is_no_slack(office: Office) -> None:
    finding = await office.found("SLACK_APP_TOKEN is set", SLACK_BOT_TOKEN="")

    assert (finding.sign, finding.fix) == ("✗", "SLACK_BOT_TOKEN=xoxb-…")


async def test_without_any_slack_there_is_nothing_to_say(office: Office) -> None:
    nobody = '[people.anna]\nname = "Anna Ames"\nemail = "anna@corp.example"\n'

    assert await office.findings(nobody, SLACK_BOT_TOKEN="", SLACK_APP_TOKEN="") == []


async def test_a_terminal_without_the_token_is_told_that_the_file_counts_on_it(office: Office) -> None:
    finding = await office.found("SLACK_BOT_TOKEN is not set here", PEOPLE, SLACK_BOT_TOKEN="", SLACK_APP_TOKEN="")

    assert finding.sign == "!"


async def test_whoever_looks_while_slack_is_out_of_reach_is_told_what_to_look_at(office: Office) -> None:
    found = await office.findings(SAYSO_SLACK_BASE_URL="http://127.0.0.1:1/api/")

    assert [finding.sign for finding in found] == ["✗", "✗", "–"]
    assert all("see that this machine reaches Slack" in finding.fix for finding in found[:2])


async def test_who_is_connected_is_what_processes_say(redis: str) -> None:
    async with a_store(redis) as store:
        nobody = await examine_links(Links(store.client))
        link, other = Links(store.client), Links(store.client)
        await link.say(LinkState(connected=False, since=NOW, why="Slack can't be reached"))
        down = await examine_links(link)
        await other.say(LinkState(connected=True, since=NOW))
        up = await examine_links(link)

    assert (nobody.sign, nobody.fix) == ("!", "start sayso slack")
    assert (down.sign, down.what) == ("✗", "the line to Slack is down: Slack can't be reached")
    assert (up.sign, up.what) == ("✓", "1 process is connected to Slack")


async def test_nobody_knows_who_is_connected_while_redis_is_away() -> None:
    client = Client("unix:///nowhere/redis.sock", patience_s=0)
    finding = await examine_links(Links(client))
    await client.close()

    assert (finding.sign, finding.fix) == ("–", "start Redis")
