import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.format import addresses
from tests.kit.rows import rows

ROWS = rows("cases.toml", beside=__file__)["addresses"]

ANNA = "anna@corp.example"


@pytest.mark.parametrize("field", ROWS["one_plain_mailbox_has_one_author"])
def test_one_plain_mailbox_has_one_author(field: str) -> None:
    assert addresses.author(field) == ANNA


@pytest.mark.parametrize(
    "field",
    [
        "",
        "anna",
        "anna@corp.example <mallory@evil.example>",
        "<anna@corp.example> <mallory@evil.example>",
        "<anna@corp.example",
        "anna@corp.example>",
        "anna@corp.example;mallory@evil.example",
        "anna@corp.example, mallory@evil.example",
        "Anna <anna@corp.example>, Mallory <mallory@evil.example>",
        "team: anna@corp.example;",
        "<@evil.example:anna@corp.example>",
        "anna@corp.example (mallory@evil.example)",
        "(anna@corp.example) mallory@evil.example <anna@corp.example>",
        '"anna@corp.example" mallory@evil.example',
        '"anna"@corp.example',
        "anna@corp.example\x00",
        "anna@corp.example\nmallory@evil.example",
        "anna @corp.example",
        "anna@corp.example.",
        "anna@[192.0.2.1]",
        "=?utf-8?q?anna=40corp=2Eexample?=",
        "\u0430nna@corp.example",
        "anna@c\u043erp.example",
        f"{'a' * 65}@corp.example",
        f"{'x' * 2000} <anna@corp.example>",
    ],
)
def test_a_from_that_two_readers_could_read_in_two_ways_has_no_author(field: str) -> None:
    assert addresses.author(field) is None


def test_a_display_name_that_is_somebody_elses_address_does_not_change_the_author() -> None:
    field = '"anna@corp.example" <mallory@evil.example>'

    assert addresses.author(field) == "mallory@evil.example"


@given(st.text(alphabet='<>@,;:()"\\. abc\x00\n', max_size=60))
def test_an_author_is_always_one_plain_address_that_stands_in_the_field(field: str) -> None:
    author = addresses.author(field)

    assert author is None or (addresses.is_address(author) and author in field.lower())


def test_a_tag_is_split_from_the_address_in_lower_case() -> None:
    assert addresses.split_tag("Agent+K7qp@Sayso.example") == ("agent@sayso.example", "k7qp")
    assert addresses.split_tag("agent@sayso.example") == ("agent@sayso.example", None)
    assert addresses.split_tag("agent+@sayso.example") == ("agent@sayso.example", None)
    assert addresses.with_tag("agent@sayso.example", "k7") == "agent+k7@sayso.example"


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ('"Berg, Bo" <bo@corp.example>, anna@corp.example', ("bo@corp.example", "anna@corp.example")),
        ('"a\\"b, c" <bo@corp.example>, anna@corp.example', ("bo@corp.example", "anna@corp.example")),
        ('anna@corp.example, "Bo <bo@corp.example>, cy@corp.example', ("anna@corp.example",)),
        ('anna@corp.example, "' + '\\"' * 30_000, ("anna@corp.example",)),
        ('anna@corp.example, "' + '\\"' * 30_000 + "\\", ("anna@corp.example",)),
    ],
)
def test_a_quote_that_does_not_end_holds_all_the_rest(field: str, found: tuple[str, ...]) -> None:
    assert addresses.recipients(field) == found
