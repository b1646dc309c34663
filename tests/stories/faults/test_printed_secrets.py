"""Secrets that a failing deploy prints where its output is cut, or with something in them that nobody sees."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.events import ToolFinished
from bot.render.redaction import REDACTED
from tests.kit.long import few_of
from tests.kit.shop import a_shop
from tests.kit.world import World
from tests.servers.console import a_console
from tests.stories.faults.test_deploy import release
from tests.stories.mail.test_outcome import attached

TOKEN = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC2fG4"
PASSWORD = "Jk8Lm6Np4Qr2St0Uv9Wx7"
PIECE_CHARS = 6
# Of what was printed cards and mails show the last 2,000 characters.
CUT_CHARS = 2_000
ACROSS = "y" * (CUT_CHARS - len(TOKEN) // 2)
LINK = f"redis://user:{PASSWORD}@host.example"
ACROSS_PASSWORD = "y" * (CUT_CHARS - len("@host.example") - len(PASSWORD) // 2)


@pytest.fixture
async def shop(redis: str, tmp_path: Path, demo: Path) -> AsyncIterator[World]:
    """The shop of an installation that has a secret."""

    def change(world: World) -> None:
        world.environ = {"SAYSO_SECRET_KEY_PREVIOUS": TOKEN}

    async with a_shop(redis, tmp_path / "data", demo, change=change) as world:
        yield world


def pieces_in(text: str) -> list[str]:
    """Return the pieces of the secrets that somebody can read in `text`."""
    pieces = {one[at : at + PIECE_CHARS] for one in (TOKEN, PASSWORD) for at in range(len(one) - PIECE_CHARS + 1)}
    return sorted(piece for piece in pieces if piece in text)


@pytest.mark.parametrize(
    "printed",
    few_of(
        [
            f"{TOKEN}{ACROSS}",
            f"{LINK}{ACROSS_PASSWORD}",
            rf"{TOKEN[:9]}\033[31m{TOKEN[9:18]}\033[0m{TOKEN[18:]} {LINK[:20]}\033[1m{LINK[20:]}",
            rf"{TOKEN[:9]}\342\200\213{TOKEN[9:]} {LINK[:20]}\342\201\240{LINK[20:]}",
        ],
        0,
    ),
    ids=["token across the cut", "password across the cut", "colour", "zero width"],
)
async def test_nothing_of_a_printed_secret_is_kept_or_shown(shop: World, printed: str) -> None:
    release(shop, "v1.2.0", f"#!/bin/sh\nprintf 'begin {printed}'\nexit 3\n")
    record = await shop.opened(await shop.trigger("deploy v1.2.0 to production"))
    await shop.decide("bo", record, "approve")
    run_id = record.request.run_id
    assert (await shop.ended(run_id)).state == "failed"

    events = await shop.events(run_id)
    [error] = [event.error for event in events if isinstance(event, ToolFinished)]
    mails = [await shop.next_mail(person, about="Failed") for person in ("anna", "bo")]
    files = [attached(shop, mail_to, mail)["output.txt"] for mail_to, mail in zip(("anna", "bo"), mails, strict=True)]
    async with a_console(shop) as console:
        browser = await console.browser("anna")
        pages = [(await browser.get(path)).words for path in (f"/runs/{run_id}", f"/requests/{record.request.id}")]

    assert "ended with exit code 3." in error
    assert all(file.startswith("begin ") and REDACTED in file for file in files)
    for text in (*(event.model_dump_json() for event in events), *(mail.text for mail in mails), *files, *pages):
        assert pieces_in(text) == []
