"""The desk of `docs/using.md`, with its table, its file and its commands as they stand there."""

import json
import re
from asyncio import create_subprocess_exec, subprocess
from pathlib import Path

import pytest

from tests.docs.dev import launcher, sayso_dev
from tests.kit.programs import TOP, environment
from tests.kit.waiting import until

PAGE = (TOP / "docs/using.md").read_text().partition("\n## The desk\n")[2]
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def block(language: str) -> str:
    """The one block in a language."""
    [found] = [text for name, text in BLOCKS if name == language]
    return str(found)


@pytest.mark.long
async def test_the_desk_of_the_page_answers_a_stranger_as_it_says(tmp_path: Path) -> None:
    launcher(tmp_path)
    (tmp_path / "desk" / "knowledge").mkdir(parents=True)
    (tmp_path / "desk" / "sayso.toml").write_text(block("toml"))
    (tmp_path / "desk" / "knowledge" / "refunds.md").write_text(block(""))

    async def run(command: str) -> str:
        program = await create_subprocess_exec(
            "sh", "-eu", "-c", command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE
        )
        said, _ = await program.communicate()
        assert program.returncode == 0, command
        return said.decode()

    async def letter(read: str) -> dict[str, str] | None:
        lines = (await run(f"{read} --json")).splitlines()
        return json.loads(lines[-1]) if lines else None

    write, bo, approve, eve = block("sh").splitlines()
    async with sayso_dev(tmp_path, SAYSO_DATA_DIR=str(tmp_path / "desk")):
        assert "Sent to help@corp.example as eve@shop.example." in await run(write)
        card = await until(lambda: letter(bo), what="a card")
        assert "You get your money back within 14 days." in card["text"]
        await run(approve.replace("ID", card["id"]))
        answer = await until(lambda: letter(eve), what="an answer")

    assert answer["text"].strip() == "Hello,\n\nYou get your money back within 14 days.\n\nYour Corp team"
