"""Repositories elsewhere: our own copy is as new as the look at it, goes by no other settings, and says its age."""

import asyncio
import base64
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from agents.deploy import Environment, deploy_agent
from agents.deploy.lookup import LookFailed
from agents.deploy.repository import git
from agents.deploy.repository.mirror import Remote, refresh, scheme_of
from agents.requests import Effect
from tests.agents.deploy.repos import Repo, make_repo
from tests.kit.long import few_of
from tests.servers import git_hosts
from tests.servers.authority import Authority

TOKEN = "hush-5f2c"


@pytest.fixture
def shop(tmp_path: Path) -> Repo:
    (tmp_path / "hosted").mkdir()
    return make_repo(tmp_path / "hosted" / "shop")


@pytest.fixture
def hosted(shop: Repo) -> Iterator[git_hosts.Web]:
    with git_hosts.web(shop.path.parent) as host:
        yield host


def remote(url: str, folder: Path) -> Remote:
    return Remote(url, folder / "data" / "shop.git")


@pytest.fixture(params=few_of(["file", "https", "ssh", "git"], 0, 1, 2))
def elsewhere(
    request: pytest.FixtureRequest, shop: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Remote]:
    """The shop by each way to a repository."""
    there = remote(f"file://{shop.path}", tmp_path)
    with ExitStack() as servers:
        match request.param:
            case "https":
                authority = Authority(tmp_path / "authority")
                monkeypatch.setenv("GIT_SSL_CAINFO", str(authority.bundle))
                web = servers.enter_context(git_hosts.web(shop.path.parent, token=TOKEN, authority=authority))
                yield replace(there, url=f"{web.url}/shop", token=TOKEN)
            case "git":
                yield replace(there, url=f"{servers.enter_context(git_hosts.daemon(shop.path.parent))}/shop")
            case "ssh" if not Path(git_hosts.SSHD).exists():
                pytest.skip("sshd is not installed: apt-get install openssh-server")
            case "ssh":
                ssh = servers.enter_context(git_hosts.ssh(shop.path, tmp_path / "ssh"))
                yield replace(there, url=ssh.url, ssh_key=ssh.key, known_hosts=ssh.known_hosts)
            case _:
                yield there


async def test_a_tag_that_has_just_come_moved_or_gone_is_so_here(elsewhere: Remote, shop: Repo) -> None:
    assert await refresh(elsewhere) == ()
    new = shop.commit("Sell mint", "v1.3.0")
    shop.git("tag", "--force", "v1.0.0", new)
    shop.git("tag", "--delete", "v1.1.0")

    assert await refresh(elsewhere) == ()

    assert await git.commit_of(elsewhere.mirror, "v1.3.0") == new
    assert await git.commit_of(elsewhere.mirror, "v1.0.0") == new
    assert await git.commit_of(elsewhere.mirror, "v1.1.0") is None


async def test_where_nobody_answers_a_fact_says_why_and_how_old_our_copy_is(shop: Repo, tmp_path: Path) -> None:
    with git_hosts.web(shop.path.parent) as host:
        there = remote(f"{host.url}/shop", tmp_path)
        assert await refresh(there) == ()

    [fact] = await refresh(there)

    assert fact.label == "Repository"
    assert fact.text.startswith(f"{there.url} could not be reached: 'git' failed with exit code 128: ")
    assert " What stands here is as of " in fact.text
    assert "v1.2.0" in (await git.versions(there.mirror)).names


async def test_what_was_never_fetched_is_a_failed_look(tmp_path: Path) -> None:
    with pytest.raises(LookFailed, match="was never fetched: 'git' failed"):
        await refresh(remote(f"file://{tmp_path}/nothing", tmp_path))


async def test_a_token_is_not_carried_to_where_the_host_sends_us(shop: Repo, tmp_path: Path) -> None:
    with git_hosts.web(shop.path.parent) as host, git_hosts.web(shop.path.parent) as other:
        host.moved = other.url
        with pytest.raises(LookFailed):
            await refresh(replace(remote(f"{host.url}/shop", tmp_path), token=TOKEN))

    assert other.asked == []


