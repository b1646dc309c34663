"""Lists: what is configured, with what tells one version from another, and what goes on."""

import json
from pathlib import Path

from typer.testing import CliRunner

from bot.cli.program import app
from tests.kit.office import TOML

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


def test_every_list_of_what_is_configured_takes_the_data_directory_and_prints_text_and_json(tmp_path: Path) -> None:
    for command in ("people", "policies", "agents", "prompts"):
        assert listed(tmp_path, TOML + DEPLOYS, command).endswith("\n")
        assert json.loads(listed(tmp_path, TOML + DEPLOYS, command, "--json"))


def test_hashes_change_with_the_person_alone_and_with_who_is_in_the_groups_of_a_policy(tmp_path: Path) -> None:
    moved = TOML.replace("bo@corp", "bo.berg@corp")
    joined = TOML.replace('email = "dan@corp.example"', 'email = "dan@corp.example"\ngroups = ["release"]')
    before, after = (json.loads(listed(tmp_path, toml, "people", "--json")) for toml in (TOML, moved))
    old, new = (json.loads(listed(tmp_path, toml, "policies", "--json")) for toml in (TOML, joined))

    assert [name for name in before if before[name]["hash"] != after[name]["hash"]] == ["bo"]
    assert after["bo"]["hash"] in listed(tmp_path, moved, "people")
    assert [policy["name"] for policy in old] == ["production", "pair"]
    assert all(one["hash"] != other["hash"] for one, other in zip(old, new, strict=True))


def test_a_policy_is_told_in_words_seats_and_all(tmp_path: Path) -> None:
    seats = TOML.replace(
        'approvers = ["group:release"]\nquorum = 2',
        'approvers = {all_of = ["person:dan", "group:release"]}\nquorum = 2\nalso_post = ["slack:#release"]',
    )

    said = listed(tmp_path, seats + DEPLOYS.replace('policy = "production"', 'policy = "nobody is asked"'), "policies")

    assert "production  Bo Berg or Cy Cole; open for 4 h, to be executed within 15 min" in said
    assert "pair  Dan Dorn; and one of Bo Berg and Cy Cole" in said
    assert said.count("an approval by email counts; also shown in slack:#release  ") == 1
    assert "nobody is asked  before a deploy to production" in said


def test_an_agent_is_listed_with_its_prompt_release_model_and_each_tool(tmp_path: Path) -> None:
    toml = TOML + DEPLOYS + '[announce]\nto = ["group:release"]\n'
    agents = {one["name"]: one for one in json.loads(listed(tmp_path, toml, "agents", "--json"))}
    said, of_prompts = listed(tmp_path, toml, "agents"), listed(tmp_path, toml, "prompts")
    prompts = json.loads(listed(tmp_path, toml, "prompts", "--json"))

    assert list(agents) == ["deploy", "triage", "ask", "announce", "release", "help"]
    assert (agents["release"]["prompt"], said.count("(all code)") > 0) == ("", True)
    agent = agents["deploy"]
    assert (agent["mode"], agent["model"]) == ("rehearsal: no model key", "claude-sonnet-5-5")
    for tool in agent["tools"]:
        assert f"{tool['name']}@{tool['version']}  {tool['hash']}" in said
    gates = {tool["name"]: tool["gate"] for tool in agent["tools"]}
    assert (gates["deploy"], gates["live"]) == ("a policy, by its arguments", "none")
    (used,) = [prompt for prompt in prompts if "deploy" in prompt["in_use_by"]]
    assert (f"{used['name']}@{used['version']}", used["hash"]) == (agent["prompt"], agent["prompt_hash"])
    assert {agent["release"], *(prompt["release"] for prompt in prompts)} == {of_prompts.split()[-1]}
    assert f"{agent['prompt']}  {used['hash'][:12]}  in use by deploy\n" in of_prompts
    label = f"{used['name']}@{used['version']}"
    assert listed(tmp_path, TOML, "prompts", "diff", label, used["name"]) == f"{label} and {label} say the same.\n"
    other = f'{toml}[agents.deploy]\nmodel = "claude-opus-5-5"\nfallback_model = "openai:qwen"\n'
    told = json.loads(listed(tmp_path, other, "agents", "--json", OPENAI_BASE_URL="http://127.0.0.1:1/v1"))
    assert (told[0]["mode"], told[0]["release"] != agent["release"]) == ("model", True)
