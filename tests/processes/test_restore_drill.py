"""The drill of docs/production.md: back up under load, lose everything, restore elsewhere, and go on."""

import json
import shutil
import threading
from pathlib import Path

import pytest

from bot.config.data_dir import DataDir
from tests.browser.dev import Dev
from tests.kit.programs import Ended, environment, typed
from tests.kit.waiting import wait_until

WANTED, LOAD = "deploy v1.2.0 to production", "deploy v1.1.0 to staging"


def sayso(folder: Path, runtime: Path, *words: str) -> Ended:
    """What a command prints that needs no `sayso dev`."""
    return typed(*words, "--data", str(folder / "data"), env=environment(XDG_RUNTIME_DIR=str(runtime)))


def listed(dev: Dev, state: str = "") -> list[str]:
    asked = ("--state", state) if state else ()
    runs: list[dict[str, str]] = json.loads(dev.run("runs", *asked, "--json"))
    return [run["id"] for run in runs]


@pytest.mark.long
def test_a_backup_made_under_load_is_restored_elsewhere_and_what_was_asked_is_asked_again(
    tmp_path: Path, short_path: Path
) -> None:
    lost, fresh, file = tmp_path / "lost", tmp_path / "fresh", tmp_path / "sayso.backup"
    for folder in (lost, fresh / "data"):
        folder.mkdir(parents=True)
    (fresh / "data").chmod(0o700)
    with Dev(lost, short_path) as dev:
        first = dev.run("trigger", WANTED, "--as", "anna").split()[0]
        wait_until(lambda: first in listed(dev, "waiting"), what="a request")
        load = [threading.Thread(target=dev.run, args=("trigger", LOAD, "--as", "anna")) for _ in range(3)]
        for one in load:
            one.start()
        made = sayso(lost, short_path, "backup", str(file))
        for one in load:
            one.join()
        again = sayso(lost, short_path, "backup", str(file))
        running = sayso(lost, short_path, "restore", str(file))
        known = {*listed(dev)}
        dev.kill()
    assert (made.code, made.out) == (0, "")
    assert "keys as they were at" in made.err
    assert again.code == 1
    assert "exists already" in again.err
    assert running.code == 1
    assert "End it, and restore into a new data directory" in running.err

    assert sayso(fresh, short_path, "restore").code == 2
    alone = sayso(fresh, short_path, "restore", str(file))
    assert "Put your sayso.toml there first" in alone.err
    toml = (lost / "data" / "sayso.toml").read_text()
    (fresh / "data" / "sayso.toml").write_text(toml.replace(str(lost), str(fresh)))
    shutil.rmtree(lost)
    cut = tmp_path / "cut"
    cut.write_bytes(file.read_bytes()[:-100])
    assert "The Redis server ended at once" in sayso(fresh, short_path, "restore", str(cut)).err
    restored = sayso(fresh, short_path, "restore", str(file))
    assert restored.code == 0, restored.err
    assert "Restored as of" in restored.out
    assert "Everything that needs an approval is frozen" in restored.out
    assert "\n- freezes, and the ends of freezes" in restored.out
    assert "not empty" in sayso(fresh, short_path, "restore", str(file)).err
    assert DataDir(fresh / "data").redis() is None

    with Dev(fresh, short_path) as dev:
        wait_until(lambda: first in listed(dev, "paused"), what="the run is paused")
        assert {*listed(dev, "paused")} <= known
        assert json.loads(dev.run("requests", "--json")) == []
        dev.run("resume", first, "--as", "anna")
        wait_until(lambda: json.loads(dev.run("requests", "--json")), what="the request once more")
        [asked] = json.loads(dev.run("requests", "--json"))
        dev.run("answer", asked["id"], "approve", "--as", "bo", status=1)  # it shows what it is about first
        dev.run("answer", asked["id"], "approve", "--as", "bo")
        dev.run("unfreeze", "--reason", "over", "--as", "anna")
        wait_until(lambda: first in listed(dev, "done"), what="the end of the run")
        dev.leave()
