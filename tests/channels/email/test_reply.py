import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.reply import Said, is_decision, read_reply

WORDS = [
    "yes",
    "approve",
    "approved",
    "ok",
    "please",
    "thanks",
    "go",
    "ahead",
    "it",
    "this",
    "i",
    "do",
    "sure",
    "fine",
    "bo",
]


@pytest.mark.parametrize(
    "body",
    [
        "approve",
        "Approved!",
        "APPROVE",
        "**Approved**",
        "I approve this request.",
        "Yes, go ahead please.",
        "ok",
        "👍🏽",
        "Hi,\n\ngo ahead.\n\nThanks,\nBo",
        "Approved, thanks a lot",
        "Dear all,\nI approve this.\nKind regards\nBo Berg",
        "Decision: approve",
        "yes\n\n> To approve, reply with the one word: approve",
    ],
)
def test_consent_with_nothing_but_politeness_approves(body: str) -> None:
    assert read_reply(body, "Bo Berg").said == "approve"


@pytest.mark.parametrize(
    "body",
    [
        "yes but wait until 5",
        "approve?",
        "ok let me check",
        "approved if tests pass",
        "yes and no",
        "yes no",
        "Approve.\n\nOn second thought, wait until Monday.",
        "approve\ndeny",
        "yes...",
        "not denied",
        "don't deny it",
        "no problem",
        "no?",
        "no... or maybe yes",
        "No, but go ahead with staging",
        "deny, or rather: approve",
        "deny?",
        "\u0430pprove",
        "ap\u200bprove",
        "\u202eevorppa",
        "approve 1881",
        "Anna",
        "lgtm modulo the comment",
        "1",
        "thanks",
    ],
)
def test_what_is_not_clearly_a_decision_is_free_text(body: str) -> None:
    assert read_reply(body, "Bo Berg").said == "free_text"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("no", ""),
        ("NOT APPROVED", ""),
        ("I do not approve", ""),
        ("No, thank you.", ""),
        ("no, not on a Friday", "not on a Friday"),
        ("Denied: wrong version", "wrong version"),
        ("rejected because the tests are red", "because the tests are red"),
        ("Deny\nreason: budget exceeded", "budget exceeded"),
        ("Hi,\n\nno, the customer still has the goods.\n\nRegards\nBo", "the customer still has the goods."),
        ("Sorry, I can't approve this: no budget.", "no budget."),
        ("Stop! Do not run this.", ""),
        ("👎 wrong list", "wrong list"),
        ("Denied. Why now?", "Why now?"),
    ],
)
def test_a_refusal_keeps_its_reason(body: str, reason: str) -> None:
    said = read_reply(body, "Bo Berg")

    assert (said.said, said.reason) == ("deny", reason)


@pytest.mark.parametrize("body", ["", " \n", "\ufeff", "> approve", "Sent from my iPhone\n\n> approve", "-- \nBo"])
def test_a_reply_without_new_words_is_empty(body: str) -> None:
    assert read_reply(body) == Said("empty", "")


def test_greeting_and_sign_off_are_not_part_of_the_answer() -> None:
    assert read_reply("Hi team,\n\n2\n\nThanks,\nBo", "Bo Berg").text == "2"
    assert read_reply("Thanks,\nBo", "Bo Berg").text == "Thanks,\nBo"


def test_only_the_writers_own_name_may_stand_below() -> None:
    assert read_reply("approved\nBo", "Bo Berg").said == "approve"
    assert read_reply("approved\nCy", "Bo Berg").said == "free_text"
    assert read_reply("approved\nWait", "Wait Later").said == "free_text"


@given(
    st.lists(st.sampled_from(WORDS), max_size=8),
    st.text(alphabet=st.characters(categories=("L",)), min_size=1, max_size=12),
    st.lists(st.sampled_from(WORDS), max_size=8),
    st.sampled_from([" ", ", ", "\n", ". "]),
)
def test_no_text_with_a_word_outside_the_vocabulary_approves(
    before: list[str], word: str, after: list[str], glue: str
) -> None:
    text = glue.join([*before, word, *after])

    said = read_reply(text, "Bo Berg")

    assert said.said != "approve" or read_reply(f"approve. {word}", "Bo Berg").said == "approve"


@given(st.lists(st.sampled_from([*WORDS, "no", "not", "deny", "but", "?", "wait", "\n", ".", ","])))
def test_no_text_that_holds_a_refusal_a_doubt_or_a_question_approves(words: list[str]) -> None:
    text = " ".join(words)

    if re.search(r"\b(no|not|deny|but|wait)\b|\?", text):
        assert read_reply(text, "Bo Berg").said != "approve"


@given(st.text(max_size=500), st.text(max_size=30))
def test_any_text_by_anybody_is_read(body: str, author: str) -> None:
    assert read_reply(body, author).said in ("approve", "deny", "free_text", "empty")


@pytest.mark.parametrize(
    "body",
    [
        "yes " * 500_000,
        "go go " * 300,
        "please do it " * 100,
        "thanks " * 250 + "x",
        "no" + "\n" * 1900 + "x",
        ("no" + " \n" * 90) * 10 + "x",
        "hi " + "all " * 450 + "x",
        ">" * 2_000_000,
        "On " * 600_000,
    ],
    ids=range(9),
)
def test_no_text_takes_a_second(body: str) -> None:
    read_reply("approve")
    began = time.perf_counter()

    read_reply(body)

    assert time.perf_counter() - began < 1


def test_a_line_that_would_count_as_a_decision_is_known_as_one() -> None:
    assert is_decision("approve")
    assert is_decision(" 👎 ")
    assert not is_decision("To approve, reply with the one word: approve")
    assert not is_decision("To refuse, reply: deny, and the reason if you like")
