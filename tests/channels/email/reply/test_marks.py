"""The lines by which a card of ours is known in an answer: in every language, and no line that somebody else writes."""

import textwrap
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import AnswerForm
from channels.email.cards import Made, as_text
from channels.email.reply import marks, read_reply, vocabulary
from channels.email.reply.newtext import new_text
from language import LANGUAGES, Language, speaking
from tests.channels.email.mails import NOON, TOKEN, approval
from tests.kit.acts import vote
from tests.kit.rows import rows

ROWS = rows("cases.toml", beside=__file__)["marks"]

HEADER = "-----Original Message-----\nFrom: sayso\nSent: Tuesday\nTo: Bo\nSubject: Deploy?\n\n"
MOMENTS = st.integers(0, 60_000_000).map(lambda minutes: NOON + timedelta(minutes=minutes))
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe"])


@given(MOMENTS, ZONES, st.sampled_from(LANGUAGES))
def test_the_line_that_says_until_when_is_known_whatever_the_moment_and_the_language(
    until: datetime, zone: str, language: Language
) -> None:
    form = AnswerForm(token=TOKEN, format="approval", acts=vote(), until=until.astimezone(UTC))
    with speaking(language):
        lines = as_text(approval(form=form, ref="R-12"), Made(zone)).split("\n")

    known = [line.split()[0] for line in lines if marks.ends_card(line)]

    assert known == {"en": ["Expires", "Reference:"], "de": ["Läuft", "sayso-Referenz:"]}[language]


@pytest.mark.parametrize("line", ROWS["a_line_of_ours_is_known_as_mail_programs_keep_it"])
def test_a_line_of_ours_is_known_as_mail_programs_keep_it(line: str) -> None:
    assert marks.ends_card(line)


@pytest.mark.parametrize("line", ROWS["a_line_that_somebody_may_write_themselves_is_none_of_ours"])
def test_a_line_that_somebody_may_write_themselves_is_none_of_ours(line: str) -> None:
    assert not marks.ends_card(*line.split("\n"))
    assert new_text(f"approve\n\n{HEADER}Deploy?\n\nno, stop\n{line}").unsure


@given(st.integers(20, 70), st.sampled_from(LANGUAGES), MOMENTS)
def test_a_line_of_ours_that_a_mail_program_broke_is_known_with_its_end_on_the_next(
    width: int, language: Language, until: datetime
) -> None:
    form = AnswerForm(token=TOKEN, format="approval", acts=vote(), until=until)
    with speaking(language):
        card = as_text(approval(form=form, ref=""), Made())
    line = next(line for line in card.split("\n") if marks.ends_card(line))

    broken = textwrap.wrap(line, max(width, len(line) // 2 + 10))

    assert marks.ends_card(*broken)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("ref", ["R-12", ""])
@pytest.mark.parametrize("kind", ["approval", "yes_no", "choice", "choices", "form", "free_text"])
def test_our_whole_mail_below_an_answer_leaves_no_doubt_and_a_word_below_it_does(
    language: Language, ref: str, kind: str
) -> None:
    with speaking(language):
        told = {"token": TOKEN, "format": kind, "acts": vote() if kind == "approval" else ()}
        form = AnswerForm.model_validate({**told, "until": NOON + timedelta(hours=4)})
        card = as_text(approval(form=form, ref=ref), Made())

    assert new_text(f"approve\n\n{HEADER}{card}").unsure == ""
    assert new_text(f"approve\n\n{HEADER}{card}\nno, stop\n").unsure


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentences_that_say_how_to_answer_are_no_doubt_of_anybodys_and_their_halves_may_be(
    language: Language,
) -> None:
    with speaking(language):
        lines = as_text(approval(), Made()).split("\n")

    said = [folded(line) for line in lines if marks.instructs(*folded(line))]

    assert len(said) == 2
    for (sentence,) in said:
        broken = textwrap.wrap(sentence, len(sentence) // 2)
        assert marks.instructs(*broken, "and more") == len(broken)
        assert not marks.instructs(broken[0])
        assert not marks.instructs(f"{sentence}, but no, stop")
    assert not marks.instructs("zum ablehnen brauche ich noch einen grund")


def folded(*lines: str) -> tuple[str, ...]:
    return tuple(vocabulary.fold(line).lower() for line in lines)


@pytest.mark.parametrize("own", ROWS["words_of_ones_own_that_begin_as_a_line_of_ours_leave_a_doubt"])
def test_words_of_ones_own_that_begin_as_a_line_of_ours_leave_a_doubt(own: str) -> None:
    answer = read_reply(f"genehmigt\n\n{HEADER}Deploy?\n\n{own}\n")

    assert answer.said != "approve" or answer.unsure
