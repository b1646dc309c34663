"""Versions and commits of a real repository, and everything that must not reach git."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.deploy import git
from agents.deploy.git import Versions
from agents.deploy.lookup import LookFailed
from tests.agents.deploy.repos import Repo, make_repo


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    return make_repo(tmp_path_factory.mktemp("git") / "repo")


@pytest.fixture
def own(tmp_path: Path) -> Repo:
    return make_repo(tmp_path / "repo")


async def test_versions_come_newest_first(repo: Repo) -> None:
    assert await git.versions(repo.path) == Versions(("v1.2.0", "v1.1.0", "v1.0.0"), older=0)


async def test_many_versions_are_counted_and_not_listed(own: Repo) -> None:
    for number in range(30):
        own.git("tag", f"v2.{number}", day=20)

    found = await git.versions(own.path)

    assert found.names[:2] == ("v2.29", "v2.28")
    assert (len(found.names), found.older) == (20, 13)
    assert str(found).endswith("v2.10, and 13 older")


async def test_tags_with_names_that_nobody_could_type_are_left_out(own: Repo) -> None:
    own.git("tag", "v3,and")
    own.git("tag", "v3\u202egnp")

    assert (await git.versions(own.path)).names == ("v1.2.0", "v1.1.0", "v1.0.0")


async def test_a_tag_and_its_commit_full_or_short_stand_for_the_same_commit(own: Repo) -> None:
    commit = own.git("rev-parse", "v1.1.0")
    own.git("tag", "--annotate", "--message", "with words", "v1.1.0-signed", "v1.1.0")

    names = ("v1.1.0", "v1.1.0-signed", commit, commit[:7], commit[:12])
    assert {await git.commit_of(own.path, name) for name in names} == {commit}


@pytest.mark.parametrize(
    "version",
    [
        "v9.9.9", "main", "HEAD", "refs/tags/v1.1.0", "v1.1.0~1", "v1.1.0^", "main..v1.1.0", "@{-1}", ":/Begin",
        "--all", "-h", "", " ", "v1.1.0 ", "v1.1.0\n", "v1.1.0;id", "$(id)", "0" * 40, "abcdef1", "a" * 300, "../x",
    ],
)  # fmt: skip
async def test_what_is_no_tag_and_no_commit_of_a_branch_stands_for_nothing(repo: Repo, version: str) -> None:
    assert await git.commit_of(repo.path, version) is None


async def test_a_branch_that_is_called_like_a_hash_is_not_one(own: Repo) -> None:
    own.git("branch", "abcdef1", "v1.0.0")

    assert await git.commit_of(own.path, "abcdef1") is None


async def test_a_tag_wins_over_a_branch_of_its_name(own: Repo) -> None:
    own.git("branch", "v1.1.0", "v1.0.0")

    assert await git.commit_of(own.path, "v1.1.0") == own.git("rev-parse", "refs/tags/v1.1.0")


async def test_a_commit_that_no_branch_or_tag_holds_can_not_be_deployed(own: Repo) -> None:
    lost = own.commit("Rejected")
    own.git("reset", "--quiet", "--hard", "v1.2.0")

    assert await git.commit_of(own.path, lost) is None


async def test_the_log_lists_what_one_has_and_the_other_has_not(repo: Repo) -> None:
    lines = await git.log(repo.path, "v1.0.0", "v1.2.0")

    assert [line.partition(" ")[2] for line in lines] == [
        "Faster start (Anna)",
        "Fix the footer (Anna)",
        "Add search (Anna)",
    ]
    assert await git.log(repo.path, "v1.2.0", "v1.0.0") == ()


async def test_a_long_log_is_cut_and_a_hostile_subject_is_one_plain_line(own: Repo) -> None:
    for number in range(30):
        own.commit(f"Change {number} \x1b[2J\u202e" + "x" * 500)

    lines = await git.log(own.path, "v1.2.0", "HEAD")

    assert len(lines) == 21
    assert lines[-1] == "…"
    assert all(len(line) <= 120 and line.isprintable() for line in lines)


async def test_a_folder_without_a_repository_is_a_failed_look_and_not_an_unknown_version(tmp_path: Path) -> None:
    with pytest.raises(LookFailed, match="not a git repository"):
        await git.commit_of(tmp_path, "v1.0.0")


@given(st.text())
def test_no_version_is_an_option_or_an_expression(text: str) -> None:
    if git.is_version(text):
        assert text.isascii()
        assert not text.startswith("-")
        assert not set(text) & set(" ~^:@{}?*[\\\n\t;&|$`'\"<>()!,")
        assert ".." not in text
