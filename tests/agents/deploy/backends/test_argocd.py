"""What Argo CD alone does: it knows what is live and what would change, and only one operation at a time."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agents import Outcome, Pending
from agents.deploy import Environment
from agents.deploy.backends.argocd import Application, Sync
from agents.deploy.facts import live
from agents.deploy.lookup import LookFailed
from agents.deploy.tools import DeployArgs, dispatch_tool
from tests.agents.deploy.repos import PlainHands, Repo, make_repo
from tests.fakes.argocd import FakeArgoCD, running

KEY = "s0p-abcdefghijklm"
V12 = DeployArgs(version="v1.2.0", environment="production")


@pytest.fixture(scope="module")
def started() -> Iterator[FakeArgoCD]:
    with running() as fake:
        yield fake


@pytest.fixture
def argocd(started: FakeArgoCD) -> FakeArgoCD:
    started.forgets()
    return started


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return make_repo(tmp_path / "repo")


def application_of(argocd: FakeArgoCD) -> Application:
    return Application(argocd.application, argocd.base_url, argocd.token)


def environment_at(argocd: FakeArgoCD, repo: Repo, *, prune: bool = False) -> Environment:
    backend = Sync(replace(application_of(argocd), prune=prune), "production", look_pause_s=0)
    return replace(repo.environment(), command=(), live=(), backend=backend)


async def executed(environment: Environment, key: str = KEY) -> Outcome | Pending:
    tool = dispatch_tool({"production": environment})
    return await tool.execute(V12, await tool.prepare(V12), PlainHands(key))


async def test_what_is_live_is_what_it_is_in_sync_with_or_was_synced_to_last(argocd: FakeArgoCD, repo: Repo) -> None:
    environment = environment_at(argocd, repo)
    old, new = repo.git("rev-parse", "v1.0.0"), repo.git("rev-parse", "v1.1.0")

    argocd.is_now(history=["f" * 40, old])
    synced_last = await live(environment)
    argocd.is_now(sync={"status": "Synced", "revision": new})
    in_sync = await live(environment)

    assert synced_last == f"{old} (v1.0.0)"
    assert in_sync == f"{new} (v1.1.0)"


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"history": []}, "has never synced"),
        ({"sync": {"status": "OutOfSync", "revisions": ["a", "b"]}}, "several sources"),
        ({"sync": {"status": "Synced", "revision": "1.2.3"}}, "which is no commit"),
    ],
)
async def test_what_is_no_one_commit_is_not_known(
    argocd: FakeArgoCD, repo: Repo, how: dict[str, object], why: str
) -> None:
    argocd.is_now(**how)

    with pytest.raises(LookFailed, match=why):
        await live(environment_at(argocd, repo))


@pytest.mark.parametrize(("prune", "gone"), [(False, "left over"), (True, "removed")])
async def test_the_card_says_which_resources_of_the_cluster_would_be_others(
    argocd: FakeArgoCD, repo: Repo, *, prune: bool, gone: str
) -> None:
    old, new = repo.git("rev-parse", "v1.0.0"), repo.git("rev-parse", "v1.2.0")
    before = {"Deployment/shop": "1", "Service/shop": "1", "Job/migrate": "1"}
    after = {"Deployment/shop": "2", "Service/shop": "1", "ConfigMap/flags": "1"}
    argocd.is_now(history=[old], manifests={old: before, new: after})

    effect = await dispatch_tool({"production": environment_at(argocd, repo, prune=prune)}).prepare(V12)

    facts = {fact.label: fact.text for fact in effect.facts}
    assert facts["Resources"] == (f"added: ConfigMap web/flags; changed: Deployment web/shop; {gone}: Job web/migrate")


async def test_what_would_change_and_can_not_be_told_stops_nobody(argocd: FakeArgoCD, repo: Repo) -> None:
    argocd.is_now(history=[repo.git("rev-parse", "v1.0.0")])

    effect = await dispatch_tool({"production": environment_at(argocd, repo)}).prepare(V12)

    facts = {fact.label: fact.text for fact in effect.facts}
    assert facts["Resources"].startswith("unknown: Argo CD answered 500: rpc error: Unable to resolve")


async def test_an_operation_that_was_accepted_and_not_begun_is_waited_for(argocd: FakeArgoCD, repo: Repo) -> None:
    argocd.is_now(is_slow=True)
    environment = environment_at(argocd, repo)

    begun, again = [await executed(environment) for _ in range(2)]

    assert isinstance(begun, Pending)
    assert isinstance(again, Pending)
    assert again.note.startswith("begun before: ")
    assert len(argocd.begun()) == 1


async def test_while_another_operation_runs_nothing_is_started(argocd: FakeArgoCD, repo: Repo) -> None:
    environment = environment_at(argocd, repo)
    await executed(environment, "another-key-1")

    refused = await executed(environment)

    assert isinstance(refused, Outcome)
    assert refused.error == "Nothing was started: Argo CD answered 400: another operation is already in progress"


async def test_how_it_ended_is_not_known_once_somebody_else_has_synced(argocd: FakeArgoCD, repo: Repo) -> None:
    environment = environment_at(argocd, repo)
    begun = await executed(environment)
    assert isinstance(begun, Pending)
    tool = dispatch_tool({"production": environment})
    assert tool.check is not None

    argocd.somebody_syncs()
    looked = await tool.check(V12, begun.handle, PlainHands(KEY))

    assert isinstance(looked, Pending)
    assert looked.note == f"sync of shop: none is listed with {KEY} yet"


async def test_the_doctor_finds_an_application_that_syncs_by_itself(argocd: FakeArgoCD) -> None:
    backend = Sync(application_of(argocd), "production")

    fine = await backend.examine()
    argocd.is_now(automated=True)
    by_itself = await backend.examine()

    assert [one.is_fine for one in fine] == [True, None]
    assert [one.is_fine for one in by_itself] == [False]
    assert "syncs by itself" in by_itself[0].why
