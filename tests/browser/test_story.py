"""The whole story in a browser: Anna asks, Bo answers, the site changes before their eyes."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import Visitor, state, version_live


@pytest.mark.long
def test_anna_asks_in_one_tab_bo_approves_by_mail_in_another_and_her_page_follows(anna: Visitor) -> None:
    page = anna.logs_in()
    anna.asks(page, "deploy v1.2.0 to production")
    page.evaluate("window.isTheSame = true")
    unfolds(page, "v1.2.0")
    expect(version_live(page)).to_have_text("v1.0.0")

    mailbox = anna.opens("/mail/bo")
    mailbox.get_by_role("link", name="Deploy v1.2.0 to production, replacing v1.0.0?").click()
    expect(mailbox.get_by_role("article")).to_contain_text('runs: ["./deploy.sh", "production"')
    mailbox.get_by_label("Reply as Bo Berg").fill("approved, thanks")
    mailbox.get_by_role("button", name="Send the mail").click()
    expect(mailbox.get_by_role("status")).to_contain_text("Sent as Bo Berg, by SMTP")

    expect(state(page)).to_have_text("done")
    expect(page.get_by_text("Bo Berg approves by email")).to_be_visible()
    expect(page.get_by_text("v1.2.0 (ab5fe65) is live in production, verified").first).to_be_visible()
    expect(version_live(page)).to_have_text("v1.2.0")
    assert page.evaluate("window.isTheSame"), "the page was loaded again"


def test_bo_approves_on_the_card_and_the_site_changes(anna: Visitor) -> None:
    page = anna.logs_in()
    page.get_by_role("button", name="deploy v1.2.0 to production").click()
    unfolds(page, "v1.2.0")
    expect(page.get_by_text("You asked for this, so it is not yours to decide.")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)

    page.get_by_role("button", name="Bo", exact=True).click()
    page.get_by_role("link", name="Waiting 1").click()
    page.get_by_role("link", name="Deploy v1.2.0 to production, replacing v1.0.0?").click()
    expect(page.get_by_text("ab5fe65 Give the page a warmer colour (Bo Berg)")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status")).to_contain_text("Bo Berg")

    page.get_by_role("link", name="The run that asks").click()
    expect(state(page)).to_have_text("done")
    expect(page.get_by_text("Bo Berg approves in the console")).to_be_visible()
    expect(version_live(page)).to_have_text("v1.2.0")


def unfolds(page: Page, version: str) -> None:
    """The story comes in while one looks, up to the card and the mail that carries it."""
    expect(page.get_by_role("heading", name=f"Deploy {version} to production, replacing v1.0.0?")).to_be_visible()
    expect(state(page)).to_have_text("waiting")
    expect(page.get_by_text("Card sent to Bo Berg by email")).to_be_visible()
