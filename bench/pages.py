"""Measure how long the console's pages take among many runs, and how soon an open page shows an event.

`pages.py [--stored 10000] [--events 200]`: one `sayso web` process on an embedded Redis with `appendfsync always`;
workers, the client and Debian's Chromium beside it.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from httpx2 import AsyncClient  # noqa: E402
from playwright.async_api import Page, async_playwright  # noqa: E402

from agents.requests import PersonId, RunId  # noqa: E402
from bench.web import figures, measured, store, web  # noqa: E402
from tests.office import TOML  # noqa: E402
from tests.waiting import until  # noqa: E402
from tests.world import World, a_world  # noqa: E402

_CHROMIUM = "/usr/bin/chromium"
_QUIETLY = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
_AT_ONCE, _LOADS = 200, 60

# Each row of the story bears the time of its event; this notes when it came into the page.
_WATCH = """() => {
  window.seen = new Map();
  const note = () => {
    const now = performance.timeOrigin + performance.now();
    for (const time of document.querySelectorAll('.story time'))
      if (!window.seen.has(time.dateTime)) window.seen.set(time.dateTime, now - Date.parse(time.dateTime));
  };
  note();
  window.seen.forEach((_, at) => window.seen.set(at, -1));
  new MutationObserver(note).observe(document.querySelector('main'), {childList: true, subtree: true});
}"""
_SEEN = "() => [...window.seen.values()].filter(ms => ms >= 0)"


async def loads(world: World, http: AsyncClient) -> None:
    """Ask for pages, one after another, as a browser would without its cache."""
    run = await world.trigger("press it")
    request = (await world.opened(run)).request
    paths = (
        "/",
        "/runs",
        "/runs?state=failed",
        "/requests",
        "/requests?all",
        f"/runs/{run}",
        f"/requests/{request.id}",
    )
    for path in paths:
        took = list[float]()
        for _ in range(_LOADS):
            began = time.perf_counter()
            assert (await http.get(path)).status_code == 200
            took.append(time.perf_counter() - began)
        print(figures(f"GET {path.replace(run, 'RUN').replace(request.id, 'REQUEST')}", took))


async def following(world: World, page: Page, address: str, events: int) -> None:
    """Have events come, one by one, while a page is open on their run."""
    run_id = await world.trigger("press it")
    await world.opened(run_id)
    await world.quiet()
    await page.goto(f"{address}/runs/{run_id}")
    await page.evaluate(_WATCH)
    for number in range(events):
        await world.steering.steer(RunId(run_id), "resume" if number % 2 else "pause", PersonId("anna"))

        async def is_shown(wanted: int = number + 1) -> bool:
            return len(await page.evaluate(_SEEN)) >= wanted

        await until(is_shown, 10, "the page shows the event")
    took_ms: list[float] = await page.evaluate(_SEEN)
    print(figures("event -> DOM", [one / 1e3 for one in took_ms]))
    timing = "performance.getEntriesByType('navigation')[0]"
    print(f"one page in the browser: loaded after {await page.evaluate(f'{timing}.loadEventEnd'):.0f} ms")


async def measure(url: str, folder: Path, wanted: argparse.Namespace) -> None:
    """Everything, on the Redis at `url`."""
    async with a_world(url, folder, TOML) as world, web(world) as address:
        for start in range(0, wanted.stored, _AT_ONCE):
            await asyncio.gather(*(store(world, number) for number in range(start, start + _AT_ONCE)))
        text = await world.app.access.sessions.spend(
            await world.app.access.sessions.link(PersonId("anna"), by="operator")
        )
        cookie = f"sayso-{address.rpartition(':')[2]}"
        async with AsyncClient(base_url=address, cookies={cookie: text or ""}, trust_env=False) as http:
            print(f"among {wanted.stored} runs, time of the server and the way to it:")
            await loads(world, http)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=_CHROMIUM, args=_QUIETLY.split())
            context = await browser.new_context()
            await context.add_cookies([{"name": cookie, "value": text or "", "url": address}])
            await following(world, await context.new_page(), address, wanted.events)
            await browser.close()


def main() -> None:
    """Measure as the command line says, and print the figures."""
    measured(measure, argparse.ArgumentParser(description=__doc__), stored=10_000, events=200)


if __name__ == "__main__":
    main()
