"""Deploys by a workflow of GitHub Actions, over the real paths of its API: begun once, followed to its end."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agents import Outcome, Pending, ToolRefused
from agents.deploy import Environment, deploy_agent
from agents.deploy.backends.github import Hub, Workflow
from agents.deploy.tools import DeployArgs, dispatch_tool
from agents.requests import Effect
from tests.agents.deploy.repos import PlainHands, Repo, make_repo
from tests.fakes.github import FakeGitHub, running
from tests.kit.long import few_of

KEY = "s0p-abcdefghijklm"
V12 = DeployArgs(version="v1.2.0", environment="production")


@pytest.fixture(scope="module")
def started() -> Iterator[FakeGitHub]:
    with running() as fake:
        yield fake


@pytest.fixture
def github(started: FakeGitHub) -> FakeGitHub:
    started.forgets()
    return started


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return make_repo(tmp_path / "repo")


def hub_of(github: FakeGitHub) -> Hub:
    return Hub(github.repository, github.base_url, github.token, "deploy.yml")


def environment_at(github: FakeGitHub, repo: Repo, hub: Hub | None = None) -> Environment:
    backend = Workflow(hub or hub_of(github), "production", look_pause_s=0)
    return replace(repo.environment(), command=(), backend=backend)


async def prepared(environment: Environment) -> Effect:
    return await dispatch_tool({"production": environment}).prepare(V12)


async def executed(environment: Environment, key: str = KEY) -> Outcome | Pending:
    tool = dispatch_tool({"production": environment})
    return await tool.execute(V12, await tool.prepare(V12), PlainHands(key))


async def checked(environment: Environment, handle: str) -> Outcome | Pending:
    tool = dispatch_tool({"production": environment})
    assert tool.check is not None
    return await tool.check(V12, handle, PlainHands(KEY))


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


async def test_a_dispatch_waits_for_its_run_and_tells_its_end(github: FakeGitHub, repo: Repo) -> None:
    environment = environment_at(github, repo)

    begun = await executed(environment)
    assert isinstance(begun, Pending)
    (sent,) = github.dispatched()
    under_way = await checked(environment, begun.handle)
    github.ends(int(begun.handle), "success")
    done = await checked(environment, begun.handle)

    commit = repo.git("rev-parse", "v1.2.0")
    assert sent["inputs"] == {"commit": commit, "environment": "production", "sayso_key": KEY}
    assert isinstance(under_way, Pending)
    assert under_way.handle == begun.handle
    assert under_way.note == f"runs: https://github.test/acme/shop/actions/runs/{begun.handle}"
    assert done == Outcome(f"deployed v1.2.0 to production\nhttps://github.test/acme/shop/actions/runs/{begun.handle}")


def test_each_environment_is_waited_for_as_long_as_it_says(github: FakeGitHub, repo: Repo) -> None:
    one = environment_at(github, repo)
    tool = dispatch_tool({"staging": replace(one, timeout_s=60), "production": replace(one, timeout_s=3_600)})

    assert [tool.waits_for(V12.model_copy(update={"environment": name})) for name in ("staging", "production")] == [
        60,
        3_600,
    ]


@pytest.mark.parametrize(
    "conclusion", few_of(["failure", "cancelled", "timed_out", "neutral", "action_required"], 0, 4)
)
async def test_a_run_that_did_not_succeed_is_an_error(github: FakeGitHub, repo: Repo, conclusion: str) -> None:
    environment = environment_at(github, repo)
    begun = await executed(environment)
    assert isinstance(begun, Pending)

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


async def test_a_key_that_has_a_run_is_not_dispatched_again(github: FakeGitHub, repo: Repo) -> None:
    environment = environment_at(github, repo)

    other, first, again = [await executed(environment, key) for key in (f"{KEY}n", KEY, KEY)]

    assert isinstance(first, Pending)
    assert isinstance(again, Pending)
    assert isinstance(other, Pending)
    assert again.handle == first.handle != other.handle
    assert len(github.dispatched()) == 2
    assert not dispatch_tool({}).idempotent


async def test_a_dispatch_whose_answer_was_lost_is_found_by_its_run(github: FakeGitHub, repo: Repo) -> None:
    github.is_now(answers="lost")

    begun = await executed(environment_at(github, repo))

    assert isinstance(begun, Pending)
    assert begun.note.startswith("begun, though its answer was lost")
    assert len(github.dispatched()) == 1


async def test_a_dispatch_whose_answer_was_lost_and_that_has_no_run_is_unknown(github: FakeGitHub, repo: Repo) -> None:
    github.is_now(answers="never")

    with pytest.raises(TimeoutError, match="it is not known whether the call was taken"):
        await executed(environment_at(github, repo))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"token": "wrong"}, "GitHub answered 401: Bad credentials. Look at SAYSO_GITHUB_TOKEN"),
        ({"workflow": "other.yml"}, "GitHub answered 404: Not Found"),
        ({"ref": "gone"}, "GitHub answered 422: No ref found for: gone"),
    ],
)
async def test_what_github_refuses_is_an_error_and_began_nothing(
    github: FakeGitHub, repo: Repo, change: dict[str, str], error: str
) -> None:
    refused = await executed(environment_at(github, repo, replace(hub_of(github), **change)))

    assert isinstance(refused, Outcome)
    assert refused.error.startswith(f"Nothing was started: {error}")
    assert "wrong" not in refused.error
    assert github.dispatched() == []


async def test_an_input_that_the_workflow_does_not_declare_is_told(github: FakeGitHub, repo: Repo) -> None:
    github.is_now(declared=["commit", "environment"])

    refused = await executed(environment_at(github, repo))

    assert isinstance(refused, Outcome)
    assert "Unexpected inputs provided: ['sayso_key']" in refused.error


async def test_while_nothing_answers_nothing_is_dispatched_and_no_run_is_called_ended(
    github: FakeGitHub, repo: Repo
) -> None:
    environment = environment_at(github, repo)
    begun = await executed(environment)
    assert isinstance(begun, Pending)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nowhere = f"http://127.0.0.1:{listener.getsockname()[1]}"
    gone = environment_at(github, repo, Hub("acme/shop", nowhere, "t", "deploy.yml"))

    refused = await executed(gone)
    github.is_now(down=502)
    looked = await checked(environment, begun.handle)
    unlisted = await checked(environment, KEY)

    assert isinstance(refused, Outcome)
    assert refused.error.startswith(f"Nothing was started: GitHub can't be reached at {nowhere}")
    assert looked == Pending(begun.handle, 20.0, "not known yet: GitHub answered 502: no reason")
    assert isinstance(unlisted, Pending)


async def test_another_workflow_than_the_approved_one_is_not_dispatched(github: FakeGitHub, repo: Repo) -> None:
    environment = environment_at(github, repo)
    approved = await prepared(environment)
    moved = environment_at(github, repo, Hub("acme/other", github.base_url, github.token, "deploy.yml"))

    refused = await dispatch_tool({"production": moved}).execute(V12, approved, PlainHands(KEY))

    assert refused == Outcome("", error="Nothing was started: the configuration now names another place")
    assert github.dispatched() == []


def test_the_tools_follow_the_environments(github: FakeGitHub, repo: Repo) -> None:
    production = replace(environment_at(github, repo), health=("true",))
    agent = deploy_agent({"production": production, "staging": repo.environment("staging", policy=None)})
    deploy, dispatch = agent.tool("deploy"), agent.tool("dispatch")
    assert deploy is not None
    assert dispatch is not None

    assert [tool.name for tool in agent.tools] == ["deploy", "live", "dispatch", "health", "dispatch_rollback"]
    assert dispatch.gate(V12) == "production"
    with pytest.raises(ToolRefused, match=r"There is no environment 'production'\. There are: staging"):
        deploy.gate(V12)
    assert (deploy.known, dispatch.known) == ({"environment": ("staging",)}, {"environment": ("production",)})
    assert dispatch.title is not None
    assert dispatch.title(V12) == "Deploy v1.2.0 to production"
