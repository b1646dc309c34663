import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.format.filenames import NAME_CHARS, name_of, safe_name
from tests.kit.rows import rows

ROWS = rows("cases.toml", beside=__file__)["filenames"]


@pytest.mark.parametrize(
    ("disposition", "content_type", "name"), ROWS["a_name_is_found_in_every_way_that_mail_programs_write_it"]
)
def test_a_name_is_found_in_every_way_that_mail_programs_write_it(
    disposition: str, content_type: str, name: str
) -> None:
    assert name_of(disposition, content_type) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\anna\\report.csv", "report.csv"),
        ("/etc/", ""),
        ("..", ""),
        (".bashrc", "bashrc"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\r\nSet-Cookie: x\0.csv", "a Set-Cookie_ x.csv"),
        ("\u3164\u200b", ""),
        ("  two   words .txt ", "two words .txt"),
        ("u\u0308ber.txt", "über.txt"),
        ('<img src="x">.png', "_img src=_x__.png"),
        ("x" * 200 + ".csv", "x" * 95 + "….csv"),
        ("x" * 200 + "." + "y" * 20, "x" * 99 + "…"),
    ],
)
def test_a_name_is_shown_without_folders_and_without_what_hides_or_means_something_else(name: str, shown: str) -> None:
    assert safe_name(name) == shown


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_fields_give_a_name_that_can_be_shown(disposition: str, content_type: str) -> None:
    for name in (name_of(f"attachment; filename{disposition}", content_type), safe_name(disposition)):
        assert len(name) <= NAME_CHARS
        assert not set(name) & set('/\\<>:"|?*\n\r')
        assert all(unicodedata.category(char) not in {"Cc", "Cf", "Cs"} for char in name)


def test_a_field_that_is_made_to_be_slow_is_read_at_once() -> None:
    for field in ("; " * 30_000, ";" + " " * 60_000, "; a" * 20_000, '; filename="' + "\\" * 60_000):
        assert len(name_of(field, field)) <= NAME_CHARS
