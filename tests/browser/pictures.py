"""Takes the pictures of docs/pictures anew:   .venv/bin/python -m tests.browser.pictures"""

import base64
import re
import struct
import tempfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

from tests.browser.conftest import FLAGS
from tests.browser.dev import Dev
from tests.browser.visitor import PHONE, Visitor, state, version_live
from tests.servers.lines import TOP

FOLDER = TOP / "docs" / "pictures"
WINDOW: ViewportSize = {"width": 1040, "height": 1180}
# Coloured edges of letters look wrong on other screens, and cost a third of the bytes.
FLAT_LETTERS = "--disable-lcd-text"

_VARIES = re.compile(
    r"\bs\d+[a-z]-[a-z2-7]{13}\b|\b[0-9a-f]{64}\b|\b[0-9a-f]{40}\b|\b[0-9a-f]{7}\b|\b\d+ h(?: \d+ min)?\b|\b\d+ min\b"
    r"|(?:\b[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2}(?: \d{4})?, )?\b\d{1,2}:\d\d(?::\d\d)?(?: [A-Z]{2,4})?\b"
    r"|\b\d{1,2} [A-Z][a-z]+ \d{4}\b|\b(?:today|tomorrow|yesterday)\b|\bjust now\b|/(?:tmp|dev/shm)/[\w./-]+"
)

PIXELS = """async (png) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    const pixels = canvas.getImageData(0, 0, image.width, image.height).data.filter((_, at) => at % 4 < 3);
    let text = "";
    for (let at = 0; at < pixels.length; at += 9_000) text += String.fromCharCode(...pixels.subarray(at, at + 9_000));
    return [image.width, image.height, btoa(text)];
}"""


def take(browser: Browser, dev: Dev, folder: Path) -> None:
    """Play the story, and keep what it looks like."""
    with Visitor(browser, dev, viewport=WINDOW) as anna:
        page = anna.logs_in()
        run = anna.asks(page, "deploy v1.2.0 to production")
        expect(page.get_by_text("Card sent to Cy Cole by email")).to_be_visible()
        page.get_by_role("button", name="Bo", exact=True).click()
        expect(page.get_by_role("button", name="Approve")).to_be_visible()
        expect(version_live(page)).to_have_text("v1.0.0")
        keep(page, folder / "waiting.png")

        page.get_by_role("link", name="Open the request").click()
        page.set_viewport_size(PHONE)
        keep(page, folder / "phone.png")

        page.set_viewport_size(WINDOW)
        page.get_by_role("button", name="Approve").click()
        page.goto(run)
        expect(state(page)).to_have_text("done")
        expect(version_live(page)).to_have_text("v1.2.0")
        page.set_viewport_size({**WINDOW, "height": 800})
        keep(page, folder / "done.png")


def keep(page: Page, path: Path) -> None:
    """A picture of what stands on the screen, with nothing half drawn, and beside it what it says."""
    page.wait_for_load_state("load")
    path.with_suffix(".txt").write_text(said(page.locator("section.card").first))
    shot = page.screenshot(animations="disabled", caret="hide")
    path.write_bytes(smaller(page, shot))


def said(part: Locator) -> str:
    """The words of what a picture shows, one line each, without what is another every time: moments, ids and hashes."""
    lines = [" ".join(line.split()) for line in part.inner_text().splitlines()]
    return "".join(f"{_VARIES.sub('…', line)}\n" for line in lines if line)


def smaller(page: Page, png: bytes) -> bytes:
    """The same picture without row filters: they help photographs, and make letters on flat paper a third larger."""
    with page.context.expect_page() as opening:
        page.evaluate("() => { open('about:blank', '_blank', 'noopener') }")
    width, height, pixels = opening.value.evaluate(PIXELS, base64.b64encode(png).decode())
    opening.value.close()
    data = base64.b64decode(pixels)
    rows = b"".join(b"\0" + data[at : at + 3 * width] for at in range(0, len(data), 3 * width))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@contextmanager
def chromium() -> Generator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[*FLAGS, FLAT_LETTERS])


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sayso-") as folder, Dev(Path(folder), Path(folder)) as dev:
        with chromium() as browser:
            take(browser, dev, FOLDER)
        dev.leave()
