"""A Redis of somebody else is backed up and put back by its own means, and sayso says so."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bot.config.settings import Settings, load
from bot.errors import Conflict, Unavailable
from bot.process.backups import back_up, piped, written
from bot.store import Keys
from bot.store.client import Client
from bot.store.client.durability import SHARDS
from bot.store.embedded import EmbeddedRedis
from bot.store.format import FORMAT
from tests.kit.office import TOML
from tests.kit.waiting import until


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings that name a Redis."""
    (tmp_path / "sayso.toml").write_text(TOML)
    return load(tmp_path, {"SAYSO_REDIS_URL": "redis://redis.example", "SAYSO_SECRET_KEY": "s" * 32})


def test_a_redis_that_the_settings_name_is_backed_up_by_its_own_means(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="redis-cli -u URL --rdb FILE"):
        back_up(settings, str(tmp_path / "backup"))

    assert not (tmp_path / "backup").exists()


async def backs_up(data: Path, target: str) -> asyncio.subprocess.Process:
    """`sayso backup`, in a process of its own: it sets up the logs of one."""
    command = [sys.executable, "-c", "from bot.cli import main; main()", "backup", str(data / target)]
    out, err = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    return await asyncio.create_subprocess_exec(*command, "--data", str(data), stdout=out, stderr=err)


async def test_attack_an_older_backup_is_taken_for_one_that_redis_did_not_live_to_write(
    tmp_path: Path, short_path: Path
) -> None:
    (tmp_path / "sayso.toml").write_text(TOML)
    settings = load(tmp_path, {})
    with EmbeddedRedis(settings.data_dir, short_path) as server:
        client = Client(server.start())
        many = [("SET", f"{{s0}}:{number}", number) for number in range(100)]
        await client.read(("SET", SHARDS, 8), ("SET", Keys(0).format, FORMAT), *many)
        assert await (await backs_up(tmp_path, "first")).wait() == 0
        await client.do("CONFIG", "SET", "rdb-key-save-delay", 100_000)  # in microseconds

        async def is_saving() -> bool:
            return bool((await client.do("INFO", "persistence"))["rdb_bgsave_in_progress"])

        second = await backs_up(tmp_path, "second")
        await until(is_saving)
        assert server.process
        server.process.kill()  # as it ends by itself where there is no room for its log
        server.process.wait()
        server.start()

        said, _ = await second.communicate()
        assert (second.returncode, b"began anew" in said) == (1, True)
        await client.close()

    assert not (tmp_path / "second").exists()


def test_a_backup_replaces_none_and_half_of_one_is_never_there(tmp_path: Path) -> None:
    with written(tmp_path / "backup") as file:
        file.write(b"whole")
    with pytest.raises(Conflict, match="exists already"), written(tmp_path / "backup") as file:
        file.write(b"another")
    with pytest.raises(KeyError):
        write_half(tmp_path / "half")

    assert {path.name for path in tmp_path.iterdir()} == {"backup"}
    assert (tmp_path / "backup").read_bytes() == b"whole"
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600


def write_half(path: Path) -> None:
    with written(path) as file:
        file.write(b"half")
        raise KeyError


def test_a_backup_that_standard_output_did_not_take_is_not_said_to_be_made() -> None:
    full = Path("/dev/full").open("wb")  # noqa: SIM115 - closing it fails as well
    with pytest.raises(Unavailable, match="No space left"), piped(full) as file:
        file.write(b"x")
    with suppress(OSError):
        full.close()
