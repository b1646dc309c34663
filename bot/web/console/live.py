"""What is live, as a page and as a part of other pages."""

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from bot.queries.environments import Place
from bot.web.console.pages import csp, fragment, hardened, page
from bot.web.here import here


@dataclass(frozen=True, slots=True)
class Shown:
    """A place as a page shows it: `short` beside what it says in full; `url` where visitors see it, if we know."""

    place: Place
    short: str
    url: str


async def shown(request: Request) -> Response:
    """Every environment."""
    demo = here(request).demo
    return await page(request, "live.html", {"places": await _places(request)}, frames=demo.site if demo else "'none'")


async def part(request: Request) -> Response:
    """The same as a part of another page."""
    return hardened(Response(await panel(request), media_type="text/html"), csp())


async def panel(request: Request, *, anew: bool = False) -> str:
    """The part itself; `anew` when something has just been changed."""
    return fragment(request, "_live.html", {"places": await _places(request, anew=anew)})


async def _places(request: Request, *, anew: bool = False) -> list[Shown]:
    process = here(request)
    site = f"{process.demo.site}/{{}}/" if process.demo else ""
    places = await process.app.live.places(anew=anew)
    return [Shown(place, _short(place.text), site.format(place.name)) for place in places]


def _short(text: str) -> str:
    """`v1.2.0 · 63e28bf` for a commit with its tags; what is no commit stays as it is."""
    found = re.fullmatch(r"([0-9a-f]{7})[0-9a-f]{33}(?: \((.+)\))?", text)
    return " · ".join(filter(None, [found[2], found[1]])) if found else text
