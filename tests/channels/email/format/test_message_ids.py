import re

import pytest

from channels.email.format.message_ids import answers_us, card_id, ids_in, is_message_id, named_in, ours, thread_root
from tests.channels.email.mails import BOT, TOKEN


def test_what_is_no_id_becomes_one_that_fits_a_header() -> None:
    for thread in ("run-7", "x\r\ny", "<r1@corp.example>\r\nBcc: x", ""):
        root = thread_root(thread, BOT)
        assert is_message_id(root)
        assert root.startswith("<thread.")
        assert root == thread_root(thread, BOT)
    assert thread_root("<r1@corp.example>", BOT) == "<r1@corp.example>"


@pytest.mark.parametrize(("asks", "kinds"), [(True, "card"), (True, "card|note"), (False, "card|note")])
def test_the_id_of_a_card_is_known_again_and_says_nothing_of_what_made_it(asks: bool, kinds: str) -> None:
    made = card_id(TOKEN, "d1", BOT, asks=asks)

    found = re.fullmatch(ours(kinds, BOT), made)

    assert found is not None
    assert found[1] == made
    assert TOKEN not in made
    assert made != card_id("another", "d1", BOT, asks=asks)


def test_nothing_but_a_card_that_asks_counts_as_one() -> None:
    for other in (card_id(TOKEN, "d1", BOT, asks=False), thread_root("run-7", BOT), "<card.x@sayso.example>"):
        assert not re.fullmatch(ours("card", BOT), other)
    assert not re.fullmatch(ours("card", "agent@other.example"), card_id(TOKEN, "d1", BOT, asks=True))


def test_ids_are_found_in_a_field_in_their_order() -> None:
    assert ids_in("<a@b.example> (x) <c@d.example>") == ("<a@b.example>", "<c@d.example>")
    assert ids_in("approve") == ()


def test_an_answer_to_any_mail_of_ours_is_known() -> None:
    mails = (card_id("", "d1", BOT, asks=True), card_id(TOKEN, "d1", BOT, asks=False), thread_root("run-7", BOT))

    assert all(answers_us(f"<r1@corp.example> {each}", BOT) for each in mails)
    assert not answers_us("<r1@corp.example> <r2@sayso.example>", BOT)


@pytest.mark.parametrize(
    ("field", "named"),
    [
        ("", ()),
        (" \t", ()),
        ("<a@b.example> <c@d.example>", ("<a@b.example>", "<c@d.example>")),
        ('<a@b.example> (Bo\'s message of "Tue, 03 Mar 2026 13:00:00 +0100")', ("<a@b.example>",)),
        ('Your message of "Tue, 03 Mar 2026 13:00:00 +0100." <a@b.example>', ("<a@b.example>",)),
        ("<lunch:1@b.example>", ("<lunch:1@b.example>",)),
        ("<lunch@[127.0.0.1]> <a@b.example>", ("<lunch@[127.0.0.1]>", "<a@b.example>")),
        ("<lunch <a@b.example>", ("<lunch", "<a@b.example>")),
        ("lunch", ("lunch",)),
        ("(lunch)", ("(lunch)",)),
        ("(lunch", ("(lunch",)),
    ],
)
def test_what_stands_in_a_field_in_place_of_an_id_names_something_else(field: str, named: tuple[str, ...]) -> None:
    assert named_in(field) == named
