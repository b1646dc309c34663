import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import ByServer
from channels.email.identity import Accepted, Refused, who
from channels.email.identity.proof import Prove, dmarc, m365, nobody, submission
from channels.email.identity.verdict import read_verdict
from tests.channels.email.mails import ANNA, BO, People, mail
from tests.channels.email.provers import TAKEN_FOR_PROVEN
from tests.channels.email.providers import (
    HYBRID_BEHIND,
    HYBRID_COLLEAGUE,
    HYBRID_IN_FRONT,
    MICROSOFT_INSIDE,
    MICROSOFT_OUTSIDE,
    MIMECAST_AS_INTERNAL,
    PROOFPOINT,
    PROOFPOINT_SKIPPED,
    sent_by_bo,
)

PEOPLE = People(ANNA, BO)
MX = "mx.corp.example"
PASS = f"Authentication-Results: {MX}; spf=pass; dmarc=pass (p=reject) header.from=corp.example\r\n"


def above(*lines: str) -> bytes:
    return "".join(lines).encode() + mail()


PINNED = dmarc(MX)


def found(raw: bytes, prove: Prove = PINNED) -> Accepted | Refused:
    return who(raw, PEOPLE, prove)


@pytest.mark.parametrize(
    "lines",
    [
        PASS,
        PASS.replace("pass", "PASS").replace(MX, "MX.Corp.Example 1"),
        PASS.replace("; ", ";\r\n\t"),
        f"Received: by x\r\n{PASS}",
        PASS + PASS.replace("dmarc=pass", "dmarc=fail"),
        "Authentication-Results: other.example; dmarc=fail\r\n" + PASS,
        PASS.replace("spf=pass", "spf=pass smtp.mailfrom=prvs=0123ab=bo@corp.example"),
    ],
)
def test_the_topmost_verdict_of_the_pinned_server_proves_the_sender(lines: str) -> None:
    accepted = found(above(lines))

    assert isinstance(accepted, Accepted)
    assert accepted.known == ByServer(how="dmarc", server=MX, of="corp.example")


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("", "no Authentication-Results"),
        (f"Authentication-Results: {MX}; none\r\n", "one DMARC result"),
        (PASS.replace("dmarc=pass", "dmarc=fail"), "dmarc=fail"),
        (PASS.replace("dmarc=pass", "dmarc=bestguesspass"), "dmarc=bestguesspass"),
        (PASS.replace("header.from=corp", "header.from=evil"), "not for corp.example"),
        (PASS.replace("header.from=corp", "header.from=mail.corp"), "not for corp.example"),
        (PASS.replace(MX, f"{MX}.evil.example"), "no Authentication-Results"),
        (PASS.replace(MX, f"evil.example ({MX})"), "no Authentication-Results"),
        (PASS.replace("dmarc=pass", "dmarc=fail") + PASS, "dmarc=fail"),
        (PASS.replace("dmarc=pass (p=reject)", "dmarc=fail (dmarc=pass header.from=corp.example)"), "dmarc=fail"),
        (PASS.replace("dmarc=pass", 'dmarc=fail reason="x; dmarc=pass"'), "dmarc=fail"),
        (PASS.replace("\r\n", "; dmarc=pass header.from=corp.example\r\n"), "one DMARC result"),
        (PASS.replace("\r\n", " header.from=evil.example\r\n"), "not for corp.example"),
        (PASS.replace("dmarc=pass", "dmarc=pass ("), "can't be read"),
        (PASS.replace("dmarc=pass", "x y"), "can't be read"),
        ("Authentication-Results: \r\n" + PASS, "can't be read"),
        (PASS.replace("header.from=corp", "header.from=evil=corp"), "can't be read"),
    ],
)
def test_anything_else_proves_nobody(lines: str, reason: str) -> None:
    refused = found(above(lines))

    assert isinstance(refused, Refused)
    assert reason in " ".join(refused.reasons)


TENANT = ".prod.outlook.com"
RECEIVED = "Received: from a.example by db1.prod.outlook.com with HTTPS\r\n"
UNNAMED = "Authentication-Results: spf=pass; dmarc=pass action=none header.from=corp.example\r\n"
INTERNAL = (
    "X-MS-Exchange-Organization-AuthAs: Internal\r\nX-MS-Exchange-Organization-AuthSource: db1.prod.outlook.com\r\n"
)


