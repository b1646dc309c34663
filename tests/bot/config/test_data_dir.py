"""The data directory: small files for its owner only, made once for all processes."""

import fcntl
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.config.data_dir import DataDir, LocalServer
from bot.config.settings import Settings
from bot.errors import Invalid


def test_a_name_is_made_once_however_many_ask_for_it_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(DataDir(tmp_path).host) for _ in range(64)]
    names = [one.result() for one in asked]

    assert len(set(names)) == 1
    assert len(names[0]) == 16
    assert [file.name for file in tmp_path.iterdir()] == ["host"]


def test_what_is_noted_is_read_whole_and_only_by_its_owner(tmp_path: Path) -> None:
    home = DataDir(tmp_path / "data")
    home.note("mail.json", "old")

    home.note("mail.json", "new")

    assert home.read("mail.json") == "new"
    assert home.read("other.json") is None
    assert stat.S_IMODE((tmp_path / "data" / "mail.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_without_a_key_of_its_own_an_installation_makes_one_and_keeps_it(tmp_path: Path) -> None:
    [key] = DataDir(tmp_path).keys(Settings())

    assert DataDir(tmp_path).keys(Settings()) == [key]
    assert len(key) == 64


@pytest.mark.parametrize("left", ["", "\n"], ids=["nothing", "an empty line"])
def test_attack_a_key_whose_file_was_emptied_signs_nothing(tmp_path: Path, left: str) -> None:
    DataDir(tmp_path).keys(Settings())
    (tmp_path / "secret.key").write_text(left)

    with pytest.raises(Invalid, match=r"secret\.key is empty"):
        DataDir(tmp_path).keys(Settings())


def test_processes_that_share_a_redis_must_share_a_key(tmp_path: Path) -> None:
    shared = Settings.model_validate({"redis_url": "redis://redis.example"})

    with pytest.raises(Invalid, match="SAYSO_SECRET_KEY is not, so replies could not be recognised"):
        DataDir(tmp_path).keys(shared)


def test_while_keys_rotate_the_new_one_comes_first(tmp_path: Path) -> None:
    rotating = Settings.model_validate({"secret_key": "new" * 16, "secret_key_previous": "old"})

    assert DataDir(tmp_path).keys(rotating) == [b"new" * 16, b"old"]


def test_it_is_known_which_keys_of_the_audit_log_are_only_made_of_another(tmp_path: Path) -> None:
    home, shared = DataDir(tmp_path), {"secret_key": "b" * 32, "secret_key_previous": "a", "redis_url": "redis://x"}
    without = Settings.model_validate(shared)
    both = Settings.model_validate(shared | {"audit_key": "c" * 32})

    derived = home.derived_audit_keys(both)

    assert len(set(derived)) == 2
    assert home.audit_keys(both) == [b"c" * 32, *derived]
    assert home.audit_keys(without) == home.derived_audit_keys(without) == derived
    assert home.derived_audit_keys(Settings()) == []


def test_a_server_is_there_for_as_long_as_the_process_that_announced_it(tmp_path: Path) -> None:
    here, commands = DataDir(tmp_path), DataDir(tmp_path)
    before = commands.is_served()
    here.announce(LocalServer("http://127.0.0.1:1", "http://127.0.0.1:1", {}, ()))
    during = commands.is_served()
    here.withdraw()

    assert (before, during, commands.is_served()) == (False, True, False)


def test_a_command_that_looks_at_the_same_moment_is_no_server(tmp_path: Path) -> None:
    lock = tmp_path / "server.lock"
    lock.touch()

    with lock.open() as looking:
        fcntl.flock(looking, fcntl.LOCK_EX)
        assert not DataDir(tmp_path).is_served()
