"""What GitLab alone does: statuses of a commit, variables that nobody may set, names of pipelines."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agents import Outcome, Pending
from agents.deploy.backends.gitlab import GitLab, Pipeline, Project
from tests.agents.deploy.backends.calls import environment_at, executed
from tests.agents.deploy.repos import make_repo
from tests.fakes.gitlab import FakeGitLab, running

COMMIT = "c0ffee" + "0" * 34


@pytest.fixture(scope="module")
def gitlab() -> Iterator[FakeGitLab]:
    with running() as fake:
        yield fake


def project_of(gitlab: FakeGitLab) -> Project:
    return Project(gitlab.project, gitlab.base_url, gitlab.token)


def status(name: str, status: str, *, allow_failure: bool = False) -> dict[str, object]:
    return {"name": name, "status": status, "allow_failure": allow_failure}


async def test_gitlab_says_how_all_checks_of_a_commit_stand(gitlab: FakeGitLab) -> None:
    unit = status("unit", "success")
    for statuses, total, said in (
        ([unit, status("lint", "failed", allow_failure=True)], 0, "passed (2 checks)"),
        ([status("unit", "failed"), status("lint", "running")], 0, "failed: unit"),
        ([status("unit", "canceled")], 0, "failed: unit"),
        ([status("unit", "manual")], 0, "running: unit"),
        ([unit], 300, "unknown: there are 300 checks, and only 1 were read"),
        ([], 0, "unknown: this commit has no checks"),
    ):
        gitlab.is_now(statuses={COMMIT: statuses}, total=total)

        assert (await GitLab(project_of(gitlab)).checks(COMMIT)).text == said


async def test_variables_that_nobody_may_set_are_told_and_start_nothing(gitlab: FakeGitLab, tmp_path: Path) -> None:
    gitlab.is_now(may_set=False)
    backend = Pipeline(project_of(gitlab), "production", look_pause_s=0)

    refused = await executed(environment_at(backend, make_repo(tmp_path / "repo")))

    assert isinstance(refused, Outcome)
    assert "Insufficient permissions to set pipeline variables" in refused.error
    gitlab.is_now(may_set=True)


async def test_a_pipeline_that_waits_for_somebody_has_not_ended(gitlab: FakeGitLab) -> None:
    backend = Pipeline(project_of(gitlab), "production", look_pause_s=0)
    body = {"ref": "main", "variables": [{"key": "SAYSO_KEY", "value": "{key}"}]}
    handle = await backend.begin(body, "another-key")

    gitlab.ends(int(handle), "manual")

    assert isinstance(await backend.look(handle, None), Pending)


async def test_the_doctor_tells_what_gitlab_does_not(gitlab: FakeGitLab) -> None:
    found = await Pipeline(project_of(gitlab), "production").examine()
    unknown = await Pipeline(replace(project_of(gitlab), path="acme/other"), "production").examine()

    assert [one.is_fine for one in found] == [True, None]
    assert [one.is_fine for one in unknown] == [False]
    assert "GitLab answered 404" in unknown[0].why
