"""`sayso keys create`: a key alone for a script, and in a terminal what to paste beside it."""

import asyncio
import os
import shlex
import subprocess
import sys

from tests.bot.cli.shell import beside, leave_word_of_redis
from tests.kit.waiting import PATIENCE_S
from tests.kit.world import World
from tests.servers.lines import TOP

WORDS = ("keys", "create", "--service", "ci", "--holder", "anna", "--scope", "ask", "--acts-for", "anna", "--asks")


async def test_who_makes_a_key_in_a_terminal_pastes_a_line_that_asks(world: World) -> None:
    leave_word_of_redis(world)
    async with beside(world) as api:
        key, pasted = await in_a_terminal(world, *WORDS, "person:bo")
        [call] = [part for part in pasted.strip().split("\n\n") if part.startswith("curl:")]
        _, *words = shlex.split(call.partition("\n")[2])

        answer = await api.with_key(key).post("/v1/requests", content=words[-1], headers=heads(words))

    assert (answer.status_code, answer.json()["title"]) == (201, "The program ci asks: May staging-three go?")
    assert words[1] == f"{api.url}/v1/requests"
    assert f"claude mcp add --transport http sayso {api.url}/mcp --header 'Authorization: Bearer {key}'" in pasted
    assert f'"Authorization": "Bearer {key}"' in pasted


def heads(words: list[str]) -> dict[str, str]:
    """The headers of a call of curl."""
    pairs = [words[at + 1].split(": ") for at, word in enumerate(words) if word == "-H"]
    return {name: value for name, value in pairs}  # noqa: C416 - two of them


async def in_a_terminal(world: World, *words: str) -> tuple[str, str]:
    """The one line that a command prints to its terminal, and what it says beside it."""
    ours, theirs = os.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from bot.cli import main; main()", *words, "--data", str(world.folder), cwd=TOP,
        env={"PATH": os.environ["PATH"], "HOME": str(world.folder), "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(theirs)
    _, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    out = os.read(ours, 10_000).decode()
    os.close(ours)
    return out.strip(), err.decode()
