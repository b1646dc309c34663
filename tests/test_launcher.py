"""The launcher `./sayso`, in a clone whose locks list no package: everything but the download is as in a real one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]

# Stands in for the program: shows what reaches it.
PROGRAM = """
import os, sys

def main() -> int:
    print(sys.argv[1:], os.getcwd())
    return 7
"""

# What the launcher itself calls, for a PATH with nothing else on it.
TOOLS = ("sh", "cat", "chmod", "cksum", "dirname", "id", "mv", "readlink", "rm")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone in a folder with a space."""
    folder = tmp_path / "a clone"
    (folder / "bot").mkdir(parents=True)
    for name in ("sayso", "pyproject.toml"):
        shutil.copy(TOP / name, folder / name)
    for name in ("requirements.lock", "requirements-dev.lock"):
        (folder / name).touch()
    (folder / "bot" / "cli.py").write_text(PROGRAM)
    return folder


# And this one says how it is started again.
SAYS = """
from bot.command_line import command, name_data

def main() -> None:
    print(command("dev"))
    ends = name_data("a place")
    print(command("dev"))
    ends()
    print(command("stop"))
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder for PATH with what the launcher needs but for Python and uv."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return folder


def python(folder: Path, text: str) -> None:
    (folder / "python3").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "python3").chmod(0o755)


def launch(clone: Path, *args: str, path: Path | None = None, cwd: Path | None = None) -> subprocess.Popen[str]:
    environ = {"PATH": str(path)} if path else None
    return subprocess.Popen(
        [str(clone / "sayso"), *args],
        env=environ,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """(exit code, stdout, stderr)"""
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_what_is_to_be_typed_next_begins_as_sayso_was_begun_and_names_its_data_directory(
    clone: Path, tmp_path: Path
) -> None:
    shutil.copy(TOP / "bot" / "command_line.py", clone / "bot")
    (clone / "bot" / "cli.py").write_text(SAYS)
    bare = subprocess.run(
        [sys.executable, "-c", f"{SAYS}\nmain()"], cwd=TOP, capture_output=True, text=True, check=True
    )

    here, elsewhere = ended(launch(clone, cwd=clone)), ended(launch(clone, cwd=tmp_path))

    assert here[1] == "./sayso dev\n./sayso dev --data 'a place'\n./sayso stop\n", here[2]
    assert elsewhere[1] == f"'{clone}/sayso' dev\n'{clone}/sayso' dev --data 'a place'\n'{clone}/sayso' stop\n"
    assert bare.stdout == "sayso dev\nsayso dev --data 'a place'\nsayso stop\n"


@pytest.mark.long
def test_a_fresh_clone_installs_once_and_then_starts_at_once(clone: Path, tools: Path, tmp_path: Path) -> None:
    python(tools, f'exec {sys.executable} "$@"')

    first = ended(launch(clone, "trigger", "two words", path=tools, cwd=tmp_path))
    second = ended(launch(clone, path=tools))

    assert first[:2] == (7, f"['trigger', 'two words'] {tmp_path}\n")
    assert first[2].splitlines() == [
        "sayso: installing what requirements.lock lists into .venv (first run, or the lock changed): 2 to 30 seconds"
    ]
    assert (second[0], second[2]) == (7, "")


@pytest.mark.long
def test_a_changed_lock_is_installed_and_a_moved_clone_made_anew(clone: Path) -> None:
    ended(launch(clone))
    (clone / "requirements.lock").write_text("# changed\n")

    changed, unchanged = ended(launch(clone)), ended(launch(clone))
    moved = ended(launch(clone.rename(clone.with_name("moved"))))

    assert "installing" in changed[2]
    assert unchanged[2] == ""
    assert "installing" in moved[2]
    assert {changed[0], unchanged[0], moved[0]} == {7}


@pytest.mark.long
def test_what_is_installed_for_tests_is_enough_to_run(clone: Path) -> None:
    made = ended(launch(clone, "--make-venv", "requirements-dev.lock"))

    run = ended(launch(clone))

    assert (made[0], made[1]) == (0, "")
    assert (run[0], run[2]) == (7, "")


@pytest.mark.long
def test_two_launchers_at_once_do_not_disturb_each_other(clone: Path) -> None:
    both = [launch(clone), launch(clone)]

    results = [ended(process) for process in both]

    assert [code for code, _, _ in results] == [7, 7]
    assert sum(err.count("installing") for _, _, err in results) == 1


def test_a_python_that_is_too_old_is_named_with_the_one_needed(clone: Path, tools: Path) -> None:
    python(tools, 'if [ "$1" = --version ]; then echo "Python 3.9.2"; else exit 1; fi')

    code, _, err = ended(launch(clone, path=tools))

    assert code == 1
    assert err == "sayso: needs Python 3.11 or newer; python3 here is Python 3.9.2. Install one: apt install python3\n"


def test_a_missing_venv_module_is_named_with_its_package(clone: Path, tools: Path) -> None:
    python(tools, f'case "$*" in *ensurepip*) exit 1;; *) exec {sys.executable} "$@";; esac')

    code, _, err = ended(launch(clone, path=tools))

    assert code == 1
    assert err.splitlines()[-1].endswith("Install it: apt install python3-venv")
    assert not (clone / ".venv").exists()


def test_locks_hold_hashes_and_no_addresses_and_agree_with_each_other() -> None:
    names = ("requirements.lock", "requirements-test.lock", "requirements-dev.lock")
    run, test, dev = ((TOP / name).read_text() for name in names)

    assert "://" not in run + test + dev
    assert set(run.splitlines()) <= set(test.splitlines()) <= set(dev.splitlines())
