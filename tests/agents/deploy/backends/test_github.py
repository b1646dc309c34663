"""Deploys by a workflow of GitHub Actions, over the real paths of its API: begun once, followed to its end."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from agents import Outcome, Pending, ToolRefused
from agents.deploy import Environment, deploy_agent
from agents.deploy.backends.github import Hub, Workflow
from agents.deploy.tools import dispatch_tool
from agents.requests import Effect
from tests.agents.deploy.backends.calls import KEY, V12, checked, executed
from tests.agents.deploy.backends.calls import environment_at as environment_of
from tests.agents.deploy.repos import Repo
from tests.fakes.github import FakeGitHub, running


@pytest.fixture(scope="module")
def started() -> Iterator[FakeGitHub]:
    with running() as fake:
        yield fake


@pytest.fixture
def github(started: FakeGitHub) -> FakeGitHub:
    started.forgets()
    return started


def hub_of(github: FakeGitHub) -> Hub:
    return Hub(github.repository, github.base_url, github.token, "deploy.yml")


def environment_at(github: FakeGitHub, repo: Repo, hub: Hub | None = None) -> Environment:
    return environment_of(Workflow(hub or hub_of(github), "production", look_pause_s=0), repo)


async def prepared(environment: Environment) -> Effect:
    return await dispatch_tool({"production": environment}).prepare(V12)


async def test_what_is_approved_is_the_exact_call_without_its_key_and_without_the_token(
    github: FakeGitHub, repo: Repo
) -> None:
    commit = repo.git("rev-parse", "v1.2.0")

    effect = await prepared(environment_at(github, repo))

    method, url, body = effect.argv
    assert (method, url) == ("POST", f"{github.base_url}/repos/acme/shop/actions/workflows/deploy.yml/dispatches")
    inputs = {"commit": commit, "environment": "production", "sayso_key": "{key}"}
    assert json.loads(body) == {"ref": "main", "inputs": inputs}
    assert effect.versions == {"v1.2.0": commit}
    assert effect.artifacts == {"live in production": repo.git("rev-parse", "v1.0.0")}
    assert github.token not in effect.model_dump_json()
    assert github.dispatched() == []


async def test_a_run_that_did_not_succeed_is_an_error(github: FakeGitHub, repo: Repo) -> None:
    environment = environment_at(github, repo)
    begun = await executed(environment)
    assert isinstance(begun, Pending)

    for conclusion in ("cancelled", "neutral"):
        github.ends(int(begun.handle), conclusion)
        done = await checked(environment, begun.handle)
        assert isinstance(done, Outcome)
        assert done.error.startswith(f"workflow deploy.yml ended with '{conclusion}'")


@pytest.mark.parametrize("answers", ["nothing", "old"])
async def test_where_github_tells_no_run_it_is_found_by_the_key_in_its_name(
    github: FakeGitHub, repo: Repo, answers: str
) -> None:
    environment = environment_at(github, repo)
    github.is_now(answers=answers)

    begun = await executed(environment)
    under_way = await checked(environment, KEY)

    assert isinstance(begun, Pending)
    assert begun.handle == KEY
    assert isinstance(under_way, Pending)
    assert under_way.note.startswith("runs: ")
    assert len(github.dispatched()) == 1


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"token": "wrong"}, "GitHub answered 401: Bad credentials. Look at SAYSO_GITHUB_TOKEN"),
        ({"workflow": "other.yml"}, "GitHub answered 404: Not Found"),
        ({"ref": "gone"}, "GitHub answered 422: No ref found for: gone"),
        ({}, "GitHub answered 422: Unexpected inputs provided: ['sayso_key']"),
    ],
)
async def test_what_github_refuses_is_an_error_and_began_nothing(
    github: FakeGitHub, repo: Repo, change: dict[str, str], error: str
) -> None:
    if not change:
        github.is_now(declared=["commit", "environment"])

    refused = await executed(environment_at(github, repo, replace(hub_of(github), **change)))

    assert isinstance(refused, Outcome)
    assert refused.error.startswith(f"Nothing was started: {error}")
    assert "wrong" not in refused.error
    assert github.dispatched() == []


def test_the_tools_follow_the_environments(github: FakeGitHub, repo: Repo) -> None:
    production = replace(environment_at(github, repo), health=("true",), timeout_s=3_600)
    agent = deploy_agent({"production": production, "staging": repo.environment("staging", policy=None)})
    deploy, dispatch = agent.tool("deploy"), agent.tool("dispatch")
    assert deploy is not None
    assert dispatch is not None

    assert [tool.name for tool in agent.tools] == ["deploy", "live", "dispatch", "health", "dispatch_rollback"]
    assert (dispatch.gate(V12), dispatch.waits_for(V12), dispatch.idempotent) == ("production", 3_600, False)
    with pytest.raises(ToolRefused, match=r"There is no environment 'production'\. There are: staging"):
        deploy.gate(V12)
    assert (deploy.known, dispatch.known) == ({"environment": ("staging",)}, {"environment": ("production",)})
    assert dispatch.title is not None
    assert dispatch.title(V12) == "Deploy v1.2.0 to production"
