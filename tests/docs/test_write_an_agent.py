"""`docs/write-an-agent.md`, followed as it stands there, by somebody who has an empty folder and a clone."""

import asyncio
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from prompts import parse
from tests.docs.dev import launcher, sayso_dev
from tests.kit.programs import TOP, environment
from tests.kit.waiting import wait_until

PAGE = (TOP / "docs" / "write-an-agent.md").read_text()
FILES = dict(re.findall(r"^\*\*`([\w.]+)`\*\*\n\n```\w+\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
COMMANDS = "".join(re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)).splitlines()


@pytest.fixture
def garage(short_path: Path) -> Path:
    """The folder, with what the page says to write."""
    for name, text in FILES.items():
        (short_path / name).write_text(text)
    return short_path


class Stranger:
    """Types the commands of the page, and waits for what it says comes of them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._request = folder, ""
        self._env = environment(PATH=f"{launcher(folder).parent}:/usr/bin:/bin")
        self.said: list[str] = []

    def trusts(self) -> None:
        """Say that the folder is one's own."""
        assert "parking:parking_agent" in self._run(["sayso", "trust"])

    def types(self, command: str) -> None:
        """Type one line, until it has something to say."""
        words = shlex.split(command)
        if "ID" in words:
            words[words.index("ID")] = self._request
        says = wait_until(lambda: self._run(words), 120, f"an answer to {command!r}")
        self.said.append(says)
        if words[:2] == ["sayso", "requests"]:
            self._request = says.split()[0]

    def _run(self, words: list[str]) -> str:
        done = subprocess.run(
            words, cwd=self._folder, env=self._env, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        is_there = words[1:2] != ["requests"] or (self._is_new(done.stdout))
        is_over = words[1:] != ["runs"] or "done" in done.stdout
        return done.stdout if is_there and is_over else ""

    def _is_new(self, listed: str) -> bool:
        found = re.match(r"s\d+q-\w+", listed)
        return found is not None and found[0] != self._request


@pytest.mark.long
async def test_a_stranger_who_follows_the_page_has_an_agent_that_asks_and_acts_once(garage: Path) -> None:
    stranger = Stranger(garage)
    stranger.trusts()
    async with sayso_dev(garage):
        for command in COMMANDS:
            await asyncio.to_thread(stranger.types, command)

    agents, _, question, answered, approval, _, runs, book = stranger.said
    assert "parking  reserves parking spots for guests" in agents
    assert "Which spot?" in question
    assert "; Anna Ames)" in question
    assert "Anna Ames answered" in answered
    assert "Reserve north?" in approval
    assert 'reserve {"guest": "Vera", "spot": "north"}' in approval
    assert re.search(r"decides\s+Bo Berg", approval)
    assert "done" in runs
    assert re.fullmatch(r"north: Vera \(\S+\)\n", book)


@pytest.mark.long
def test_the_tests_of_the_page_pass_with_nothing_but_pytest(garage: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=garage, timeout=100,
        env=environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"), capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout
    assert not (garage / "book.txt").exists()


def test_an_agent_with_a_question_and_a_gated_tool_has_fewer_than_forty_lines() -> None:
    code = FILES["parking.py"]

    assert len([line for line in code.splitlines() if line.strip() and not line.startswith('"""')]) < 40
    assert "RequestHumanInput(" in code
    assert "gate=" in code
    assert max(len(line) for line in code.splitlines()) <= 120


def test_a_test_of_it_has_ten_lines() -> None:
    _, _, body = FILES["test_parking.py"].partition("\ndef ")

    assert len([line for line in body.splitlines() if line.strip()]) <= 10


def test_the_first_prompt_of_the_page_is_one_that_the_agent_can_use() -> None:
    rendered = parse("parking", FILES["parking.md"].encode()).render({"description": "parks", "tools": "reserve"})

    assert rendered.startswith("You are the parking agent: parks.")
