"""What is live in each environment, asked of the environment itself."""

import asyncio
import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from agents.deploy import live_in
from bot.app import environments_of
from bot.web.console.pages import csp, fragment, hardened, page
from bot.web.here import Here, here


@dataclass(frozen=True, slots=True)
class Place:
    """An environment and what it says is live there, shortly and in full; `url` where visitors see it, if we know."""

    name: str
    short: str
    text: str
    policy: str | None
    url: str


async def shown(request: Request) -> Response:
    """Every environment."""
    process = here(request)
    demo = process.demo.site if process.demo else ""
    return await page(request, "live.html", {"places": await places(process)}, frames=demo or "'none'")


async def part(request: Request) -> Response:
    """The same as a part of another page."""
    return hardened(Response(await panel(request), media_type="text/html"), csp())


async def panel(request: Request) -> str:
    """The part itself."""
    return fragment(request, "_live.html", {"places": await places(here(request))})


async def places(process: Here) -> list[Place]:
    """Every environment as it answers now."""
    environments = environments_of(process.app.settings)
    facts = await asyncio.gather(*(live_in(environment) for environment in environments.values()))
    site = process.demo.site if process.demo else None
    return [
        Place(
            environment.name,
            _short(fact.text),
            fact.text,
            environment.policy,
            f"{site}/{environment.name}/" if site else "",
        )
        for environment, fact in zip(environments.values(), facts, strict=True)
    ]


def _short(text: str) -> str:
    """`v1.2.0 · 63e28bf` for a commit with its tags; what is no commit stays as it is."""
    found = re.fullmatch(r"([0-9a-f]{7})[0-9a-f]{33}(?: \((.+)\))?", text)
    return " · ".join(filter(None, [found[2], found[1]])) if found else text
