"""The worked examples of docs/deploy.md, as they stand there, with the real programs where those are installed."""

import os
import re
import shutil
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from agents import Outcome
from agents.deploy import Environment
from agents.deploy.facts import live_commit
from agents.deploy.tools import DeployArgs, deploy_tool
from bot.config.deploy import EnvironmentConfig
from tests.agents.deploy.repos import PlainHands, Repo, make_repo
from tests.servers.lines import TOP

pytestmark = pytest.mark.long

V12 = DeployArgs(version="v1.2.0", environment="production")
PAGE = (TOP / "docs" / "deploy.md").read_text()


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def blocks(heading: str, language: str) -> list[str]:
    part = PAGE.partition(f"\n### {heading}\n")[2].partition("\n##")[0]
    return re.findall(rf"```{language}\n(.*?)```", part, re.DOTALL)


def scripts(heading: str) -> dict[str, str]:
    """Return the scripts of one example, by the paths that the page gives them."""
    part = PAGE.partition(f"\n### {heading}\n")[2].partition("\n##")[0]
    return dict(re.findall(r"`([/\w.-]+)`[^`\n]*(?:\n[^`\n]+)*:\n\n```(?:sh|yaml)\n(.*?)```", part, re.DOTALL))


def environment_of(heading: str, repo: Repo, ops: Path) -> Environment:
    """The environment of one example; `/srv/ops` is `ops`, where its scripts are."""
    [text] = blocks(heading, "toml")
    config = EnvironmentConfig.model_validate(
        tomllib.loads(text.replace("/srv/ops", str(ops)))["deploy"]["environments"]["production"]
    )
    for path, content in scripts(heading).items():
        file = ops / Path(path).name if path.startswith("/srv/ops") else repo.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content.replace("/srv/ops", str(ops)))
        file.chmod(0o755)
    return Environment(
        name="production",
        policy="production",
        repo=repo.path,
        command=config.command,
        plan=config.plan,
        live=config.live,
        timeout_s=config.timeout_s,
        cwd=config.cwd or repo.path,
        pass_env=tuple(name for name in config.pass_env if name in os.environ),
        env=config.env,
    )


def released(repo: Repo) -> str:
    """A release v1.2.0 of what lies in the repository now; return its commit."""
    repo.git("add", "--all")
    commit = repo.commit("Deploy it so")
    repo.git("tag", "--force", "v1.2.0")
    return commit


async def deployed(environment: Environment) -> Outcome:
    tool = deploy_tool({"production": environment})
    done = await tool.execute(V12, await tool.prepare(V12), PlainHands())
    assert isinstance(done, Outcome)
    return done


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return make_repo(tmp_path / "repo")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is first on the path."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def puts(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@needs("rsync")
async def test_rsync_copies_the_commit_and_restarts_the_service_on_it(
    repo: Repo, tmp_path: Path, programs: Path
) -> None:
    server, done = tmp_path / "server", tmp_path / "restarts"
    (server / "shop").mkdir(parents=True)
    # The other machine is this one: what arrives there by ssh is run here, below `server`.
    there = f'shift; sh -c "$(printf %s "$*" | sed "s#/srv/#{server}/#g")"'
    puts(programs, "ssh", there.replace("shift", 'while [ "${1#-}" != "$1" ]; do shift 2; done; shift'))
    puts(programs, "sudo", '"$@"')
    puts(programs, "systemctl", f'echo "$*" >>{done}')
    environment = environment_of("rsync and systemd", repo, tmp_path / "ops")
    commit = released(repo)

    told = await deployed(environment)

    assert told.error == ""
    assert (server / "shop" / "current").resolve() == server / "shop" / commit
    assert (server / "shop" / commit / "ops" / "deploy-rsync").exists()
    assert not (server / "shop" / commit / ".git").exists()
    assert done.read_text() == "restart shop\nis-active shop\n"
    assert await live_commit(environment) == commit


TERRAFORM = """variable "commit" {}
variable "db_password" { sensitive = true }
resource "terraform_data" "shop" { input = { commit = var.commit, password = sha256(var.db_password) } }
output "commit" { value = var.commit }
"""


def initialised(state: Path) -> Path:
    """A folder of Terraform's that needs no provider."""
    state.mkdir(parents=True)
    (state / "main.tf").write_text(TERRAFORM)
    subprocess.run(["terraform", f"-chdir={state}", "init", "-input=false"], check=True, capture_output=True)
    return state


@needs("terraform")
async def test_terraform_applies_just_the_plan_that_was_approved(repo: Repo, tmp_path: Path) -> None:
    ops, secret = tmp_path / "ops", tmp_path / "db"
    secret.write_text("a-long-password\n")
    environment = environment_of("Terraform", repo, ops)
    environment = replace(environment, env={"TF_VAR_db_password_FILE": str(secret)})
    state = initialised(ops / "terraform" / "production")
    tool = deploy_tool({"production": environment})

    effect, again = [await tool.prepare(V12) for _ in range(2)]
    (state / "main.tf").write_text(TERRAFORM.replace("var.commit,", "var.commit, more = true,"))
    refused = await tool.execute(V12, effect, PlainHands())
    (state / "main.tf").write_text(TERRAFORM)
    done = await tool.execute(V12, effect, PlainHands())

    facts = {fact.label: fact.text for fact in effect.facts}
    assert "Plan: 1 to add, 0 to change, 0 to destroy." in facts["Plan"]
    assert effect.artifacts == again.artifacts
    assert isinstance(refused, Outcome)
    assert "the plan is another one than was approved" in refused.error
    assert isinstance(done, Outcome)
    assert "Apply complete! Resources: 1 added" in done.output
    assert await live_commit(environment) == repo.git("rev-parse", "v1.2.0")
    assert (await tool.prepare(V12)).artifacts != effect.artifacts
    assert "a-long-password" not in f"{effect.model_dump_json()} {done}"


@needs("ansible-playbook")
async def test_ansible_plays_the_commit(repo: Repo, tmp_path: Path) -> None:
    environment = environment_of("Ansible", repo, tmp_path / "ops")
    root = tmp_path / "server"
    root.mkdir()
    (repo.path / "ops" / "hosts").write_text(f"[production]\nlocalhost ansible_connection=local root={root}\n")
    commit = released(repo)

    told = await deployed(environment)

    assert told.error == ""
    assert (root / "COMMIT").read_text() == f"{commit}\n"


@pytest.mark.parametrize("heading", ["Docker Compose by ssh", "Helm", "rsync and systemd", "Ansible", "Terraform"])
def test_every_example_is_a_table_that_is_understood(repo: Repo, tmp_path: Path, heading: str) -> None:
    environment = environment_of(heading, repo, tmp_path / "ops")

    assert environment.command
    assert environment.live