@pytest.mark.parametrize(
    ("lines", "accepts"),
    [
        (UNNAMED + RECEIVED, True),
        (INTERNAL + RECEIVED, True),
        (RECEIVED + UNNAMED, False),
        (UNNAMED, False),
        (UNNAMED.replace("dmarc=pass", "dmarc=fail") + RECEIVED, False),
        (UNNAMED.replace(" spf", " mx.example; spf") + RECEIVED, False),
        (RECEIVED.replace("by db1", "from db1 by x.example (by") + UNNAMED, False),
        (UNNAMED + RECEIVED.replace("outlook.com", "outlook.com.evil.example"), False),
        (INTERNAL.replace("Internal", "Anonymous") + RECEIVED, False),
        (INTERNAL.replace("db1.prod.outlook.com", "evil.example") + RECEIVED, False),
        (INTERNAL + INTERNAL + RECEIVED, False),
        (RECEIVED.replace("from a.example", "from by") + UNNAMED + RECEIVED, False),
    ],
)
def test_microsoft_365_proves_above_its_own_received_or_for_colleagues(lines: str, accepts: bool) -> None:
    assert isinstance(found(above(lines), m365(TENANT)), Accepted) == accepts


DOOR = "mail.protection.outlook.com"
INSIDE = "Received: from b1.eop.prod.protection.outlook.com by a1.outlook.office365.com with Microsoft SMTP Server\r\n"
OUTSIDE = (
    "Received: from mail.corp.example (1.2.3.4) by\r\n DU2PEPF01.mail.protection.outlook.com (10.0.0.1) with\r\n"
    " SMTP Server id 15.20; Tue, 3 Mar 2026 12:00:02 +0000\r\n"
)
INNER = RECEIVED + "Received: from DU2PEPF01.prod.outlook.com (2603::2) by X.outlook.office365.com with SMTP\r\n"
FAILED = UNNAMED.replace("dmarc=pass", "dmarc=fail")


@pytest.mark.parametrize(
    ("lines", "accepts"),
    [
        (INNER + UNNAMED + OUTSIDE, True),
        (INNER + OUTSIDE + UNNAMED, False),
        (INNER + OUTSIDE + UNNAMED + OUTSIDE, False),
        (INNER + FAILED + OUTSIDE + UNNAMED + OUTSIDE, False),
        (INNER + OUTSIDE.replace("from mail.corp.example", "from by") + UNNAMED + OUTSIDE, False),
        (INNER + UNNAMED + OUTSIDE.replace("outlook.com", "outlook.com.evil.example"), False),
    ],
)
def test_microsoft_365_writes_its_verdict_where_it_takes_mail_from_outside(lines: str, accepts: bool) -> None:
    assert isinstance(found(above(lines), m365(DOOR)), Accepted) == accepts
    assert not isinstance(
        found(above("Received: from a by mx.corp.example\r\n" + lines), m365("corp.example")), Accepted
    )


@pytest.mark.parametrize(
    ("lines", "accepts"),
    [
        (RECEIVED + INSIDE + UNNAMED + f"Received: from out.corp.example by b1.{DOOR} with Microsoft SMTP\r\n", True),
        (RECEIVED + INSIDE + f"Received: from out.corp.example by b1.{DOOR} with x\r\n" + UNNAMED, False),
        (
            "Received: from x.example (x.example [203.0.113.9]) by a1.prod.outlook.com with SMTP\r\n"
            + UNNAMED
            + f"Received: from out.corp.example by b1.{DOOR} with Microsoft SMTP\r\n",
            False,
        ),
        (INTERNAL + RECEIVED, True),
        (INTERNAL.replace("db1.prod.outlook.com", "db1.outlook.com.evil.example") + RECEIVED, False),
    ],
)
def test_the_servers_that_take_mail_in_prove_mail_from_outside_and_colleagues_alike(lines: str, accepts: bool) -> None:
    assert isinstance(found(above(lines), m365(DOOR)), Accepted) == accepts


@pytest.mark.parametrize(
    ("results", "accepts"),
    [
        ("auth=pass smtp.auth=bo@corp.example", True),
        ("auth=pass (tls) smtp.auth=BO@corp.example", True),
        ("auth=pass smtp.auth=anna@corp.example", False),
        ("auth=fail smtp.auth=bo@corp.example", False),
        ("auth=pass", False),
        ("auth=pass smtp.auth=bo@corp.example; auth=pass smtp.auth=anna@corp.example", False),
        ("dmarc=pass header.from=corp.example", False),
    ],
)
def test_a_log_in_proves_who_sends_where_the_server_forces_it(results: str, accepts: bool) -> None:
    raw = above(f"Authentication-Results: {MX}; {results}\r\n")

    assert isinstance(found(raw, submission(MX)), Accepted) == accepts


