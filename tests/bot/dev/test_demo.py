"""The demo can be made anywhere, again, and at once by two; its scripts never show half a release."""

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.dev.demo import make_demo
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
        ("staging", "v1.2.0", "not a full commit"),
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
