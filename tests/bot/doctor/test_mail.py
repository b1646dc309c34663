"""The doctor's findings about mail servers of one's own, each with what fixes it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.doctor.finding import Finding
from bot.doctor.mail import examine_mail, examine_recipients
from bot.people.directory import People
from bot.wiring.mail import RealMail
from tests.bot.config_files import read
from tests.kit.long import few_of
from tests.kit.waiting import PATIENCE_S
from tests.servers.authority import Authority
from tests.servers.mailhost import MailHost, hung_up
from tests.servers.postfix import REFUSED
from tests.servers.verdict import SERVER

PROVEN = {"SAYSO_MAIL_IDENTITY": "dmarc", "SAYSO_MAIL_AUTHSERV_ID": SERVER}


async def findings(
    folder: Path, authority: Authority, environ: dict[str, str], off_s: float = 0, within_s: float = PATIENCE_S
) -> list[Finding]:
    settings = read(folder, "", **environ)
    mail = RealMail(settings, People({}, {}), trust=authority.believing())

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=off_s)

    every = [finding async for finding in examine_mail(settings, mail, within_s, now=now)]
    await hung_up()
    return every


async def found(
    about: str,
    folder: Path,
    host: MailHost,
    changes: dict[str, str] | None = None,
    off_s: float = 0,
    within_s: float = PATIENCE_S,
) -> Finding:
    """The one finding with `about` in it, at a provider where all is well but for `changes`."""
    environ = host.environ("doctor@sayso.example") | PROVEN | (changes or {})
    every = await findings(folder, host.authority, environ, off_s, within_s)
    matching = [finding for finding in every if about in finding.what]
    assert len(matching) == 1, every
    return matching[0]


@pytest.mark.parametrize("way", few_of(["plus", "reference"], 0))
async def test_where_all_is_well_an_answer_would_come_back(tmp_path: Path, mailhost: MailHost, way: str) -> None:
    every = await findings(tmp_path, mailhost.authority, mailhost.environ("doctor@sayso.example", way) | PROVEN)

    words = ("log-in", "log-in", "IDLE", "came back", "Message-IDs are kept", "clock", f"verdict of {SERVER}")
    assert [finding.sign for finding in every[: len(words)]] == ["✓"] * len(words), every
    assert [word in finding.what for word, finding in zip(words, every, strict=False)] == [True] * len(words)


@pytest.mark.parametrize("kind", few_of(["SMTP", "IMAP"], 0))
async def test_a_refused_log_in_names_its_settings(tmp_path: Path, mailhost: MailHost, kind: str) -> None:
    wrong = {f"SAYSO_{kind}_PASSWORD": "wrong-pw"}

    finding = await found("did not accept the log-in", tmp_path, mailhost, wrong)

    assert finding.sign == "✗"
    assert finding.fix == f"Check SAYSO_{kind}_USER and SAYSO_{kind}_PASSWORD"


async def test_a_server_that_is_not_there_is_told_for_each_way(tmp_path: Path, mailhost: MailHost) -> None:
    environ = mailhost.environ("doctor@sayso.example") | {"SAYSO_SMTP_PORT": "1", "SAYSO_IMAP_PORT": "1"}

    every = await findings(tmp_path, mailhost.authority, environ)

    assert [finding.sign for finding in every] == ["✗", "✗", "–", "!"]


@pytest.mark.long
async def test_an_answer_that_would_not_come_back_says_how_to_let_it(tmp_path: Path, mailhost: MailHost) -> None:
    elsewhere = {"SAYSO_MAIL_ADDRESS": "somebody@sayso.example"}

    finding = await found("did not come back", tmp_path, mailhost, elsewhere, within_s=3)

    assert finding.sign == "✗"
    assert "SAYSO_MAIL_REPLY=reference" in finding.fix


async def test_without_a_way_to_prove_senders_every_mail_is_held_and_the_doctor_says_so(
    tmp_path: Path, mailhost: MailHost
) -> None:
    every = await findings(tmp_path, mailhost.authority, mailhost.environ("doctor@sayso.example"))

    assert (every[-1].sign, "sayso mail identify" in every[-1].fix) == ("!", True)


# Others share this provider, and its anna.
NOBODY_WRITES_TO = "anna-of-the-doctor@corp.example"


async def recipients(folder: Path, host: MailHost, **changes: str) -> list[Finding]:
    """Return what the doctor says of mail to somebody of the provider, and to somebody who is not there."""
    settings = read(folder, "", **(host.environ("doctor@sayso.example") | changes))
    mail = RealMail(settings, People({}, {}), trust=host.authority.believing())
    addresses = {"anna": NOBODY_WRITES_TO, "bo": REFUSED}
    every = [finding async for finding in examine_recipients(mail, addresses)]
    await hung_up()
    return every


async def test_addresses_that_the_server_takes_no_mail_for_are_named_and_none_is_sent(
    tmp_path: Path, mailhost: MailHost
) -> None:
    found = await recipients(tmp_path, mailhost)

    assert [finding.sign for finding in found] == ["✗", "✓"], found
    assert f"takes no mail to {REFUSED}: 550" in found[0].what
    assert found[0].fix == "correct email of [people.bo]"
    assert "takes mail to anna, as far as it knows; none was sent" in found[1].what
    assert mailhost.mails(NOBODY_WRITES_TO) == ()
