import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.identity import Accepted, who
from channels.email.identity.proof import Prove, dmarc, m365, submission
from channels.email.identity.signature import NEEDED, SIGNATURE_CHARS, Signature, read_signature, read_tags
from tests.channels.email.mails import ANNA, BO, People, mail
from tests.kit.rows import rows

ROWS = rows("cases.toml", beside=__file__)["signature"]

MX = "mx.corp.example"
BY_DKIM = f"Authentication-Results: {MX}; spf=softfail smtp.mailfrom=mallory@evil.example;"
DMARC = " dmarc=pass header.from=corp.example\r\n"
ALL = "from:to:date:subject:message-id"


def signature(covers: str = ALL, domain: str = "corp.example", selector: str = "s1", value: str = "AbC+/9") -> str:
    return (
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s={selector};\r\n"
        f"\th={covers};\r\n\tbh=x/Y=; b={value}xyz\r\n\t==\r\n"
    )


def weakness(lines: str, prove: Prove | None = None) -> str:
    """Return why the mail, accepted as Bo's, may not approve."""
    found = who(lines.encode() + mail(), People(ANNA, BO), prove or dmarc(MX))
    assert isinstance(found, Accepted), found
    return found.weakness


@pytest.mark.parametrize(
    ("covers", "lacks"), ROWS["a_mail_that_a_signature_alone_proves_may_not_approve_when_its_words_are_left_out"]
)
def test_a_mail_that_a_signature_alone_proves_may_not_approve_when_its_words_are_left_out(
    covers: str, lacks: str
) -> None:
    said = weakness(f"{BY_DKIM} dkim=pass header.d=corp.example;{DMARC}{signature(covers)}")

    assert f"does not cover {lacks}:" in said


def test_what_answers_no_card_has_to_be_signed_as_written_to_us_too() -> None:
    lines = f"{BY_DKIM} dkim=pass header.d=corp.example;{DMARC}{signature('from:date:subject')}"
    found = who(lines.encode() + mail(), People(ANNA, BO), dmarc(MX))

    assert isinstance(found, Accepted), found
    assert found.weakness == ""
    assert "does not cover To:" in found.wish_weakness


@pytest.mark.parametrize("covers", [ALL, "From : Date : Subject", "subject:date:from:from:subject:date"])
def test_a_signature_over_from_date_and_subject_proves_the_words_too(covers: str) -> None:
    assert weakness(f"{BY_DKIM} dkim=pass header.d=corp.example;{DMARC}{signature(covers)}") == ""


@pytest.mark.parametrize(
    "spf",
    ["spf=pass smtp.mailfrom=bo@corp.example", "spf=pass (x) smtp.mailfrom=corp.example smtp.helo=x.example"],
)
def test_nothing_is_asked_of_signatures_where_spf_passed_for_the_authors_domain(spf: str) -> None:
    lines = f"Authentication-Results: {MX}; dkim=pass header.d=corp.example; {spf};{DMARC}"

    assert weakness(lines + signature("from")) == ""
    assert weakness(lines) == ""


@pytest.mark.parametrize(
    "spf", ROWS["where_spf_is_not_certain_to_have_passed_for_it_the_signature_must_cover_the_words"]
)
def test_where_spf_is_not_certain_to_have_passed_for_it_the_signature_must_cover_the_words(spf: str) -> None:
    lines = f"Authentication-Results: {MX}; {spf} dkim=pass header.d=corp.example;{DMARC}"

    assert "does not cover Date and Subject" in weakness(lines + signature("from:to"))
    assert weakness(lines + signature()) == ""


@pytest.mark.parametrize("spf", ["", "spf=pass;", "spf=pass smtp.mailfrom=bo@bounce.corp.example;"])
def test_a_mail_without_any_signature_that_passed_was_proven_by_spf(spf: str) -> None:
    assert weakness(f"Authentication-Results: {MX}; {spf}{DMARC}") == ""
    assert weakness(f"Authentication-Results: {MX}; {spf}{DMARC}{signature('from', 'list.invalid')}") == ""


@pytest.mark.parametrize("said", [BY_DKIM, f"Authentication-Results: {MX}; dkim=pass header.d=corp.example;"])
def test_a_signature_that_passed_and_is_not_there_any_more_shows_nothing(said: str) -> None:
    assert "holds no such signature" in weakness(said + DMARC)
    assert "holds no such signature" in weakness(said + DMARC + signature(domain="evil.invalid"))


@pytest.mark.parametrize(
    ("dkim", "is_weak"), ROWS["of_several_signatures_every_one_that_may_have_passed_must_cover_the_words"]
)
def test_of_several_signatures_every_one_that_may_have_passed_must_cover_the_words(dkim: str, is_weak: bool) -> None:
    strong, weak = signature(selector="s1"), signature("from", selector="s2", value="zzz9")

    for both in (strong + weak, weak + strong):
        assert (weakness(f"{BY_DKIM} {dkim};{DMARC}{both}") != "") == is_weak


