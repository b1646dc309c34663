"""A command runs once and its result is kept, whoever dies and whenever."""

import asyncio
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bot
from agents import CommandResult
from agents.deploy.lookup import patterns_of
from bot.errors import Unavailable
from bot.execution.runner import Command, Lost, NeverStarted, Runner
from bot.execution.runner_child import Order
from bot.execution.runner_files import Given, Places, take_claim, take_lock, write_result
from tests.kit.waiting import PATIENCE_S, until

NO_REDIS = "redis://127.0.0.1:1/0"
LONG_S = 60.0


class Bench:
    """A data directory, a runner, and a pair of named pipes through which a command says and hears."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.places = Places(self.data_dir)
        self.runner = Runner(self.data_dir, NO_REDIS, kill_after_s=0.3)
        for name in ("says", "hears"):
            os.mkfifo(folder / name)

    async def sh(
        self, script: str, attempt: str = "a1", lock: str = "deploy-staging", timeout_s: float = LONG_S
    ) -> CommandResult | NeverStarted | Lost:
        return await self.run("sh", "-c", script, attempt=attempt, lock=lock, timeout_s=timeout_s)

    async def run(
        self, *argv: str, attempt: str = "a1", lock: str = "deploy-staging", timeout_s: float = LONG_S
    ) -> CommandResult | NeverStarted | Lost:
        return await self.runner.run(attempt, Command(argv, self.folder, lock, timeout_s))

    async def said(self) -> str:
        """Return what a command wrote to `says`, which blocks it until somebody listens."""
        return await asyncio.wait_for(asyncio.to_thread((self.folder / "says").read_text), PATIENCE_S)

    async def tell(self) -> None:
        """Let a command go on that reads `hears`."""
        await asyncio.wait_for(asyncio.to_thread((self.folder / "hears").write_text, "go\n"), PATIENCE_S)

    def worker(self, moment: str, script: str, attempt: str = "a1") -> subprocess.Popen[bytes]:
        """A process of its own, in a session of its own, that runs `script`."""
        order = Order(
            data_dir=str(self.data_dir), redis_url=NO_REDIS, attempt_id=attempt, argv=["sh", "-c", script],
            cwd=str(self.folder), lock="deploy-staging", timeout_s=LONG_S,
        )  # fmt: skip
        program = [sys.executable, "-m", "tests.bot.runner_worker", moment, json.dumps(asdict(order))]
        # Where the locale is C, Python adds to its own environment.
        env = os.environ | {"LANG": "C", "LC_ALL": ""}
        return subprocess.Popen(program, cwd=Path(bot.__file__).parents[1], env=env, start_new_session=True)

    def has_run(self) -> list[str]:
        """The lines that commands added to `log`."""
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


TALKS = "echo run >>log; echo $PPID >says; read word <hears; echo heard $word"
HEARD = CommandResult(0, "heard go\n")


async def test_a_command_gives_its_exit_code_and_output_and_no_shell_environment_or_input_of_ours_reaches_it(
    bench: Bench,
) -> None:
    assert await bench.sh("echo out; echo err >&2; exit 3") == CommandResult(3, "out\nerr\n")
    assert await bench.sh("kill -9 $$", "a2") == CommandResult(-9, "")
    words = await bench.run("printf", "%s|", "$HOME", "a b", "; id", attempt="a3")
    assert words == CommandResult(0, "$HOME|a b|; id|")
    environment, typed = await bench.run("env", attempt="a4"), await bench.run("cat", attempt="a5")
    assert isinstance(environment, CommandResult)
    assert {line.partition("=")[0] for line in environment.output.splitlines()} <= {"PATH", "HOME", "LANG"}
    assert typed == CommandResult(0, "")


async def test_a_command_that_is_not_there_says_what_to_correct(bench: Bench) -> None:
    (bench.folder / "plain.txt").write_text("no program")

    missing = await bench.run("./nothing.sh")
    plain = await bench.run("./plain.txt", attempt="a2")
    nowhere = await bench.runner.run("a3", Command(["true"], bench.folder / "gone", "deploy", LONG_S))

    assert isinstance(missing, CommandResult)
    assert isinstance(plain, CommandResult)
    assert isinstance(nowhere, CommandResult)
    assert (missing.exit_code, plain.exit_code, nowhere.exit_code) == (127, 127, 127)
    assert "cannot start './nothing.sh'" in missing.output
    assert "No such file or directory. Correct the command in the settings" in missing.output
    assert "Permission denied" in plain.output
    assert f"its folder {bench.folder / 'gone'} is not there" in nowhere.output


async def test_the_same_attempt_never_runs_twice_and_one_of_which_nothing_is_found_is_lost(bench: Bench) -> None:
    first = await bench.sh("echo run >>log; echo once")
    again = await bench.sh("echo run >>log; echo twice")
    adopted = await bench.runner.adopt("a2")
    late = await bench.sh("echo run >>log", "a2")

    assert first == again == CommandResult(0, "once\n")
    assert adopted == late == await bench.runner.adopt("a2") == Lost()
    assert bench.has_run() == ["run"]
    shutil.rmtree(bench.data_dir)
    assert await bench.runner.adopt("a1") == Lost(), "a folder that is put back does not say that it never started"


@pytest.mark.parametrize("is_over", [True, False], ids=["over", "running"])
async def test_attack_a_copy_of_a_data_directory_from_before_a_command_does_not_say_that_it_never_started(
    bench: Bench, tmp_path: Path, *, is_over: bool
) -> None:
    await bench.sh("true", "a0")
    shutil.copytree(bench.data_dir, tmp_path / "copy")
    running = asyncio.create_task(bench.sh(TALKS))
    await bench.said()
    if is_over:
        await bench.tell()
        await running

    assert await Runner(tmp_path / "copy", NO_REDIS).adopt("a1") == Lost()

    if not is_over:
        await bench.tell()
        assert await running == HEARD


async def test_a_runner_that_is_late_loses_to_an_adopter(bench: Bench) -> None:
    bench.places.make()
    held = take_lock(bench.places.lock("deploy-staging"))
    with bench.worker("spawned", "echo run >>log") as worker:
        assert worker.wait(20) == -signal.SIGKILL

    adopted = await bench.runner.adopt("a1")
    os.close(held)

    # The waiting runner has the lock before this one, finds its attempt taken, and leaves without running it.
    assert await bench.sh("echo next >>log", "a2") == CommandResult(0, "")
    assert adopted == Lost()
    assert bench.has_run() == ["next"]


async def test_a_worker_killed_during_the_command_leaves_it_to_its_successor(bench: Bench) -> None:
    with bench.worker("waiting", TALKS) as worker:
        await bench.said()
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(20)

    adopting = asyncio.create_task(bench.runner.adopt("a1"))
    await bench.tell()

    assert await adopting == HEARD
    assert bench.has_run() == ["run"]


async def test_a_worker_killed_after_the_command_leaves_its_result(bench: Bench) -> None:
    with bench.worker("waiting", "echo run >>log; echo over $LC_CTYPE") as worker:
        assert worker.wait(20) == 0

    assert await bench.runner.adopt("a1") == CommandResult(0, "over\n")
    assert await bench.runner.adopt("a1") == CommandResult(0, "over\n")
    assert bench.has_run() == ["run"]


async def test_no_signal_that_stops_a_worker_stops_its_runner(bench: Bench) -> None:
    running = asyncio.create_task(bench.sh(TALKS))
    runner_pid = int(await bench.said())

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(runner_pid, number)
    await bench.tell()

    assert await running == HEARD


async def test_cancelling_detaches_and_two_adopters_get_the_same_result_and_one_may_be_cancelled(bench: Bench) -> None:
    running = asyncio.create_task(bench.sh(TALKS))
    await bench.said()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    adopting = [asyncio.create_task(bench.runner.adopt("a1")) for _ in range(2)]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bench.runner.adopt("a1"), 0.3)
    await bench.tell()

    assert await asyncio.gather(*adopting) == [HEARD, HEARD]
    assert bench.has_run() == ["run"]


async def test_a_killed_runner_is_lost_to_its_worker_and_to_adopters(bench: Bench) -> None:
    running = asyncio.create_task(bench.sh(TALKS))
    runner_pid = int(await bench.said())
    adopting = asyncio.create_task(bench.runner.adopt("a1"))

    os.kill(runner_pid, signal.SIGKILL)

    assert await running == Lost()
    assert await adopting == Lost()
    assert await bench.runner.adopt("a1") == Lost()
    await bench.tell()  # the orphaned command ends


# The folder of claims and results takes no files any more, as on a disk that is full.
FILLS = "mv data/attempts data/before; : >data/attempts"


async def test_attack_a_command_whose_result_no_file_can_keep_or_nobody_can_read_is_lost_and_no_error(
    bench: Bench,
) -> None:
    await bench.sh("echo run >>log")
    for broken in (b"", b"{", b"{}", b"[]"):
        bench.places.result("a1").write_bytes(broken)
        assert await bench.runner.adopt("a1") == Lost(), broken

    assert await bench.sh(f"echo run >>log; {FILLS}", "a2") == Lost()
    assert await bench.runner.adopt("a2") == Lost()
    assert bench.has_run() == ["run"] * 2


async def test_attack_a_runner_that_can_have_no_lock_is_told_of_and_begins_nothing(bench: Bench) -> None:
    bench.places.make()
    (bench.data_dir / "locks").rmdir()
    (bench.data_dir / "locks").write_text("")

    with pytest.raises(Unavailable, match="File exists"):
        await bench.sh("echo run >>log")

    assert bench.has_run() == []


async def test_attack_a_runner_that_ends_before_it_asks_is_told_of_and_begins_nothing(bench: Bench) -> None:
    running = asyncio.create_task(bench.sh(TALKS))
    first = int(await bench.said())
    waiting = asyncio.create_task(bench.sh("echo late >>log", "a2"))
    [second] = await until(lambda: who_opened(bench.places.lock("deploy-staging")) - {first})

    os.kill(second, signal.SIGKILL)

    with pytest.raises(Unavailable, match="ended before it began"):
        await waiting
    await bench.tell()
    assert await running == HEARD
    assert bench.has_run() == ["run"]


def who_opened(file: Path) -> set[int]:
    """The processes that have a file open."""
    found = set[int]()
    for process in Path("/proc").glob("[0-9]*"):
        # A process or a file of it may be gone by the time that it is looked at.
        with suppress(OSError):
            for opened in (process / "fd").iterdir():
                with suppress(OSError):
                    if opened.readlink() == file:
                        found.add(int(process.name))
    return found


async def test_commands_under_one_lock_run_one_after_the_other(bench: Bench) -> None:
    alone = "mkdir alone && echo run >>log && rmdir alone"

    found = await asyncio.gather(*(bench.sh(alone, f"a{number}") for number in range(6)))

    assert found == [CommandResult(0, "")] * 6
    assert bench.has_run() == ["run"] * 6


async def test_a_command_gets_its_variables_and_what_is_hidden_of_them_is_kept_nowhere(bench: Bench) -> None:
    script = 'echo "$REGION $TOKEN $TOKEN-2"; tr "\\0" " " </proc/$$/cmdline'
    env = {"REGION": "eu-1", "TOKEN": "hush-5f2c"}
    command = Command(["sh", "-c", script], bench.folder, "deploy", LONG_S, "", env, patterns_of(["hush-5f2c"]))

    found = await bench.runner.run("a1", command)

    assert isinstance(found, CommandResult)
    assert found.output.startswith("eu-1 [redacted] [redacted]-2\n")
    kept = [path.read_bytes() for path in bench.data_dir.rglob("*") if path.is_file()]
    assert kept
    assert not any(b"hush" in content for content in kept)


async def test_a_secret_at_the_cut_of_a_long_output_is_kept_nowhere(bench: Bench) -> None:
    script = (
        "head -c 499990 /dev/zero | tr '\\0' x; printf hush-5f2c; for n in $(seq 40); do head -c 50000 /dev/zero; done"
    )
    hidden = patterns_of(["hush-5f2c"])

    found = await bench.runner.run("a1", Command(["sh", "-c", script], bench.folder, "deploy", LONG_S, hidden=hidden))

    assert isinstance(found, CommandResult)
    assert found.is_cut
    assert "hu" not in found.output


async def test_a_command_that_gets_its_turn_too_late_never_starts(bench: Bench) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)

    found = await bench.runner.run("a1", Command(["sh", "-c", "echo run >>log"], bench.folder, "deploy", LONG_S), past)

    assert (found, bench.has_run()) == (NeverStarted(), [])


async def test_a_command_is_asked_about_once_it_is_its_turn_and_begins_only_if_it_is_still_wanted(bench: Bench) -> None:
    log = Command(["sh", "-c", "echo run >>log"], bench.folder, "deploy-staging", LONG_S)
    order: list[str] = []

    async def still() -> bool:
        order.append("asked")
        return len(order) == 1

    running = asyncio.create_task(bench.sh(TALKS))
    await bench.said()
    waiting = [asyncio.create_task(bench.runner.run(attempt, log, None, still)) for attempt in ("a2", "a3")]
    other = await bench.sh("echo other", "a4", lock="deploy-production")
    assert other == CommandResult(0, "other\n"), "commands under two locks do not wait for each other"
    assert order == [], "it is not their turn"
    await bench.tell()
    found = await asyncio.gather(running, *waiting)

    assert found[0] == HEARD
    assert NeverStarted() in found
    assert CommandResult(0, "") in found
    assert bench.has_run() == ["run", "run"]


async def test_what_its_runner_was_not_told_never_starts_though_that_died_and_could_not_say_so(bench: Bench) -> None:
    async def still() -> bool:
        [runner_pid] = who_opened(bench.places.lock("deploy"))
        os.kill(runner_pid, signal.SIGKILL)
        return False

    command = Command(["sh", "-c", "echo run >>log"], bench.folder, "deploy", LONG_S)
    assert await bench.runner.run("a1", command, None, still) == NeverStarted()
    assert bench.has_run() == []


async def test_a_worker_killed_while_it_is_asked_leaves_an_attempt_that_never_starts(bench: Bench) -> None:
    with bench.worker("asked", "echo run >>log") as worker:
        assert worker.wait(20) == -signal.SIGKILL

    assert await bench.sh("echo next >>log", "a2") == CommandResult(0, "")
    assert await bench.runner.adopt("a1") == NeverStarted()
    assert bench.has_run() == ["next"]


async def test_a_command_that_waits_for_its_turn_does_not_begin_once_its_worker_has_left(bench: Bench) -> None:
    async def still() -> bool:
        raise AssertionError("the worker has left")

    running = asyncio.create_task(bench.sh(TALKS))
    await bench.said()
    log = Command(["sh", "-c", "echo run >>log"], bench.folder, "deploy-staging", LONG_S)
    waiting = asyncio.create_task(bench.runner.run("a2", log, None, still))
    await bench.sh("true", "a3", lock="deploy-production")
    waiting.cancel()
    await asyncio.wait([waiting])
    assert await bench.runner.adopt("a2") == NeverStarted()
    await bench.tell()

    assert await running == HEARD
    assert await bench.sh("true", "a4") == CommandResult(0, "")
    assert bench.has_run() == ["run"]


async def test_a_time_out_ends_the_whole_group_even_if_it_will_not_listen(bench: Bench) -> None:
    deaf = "trap '' TERM; echo begun; (exec 9>says; read word <hears) & read word <hears"
    says = os.open(bench.folder / "says", os.O_RDONLY | os.O_NONBLOCK)

    def is_held_by_nobody() -> bool:
        with suppress(BlockingIOError):
            return os.read(says, 1) == b""
        return False

    found = await bench.sh(deaf, timeout_s=0.3)

    assert found == CommandResult(None, "begun\n")
    await until(is_held_by_nobody, what="nobody of the group holds the pipe any more")
    os.close(says)


async def test_a_time_out_asks_first(bench: Bench) -> None:
    polite = "trap 'echo bye; exit 0' TERM; echo begun; while :; do :; done"
    bench.runner = Runner(bench.data_dir, NO_REDIS, kill_after_s=PATIENCE_S)

    found = await bench.sh(polite, timeout_s=1)

    assert found == CommandResult(None, "begun\nbye\n")


async def test_a_background_process_that_holds_the_output_keeps_nobody_waiting_and_one_that_closes_it_is_waited_for(
    bench: Bench,
) -> None:
    found = await bench.sh("cat hears & echo over")
    await bench.tell()
    assert found == CommandResult(0, "over\n")

    running = asyncio.create_task(bench.sh("echo out; exec >&- 2>&-; echo >says; read word <hears; exit 4", "a2"))
    await bench.said()
    await bench.tell()

    assert await running == CommandResult(4, "out\n")


async def test_a_large_output_keeps_its_head_and_its_tail_and_one_that_fits_is_whole(bench: Bench) -> None:
    found = await bench.sh("echo first; yes 0123456789 | head -c 3999996; echo last")
    fits = await bench.sh(r"yes x | head -c 900000; printf '\377\000é'", "a2")

    assert isinstance(found, CommandResult)
    assert found.is_cut
    assert found.output.startswith("first\n0123456789\n")
    assert found.output.endswith("\nlast\n")
    assert "bytes left out" in found.output
    assert 900_000 < len(found.output) < 1_100_000
    assert fits == CommandResult(0, "x\n" * 450_000 + "\ufffd\x00é")


async def test_files_are_private_and_the_command_keeps_the_usual_mask(bench: Bench) -> None:
    before = os.umask(0o027)
    try:
        bench.places.make()
        found = await bench.sh("umask")
    finally:
        os.umask(before)

    files = [path for path in bench.data_dir.rglob("*") if path.is_file()]
    folders = [path for path in bench.data_dir.rglob("*") if path.is_dir()]
    assert found == CommandResult(0, "0027\n")
    assert {path.suffix for path in files} == {".lock", ".claim", ".result"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}


CLAIMS = """
import sys
from pathlib import Path
from bot.execution.runner_files import take_claim
sys.addaudithook(lambda event, args: print(args[0]) if event == "open" else None)
take_claim(Path(sys.argv[1]), "runner")
"""


def test_a_claim_is_had_only_once_its_folder_outlives_a_power_cut_as_well(bench: Bench) -> None:
    bench.places.make()
    claim = bench.places.claim("a1")

    opened = subprocess.run([sys.executable, "-c", CLAIMS, claim], check=True, capture_output=True, text=True).stdout

    assert opened.splitlines()[-1] == str(claim.parent), "which is synced after the claim is made"


def test_results_go_after_a_week_and_claims_stay_so_that_nothing_seems_never_started(bench: Bench) -> None:
    bench.places.make()
    for attempt in ("old", "new"):
        claim = take_claim(bench.places.claim(attempt), "runner")
        assert claim is not None
        os.close(claim)
        write_result(bench.places.result(attempt), Given(0, "", is_cut=False))
    eight_days_ago = bench.places.claim("new").stat().st_mtime - 8 * 24 * 3600
    for path in (bench.places.claim("old"), bench.places.result("old")):
        os.utime(path, (eight_days_ago, eight_days_ago))

    bench.places.remove_old(bench.places.claim("new").stat().st_mtime)

    left = {path.name for path in bench.places.claim("old").parent.iterdir()}
    assert left == {"old.claim", "new.claim", "new.result"}


@given(st.text(max_size=20), st.text(max_size=20))
def test_every_name_has_a_file_of_its_own_inside_its_folder(one: str, other: str) -> None:
    places = Places(Path("data"))

    paths = {places.lock(one), places.lock(other)}

    assert {path.parent for path in paths} == {Path("data/locks")}
    assert len(paths) == len({one, other})
