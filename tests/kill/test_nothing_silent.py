"""Notices arrive though the worker dies right after it has given up: twice rather than never."""

from collections.abc import Iterator

import pytest

from tests.kill.lane import Lane, Point
from tests.kit.reading import runs_in


@pytest.fixture
def lane() -> Iterator[Lane]:
    with Lane() as lane:
        yield lane


def told(lane: Lane, person: str, title: str) -> bool:
    return any(shown["person"] == person and title in shown["card"]["title"] for shown in lane.people.shown)


@pytest.mark.long
def test_operators_hear_of_a_card_that_nobody_takes(lane: Lane) -> None:
    lane.desk.ask(do="refuse", person="bo")
    lane.people.want("honours")

    lane.until("an alert", lambda: told(lane, "anna", "can't be reached"), Point("bury", "after"))

    [events] = runs_in(lane.redis).values()
    assert "delivery_failed" in [event.type for event in events]


@pytest.mark.long
def test_who_asked_hears_of_an_answer_that_was_held(lane: Lane) -> None:
    lane.people.stories.clear()
    lane.people.put("a wish", {"person": "anna", "text": "honours x", "story": "x"})
    lane.until("a card", lambda: told(lane, "bo", "honours"))
    [card] = [shown["card"] for shown in lane.people.shown if shown["person"] == "bo"]

    lane.people.put("a forgery", {"forged": card["form"]["token"]})
    lane.until("a word about it", lambda: told(lane, "anna", "An answer was quarantined"), Point("bury", "after"))