async def test_many_looks_at_once_share_a_fetch_that_began_after_they_asked(
    shop: Repo, hosted: git_hosts.Web, tmp_path: Path
) -> None:
    there = remote(f"{hosted.url}/shop", tmp_path)
    await refresh(there)
    before = hosted.fetches

    await asyncio.gather(*(refresh(there) for _ in range(20)))

    assert hosted.fetches - before == 1


async def test_a_look_does_not_wait_for_a_slow_host_and_the_fetch_goes_on(
    shop: Repo, hosted: git_hosts.Web, tmp_path: Path
) -> None:
    there = remote(f"{hosted.url}/shop", tmp_path)
    await refresh(there)
    new = shop.commit("Sell mint", "v1.3.0")

    [fact] = await refresh(there, wait_s=0)

    assert "it did not answer within 0 s" in fact.text
    assert await refresh(there) == ()
    assert await git.commit_of(there.mirror, "v1.3.0") == new


async def test_what_a_killed_fetch_left_behind_and_a_clock_that_was_ahead_stop_no_other(
    shop: Repo, tmp_path: Path
) -> None:
    there = remote(f"file://{shop.path}", tmp_path)
    await refresh(there)
    (there.mirror / "refs/tags").mkdir(parents=True, exist_ok=True)
    for left in ("packed-refs.lock", "refs/tags/v1.3.0.lock"):
        (there.mirror / left).touch()
    os.utime(there.mirror / "sayso-fetched", (4e9, 4e9))
    new = shop.commit("Sell mint", "v1.3.0")

    assert await refresh(there) == ()
    assert await git.commit_of(there.mirror, "v1.3.0") == new


async def test_a_host_that_repeats_our_token_shows_it_to_nobody(shop: Repo, tmp_path: Path) -> None:
    with git_hosts.web(shop.path.parent, token="another", repeats=True) as host, pytest.raises(LookFailed) as caught:
        await refresh(replace(remote(f"{host.url}/shop", tmp_path), token=TOKEN))

    assert "[redacted]" in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode() not in str(caught.value)


async def test_an_approval_names_the_repository_by_its_address_on_every_machine(shop: Repo, tmp_path: Path) -> None:
    there = remote(f"file://{shop.path}", tmp_path)
    await refresh(there)
    shop.commit("Add a script")
    (shop.path / "deploy.sh").write_text("#!/bin/sh\n")
    shop.git("add", "deploy.sh")
    shop.commit("Deploy by it", "v2.0.0")
    one = replace(shop.environment_running("./deploy.sh"), remote=there, repo=there.mirror, cwd=shop.path)
    other = replace(one, remote=replace(there, mirror=tmp_path / "elsewhere" / "shop.git"))
    other = replace(other, repo=tmp_path / "elsewhere" / "shop.git")

    effects = [await prepared(environment) for environment in (one, other)]

    assert effects[0].cwd == there.url
    assert effects[0].model_copy(update={"facts": ()}) == effects[1].model_copy(update={"facts": ()})


async def prepared(environment: Environment) -> Effect:
    tool = deploy_agent({"production": environment}).tool("deploy")
    assert tool is not None
    return await tool.prepare(tool.args.model_validate({"version": "v2.0.0", "environment": "production"}))


async def test_settings_of_the_user_and_of_the_repository_have_no_part_in_it(
    shop: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker, home = tmp_path / "ran", tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f'[url "file:///elsewhere/"]\n insteadOf = file://\n[core]\n hooksPath = {home}\n')
    hook = home / "reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {marker}\n")
    hook.chmod(0o755)
    shutil.copy(hook, shop.path / ".git" / "hooks" / "post-checkout")
    monkeypatch.setenv("HOME", str(home))
    there = remote(f"file://{shop.path}", tmp_path)

    await refresh(there)
    shop.commit("Sell mint", "v1.3.0")
    await refresh(there)

    assert not marker.exists()


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("https://git.example/shop.git", "https"),
        ("git@git.example:org/shop.git", "ssh"),
        ("ssh://git@git.example:2222/shop.git", "ssh"),
        ("FILE:///srv/git/shop", "file"),
        ("ext::sh -c x", ""),
        ("/srv/git/shop", ""),
        ("../shop", ""),
        ("shop", ""),
    ],
)
def test_an_address_is_known_by_its_form(url: str, scheme: str) -> None:
    assert scheme_of(url) == scheme
