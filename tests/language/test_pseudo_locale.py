"""All that people read stands in a catalog: beside catalogs whose sentences are marked, no other text is unmarked."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.language.pseudo import BEGIN, END

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
# How moments are written is no sentence.
_MOMENT = re.compile(r"HH|EEE|yy")
_SENTENCE = re.compile(r'^(msgstr(?:\[\d\])? )"((?:[^"\\]|\\.)+)"$', re.MULTILINE)
# What people, files and programs say on the cards that are drawn, beside names of ours that no language has another of.
_SOURCES = ("tests/browser/test_mail.py", "tests/bot/examples.py", "tests/channels/email/test_cards.py")
_NAMES = "https sayso example requests runs quot ffee decade CET CEST amp lt gt mailto"


@pytest.fixture
def marked(tmp_path: Path) -> dict[str, str]:
    """The variables of a process that reads catalogs in which each German sentence is marked."""
    shutil.copytree(ROOT / "language", tmp_path / "language")
    for file in (tmp_path / "language" / "de").glob("*.po"):
        file.write_text(_SENTENCE.sub(_mark, file.read_text()))
    return os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}


def _mark(found: re.Match[str]) -> str:
    return found[0] if _MOMENT.search(found[2]) else f'{found[1]}"{BEGIN}{found[2]}{END}"'


def _play(words: list[str], marked: dict[str, str], data: str = "") -> subprocess.CompletedProcess[str]:
    # Without -P, and what pytest puts first, the catalogs of the current folder are read.
    return subprocess.run(
        [sys.executable, "-P", *words], env=marked, cwd=ROOT, input=data, capture_output=True, text=True, check=False
    )


def test_all_text_of_each_kind_of_card_is_in_a_catalog_or_is_what_others_said(marked: dict[str, str]) -> None:
    sources = " ".join((ROOT / source).read_text() for source in _SOURCES)
    data = " ".join(re.findall(r"[^\W\d_]+", sources))

    done = _play(["tests/language/pseudo.py"], marked, f"{data} {_NAMES}")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"is_marked": True, "found": {}}


def test_all_text_of_every_page_is_in_a_catalog(marked: dict[str, str], tmp_path: Path) -> None:
    how = ["-q", "--tb=short", "--show-capture=no", "-p", "language", "-o", f"pythonpath={tmp_path}"]
    done = _play(["-m", "pytest", *how, "tests/bot/web/console/pseudo_pages.py"], marked)

    assert done.returncode == 0, done.stdout[-4_000:]
