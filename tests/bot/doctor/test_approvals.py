"""The doctor's findings about ways in which an approval counts."""

from pathlib import Path

import pytest

from bot.config.settings import Settings
from bot.doctor.approvals import examine_approvals
from tests.bot.config_files import PEOPLE, POLICY, read

SLACK = {"SLACK_BOT_TOKEN": "xoxb-made-up", "SLACK_APP_TOKEN": "xapp-made-up"}


def settings(folder: Path, line: str, **environ: str) -> Settings:
    return read(folder, f"{PEOPLE}{POLICY}{line}\n", **environ)


def test_without_slack_and_mail_only_a_key_approves_and_the_ways_out_are_named(tmp_path: Path) -> None:
    [finding] = examine_approvals(settings(tmp_path, ""))

    assert finding.sign == "!"
    assert finding.what.startswith(
        "policy production: an approval counts neither in Slack nor by email, only with a key"
    )
    for way in ("approve_by_email = true", "docs/slack.md", "sayso keys create --person PERSON --scope read,answer"):
        assert way in finding.fix


def test_where_no_key_counts_either_nobody_can_approve(tmp_path: Path) -> None:
    [finding] = examine_approvals(settings(tmp_path, 'answer_from = ["slack", "console"]'))

    assert (finding.sign, "no approval can count" in finding.what) == ("✗", True)
    assert "answer_from of [policies.production]" in finding.fix


@pytest.mark.parametrize("line", ["", 'answer_from = ["slack"]', 'answer_from = ["console"]'])
def test_with_slack_its_card_or_its_link_is_enough(tmp_path: Path, line: str) -> None:
    assert list(examine_approvals(settings(tmp_path, line, **SLACK))) == []


@pytest.mark.parametrize("ways", ['["slack", "cli"]', '["cli"]'])
def test_the_command_line_without_http_is_one_beside_sayso_dev_alone(tmp_path: Path, ways: str) -> None:
    [finding] = examine_approvals(settings(tmp_path, f"answer_from = {ways}", **SLACK))

    assert (finding.sign, "beside `sayso dev` alone" in finding.what) == ("!", True)
    assert "add api to answer_from of [policies.production]" in finding.fix
