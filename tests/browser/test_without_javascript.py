"""Every page reads, and every form works, where no script runs."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.dev import Dev
from tests.browser.visitor import Visitor, state, version_live
from tests.kit.waiting import wait_until


@pytest.mark.long
def test_the_whole_story_works_without_javascript_by_mail_and_by_card(browser: Browser, dev: Dev) -> None:
    with Visitor(browser, dev, scripts=False) as anna:
        page = anna.logs_in()
        run = anna.asks(page, "deploy v1.2.0 to production")
        wait_until(lambda: page.reload() and "Card sent to Bo Berg" in page.content(), what="the card in Bo's mailbox")
        page.get_by_role("link", name="open Bo's mailbox").click()
        page.get_by_role("link", name="Deploy v1.2.0 to production, replacing v1.0.0?").click()
        page.get_by_label("Reply as Bo Berg").fill("approved, thanks")
        page.get_by_role("button", name="Send the mail").click()
        expect(page.get_by_role("status")).to_contain_text("Sent as Bo Berg, by SMTP")
        page.goto(run)
        wait_until(lambda: page.reload() and state(page).inner_text() == "done", what="the end of the run")

        page.get_by_role("link", name="Ask").click()
        page.get_by_role("button", name="Bo", exact=True).click()
        run = anna.asks(page, "deploy v1.1.0 to production")
        wait_until(lambda: page.reload() and state(page).inner_text() == "waiting", what="the request")
        page.get_by_role("button", name="Cy", exact=True).click()
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_role("status")).to_contain_text("Cy Cole")
        page.goto(run)
        wait_until(lambda: page.reload() and state(page).inner_text() == "done", what="the end of the run")

        page.get_by_role("link", name="Live", exact=True).click()
        expect(version_live(page)).to_have_text("v1.1.0")
