"""`docs/twelve-factors.md`, typed as it stands there beside one `sayso dev`."""

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import pytest

from tests.docs.dev import launcher, sayso_dev
from tests.servers.program import ROOT, environment

DOCS = ROOT / "docs"
PAGE = (DOCS / "twelve-factors.md").read_text()
SECTIONS = re.findall(r"^### (.+)\n\n((?:(?!###? ).*\n)+)", PAGE, re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)\)")
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHOWN = re.compile(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
# What is another one each time.
PASSING = (
    re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)"),
    re.compile(r"(?:\b[A-Z][a-z]{2} )?\b\d{1,2} [A-Z][a-z]{2,8}(?: \d{4})?\b"),
    re.compile(r"\b\d\d:\d\d(?::\d\d)?\b"),
    re.compile(r"\b[0-9a-f]{7,64}\b"),
)
Done = subprocess.CompletedProcess[str]
ACTS = re.compile(r"^mv |^curl .* -d |^\./sayso (?:trigger|answer|pause|resume|cancel|fork) ")


def steady(text: str) -> str:
    """`text` with a sign in place of times and hashes."""
    for each in PASSING:
        text = each.sub("~", text)
    return text


def missing(lines: Sequence[str], said: str) -> str:
    """The first of `lines` that does not stand whole in `said`, below those before it; `…` is anything."""
    rest = iter(steady(said).splitlines())
    for line in lines:
        wanted = re.compile(".*".join(map(re.escape, steady(line).split("…"))))
        if not any(wanted.fullmatch(found) for found in rest):
            return line
    return ""


class Stranger:
    """Types what the page says, and looks again until what it says is there."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder, self._url, self._env = folder, url, environment()
        self._names: dict[str, str] = {}
        self._hands = asyncio.Semaphore(3)
        self.said: dict[str, Done] = {}

    async def types(self, command: str, lines: Sequence[str]) -> None:
        """One command, until its exit code and what it prints are those of the page."""
        async with self._hands:
            await asyncio.to_thread(self._type, command, lines)

    def _type(self, command: str, lines: Sequence[str]) -> None:
        if ACTS.match(command):
            done = self._run(command)
            self._learn(lines, done.stdout)
        else:
            done = self.said.get(self.named(command))
            if done is None or self._differs(command, lines, done):
                done = self._looks(command, lines)
        if differs := self._differs(command, lines, done):
            said = f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
            pytest.fail(f"$ {command}\nThe page shows:\n{differs}\nIt was:\n{said}")

    def _looks(self, command: str, lines: Sequence[str]) -> Done:
        give_up_at, typed = time.monotonic() + 40, command
        while self._differs(command, lines, done := self._run(typed)) and time.monotonic() < give_up_at:
            # A busy machine gets more time for what is ended by a time-out.
            typed = re.sub(r"^timeout (\d+)", lambda found: f"timeout {2 * int(found[1])}", typed)
        self.said[self.named(command)] = done
        return done

    def _differs(self, command: str, lines: Sequence[str], done: Done) -> str:
        """Return where `done` differs from what the page tells of `command`."""
        code = int(found[1]) if (found := re.search(r"# exit (\d)$", command)) else 0
        if done.returncode != code:
            return f"exit {code}"
        return missing([self.named(line) for line in lines], f"{done.stdout}\n{done.stderr}")

    def _run(self, command: str) -> Done:
        if "REQUEST" in command and "REQUEST" not in self._names:
            self._names["REQUEST"] = self._run("./sayso requests").stdout.split()[0]
        typed = self.named(command).replace("http://127.0.0.1:8000", self._url)
        return subprocess.run(
            ["sh", "-c", typed], cwd=self._folder, env=self._env,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def _learn(self, lines: Sequence[str], printed: str) -> None:
        """A name that stands alone, or as the `id` of what was made, means what was printed in its place."""
        told = re.match(r'(?:\{"id":")?(RUN|NEW)\b(?!:)', lines[0]) if lines else None
        new = re.match(r'(?:\{"id":")?(s\d+r-\w+)', printed)
        if told and new:
            self._names[told[1]] = new[1]

    def named(self, text: str) -> str:
        """`text` with what `RUN`, `NEW` and `REQUEST` mean by now."""
        for name, means in self._names.items():
            text = re.sub(rf"\b{name}\b", means, text)
        return text


@pytest.mark.long
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_whoever_types_the_page_sees_what_it_shows(short_path: Path) -> None:
    launcher(short_path)
    for name in ("Procfile", "requirements.lock"):
        (short_path / name).symlink_to(ROOT / name)

    async with sayso_dev(short_path) as url:
        stranger = Stranger(short_path, url)
        typed = SHOWN.findall("".join(BLOCK.findall(PAGE)))
        # What only looks may look at the same time.
        for _, together in groupby(enumerate(typed), lambda each: each[0] if ACTS.match(each[1][0]) else -1):
            await asyncio.gather(*(stranger.types(command, lines.splitlines()) for _, (command, lines) in together))

    [release] = re.findall(r"^release (\w+)$", stranger.said["./sayso agents"].stdout, re.MULTILINE)
    events = stranger.said[stranger.named("./sayso events RUN")].stdout.splitlines()
    assert all(f'"release":"{release}"' in event for event in events)


def test_each_factor_says_in_a_few_lines_what_is_done_where_and_how_to_see_it() -> None:
    assert [title.partition(".")[0] for title, _ in SECTIONS] == [
        *map(str, range(1, 14)),
        *("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"),
    ]
    for title, section in SECTIONS:
        assert len(BLOCK.sub("", section).strip().splitlines()) in range(3, 7), title
        assert SHOWN.findall("".join(BLOCK.findall(section))), title
        assert LINK.search(section), title


def test_every_file_that_the_page_links_to_is_there() -> None:
    linked = LINK.findall(PAGE)

    assert len(linked) > 40
    assert [link for link in linked if not (DOCS / link).exists()] == []


@pytest.mark.parametrize(
    "line", ["done: v1.2.0 is", "done: v1.1.0 is live", "21:00  failed", "deploy@1  00000000  new"]
)
def test_a_line_that_is_not_printed_is_missed(line: str) -> None:
    said = "21:35:10  done: v1.2.0 is live\ndeploy@1  fb243c4b9aa0  old\n"

    assert missing([line], said) == line
    assert missing(["13:01:02  done: … is live", "deploy@1  1111111111  old"], said) == ""
