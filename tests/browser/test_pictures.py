from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import pictures
from tests.browser.dev import Dev

pytestmark = pytest.mark.long

LARGEST_BYTES = 200_000


def words_in(folder: Path) -> dict[str, list[str]]:
    """What each picture of `folder` says, by the name of its file."""
    return {path.name: path.read_text().splitlines() for path in folder.glob("*.txt")}


def test_the_pictures_of_the_readme_can_be_taken_anew(browser: Browser, dev: Dev, tmp_path: Path) -> None:
    pictures.take(browser, dev, tmp_path)

    taken = {path.name: path.stat().st_size for path in tmp_path.glob("*.png")}
    assert taken.keys() == {path.name for path in pictures.FOLDER.glob("*.png")}
    assert words_in(tmp_path) == words_in(pictures.FOLDER), "take them anew: python -m tests.browser.pictures"
    assert max(taken.values()) < LARGEST_BYTES
