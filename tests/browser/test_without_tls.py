"""A console under a name of a company's own network, without TLS: browsers say less there of where a form stood."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.conftest import FLAGS
from tests.browser.dev import Dev
from tests.kit.waiting import PATIENCE_S

pytestmark = pytest.mark.long

NAME = "sayso.corp.example"


class Named(Dev):
    """One that people reach under a name."""

    def __init__(self, folder: Path, runtime: Path) -> None:
        super().__init__(folder, runtime)
        self._environ["SAYSO_PUBLIC_URL"] = f"http://{NAME}"


def test_people_log_in_and_ask(tmp_path: Path, short_path: Path) -> None:
    with Named(tmp_path, short_path) as dev, sync_playwright() as playwright:
        resolved = f"--host-resolver-rules=MAP {NAME} 127.0.0.1"
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=[*FLAGS, resolved])
        page = chromium.new_page()
        page.set_default_timeout(1_000 * PATIENCE_S)
        page.goto(dev.link.replace(NAME, f"{NAME}:{dev.url.rpartition(':')[2]}"))
        assert NAME in page.url

        page.get_by_role("button", name="Open the console").click()
        page.get_by_role("textbox", name="What do you need?").fill("deploy v1.2.0 to production")
        page.get_by_role("button", name="Ask", exact=True).click()

        expect(page.get_by_role("heading", name="deploy v1.2.0 to production")).to_be_visible()
        chromium.close()
        dev.leave()
