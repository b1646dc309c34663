"""Lists: what is configured, with what tells one version from another, and what goes on."""

import json
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

from agents.requests import RequestState
from agents.run import RunState
from bot.cli.program import app
from tests.bot.cli.shell import sayso
from tests.kit.office import TOML
from tests.kit.world import World
from tests.servers.lines import TOP

DEPLOYS = """
[deploy.environments.production]
policy = "production"
repo = "/nowhere"
command = ["./deploy.sh", "{environment}", "{commit}"]
live = ["./live.sh", "{environment}"]
"""


def listed(folder: Path, toml: str, *words: str, **environ: str) -> str:
    """Return what a command prints that needs nothing but the settings."""
    (folder / "sayso.toml").write_text(toml)
    result = CliRunner().invoke(app, [*words, "--data", str(folder)], env={"SAYSO_REDIS_URL": None, **environ})
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("command", ["people", "policies", "agents", "prompts"])
def test_every_list_of_what_is_configured_takes_the_data_directory_and_prints_text_and_json(
    tmp_path: Path, command: str
) -> None:
    assert listed(tmp_path, TOML + DEPLOYS, command).endswith("\n")
    assert json.loads(listed(tmp_path, TOML + DEPLOYS, command, "--json"))


def test_where_nobody_is_asked_is_said_beside_the_policies(tmp_path: Path) -> None:
    toml = TOML + DEPLOYS.replace('policy = "production"', 'policy = "nobody is asked"')

    assert "nobody is asked  before a deploy to production" in listed(tmp_path, toml, "policies")


def test_the_hash_of_a_person_changes_with_the_person_alone(tmp_path: Path) -> None:
    before = json.loads(listed(tmp_path, TOML, "people", "--json"))

    after = json.loads(listed(tmp_path, TOML.replace("bo@corp", "bo.berg@corp"), "people", "--json"))

    assert [name for name in before if before[name]["hash"] != after[name]["hash"]] == ["bo"]
    assert after["bo"]["hash"] in listed(tmp_path, TOML.replace("bo@corp", "bo.berg@corp"), "people")


def test_the_hash_of_a_policy_changes_with_who_is_in_its_groups(tmp_path: Path) -> None:
    both, only_bo = TOML, TOML.replace('email = "dan@corp.example"', 'email = "dan@corp.example"\ngroups = ["release"]')

    before, after = (json.loads(listed(tmp_path, toml, "policies", "--json")) for toml in (both, only_bo))

    assert [policy["name"] for policy in before] == ["production", "pair"]
    assert all(old["hash"] != new["hash"] for old, new in zip(before, after, strict=True))
    assert before[0]["hash"] in listed(tmp_path, TOML, "policies")


def test_a_policy_is_told_in_words_seats_and_all(tmp_path: Path) -> None:
    seats = TOML.replace(
        'approvers = ["group:release"]\nquorum = 2',
        'approvers = {all_of = ["person:dan", "group:release"]}\nquorum = 2\nalso_post = ["slack:#release"]',
    )

    said = listed(tmp_path, seats, "policies")

    assert "production  Bo Berg or Cy Cole; open for 4 h, to be executed within 15 min" in said
    assert "pair  Dan Dorn; and one of Bo Berg and Cy Cole" in said
    assert said.count("an approval by mail counts; also shown in slack:#release  ") == 1


def test_an_agent_is_listed_with_its_prompt_and_each_tool_with_version_and_hash(tmp_path: Path) -> None:
    agent, *others = json.loads(listed(tmp_path, TOML + DEPLOYS, "agents", "--json"))
    said = listed(tmp_path, TOML + DEPLOYS, "agents")

    assert (agent["name"], agent["mode"]) == ("deploy", "rehearsal: no model key")
    assert [other["name"] for other in others] == ["triage", "ask", "announce", "help"]
    assert agent["prompt"].startswith("deploy@")
    assert agent["prompt"] in said
    assert {tool["name"] for tool in agent["tools"]} >= {"deploy", "live"}
    for tool in agent["tools"]:
        assert f"{tool['name']}@{tool['version']}  {tool['hash']}" in said


def test_an_agent_whose_second_model_alone_can_be_had_is_listed_as_no_rehearsal(tmp_path: Path) -> None:
    toml = f'{TOML}{DEPLOYS}[agents.deploy]\nfallback_model = "openai:qwen"\n'

    told = listed(tmp_path, toml, "agents", "--json", OPENAI_BASE_URL="http://127.0.0.1:1/v1")
    agent, triage, *_ = json.loads(told)

    assert (agent["mode"], triage["mode"]) == ("model", "rehearsal: no model key")


