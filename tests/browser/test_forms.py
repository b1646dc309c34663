"""A form with a field of each kind, in a browser: people of any sight fill it in, and nothing typed is lost."""

from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.dev import Dev
from tests.browser.test_every_page import axe, faults
from tests.browser.visitor import Visitor

__all__ = ["axe"]

pytestmark = pytest.mark.long

FIELDS = [
    {
        "name": "begins",
        "label": "First day",
        "kind": "date",
        "minimum": "2026-11-01",
        "description": "From midnight on",
    },
    {"name": "days", "label": "Days", "kind": "integer", "minimum": "1", "maximum": "14"},
    {"name": "team", "label": "Team", "kind": "choice", "options": ["shop", "search"]},
    {"name": "ticket", "label": "Ticket", "pattern": r"^OPS-\d+$", "max_length": 20, "example": "OPS-7"},
    {"name": "why", "label": "Why", "required": False},
    {"name": "silent", "label": "Without alarms", "kind": "yes_no"},
]


def asked(dev: Dev) -> str:
    """The address of a page on which a program of Bo's asks Anna."""
    body = {"question": "When is the window?", "to": ["person:anna"], "format": "form", "fields": FIELDS}
    headers = {"Authorization": f"Bearer {dev.key('bo')}"}
    answer = httpx2.post(f"{dev.url}/v1/requests", json=body, headers=headers, timeout=60)
    assert answer.status_code == 201, answer.text
    return f"/requests/{answer.json()['id']}"


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    browser: Browser, shared_dev: Dev, axe: Path
) -> None:
    request = asked(shared_dev)
    with Visitor(browser, shared_dev, strict=False) as anna:
        anna.logs_in(shared_dev.run("login"))
        page = anna.opens(request)
        page.get_by_label("First day").fill("2026-12-24")
        page.get_by_label("Days").fill("3")
        page.get_by_label("Team").select_option("search")
        page.get_by_label("Ticket").fill("seven")
        page.get_by_label("Why").fill("it is Christmas")
        page.get_by_role("radio", name="Yes").check()
        page.get_by_role("button", name="Answer").click()

        ticket = page.get_by_label("Ticket")
        expect(ticket).to_have_attribute("aria-invalid", "true")
        expect(ticket).to_have_accessible_description(
            "At most 20 characters. Such as OPS-7. “seven” is not written as OPS-7 is."
        )
        expect(page.get_by_role("status")).to_contain_text("This is no answer yet")
        expect(page.get_by_label("First day")).to_have_value("2026-12-24")
        expect(page.get_by_label("Team")).to_have_value("2")
        expect(page.get_by_label("Why")).to_have_value("it is Christmas")
        expect(page.get_by_role("radio", name="Yes")).to_be_checked()
        assert faults(page, axe) == []
        ticket.fill("OPS-7")
        page.get_by_role("button", name="Answer").click()

        expect(page.locator(".after dl")).to_contain_text("Without alarms")
        assert faults(page, axe) == []
        anna.complaints[:] = [words for words in anna.complaints if "status of 422" not in words]
