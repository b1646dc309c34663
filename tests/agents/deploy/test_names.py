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


async def test_a_word_that_is_no_version_may_stand_for_one(repo: Repo) -> None:
    words = {"1.1.0": "v1.1.0", "latest": "v1.2.0", "Latest": "v1.2.0", "v1.1.0": None, "1.1": None, "--all": None}
    for word, tag in words.items():
        assert await meant_by(repo.path, word) == tag


async def test_a_word_that_may_be_something_else_stands_for_nothing(repo: Repo) -> None:
    for ref in ("refs/heads/1.1.0", "refs/remotes/origin/1.1.0"):
        repo.git("update-ref", ref, "v1.1.0")
        assert await meant_by(repo.path, "1.1.0") is None
        repo.git("update-ref", "-d", ref)
    short = repo.git("rev-parse", "main")[:7]
    for tag in ("1.1.0", "latest", f"v{short}"):
        repo.git("tag", tag, "v1.0.0")

    assert [await meant_by(repo.path, word) for word in ("1.1.0", "latest", short)] == [None, None, None]
