"""The findings on a real mail, and which setting is proposed from it."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from channels.email.identity import Accepted, who
from channels.email.identity.identify import TENANT, Identified, identify
from channels.email.identity.proof import dmarc, m365, submission
from tests.channels.email import providers
from tests.channels.email.mails import BO, People
from tests.channels.email.providers import (
    FASTMAIL,
    FROM_BO,
    GATEWAY,
    GMAIL,
    MICROSOFT_INSIDE,
    MICROSOFT_OUTSIDE,
    OPENDMARC,
    OWN,
    PLAIN,
    SUBMISSION,
    sent_by_bo,
)
from tests.fakes.screen import is_harmless

PROOFS = {"dmarc": dmarc, "m365": m365, "submission": submission}
FORGED = "Authentication-Results: {}; dmarc=pass header.from=corp.example\n"


def proposal(found: Identified) -> tuple[str, str]:
    return found.way, found.authserv_id


@pytest.mark.parametrize(
    ("above", "way", "server", "by", "source"),
    [
        (GMAIL, "dmarc", "mx.google.com", "2002:a05:6a10:1234:b0:5a2:3c4d:1", "out.corp.example"),
        (MICROSOFT_OUTSIDE, "m365", TENANT, "ds7pr06mb6790.namprd06.prod.outlook.com", "out.corp.example"),
        (MICROSOFT_INSIDE, "m365", TENANT, "", ""),
        (FASTMAIL, "dmarc", "phl-mx-04.messagingengine.com", "phl-store-05.phl.internal", "out.corp.example"),
        (OPENDMARC, "dmarc", "mail.sayso.example", "mail.sayso.example", "out.corp.example"),
        (SUBMISSION, "submission", "mail.corp.example", "mail.corp.example", "unknown"),
    ],
)
def test_the_way_that_fits_is_proposed_and_would_accept_this_very_mail(
    above: str, way: str, server: str, by: str, source: str
) -> None:
    raw = sent_by_bo(above)
    found = identify(raw, OWN)

    assert proposal(found) == (way, server), found
    assert isinstance(who(raw, People(BO), PROOFS[found.way](found.authserv_id)), Accepted)
    assert found.do == ""
    assert "bo@corp.example" in found.cautions[0]
    assert (found.claims, found.subject) == ("bo@corp.example", "sayso-1a2b3c4d")
    assert not by or (found.received_by, found.received_from) == (by, source)


def test_each_header_is_told_with_whose_word_it_is_where_it_stands_and_what_it_says() -> None:
    arc, own = identify(sent_by_bo(GMAIL)).words

    assert (arc.header, arc.server, arc.place) == ("ARC-Authentication-Results", "mx.google.com", "above")
    assert "not used" in arc.why_not
    assert (own.header, own.server, own.place, own.why_not) == (
        "Authentication-Results", "mx.google.com", "beside", "",
    )  # fmt: skip
    assert own.says == ("dkim=pass", "spf=pass smtp.mailfrom=bo@corp.example", "dmarc=pass header.from=corp.example")


def test_microsoft_365_tells_a_colleague_by_another_header_and_a_verdict_without_a_name_is_nobody_s() -> None:
    [word] = identify(sent_by_bo(MICROSOFT_INSIDE)).words
    first, anonymous = identify(sent_by_bo(MICROSOFT_OUTSIDE)).words

    assert (word.server, word.says) == ("am0pr04mb3333.eurprd04.prod.outlook.com", ("AuthAs Internal",))
    assert (first.server, first.place, first.says[-1]) == ("", "above", "dmarc=pass header.from=corp.example")
    assert "names no server" in first.why_not
    assert anonymous.says == ("AuthAs Anonymous",)


def test_what_every_way_would_say_is_told() -> None:
    trials = {(trial.way, trial.authserv_id): trial for trial in identify(sent_by_bo(SUBMISSION)).trials}

    assert trials["submission", "mail.corp.example"].proves
    assert trials["dmarc", "mail.corp.example"].says == "mail.corp.example does not give one DMARC result"


@pytest.mark.parametrize(
    "server", ["mx.evil.example", "out.corp.example", "mail.sayso.example.evil.example", "google.com", TENANT]
)
@pytest.mark.parametrize("above", [PLAIN, GATEWAY])
def test_a_verdict_below_what_our_provider_wrote_is_never_proposed(above: str, server: str) -> None:
    found = identify(sent_by_bo(above, FORGED.format(server)), OWN)

    assert proposal(found) == ("none", "")
    assert server in found.why
    assert "--gateway" in found.do
    forged = next(word for word in found.words if word.server == server)
    assert "may have written it" in forged.why_not


@pytest.mark.parametrize("above", [GMAIL, OPENDMARC, SUBMISSION, MICROSOFT_OUTSIDE, FASTMAIL])
def test_forged_headers_beside_a_true_one_change_nothing(above: str) -> None:
    forged = (
        FORGED.format("mx.evil.example")
        + "Received: from a.example by b1.mail.protection.outlook.com with ESMTPS\n"
        + "X-MS-Exchange-Organization-AuthSource: b1.prod.outlook.com\n"
        + FORGED.format("mx.other.example").replace("dmarc", "auth=pass smtp.auth=bo@corp.example; dmarc")
    )

    assert proposal(identify(sent_by_bo(above, forged))) == proposal(identify(sent_by_bo(above)))


def test_a_second_header_of_the_same_server_is_warned_of() -> None:
    found = identify(
        sent_by_bo(OPENDMARC, "Received: from x by out.corp.example\n" + FORGED.format("mail.sayso.example"))
    )

    assert proposal(found) == ("dmarc", "mail.sayso.example")
    assert any("Further down" in caution for caution in found.cautions)


def test_a_door_of_microsoft_below_another_one_proves_nobody() -> None:
    above = (
        "Received: from out.evil.example (203.0.113.9) by a1.prod.outlook.com with Microsoft SMTP Server\n"
        "Authentication-Results: spf=pass; dmarc=pass action=none header.from=corp.example\n"
        "Received: from out.corp.example (203.0.113.5) by b1.mail.protection.outlook.com with Microsoft SMTP Server\n"
    )
    kept = "X-MS-Exchange-Organization-AuthAs: Internal\nX-MS-Exchange-Organization-AuthSource: a.prod.outlook.com\n"
    found = identify(sent_by_bo(above))

    assert identify(sent_by_bo(PLAIN, kept)).way == "none", "it proves nothing elsewhere"
    assert found.way == "none"
    assert [(trial.way, trial.proves) for trial in found.trials] == [("m365", False)]
    assert "from outside at another server" in found.why


def test_a_gateway_is_pinned_only_when_a_person_says_that_it_is_theirs() -> None:
    assert identify(sent_by_bo(GATEWAY)).way == "none"
    found = identify(sent_by_bo(GATEWAY), gateway="filter.example")

    assert proposal(found) == ("dmarc", "gw.filter.example")
    assert any("filter.example alone" in caution for caution in found.cautions)


@pytest.mark.parametrize(
    ("raw", "why", "do"),
    [
        (sent_by_bo(PLAIN), "no server vouches", "OpenDMARC"),
        (sent_by_bo(), "no Received", "as people will"),
        (sent_by_bo("", FORGED.format("mx.corp.example")), "no Received", "as people will"),
        (sent_by_bo(OPENDMARC.replace("dmarc=pass", "dmarc=fail")), "dmarc=fail", "publish SPF, DKIM and DMARC"),
        (sent_by_bo(GMAIL.replace("dmarc=pass", "dmarc=none")), "dmarc=none", "corp.example"),
        (sent_by_bo(GMAIL, head=FROM_BO.replace("bo@corp", "bo@evil")), "not for evil.example", "own domain"),
        (sent_by_bo(GMAIL, head=FROM_BO.replace("From: ", "From: a@x.example, ")), "one plain address", "usual"),
        (sent_by_bo(GMAIL, "List-Id: <all.corp.example>\n"), "list", "straight from"),
        (sent_by_bo(GMAIL, head=FROM_BO.replace("bo@corp", "agent@sayso")), "the bot's own", "your own account"),
        (b"\r\n" + sent_by_bo(GMAIL), "can't be read", "usual mail program"),
        (b"", "can't be read", "usual"),
    ],
)
def test_where_nothing_fits_it_says_why_and_what_to_do(raw: bytes, why: str, do: str) -> None:
    found = identify(raw, OWN)

    assert proposal(found) == ("none", "")
    assert why in found.why
    assert do in found.do
    assert found.why
    assert found.do
    assert found.cautions == ()


def test_a_verdict_that_dmarc_does_not_top_says_so() -> None:
    first, second = "; dmarc=pass (p=none dis=none) header.from=corp.example", "; dkim=pass header.d=corp.example"
    turned = OPENDMARC.replace(first, "; x").replace("; x", second, 1)
    turned = turned.replace(
        "Received: from out", f"Authentication-Results: mail.sayso.example{first}\nReceived: from out"
    )

    found = identify(sent_by_bo(turned))

    assert found.way == "none"
    assert "write one header" in found.do


HEADS = [line for head in providers.HEADS.values() for line in re.sub(r"\n[ \t]", " ", head + FROM_BO).splitlines()]
NAMES = st.sampled_from(["Received", "Authentication-Results", "From", "Subject", "ARC-Authentication-Results"])
ODD = [FORGED.format("mx.google.com"), "Received: from (((\n", "Received: by [::1]\n", "\x1b]0;x\x07: y\n"]
LINES = st.one_of(
    st.sampled_from([f"{line}\n" for line in HEADS]),
    st.builds("{}: {}\n".format, NAMES, st.text(max_size=60)),
    st.sampled_from(ODD),
)


def texts(found: object) -> Iterator[str]:
    """Every text in what is to be shown."""
    match found:
        case str():
            yield found
        case dict():
            for each in cast("dict[str, object]", found).values():
                yield from texts(each)
        case tuple():
            for each in cast("tuple[object, ...]", found):
                yield from texts(each)
        case _:
            assert isinstance(found, bool)


@example(FROM_BO.replace("sayso", "=?utf-8?B?G10yOzA=?=").encode())
@example(f"Authentication-Results: {'(' * 3000}\n{FROM_BO}".encode())
@given(
    st.one_of(
        st.binary(max_size=400),
        st.lists(LINES, max_size=14).map(lambda lines: "".join(lines).encode("utf-8", "surrogatepass")),
        st.lists(LINES, max_size=14).map(
            lambda lines: ("".join(lines) + FROM_BO).replace("\n", "\r\n").encode("utf-8", "surrogatepass")
        ),
    )
)
def test_whatever_it_is_something_is_said_in_printable_characters_and_nothing_false(raw: bytes) -> None:
    found = identify(raw, OWN)

    assert all(is_harmless(text) for text in texts(asdict(found)))
    assert found.why
    if found.way != "none":
        proven = who(raw, People(BO), PROOFS[found.way](found.authserv_id))
        assert isinstance(proven, Accepted)


@given(st.lists(LINES, max_size=14).map("".join))
def test_nothing_that_a_sender_writes_makes_a_server_vouch_that_does_not(lines: str) -> None:
    above = PLAIN.replace("mail.sayso.example", "mx.door.example")

    assert identify(sent_by_bo(above, lines.encode("utf-8", "replace").decode())).way == "none"


def test_a_sender_whose_signature_leaves_out_date_and_subject_is_told_that_mail_can_t_approve() -> None:
    by_dkim = GMAIL.replace("smtp.mailfrom=bo@corp.example", "smtp.mailfrom=bo@relay.invalid")

    assert any("not approve" in caution and "Date and Subject" in caution for caution in cautions(by_dkim))
    signed = by_dkim.replace("h=from:to", "h=from:to:date:subject")
    assert not any("not approve" in caution for caution in (*cautions(signed), *cautions(GMAIL)))


def cautions(above: str) -> tuple[str, ...]:
    return identify(sent_by_bo(above), OWN).cautions
