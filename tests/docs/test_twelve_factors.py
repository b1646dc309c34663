"""docs/twelve-factors.md, typed: each command beside one `sayso dev`, in order, and the lines that it shows."""

import asyncio
import re
import subprocess
from pathlib import Path

from tests.docs.dev import launcher, sayso_dev
from tests.servers.program import environment

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "twelve-factors.md").read_text()
COMMANDS = re.findall(r"```sh\n(.*?)\n```(?:\n```text\n(.*?)\n```)?", PAGE, re.DOTALL)
_ENDS = "\n@@@ this command has ended\n"


async def test_every_command_of_the_page_shows_what_the_page_says(tmp_path: Path) -> None:
    launcher(tmp_path)
    # One shell, for what one command remembers is used by the next.
    script = "\n".join(f"{command}\nprintf '%s' '{_ENDS}'" for command, _ in COMMANDS)

    async with sayso_dev(tmp_path):
        done = await asyncio.to_thread(
            subprocess.run, ["sh", "-eu"], input=script, cwd=tmp_path, env=environment(),
            capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip

    said = done.stdout.split(_ENDS)
    assert done.returncode == 0, f"{COMMANDS[len(said) - 1][0]}: {done.stderr[-2000:]}"
    for (command, shown), output in zip(COMMANDS, said, strict=False):
        for line in shown.splitlines():
            assert line in output, f"{command} does not say {line!r}, but:\n{output}"


def test_each_factor_has_its_section_and_each_section_its_file_and_command() -> None:
    sections = re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]

    assert [section.split(".")[0] for section in sections] == [
        *map(str, range(1, 14)), "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII",
    ]  # fmt: skip
    for section in sections:
        files = re.findall(r"\]\(\.\./([^)]+)\)", section)
        assert files, section
        assert all((TOP / file).is_file() for file in files), files
        assert "```sh\n" in section
