"""Pages that stay open: they follow what happens, through restarts too, and lose nothing that somebody types."""

import json
import re
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.browser.dev import Dev
from tests.browser.visitor import Visitor, state, version_live
from tests.kit.waiting import wait_until

pytestmark = pytest.mark.long

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

    # As when somebody drags the corner of the box; the policy in the headers lets no script copy that style.
    page.locator("textarea").evaluate("box => { box.style.height = '9rem'; }")
    dev.run("answer", request_id(page), "edit", "--set", "version=v1.2.0", "--as", "anna")
    expect(page.get_by_role("heading", name="Deploy v1.2.0 to production, replacing v1.0.0?")).to_be_visible()
    expect(page.get_by_text("Changed since the last card")).to_be_visible()
    still_has_the_focus(page, TYPED)

    page.keyboard.type(" Monday.")
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_text(f"{TYPED} Monday.").first).to_be_visible()


def test_what_is_ticked_and_the_button_that_has_the_focus_stay_when_a_card_is_another(anna: Visitor, dev: Dev) -> None:
    page = anna.logs_in()
    request = asked(dev, "Which one?", "--option", "left", "--option", "right")
    page.get_by_role("button", name="Bo", exact=True).click()
    expect(page.get_by_role("button", name="Bo", exact=True)).to_have_attribute("aria-pressed", "true")
    page.goto(f"/requests/{request}")
    page.get_by_role("link", name="The run that asks").click()
    page.get_by_role("radio", name="right").check()
    menu = page.get_by_text("Change this run")
    menu.focus()
    mark(page)

    dev.run("answer", request, "neither of them, I think", "--as", "cy", status=1)

    expect(page.get_by_text("neither of them, I think")).to_be_visible()
    expect(page.locator("[data-is-old]")).to_have_count(0)
    expect(page.get_by_role("radio", name="right")).to_be_checked()
    expect(page.get_by_role("radio", name="left")).not_to_be_checked()
    expect(menu).to_be_focused()
    page.get_by_role("button", name="Answer").click()
    expect(page.get_by_text("right").first).to_be_visible()


def test_a_page_says_that_its_session_has_ended_and_where_the_next_one_begins(anna: Visitor, dev: Dev) -> None:
    page, other = anna.logs_in(), anna.opens("/")
    expect(page.get_by_role("heading", name="What do you need?")).to_be_visible()

    other.get_by_role("button", name="Log out").click()
    dev.run("trigger", "deploy v1.1.0 to staging", "--as", "anna")

    expect(page.get_by_role("status")).to_have_text("Your session has ended. Log in again")
    page.get_by_role("link", name="Log in again").click()
    page.wait_for_url(re.compile(r"/login\?next="))


def test_a_page_whose_session_ended_while_nobody_looked_says_so_when_it_is_seen(anna: Visitor, dev: Dev) -> None:
    page, other = anna.logs_in(), anna.opens("/")
    wait_until(lambda: streams(dev) == 2, what="both follow")
    show(page, is_shown=False)
    wait_until(lambda: streams(dev) == 1, what="the stream is given back")
    other.get_by_role("button", name="Log out").click()
    other.wait_for_url("**/login**")

    show(page, is_shown=True)

    expect(page.get_by_role("status")).to_have_text("Your session has ended. Log in again")
    anna.complaints[:] = [words for words in anna.complaints if "status of 401" not in words]


def test_a_tab_that_nobody_sees_follows_nothing_until_it_is_seen(anna: Visitor, dev: Dev) -> None:
    page = anna.logs_in()
    wait_until(lambda: streams(dev) == 1, what="the page follows")

    show(page, is_shown=False)
    wait_until(lambda: streams(dev) == 0, what="the stream is given back")
    dev.run("trigger", "deploy v1.1.0 to production", "--as", "anna")
    show(page, is_shown=True)

    expect(page.get_by_role("link", name="deploy v1.1.0 to production")).to_be_visible()
    wait_until(lambda: streams(dev) == 1, what="the page follows again")


