from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import pictures
from tests.browser.dev import Dev

pytestmark = pytest.mark.long

LARGEST_BYTES = 150_000


def test_the_pictures_of_the_readme_can_be_taken_anew(browser: Browser, dev: Dev, tmp_path: Path) -> None:
    pictures.take(browser, dev, tmp_path)

    taken = {path.name: path.stat().st_size for path in tmp_path.glob("*.png")}
    assert taken.keys() == {path.name for path in pictures.FOLDER.glob("*.png")}
    assert max(taken.values()) < LARGEST_BYTES
