"""`[deploy]`: what may stand in it, and what is told where it may not."""

from pathlib import Path

import pytest

from agents.deploy.backends.argocd import Sync
from agents.deploy.backends.github import Workflow
from agents.deploy.backends.gitlab import Pipeline
from bot.config.deploy import DeployConfig
from bot.config.settings import load
from bot.errors import Invalid
from bot.registry.environments import NO_SUCH_POLICY, environments_of
from tests.bot.config_files import problems

ENVIRONMENT = '[deploy.environments.production]\npolicy = "nobody is asked"\nrepo = "/srv/shop"\nlive = ["./live.sh"]\n'
COMMAND = 'command = ["./deploy.sh"]\n'
GITHUB = '[deploy.environments.production.github]\nrepository = "corp/shop"\n'


def test_everything_that_can_be_set_reaches_the_agent(tmp_path: Path) -> None:
    more = 'ci = ["./ci.sh", "{commit}"]\nlast = ["./last.sh"]\nhealth = ["./health.sh"]\nmigrations = ["*.sql"]\n'
    github = 'workflow = "deploy.yml"\nref = "release/1"\nbase_url = "https://git.corp.example/api/v3/"\n'
    (tmp_path / "sayso.toml").write_text(ENVIRONMENT + more + GITHUB + github)

    found = environments_of(load(tmp_path, {"SAYSO_GITHUB_TOKEN": "gh-secret"}))["production"]

    assert (found.ci, found.last, found.health) == (("./ci.sh", "{commit}"), ("./last.sh",), ("./health.sh",))
    assert found.migrations == ("*.sql",)
    assert isinstance(found.backend, Workflow)
    assert found.backend.address.startswith(
        "https://git.corp.example/api/v3/repos/corp/shop/actions/workflows/deploy.yml"
    )
    assert found.checks is not None
    assert found.checks.server == "https://git.corp.example/api/v3"
    assert "gh-secret" not in repr(found)


ADDRESS = "https://git.corp.example/org/shop.git"


def test_an_address_is_a_repository_elsewhere_of_which_a_copy_is_kept_in_the_data_directory(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("git-secret\n")
    git = f'[deploy.environments.production.git]\ntoken_file = "{tmp_path}/token"\nssh_key = "/k"\nknown_hosts = "/h"\n'
    text = ENVIRONMENT.replace("/srv/shop", ADDRESS) + COMMAND
    (tmp_path / "sayso.toml").write_text(f'{text}cwd = "/srv/ops"\n{git}')

    found = environments_of(load(tmp_path, {"SAYSO_GITHUB_TOKEN": "gh-secret"}))["production"]

    assert found.remote is not None
    assert (found.remote.url, found.remote.token) == (ADDRESS, "git-secret")
    assert (found.remote.ssh_key, found.remote.known_hosts) == (Path("/k"), Path("/h"))
    assert found.repo == found.remote.mirror
    assert found.repo.parent == tmp_path / "repositories"
    assert found.repo.name.startswith("shop-")
    assert found.folder == Path("/srv/ops")
    assert "git-secret" not in repr(found)


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("https://github.com/corp/shop", "gh-secret"),
        ("https://github.com.evil.example/corp/shop", ""),
        (ADDRESS, ""),
    ],
)
def test_the_token_for_github_goes_to_github_alone(tmp_path: Path, url: str, token: str) -> None:
    (tmp_path / "sayso.toml").write_text(ENVIRONMENT.replace("/srv/shop", url) + COMMAND)

    found = environments_of(load(tmp_path, {"SAYSO_GITHUB_TOKEN": "gh-secret"}))["production"]

    assert found.remote is not None
    assert found.remote.token == token
    assert found.folder == Path("/")


