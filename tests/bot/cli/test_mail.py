"""`sayso mail identify` on saved mails, as somebody types it."""

import json
from pathlib import Path

import pytest

from bot.cli.mail import told
from channels.email.identity.identify import identify
from tests.bot.cli.shell import typed
from tests.channels.email.providers import GMAIL, PLAIN, sent_by_bo


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A mail as Gmail hands it out."""
    file = tmp_path / "mail.eml"
    file.write_bytes(sent_by_bo(GMAIL))
    return file


def test_a_saved_mail_is_explained_in_plain_words_with_the_lines_to_set(saved: Path, tmp_path: Path) -> None:
    ended = typed(tmp_path, "mail", "identify", "--file", str(saved), SAYSO_DATA_DIR=str(tmp_path))

    assert ended.code == 0
    for words in (
        "It says it is from   bo@corp.example",
        "Came to us from      out.corp.example",
        "the word of mx.google.com, just below our provider's own Received",
        "✓ dmarc mx.google.com",
        "✗ submission mx.google.com",
        "✗ m365: it was not Microsoft 365",
        "\n  SAYSO_MAIL_IDENTITY=dmarc\n  SAYSO_MAIL_AUTHSERV_ID=mx.google.com\n",
        "only if it was you",
        "must take out what others write under its name",
    ):
        assert words in ended.out


@pytest.mark.long
def test_a_mail_on_stdin_that_proves_nobody_proposes_none_and_says_what_to_do(tmp_path: Path) -> None:
    ended = typed(tmp_path, "mail", "identify", "--file", "-", stdin=sent_by_bo(PLAIN))

    assert ended.code == 1
    assert "  SAYSO_MAIL_IDENTITY=none\n" in ended.out
    assert "What to do: Let your own server check DMARC" in ended.out
    assert "AUTHSERV_ID" not in ended.out


def test_without_a_mailbox_or_its_file_the_error_names_what_to_set(tmp_path: Path) -> None:
    ended = typed(tmp_path, "mail", "identify", SAYSO_DATA_DIR=str(tmp_path))
    gone = typed(tmp_path, "mail", "identify", "--file", str(tmp_path / "none.eml"))

    assert (ended.code, ended.out, gone.code) == (1, "", 1)
    assert "SAYSO_IMAP_HOST" in ended.err
    assert "can't be read (No such file or directory)" in gone.err


def test_what_a_mail_says_can_t_rule_the_terminal(tmp_path: Path) -> None:
    evil = sent_by_bo(GMAIL).replace(b"sayso-1a2b3c4d", b"\x1b]0;owned\x07\xc2\x9b31m\xe2\x80\xae")
    text, as_json = (
        typed(tmp_path, "mail", "identify", "--file", "-", *words, stdin=evil).out for words in ((), ("--json",))
    )

    assert not [letter for letter in text + as_json if not (letter.isprintable() or letter == "\n")]
    assert json.loads(as_json)["way"] == "dmarc"


@pytest.mark.parametrize(
    ("known", "is_told"), [(("anna@corp.example",), True), (("bo@corp.example",), False), ((), False)]
)
def test_a_sender_who_is_nobody_in_the_directory_is_told(known: tuple[str, ...], is_told: bool) -> None:
    lines = told(identify(sent_by_bo(GMAIL)), known)

    assert any("Nobody in [people] has the address bo@corp.example" in line for line in lines) == is_told
