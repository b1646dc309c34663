from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.local import maildir


def test_an_address_has_one_folder_whatever_its_case_and_tag(tmp_path: Path) -> None:
    assert maildir.folder_of(tmp_path, "Agent+K7@Sayso.example") == tmp_path / "agent@sayso.example"


@given(st.text(max_size=15))
def test_no_address_leads_out_of_the_folder(address: str) -> None:
    root = Path("mail")

    folder = maildir.folder_of(root, address)

    assert folder.parent == root
    assert folder.name not in ("", ".", "..")
    assert folder.name.isascii()


def test_an_address_too_long_for_a_file_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too long"):
        maildir.folder_of(tmp_path, "/" * 100 + "@corp.example")


def test_a_stored_mail_is_in_new_and_only_its_owner_can_read_the_folder(tmp_path: Path) -> None:
    name = maildir.store(tmp_path / "bo", b"mail")

    assert (tmp_path / "bo" / "new" / name).read_bytes() == b"mail"
    assert (tmp_path / "bo" / "new").stat().st_mode & 0o077 == 0
    assert maildir.names(tmp_path / "bo", "tmp") == []


def test_names_sort_in_the_order_of_arrival(tmp_path: Path) -> None:
    stored = [maildir.store(tmp_path, b"mail") for _ in range(20)]

    assert maildir.names(tmp_path, "new") == stored == sorted(stored)