@pytest.mark.parametrize(
    "place",
    [
        "ftp://git.corp.example/shop",
        "ext://sh -c x",
        "http://git.corp.example/shop",
        "https://anna:secret@git.corp.example/shop",
        "https://anna@git.corp.example/shop",
        "ssh://anna:secret@git.corp.example/shop",
    ],
)
def test_an_address_that_git_may_not_use_stops_the_start(tmp_path: Path, place: str) -> None:
    (found,) = problems(tmp_path, ENVIRONMENT.replace("/srv/shop", place) + COMMAND)

    assert found.startswith("sayso.toml: deploy.environments.production.repo")
    assert "secret" not in found


def test_variables_of_commands_reach_the_agent(tmp_path: Path) -> None:
    more = 'pass_env = ["KUBECONFIG"]\nenv = {REGION = "eu-1", TOKEN_FILE = "/t"}\n'
    (tmp_path / "sayso.toml").write_text(ENVIRONMENT + COMMAND + more)

    found = environments_of(load(tmp_path, {}))["production"]

    assert (found.pass_env, dict(found.env)) == (("KUBECONFIG",), {"REGION": "eu-1", "TOKEN_FILE": "/t"})


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "path_file",
        "LD_PRELOAD",
        "BASH_ENV",
        "PYTHONPATH",
        "GIT_SSH_COMMAND",
        "SAYSO_SECRET_KEY",
        "_FILE",
        "A B",
        "",
    ],
)
def test_a_variable_that_changes_what_runs_or_is_our_own_stops_the_start(tmp_path: Path, name: str) -> None:
    [passed] = problems(tmp_path, f'{ENVIRONMENT}{COMMAND}pass_env = ["{name}"]\n')
    [set_here] = problems(tmp_path, f'{ENVIRONMENT}{COMMAND}env = {{"{name}" = "x"}}\n')

    assert passed.startswith("sayso.toml: deploy.environments.production.pass_env")
    assert set_here.startswith("sayso.toml: deploy.environments.production.env")


def test_a_token_that_cannot_be_read_is_told_with_its_file(tmp_path: Path) -> None:
    git = f'[deploy.environments.production.git]\ntoken_file = "{tmp_path}/none"\n'
    (tmp_path / "sayso.toml").write_text(ENVIRONMENT.replace("/srv/shop", ADDRESS) + COMMAND + git)

    with pytest.raises(Invalid, match=f"The token in {tmp_path}/none can't be read"):
        environments_of(load(tmp_path, {}))


def test_an_environment_without_a_policy_stops_the_start_with_the_line_to_write(tmp_path: Path) -> None:
    unsaid = ENVIRONMENT.replace('policy = "nobody is asked"\n', "")

    (found,) = problems(tmp_path, unsaid + COMMAND)

    assert found.startswith("sayso.toml: deploy.environments.production.policy: missing")
    assert 'Write policy = "nobody is asked" if that is meant' in found


def test_nobody_is_asked_only_where_that_is_written_out(tmp_path: Path) -> None:
    (tmp_path / "sayso.toml").write_text(ENVIRONMENT + COMMAND)
    settings = load(tmp_path, {})
    unsaid = settings.deploy.environments["production"].model_copy(update={"policy": None})
    past_validation = settings.model_copy(update={"deploy": DeployConfig(environments={"production": unsaid})})

    assert environments_of(settings)["production"].policy is None
    assert environments_of(past_validation)["production"].policy == NO_SUCH_POLICY


def test_github_may_be_there_for_its_checks_alone(tmp_path: Path) -> None:
    (tmp_path / "sayso.toml").write_text(ENVIRONMENT + COMMAND + GITHUB)

    found = environments_of(load(tmp_path, {}))["production"]

    assert found.checks is not None
    assert found.backend is None


def test_either_a_command_deploys_or_a_workflow(tmp_path: Path) -> None:
    neither = problems(tmp_path, ENVIRONMENT + GITHUB)
    both = problems(tmp_path, ENVIRONMENT + COMMAND + GITHUB + 'workflow = "deploy.yml"\n')

    assert len(neither) == len(both) == 1
    assert neither[0].startswith("sayso.toml: deploy.environments.production.command: ")
    assert "or github.workflow, gitlab or argocd instead" in neither[0]
    assert "either command or github.workflow, as only one of them can deploy" in both[0]


