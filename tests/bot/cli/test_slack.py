"""`sayso slack` and `sayso people import slack`, as somebody types them."""

import json
import tomllib
from pathlib import Path

import pytest

from channels.slack.manifest import manifest
from tests.bot.cli.shell import typed
from tests.bot.wiring.workspaces import PEOPLE
from tests.fakes.slack.driver import Workspace
from tests.kit.programs import sayso


def test_the_manifest_is_json_to_be_pasted_with_the_address_and_the_name_that_were_given(tmp_path: Path) -> None:
    words = ("--url", "https://sayso.corp.example/", "--name", "Ask & say", "--agent")
    plain, http = typed(tmp_path, "slack", "manifest"), typed(tmp_path, "slack", "manifest", *words)

    assert (plain.code, plain.err, http.code) == (0, "", 0)
    assert json.loads(plain.out) == manifest()
    assert json.loads(http.out) == manifest("Ask & say", "https://sayso.corp.example", is_agent=True)


def test_what_slack_would_refuse_is_refused_here(tmp_path: Path) -> None:
    for option, value, said in (
        ("--url", "http://sayso.corp.example", "Slack wants TLS"),
        ("--url", "https://sayso.corp.example/slack/events", "without a path"),
        ("--name", " ", "a name that can be seen"),
        ("--name", "n" * 36, "at most 35"),
    ):
        ended = typed(tmp_path, "slack", "manifest", option, value)

        assert (ended.code, ended.out) == (2, "")
        assert said in " ".join(ended.err.replace("│", " ").split())


@pytest.mark.long
@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({}, "SLACK_BOT_TOKEN and SLACK_APP_TOKEN are not set: sayso slack needs the bot token (xoxb-…) and the app"),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "a-signing-secret"}, "Over HTTP it is not needed"),
        ({"SLACK_BOT_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN: slack_bot_token: found a value that is not shown"),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}, "No `sayso dev` is running for"),
    ],
)
async def test_without_its_tokens_or_a_redis_it_says_in_one_line_what_to_set(
    tmp_path: Path, env: dict[str, str], said: str
) -> None:
    code, out, err = await sayso("slack", cwd=tmp_path, env=env)

    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert err.startswith("sayso: ")
    assert said in err


@pytest.mark.long
async def test_people_are_proposed_and_the_file_stays_as_it_is(tmp_path: Path, slack_address: str) -> None:
    file = tmp_path / "sayso.toml"
    file.write_text(PEOPLE.replace('slack = "U01ANNA"', ""))
    before = file.read_bytes()
    async with Workspace(slack_address) as slack:
        await slack.starts_anew()
        await slack.person("anna", id="U01ANNA")
        await slack.person("dee", id="U01DEE", real_name='Dee "D" Dahl\x07')
        env = {"SLACK_BOT_TOKEN": slack.bot_token, "SAYSO_SLACK_BASE_URL": slack.base_url}
        env["SAYSO_CONFIG"] = str(file)

        code, out, err = await sayso("people", "import", "slack", cwd=tmp_path, env=env)
        _, as_json, _ = await sayso("people", "import", "slack", "--json", cwd=tmp_path, env=env)

        assert await slack.violations() == []
    assert (code, err) == (0, "")
    assert tomllib.loads(out)["people"]["dee"]["name"] == 'Dee "D" Dahl\x07'
    assert "\x07" not in out
    assert "[people.anna] is there already" in out
    assert json.loads(as_json)["change"] == {"anna": {"slack": "U01ANNA", "instead_of": ""}}
    assert file.read_bytes() == before
