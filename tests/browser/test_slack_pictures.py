"""The pictures of docs/slack.md: a browser draws what the story in Slack looks like."""

import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import slack_pictures
from tests.browser.slack_pictures import FOLDER, Seen
from tests.browser.test_pictures import LARGEST_BYTES, words_in
from tests.servers.lines import TOP

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def seen() -> Iterator[Mapping[str, Seen]]:
    """The story. It is played before there is a browser, beside which nothing async can run."""
    with tempfile.TemporaryDirectory(prefix="sayso-") as folder:
        yield slack_pictures.played(Path(folder))


def test_the_pictures_of_cards_in_slack_can_be_taken_anew(
    seen: Mapping[str, Seen], browser: Browser, tmp_path: Path
) -> None:
    slack_pictures.draw(browser, seen, tmp_path)

    taken = {path.name: path.stat().st_size for path in tmp_path.glob("*.png")}
    shown = re.findall(r"pictures/slack/([\w-]+\.png)", (TOP / "docs" / "slack.md").read_text())
    assert taken.keys() == {path.name for path in FOLDER.glob("*.png")} == {*shown}
    assert words_in(tmp_path) == words_in(FOLDER), "take them anew: python -m tests.browser.slack_pictures"
    assert max(taken.values()) < LARGEST_BYTES
