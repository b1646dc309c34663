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


async def test_a_program_that_can_t_be_started_is_named_with_its_setting(repo: Repo) -> None:
    (repo.path / "last").mkdir()
    (repo.path / "README").write_text("Read me.")
    for line, what in (
        ('ci = ["no-such-program", "{commit}"]', "ci: there is no program no-such-program on PATH"),
        ('health = ["../health.sh"]', "health: there is no program "),
        ('last = ["./last"]', "/shop/last is a folder"),
        ('health = ["./README"]', "/shop/README is not executable"),
    ):
        finding = await found(what, repo, f"{line}\n")

        assert finding.sign == "✗"
        assert f"correct deploy.environments.production.{line.partition(' ')[0]}," in finding.fix


async def test_programs_are_looked_for_in_the_folder_where_they_run(repo: Repo) -> None:
    cwd = repo.path.parent / "ops"
    line = f'cwd = "{cwd}"\nhealth = ["./health.sh"]\n'

    without = await found("no folder", repo, line)
    cwd.mkdir()
    empty = await found("health", repo, line)
    (cwd / "health.sh").write_text("#!/bin/sh\n")
    (cwd / "health.sh").chmod(0o755)
    there = await found("programs are there", repo, line)

    assert (without.sign, without.fix) == ("✗", "correct deploy.environments.production.cwd")
    assert (empty.sign, f"no program {cwd}/health.sh" in empty.what) == ("✗", True)
    assert "health" in there.what


async def test_commands_of_a_repository_that_is_not_there_or_elsewhere_are_not_tried(
    tmp_path: Path, repo: Repo
) -> None:
    every = await findings(Repo(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    no_repository = await findings(Repo(tmp_path / "empty"))
    far = f'[deploy.environments.far]\npolicy = "production"\nrepo = "file://{tmp_path}/gone"\nlive = ["true"]\n'
    gone = await found("far: file:", repo, f'{far}command = ["true"]\n')
    git = f'git = {{token_file = "{tmp_path}/none"}}\n'.replace("file://", "https://")
    unread = await found("can't be read", repo, f'{far.replace("file://", "https://h/")}command = ["true"]\n{git}')

    assert [finding.sign for finding in every] == ["✗", "–"]
    assert every[0].fix == "set deploy.environments.production.repo"
    assert every[1].what == "not tried: production: its commands: the repository can't be read"
    assert (no_repository[0].sign, "no git repository" in no_repository[0].what) == ("✗", True)
    assert gone.fix == "correct deploy.environments.far.repo, or deploy.environments.far.git"
    assert (unread.sign, "git.token_file" in unread.fix) == ("✗", True)


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
        ("wrong", {}, "the checks of v1.3.0: GitHub answered 401"),
        ("", {}, "workflow deploy.yml: SAYSO_GITHUB_TOKEN is not set"),
        ("gh-test-token", {"workflow": "made-up.yml"}, "workflow made-up.yml: GitHub answered 404"),
        ("gh-test-token", {"base_url": "http://127.0.0.1:1"}, "workflow deploy.yml: GitHub can't be reached"),
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
    rows += [({"scopes": "repo:status, read:org"}, "✗"), ({"scopes": ""}, "✗"), ({"scopes": None}, "–")]
    rows += [({"scopes": None, "role": only_reads}, "✗")]
    for how, sign in rows:
        github.is_now(**how)

        every = await findings(repo, hub(github), command="", SAYSO_GITHUB_TOKEN=github.token)

        [finding] = [finding for finding in every if "dispatch" in finding.what]
        assert (finding.sign, "write access to Actions" in finding.fix) == (sign, True)


async def test_checks_alone_are_asked_for_unless_a_command_tells_them(repo: Repo, github: FakeGitHub) -> None:
    alone = hub(github, workflow="")

    asked = await findings(repo, alone, SAYSO_GITHUB_TOKEN=github.token)
    by_command = await findings(repo, f'ci = ["true"]\n{alone}', SAYSO_GITHUB_TOKEN="wrong")

    assert "production: GitHub tells the checks of v1.3.0" in [finding.what for finding in asked]
    assert {finding.sign for finding in (*asked, *by_command)} == {"✓"}
