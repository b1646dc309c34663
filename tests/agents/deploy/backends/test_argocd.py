"""What Argo CD alone does: it knows what is live and what would change, and only one operation at a time."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from agents import Outcome, Pending
from agents.deploy import Environment
from agents.deploy.backends.argocd import Application, Sync
from agents.deploy.facts import live
from agents.deploy.lookup import LookFailed
from agents.deploy.tools import dispatch_tool
from tests.agents.deploy.backends.calls import KEY, V12, checked, executed
from tests.agents.deploy.backends.calls import environment_at as environment_of
from tests.agents.deploy.repos import Repo
from tests.fakes.argocd import FakeArgoCD, running


@pytest.fixture(scope="module")
def started() -> Iterator[FakeArgoCD]:
    with running() as fake:
        yield fake


@pytest.fixture
def argocd(started: FakeArgoCD) -> FakeArgoCD:
    started.forgets()
    return started


def application_of(argocd: FakeArgoCD) -> Application:
    return Application(argocd.application, argocd.base_url, argocd.token)


def environment_at(argocd: FakeArgoCD, repo: Repo, *, prune: bool = False) -> Environment:
    backend = Sync(replace(application_of(argocd), prune=prune), "production", look_pause_s=0)
    return replace(environment_of(backend, repo), live=())


async def test_what_is_live_is_what_it_is_in_sync_with_or_was_synced_to_last(argocd: FakeArgoCD, repo: Repo) -> None:
    environment = environment_at(argocd, repo)
    old, new = repo.git("rev-parse", "v1.0.0"), repo.git("rev-parse", "v1.1.0")

    argocd.is_now(history=["f" * 40, old])
    assert await live(environment) == f"{old} (v1.0.0)"
    argocd.is_now(sync={"status": "Synced", "revision": new})
    assert await live(environment) == f"{new} (v1.1.0)"
    for sync, why in (
        ({"status": "OutOfSync", "revisions": ["a", "b"]}, "several sources"),
        ({"status": "Synced", "revision": "1.2.3"}, "which is no commit"),
    ):
        argocd.is_now(sync=sync)
        with pytest.raises(LookFailed, match=why):
            await live(environment)


async def test_the_card_says_which_resources_of_the_cluster_would_be_others(argocd: FakeArgoCD, repo: Repo) -> None:
    old, new = repo.git("rev-parse", "v1.0.0"), repo.git("rev-parse", "v1.2.0")
    before = {"Deployment/shop": "1", "Service/shop": "1", "Job/migrate": "1"}
    after = {"Deployment/shop": "2", "Service/shop": "1", "ConfigMap/flags": "1"}

    async def told(*, prune: bool = False) -> str:
        effect = await dispatch_tool({"production": environment_at(argocd, repo, prune=prune)}).prepare(V12)
        return next(fact.text for fact in effect.facts if fact.label == "Resources")

    argocd.is_now(history=[old])
    assert (await told()).startswith("unknown: Argo CD answered 500: rpc error: Unable to resolve"), "it stops nobody"
    argocd.is_now(manifests={old: before, new: after})
    for prune, gone in ((False, "left over"), (True, "removed")):
        said = f"added: ConfigMap web/flags; changed: Deployment web/shop; {gone}: Job web/migrate"
        assert await told(prune=prune) == said


async def test_an_operation_that_was_accepted_and_not_begun_is_waited_for(argocd: FakeArgoCD, repo: Repo) -> None:
    argocd.is_now(is_slow=True)
    environment = environment_at(argocd, repo)

    begun, again = [await executed(environment) for _ in range(2)]

    assert isinstance(begun, Pending)
    assert isinstance(again, Pending)
    assert again.note.startswith("begun before: ")
    assert len(argocd.begun()) == 1


async def test_while_an_operation_runs_no_other_is_started_nor_is_anothers_its_end(
    argocd: FakeArgoCD, repo: Repo
) -> None:
    environment = environment_at(argocd, repo)
    begun = await executed(environment)
    assert isinstance(begun, Pending)

    refused = await executed(environment, "another-key-1")

    assert isinstance(refused, Outcome)
    assert refused.error == "Nothing was started: Argo CD answered 400: another operation is already in progress"
    argocd.somebody_syncs()
    looked = await checked(environment, begun.handle)
    assert isinstance(looked, Pending)
    assert looked.note == f"sync of shop: none is listed with {KEY} yet", "how it ended is not known"


async def test_the_doctor_finds_an_application_that_syncs_by_itself(argocd: FakeArgoCD) -> None:
    backend = Sync(application_of(argocd), "production")

    fine = await backend.examine()
    argocd.is_now(automated=True)
    by_itself = await backend.examine()

    assert [one.is_fine for one in fine] == [True, None]
    assert [one.is_fine for one in by_itself] == [False]
    assert "syncs by itself" in by_itself[0].why
