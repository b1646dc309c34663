"""The doctor's findings about the places to deploy to: their programs, their variables, and GitHub."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.doctor.environments import examine_environments
from bot.doctor.finding import Finding
from tests.agents.deploy.repos import Repo, make_repo
from tests.bot.config_files import PEOPLE, POLICY, read
from tests.fakes.github import FakeGitHub
from tests.fakes.github import running as github_running


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository whose newest version has the program that deploys."""
    repo = make_repo(tmp_path / "shop")
    _has(repo, "deploy.sh")
    repo.commit("Deploy by a program", "v1.3.0", day=5)
    return repo


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    """A GitHub whose token may dispatch."""
    with github_running() as github:
        yield github


def _has(repo: Repo, name: str, mode: int = 0o755) -> None:
    (repo.path / name).write_text("#!/bin/sh\n")
    (repo.path / name).chmod(mode)
    repo.git("add", name)


async def findings(repo: Repo, more: str = "", command: str = './deploy.sh", "{commit}', **env: str) -> list[Finding]:
    """Return what the doctor says of an environment `production` with `more` in its table."""
    way = f'command = ["{command}"]\n' if command else ""
    table = f'[deploy.environments.production]\npolicy = "production"\nrepo = "{repo.path}"\nlive = ["true"]\n{way}'
    return await examine_environments(read(repo.path.parent, PEOPLE + POLICY + table + more, **env))


async def found(about: str, repo: Repo, more: str = "", **env: str) -> Finding:
    """The one thing that it says with `about` in it."""
    every = await findings(repo, more, **env)
    matching = [finding for finding in every if about in finding.what]
    assert len(matching) == 1, every
    return matching[0]


async def test_programs_that_are_there_are_named_and_none_is_run(repo: Repo) -> None:
    file = repo.path.parent / "ran"

    every = await findings(repo, f'ci = ["touch", "{file}"]\nhealth = ["./deploy.sh"]\n')

    assert [finding.sign for finding in every] == ["✓", "✓"], every
    assert every[1].what == "production: programs are there for live, ci, health, command; none was run"
    assert not file.exists()


async def test_a_command_of_the_newest_version_counts_and_not_what_lies_in_the_folder(repo: Repo) -> None:
    (repo.path / "deploy.sh").unlink()
    assert (await found("programs are there", repo)).what.endswith("live, command; none was run")
    _has(repo, "deploy.sh", 0o644)
    repo.commit("Lose the right", "v1.4.0", day=6)
    no_right = await found("command of v1.4.0", repo)
    repo.git("rm", "--quiet", "--cached", "deploy.sh")
    repo.commit("Deploy by hand again", "v1.5.0", day=7)
    (repo.path / "deploy.sh").unlink()

    finding = await found("command of v1.5.0", repo)

    assert (no_right.sign, "is not executable in this commit" in no_right.what) == ("✗", True)
    assert "chmod +x" in no_right.fix
    assert (finding.sign, "There is no program './deploy.sh'" in finding.what) == ("✗", True)
    assert "deploy.environments.production.command" in finding.fix


async def test_variables_that_are_not_set_and_files_that_can_t_be_read_are_all_named(repo: Repo) -> None:
    secret = repo.path.parent / "token"
    secret.write_text("of-the-registry-0123")
    files = f'OTHER_FILE = "{secret}", TOKEN_FILE = "{secret}s", REGION = "eu-1"'

    every = await findings(repo, f'pass_env = ["SURELY_NOT_SET", "NOR_THAT", "HOME"]\nenv = {{{files}}}\n')

    wrong = [finding for finding in every if finding.sign == "✗"]
    assert [finding.what for finding in wrong] == [
        "production: pass_env: SURELY_NOT_SET is not set here",
        "production: pass_env: NOR_THAT is not set here",
        f"production: TOKEN_FILE: {secret}s can't be read: No such file or directory",
    ]
    assert "deploy.environments.production.pass_env" in wrong[0].fix
    assert "deploy.environments.production.env" in wrong[2].fix
    assert "of-the-registry" not in str(every)


def hub(github: FakeGitHub, **changes: str) -> str:
    """The table of an environment whose workflow deploys."""
    values = {"repository": github.repository, "base_url": github.base_url, "workflow": "deploy.yml"} | changes
    lines = "".join(f'{name} = "{value}"\n' for name, value in values.items() if value)
    return f"[deploy.environments.production.github]\n{lines}"


async def test_a_workflow_that_the_token_may_dispatch_is_well(repo: Repo, github: FakeGitHub) -> None:
    every = await findings(repo, hub(github), command="", SAYSO_GITHUB_TOKEN=github.token)

    assert {finding.sign for finding in every} == {"✓"}, every
    said = "\n".join(finding.what for finding in every)
    for words in ("tells the checks of v1.3.0", "has the workflow deploy.yml", "the token may dispatch it"):
        assert words in said
    assert github.dispatched() == []


async def test_a_workflow_or_checks_that_can_t_be_asked_for_say_what_to_correct(repo: Repo, github: FakeGitHub) -> None:
    rows: list[tuple[str, dict[str, str], str]] = [
        ("wrong", {}, "workflow deploy.yml: GitHub answered 401: Bad credentials"),
        ("", {}, "workflow deploy.yml: SAYSO_GITHUB_TOKEN is not set"),
        ("gh-test-token", {"workflow": "made-up.yml"}, "workflow made-up.yml: GitHub answered 404"),
    ]
    for token, changes, about in rows:
        every = await findings(repo, hub(github, **changes), command="", SAYSO_GITHUB_TOKEN=token)

        [finding] = [finding for finding in every if about in finding.what]
        assert (finding.sign, "SAYSO_GITHUB_TOKEN" in finding.fix) == ("✗", True)
        assert "gh-test-token" not in str(every)


async def test_a_token_without_the_right_to_dispatch_is_noticed_as_far_as_github_tells(
    repo: Repo, github: FakeGitHub
) -> None:
    only_reads, rows = {"pull": True, "push": False}, list[tuple[dict[str, object], str]]()
    rows += [({"scopes": "repo:status, read:org"}, "✗"), ({"scopes": None}, "–")]
    rows += [({"scopes": None, "role": only_reads}, "✗")]
    for how, sign in rows:
        github.is_now(**how)

        every = await findings(repo, hub(github), command="", SAYSO_GITHUB_TOKEN=github.token)

        [finding] = [finding for finding in every if "dispatch" in finding.what]
        assert (finding.sign, "write access to Actions" in finding.fix) == (sign, True)
