"""What the buttons of a mail write, in each language, read while another one is spoken.

The language of a mail is that of the day when it was sent.
"""

import html
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from channels import Address, AnswerForm, Card, Reply
from channels.email import mime
from channels.email.format.body import read_body
from channels.email.mime import Post
from channels.email.reply import read_both
from channels.email.reply.binding import About, Answered, SentCard, bound
from language import LANGUAGES, Language, say, speaking, spoken
from tests.channels.email.mails import BOT, NOON, TOKEN, approval

TO = Address(channel="email", person="bo", to="bo@corp.example", thread="run-7")


DEPLOY = approval(title="Deploy v1.2.0 to production, replacing v1.0.0?")
CHOICE = approval(
    title="Which environment?",
    summary="The agent that works for Anna Ames asks.",
    form=AnswerForm(token=TOKEN, format="choice", options=("staging", "production"), until=NOON + timedelta(hours=4)),
    link="https://sayso.example/requests/s0q-1",
)
YES_NO = CHOICE.model_copy(
    update={"form": AnswerForm(token=TOKEN, format="yes_no", until=NOON + timedelta(hours=4)), "title": "Is it up?"}
)


@pytest.fixture(params=LANGUAGES, autouse=True)
def language(request: pytest.FixtureRequest) -> Iterator[Language]:
    """The language of the mails."""
    with speaking(request.param):
        yield request.param


def another() -> Language:
    return next(each for each in LANGUAGES if each != spoken())


def word(page: str) -> str:
    """HTML as Word writes it again: letters keep their colour in elements of their own, and lose the ground."""
    linked = re.sub(
        r'<a href="([^"]*)"[^>]*?color:(#\w{6})"[^>]*>([^<]*)</a>',
        r"""<p class=MsoNormal align=center><a href="\1"><b><span style='color:\2;text-decoration:none'>"""
        r"\3</span></b></a></p>",
        page[page.index("<body") :],
    )
    return re.sub(r' style="(?![^"]*pre-wrap)[^"]*"', "", linked)


def sent(card: Card) -> tuple[Post, SentCard]:
    post = mime.compose(card, TO, "d1", own=BOT, timezone="Europe/Berlin")
    assert post.asks is not None
    return post, post.asks


def test_letters_of_a_button_that_lose_their_ground_are_no_hidden_text() -> None:
    page = word(read_body(sent(DEPLOY)[0].raw).html or "")
    head = "<div><b>From:</b> sayso &lt;agent@sayso.example&gt;<br><b>Sent:</b> Tuesday<br><b>To:</b> Bo</div>"

    assert read_both(None, f"<p class=MsoNormal>approve</p>{head}{page}", "Bo Berg").unsure == ""


def bodies(card: Card) -> list[str]:
    """What each button of the mail writes."""
    page = read_body(sent(card)[0].raw).html or ""
    links = re.findall(r'href="mailto:[^"]*body=([^"]*)"', page)
    return [re.sub(r"%([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), html.unescape(link)) for link in links]


def pressed(card: Card, body: str, subject: str = "Re: {}") -> Reply:
    """The mail that a button has written, in no thread, as we read it."""
    _, asks = sent(card)
    with speaking(another()):
        said = read_both(body, None, "Bo Berg")
    about = About(
        subject=subject.format(asks.subject),
        sent_at=NOON + timedelta(hours=1),
        whole=said.whole,
        author="Bo Berg",
        older=said.older,
    )
    answered = Answered(person="bo", token=TOKEN, said=said.said, text=said.text, reason=said.reason, about=about)
    return bound(answered, asks, NOON + timedelta(hours=1))


WRITTEN = {
    "en": ("I approve: {}", "I deny: {}", 'I answer "{}" to: {}', "yes", "no"),
    "de": ("Ich genehmige: {}", "Ich lehne ab: {}", 'Ich antworte "{}" auf: {}', "ja", "nein"),
}


def test_what_each_button_writes_says_what_it_does_and_has_a_code_of_its_own(language: Language) -> None:
    approves, denies, answers, yes, no = WRITTEN[language]
    what = "Deploy v1.2.0 to production, replacing v1.0.0"
    written = [*bodies(DEPLOY), *bodies(CHOICE), *bodies(YES_NO)]

    said, codes = zip(*(body.rsplit(" ", 2)[::2] for body in written), strict=True)
    picked = [answers.format(each, "Which environment?") for each in ("staging", "production")]
    told = [answers.format(each, "Is it up?") for each in (yes, no)]
    assert list(said) == [approves.format(what), denies.format(what), *picked, *told]
    assert all(re.fullmatch(r"[A-Z2-7]{12}\)", code) for code in codes)
    assert len(set(codes[:4])) == 4


def test_a_button_does_what_it_says_whatever_its_answer_is_called_with_courtesy_below_too() -> None:
    (approves, refuses), (staging, production), (yes, no) = map(bodies, (DEPLOY, CHOICE, YES_NO))

    assert (pressed(DEPLOY, approves).said, pressed(DEPLOY, approves).unbound) == ("approve", "")
    assert pressed(DEPLOY, refuses).said == "deny"
    for body, picks in ((staging, (1,)), (production, (2,)), (f"{staging}\n\nThanks,\nBo Berg", (1,))):
        assert (pressed(CHOICE, body).picks, pressed(CHOICE, body).unbound) == (picks, "")
    for body, text in ((yes, say("mail.yes")), (no, say("mail.no"))):
        assert (pressed(YES_NO, body).text, pressed(YES_NO, body).unbound) == (text, "")


def test_attack_a_buttons_answer_counts_below_a_subject_of_somebodys_own() -> None:
    (staging, _), (yes, _) = bodies(CHOICE), bodies(YES_NO)

    for subject in ("Draft, not yet", "Nur wenn Cy zustimmt: {}"):
        for card, body in ((CHOICE, staging), (YES_NO, yes)):
            assert pressed(card, body, subject).unbound, subject


def other_code(body: str, other: str) -> str:
    """The sentence of one button with the code of another one."""
    return f"{body.rpartition(' ')[0]} {other.rpartition(' ')[2]}"


def test_a_sentence_with_words_below_or_with_another_code_or_none_picks_and_approves_nothing() -> None:
    (approves, denies), (staging, production) = bodies(DEPLOY), bodies(CHOICE)
    below = [f"{staging}\n{added}" for added in ("but only tomorrow", "?", "no, production")]

    for body in (*below, other_code(staging, production), staging.rsplit(" ", 2)[0], "staging"):
        assert (pressed(CHOICE, body).picks, bool(pressed(CHOICE, body).unbound)) == ((), True)
    for body in (other_code(approves, denies), approves.rsplit(" ", 2)[0]):
        assert pressed(DEPLOY, body).said != "approve"
        assert pressed(DEPLOY, body).unbound


def test_attack_words_marked_as_a_quote_beside_a_sentence_are_dropped_and_it_counts() -> None:
    (approves, refuses), (staging, _) = bodies(DEPLOY), bodies(CHOICE)

    for body in (f"{approves}\n\n> only after lunch", f"> Shall I wait until Friday?\n\n{approves}"):
        assert (pressed(DEPLOY, body).said == "approve", pressed(DEPLOY, body).unbound) != (True, "")
    assert pressed(CHOICE, f"{staging}\n\n> only after lunch").unbound
    assert pressed(DEPLOY, f"{refuses}\n\n> only after lunch").said == "deny"


def test_only_the_very_sentence_that_was_sent_approves_not_its_translation() -> None:
    with speaking(another()):
        theirs, _ = bodies(DEPLOY)

    assert pressed(DEPLOY, theirs).said != "approve"
