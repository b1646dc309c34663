"""`sayso triggers`: what is configured, when it is due, and a command to paste."""

import json
import shutil
import subprocess
from asyncio import to_thread
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.config.settings import load
from bot.doctor.overall import examine
from tests.bot.cli.test_runs import listed
from tests.kit.office import TOML
from tests.kit.programs import environment
from tests.kit.waiting import PATIENCE_S
from tests.kit.world import World, a_world
from tests.servers.web import serving

SECRET = "of-the-releases-0123456789"
TRIGGERS = """
[triggers.nightly]
cron = "0 7 * * *"
timezone = "Asia/Kathmandu"
text = "stamp the night"
requester = "anna"

[triggers.releases]
kind = "webhook"
text = "stamp {release.tag}"
context = {notes = "release.notes"}
id = "delivery"
requester = "anna"

[triggers.tags]
kind = "github"
on = "push"
text = "stamp {tag}"
requester = "anna"
"""


def test_it_lists_each_with_when_it_is_due_next_and_no_secret(tmp_path: Path) -> None:
    told = json.loads(listed(tmp_path, TOML + TRIGGERS, "triggers", "--json"))
    text = listed(tmp_path, TOML + TRIGGERS, "triggers")

    due = datetime.fromisoformat(told["nightly"]["next"])
    assert due.strftime("%H:%M") == "01:15"
    assert timedelta() < due - datetime.now(UTC) <= timedelta(days=1)
    assert (told["releases"]["what"], told["releases"]["has_secret"]) == ("webhook", False)
    assert told["tags"]["url"] == "http://127.0.0.1:8000/v1/triggers/tags"
    assert "secret" not in told["releases"]
    assert "nightly  cron 0 7 * * * in Asia/Kathmandu, next " in text
    assert (
        "releases  webhook: “stamp {release.tag}” for anna  ! its secret is not set here: unless `sayso web` has it"
        in text
    )
    assert "The address is a guess: no `sayso dev` runs here" in text
    assert (told["tags"]["is_url_a_guess"], told["tags"]["secret_known_by"]) == (True, "this command")
    assert "Payload URL: http://127.0.0.1:8000/v1/triggers/tags" in text


def test_the_address_is_the_one_that_is_configured_and_without_triggers_it_says_how_to_make_one(tmp_path: Path) -> None:
    toml = 'public_url = "https://sayso.corp.example"\n' + TOML + TRIGGERS

    assert "Payload URL: https://sayso.corp.example/v1/triggers/tags" in (text := listed(tmp_path, toml, "triggers"))
    assert "guess" not in text
    assert listed(tmp_path, TOML, "triggers").startswith("There are no triggers. A table [triggers.NAME]")


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="curl or openssl is not installed")
async def test_the_command_that_it_prints_works_as_it_is(redis: str, tmp_path: Path) -> None:
    def change(world: World) -> None:
        world.environ = {"SAYSO_TRIGGERS__RELEASES__SECRET": SECRET}

    (tmp_path / "list").mkdir()
    printed = listed(tmp_path / "list", TOML + TRIGGERS, "triggers")
    command = "  BODY=" + printed.partition("  BODY=")[2].partition("tags  github")[0]
    async with a_world(redis, tmp_path / "data", TOML + TRIGGERS, change=change) as world, serving(world.app) as api:
        done = await to_thread(
            subprocess.run, ["sh", "-eu", "-c", command.replace("http://127.0.0.1:8000", api.url)],
            env=environment(SECRET=SECRET), capture_output=True, text=True, check=False, timeout=PATIENCE_S,
        )  # fmt: skip

        assert (done.returncode, done.stderr) == (0, "")
        assert await world.summary(json.loads(done.stdout)["id"]) == "done: ok: stamp TAG: done"


async def test_the_doctor_names_a_secret_and_an_agent_that_are_missing(tmp_path: Path) -> None:
    stale = TRIGGERS.replace("cron =", 'agent = "nobody"\ncron =').replace("nightly", "stale")
    (tmp_path / "sayso.toml").write_text(TOML + TRIGGERS + stale.partition("[triggers.releases]")[0])

    found = await examine(load(tmp_path, {"SAYSO_TRIGGERS__TAGS__SECRET": SECRET}))

    signs = {one.what: (one.sign, one.fix) for one in found if "the trigger" in one.what}
    assert signs["the trigger nightly is set up: cron"] == signs["the trigger tags is set up: github"] == ("✓", "")
    sign, fix = signs["the trigger releases has no secret, so nothing that is posted gets in"]
    assert (sign, fix.partition("=")[0]) == ("✗", "SAYSO_TRIGGERS__RELEASES__SECRET")
    sign, fix = signs["the trigger stale is for the agent nobody, which is not there"]
    assert (sign, fix.partition(":")[0]) == ("✗", "set triggers.stale.agent to one of")
