"""Addresses that only this machine reaches, as commands are told of them."""

import pytest

from bot.config.hosts import loopback


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("localhost", "http://127.0.0.1:8000"),  # never by name: somebody else may listen at ::1
        ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104
        ("::", "http://[::1]:8000"),
        ("192.0.2.1", ""),
    ],
)
def test_an_address_is_named_by_number_and_only_if_it_is_this_machine_s(bind: str, url: str) -> None:
    assert loopback(bind, 8000) == url
