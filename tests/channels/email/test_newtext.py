import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.newtext import NEW_TEXT_CHARS, new_text

ON = "On Tue, Mar 3, 2026 at 9:41 AM sayso <agent+k7@sayso.example> wrote:"
OUTLOOK = "From: sayso <agent@sayso.example>\nSent: Tuesday, March 3, 2026\nTo: Bo\nSubject: Deploy?\n\napprove"


@pytest.mark.parametrize(
    "body",
    [
        "yes",
        "yes\n\n> approve\n> deny",
        f"yes\n\n{ON}\n\n> approve\n",
        f"yes\n\n{ON}\n\napprove\n",
        f"{ON}\n\n> approve\n\nyes",
        "yes\n\nOn Tue, Mar 3, 2026 at 9:41 AM\nsayso <agent+k7@sayso.example>\nwrote:\n\n> approve",
        "yes\n\nLe mar. 3 mars 2026 à 09:41, sayso <agent@sayso.example> a écrit :\n\n> approve",
        f"yes\n\n-----Original Message-----\n{OUTLOOK}",
        f"yes\n\n{OUTLOOK}",
        f"yes\n\n________________________________\n{OUTLOOK}",
        f"yes\n\n---------- Forwarded message ---------\n{OUTLOOK}",
        "yes\n\n-- \nBo Berg\nin the office on Fridays",
        "yes\n--\nBo Berg\nHead of Operations",
        "yes\n\nSent from my iPhone",
        "yes\n\nGet Outlook for Android",
        "\ufeffyes\u200b\r\n",
    ],
)
def test_only_what_the_person_newly_wrote_is_left(body: str) -> None:
    assert new_text(body) == "yes"


@pytest.mark.parametrize(
    "body",
    [
        "yes\nbut only on staging",
        "yes\n--\nbut only on staging",
        "yes\n\n-- \nBo Berg\nonly here until Friday",
        "yes\nSent from my phone, wait for Bo",
        "yes\nOn the other hand Bo wrote:\nwait",
        "yes\nFrom: now on ask Bo",
        "yes\nonly for Bo <bo@corp.example>:\n> all of them",
    ],
)
def test_a_line_of_the_persons_own_is_never_taken_for_the_programs(body: str) -> None:
    kept = new_text(body).split("\n")

    assert len(kept) >= 2


def test_answers_between_quotes_are_kept() -> None:
    assert new_text("> Which branch?\nmain\n> When?\nnow") == "main\nnow"


@given(st.lists(st.text(alphabet="> \t", max_size=3).map(lambda start: f">{start}approve")))
def test_a_mail_of_quotes_only_has_no_new_text(lines: list[str]) -> None:
    assert new_text("\n".join(lines)) == ""


@pytest.mark.parametrize(
    "body",
    [
        ">" * 2_000_000,
        ">\n" * 1_000_000,
        "On " * 600_000,
        "On \n" * 500_000,
        f"{ON}\n" * 25_000,
        "From: x\n" * 250_000,
        "\n" * 2_000_000,
        " " * 2_000_000,
        "--\n" * 600_000,
        "-- \nno\n" * 300_000,
        f"-- \n{ON}\n" * 20_000 + "no",
        f"{ON}" + "\n" * 2_000_000,
        f"{ON}\n\n\n\n" * 25_000,
    ],
    ids=range(13),
)
def test_two_megabytes_of_anything_take_less_than_a_second(body: str) -> None:
    began = time.perf_counter()

    new_text(body)

    assert time.perf_counter() - began < 1


def test_a_text_over_the_limit_comes_back_over_the_limit() -> None:
    assert len(new_text("word " * NEW_TEXT_CHARS)) > NEW_TEXT_CHARS
