"""The lines by which a card of ours is known in an answer: in every language, and no line that somebody else writes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import AnswerForm
from channels.email.cards import Made, as_text
from channels.email.reply import marks, vocabulary
from channels.email.reply.newtext import new_text
from language import LANGUAGES, Language, speaking
from tests.channels.email.mails import NOON, TOKEN, approval

HEADER = "-----Original Message-----\nFrom: sayso\nSent: Tuesday\nTo: Bo\nSubject: Deploy?\n\n"
MOMENTS = st.integers(0, 60_000_000).map(lambda minutes: NOON + timedelta(minutes=minutes))
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe"])


@given(MOMENTS, ZONES, st.sampled_from(LANGUAGES))
def test_the_line_that_says_until_when_is_known_whatever_the_moment_and_the_language(
    until: datetime, zone: str, language: Language
) -> None:
    form = AnswerForm(token=TOKEN, format="approval", until=until.astimezone(UTC))
    with speaking(language):
        lines = as_text(approval(form=form, ref="R-12"), Made(zone)).split("\n")

    known = [line.split()[0] for line in lines if marks.ends_card(line)]

    assert known == {"en": ["Expires", "Reference:"], "de": ["Läuft", "sayso-Referenz:"]}[language]


@pytest.mark.parametrize(
    "line",
    [
        "Answers count until Tue 3 Mar 2026, 16:00 UTC, 4 h after this mail.",
        "Answers count until Fri.",
        "Reference: s0q-1",
        "  Expires Tue 3 Mar 2026, 16:00 UTC, 4 h after this mail.",
        "Expires Tue 3 Mar 2026, 16:00",
        "La\u0308uft ab am Di., 3. März\u00a02026, 16:00 UTC, 4 Std. nach dieser Mail.",
    ],
)
def test_a_line_of_ours_is_known_as_mail_programs_keep_it_and_as_the_release_before_wrote_it(line: str) -> None:
    assert marks.ends_card(line)


@pytest.mark.parametrize(
    "line",
    [
        "Expires soon, so wait",
        "Expires: Tue 3 Mar 2026",
        "Expires on Friday",
        "It Expires Tue 3 Mar 2026, 16:00",
        "Läuft ab am Freitag",
        "Läuft ab, also bitte warten",
        "Referenz: 12",
        "Antworten zählen bis Freitag",
    ],
)
def test_a_line_that_somebody_may_write_themselves_is_none_of_ours(line: str) -> None:
    assert not marks.ends_card(line)
    assert new_text(f"approve\n\n{HEADER}Deploy?\n\nno, stop\n{line}").unsure


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("ref", ["R-12", ""])
@pytest.mark.parametrize("kind", ["approval", "yes_no", "choice", "choices", "form", "free_text"])
def test_our_whole_mail_below_an_answer_leaves_no_doubt_and_a_word_below_it_does(
    language: Language, ref: str, kind: str
) -> None:
    form = AnswerForm.model_validate({"token": TOKEN, "format": kind, "until": NOON + timedelta(hours=4)})
    with speaking(language):
        card = as_text(approval(form=form, ref=ref), Made())

    assert new_text(f"approve\n\n{HEADER}{card}").unsure == ""
    assert new_text(f"approve\n\n{HEADER}{card}\nno, stop\n").unsure


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentences_that_say_how_to_answer_are_no_doubt_of_anybodys_and_their_halves_may_be(
    language: Language,
) -> None:
    with speaking(language):
        lines = as_text(approval(), Made()).split("\n")

    said = [line for line in lines if marks.instructs(vocabulary.fold(line).lower())]

    assert len(said) == 2
    assert not marks.instructs("zum ablehnen brauche ich noch einen grund")
