"""Deploys that a server makes, over the real paths of each one's API: begun once, followed to their end, stopped."""

import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import pytest

from agents import Outcome, Pending
from agents.deploy.backends.argocd import Application, Sync
from agents.deploy.backends.github import Hub, Workflow
from agents.deploy.backends.gitlab import Pipeline, Project
from agents.deploy.backends.remote import RemoteBackend
from agents.deploy.tools import dispatch_tool
from agents.requests import AttemptId, Effect, StepId
from agents.run import Run
from agents.state import Attempt, PendingStep, Waiting
from agents.steps import CallTool
from tests.agents.deploy.backends.calls import KEY, V12, checked, environment_at, executed
from tests.agents.deploy.repos import PlainHands, Repo
from tests.fakes import argocd, github, gitlab
from tests.fakes.process import Ordered
from tests.kit.long import few_of


class Server(Protocol):
    """A stand-in, and the back end that asks it."""

    @property
    def fake(self) -> Ordered: ...

    def backend(self, address: str = "", token: str = "") -> RemoteBackend: ...

    def ends(self, how: str) -> None: ...


@dataclass
class AtGitHub:
    fake: github.FakeGitHub

    def backend(self, address: str = "", token: str = "") -> RemoteBackend:
        hub = Hub(self.fake.repository, address or self.fake.base_url, token or self.fake.token, "deploy.yml")
        return Workflow(hub, "production", look_pause_s=0)

    def ends(self, how: str) -> None:
        self.fake.ends(7_000_000_000, {"well": "success", "badly": "failure"}[how])


@dataclass
class AtGitLab:
    fake: gitlab.FakeGitLab

    def backend(self, address: str = "", token: str = "") -> RemoteBackend:
        project = Project(self.fake.project, address or self.fake.base_url, token or self.fake.token)
        return Pipeline(project, "production", look_pause_s=0)

    def ends(self, how: str) -> None:
        self.fake.ends(4_000, {"well": "success", "badly": "failed"}[how])


@dataclass
class AtArgoCD:
    fake: argocd.FakeArgoCD

    def backend(self, address: str = "", token: str = "") -> RemoteBackend:
        application = Application(self.fake.application, address or self.fake.base_url, token or self.fake.token)
        return Sync(application, "production", look_pause_s=0)

    def ends(self, how: str) -> None:
        self.fake.ends({"well": "Succeeded", "badly": "Failed"}[how], "one or more objects failed to apply")


@pytest.fixture(scope="module", params=few_of(["github", "gitlab", "argocd"], 0))
def started(request: pytest.FixtureRequest) -> Iterator[Server]:
    starts: dict[str, Callable[[], contextlib.AbstractContextManager[Ordered]]] = {
        "github": github.running,
        "gitlab": gitlab.running,
        "argocd": argocd.running,
    }
    with starts[request.param]() as fake:
        match fake:
            case github.FakeGitHub():
                yield AtGitHub(fake)
            case gitlab.FakeGitLab():
                yield AtGitLab(fake)
            case argocd.FakeArgoCD():
                yield AtArgoCD(fake)
            case _:
                raise AssertionError(fake)


@pytest.fixture
def server(started: Server) -> Server:
    started.fake.forgets()
    return started


async def test_what_is_approved_names_the_commit_and_holds_neither_key_nor_token(server: Server, repo: Repo) -> None:
    tool = dispatch_tool({"production": environment_at(server.backend(token="a-token"), repo)})

    effect = await tool.prepare(V12)

    method, address, body = effect.argv
    assert (method, address) == ("POST", server.backend().address)
    assert repo.git("rev-parse", "v1.2.0") in body
    assert "{key}" in body
    assert "a-token" not in effect.model_dump_json()
    assert server.fake.begun() == []


@pytest.mark.parametrize("how", ["well", "badly"])
async def test_a_job_is_followed_to_its_end(server: Server, repo: Repo, how: str) -> None:
    environment = environment_at(server.backend(), repo)

    begun, again = [await executed(environment) for _ in range(2)]
    assert isinstance(begun, Pending)
    assert isinstance(again, Pending)
    assert (again.handle, again.note[:14]) == (begun.handle, "begun before: "), "a key that has a job starts no other"
    under_way = await checked(environment, begun.handle)
    server.ends(how)
    done = await checked(environment, begun.handle)

    (sent,) = server.fake.begun()
    assert KEY in json.dumps(sent)
    assert isinstance(under_way, Pending)
    assert under_way.handle == begun.handle
    assert under_way.note.startswith("runs: http")
    assert isinstance(done, Outcome)
    if how == "well":
        assert (done.output.startswith("deployed v1.2.0 to production\n"), done.error) == (True, "")
    else:
        assert done.error.startswith(f"{server.backend().title} ended with 'fail")


