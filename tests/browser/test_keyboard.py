"""Deciding with the keyboard alone, and never by accident."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import Visitor, state

pytestmark = pytest.mark.long

WHERE = """() => {
    const here = document.activeElement;
    return here.labels?.[0]?.textContent ?? here.ariaLabel ?? here.textContent;
}"""


def test_tab_leads_through_the_card_in_reading_order_and_enter_in_the_reason_decides_nothing(anna: Visitor) -> None:
    page = anna.logs_in()
    anna.asks(page, "deploy v1.2.0 to production")
    expect(page.get_by_text("Card sent to Cy Cole by email")).to_be_visible()
    page.get_by_role("button", name="Bo", exact=True).click()
    expect(page.get_by_role("button", name="Approve")).to_be_visible()

    page.keyboard.press("Tab")
    assert focus(page) == "Skip to the content"
    passed = tab_to(page, "Deny")
    card = passed[passed.index("Change this run") + 1 :]
    assert [words.split(" ")[0] for words in card] == ["Complete", "See", "Reason", "Ask", "Approve", "Deny"], passed

    for _ in range(3):
        page.keyboard.press("Shift+Tab")
    page.keyboard.type("looks right,")
    page.keyboard.press("Enter")
    page.keyboard.type("I read all of it")
    expect(page.get_by_label("Reason")).to_have_value("looks right,\nI read all of it")
    expect(state(page)).to_have_text("waiting")

    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert focus(page) == "Approve"
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing is decided yet.")).to_be_visible()
    tab_to(page, "Approve with this note")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Bo Berg")
    expect(state(page)).to_have_text("done")


def test_the_keys_of_the_waiting_list_lead_to_pages_that_ask_and_decide_nothing(
    anna_with_two_gates: Visitor,
) -> None:
    anna = anna_with_two_gates
    page = anna.logs_in()
    for wanted in ("deploy v1.1.0 to staging", "deploy v1.2.0 to production"):
        page.goto("/")
        run = anna.asks(page, wanted)
        expect(page.get_by_text("Card sent to Cy Cole by email")).to_be_visible()
    page.get_by_role("button", name="Bo", exact=True).click()
    page.goto("/requests")
    expect(page.locator("[data-row]")).to_have_count(2)

    page.keyboard.press("d")
    assert page.url.endswith("/requests"), "without a row nothing is meant"
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert focus(page) == "Deploy v1.1.0 to staging, replacing v1.0.0?"
    page.keyboard.press("x")
    expect(page.get_by_role("checkbox").first).to_be_checked()
    page.keyboard.press("d")
    expect(page.get_by_role("heading", name="Deny this request?")).to_be_visible()
    assert focus(page) == "Reason"
    page.keyboard.type("ad")
    page.get_by_role("link", name="Back, and decide nothing").click()
    page.wait_for_url("**/requests", wait_until="load")

    page.keyboard.press("j")
    page.keyboard.press("j")
    assert focus(page) == "Deploy v1.2.0 to production, replacing v1.0.0?"
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Deploy v1.2.0 to production, replacing v1.0.0?")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_be_focused()
    page.goto(run)
    expect(state(page)).to_have_text("waiting")


def focus(page: Page) -> str:
    """The words of what has the focus."""
    return str(page.evaluate(WHERE)).strip()


def tab_to(page: Page, words: str) -> list[str]:
    """Move the focus to `words` and return what it passes."""
    passed: list[str] = []
    while focus(page) != words:
        assert len(passed) < 60, passed
        page.keyboard.press("Tab")
        passed.append(focus(page))
    return passed
