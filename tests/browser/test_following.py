"""Pages that stay open: they follow what happens, through restarts too, and lose nothing that somebody types."""

from playwright.sync_api import Page, expect

from tests.browser.dev import Dev
from tests.browser.visitor import Visitor, state, version_live

TYPED = "Friday afternoon is a bad time:"


def test_what_is_typed_survives_whatever_happens_to_the_run_meanwhile(anna: Visitor, dev: Dev) -> None:
    page = anna.logs_in()
    run_id = anna.asks(page, "deploy v1.1.0 to production").rpartition("/")[2]
    expect(page.get_by_text("Card sent to Cy Cole by email")).to_be_visible()
    page.get_by_role("button", name="Bo", exact=True).click()
    page.get_by_label("Reason").press_sequentially(TYPED)

    dev.run("pause", run_id, "--as", "anna")
    expect(state(page)).to_have_text("paused")
    still_has_the_focus(page, TYPED)

    dev.run("amend", request_id(page), "version=v1.2.0", "--as", "anna")
    expect(page.get_by_role("heading", name="Deploy v1.2.0 to production?")).to_be_visible()
    expect(page.get_by_text("Changed since the last card")).to_be_visible()
    still_has_the_focus(page, TYPED)

    page.keyboard.type(" Monday.")
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_text(f"{TYPED} Monday.").first).to_be_visible()


def test_lists_follow_what_others_do_and_leave_the_focus_where_it_is(anna: Visitor, dev: Dev) -> None:
    mailbox, page = anna.logs_in(), anna.opens("/")
    mailbox.goto("/mail/bo")
    page.get_by_role("button", name="Bo", exact=True).click()
    expect(page.get_by_text("Nobody waits for you.")).to_be_visible()
    page.get_by_role("textbox", name="What is wanted").fill(TYPED)

    dev.run("trigger", "deploy v1.1.0 to production", "--as", "anna")
    first = page.get_by_role("link", name="Deploy v1.1.0 to production?")
    first.focus()
    expect(mailbox.get_by_role("link", name="Deploy v1.1.0 to production?")).to_be_visible()
    dev.run("trigger", "deploy v1.2.0 to production", "--as", "anna")

    expect(page.get_by_role("link", name="Deploy v1.2.0 to production?")).to_be_visible()
    expect(first).to_be_focused()
    expect(page.get_by_role("textbox", name="What is wanted")).to_have_value(TYPED)
    expect(mailbox.get_by_role("link", name="Deploy v1.2.0 to production?")).to_be_visible()


def test_an_open_page_follows_again_after_everything_was_killed_and_started_anew(anna: Visitor, dev: Dev) -> None:
    page = anna.logs_in()
    anna.asks(page, "deploy v1.2.0 to production")
    expect(page.get_by_text("Card sent to Cy Cole by email")).to_be_visible()
    page.evaluate("window.isTheSame = true")
    look = page.get_by_role("link", name="look").first
    look.focus()

    dev.kill()
    with dev.again() as dev_again:
        request = dev_again.run("requests", "--for", "bo").split()[0]
        dev_again.run("answer", request, "approve", "--as", "bo")

        expect(state(page)).to_have_text("done", timeout=60_000)
        expect(version_live(page)).to_have_text("v1.2.0")
        expect(look).to_be_focused()
        assert page.evaluate("window.isTheSame"), "the page was loaded again"
        page.get_by_role("link", name="Ask").click()
        page.get_by_role("button", name="deploy v1.1.0 to staging").click()
        expect(state(page)).to_have_text("done")
        page.close()
        dev_again.leave()
    anna.complaints[:] = [words for words in anna.complaints if not is_of_a_server_that_was_away(words)]


def is_of_a_server_that_was_away(complaint: str) -> bool:
    """Chromium notes every try."""
    return any(words in complaint for words in ("net::ERR_", "status of 503"))


def request_id(page: Page) -> str:
    """The id that stands on the card."""
    return page.locator(".card header code").inner_text()


def still_has_the_focus(page: Page, typed: str) -> None:
    """The reason is as it was, and goes on."""
    expect(page.get_by_label("Reason")).to_have_value(typed)
    expect(page.get_by_label("Reason")).to_be_focused()
