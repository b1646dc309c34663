"""A browser of somebody's own: it notes whatever a page complains about."""

import re
from types import TracebackType
from typing import Self

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, ViewportSize, WebError, expect

from tests.browser.dev import Dev
from tests.kit.waiting import PATIENCE_S

# A busy machine is not a failure.
WITHIN_MS = 1_000 * PATIENCE_S
DESKTOP: ViewportSize = {"width": 1200, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}

expect.set_options(timeout=WITHIN_MS)


class Visitor:
    """A browser with cookies of its own, before a `sayso dev`, while the context is open.

    `complaints` is what its pages wrote to the console as errors or warnings, such as violations of their
    Content-Security-Policy, and what their scripts threw. Not `strict`: pages may do what that policy forbids.
    """

    def __init__(
        self, browser: Browser, dev: Dev, viewport: ViewportSize = DESKTOP, *, scripts: bool = True, strict: bool = True
    ) -> None:
        self.dev, self.complaints = dev, list[str]()
        self._context = browser.new_context(
            base_url=dev.url, viewport=viewport, java_script_enabled=scripts, bypass_csp=not strict
        )
        self._context.set_default_timeout(WITHIN_MS)
        self._context.on("console", self._hear)
        self._context.on("weberror", self._catch)

    def __enter__(self) -> Self:
        """Ready to open pages."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close it. Raises AssertionError for complaints, unless something else failed before."""
        self._context.close()
        assert error or not self.complaints, self.complaints

    def opens(self, path: str) -> Page:
        """A new tab with that page."""
        page = self._context.new_page()
        page.goto(path)
        return page

    def logs_in(self, link: str = "") -> Page:
        """A new tab with the first page, by `link` or the one that `sayso dev` printed."""
        page = self.opens(link or self.dev.link)
        page.get_by_role("button", name="Open the console").click()
        expect(page.get_by_role("heading", name="What do you need?")).to_be_visible()
        return page

    def loses_session(self) -> None:
        """The session is over, as when it has expired: nobody has pressed anything."""
        self._context.clear_cookies()

    def asks(self, page: Page, text: str) -> str:
        """Ask on the first page; the address of the run that begins."""
        page.get_by_role("textbox", name="What do you need?").fill(text)
        page.get_by_role("button", name="Ask", exact=True).click()
        page.wait_for_url(re.compile(r"/runs/s"))
        return page.url

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.page.url if message.page else ''}: {message.text}")

    def _catch(self, error: WebError) -> None:
        self.complaints.append(str(error.error))


def state(page: Page) -> Locator:
    """Return the element that says how the run of this page stands: its first word."""
    return page.locator("#run .state").first


def version_live(page: Page) -> Locator:
    """The version on the site that the page frames, as visitors see it."""
    return page.frame_locator("iframe[title^=production]").locator(".version")
