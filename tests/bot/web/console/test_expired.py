"""Whoever types into a page whose session has ended loses nothing, and comes back to it."""

import pytest

from bot.web.console.pages import stood_on
from tests.bot.web.console.stage import asked, place, proof
from tests.kit.world import World
from tests.servers.console import Console, Page, sent

WORDS = "not before the <b>sale</b>"


async def test_what_was_typed_is_given_back_and_logging_in_leads_back_to_the_request(
    world: World, console: Console
) -> None:
    record, bo = await asked(world), await console.browser("bo")
    path, fields = sent((await bo.get(place(record))).form(f"{place(record)}/answer"), "Deny", reason=WORDS)
    await bo.post("/logout", await proof(bo))

    page = Page(await bo.post(path, fields))

    assert page.status == 401
    assert "What you typed was not sent and decided nothing." in page.words
    assert WORDS in page.words
    assert "<b>sale" not in page.html
    assert place(record) in page.links
    assert (await world.request(record.request.id)).state == "open"


async def test_a_form_from_elsewhere_puts_no_words_on_the_log_in_page(world: World, console: Console) -> None:
    record, stranger = await asked(world), console.stranger()

    answer = await stranger.post(f"{place(record)}/answer", {"reason": WORDS}, {"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 401
    assert "sale" not in answer.text


@pytest.mark.parametrize(
    ("sent_to", "page"),
    [
        ("/requests/s3q-p2w4zt6n3c7de/answer", "/requests/s3q-p2w4zt6n3c7de"),
        ("/runs/s3r-p2w4zt6n3c7de/cancel", "/runs/s3r-p2w4zt6n3c7de"),
        ("/mail/bo/1234", "/mail/bo/1234"),
        ("/requests/deny", "/requests"),
        ("/keys", "/keys"),
        ("/keys/abc/revoke", "/keys"),
        ("/ask", "/"),
        ("/requests/../evil/answer", "/requests"),
        ("//evil.example/x", "/"),
    ],
)
def test_a_form_leads_back_to_the_page_that_it_stood_on(sent_to: str, page: str) -> None:
    assert stood_on(sent_to) == page
