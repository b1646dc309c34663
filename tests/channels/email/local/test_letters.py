from pathlib import Path

from channels import Address
from channels.email import mime
from channels.email.local import maildir
from channels.email.local.letters import letter, letters
from tests.channels.email.mails import BOT, NOON, TOKEN, approval, arrived, mail

TO = Address(channel="email", person="bo", to="bo@corp.example", thread="run-7")


def test_a_card_is_shown_as_a_terminal_needs_it(tmp_path: Path) -> None:
    post = mime.compose(approval(title="Déploy?"), TO, "d1", own=BOT, timezone="UTC")
    maildir.store(tmp_path, arrived(post.raw, to="bo@corp.example", login=BOT))

    (shown,) = letters(tmp_path)

    assert (shown.sender, shown.at) == (f"sayso <{BOT}>", NOON)
    assert shown.subject.startswith("Déploy? [")
    assert shown.text.startswith("Please answer by Tue 3 Mar 2026, 16:00 UTC. Anna asked for it. [")
    assert shown.text.partition("\n\n")[2].startswith("Déploy?\n\n")
    assert shown.reply_to == f"agent+{TOKEN}@sayso.example"
    assert shown.message_id == post.message_id


def test_mails_are_listed_in_the_order_of_arrival_by_short_ids_that_stay_when_they_are_taken(tmp_path: Path) -> None:
    names = [maildir.store(tmp_path, mail(body)) for body in ("one", "two", "three")]
    before = letters(tmp_path)[0]
    maildir.take(tmp_path, names[0])

    assert [each.text.strip() for each in letters(tmp_path)] == ["one", "two", "three"]
    assert letter(tmp_path, before.id) == letter(tmp_path, before.id[:4]) == before
    assert len(before.id) == 8
    assert (letter(tmp_path, "nothing"), letter(tmp_path, ""), letters(tmp_path / "nowhere")) == (None, None, ())


def test_a_mail_that_can_t_be_read_is_listed_and_says_why(tmp_path: Path) -> None:
    maildir.store(tmp_path, b"\r\nFrom: x\r\n\r\nhidden")
    maildir.store(tmp_path, mail(extra="Content-Type: text/html\n"))

    first, second = letters(tmp_path)

    assert "blank line" in first.text
    assert "only an HTML text" in second.text
    assert second.subject == "Re: Deploy?"
