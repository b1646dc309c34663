"""On a phone the decision is in sight, and everything that can be pressed is as large as a fingertip."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.dev import Dev
from tests.browser.visitor import PHONE, Visitor, state

pytestmark = pytest.mark.long

FINGERTIP = 44
SMALL = """(least) => [...document.querySelectorAll("button, summary, select, textarea, .pick, nav a, .filters a")]
    .map((one) => [one.textContent.trim(), one.getBoundingClientRect()])
    .filter(([, { width, height }]) => height && (height < least || width < least))
    .map(([words, { width, height }]) => `${words}: ${width} x ${height}`)"""


def test_what_is_asked_and_the_buttons_are_in_sight_at_once_and_stay_there(browser: Browser, shared_dev: Dev) -> None:
    with Visitor(browser, shared_dev, viewport=PHONE) as anna:
        page = waiting_page(anna)

        expect(page.get_by_role("heading", name="Deploy v1.2.0 to production, replacing v1.0.0?")).to_be_in_viewport()
        expect(page.get_by_text("Anna Ames asks.")).to_be_in_viewport()
        for name in ("Approve", "Deny"):
            expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
        expect(page.locator(".decide").get_by_text("Expires in 3 h")).to_be_in_viewport(ratio=1)
        page.mouse.wheel(0, 300)
        expect(page.get_by_role("button", name="Approve")).to_be_in_viewport(ratio=1)


def test_everything_that_can_be_pressed_is_as_large_as_a_fingertip(browser: Browser, shared_dev: Dev) -> None:
    with Visitor(browser, shared_dev, viewport=PHONE) as anna:
        page = waiting_page(anna)
        run = page.locator(".beside a").get_attribute("href") or ""
        small: dict[str, list[str]] = {}

        for path in (page.url, run, "/", "/requests", "/runs", "/live", "/keys", "/quarantine", "/mail/bo"):
            page.goto(path)
            small[path] = page.evaluate(SMALL, FINGERTIP)

    assert not {path: found for path, found in small.items() if found}


def test_no_page_scrolls_sideways_also_with_its_menu_open(browser: Browser, shared_dev: Dev) -> None:
    with Visitor(browser, shared_dev, viewport=PHONE) as anna:
        page = waiting_page(anna)
        wide: dict[str, int] = {}

        for path in ("/", "/requests", "/runs", "/live", "/keys", "/policies", "/audit"):
            page.goto(path)
            page.locator(".menu > summary").first.click()
            wide[path] = page.evaluate("document.documentElement.scrollWidth")
        boxes = [cell.bounding_box() for cell in page.locator(".log td").all()]

    assert set(wide.values()) == {PHONE["width"]}
    assert boxes
    assert all(box and box["x"] + box["width"] <= PHONE["width"] for box in boxes)


def waiting_page(anna: Visitor) -> Page:
    """Bo's page of a request that waits for him."""
    page = anna.logs_in(anna.dev.run("login"))
    anna.asks(page, "deploy v1.2.0 to production")
    expect(state(page)).to_have_text("waiting")
    page.get_by_role("button", name="Bo", exact=True).click()
    page.goto(page.locator(".card .more a[href^='/requests/']").get_attribute("href") or "")
    return page
