"""The doctor's findings about Slack, each with what fixes it."""

from datetime import UTC, datetime

import pytest

from bot.doctor.redis import examine_links
from bot.store.client import Client
from bot.store.indexes import LinkState, note_link
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


async def test_a_scope_that_is_missing_is_named_with_where_to_add_it(office: Office) -> None:
    await office.moves_in()
    scopes = (await office.slack.settings())["scopes"]
    await office.slack.settings(scopes=[scope for scope in scopes if scope not in ("commands", "files:read")])

    finding = await office.found("lacks")

    assert (finding.sign, finding.what) == ("✗", "the bot token lacks commands, files:read")
    assert "OAuth & Permissions" in finding.fix
    assert "install the app again" in finding.fix


@pytest.mark.parametrize(
    ("changed", "about", "fix"),
    [
        ({"app_scopes": []}, "does not open Socket Mode", "Make an app token with the scope connections:write"),
        ({"app_token": "xapp-another"}, "does not open Socket Mode", "Set SLACK_APP_TOKEN to an app token of this app"),
    ],
)
async def test_an_app_token_that_opens_nothing_says_what_to_turn_on(
    office: Office, changed: dict[str, object], about: str, fix: str
) -> None:
    await office.slack.settings(**changed)

    finding = await office.found(about)

    assert (finding.sign, fix in finding.fix) == ("✗", True)


async def test_tokens_that_are_not_set_are_named(office: Office) -> None:
    unheard = await office.found("nothing that people do in Slack", SLACK_APP_TOKEN="")
    no_bot = await office.found("SLACK_APP_TOKEN is set", SLACK_BOT_TOKEN="")
    here = await office.found("SLACK_BOT_TOKEN is not set here", PEOPLE, SLACK_BOT_TOKEN="", SLACK_APP_TOKEN="")
    nobody = '[people.anna]\nname = "Anna Ames"\nemail = "anna@corp.example"\n'

    assert (unheard.sign, "SLACK_APP_TOKEN=xapp-" in unheard.fix) == ("✗", True)
    assert (no_bot.sign, no_bot.fix, here.sign) == ("✗", "SLACK_BOT_TOKEN=xoxb-…", "!")
    assert await office.findings(nobody, SLACK_BOT_TOKEN="", SLACK_APP_TOKEN="") == []


@pytest.mark.parametrize(
    ("secret", "path", "sign", "about"),
    [
        (Workspace.signing_secret, "/slack/events", "✓", "answers what Slack signs"),
        ("another-signing-secret", "/slack/events", "✗", "refuses what is signed with SLACK_SIGNING_SECRET"),
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


async def test_a_place_that_cards_or_announcements_can_t_be_posted_in_says_how_to_let_them(office: Office) -> None:
    await office.slack.channel("release")
    await office.slack.channel("old", office.slack.bot, archived=True)
    some_id = await office.slack.channel("secret", office.slack.bot, private=True)
    places = ["#release", "#relaese", "#old", "C0NOWHERE", some_id]
    posts = f"also_post = {[f'slack:{place}' for place in places]}\n"

    every = await office.findings(PEOPLE + POLICY + posts + '[announce]\nto = ["slack:#nwes"]\n')

    for sign, about, fix in (
        ("✗", "sayso is not in #release", "write /invite @sayso in #release"),
        ("✗", "there is no Slack channel #relaese", "correct also_post"),
        ("✗", "#old is archived", "name another one"),
        ("✗", "Slack knows no C0NOWHERE", "invited"),
        ("✗", "no Slack channel #nwes", "to of [announce]"),
        ("✓", f"in {some_id}", ""),
    ):
        [finding] = [finding for finding in every if about in finding.what]
        assert (finding.sign, fix in finding.fix) == (sign, True), finding


@pytest.mark.parametrize(
    ("who", "sign", "what", "fix"),
    [
        ({"guest": True}, "✗", "bo: U01BO is a guest", "nothing that U01BO does counts"),
        ({"team": "T0OTHER"}, "!", "bo: U01BO belongs to another workspace (T0OTHER)", "what they do counts"),
        ({"email": "bob@corp.example"}, "✗", "bob@corp.example in Slack, and bo@corp.example here", ""),
    ],
)
async def test_a_person_who_is_no_full_member_is_named_with_why(
    office: Office, who: dict[str, object], sign: str, what: str, fix: str
) -> None:
    await office.moves_in()
    await office.slack.person("bo", **who)

    finding = await office.found(what)

    assert (finding.sign, fix in finding.fix) == (sign, True)


async def test_a_policy_that_can_reach_nobody_is_wrong_with_and_without_slack(office: Office) -> None:
    await office.moves_in()
    alone = PEOPLE.replace('slack = "U01BO"', "") + POLICY + 'reach = ["slack"]\n'

    every = await office.findings(alone)
    without_slack = await office.found("policy production", PEOPLE + POLICY + 'reach = ["slack"]\n', SLACK_BOT_TOKEN="")

    found = {finding.what: finding for finding in every if finding.sign != "✓"}
    assert "sayso people import slack" in found.pop("no Slack id: bo").fix
    assert {*found} == {"policy production asks bo, whom it can't reach: no slack"}
    assert without_slack.what == "policy production asks bo, whom it can't reach: there is no Slack"
    assert without_slack.sign == "✗"


async def test_who_is_connected_is_what_processes_say(redis: str) -> None:
    async with a_store(redis) as store:
        nobody = await examine_links(store.client)
        await note_link(store.client, "one", LinkState(connected=False, since=NOW, why="Slack can't be reached"))
        down = await examine_links(store.client)
        await note_link(store.client, "other", LinkState(connected=True, since=NOW))
        up = await examine_links(store.client)

    away = Client("unix:///nowhere/redis.sock", patience_s=0)
    unknown = await examine_links(away)
    await away.close()

    assert (unknown.sign, unknown.fix) == ("–", "start Redis")
    assert (nobody.sign, nobody.fix) == ("!", "start sayso slack")
    assert (down.sign, down.what) == ("✗", "the line to Slack is down: Slack can't be reached")
    assert (up.sign, up.what) == ("✓", "1 process is connected to Slack")
