"""What the first call of its kind makes a web process do keeps it from nobody else."""

import asyncio
from pathlib import Path

import httpx2
import pytest

from tests.kit.office import QUICK, TOML
from tests.kit.programs import KEY, Program
from tests.kit.waiting import PATIENCE_S
from tests.processes.test_reload import keys_of
from tests.servers.redis import RedisServer

pytestmark = pytest.mark.long


async def in_order(url: str, key: str) -> list[str]:
    """The answers of a process in the order in which they came; the first that is asked for wants the most."""
    came, headers = list[str](), {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE_S, trust_env=False) as client:

        async def call(method: str, path: str) -> None:
            answer = await client.request(method, path)
            came.append(f"{method} {path} {answer.status_code} {answer.headers.get('allow', '')}".strip())

        described = asyncio.create_task(call("GET", "/openapi.json"))
        await asyncio.sleep(0)
        others = ("DELETE", "/v1/freeze"), ("GET", "/v1/requests?misspelt=1"), ("GET", "/healthz")
        await asyncio.gather(described, *(call(*other) for other in others))
    return came


def test_the_first_calls_of_a_process_keep_nobody_waiting(tmp_path: Path) -> None:
    """Neither the description, which takes a second or two to make, nor a wrong method, nor an operation."""
    data = tmp_path / "data"
    with RedisServer(tmp_path / "redis") as redis:
        [key] = asyncio.run(keys_of(redis.start().url, data, "bo"))
        (data / "sayso.toml").write_text(TOML)
        environ = {f"SAYSO_{name}": value for name, value in QUICK.items()} | {
            "SAYSO_REDIS_URL": redis.url,
            "SAYSO_SECRET_KEY": KEY,
        }
        with Program(["web", "--port", "0", "--data", str(data)], environ, tmp_path / "web.log") as web:
            *others, last = asyncio.run(in_order(web.wait_for().address(), key))

    assert sorted(others) == ["DELETE /v1/freeze 405 POST", "GET /healthz 200", "GET /v1/requests?misspelt=1 422"]
    assert last == "GET /openapi.json 200"