def test_an_open_page_follows_again_after_everything_was_killed_and_started_anew(anna: Visitor, dev: Dev) -> None:
    page = anna.logs_in()
    anna.asks(page, "deploy v1.2.0 to production")
    expect(page.get_by_text("Card sent to Cy Cole by email")).to_be_visible()
    page.evaluate("window.isTheSame = true")
    look = page.get_by_role("link", name="Open the request").first
    look.focus()

    dev.kill()
    expect(page.get_by_role("status")).to_have_text("No connection; trying again")
    with dev.again() as dev_again:
        request = json.loads(dev_again.run("requests", "--for", "bo", "--json"))[0]
        dev_again.run("answer", request["id"], "approve", "--as", "bo", "--digest", request["digest"])

        expect(state(page)).to_have_text("done", timeout=60_000)
        expect(version_live(page)).to_have_text("v1.2.0")
        expect(look).to_be_focused()
        expect(page.get_by_role("status")).to_have_count(0)
        assert page.evaluate("window.isTheSame"), "the page was loaded again"
        page.get_by_role("link", name="Ask").click()
        page.get_by_role("button", name="deploy v1.1.0 to staging").click()
        expect(state(page)).to_have_text("done")
        page.close()
        dev_again.leave()
    anna.complaints[:] = [words for words in anna.complaints if not is_of_a_server_that_was_away(words)]


def test_what_is_pressed_while_the_server_is_away_keeps_the_page_and_the_note_and_counts_when_pressed_again(
    anna: Visitor, dev: Dev
) -> None:
    page = anna.logs_in()
    anna.asks(page, "deploy v1.1.0 to production")
    expect(page.get_by_text("Card sent to Cy Cole by email")).to_be_visible()
    page.get_by_role("button", name="Bo", exact=True).click()
    page.get_by_label("Reason").fill(TYPED)
    approve = page.get_by_role("button", name="Approve", exact=True)
    page.evaluate("window.isTheSame = true")

    dev.kill()
    for _ in range(2):
        approve.click()
        expect(page.get_by_role("alert")).to_contain_text("Not sent: sayso does not answer right now.")
        expect(page.get_by_label("Reason")).to_have_value(TYPED)
    assert page.evaluate("window.isTheSame"), "the page was left"
    with dev.again() as dev_again:
        approve.click()
        page.get_by_role("button", name="Approve with this note").click()
        expect(state(page)).to_have_text("done")
        [run] = json.loads(dev_again.run("runs", "--json"))
        assert TYPED in dev_again.run("events", run["id"])
        page.close()
        dev_again.leave()
    anna.complaints[:] = [words for words in anna.complaints if not is_of_a_server_that_was_away(words)]


def asked(dev: Dev, text: str, *words: str) -> str:
    """The id of a question of Anna's to Bo and Cy."""
    return dev.run("ask", text, *words, "--to", "person:bo", "--to", "person:cy", "--as", "anna")


def mark(page: Page) -> None:
    """Mark the button and the choice that are there, to see when others have taken their place."""
    page.evaluate("document.querySelectorAll('.steer, .answer').forEach((form) => { form.dataset.isOld = 1; })")


def show(page: Page, *, is_shown: bool) -> None:
    """Tell the page what it is told when its tab comes to the front or leaves it; without a screen it never is."""
    page.evaluate(
        """(isShown) => {
            Object.defineProperty(document, "hidden", { configurable: true, value: !isShown });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        is_shown,
    )


def streams(dev: Dev) -> float:
    """Return how many event streams are open."""
    with urlopen(f"{dev.url}/metrics", timeout=60) as answer:  # noqa: S310 - our own
        [line] = [line for line in answer.read().decode().splitlines() if line.startswith("sayso_http_streams ")]
    return float(line.partition(" ")[2])


def is_of_a_server_that_was_away(complaint: str) -> bool:
    """Chromium notes every try."""
    return any(words in complaint for words in ("net::ERR_", "status of 503"))


def request_id(page: Page) -> str:
    """The id that stands on the card."""
    return page.locator(".card .more a code").text_content() or ""


def still_has_the_focus(page: Page, typed: str) -> None:
    """The reason is as it was, and goes on."""
    expect(page.get_by_label("Reason")).to_have_value(typed)
    expect(page.get_by_label("Reason")).to_be_focused()
