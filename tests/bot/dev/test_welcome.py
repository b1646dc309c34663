"""A newcomer is told to type only what works with what is configured."""

from pathlib import Path

from bot.config.example import example_toml
from bot.config.settings import Settings
from bot.dev.welcome import to_try
from bot.registry.configured import agents_of
from tests.bot.config_files import read

PEOPLE = """
[people.vera]
name = "Vera"
email = "vera@corp.example"

[people.otto]
name = "Otto"
email = "otto@corp.example"
groups = ["ops"]
"""


def told(settings: Settings, more: str = "") -> list[str]:
    by_name = {agent.name: agent for agent in agents_of(settings)}
    return [" ".join(line.split()) for line in to_try(settings, by_name, "http://127.0.0.1:8001", more).splitlines()]


def test_the_demo_is_tried_with_its_own_release_and_people(tmp_path: Path) -> None:
    settings = read(tmp_path, example_toml(tmp_path / "data" / "demo" / "shop"))
    demo = settings.model_copy(update={"data_dir": tmp_path / "data"})

    assert told(demo, " --data x") == [
        "live site http://127.0.0.1:8001/production/",
        'ask sayso trigger "deploy v1.2.0 to production" --as anna --data x',
        "read mail sayso mailbox bo --data x",
        'answer sayso mailbox bo --reply-to ID --text "approved, thanks" --data x',
    ]


def test_a_repository_of_yours_has_no_demo_site_and_its_own_environments(tmp_path: Path) -> None:
    begin = '[deploy.environments.production]\npolicy = "nobody is asked"\n'
    deploys = begin + f'repo = "{tmp_path}"\ncommand = ["true"]\nlive = ["true"]\n'

    assert told(read(tmp_path, PEOPLE + deploys))[:2] == [
        "ask sayso trigger 'deploy latest to production' --as vera",
        "read mail sayso mailbox otto",
    ]


def test_without_anything_to_deploy_people_can_be_asked(tmp_path: Path) -> None:
    wish = "'ask group:ops: which day suits? | Mon, Tue, Wed | until Thursday 12:00'"

    assert told(read(tmp_path, PEOPLE))[0] == f"ask sayso trigger {wish} --as vera"
