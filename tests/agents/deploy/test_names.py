"""Names that are not written as they are configured or tagged: what they stand for, where that is one thing."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from agents.deploy.names import environment_called, highest
from agents.deploy.repository.git import meant_by
from tests.agents.deploy.repos import Repo, make_repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return make_repo(tmp_path / "shop")


@pytest.mark.parametrize(
    ("tags", "top"),
    [
        (["v1.2.0", "v1.10.0", "v1.9.9"], "v1.10.0"),
        (["v1.2.0", "v2.0.0-rc.1", "v1.3.0+7", "nightly"], "v1.2.0"),
        (["2024.11.1", "2024.9.30"], "2024.11.1"),
        (["v2", "v1.9"], "v2"),
        (["v2", "v2.0.0", "v1.9"], None),
        (["v1.2.0", "2.0.0"], None),
        (["v2.0.0-rc.1"], None),
        ([], None),
    ],
)
def test_the_latest_is_the_one_highest_release_of_one_way_of_counting(tags: Sequence[str], top: str | None) -> None:
    assert highest(tags) == top


@pytest.mark.parametrize(
    ("word", "environment"),
    [
        ("production", "production"),
        ("prod", "production"),
        ("Prod", "production"),
        ("PRODUCTION", "production"),
        ("pr", None),
        ("productions", None),
        ("stag", None),
        ("stage", "stage"),
        ("stage-e", "stage-eu"),
        ("", None),
    ],
)
def test_an_environment_is_named_by_its_first_letters_where_that_is_one(word: str, environment: str | None) -> None:
    assert environment_called(word, ("production", "stage", "stage-eu")) == environment


@pytest.mark.parametrize(
    ("word", "tag"),
    [
        ("1.1.0", "v1.1.0"),
        ("latest", "v1.2.0"),
        ("Latest", "v1.2.0"),
        ("v1.1.0", None),
        ("1.1", None),
        ("9.9.9", None),
        ("main", None),
        ("--all", None),
    ],
)
async def test_a_word_that_is_no_version_may_stand_for_one(repo: Repo, word: str, tag: str | None) -> None:
    assert await meant_by(repo.path, word) == tag


async def test_a_version_that_is_tagged_both_ways_is_itself(repo: Repo) -> None:
    repo.git("tag", "1.1.0", "v1.0.0")

    assert await meant_by(repo.path, "1.1.0") is None


@pytest.mark.parametrize("ref", ["refs/heads/1.1.0", "refs/remotes/origin/1.1.0"])
async def test_a_branch_of_that_name_may_be_meant_as_well(repo: Repo, ref: str) -> None:
    repo.git("update-ref", ref, "v1.1.0")

    assert await meant_by(repo.path, "1.1.0") is None


async def test_a_tag_that_is_called_latest_is_what_latest_means(repo: Repo) -> None:
    repo.git("tag", "latest", "v1.0.0")

    assert await meant_by(repo.path, "latest") is None


async def test_a_number_that_begins_a_commit_is_that_commit(repo: Repo) -> None:
    short = repo.git("rev-parse", "main")[:7]
    repo.git("tag", f"v{short}", "v1.0.0")

    assert await meant_by(repo.path, short) is None
