"""A session that ends while somebody types costs them nothing."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.dev import Dev
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.long

WORDS = "deploy v1.2.0 to production, as agreed on Monday"


def test_what_was_typed_outlives_the_session_and_is_back_in_its_box_until_it_is_sent(
    browser: Browser, shared_dev: Dev
) -> None:
    with Visitor(browser, shared_dev) as anna:
        page = anna.logs_in(shared_dev.run("login"))
        page.get_by_role("textbox", name="What do you need?").fill(WORDS)
        anna.loses_session()

        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.get_by_text("What you typed was not sent and decided nothing.")).to_be_visible()
        expect(page.locator(".kept")).to_have_text(WORDS)
        page = anna.logs_in(shared_dev.run("login"))
        expect(page.get_by_role("textbox", name="What do you need?")).to_have_value(WORDS)

        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.get_by_role("heading", name=WORDS)).to_be_visible()
        page.goto("/")
        expect(page.get_by_role("textbox", name="What do you need?")).to_have_value("")
        anna.complaints[:] = [words for words in anna.complaints if "status of 401" not in words]


def test_what_was_typed_is_forgotten_with_a_log_out(browser: Browser, shared_dev: Dev) -> None:
    with Visitor(browser, shared_dev) as anna:
        page = anna.logs_in(shared_dev.run("login"))
        page.get_by_role("textbox", name="What do you need?").fill(WORDS)

        page.get_by_role("button", name="Log out").click()
        page = anna.logs_in(shared_dev.run("login"))

        expect(page.get_by_role("textbox", name="What do you need?")).to_have_value("")
        assert page.evaluate("localStorage.length") == 0
