"""The demo can be made anywhere, again, and at once by two; its scripts never show half a release."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.dev.demo import ENVIRONMENTS, make_demo
from bot.errors import Unavailable


def sh(shop: Path, *argv: str) -> str:
    return subprocess.run(argv, check=True, cwd=shop, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo(tmp_path_factory.mktemp("made") / "demo")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return make_demo(tmp_path / "demo")


def test_the_demo_has_three_releases_whose_commits_are_always_the_same(made: Path, tmp_path: Path) -> None:
    elsewhere = make_demo(tmp_path / "else where" / "demo")

    assert sh(made, "git", "tag").split() == ["v1.0.0", "v1.1.0", "v1.2.0"]
    assert sh(made, "git", "rev-parse", "v1.2.0") == sh(elsewhere, "git", "rev-parse", "v1.2.0")
    assert sh(made, "git", "status", "--porcelain") == ""
    assert sh(made, "git", "log", "--format=%an: %s", "v1.0.0..v1.1.0").splitlines() == [
        "Anna Ames: Show opening hours for Saturdays",
        "Bo Berg: Sell green tea",
    ]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_first_release_is_live_everywhere(made: Path, environment: str) -> None:
    page = made.parent / "site" / environment / "current" / "index.html"

    assert sh(made, "./live.sh", environment) == sh(made, "git", "rev-parse", "v1.0.0")
    assert '<p class="version">v1.0.0</p>' in page.read_text()
    assert "Assam</span><b>4.50" in page.read_text()


def test_every_release_shows_its_own_version(made: Path) -> None:
    for tag in ("v1.0.0", "v1.1.0", "v1.2.0"):
        page = sh(made, "git", "show", f"{tag}:index.html")

        assert page.count(tag) == 2
        assert "{" not in page + sh(made, "git", "show", f"{tag}:style.css").replace("{ ", "")


def test_making_it_again_changes_nothing(shop: Path) -> None:
    commit = sh(shop, "git", "rev-parse", "v1.2.0")
    sh(shop, "./deploy.sh", "staging", commit)

    assert make_demo(shop.parent) == shop
    assert sh(shop, "./live.sh", "staging") == commit


def test_two_may_make_it_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        shops = set(pool.map(make_demo, [tmp_path / "demo"] * 4))

    assert shops == {tmp_path / "demo" / "shop"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo", "trees"]


def test_what_an_interrupted_start_left_is_no_demo(tmp_path: Path) -> None:
    (tmp_path / ".demo.abc" / "shop" / ".git").mkdir(parents=True)

    assert sh(make_demo(tmp_path / "demo"), "./live.sh", "staging")


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")

    with pytest.raises(Unavailable, match="Move it away or empty it"):
        make_demo(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_deploy_puts_a_commit_live_in_one_environment_and_may_be_repeated(shop: Path) -> None:
    commit, before = sh(shop, "git", "rev-parse", "v1.2.0"), sh(shop, "git", "rev-parse", "v1.0.0")

    first, again = sh(shop, "./deploy.sh", "staging", commit), sh(shop, "./deploy.sh", "staging", commit)

    assert first == again == "staging now serves v1.2.0"
    assert sh(shop, "./live.sh", "staging") == commit
    assert sh(shop, "./live.sh", "production") == before
    assert sorted(path.name for path in (shop.parent / "site" / "releases").iterdir()) == sorted([before, commit])


@pytest.mark.parametrize(
    ("environment", "commit", "message"),
    [
        ("../x", "0" * 40, "no such environment"),
        ("", "0" * 40, "no such environment"),
        ("staging", "v1.2.0", "not a full commit"),
        ("staging", "--help", "not a full commit"),
        ("staging", "0" * 40, "not a tree object"),
    ],
)
def test_a_deploy_that_can_not_work_leaves_the_site_as_it_was(
    shop: Path, environment: str, commit: str, message: str
) -> None:
    before = sh(shop, "./live.sh", "staging")

    done = subprocess.run(["./deploy.sh", environment, commit], check=False, cwd=shop, capture_output=True, text=True)

    assert done.returncode != 0
    assert message in done.stderr
    assert sh(shop, "./live.sh", "staging") == before
    assert [path.name for path in (shop.parent / "site" / "releases").iterdir()] == [before]


async def test_readers_see_one_whole_release_while_it_changes(shop: Path) -> None:
    page = shop.parent / "site" / "staging" / "current" / "index.html"
    commits = [sh(shop, "git", "rev-parse", tag) for tag in ("v1.1.0", "v1.2.0")] * 5
    seen: set[str] = set()

    deploying = asyncio.create_task(
        asyncio.to_thread(lambda: [sh(shop, "./deploy.sh", "staging", commit) for commit in commits])
    )
    while not deploying.done():
        seen.add((await asyncio.to_thread(page.read_text)).strip().rpartition("\n")[2])
    await deploying

    assert seen == {"</html>"}


def test_its_looks_tell_how_a_commit_and_an_environment_stand(shop: Path) -> None:
    commit = sh(shop, "git", "rev-parse", "v1.2.0")
    empty = sh(shop, "git", "hash-object", "-t", "tree", "-w", os.devnull)

    assert sh(shop, "../ci.sh", commit) == "passed"
    assert sh(shop, "sh", "-c", f"../ci.sh {empty} 2>&1").endswith("failed: the page has no version")
    assert sh(shop, "../ci.sh", "HEAD") == "unknown: not a full commit"
    assert sh(shop, "../health.sh", "staging") == "the page of staging is fine"
    assert re.fullmatch(r"\S+ at \w{3} \d+ (\d\d:\d\d|\d{4}) UTC", sh(shop, "../last.sh", "staging"))

    (shop.parent / "site" / "staging" / "current" / "index.html").write_text("oops")
    broken = subprocess.run(["../health.sh", "staging"], check=False, cwd=shop, capture_output=True, text=True)
    assert (broken.returncode, broken.stderr) == (1, "the page of staging is broken\n")


# What the scripts of the demo call, beside git.
CALLED = ("sh", "awk", "basename", "cat", "dirname", "grep", "ln", "ls", "mkdir", "mv", "readlink", "rm", "tar")
# The options that POSIX or every BSD knows of those that differ from system to system.
PLAIN = {"mv": "-f", "ls": "-ld", "ln": "-s", "rm": "-rf", "mkdir": "-p", "tar": "-xf -C", "readlink": ""}


def busybox(folder: Path) -> None:
    """Fill `folder` with the programs of busybox."""
    for name in CALLED:
        (folder / name).symlink_to(shutil.which("busybox") or "/nowhere")


def as_strict_as_bsd(folder: Path) -> None:
    """Fill `folder` with this system's programs behind scripts that refuse every option of theirs alone."""
    for name in CALLED:
        program = shutil.which(name)
        if name not in PLAIN:
            (folder / name).symlink_to(program or "/nowhere")
            continue
        known = "|".join([*PLAIN[name].split(), "[!-]*"])
        refuses = f'for one; do case $one in {known}) ;; *) echo "{name}: $one" >&2; exit 64 ;; esac; done'
        (folder / name).write_text(f'#!/bin/sh\n{refuses}\nexec {program} "$@"\n')
        (folder / name).chmod(0o755)


