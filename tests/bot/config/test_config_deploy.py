"""`[deploy]`: what may stand in it, and what is told where it may not."""

from pathlib import Path

import pytest

from agents.deploy import Environment
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


def production(folder: Path, text: str, **environ: str) -> Environment:
    """The environment that such a file configures."""
    (folder / "sayso.toml").write_text(text)
    return environments_of(load(folder, environ))["production"]


def test_everything_that_can_be_set_reaches_the_agent(tmp_path: Path) -> None:
    more = 'ci = ["./ci.sh", "{commit}"]\nlast = ["./last.sh"]\nhealth = ["./health.sh"]\nmigrations = ["*.sql"]\n'
    variables = 'pass_env = ["KUBECONFIG"]\nenv = {REGION = "eu-1", TOKEN_FILE = "/t"}\n'
    github = 'workflow = "deploy.yml"\nref = "release/1"\nbase_url = "https://git.corp.example/api/v3/"\n'

    found = production(tmp_path, ENVIRONMENT + more + variables + GITHUB + github, SAYSO_GITHUB_TOKEN="gh-secret")

    assert (found.ci, found.last, found.health) == (("./ci.sh", "{commit}"), ("./last.sh",), ("./health.sh",))
    assert (found.migrations, found.pass_env) == (("*.sql",), ("KUBECONFIG",))
    assert dict(found.env) == {"REGION": "eu-1", "TOKEN_FILE": "/t"}
    assert isinstance(found.backend, Workflow)
    at = "https://git.corp.example/api/v3"
    assert found.backend.address.startswith(f"{at}/repos/corp/shop/actions/workflows/deploy.yml")
    assert found.checks is not None
    assert (found.checks.server, "gh-secret" in repr(found)) == (at, False)
    alone = production(tmp_path, ENVIRONMENT + COMMAND + GITHUB)
    assert (alone.checks is not None, alone.backend) == (True, None), "it may be there for its checks alone"


ADDRESS = "https://git.corp.example/org/shop.git"


def test_an_address_is_a_repository_elsewhere_of_which_a_copy_is_kept_in_the_data_directory(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("git-secret\n")
    git = f'[deploy.environments.production.git]\ntoken_file = "{tmp_path}/token"\nssh_key = "/k"\nknown_hosts = "/h"\n'
    text = f'{ENVIRONMENT.replace("/srv/shop", ADDRESS)}{COMMAND}cwd = "/srv/ops"\n{git}'

    found = production(tmp_path, text, SAYSO_GITHUB_TOKEN="gh-secret")

    assert found.remote is not None
    assert (found.remote.url, found.remote.token) == (ADDRESS, "git-secret")
    assert (found.remote.ssh_key, found.remote.known_hosts) == (Path("/k"), Path("/h"))
    assert found.repo == found.remote.mirror
    assert (found.repo.parent, found.repo.name.startswith("shop-")) == (tmp_path / "repositories", True)
    assert (found.folder, "git-secret" in repr(found)) == (Path("/srv/ops"), False)
    (tmp_path / "token").unlink()
    with pytest.raises(Invalid, match=f"The token in {tmp_path}/token can't be read"):
        production(tmp_path, text)


def test_the_token_for_github_goes_to_github_alone(tmp_path: Path) -> None:
    for url, token in (
        ("https://github.com/corp/shop", "gh-secret"),
        ("https://github.com.evil.example/corp/shop", ""),
        (ADDRESS, ""),
    ):
        text = ENVIRONMENT.replace("/srv/shop", url) + COMMAND
        found = production(tmp_path, text, SAYSO_GITHUB_TOKEN="gh-secret")

        assert found.remote is not None
        assert (found.remote.token, found.folder) == (token, Path("/"))


BARE = ENVIRONMENT + COMMAND
WORKFLOW = 'workflow = "deploy.yml"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *(
            (BARE.replace("/srv/shop", place), "repo")
            for place in (
                "ext://sh -c x",
                "https://anna:secret@git.corp.example/shop",
                "ssh://anna:secret@git.corp.example/shop",
            )
        ),
        *(
            (f"{BARE}{where.format(name)}\n", where.partition(" ")[0])
            for name in ("path_file", "LD_PRELOAD", "BASH_ENV", "GIT_SSH_COMMAND", "SAYSO_SECRET_KEY", "A B", "")
            for where in ('pass_env = ["{}"]', 'env = {{"{}" = "x"}}')
        ),
        (BARE.replace('policy = "nobody is asked"\n', ""), "policy: missing"),
        (ENVIRONMENT + GITHUB, "command: "),
        (BARE + GITHUB + WORKFLOW, 'command: found ["./deploy.sh"]; allowed: either command or github.workflow'),
        (f'{ENVIRONMENT}plan = ["p"]\n{GITHUB}{WORKFLOW}', "plan: "),
        *(
            (f"{BARE}{GITHUB}{line}", f"github.{line.partition(' ')[0]}")
            for line in (
                'base_url = "https://u:p@api.github.com"',
                'workflow = "../../x"',
                'ref = "-x"',
            )
        ),
        *(
            (BARE + GITHUB.replace("corp/shop", name), "github.repository")
            for name in ("shop", "corp/..", "corp/sh op")
        ),
    ],
)
def test_what_is_wrong_stops_the_start_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    (found, *_) = problems(tmp_path, text)

    assert found.startswith(f"sayso.toml: deploy.environments.production.{said}")
    assert ":secret" not in found


def test_nobody_is_asked_only_where_that_is_written_out(tmp_path: Path) -> None:
    (tmp_path / "sayso.toml").write_text(BARE)
    settings = load(tmp_path, {})
    unsaid = settings.deploy.environments["production"].model_copy(update={"policy": None})
    past_validation = settings.model_copy(update={"deploy": DeployConfig(environments={"production": unsaid})})

    [missing] = problems(tmp_path, BARE.replace('policy = "nobody is asked"\n', ""))
    assert 'Write policy = "nobody is asked" if that is meant' in missing
    assert environments_of(settings)["production"].policy is None
    assert environments_of(past_validation)["production"].policy == NO_SUCH_POLICY


def test_a_pipeline_of_gitlab_or_argo_cd_deploys_and_a_plan_goes_with_a_command(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-secret\n")
    file = f'token_file = "{tmp_path}/token"\n'
    gitlab = f'[deploy.environments.production.gitlab]\nproject = "corp/web/shop"\n{file}'
    argocd = '[deploy.environments.production.argocd]\napplication = "shop"\nbase_url = "https://argocd.corp.example"\n'
    without_live = ENVIRONMENT.replace('live = ["./live.sh"]\n', "")

    pipeline, sync = production(tmp_path, ENVIRONMENT + gitlab), production(tmp_path, without_live + argocd + file)
    planned = production(tmp_path, f'{ENVIRONMENT}plan = ["tf", "{{commit}}"]\ncommand = ["apply", "{{plan}}"]\n')

    assert isinstance(pipeline.backend, Pipeline)
    assert pipeline.backend.address == "https://gitlab.com/api/v4/projects/corp%2Fweb%2Fshop/pipeline"
    assert pipeline.checks is not None
    assert pipeline.checks.name == "GitLab"
    assert isinstance(sync.backend, Sync)
    assert sync.backend.address == "https://argocd.corp.example/api/v1/applications/shop/sync"
    assert (sync.live, "a-secret" in repr((pipeline, sync))) == ((), False)
    assert "live.sh" in problems(tmp_path, without_live + COMMAND)[0]
    assert planned.plan_argv("c0ffee") == ("tf", "c0ffee")
