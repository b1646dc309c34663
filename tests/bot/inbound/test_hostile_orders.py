"""A message of 32 kB, made to keep the rules busy that find out whose it is, keeps nobody waiting."""

from pathlib import Path

import pytest

from bot.registry.configured import agents_of
from bot.runs.start import agent_for
from tests.channels.email.work import MOST_CALLS, calls_of
from tests.kit.office import TOML, settings_of

OURS = f"""{TOML}
[announce]
to = ["group:release"]

[deploy.environments.production]
policy = "production"
repo = "."
command = ["./deploy.sh", "{{commit}}"]
live = ["./live.sh"]
"""
CHARS = 32_768


def filled(begin: str, part: str) -> str:
    return (begin + part * (CHARS // len(part) + 1))[:CHARS]


@pytest.mark.parametrize(
    "text",
    [
        filled("deploy", " ") + "x",
        filled("deploy v1 to production and announce", " ") + "x",
        filled("", "\u00a0"),
        filled("announce: x\n", f"deploy{' ' * 290}\n"),
        filled("announce: x\n", '"\\' * 1_990 + "\n"),
        filled("announce: x\n", "\u2028a"),
    ],
    ids=["gaps", "gaps at the end", "gaps alone", "lines of gaps", "quotation marks", "lines"],
)
def test_who_a_long_message_is_for_is_found_at_once(tmp_path: Path, text: str) -> None:
    agents = {agent.name: agent for agent in agents_of(settings_of(tmp_path, OURS))}

    assert calls_of(lambda: agent_for(text, agents)) < MOST_CALLS


def test_an_order_to_announce_is_read_through_wide_gaps(tmp_path: Path) -> None:
    agents = {agent.name: agent for agent in agents_of(settings_of(tmp_path, OURS))}

    assert agent_for("deploy  v1.2.0   to production  and   announce  it \n", agents) == "release"
