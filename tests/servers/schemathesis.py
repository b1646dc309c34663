"""schemathesis as a program of its own, over a served sayso."""

import asyncio
import sys
from pathlib import Path

from tests.kit.world import World
from tests.servers.web import Api

# An answer that does not fit what its request asks is refused with 422, and
# no schema can say which one fits; nor which options can be told apart, whom a
# key may ask, which events make a run, whom somebody may hand a request on to,
# which arguments can be changed, or what is a moment.
_REFUSING = (
    "answerRequest",
    "importRun",
    "openRequest",
    "explainPolicy",
    "setAbsence",
    "delegateRequest",
    "editRequest",
    "askForStanding",
)
_CONFIG = "\n".join(
    f"""
[[operations]]
include-operation-id = "{name}"
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "422", "429"]
"""
    for name in _REFUSING
)

_OPEN = ("press it", "ask free_text why?", "ask yes_no really?", "ask choices which? | a, b", "ask form what? | a, b")


async def fuzz(world: World, api: Api, *, seconds: int, seed: int) -> tuple[int, str]:
    """(exit code, what it said) of so many seconds, all checks on, with a key that may do everything.

    There are open requests of every format, for it to find and to answer.
    """
    for text in _OPEN * 5:
        await world.opened(await world.trigger(text))
    folder = world.folder
    _, key = await api.key("bo", "admin", acts_for=("anna",), asks=("group:release", "policy:production"))
    config = folder / "schemathesis.toml"
    config.write_text(_CONFIG)
    program = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "schemathesis"), f"--config-file={config}", "run",
        f"{api.url}/openapi.json", f"--header=Authorization: Bearer {key}", "--checks=all", f"--max-time={seconds}",
        f"--seed={seed}", "--no-color", "--request-timeout=60", "--continue-on-failure",
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await program.communicate()
    return program.returncode or 0, said.decode(errors="replace")
