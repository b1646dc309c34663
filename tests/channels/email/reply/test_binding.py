"""The marks that a mail must show of the card that it answers."""

from datetime import timedelta
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.reply import read_both
from channels.email.reply.binding import About, Answered, SentCard, bound, packed
from channels.email.reply.newtext import Older
from channels.email.reply.stored import squashed, strange
from language import speaking
from language.recorded import reason_of
from tests.channels.email.mails import NOON, TOKEN

CARD = """Deploy v1.2.0 to production? [K7QP2X]

To approve, reply with the one word: approve
To deny, reply: deny (you can add a reason)

Anna asks.

| deploy {"version": "v1.2.0"}
https://sayso.example/requests/s0q-1
"""
SENT = SentCard(
    token=TOKEN,
    message_id="<card.1@sayso.example>",
    sender="agent@sayso.example",
    subject="Deploy v1.2.0 to production? [K7QP2X]",
    opening="Deploy v1.2.0 to production? [K7QP2X]",
    sent_at=NOON,
    button="I approve: Deploy v1.2.0 to production (code ABCDEFGHIJKL)",
    refuses="I deny: Deploy v1.2.0 to production: ok",
    packed=packed(CARD),
)
GENUINE = About(
    subject="RE: Deploy v1.2.0 to production? [K7QP2X]",
    in_reply_to=(SENT.message_id,),
    sent_at=NOON + timedelta(hours=1),
)
SAFE = "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2F"
PAGE = "".join(f"<p>{line}</p>" for line in CARD.split("\n"))
FROM_EVE = "From: Eve\nSent: Tuesday, 3 March 2026 13:00\nTo: Bo\nSubject: RE: Deploy\n\n"
RECEIVED = NOON + timedelta(hours=1, minutes=1)
WORDS = st.text("abcdefgh ?.", min_size=1, max_size=12)


def why(said: Any = "approve", **changes: Any) -> str:
    """Return why an answer that shows what is genuine, but for `changes`, is not bound."""
    answered = Answered(person="bo", token=TOKEN, said=said, text="approve", about=GENUINE.model_copy(update=changes))
    return bound(answered, SENT, RECEIVED).unbound


def test_why_a_mail_is_not_bound_is_the_same_in_every_language_until_somebody_reads_it() -> None:
    with speaking("de"):
        found = why(subject="Lunch")
        shown = reason_of(found)

    assert found == "its subject is not that of the card"
    assert shown == "der Betreff Ihrer Mail ist nicht der Betreff der Karte"


def marked(text: str, head: str = "On Tue, Mar 3, 2026 sayso <agent@sayso.example> wrote:") -> tuple[Older, ...]:
    return (Older("\n".join(f"> {line}" for line in text.split("\n")), heads=(head,)),)


def in_html(quote: str, attribution: str = "On Tue, Mar 3, 2026 at 12:00 sayso <agent@sayso.example> wrote:") -> str:
    """An answer in HTML as Gmail, Apple Mail and others write it: who wrote stands inside the quote."""
    who = attribution.replace("<", "&lt;")
    return f'<div>approve</div><div class="gmail_quote"><div>{who}</div><blockquote>{quote}</blockquote></div>'


def older(plain: str | None, document: str | None) -> tuple[Older, ...]:
    """Return what a mail with these texts repeats."""
    return read_both(plain, document, "Bo Berg").older


def below(text: str) -> tuple[Older, ...]:
    header = "From: sayso <agent@sayso.example>\nSent: Tuesday, 3 March 2026 12:00\nTo: Bo\nSubject: Deploy"
    return (Older(below=f"{header}\n\n{text}"),)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"older": marked(CARD)},
        {"older": below(CARD)},
        {"older": marked(CARD), "in_reply_to": ("<0102@ses.example>",)},
        {"older": below(CARD), "in_reply_to": ()},
        {"older": marked("To deny, reply: deny (you can add")},
        {"older": marked(CARD.replace("with the one", "with\n> the one")), "in_reply_to": ()},
        {"older": marked(CARD.replace("https://", SAFE)), "in_reply_to": ()},
        {"older": marked(f"CAUTION: This email originated from outside of the organization.\n\n{CARD}")},
        {"older": older(None, in_html(PAGE)), "in_reply_to": ()},
        {"older": older(None, in_html(PAGE, "wt., 3 mar 2026 o 12:00 sayso <agent@sayso.example> napisał(a):"))},
        {
            "older": older(None, in_html(f"<p>CAUTION: This email originated from outside.</p>{PAGE}")),
            "in_reply_to": (),
        },
        {"subject": "[EXTERNAL] AW: Re: deploy  V1.2.0 to production? [k7qp2x]"},
        {"subject": "Re: ⚠ Reminder: Deploy v1.2.0 to production? [K7QP2X]"},
        {"subject": "Re: Reminder: Deploy v1.2.0 to production? [K7QP2X]"},
        {"subject": "AW: Erinnerung: Deploy v1.2.0 to production? [K7QP2X]"},
        {"sent_at": NOON - timedelta(minutes=9)},
        {"sent_at": RECEIVED + timedelta(minutes=9)},
    ],
)
def test_what_names_the_card_is_bound(changes: dict[str, Any]) -> None:
    assert why(**changes) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Re: Deploy v1.2.0 to production? [OTHER2]"},
        {"subject": "Re: Deploy v1.2.0 to production?"},
        {"in_reply_to": ()},
        {"in_reply_to": ("<x@corp.example>", SENT.message_id)},
        {"older": marked("Lunch at noon?")},
        {"older": below("Lunch at noon?")},
        {"older": marked(f"Lunch at noon?\n\n{CARD}"), "in_reply_to": ("<lunch@corp.example>",)},
        {"older": marked(f"Lunch at noon?\n\n{CARD}")},
        {
            "older": marked(
                f"On Tue, Mar 3, 2026 at 12:00, lunch at noon? sayso <agent@sayso.example> wrote:\n\n{CARD}"
            ),
            "in_reply_to": (),
        },
        {"older": marked("https://lunch.example/")},
        {"older": marked("\n" * 9 + "Lunch at noon?")},
        {"older": (Older(below="\n" * 9 + "Lunch at noon?"),)},
        {"older": older(None, in_html(f"<p>Lunch at noon?</p>{PAGE}"))},
        {"older": (Older(below=f"{FROM_EVE}Lunch at noon?\n\n{below(CARD)[0].below}"),), "in_reply_to": ()},
        {"older": (Older(below=f"{FROM_EVE}{below(CARD)[0].below}"),), "in_reply_to": ()},
        {"older": (*marked(CARD), Older()), "in_reply_to": ()},
        {"older": below(f"the blue one\nCc: x\n\n{CARD}")},
        {"older": below(f"{CARD}\nbut not the database")},
        {"older": below(CARD.replace("Anna asks.", "Anna asks.\nonly the first part of it"))},
        {"sent_at": None},
        {"sent_at": NOON - timedelta(minutes=11)},
        {"sent_at": RECEIVED + timedelta(minutes=11)},
        {"faults": ("it has not exactly one From",)},
        {"has_code": False},
    ],
)
def test_what_does_not_is_not(changes: dict[str, Any]) -> None:
    assert why(**changes) != ""


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0"])
def test_attack_a_subject_of_blanks_holds_nobody_up(blank: str) -> None:
    began = process_time()

    assert why(subject=f"RE: Deploy{blank * 20_000}it") != ""
    assert process_time() - began < 1