async def test_a_call_whose_answer_was_lost_is_found_by_its_key_and_is_unknown_where_it_has_no_job(
    server: Server, repo: Repo
) -> None:
    server.fake.is_now(answers="never")
    with pytest.raises(TimeoutError, match="it is not known whether the call was taken"):
        await executed(environment_at(server.backend(), repo))

    server.fake.forgets()
    server.fake.is_now(answers="lost")
    begun = await executed(environment_at(server.backend(), repo))

    assert isinstance(begun, Pending)
    assert begun.note.startswith("begun, though its answer was lost")
    assert len(server.fake.begun()) == 1


async def test_what_is_refused_what_nobody_can_look_up_and_another_place_began_nothing(
    server: Server, repo: Repo
) -> None:
    environment = environment_at(server.backend(), repo)
    approved = await dispatch_tool({"production": environment}).prepare(V12)
    refused = await executed(environment_at(server.backend(token="wrong"), repo))
    assert isinstance(refused, Outcome)
    assert refused.error.startswith("Nothing was started: ")
    assert " answered 401: " in refused.error
    assert "wrong" not in refused.error

    moved = environment_at(server.backend("http://127.0.0.1:9"), repo)
    elsewhere = await dispatch_tool({"production": moved}).execute(V12, approved, PlainHands(KEY))
    assert elsewhere == Outcome("", error="Nothing was started: the configuration now names another place")

    server.fake.is_now(down=502)
    unheard = await dispatch_tool({"production": environment}).execute(V12, approved, PlainHands(KEY))
    assert isinstance(unheard, Outcome)
    assert unheard.error.startswith("Nothing was started: ")
    assert server.fake.begun() == []


async def test_a_server_that_does_not_answer_ends_nothing(server: Server, repo: Repo) -> None:
    environment = environment_at(server.backend(), repo)
    begun = await executed(environment)
    assert isinstance(begun, Pending)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nowhere = f"http://127.0.0.1:{listener.getsockname()[1]}"

    server.fake.is_now(down=502)
    down = await checked(environment, begun.handle)
    gone = await checked(environment_at(server.backend(nowhere), repo), begun.handle)

    assert isinstance(down, Pending)
    assert " answered 502: " in down.note
    assert isinstance(gone, Pending)
    assert f"can't be reached at {nowhere}" in gone.note


async def test_a_job_is_asked_to_stop_and_people_are_told(server: Server, repo: Repo) -> None:
    environment = environment_at(server.backend(), repo)
    tool = dispatch_tool({"production": environment})
    begun, effect = await executed(environment), await tool.prepare(V12)
    assert isinstance(begun, Pending)
    assert tool.cancel is not None

    told = await tool.cancel(V12, begun.handle, effect)
    again = await tool.cancel(V12, begun.handle, effect)
    server.fake.is_now(down=502)
    unheard = await tool.cancel(V12, begun.handle, effect)

    assert told.startswith(f"{server.backend().title} was asked to stop: http")
    assert server.backend().title in again
    assert unheard.startswith(f"{server.backend().title} could not be stopped (")


def waiting_for(begun: Pending, effect: Effect) -> Run:
    """A run whose step waits for what was begun by an effect."""
    now = datetime.now(UTC)
    attempt = Attempt(AttemptId("s0t-aaaaaaaaaaaaa"), now, "host", idempotent=False, effect=effect)
    waits = Waiting(attempt, begun.handle, now, now)
    step = CallTool(tool="dispatch", arguments=V12.model_dump())
    return Run(pending=PendingStep(StepId(KEY), step, "production", waits=waits))


@pytest.mark.parametrize("kind", [(AtGitHub, github.running), (AtGitLab, gitlab.running)], ids=["github", "gitlab"])
async def test_attack_a_job_of_the_same_number_where_the_file_points_by_now_is_taken_for_ours(
    kind: tuple[Callable[[Ordered], Server], Callable[[], contextlib.AbstractContextManager[Ordered]]], repo: Repo
) -> None:
    at, running = kind
    with running() as first, running() as second:
        before, now = at(first), at(second)
        effect = await dispatch_tool({"production": environment_at(before.backend(), repo)}).prepare(V12)
        begun = await executed(environment_at(before.backend(), repo))
        other = await executed(environment_at(now.backend(), repo), "s0p-mlkjihgfedcba")
        assert isinstance(begun, Pending)
        assert isinstance(other, Pending)
        assert begun.handle == other.handle

        tool = dispatch_tool({"production": environment_at(now.backend(), repo)})
        assert tool.check is not None
        assert tool.cancel is not None
        told = await tool.cancel(V12, begun.handle, effect)
        is_running = await now.backend().look(other.handle, None)
        now.ends("well")
        found = await tool.check(V12, begun.handle, PlainHands(KEY, run=waiting_for(begun, effect)))

        assert "could not be stopped (the configuration now names another place)" in told
        assert isinstance(is_running, Pending)
        assert isinstance(found, Pending)
        assert found.note == "not known yet: the configuration now names another place"
