"""Every page on a phone and a desktop, in light and dark: it fits, and axe-core finds nothing serious."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.dev import Dev
from tests.browser.visitor import DESKTOP, PHONE, Visitor, state
from tests.servers.lines import TOP

AXE = TOP / "node_modules" / "axe-core" / "axe.min.js"
# The demo's site in its frame is somebody else's page.
RUN_AXE = """async () => {
    const found = await axe.run(document, { iframes: false, resultTypes: ["violations"] });
    return found.violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
        .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}"""
WIDER = "[document.documentElement, document.querySelector('.top nav') ?? document.body]"
IS_WIDER = f"() => {WIDER}.some((whole) => whole.scrollWidth > whole.clientWidth)"

LONG_WORD = "no" * 150
# Its subject ends with the mark of that card.
LETTER = re.compile(r"^Deploy v1\.2\.0 to production, replacing v1\.0\.0\?")

LOOKS: list[tuple[ViewportSize, Literal["light", "dark"]]] = [
    (DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light"), (PHONE, "dark"),
]  # fmt: skip


@pytest.fixture
def axe() -> Path:
    """The script of axe-core."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed")
    return AXE


@pytest.fixture(scope="module")
def pages(browser: Browser, shared_dev: Dev) -> Mapping[str, str]:
    """Pages by name, of a `sayso dev` in which things have happened: a run is done, one was denied, another waits."""
    with Visitor(browser, shared_dev) as anna:
        page = anna.logs_in()
        done = anna.asks(page, "deploy v1.1.0 to staging")
        expect(state(page)).to_have_text("done")
        page.goto("/")
        denied = anna.asks(page, "deploy v1.1.0 to production")
        denied_request = shown_request(page)
        shared_dev.run("answer", denied_request.rpartition("/")[2], "deny", "--reason", LONG_WORD, "--as", "cy")
        expect(state(page)).to_have_text("denied")
        page.goto("/")
        choice = anna.asks(page, "deploy v1.1.0")
        expect(page.get_by_role("radio", name="staging")).to_be_visible()
        page.goto("/")
        request_id = shared_dev.run("ask", "What is new in v1.2.0?", "--to", "person:anna", "--as", "bo")
        page.goto(open_question := f"/requests/{request_id}")
        expect(page.get_by_label("Your answer")).to_be_visible()
        page.goto("/")
        waiting = anna.asks(page, "deploy v1.2.0 to production")
        request = shown_request(page)
        page.goto("/mail/bo")
        letter = page.get_by_role("link", name=LETTER).get_attribute("href") or ""
    return {
        "first page": "/", "one's requests": "/requests", "all requests": "/requests?all", "request": request,
        "denied request": denied_request, "run that was denied": denied,
        "run that asks for a choice": choice, "request that asks openly": open_question,
        "runs": "/runs", "no runs": "/runs?state=paused", "waiting run": waiting, "run that is done": done,
        "mailbox": "/mail/bo", "empty mailbox": "/mail/anna", "mail": letter, "what is live": "/live",
        "quarantine": "/quarantine", "audit log": "/audit", "policies": "/policies",
        "what if": "/policies?policy=production&at=Sunday+23%3A10",
        "what if wrong": "/policies?policy=production&at=soon",
        "refusal": "/nothing-here",
    }  # fmt: skip


def shown_request(page: Page) -> str:
    """The address of the request on a run's page, once its mails are out."""
    expect(page.get_by_text("Card sent to Cy Cole by email")).to_be_visible()
    return page.locator(".card .more a[href^='/requests/']").get_attribute("href") or ""


@pytest.mark.long
@pytest.mark.parametrize("person", ["Anna", "Bo"])
def test_every_page_fits_every_screen_and_is_accessible(
    browser: Browser, shared_dev: Dev, axe: Path, pages: Mapping[str, str], person: str
) -> None:
    with Visitor(browser, shared_dev, strict=False) as visitor:
        found: dict[str, list[str]] = {}
        for name, path in {"log-in": "/login", "log-in by link": shared_dev.run("login")}.items():
            found[name] = faults(visitor.opens(path), axe)
        page = visitor.logs_in(shared_dev.run("login"))
        page.get_by_role("button", name=person, exact=True).click()
        for name, path in pages.items():
            page.goto(path)
            found[name] = faults(page, axe)
        visitor.complaints[:] = [words for words in visitor.complaints if "status of 404" not in words]

    assert not {name: faults for name, faults in found.items() if faults}


@pytest.mark.long
def test_a_page_that_few_could_read_would_be_told(browser: Browser, shared_dev: Dev, axe: Path) -> None:
    with Visitor(browser, shared_dev, strict=False) as visitor:
        page = visitor.opens("/login")
        page.add_style_tag(content=".quiet { color: #ddd; background: #eee } h1 { width: 700px }")

        found = " ".join(faults(page, axe))

    assert "phone, light: color-contrast" in found
    assert "phone, dark: wider than the screen" in found
    assert "desktop, dark: wider than the screen" not in found


@pytest.mark.long
def test_what_a_page_may_not_do_is_told(browser: Browser, shared_dev: Dev) -> None:
    with Visitor(browser, shared_dev) as visitor:
        page = visitor.opens("/login")
        page.evaluate("document.body.append(Object.assign(document.createElement('script'), { text: 'alert()' }))")

        with page.expect_event("console", lambda message: "Content Security Policy" in message.text):
            page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=\"https://elsewhere.example/\">')")

        assert len(visitor.complaints) == 2
        visitor.complaints.clear()


def faults(page: Page, axe: Path) -> list[str]:
    """Return what is wrong with a page, on any screen."""
    expect(page.get_by_role("heading").first).to_be_attached()
    page.add_script_tag(path=axe)
    found: list[str] = []
    for size, scheme in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        wide = ["wider than the screen"] if page.evaluate(IS_WIDER) else []
        look = f"{'phone' if size == PHONE else 'desktop'}, {scheme}"
        found += [f"{look}: {fault}" for fault in wide + list(page.evaluate(RUN_AXE))]
    return found
