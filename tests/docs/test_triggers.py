"""The triggers of `docs/using.md`, with their table and its commands as they stand there."""

import json
import re
import shutil
import subprocess
from asyncio import to_thread
from pathlib import Path

import pytest

from tests.kit.office import TOML
from tests.kit.programs import TOP, environment
from tests.kit.world import a_world
from tests.servers.web import serving

SECRET = "of-the-releases-0123456789"


def block(language: str) -> str:
    """The one block in a language."""
    part = (TOP / "docs/using.md").read_text().partition("\n## Triggers\n")[2].partition("\n## ")[0]
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", part, re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="curl or openssl is not installed")
async def test_a_program_that_signs_as_it_says_starts_one_run(redis: str, tmp_path: Path) -> None:
    toml = TOML + block("toml").replace('agent = "deploy"', "")

    async with a_world(
        redis, tmp_path / "data", toml,
        change=lambda world: setattr(world, "environ", {"SAYSO_TRIGGERS__RELEASES__SECRET": SECRET}),
    ) as world, serving(world.app) as api:  # fmt: skip
        told = await to_thread(
            subprocess.run, ["sh", "-eu", "-c", block("sh") * 2], capture_output=True, text=True, check=False,
            timeout=60, env=environment(URL=api.url, SECRET=SECRET),
        )  # fmt: skip

        assert (told.returncode, told.stderr) == (0, "")
        first, again = (json.loads(line) for line in told.stdout.replace("}{", "}\n{").splitlines())
        assert first == {"trigger": "releases", "id": first["id"], "is_repeat": False}
        assert again == first | {"is_repeat": True}
        started = (await world.events(first["id"]))[0].model_dump()
        assert started["text"] == "deploy v1.2.0 to staging"
        assert started["context"] == {"trigger": "releases", "notes": "faster"}
