"""A reply token stands for one delivery, and nobody else can make one."""

from hypothesis import given
from hypothesis import strategies as st

from agents.requests import DeliveryId
from bot.requests.tokens import Tokens
from bot.store.ids import new_id

DELIVERY = DeliveryId("s7d-abcdefghijklm")
OLD, NEW = b"an old key", b"a new key"


def test_a_token_is_read_back_as_its_delivery_and_fits_before_the_at_sign_of_an_address() -> None:
    tokens, token = Tokens([NEW]), Tokens([NEW]).make(DELIVERY)

    assert tokens.read(token) == tokens.read(token.upper()) == DELIVERY
    for shard in (0, 9, 63):
        made = tokens.make(DeliveryId(new_id("delivery", shard)))
        assert (len(f"sayso+{made}") <= 64, made) == (True, made.lower())


def test_tokens_of_the_previous_key_count_while_keys_are_rotated_and_those_of_another_stand_for_nothing() -> None:
    rotating = Tokens([NEW, OLD])

    assert rotating.read(Tokens([OLD]).make(DELIVERY)) == DELIVERY
    assert rotating.make(DELIVERY) == Tokens([NEW]).make(DELIVERY)
    assert Tokens([NEW]).read(Tokens([OLD]).make(DELIVERY)) is None


def test_the_mac_of_one_delivery_or_of_a_receipt_is_worth_nothing_for_another() -> None:
    tokens, news = Tokens([NEW]), "s7o-abcdefghijklm"
    mac = tokens.make(DELIVERY).rpartition("-")[2]

    assert tokens.read(f"s7d-bbbbbbbbbbbbb-{mac}") is None
    assert tokens.read(f"s6d-abcdefghijklm-{mac}") is None
    assert tokens.read(tokens.make(news).replace(news, DELIVERY)) is None
    assert tokens.receipt(tokens.make(DELIVERY).replace(DELIVERY, news)) is None


@given(st.integers(min_value=0), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567-."))
def test_no_changed_letter_is_overlooked(place: int, letter: str) -> None:
    tokens = Tokens([NEW])
    good = tokens.make(DELIVERY)
    at = place % len(good)
    bad = good[:at] + letter + good[at + 1 :]

    found = tokens.read(bad)

    assert found == (DELIVERY if bad == good else None)


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert Tokens([NEW]).read(text) is None


def test_the_receipt_of_a_delivery_is_its_token_and_that_of_other_mail_answers_nothing() -> None:
    tokens, news = Tokens([NEW]), new_id("outgoing", 7)

    assert tokens.receipt(tokens.make(DELIVERY)) == DELIVERY
    assert tokens.receipt(tokens.make(news)) == news
    assert tokens.read(tokens.make(news)) is None