@pytest.mark.parametrize("programs", [busybox, as_strict_as_bsd])
def test_its_scripts_need_no_program_of_one_system_alone(
    shop: Path, tmp_path: Path, programs: Callable[[Path], None]
) -> None:
    folder = tmp_path / "programs"
    folder.mkdir()
    programs(folder)
    (folder / "git").symlink_to(shutil.which("git") or "/nowhere")
    commit = sh(shop, "git", "rev-parse", "v1.2.0")

    def run(*argv: str) -> str:
        """Run a script of the demo with nothing else on its path."""
        where = {"PATH": str(folder)}
        return subprocess.run(
            [str(folder / "sh"), *argv], check=True, cwd=shop, capture_output=True, text=True, env=where
        ).stdout.strip()

    assert run("./deploy.sh", "staging", commit) == "staging now serves v1.2.0"
    assert run("./deploy.sh", "production", commit) == "production now serves v1.2.0"
    assert run("./deploy.sh", "staging", commit) == "staging now serves v1.2.0"
    assert run("./live.sh", "staging") == commit
    assert run("../health.sh", "staging") == "the page of staging is fine"
    assert run("../ci.sh", commit) == "passed"
    assert " at " in run("../last.sh", "staging")
    left = [*(shop.parent / "site").glob("*/.*"), *(shop.parent / "site").glob("*/current/current")]
    assert left == []
