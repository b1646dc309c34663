"""The card on a page: that of all other media, with everything in it and what its reader can do there."""

import pytest

from agents.requests import PersonId
from agents.requests.record import Comment
from bot.people.sessions import Login
from bot.render.edits import editable
from bot.render.page_card import may_answer, page_card
from bot.render.request_card import standing
from channels import Card
from tests.agents.worlds import NOON
from tests.bot.examples import ANNA, BO, CALL, CY, DAN, LATER, PEOPLE, approval, decision, question, record

QUESTION = Comment(person=BO, text="Is the backup done?", at=NOON, kind="question", id="c1")
ANSWER = Comment(person=ANNA, text="Yes.", at=NOON, kind="answer", id="c2", about="c1")


def seen_by(person: PersonId, *, state: str = "open", **changes: object) -> Card:
    found = record(approval(), state, **changes)  # pyright: ignore[reportArgumentType]
    return page_card(found, None, PEOPLE, Login(person=person, by="slack"), LATER)


@pytest.mark.parametrize("state", ["open", "approved", "denied", "expired", "withdrawn", "revoked", "superseded"])
def test_a_page_shows_the_card_that_other_media_show(state: str) -> None:
    found = record(approval(), state)  # pyright: ignore[reportArgumentType]

    shown, other = seen_by(BO, state=state), standing(found, None, PEOPLE, LATER, 1, BO)

    assert shown.model_copy(update={"form": None}) == other.model_copy(update={"form": None})
    assert (shown.form is None) is (other.form is None)


def test_an_open_card_says_why_its_reader_has_nothing_to_press_and_a_closed_one_has_no_form() -> None:
    for person, has_acts in ((BO, True), (DAN, False)):
        form = seen_by(person).form
        assert form
        assert (bool(form.acts), not form.why_not) == (has_acts, has_acts)
    assert seen_by(DAN, state="approved").form is None
    assert seen_by(BO, state="denied").form is None


def test_only_whoever_can_change_it_reads_that_it_can_be_changed() -> None:
    found = record(approval(call=CALL.model_copy(update={"editable": ("version",)})))
    [line] = editable(found.request.format, found.request.call)

    told = [
        person
        for person in (ANNA, BO, DAN)
        if line in page_card(found, None, PEOPLE, Login(person=person, by="slack"), LATER).decides
    ]

    assert told == [ANNA, BO], "whoever asked changes what they asked for"


def test_a_page_has_the_whole_of_what_somebody_wrote() -> None:
    long = "because " * 400
    why = decision("denied").model_copy(update={"reason": long})

    assert seen_by(BO, state="denied", decision=why).quoted == long
    assert len(standing(record(state="denied", decision=why), None, PEOPLE, LATER, 1).quoted) < len(long)


def test_whoever_asked_answers_words_of_others_once_while_it_is_open() -> None:
    asked = record(comments=(QUESTION,))

    assert may_answer(asked, PEOPLE, ANNA) == {"c1"}
    assert may_answer(asked, PEOPLE, CY) == frozenset()
    assert may_answer(record(comments=(QUESTION, ANSWER)), PEOPLE, ANNA) == frozenset()
    assert may_answer(record(state="denied", comments=(QUESTION,)), PEOPLE, ANNA) == frozenset()
    assert may_answer(record(question(), comments=(QUESTION,)), PEOPLE, ANNA) == frozenset()
