"""The servers on a mail's way that are ours."""

import pytest

from channels.email.format.headers import Headers
from channels.email.identity.hops import hops, organisation, ours
from tests.kit.rows import rows

ROWS = rows("cases.toml", beside=__file__)["hops"]

LMTP = "from localhost by 4f2a1c with LMTP id x1"
DOOR = "from out.corp.example (out.corp.example [203.0.113.5]) by mx.sayso.example (Postfix) with ESMTPS id x2"
THEIRS = "from [10.0.0.9] (unknown [198.51.100.7]) by out.corp.example with ESMTPSA id x3"


def way(*received: str) -> Headers:
    return Headers(tuple(("received", value) for value in received))


@pytest.mark.parametrize(
    ("received", "count"),
    [
        ((), 0),
        ((DOOR, THEIRS), 1),
        ((LMTP, DOOR, THEIRS), 2),
        (("by 2002:a05::1 with SMTP id a", DOOR, THEIRS), 2),
        (("from in.sayso.example (in.sayso.example [198.51.100.1]) by box.sayso.example with ESMTP", DOOR), 2),
        (("from scan (unknown [10.0.0.7]) by box.sayso.example with ESMTP", DOOR), 2),
        (("from scan (unknown [198.51.100.7]) by box.sayso.example with ESMTP", DOOR), 1),
        (("from box.sayso.example (unknown [198.51.100.7]) by box.sayso.example with ESMTP", DOOR), 1),
        (("from box.sayso.example (evil.example [198.51.100.7]) by box.sayso.example with ESMTP", DOOR), 1),
        (("from out.corp.example by mx.sayso.example with ESMTP", DOOR), 1),
        (("from laptop (laptop [10.0.0.8]) by mx.sayso.example with ESMTPSA", DOOR), 1),
        (("from in.corp.co.uk by mx.evil.co.uk with ESMTP", DOOR), 1),
        (("nonsense", DOOR), 2),
    ],
)
def test_ours_end_at_the_server_that_took_the_mail_from_outside(received: tuple[str, ...], count: int) -> None:
    assert len(ours(hops(way(*received)))) == count


def test_a_gateway_that_is_ours_is_one_more() -> None:
    received = ("from gw.filter.example (gw.filter.example [192.0.2.3]) by mx.sayso.example with ESMTPS", DOOR, THEIRS)

    assert [len(ours(hops(way(*received)), gateway)) for gateway in ("", "filter.example", "lter.example")] == [1, 2, 1]


@pytest.mark.parametrize(("host", "owner"), ROWS["hosts_of_one_owner_have_a_name_in_common"])
def test_hosts_of_one_owner_have_a_name_in_common(host: str, owner: str) -> None:
    assert organisation(host) == owner


def test_names_and_protocol_are_read_from_what_is_no_comment() -> None:
    [hop] = hops(
        way("from a.example (b.example. [203.0.113.5] (by c.example)) by D.example. (by e.example) with ESMTPS")
    )

    assert (hop.sent, hop.peer, hop.by, hop.protocol) == ("a.example", "", "d.example", "esmtps")


@pytest.mark.parametrize("blanks", [" " * 1_900, "(" * 1_900, "(" * 900 + ")" * 900, "from " * 380])
def test_a_hop_is_read_once_whatever_it_repeats(blanks: str) -> None:
    headers = Headers((("received", f"from a.example {blanks}"),) * 30)

    assert {hop.sent for hop in hops(headers)} == {"a.example"}
