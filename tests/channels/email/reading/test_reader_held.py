"""The certain part of a held mail: a person whose text can't be taken, a stranger, or nothing at all."""

import pytest

from channels import Ignored, Quarantined, Reading, Trigger
from channels.email.identity.proof import local
from channels.email.reading.reader import ASKED_NOTHING, Reader
from tests.channels.email.mails import ANNA, BO, BOT, TOKEN, People, arrived, mail

READER = Reader(BOT, People(ANNA, BO), local)


def read(raw: bytes) -> Reading:
    return READER.read(raw, len(raw))


def to_a_notice(text: str, extra: str = "") -> bytes:
    """A reply to a mail of ours that carried no token."""
    raw = mail(text, extra=f"In-Reply-To: <card.0f1e@sayso.example>\n{extra}")
    return raw.replace(f"agent+{TOKEN}".encode(), b"agent")


def test_a_reply_to_a_mail_that_asked_nothing_starts_nothing() -> None:
    found = read(arrived(to_a_notice("deploy v2 as well"), to=BOT))

    assert isinstance(found, Trigger)
    assert (found.held_because, found.text, found.thread) == (ASKED_NOTHING, "deploy v2 as well", "<r1@corp.example>")


@pytest.mark.parametrize(
    "text",
    [
        "thanks!",
        "Thanks a lot 🙏\n\nBo",
        "👍",
        "👍🏽",
        "great, thank you :-)",
        "danke!",
        "> Done\n\n",
        "",
        "ありがとうございます",
    ],
)
def test_thanks_for_a_mail_that_asked_nothing_need_no_answer(text: str) -> None:
    assert read(arrived(to_a_notice(text), to=BOT)) == Ignored(reason="thanks for a mail that asked nothing")


@pytest.mark.parametrize(
    "text",
    ["approve", "ok", "no", "👎", "thanks?", "thanks, and v2 too", "stop", "great. but", "thanks\n\nroll it back"],
)
def test_whatever_else_answers_a_mail_that_asked_nothing_is_held_so_that_its_writer_hears_of_it(text: str) -> None:
    found = read(arrived(to_a_notice(text), to=BOT))

    assert isinstance(found, Trigger)
    assert (found.held_because, found.person, found.follows) == (ASKED_NOTHING, "bo", True)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (mail("x", extra="Content-Type: application/pkcs7-mime; name=smime.p7m\n"), "encrypted"),
        (mail("x", extra="Content-Type: multipart/encrypted; boundary=b\n"), "encrypted"),
        (mail("x", extra="Content-Type: application/ms-tnef\n"), "encrypted"),
        (mail("-----BEGIN PGP MESSAGE-----"), "can't be read here"),
        (mail("word " * 10_000), "32 KB"),
        (mail(extra="Cc: agent+other@sayso.example\n"), "several questions"),
    ],
)
def test_a_proven_person_whose_mail_can_t_be_read_is_named_so_that_they_can_be_told(raw: bytes, reason: str) -> None:
    held = read(arrived(raw))

    assert isinstance(held, Quarantined)
    assert reason in held.reasons[0]
    assert (held.person, held.stranger) == ("bo", "")
    assert (held.about, held.thread) == ("Re: Deploy?", "<r1@corp.example>")


def test_a_subject_is_kept_as_one_bounded_line_with_nothing_hidden_in_it() -> None:
    subject = "=?utf-8?q?Deploy=E2=80=AE=0AFrom=3A_bo?= " + "x" * 500
    raw = mail().replace(b"Re: Deploy?", subject.encode())

    held = read(arrived(raw, login=None))

    assert isinstance(held, Quarantined)
    assert held.about.startswith("Deploy\\u202e From: bo xxx")
    assert len(held.about) == 150


EVE = "eve@elsewhere.example"


def from_eve(extra: str = "", *, login: str | None = EVE, to: str = BOT) -> Reading:
    raw = mail("hello", author=f"Eve <{EVE}>", extra=extra).replace(
        f"agent+{TOKEN}@sayso.example".encode(), to.encode()
    )
    return read(arrived(raw, to=BOT, login=login))


def test_a_stranger_whose_address_is_certain_is_named() -> None:
    held = from_eve()

    assert isinstance(held, Quarantined)
    assert (held.stranger, held.person) == (EVE, "")
    assert held.reasons == (f"{EVE} is not in the directory of people",)


def test_a_stranger_whose_address_is_in_doubt_is_not_named() -> None:
    doubts = {
        "no proof": from_eve(login=None),
        "somebody else's log-in": from_eve(login="mallory@elsewhere.example"),
        "somebody sent it on": from_eve("Resent-From: mallory@elsewhere.example\n"),
        "two subjects": from_eve("Subject: another\n"),
        "half a signature": from_eve("DKIM-Signature: v=1; l=5\n"),
        "a copy": from_eve(to="somebody@elsewhere.example"),
        "another address of ours": from_eve(to="other@sayso.example"),
    }

    for why, held in doubts.items():
        assert isinstance(held, Quarantined), why
        assert held.stranger == "", why


@pytest.mark.parametrize("extra", ["Auto-Submitted: auto-replied\n", "Precedence: bulk\n", "List-Id: <x>\n"])
def test_a_machine_of_a_stranger_is_ignored(extra: str) -> None:
    assert isinstance(from_eve(extra), Ignored)