@pytest.mark.parametrize("neighbour", ["customer.corp.example", "corp.example"])
def test_a_signature_that_somebody_near_adds_to_an_old_mail_clears_it_of_nothing(neighbour: str) -> None:
    lines = f"{BY_DKIM} dkim=pass header.d=corp.example header.s=s1; dkim=pass header.d={neighbour} header.s=s2;{DMARC}"

    assert "does not cover Date" in weakness(lines + signature("from:subject") + signature(ALL, neighbour, "s2"))


@pytest.mark.parametrize(
    "broken",
    [
        signature().replace("v=1; ", ""),
        signature().replace("v=1", "v=2"),
        signature().replace("d=corp.example;", "d=corp.example; d=corp.example;"),
        signature().replace(f"h={ALL};", "h=;"),
        signature().replace(f"h={ALL};", f"h={ALL}:;"),
        signature().replace(f"h={ALL};", f"h={ALL}; H={ALL}; h=from;"),
        signature().replace("s=s1;", "s=s1; junk;"),
        signature().replace("s=s1;", ";"),
        signature().replace("corp.example", "c\u00f6rp.example"),
        "DKIM-Signature: \r\n",
    ],
)
def test_a_signature_that_can_t_be_read_covers_nothing(broken: str) -> None:
    assert weakness(f"{BY_DKIM} dkim=pass header.d=corp.example;{DMARC}{broken}")
    assert weakness(f"{BY_DKIM} dkim=pass header.d=corp.example;{DMARC}{signature()}{broken}")


def test_microsoft_s_verdict_is_held_against_the_signatures_as_well() -> None:
    results = "Authentication-Results: spf=fail smtp.mailfrom=evil.example; dkim=pass (signature was verified)"
    received = "Received: from gw.example by b1.mail.protection.outlook.com with Microsoft SMTP\r\n"
    lines = f"{results} header.d=corp.example;dmarc=pass action=none header.from=corp.example\r\n{received}"
    prove = m365("mail.protection.outlook.com")

    assert weakness(lines + signature(), prove) == ""
    assert "does not cover Date and Subject" in weakness(lines + signature("from:to"), prove)


def test_a_log_in_proves_a_mail_whatever_is_signed() -> None:
    lines = f"Authentication-Results: {MX}; auth=pass smtp.auth=bo@corp.example\r\n{signature('from')}"

    assert weakness(lines, submission(MX)) == ""


NAMES = st.text("abcxyzABC019_", min_size=1, max_size=6).map(lambda name: "t" + name)
VALUES = st.text("!#$%&'()*+,-./0189:<=>?@AZ[]^_`az{|}~", max_size=8)
BLANKS = st.text(" \t", max_size=2)


@given(st.dictionaries(NAMES, VALUES, max_size=6), st.data())
def test_tags_are_read_as_written_whatever_stands_between_them(tags: dict[str, str], data: st.DataObject) -> None:
    field = ";".join(
        f"{data.draw(BLANKS)}{name}{data.draw(BLANKS)}={data.draw(BLANKS)}{value}{data.draw(BLANKS)}"
        for name, value in tags.items()
    )

    assert read_tags(field + ";" if tags else "t=") == (tags or {"t": ""})


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), st.sampled_from(["=x", "9=x", "t\x00=x", "t=\x7f", "t"]))
def test_one_piece_that_is_no_tag_or_stands_twice_spoils_all(tags: dict[str, str], spoiler: str) -> None:
    field = ";".join(f"{name}={value}" for name, value in tags.items())

    assert read_tags(f"{field};{spoiler}") is None
    assert read_tags(f"{spoiler};{field}") is None
    assert read_tags(f"{field};{next(iter(tags))}=") is None
    assert read_tags(f"{field};;") is None


@given(st.text(max_size=60))
def test_whatever_the_field_is_what_is_said_to_be_covered_stands_in_it(field: str) -> None:
    found = read_signature(f"v=1;a=x;b=y;bh=z;d=corp.example;s=s1;h={field}")

    assert found is None or all(name in field.lower() for name in found.covers)


def test_a_signature_is_read_without_regard_to_case_and_blanks() -> None:
    field = " v=1; A=no; a=rsa-sha256; d=Corp.Example; s=S1; h=From : DATE ; bh=x; b=A b\tC= "

    assert read_signature(field) == Signature("corp.example", "s1", "abc=", frozenset(("from", "date")))
    assert read_signature("v=1; " + "x" * SIGNATURE_CHARS) is None
    assert set(NEEDED) == {"from", "date", "subject"}
