"""What became of a request or a run, in words of three lengths."""

from typing import get_args

import pytest

from agents.requests import Given, Request, RequestState
from agents.run import fold
from bot.render.became import became, block, line, word
from bot.render.cards import outcome_card
from bot.render.in_run import InRun, in_run
from bot.render.status_line import status_line
from bot.render.words import decided, decided_briefly, state_title
from bot.web.console.views.afterwards import afterwards
from language import LANGUAGES, Language, speaking
from tests.agents.worlds import ended, started
from tests.bot.examples import BO, LATER, PEOPLE, REQUEST, approval, decision, question, record

CLOSED = [state for state in get_args(RequestState) if state != "open"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", CLOSED)
def test_each_end_has_a_word_a_line_and_a_block_that_begins_with_the_line(
    state: RequestState, language: Language
) -> None:
    what = became(record(state=state), None)
    with speaking(language):
        assert word(what)[0].isupper()
        assert line(what, PEOPLE)
        assert block(what, PEOPLE).text == line(what, PEOPLE)


def test_a_block_has_the_reason_that_somebody_gave_and_as_much_of_it_as_there_is_room_for() -> None:
    why = decision("denied").model_copy(update={"reason": "not on a Friday"})
    what = became(record(state="denied", decision=why), None)

    assert block(what, PEOPLE).quoted == "not on a Friday"
    assert "Friday" not in line(what, PEOPLE)
    assert block(what, PEOPLE, lambda text: text[:3]).quoted == "not"


def test_what_is_known_of_the_run_says_more_than_the_record() -> None:
    found = record(state="superseded")

    alone, anew = became(found, None), became(found, InRun(is_asked_anew=True))

    assert (alone.kind, anew.kind) == ("superseded", "replaced")
    nothing = "Nothing was done."
    assert [nothing in line(one, PEOPLE) for one in (alone, became(found, InRun()))] == [False, True], "who looked?"
    assert became(record(state="approved"), InRun()).may_stop
    over = fold([started(), ended()])
    assert became(record(state="approved"), in_run(over, REQUEST)).kind == "not_begun"


def test_the_end_of_a_run_begins_with_one_word_on_a_card_and_in_a_line() -> None:
    run = fold([started("ring the bell"), ended()])

    assert outcome_card(run, PEOPLE, LATER).title.startswith(f"{word(run)}: ")
    assert status_line(run, None, PEOPLE) == line(run, PEOPLE)
    assert line(run, PEOPLE).startswith(f"{word(run)}: ")
    assert outcome_card(run, PEOPLE, LATER).summary == block(run, PEOPLE).text


def test_a_list_says_who_decided_without_the_reason() -> None:
    why = decision("denied").model_copy(update={"reason": "not on a Friday"})

    assert decided(why, PEOPLE).startswith(decided_briefly(why, PEOPLE))
    assert "Friday" not in decided_briefly(why, PEOPLE)
    assert state_title("revoked") == state_title("stopped"), "one word for one thing"


@pytest.mark.parametrize(
    ("asked", "given", "shown"),
    [
        (question(), Given(text="on Monday"), "on Monday"),
        (question("yes_no"), Given(text="yes", picks=("yes",)), "ja"),
        (question("choice", ("red", "blue")), Given(text="blue", picks=("blue",)), "blue"),
        (question("choices", ("red", "blue")), Given(text="red, blue", picks=("red", "blue")), "red\nblue"),
    ],
)
def test_an_answer_is_the_same_on_a_card_and_on_a_page(asked: Request, given: Given, shown: str) -> None:
    answered = record(asked, state="answered", decision=decision("answered").model_copy(update={"given": given}))

    with speaking("de"):
        page = afterwards(answered, None, PEOPLE, BO)
        card = block(became(answered, None), PEOPLE)

    assert [line.text for line in page.answer] == [shown]
    assert card.quoted.endswith(shown)


def test_a_reason_in_the_words_that_the_request_quotes_is_still_a_reason() -> None:
    asked = approval(quoted="not on a Friday")
    for reason, is_said in (("not on a Friday", True), ("", False)):
        denied = record(asked, state="denied", decision=decision("denied").model_copy(update={"reason": reason}))

        after = afterwards(denied, None, PEOPLE, BO)

        assert after.asked
        assert after.asked.text == asked.quoted
        assert after.is_said == is_said