def test_without_a_way_mail_proves_nobody() -> None:
    refused = found(above(PASS), nobody)

    assert isinstance(refused, Refused)
    assert "SAYSO_MAIL_IDENTITY" in refused.reasons[0]


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ("DKIM-Signature: v=1; d=corp.example; l=120; b=AA\n", "only a part"),
        ("Resent-From: mallory@evil.example\n", "sent on"),
        ("Resent-Date: Tue, 3 Mar 2026 13:00:00 +0000\n", "sent on"),
        ("Auto-Submitted: auto-replied\n", "automatic"),
        ("Precedence: list\nX-Mailer: Mozilla Thunderbird\n", "list"),
        ("Sender: mallory@corp.example\n", "in this person's name"),
        ("Subject: another\n", "more than one Subject"),
    ],
)
def test_a_proven_sender_is_not_enough_when_something_else_is_wrong(extra: str, reason: str) -> None:
    refused = who(mail(extra=extra), PEOPLE, lambda _raw, _author: TAKEN_FOR_PROVEN)

    assert isinstance(refused, Refused)
    assert reason in " ".join(refused.reasons)


def test_a_mail_to_another_address_than_the_expected_one_is_refused() -> None:
    refused = who(above(PASS), PEOPLE, dmarc(MX), recipient="agent+other@sayso.example")

    assert isinstance(refused, Refused)
    assert "not addressed to" in refused.reasons[0]
    assert isinstance(who(above(PASS), PEOPLE, dmarc(MX), recipient="Agent+3k7qp2xv9rt4mzs8a@sayso.example"), Accepted)


WORDS = st.sampled_from(
    [MX, ";", " ", "dmarc=pass", "dmarc=fail", "header.from=corp.example", "(", ")", '"', "none", "\\"]
)


@given(st.lists(WORDS, max_size=12).map("".join))
def test_a_field_with_a_failed_verdict_in_plain_sight_never_passes(field: str) -> None:
    verdict = read_verdict(f"{MX}; dmarc=fail header.from=corp.example; {field}")

    assert verdict is None or verdict.one("dmarc") is None or verdict.one("dmarc").result == "fail"  # pyright: ignore[reportOptionalMemberAccess]


@pytest.mark.parametrize(
    ("above", "says"),
    [
        (PROOFPOINT, "dmarc=fail"),
        (PROOFPOINT_SKIPPED, ""),
        (MIMECAST_AS_INTERNAL, "has not written its verdict"),
        (HYBRID_IN_FRONT, ""),
        (HYBRID_COLLEAGUE, "has not written its verdict"),
        (HYBRID_BEHIND, "ex1.corp.example had it last, which is no server of Microsoft 365"),
        (MICROSOFT_OUTSIDE, ""),
        (MICROSOFT_INSIDE, ""),
        (f"Received: by mx.sayso.example (Postfix) id 1\n{MICROSOFT_OUTSIDE}", "mx.sayso.example had it last"),
        (f"Received: by mx.sayso.example (Postfix) id 1\n{MICROSOFT_INSIDE}", "mx.sayso.example had it last"),
        (f"Received: from a by b with LMTP id 1\n{MICROSOFT_INSIDE}", "b had it last"),
        (MICROSOFT_INSIDE.partition("X-MS")[1] + MICROSOFT_INSIDE.partition("X-MS")[2], "nobody had it last"),
        (f"{MICROSOFT_INSIDE}Received: from pc by mail.evil.example with ESMTP id 1\n", "no server of mail.protection"),
    ],
)
def test_microsoft_365_is_believed_where_it_had_the_mail_last_whatever_stands_in_front(above: str, says: str) -> None:
    result = found(sent_by_bo(above), m365(DOOR))

    assert isinstance(result, Refused if says else Accepted), result
    assert says in (" ".join(result.reasons) if isinstance(result, Refused) else "")


def test_what_an_exchange_in_front_hands_on_is_proven_by_its_signature_and_held_to_it() -> None:
    signature = "DKIM-Signature: v=1; a=rsa-sha256; d=corp.example; s=s1; h={}; bh=x=; b=AbC=\n"
    weak = found(sent_by_bo(HYBRID_IN_FRONT, signature.format("from:to")), m365(DOOR))
    strong = found(sent_by_bo(HYBRID_IN_FRONT, signature.format("from:date:subject")), m365(DOOR))

    assert isinstance(weak, Accepted)
    assert "does not cover Date and Subject" in weak.weakness
    assert isinstance(strong, Accepted)
    assert strong.weakness == ""
