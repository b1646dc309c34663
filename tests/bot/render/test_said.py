"""Words beside a request are one type, with a line each that quotes them and says whose they are."""

import pytest

from agents.requests import Remark
from agents.requests.record import COMMENTS, Comment
from bot.render.request_card import standing
from bot.render.said import Said, commented, newest, noted, remarked, said_line, whose
from tests.agents.worlds import NOON
from tests.bot.examples import ANNA, BO, CY, LATER, PEOPLE, approval, record, vote


def question(text: str = "Is the backup done?", **changes: object) -> Comment:
    return Comment(person=BO, text=text, at=NOON, kind="question", id="c1", revision=1).model_copy(update=changes)


def test_words_of_each_kind_are_quoted_below_whose_they_are() -> None:
    broke = vote(CY).model_copy(update={"reason": "site down", "breaks_glass": True})
    every = (
        *remarked([Remark(person=ANNA, text="it is urgent", at=NOON)]),
        *noted([vote(BO).model_copy(update={"reason": "go ahead"}), broke]),
        *commented([question(), question(kind="answer", person=ANNA, about="c1", text="Yes.")], 1),
        Said("reason", (BO, CY), "not on a Friday"),
    )

    lines = [said_line(one, PEOPLE) for one in every]

    assert [one.kind for one in every] == ["remark", "note", "glass", "question", "answer", "reason"]
    assert [line.text for line in lines] == [f"“{one.text}”" for one in every]
    assert all(
        name in line.label for line, one in zip(lines, every, strict=True) for name in map(PEOPLE.name_of, one.by)
    )
    assert len({line.label for line in lines}) == len(every), "each kind has words of its own"
    assert {line.kind for line in lines} == {"said"}


@pytest.mark.parametrize(("said_at", "shown", "is_before"), [(1, 2, True), (2, 2, False), (0, 2, False)])
def test_words_beside_an_earlier_card_are_called_that(said_at: int, shown: int, *, is_before: bool) -> None:
    [said] = commented([question(revision=said_at)], shown)

    assert said.is_before is is_before
    assert (whose(said, PEOPLE) != whose(Said("question", (BO,), ""), PEOPLE)) is is_before


def test_a_denial_and_an_approval_without_words_leave_none_and_empty_words_are_none() -> None:
    denied = vote(BO, approve=False).model_copy(update={"reason": "no"})

    assert noted([denied, vote(CY)]) == ()
    assert commented([question(" ")], 1) == ()


def test_comments_push_no_question_off_a_card() -> None:
    comments = tuple(question(str(at), kind="comment", id=f"c{at}") for at in range(COMMENTS + 3))
    shown = newest(commented((question(), *comments), 1))

    assert [one.kind for one in shown] == ["question", *["comment"] * (COMMENTS - 1)]
    assert shown[-1].text == comments[-1].text, "the newest"


def test_a_card_names_the_words_that_can_be_answered() -> None:
    found = record(approval(), comments=(question(),))

    said = [line for line in standing(found, None, PEOPLE, LATER, 1).facts if line.kind == "said"]

    assert [line.id for line in said] == ["c1"]
