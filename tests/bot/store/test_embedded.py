import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import pytest

from bot.config.data_dir import DataDir
from bot.errors import Conflict, Unavailable
from bot.store.embedded import EmbeddedRedis, claim_data, find_server
from bot.store.memory import FILE
from tests.kit.waiting import PATIENCE_S, wait_until

TOP = Path(__file__).parents[3]

needs_an_installed_server = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="needs a Redis server beside our own: apt install redis-server"
)
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")

# A process that has a server, as `sayso dev` does: prints the server's process id and lives until it is killed.
PARENT = """
import sys
from pathlib import Path
from bot.store.embedded import EmbeddedRedis

redis = EmbeddedRedis(Path(sys.argv[1]), Path(sys.argv[2]))
redis.start()
print(redis.process.pid, flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Parent:
    """A running PARENT and the process id of its server."""

    process: subprocess.Popen[str]
    server: int

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def sockets() -> Iterator[Path]:
    """A folder with a short path: pytest's own are too long for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="s"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def parent(tmp_path: Path, sockets: Path) -> Iterator[Callable[[], Parent]]:
    """Starts a PARENT for `tmp_path`."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(a_parent(tmp_path, sockets))


@contextmanager
def a_parent(data: Path, sockets: Path) -> Generator[Parent]:
    command = [sys.executable, "-c", PARENT, str(data), str(sockets)]
    with subprocess.Popen(
        command, cwd=TOP, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
    ) as process:
        assert process.stdout
        yield Parent(process, int(process.stdout.readline()))
        process.kill()


def ask(url: str, command: str) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE_S)
        connection.connect(url.removeprefix("unix://"))
        connection.sendall(f"{command}\r\n".encode())
        return connection.recv(4096).decode()


def has_ended(pid: int) -> bool:
    """Return whether the process is gone, or dead and only not yet waited for by whoever inherited it."""
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def a_program(folder: Path, text: str) -> str:
    """A server that does what `text` says."""
    program = folder / "a-server"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return str(program)


def mode(path: str | Path) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


def test_every_write_goes_to_a_disk_that_is_its_owners_and_is_there_on_the_next_start(
    tmp_path: Path, sockets: Path
) -> None:
    data, copy, runtime = tmp_path / "data", tmp_path / "copy", sockets / "run"
    redis = EmbeddedRedis(data, runtime)
    assert DataDir(data).redis() is None
    url = redis.start()
    server = redis.process
    assert server

    assert [mode(data), mode(data / "redis"), mode(runtime)] == [0o700, 0o700, 0o700]
    assert mode(url.removeprefix("unix://")) == 0o600
    for setting, value in (("appendfsync", "always"), ("appendonly", "yes"), ("maxmemory-policy", "noeviction")):
        assert value in ask(url, f"CONFIG GET {setting}")
    ask(url, "SET colour green")
    assert DataDir(data).redis() == url
    shutil.copytree(data, copy)
    assert DataDir(copy).redis() is None, "other processes find the running server, and only it"
    redis.stop()

    assert (server.poll(), redis.process, list(runtime.iterdir())) == (0, None, [])
    assert DataDir(data).redis() is None
    with EmbeddedRedis(data, runtime) as redis:
        assert "green" in ask(redis.start(), "GET colour")
        assert redis.process
        redis.process.kill()
        redis.process.wait()

        assert "green" in ask(redis.start(), "GET colour"), "a killed one is started again with all its data"


@pytest.mark.parametrize("how_far", ["it has read the backup", "it begins its log"])
def test_attack_a_restore_is_killed_before_it_has_a_log_and_the_next_start_is_empty(
    tmp_path: Path, sockets: Path, how_far: str
) -> None:
    with EmbeddedRedis(tmp_path / "before", sockets) as redis:
        url = redis.start()
        ask(url, "SET colour green")
        ask(url, "SAVE")
        backup = redis.dump.read_bytes()
    restored = EmbeddedRedis(tmp_path / "after", sockets)
    url = restored.start(dump=BytesIO(backup))
    if how_far == "it begins its log":
        ask(url, "CONFIG SET rdb-key-save-delay 1000000")
        ask(url, "CONFIG SET appendonly yes")
    assert restored.process
    restored.process.kill()
    restored.stop()

    with pytest.raises(Conflict, match="broke off"):
        restored.start()

    url = restored.start(dump=BytesIO(backup))
    assert "green" in ask(url, "GET colour")
    ask(url, "CONFIG SET appendonly yes")
    wait_until(lambda: "aof_rewrite_in_progress:0" in ask(url, "INFO persistence"))
    restored.stop()
    with restored as redis:
        assert "green" in ask(redis.start(), "GET colour")


@pytest.mark.parametrize("gone", ["appendonlydir/appendonly.aof.manifest", "appendonlydir"])
def test_attack_a_log_that_lost_its_manifest_is_written_over_by_an_empty_one(
    tmp_path: Path, sockets: Path, gone: str
) -> None:
    with EmbeddedRedis(tmp_path, sockets) as redis:
        url = redis.start()
        ask(url, "SET colour green")
        ask(url, "BGREWRITEAOF")
        wait_until(lambda: "aof_rewrite_in_progress:0" in ask(url, "INFO persistence"))
    (tmp_path / FILE).touch()
    lost = tmp_path / "redis" / gone
    lost.rename(tmp_path / "kept")

    with pytest.raises(Conflict, match=r"lacks appendonlydir.*nothing was changed"):
        EmbeddedRedis(tmp_path, sockets).start()

    (tmp_path / "kept").rename(lost)
    with EmbeddedRedis(tmp_path, sockets) as redis:
        assert "green" in ask(redis.start(), "GET colour")


@needs_linux
def test_the_server_ends_when_its_parent_is_killed(parent: Callable[[], Parent], tmp_path: Path, sockets: Path) -> None:
    running = parent()
    ask(DataDir(tmp_path).redis() or "", "SET colour green")

    running.kill()

    wait_until(lambda: has_ended(running.server), what="the end of the server")
    with EmbeddedRedis(tmp_path, sockets) as redis:
        assert "green" in ask(redis.start(), "GET colour")


def test_data_survives_the_death_of_everything_at_once(
    parent: Callable[[], Parent], tmp_path: Path, sockets: Path
) -> None:
    running = parent()
    ask(DataDir(tmp_path).redis() or "", "SET colour green")

    os.kill(running.server, signal.SIGKILL)
    running.kill()

    with EmbeddedRedis(tmp_path, sockets) as redis:
        assert "green" in ask(redis.start(), "GET colour")


def test_a_server_that_outlived_its_parent_is_stopped_before_the_next_one_starts(
    parent: Callable[[], Parent], tmp_path: Path, sockets: Path
) -> None:
    running = parent()
    ask(DataDir(tmp_path).redis() or "", "SET colour green")
    os.kill(running.server, signal.SIGSTOP)  # it can't even hear that its parent died
    running.kill()

    with EmbeddedRedis(tmp_path, sockets, stop_within_s=0.2) as redis:
        assert "green" in ask(redis.start(), "GET colour")

        wait_until(lambda: has_ended(running.server), what="the end of the old server")


def test_a_data_directory_in_use_is_refused_and_the_process_named(
    parent: Callable[[], Parent], tmp_path: Path, sockets: Path
) -> None:
    running = parent()

    with pytest.raises(Unavailable, match=f"in use by the process {running.process.pid}. Stop that one first"):
        EmbeddedRedis(tmp_path, sockets).start()

    assert DataDir(tmp_path).redis()


def test_a_long_path_with_spaces_is_fine(tmp_path: Path, sockets: Path) -> None:
    data = tmp_path / "a b é" / ("x" * 150)

    with EmbeddedRedis(data, sockets):
        assert DataDir(data).redis()


def test_folders_that_can_not_be_used_are_refused_in_words(tmp_path: Path, sockets: Path) -> None:
    (sockets / "planted").symlink_to(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "public").mkdir()
    (tmp_path / "public").chmod(0o1777)
    (tmp_path / "public" / "other").touch()
    for data, runtime, says in (
        (tmp_path, sockets / ("x" * 100), "too long for a socket"),
        (tmp_path / "data", sockets / "planted", "is not ours"),
        (tmp_path / "file" / "data", sockets, r"can't be written \(Not a directory\). Give --data a directory"),
        (tmp_path / "public", sockets, "Give --data a new directory"),
    ):
        with pytest.raises(Unavailable, match=says):
            EmbeddedRedis(data, runtime).start()

    assert mode(tmp_path / "public") & 0o777 == 0o777


def test_the_server_that_comes_with_sayso_is_used_whatever_the_machine_has(
    tmp_path: Path, sockets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # the machine's

    with EmbeddedRedis(tmp_path / "data", sockets) as redis:
        assert "valkey_version:9." in ask(redis.start(), "INFO server")


def test_a_server_that_is_not_there_is_named_and_the_error_says_how_to_install_one() -> None:
    with pytest.raises(Unavailable, match=r"no program keydb-server\. Install one .*apt install redis-server"):
        find_server("keydb-server")


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path, sockets: Path) -> None:
    text = 'case $1 in --version) echo "Redis server v=7.0.0";; *) echo "out of paper" > "${10}"; exit 3;; esac'
    program = a_program(tmp_path, text)

    with pytest.raises(Unavailable, match=r"ended at once \(3\)(?s:.*)out of paper"):
        EmbeddedRedis(tmp_path / "data", sockets, program).start()


@pytest.mark.parametrize("written_by", ["redis 8", "redis 6", "valkey 10", "9", ""])
def test_a_server_is_not_let_near_the_data_of_another_kind_or_of_a_newer_version(
    tmp_path: Path, sockets: Path, written_by: str
) -> None:
    folder = tmp_path / "data" / "redis"
    folder.mkdir(parents=True)
    (folder / "VERSION").write_text(f"{written_by}\n")

    with pytest.raises(Unavailable, match=rf"was written by {written_by}, and .*valkey 9(?s:.*)SAYSO_REDIS_SERVER"):
        EmbeddedRedis(tmp_path / "data", sockets).start()


def test_attack_what_says_whose_the_data_are_is_never_empty_in_between(tmp_path: Path) -> None:
    marker, older = tmp_path / "VERSION", replace(find_server(), version=(8, 0))
    claim_data(older, tmp_path)
    os.utime(marker, (0, 0))
    first = os.open(marker, os.O_RDONLY)

    claim_data(older, tmp_path)
    assert marker.stat().st_mtime == 0, "a start that changes nothing writes nothing"
    claim_data(find_server(), tmp_path)

    assert (os.read(first, 100), marker.read_text()) == (b"valkey 8\n", "valkey 9\n")
    os.close(first)


@pytest.mark.parametrize(
    ("says", "problem"),
    [
        ("Redis server v=6.0.16 sha=00000000:0", r"is version 6\.0, and 6\.2 or newer is needed"),
        ("KeyDB server v=6.3.4", "does not tell its version"),
        ("", "does not tell its version"),
    ],
)
def test_a_server_that_is_too_old_or_unknown_is_named(tmp_path: Path, says: str, problem: str) -> None:
    program = a_program(tmp_path, f'echo "{says}"')

    with pytest.raises(Unavailable, match=f"{program} {problem}"):
        find_server(program)


@needs_an_installed_server
def test_another_server_can_be_named_and_ours_is_not_let_near_its_data(tmp_path: Path, sockets: Path) -> None:
    with EmbeddedRedis(tmp_path, sockets, "redis-server") as redis:
        assert "valkey" not in ask(redis.start(), "INFO server")
        ask(redis.start(), "SET colour green")

    with pytest.raises(Unavailable, match=r"was written by redis \d"):
        EmbeddedRedis(tmp_path, sockets).start()

    with EmbeddedRedis(tmp_path, sockets, "redis-server") as redis:
        assert "green" in ask(redis.start(), "GET colour")
