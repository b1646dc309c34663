"""Every page of the console beside marked catalogs; played by `tests/language/test_pseudo_locale.py` alone."""

import re

from tests.bot.web.console.test_german import GERMAN, pages_of
from tests.kit.opens import opens
from tests.kit.world import World
from tests.language.pseudo import is_marked, left_of
from tests.servers.console import Console

pytestmark = opens(GERMAN)

_NOT_READ = re.compile(r"<(style|script|pre|code)\b.*?</\1>|<!--.*?-->", re.DOTALL)
# A sentence goes on in these.
_WITHIN = re.compile(r"</?(?:a|b|kbd|strong|em|time)\b[^>]*>")
# What people and their files say on these pages, and names that are the same in every language.
DATA = {
    *(
        "Anna",
        "Ames",
        "bo",
        "Bo",
        "Berg",
        "Cy",
        "Cole",
        "Dan",
        "Dorn",
        "clerk",
        "workshop",
        "pair",
        "production",
        "staging",
    ),
    *("Press", "it", "press", "stamp", "cup", "ask", "form", "Where", "City", "Street", "what", "but", "later", "ok"),
    *("deploy", "to", "Re", "Done", "done", "question", "sayso", "corp", "example", "lt", "gt", "trigger", "read"),
    *("answer", "steer", "UTC", "Mo", "Di", "Mi", "Do", "Fr", "Sa", "So", "Jan", "Feb", "März", "Apr", "Mai", "Juni"),
    *("Juli", "Aug", "Sept", "Okt", "Nov", "Dez"),
}


async def test_all_text_of_every_page_is_in_a_catalog(world: World, demo_console: Console) -> None:
    assert is_marked(), "it is played by the test of the pseudo-locale"
    dan = await demo_console.browser("dan", is_demo=True)
    pages = {f"{path} with nothing": await dan.get(path) for path in ("/", "/requests", "/requests?all", "/runs")}
    await dan.submit((await dan.get("/")).form("/as"), "Bo")
    pages |= await pages_of(world, demo_console, dan)

    found: set[tuple[str, str]] = set()
    for path, page in pages.items():
        html = _WITHIN.sub("", _NOT_READ.sub("", page.html))
        found |= {(left, path) for text in re.split(r"<[^>]*>", html) if (left := left_of(text, DATA))}

    assert found == set()