def test_the_lists_say_which_release_this_is_and_what_is_in_use(tmp_path: Path) -> None:
    agent = json.loads(listed(tmp_path, TOML + DEPLOYS, "agents", "--json"))[0]
    prompts = json.loads(listed(tmp_path, TOML + DEPLOYS, "prompts", "--json"))
    said = listed(tmp_path, TOML + DEPLOYS, "prompts")

    (used,) = [prompt for prompt in prompts if "deploy" in prompt["in_use_by"]]
    assert f"{used['name']}@{used['version']}" == agent["prompt"]
    assert used["hash"] == agent["prompt_hash"]
    assert agent["model"] == "claude-sonnet-5-5"
    gates = {tool["name"]: tool["gate"] for tool in agent["tools"]}
    assert (gates["deploy"], gates["live"]) == ("a policy, by its arguments", "none")
    assert {agent["release"], *(prompt["release"] for prompt in prompts)} == {said.split()[-1]}
    assert f"{agent['prompt']}  {used['hash'][:12]}  in use by deploy\n" in said


def test_another_model_is_another_release(tmp_path: Path) -> None:
    before = listed(tmp_path, TOML + DEPLOYS, "prompts").split()[-1]

    after = listed(tmp_path, TOML + DEPLOYS + '[agents.deploy]\nmodel = "claude-opus-5-5"', "prompts").split()[-1]

    assert before != after


def test_two_versions_that_are_one_differ_in_nothing(tmp_path: Path) -> None:
    newest = json.loads(listed(tmp_path, TOML, "prompts", "--json"))[0]
    label = f"{newest['name']}@{newest['version']}"

    said = listed(tmp_path, TOML, "prompts", "diff", label, newest["name"])

    assert said == f"{label} and {label} say the same.\n"


def test_an_agent_that_is_all_code_is_listed_without_a_prompt(tmp_path: Path) -> None:
    toml = TOML + DEPLOYS + '[announce]\nto = ["group:release"]\n'

    agents = {agent["name"]: agent for agent in json.loads(listed(tmp_path, toml, "agents", "--json"))}

    assert list(agents) == ["deploy", "triage", "ask", "announce", "release", "help"]
    assert agents["release"]["prompt"] == ""
    assert "(all code)" in next(
        line for line in listed(tmp_path, toml, "agents").splitlines() if line.startswith("release  ")
    )


@pytest.mark.long
async def test_a_rehearsal_says_so_in_every_list(world: World) -> None:
    run_id = await world.trigger("press bell")
    await world.opened(run_id)
    await world.next_mail("bo")

    runs, runs_json = await sayso(world, "runs"), await sayso(world, "runs", "--json")
    show_json = await sayso(world, "show", run_id, "--json")
    requests, requests_json = await sayso(world, "requests", "--full"), await sayso(world, "requests", "--json")

    assert runs.out.splitlines()[0].endswith("(rehearsal)")
    assert "rehearsal: plain rules chose the steps, no model" in requests.out
    (request,) = json.loads(requests_json.out)
    assert f"to answer  ./sayso answer {request['id']} approve|deny --as PERSON" in requests.out
    assert json.loads(runs_json.out)[0]["is_rehearsal"] is True
    assert json.loads(show_json.out)["is_rehearsal"] is True
    assert json.loads(requests_json.out)[0]["is_rehearsal"] is True


@pytest.mark.long
async def test_a_list_of_requests_that_is_empty_says_which_kind_there_is_none_of(world: World) -> None:
    nothing, none = await sayso(world, "requests"), await sayso(world, "requests", "--state", "denied")
    await world.opened(await world.trigger("press bell"))
    still_none, not_mine = (
        await sayso(world, "requests", "--state", "denied"),
        await sayso(world, "requests", "--for", "anna"),
    )

    assert nothing.out == not_mine.out == "Nothing that you may see is waiting.\n"
    assert none.out == still_none.out == "There are no such requests that you may see.\n"


@pytest.mark.parametrize(
    ("command", "states"),
    [
        ("runs", "running, waiting, paused, unknown, done, failed, cancelled"),
        ("requests", "open, approved, denied, answered, revoked, expired, withdrawn, superseded, all"),
    ],
)
def test_a_state_that_there_is_not_is_refused_with_those_that_there_are(
    tmp_path: Path, command: str, states: str
) -> None:
    result = CliRunner().invoke(app, [command, "--state", "bogus", "--data", str(tmp_path)])

    words = " ".join(result.output.replace("│", " ").split())
    assert result.exit_code == 2
    assert "there is no state 'bogus'" in words
    assert states in words


@pytest.mark.long
async def test_every_state_that_there_is_can_be_looked_for(world: World) -> None:
    for command, states in (("runs", get_args(RunState)), ("requests", (*get_args(RequestState), "all"))):
        looks = [await sayso(world, command, "--state", state, "--json") for state in states]
        assert {(look.code, look.out) for look in looks} == {(0, "[]\n")}


def test_the_version_is_that_of_the_package() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]

    result = CliRunner().invoke(app, ["--version"])

    assert (result.exit_code, result.output) == (0, f"sayso {project['version']}\n")