def test_below_an_answer_to_a_card_whose_text_is_not_kept_nothing_may_stand_without_marks() -> None:
    def unbound(quote: tuple[Older, ...], card: SentCard | None) -> str:
        about = GENUINE.model_copy(update={"older": quote})
        answered = Answered(person="bo", token=TOKEN, said="approve", text="approve", about=about)
        return bound(answered, card, RECEIVED).unbound

    forgotten = SENT.model_copy(update={"packed": ""})
    for quote in (below(CARD), below(f"{CARD}\nno, stop"), below("no, stop\nReference: r1")):
        assert unbound(quote, forgotten)
    assert unbound(marked(CARD), forgotten) == "", "marked ones are bound by their thread"
    assert unbound((), None), "a mail that nobody knows is answered by nothing"


@pytest.mark.parametrize(
    ("whole", "said"),
    [
        (SENT.button, "approve"),
        (SENT.button.replace(" ", "\n"), "approve"),
        (f"{SENT.button}\n\nThanks,\nBo", "approve"),
        (f"{SENT.button}\nbut only after lunch", "free_text"),
        (f"{SENT.button}?", "free_text"),
    ],
)
def test_the_sentence_of_a_button_counts_by_itself_and_what_is_added_is_read(whole: str, said: str) -> None:
    about = About(whole=whole, sent_at=NOON, author="Bo Berg")
    reply = bound(Answered(person="bo", token=TOKEN, said="free_text", text=whole, about=about), SENT, RECEIVED)

    assert (reply.said, bool(reply.unbound)) == (
        said,
        not whole.startswith((SENT.button, "I\n")) or whole.endswith("?"),
    )


@pytest.mark.parametrize(
    ("subject", "is_bound"),
    [
        (f"Re: {SENT.subject}", True),
        (f"[EXTERNAL] {SENT.subject}", True),
        ("", True),
        ("NOT YET: only after Cy agrees", False),
        (f"Wait, Re: {SENT.subject}", False),
    ],
)
def test_the_sentence_of_a_button_counts_below_the_subject_that_it_writes_or_none(subject: str, is_bound: bool) -> None:
    about = About(whole=SENT.button, subject=subject, sent_at=NOON, author="Bo Berg")
    reply = bound(Answered(person="bo", token=TOKEN, said="free_text", text=SENT.button, about=about), SENT, RECEIVED)

    assert (reply.said, reply.unbound == "") == ("approve", is_bound)


@pytest.mark.parametrize("added", ["", "\n\nThanks,\nBo"])
def test_the_button_that_refuses_does_so_whatever_the_title_sounds_like(added: str) -> None:
    about = About(whole=f"{SENT.refuses}{added}", author="Bo Berg")
    read = Answered(person="bo", token=TOKEN, said="free_text", text=about.whole, about=about)

    assert bound(read, SENT, RECEIVED).said == "deny"


@given(st.lists(WORDS, max_size=6), st.integers(0, 3))
def test_a_piece_of_the_card_is_never_strange_however_its_lines_are_broken(words: list[str], width: int) -> None:
    text = "\n".join(words)
    broken = text if not width else "\n".join(text[i : i + width] for i in range(0, len(text), width))

    assert strange(broken.split("\n"), text) == ()


@given(st.lists(WORDS, max_size=6), st.text("xyz", min_size=1, max_size=20), st.integers(0, 6))
def test_a_line_that_the_card_does_not_have_is_always_found(words: list[str], own: str, at: int) -> None:
    lines = [*words[:at], own, *words[at:]]

    assert own in strange(lines, "\n".join(words))


@pytest.mark.parametrize("text", ["a b", "A*B*", "> a\n> b", "a <mailto:x@y.example> b", "a\u200bb", "| a_b"])
def test_what_mail_programs_change_makes_no_difference(text: str) -> None:
    assert squashed(text) == "ab"
