"""Settings of Slack, and that no error and no log shows a secret."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.config.slack import DEFAULT_BASE_URL
from tests.bot.config_files import PEOPLE, problems, read
from tests.kit.programs import environment

BOT, APP = "xoxb-1-very-secret", "xapp-1-very-secret"


def test_what_is_set_says_how_people_are_heard(tmp_path: Path) -> None:
    nothing = read(tmp_path, "", SLACK_APP_TOKEN=APP, SLACK_CLIENT_ID="1.2", SLACK_TOKEN="of-another-tool")
    socket = read(tmp_path, "", SLACK_BOT_TOKEN=BOT, SLACK_APP_TOKEN=APP)
    http = read(tmp_path, "", SLACK_BOT_TOKEN=BOT, SLACK_SIGNING_SECRET="0123abcd" * 4)

    assert (nothing.has_slack, nothing.has_socket_mode, nothing.has_slack_http) == (False, False, False)
    assert (socket.has_socket_mode, socket.has_slack_http) == (True, False)
    assert (http.has_socket_mode, http.has_slack_http) == (False, True)
    assert nothing.slack_base_url == DEFAULT_BASE_URL
    assert read(tmp_path, "", SAYSO_SLACK_BASE_URL="http://127.0.0.1:9/api").slack_base_url.endswith(":9/api/")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SLACK_BOT_TOKEN", "xapp-1-very-secret", "begins with xoxb-; this is an app token, which SLACK_APP_TOKEN"),
        ("SLACK_BOT_TOKEN", "xoxe.xoxb-1-very-secret", "this is a token that rotates"),
        ("SLACK_BOT_TOKEN", "very-secret", "allowed: the Bot User OAuth Token of the app"),
        ("SLACK_APP_TOKEN", "xoxb-1-very-secret", "begins with xapp-; this is a bot token, which SLACK_BOT_TOKEN"),
        ("SLACK_APP_TOKEN", "very-secret", "allowed: an App-Level Token of the app"),
        ("SLACK_SIGNING_SECRET", "very-secret", "fewer than 16 characters"),
    ],
)
def test_a_token_of_the_wrong_kind_is_named_and_never_shown(
    tmp_path: Path, variable: str, value: str, said: str
) -> None:
    [line] = problems(tmp_path, "", **{variable: value})

    assert line.startswith(f"{variable}: {variable.lower()}: found a value that is not shown; allowed: ")
    assert said in line
    assert "very-secret" not in line


def test_a_token_in_a_file_is_read_and_checked_like_any_other(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text(f"{BOT}\n")
    bad.write_text("xoxp-1-very-secret\n")

    settings = read(tmp_path, "", SLACK_BOT_TOKEN_FILE=str(good))
    [line] = problems(tmp_path, "", SLACK_BOT_TOKEN_FILE=str(bad))

    assert settings.slack_bot_token
    assert settings.slack_bot_token.get_secret_value() == BOT
    assert line.startswith("SLACK_BOT_TOKEN: ")
    assert "very-secret" not in line


def test_a_token_goes_nowhere_in_the_clear(tmp_path: Path) -> None:
    for url in ("http://slack.corp.example/api/", "ftp://x/", "https:///api/", "https://x/api/?a=b"):
        [line] = problems(tmp_path, "", SAYSO_SLACK_BASE_URL=url)

        assert line.startswith("SAYSO_SLACK_BASE_URL: slack_base_url: found ")
        assert '"http://" only on this machine' in line


def test_a_person_s_slack_is_a_member_id(tmp_path: Path) -> None:
    for found in ("anna", "@anna", "u01anna", "C01OPS", "U", "U01ANNA ", ""):
        [line] = problems(tmp_path, f'{PEOPLE}slack = "{found}"\n')

        assert line.startswith(f'sayso.toml: people.cy.slack: found "{found}"; allowed: a member id of Slack, such')
        assert "Copy member ID" in line


@pytest.mark.long
def test_what_is_logged_shows_no_secret(tmp_path: Path) -> None:
    # Logging belongs to a whole process, so this has one of its own.
    code = (
        "import logging, os; from bot.process.logging import log_to; from bot.config.settings import load; "
        "log_to(load(None, os.environ), json=True); "
        "logging.getLogger('slack_sdk').warning('%s %s %s', *(os.environ[f'SLACK_{name}'] for name in "
        "('BOT_TOKEN', 'APP_TOKEN', 'SIGNING_SECRET')))"
    )
    env = environment(SLACK_BOT_TOKEN=BOT, SLACK_APP_TOKEN=APP, SLACK_SIGNING_SECRET="very-secret-as-well")

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )

    assert json.loads(done.stdout)["event"] == "[redacted] [redacted] [redacted]"
    assert "secret" not in done.stdout + done.stderr
