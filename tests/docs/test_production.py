"""The page for who runs sayso: it says of each kind of key what bounds it."""

import inspect

from bot.store.keys import Keys
from tests.docs.test_pages import DOCS


def kinds() -> list[str]:
    """Return each kind of key as the page writes it: `run:…` of a run."""
    keys, found = Keys(0), list[str]()
    for name, member in inspect.getmembers(Keys):
        if name.startswith("_") or name in {"of", "shard"}:
            continue
        wanted = list(inspect.signature(member).parameters.values())[1:] if callable(member) else []
        key = getattr(keys, name)
        named = [one for one in wanted if one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
        text: str = key(*("…" for _ in named)) if callable(member) else key
        found.append(text.removeprefix("{s0}:"))
    return found


def test_the_page_says_of_every_kind_of_key_what_bounds_it() -> None:
    page = (DOCS / "production.md").read_text()

    assert len(kinds()) > 40
    assert [kind for kind in kinds() if f"`{kind}`" not in page] == []
