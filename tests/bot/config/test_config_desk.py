"""`[desk]`: what may stand in it, and what is told where it may not."""

from pathlib import Path

import pytest

from bot.config.settings import load
from bot.registry.configured import agents_of
from tests.bot.config_files import PEOPLE, POLICY, problems

DESK = '[desk]\naddress = "help@corp.example"\nowner = "person:anna"\npolicy = "production"\n'


def test_with_it_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "sayso.toml").write_text(PEOPLE + POLICY + DESK + 'knowledge = ["knowledge/*.md"]\nper_day = "5/h"\n')

    assert "desk" in [agent.name for agent in agents_of(load(tmp_path, {}))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DESK.replace("person:anna", "group:release"), 'desk.owner: found "group:release", who is nobody in [people]'),
        (DESK.replace('"production"', '"support"'), 'desk.policy: found "support"'),
        (DESK.replace("help@", "bo@"), "which is a person's"),
        (DESK + 'knowledge = ["../*.md"]\n', "below the folder of sayso.toml"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, said: str) -> None:
    assert said in "\n".join(problems(tmp_path, PEOPLE + POLICY + text))
