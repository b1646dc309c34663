"""What the doctor says of replicas: whether a start waits for as many as there are, and a master for any."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config.settings import load
from bot.doctor.redis import examine_redis
from tests.servers.redis_cluster import Pair, Watched, ask


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    folder = Path(tempfile.mkdtemp(prefix="sayso-"))
    with Pair(folder) as pair:
        yield pair
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize(
    ("wanted", "sign", "said", "fix"),
    [
        (0, "!", "is 0: where one takes over that lacks the start of a tool", "SAYSO_REDIS_WAIT_REPLICAS=1"),
        (1, "✓", "has the start of a tool before its effect", ""),
        (2, "✗", "is 2: nothing is executed", "bring the replicas back"),
    ],
)
async def test_as_many_replicas_as_there_are_have_a_start_first_or_the_doctor_says_so(
    pair: Pair, wanted: int, sign: str, said: str, fix: str
) -> None:
    url = pair.servers[0].url
    environ = {"SAYSO_REDIS_URL": url, "SAYSO_REDIS_WAIT_REPLICAS": str(wanted), "SAYSO_DATA_DIR": "/nonexistent"}
    settings = load(None, environ, Path("/nonexistent"))

    [found] = [one async for one in examine_redis(settings, url) if "Redis has 1 replica" in one.what]

    assert (found.sign, said in found.what, found.fix.startswith(fix)) == (sign, True, True)


async def test_a_master_under_sentinel_that_takes_writes_without_replicas_is_worth_knowing(short_path: Path) -> None:
    with Watched(short_path, replicas=2) as watched:
        environ = {"SAYSO_REDIS_URL": watched.url, "SAYSO_DATA_DIR": "/nonexistent"}
        settings = load(None, environ, Path("/nonexistent"))

        async def said() -> list[str]:
            return [one.fix async for one in examine_redis(settings, watched.url) if "that was replaced" in one.what]

        assert await said() == []
        ask(watched.master(), "CONFIG", "SET", "min-replicas-to-write", 0)
        assert await said() == ["min-replicas-to-write 1, on every server"]
