"""Plays schemathesis against a whole sayso over HTTP: every operation of the OpenAPI description, all checks on.

`fuzzing.py [--seconds 180] [--seed N]` serves on an embedded Redis of its own; exit code 1 when anything is amiss.
"""

import argparse
import asyncio
import logging
import random
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bot.process.logging import configure  # noqa: E402
from bot.store.embedded import EmbeddedRedis  # noqa: E402
from tests.office import TOML  # noqa: E402
from tests.servers.schemathesis import fuzz  # noqa: E402
from tests.servers.web import serving  # noqa: E402
from tests.world import a_world  # noqa: E402


async def _fuzz(url: str, folder: Path, seconds: int, seed: int) -> int:
    toml = TOML.replace("1000/h", "1000000/h")
    async with a_world(url, folder, toml) as world, serving(world.app, longest_wait_s=0.2) as api:
        code, said = await fuzz(world, api, seconds=seconds, seed=seed)
    print(said)
    return code


def main() -> int:
    """Fuzz for as long as the command line says; the exit code is schemathesis's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311 - not for secrets
    wanted = parser.parse_args()
    configure(json=True, secrets=[], level=logging.ERROR)
    folder = Path(tempfile.mkdtemp(prefix="sayso-"))
    try:
        with EmbeddedRedis(folder, folder / "run") as redis:
            return asyncio.run(_fuzz(redis.start(), folder / "data", wanted.seconds, wanted.seed))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
