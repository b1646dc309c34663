"""Chromium, and a `sayso dev` to look at."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.dev import Dev
from tests.browser.visitor import Visitor

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Not for the whole session: as long as it is there, no test can be async."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def dev(tmp_path: Path, short_path: Path) -> Iterator[Dev]:
    """A `sayso dev` of one test's own."""
    with Dev(tmp_path, short_path) as dev:
        yield dev
        if dev.process.poll() is None:
            dev.leave()


@pytest.fixture
def anna(browser: Browser, dev: Dev) -> Iterator[Visitor]:
    """Yield Anna, who started that `sayso dev`, at a desktop."""
    with Visitor(browser, dev) as visitor:
        yield visitor


@pytest.fixture
def anna_with_two_gates(browser: Browser, tmp_path: Path, short_path: Path) -> Iterator[Visitor]:
    """Yield Anna where people are asked before staging as well: of two deploys to one place the newer one replaces
    the other.
    """
    with Dev(tmp_path, short_path) as first:
        first.leave()
        config = tmp_path / "data" / "sayso.toml"
        config.write_text(config.read_text().replace('policy = "nobody is asked"', 'policy = "production"'))
    with first.again() as dev:
        with Visitor(browser, dev) as visitor:
            yield visitor
        dev.leave()


@pytest.fixture(scope="module")
def shared_dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A `sayso dev` for all tests of a file, which only look at it."""
    runtime = Path(tempfile.mkdtemp(prefix="sayso-"))
    with Dev(tmp_path_factory.mktemp("dev"), runtime) as dev:
        yield dev
        dev.leave()
    shutil.rmtree(runtime, ignore_errors=True)