def test_a_pipeline_of_gitlab_deploys_and_tells_the_checks(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("gl-secret\n")
    gitlab = f'[deploy.environments.production.gitlab]\nproject = "corp/web/shop"\ntoken_file = "{tmp_path}/token"\n'
    (tmp_path / "sayso.toml").write_text(ENVIRONMENT + gitlab)

    found = environments_of(load(tmp_path, {}))["production"]

    assert isinstance(found.backend, Pipeline)
    assert found.backend.address == "https://gitlab.com/api/v4/projects/corp%2Fweb%2Fshop/pipeline"
    assert found.checks is not None
    assert found.checks.name == "GitLab"
    assert "gl-secret" not in repr(found)


def test_argo_cd_deploys_and_tells_what_is_live_itself(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("argo-secret\n")
    argocd = '[deploy.environments.production.argocd]\napplication = "shop"\nbase_url = "https://argocd.corp.example"\n'
    without_live = ENVIRONMENT.replace('live = ["./live.sh"]\n', "")
    (tmp_path / "sayso.toml").write_text(f'{without_live}{argocd}token_file = "{tmp_path}/token"\n')

    found = environments_of(load(tmp_path, {}))["production"]

    assert isinstance(found.backend, Sync)
    assert found.backend.address == "https://argocd.corp.example/api/v1/applications/shop/sync"
    assert found.live == ()
    assert "live.sh" in problems(tmp_path, without_live + COMMAND)[0]


def test_a_token_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    gitlab = '[deploy.environments.production.gitlab]\nproject = "corp/shop"\ntoken_file = "/nowhere/token"\n'
    (tmp_path / "sayso.toml").write_text(ENVIRONMENT + gitlab)

    with pytest.raises(Invalid, match="The token in /nowhere/token can't be read") as caught:
        environments_of(load(tmp_path, {}))

    assert "gitlab.token_file" in caught.value.do


def test_a_plan_goes_with_a_command(tmp_path: Path) -> None:
    plan = 'plan = ["terraform-plan", "{commit}"]\n'
    (tmp_path / "sayso.toml").write_text(ENVIRONMENT + plan + 'command = ["apply", "{plan}"]\n')

    assert environments_of(load(tmp_path, {}))["production"].plan_argv("c0ffee") == ("terraform-plan", "c0ffee")
    with_workflow = problems(tmp_path, ENVIRONMENT + plan + GITHUB + 'workflow = "deploy.yml"\n')
    assert "`plan` goes with `command`" in with_workflow[0]


@pytest.mark.parametrize(
    "line",
    [
        'base_url = "http://api.github.com"',
        'base_url = "https://u:p@api.github.com"',
        'base_url = "api.github.com"',
        'workflow = "../../x"',
        'ref = "-x"',
        'token = "gh-secret"',
    ],
)
def test_a_token_goes_nowhere_odd_and_stands_in_no_file(tmp_path: Path, line: str) -> None:
    found = problems(tmp_path, ENVIRONMENT + COMMAND + GITHUB + line)

    key = line.partition(" ")[0]
    assert found[0].startswith(f"sayso.toml: deploy.environments.production.github.{key}")


@pytest.mark.parametrize("name", ["shop", "corp/..", "corp/shop/x", "corp/sh op", "../x"])
def test_a_repository_has_an_owner_and_a_name(tmp_path: Path, name: str) -> None:
    found = problems(tmp_path, ENVIRONMENT + COMMAND + GITHUB.replace("corp/shop", name))

    assert found[0].startswith("sayso.toml: deploy.environments.production.github.repository")


def test_the_token_must_not_stand_in_the_file(tmp_path: Path) -> None:
    found = problems(tmp_path, 'github_token = "gh-secret"\n')

    assert "github_token: a secret must not stand in this file" in found[0]
