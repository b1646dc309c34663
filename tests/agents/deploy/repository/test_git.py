"""Versions and commits of a real repository, and everything that must not reach git."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.deploy.lookup import LookFailed
from agents.deploy.repository import git
from agents.deploy.repository.git import Versions
from tests.agents.deploy.repos import Repo, make_repo


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    return make_repo(tmp_path_factory.mktemp("git") / "repo")


@pytest.fixture
def own(tmp_path: Path) -> Repo:
    return make_repo(tmp_path / "repo")


async def test_many_versions_are_counted_and_not_listed_nor_are_names_that_nobody_could_type(own: Repo) -> None:
    own.git("tag", "v3,and")
    own.git("tag", "v3\u202egnp")
    assert await git.versions(own.path) == Versions(("v1.2.0", "v1.1.0", "v1.0.0"), older=0)
    for number in range(30):
        own.git("tag", f"v2.{number}", day=20)

    found = await git.versions(own.path)

    assert found.names[:2] == ("v2.29", "v2.28")
    assert (len(found.names), found.older) == (20, 13)
    assert str(found).endswith("v2.10, and 13 older")


async def test_a_tag_and_its_commit_full_or_short_stand_for_the_same_commit(own: Repo) -> None:
    commit = own.git("rev-parse", "v1.1.0")
    own.git("tag", "--annotate", "--message", "with words", "v1.1.0-signed", "v1.1.0")

    names = ("v1.1.0", "v1.1.0-signed", commit, commit[:7], commit[:12])
    assert {await git.commit_of(own.path, name) for name in names} == {commit}


NONE_OF_THESE = (
    "v9.9.9", "main", "HEAD", "refs/tags/v9", "refs/heads/main", "tags/v1.1.0", "v1.1.0~1",
    "main..v1.1.0", "@{-1}", ":/Begin", "--all", "", "v1.1.0\n", "v1.1.0;id", "0" * 40, "abcdef1", "a" * 300,
)  # fmt: skip


async def test_what_is_no_tag_and_no_commit_of_a_branch_stands_for_nothing(repo: Repo) -> None:
    assert [version for version in NONE_OF_THESE if await git.commit_of(repo.path, version) is not None] == []


async def test_names_that_only_look_like_a_version_stand_for_nothing(own: Repo) -> None:
    own.git("branch", "abcdef1", "v1.0.0")
    own.git("update-ref", "refs/heads/refs/tags/v9", "v1.0.0")
    own.git("update-ref", "refs/heads/tags/v9", "v1.0.0")
    own.git("tag", "tree", "v1.0.0^{tree}")
    own.git("tag", "--annotate", "--message", "with words", "signed", "v1.1.0")

    for name in ("abcdef1", "v9", "tree", own.git("rev-parse", "refs/tags/signed")):
        assert await git.commit_of(own.path, name) is None


async def test_a_commit_is_deployed_only_where_a_branch_or_tag_holds_it_or_one_that_was_fetched(own: Repo) -> None:
    proposed = own.commit("Proposed")
    own.git("reset", "--quiet", "--hard", "v1.2.0")
    assert await git.commit_of(own.path, proposed) is None
    for ref in ("refs/stash", "refs/pull/7/head", "refs/notes/x"):
        own.git("update-ref", ref, proposed)
        assert await git.commit_of(own.path, proposed) is None

    own.git("update-ref", "refs/remotes/origin/main", proposed)
    assert await git.commit_of(own.path, proposed) == proposed


async def test_a_name_in_describes_syntax_is_no_tag_unless_it_is_one(own: Repo) -> None:
    reachable = own.git("rev-parse", "v1.1.0")
    lost = own.commit("Rejected")
    own.git("reset", "--quiet", "--hard", "v1.2.0")

    for commit in (reachable, lost):
        assert await git.commit_of(own.path, f"v1.2.0-0-g{commit}") is None
        assert await git.commit_of(own.path, f"anything-g{commit[:7]}") is None
    own.git("tag", name := f"v1.2.0-0-g{reachable}", "v1.0.0")
    assert await git.commit_of(own.path, name) == own.git("rev-parse", "v1.0.0")


async def test_a_tag_that_is_called_like_another_commit_is_refused(own: Repo) -> None:
    good, own_name = own.git("rev-parse", "v1.1.0"), own.git("rev-parse", "v1.2.0")[:7]
    for name in (good, good[:7], "ABCDEF1"):
        own.git("tag", name, "v1.0.0")

        with pytest.raises(LookFailed, match="is the name of a tag that stands for another commit"):
            await git.commit_of(own.path, name)

    own.git("tag", own_name, "v1.2.0")
    own.git("branch", good[:12], "v1.0.0")
    assert await git.commit_of(own.path, own_name) == own.git("rev-parse", "v1.2.0"), "it is called like its own"
    assert await git.commit_of(own.path, good[:12]) == await git.full_hash(own.path, good[:12]) == good, "a branch is"


async def test_a_repositorys_own_configuration_runs_nothing(own: Repo, tmp_path: Path) -> None:
    missing, ran = "1234567" + "0" * 33, tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "reference-transaction").symlink_to(program)
    for name, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "evil",
        "remote.evil.promisor": "true",
        "remote.evil.url": str(own.path),
        "remote.evil.uploadpack": str(program),
        "core.fsmonitor": str(program),
        "core.hooksPath": str(hooks),
        "core.pager": str(program),
        "core.sshCommand": str(program),
        "log.showSignature": "true",
        "gpg.program": str(program),
    }.items():
        own.git("config", name, value)
    (own.path / ".git/refs/tags/v9").write_text(missing + "\n")

    assert await git.commit_of(own.path, "v9") is None
    assert await git.commit_of(own.path, missing) is None
    assert await git.commit_of(own.path, "v1.1.0") is not None
    for look in (git.versions(own.path), git.log(own.path, "v1.0.0", "v1.1.0"), git.tags_at(own.path, missing)):
        with suppress(LookFailed):
            await look
    assert not ran.exists()


async def test_grafts_do_not_make_a_commit_reachable(own: Repo) -> None:
    lost = own.commit("Rejected")
    own.git("reset", "--quiet", "--hard", "v1.2.0")
    (own.path / ".git/info").mkdir(exist_ok=True)
    (own.path / ".git/info/grafts").write_text(f"{own.git('rev-parse', 'v1.2.0')} {lost}\n")

    assert await git.commit_of(own.path, lost) is None


async def test_the_log_lists_what_one_has_and_the_other_has_not(repo: Repo) -> None:
    found = await git.log(repo.path, "v1.0.0", "v1.2.0")

    assert (found.total, found.unread) == (3, "")
    assert [line.partition(" ")[2] for line in found.lines] == [
        "Faster start (Anna)",
        "Fix the footer (Anna)",
        "Add search (Anna)",
    ]
    assert await git.log(repo.path, "v1.2.0", "v1.0.0") == git.Commits((), 0)


async def test_a_long_log_is_whole_and_a_hostile_subject_is_one_plain_line(own: Repo) -> None:
    for number in range(30):
        own.commit(f"Change {number} \x1b[2J\u202e" + "x" * 500)

    found = await git.log(own.path, "v1.2.0", "HEAD")

    assert (len(found.lines), found.total, found.unread) == (30, 30, "")
    assert all(len(line) <= 120 and line.isprintable() for line in found.lines)


async def test_a_log_that_is_too_long_to_be_read_says_how_many_more_there_are(own: Repo) -> None:
    own.commits(40, "x" * 9_000)

    found = await git.log(own.path, "v1.2.0", "HEAD")

    left = 40 - len(found.lines)
    assert found.total == 40
    assert 20 < len(found.lines) < 40
    assert found.unread == f"of 40 only the newest {len(found.lines)} are listed, and {left} more are not"


async def test_a_shallow_clone_says_that_its_log_is_not_whole(own: Repo, tmp_path: Path) -> None:
    own.commit("Newest")
    address = f"file://{own.path}"
    own.git("clone", "--quiet", "--depth", "2", address, str(tmp_path / "shallow"))

    found = await git.log(tmp_path / "shallow", "HEAD~1", "HEAD")

    assert found.unread.startswith("the repository is a shallow clone")


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


async def test_a_tag_called_like_the_full_name_of_another_one_is_shown_in_full_and_never_meant_by_less(
    own: Repo,
) -> None:
    odd, real = own.git("rev-parse", "v1.0.0"), own.git("rev-parse", "v1.2.0")
    own.git("update-ref", "refs/tags/refs/tags/v1.2.0", odd)

    assert "refs/tags/refs/tags/v1.2.0" in (await git.versions(own.path)).names
    assert await git.tags_at(own.path, odd) == ("refs/tags/refs/tags/v1.2.0", "v1.0.0")
    assert await git.commit_of(own.path, "v1.2.0") == real
    assert await git.commit_of(own.path, "refs/tags/refs/tags/v1.2.0") == odd
    listed = "'refs/tags/v1.2.0' is the name of more than one: refs/tags/refs/tags/v1.2.0, refs/tags/v1.2.0"
    with pytest.raises(LookFailed, match=listed):
        await git.commit_of(own.path, "refs/tags/v1.2.0")
    own.git("update-ref", "-d", "refs/tags/v1.2.0")
    assert await git.commit_of(own.path, "refs/tags/v1.2.0") is None


async def test_a_branch_that_is_called_like_a_tag_makes_the_name_ambiguous_and_the_full_one_does_not(own: Repo) -> None:
    for branch in ("refs/heads/v1.2.0", "refs/remotes/origin/v1.2.0"):
        own.git("update-ref", branch, "v1.0.0")
        with pytest.raises(LookFailed, match=rf"more than one: {branch}, refs/tags/v1\.2\.0\."):
            await git.commit_of(own.path, "v1.2.0")
        own.git("update-ref", "-d", branch)
    own.git("update-ref", "refs/heads/v1.2.0", "v1.0.0")
    assert await git.commit_of(own.path, "refs/tags/v1.2.0") == own.git("rev-parse", "refs/tags/v1.2.0")


async def test_a_tag_s_message_is_its_own_and_has_no_signature(own: Repo) -> None:
    signed = (
        f"object {own.git('rev-parse', 'v1.2.0')}\ntype commit\ntag v1.3.0\n"
        "tagger Anna <anna@corp.example> 1767300000 +0000\n\n"
        "First line\ngoes on\n\nlast\n-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"
    )
    (own.path / "tag").write_text(signed)
    own.git("update-ref", "refs/tags/v1.3.0", own.git("hash-object", "-t", "tag", "-w", "tag"))
    own.git("tag", "--annotate", "--message", "below it", "v1.2.0-rc/one")

    assert await git.tag_message(own.path, "v1.3.0") == "First line\ngoes on\n\nlast"
    assert await git.tag_message(own.path, "refs/tags/v1.3.0") == "First line\ngoes on\n\nlast"
    assert await git.tag_message(own.path, "v1.2.0") == ""
    assert await git.tag_message(own.path, "v1.2.0-rc") == ""
    assert await git.tag_message(own.path, "--all") == ""
    (own.path / "notes").write_text("word " * 100_000)
    own.git("tag", "--annotate", "--file", "notes", "v1.4.0")
    assert 200_000 < len(await git.tag_message(own.path, "v1.4.0")) < 300_000
