"""The line by which a mail of ours is known in an answer: in every language, and no line that somebody else writes."""

import pytest

from channels import AnswerForm
from channels.email.cards import Made, as_text
from channels.email.reply import marks, read_reply
from channels.email.reply.newtext import new_text
from language import LANGUAGES, Language, speaking
from tests.channels.email.mails import NOON, TOKEN, approval
from tests.kit.acts import vote
from tests.kit.rows import rows

ROWS = rows("cases.toml", beside=__file__)["marks"]

HEADER = "-----Original Message-----\nFrom: sayso\nSent: Tuesday\nTo: Bo\nSubject: Deploy?\n\n"


@pytest.mark.parametrize("line", ROWS["the_last_line_of_a_mail_of_ours_is_known_as_mail_programs_keep_it"])
def test_the_last_line_of_a_mail_of_ours_is_known_as_mail_programs_keep_it(line: str) -> None:
    assert marks.ends_mail(line)


@pytest.mark.parametrize("line", ROWS["a_line_that_somebody_may_write_themselves_is_none_of_ours"])
def test_a_line_that_somebody_may_write_themselves_is_none_of_ours(line: str) -> None:
    assert not marks.ends_mail(line)
    assert new_text(f"approve\n\n{HEADER}Deploy?\n\nno, stop\n{line}").unsure


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["approval", "yes_no", "choice", "choices", "form", "free_text"])
def test_our_whole_mail_below_an_answer_leaves_no_doubt_and_a_word_below_it_does(language: Language, kind: str) -> None:
    with speaking(language):
        told = {"token": TOKEN, "format": kind, "acts": vote() if kind == "approval" else ()}
        form = AnswerForm.model_validate({**told, "until": NOON.replace(hour=16)})
        cards = [as_text(approval(form=form, ref=ref), Made()) for ref in ("R-12", "")]

    for text, card in [(cards[0], ""), *((each, each) for each in cards)]:
        assert new_text(f"approve\n\n{HEADER}{text}", card=card).unsure == ""
        assert new_text(f"approve\n\n{HEADER}{text}\nno, stop\n", card=card).unsure


@pytest.mark.parametrize("own", ROWS["words_of_ones_own_that_begin_as_a_line_of_ours_leave_a_doubt"])
def test_words_of_ones_own_that_begin_as_a_line_of_ours_leave_a_doubt(own: str) -> None:
    answer = read_reply(f"genehmigt\n\n{HEADER}Deploy?\n\n{own}\n")

    assert answer.said != "approve" or answer.unsure
