import pytest

from channels import ByServer
from channels.email.format import trace
from channels.email.identity import Accepted, Refused, who
from channels.email.identity.proof import Unproven, local
from tests.channels.email.mails import ANNA, BO, People, arrived, mail
from tests.channels.email.provers import TAKEN_FOR_PROVEN
from tests.kit.rows import rows

ROWS = rows("cases.toml", beside=__file__)["identity"]

PEOPLE = People(ANNA, BO)


def test_a_person_is_who_was_logged_in_as_their_from_address_and_nobody_else() -> None:
    found = who(arrived(mail(author="BO <Bo@Corp.example>"), login="bo@corp.example"), PEOPLE, local)
    assert isinstance(found, Accepted)
    assert found.contact == BO
    assert found.known == ByServer(how="login", server="sayso-dev.invalid", of="bo@corp.example")

    why = "nothing proves who sent it, so it may be forged: it was sent without logging in as bo@corp.example"
    assert who(arrived(mail(), login=None), PEOPLE, local) == Refused((why,), "bo@corp.example")
    refused = who(arrived(mail(), login="anna@corp.example"), PEOPLE, local)
    assert isinstance(refused, Refused)
    assert "was sent by anna@corp.example" in refused.reasons[0]


def test_a_block_that_the_sender_wrote_proves_nothing() -> None:
    forged = trace.write(trace.Trace("bo@corp.example", "agent@sayso.example", "bo@corp.example"))

    assert isinstance(who(arrived(forged + mail(), login=None), PEOPLE, local), Refused)
    assert isinstance(local(b"X-Other: 1\r\n" + forged + mail(), "bo@corp.example"), Unproven)
    assert isinstance(local(mail(), "bo@corp.example"), Unproven)


def test_a_stranger_is_refused_and_named_only_where_no_forger_can_be_one() -> None:
    mallory = "mallory@evil.example"
    sure, unsure = [who(arrived(mail(author=mallory), login=login), PEOPLE, local) for login in (mallory, None)]

    assert sure == Refused((f"{mallory} is not in the directory of people",), mallory, stranger=mallory)
    assert isinstance(unsure, Refused)
    assert (unsure.claims, unsure.stranger) == (mallory, "")


@pytest.mark.parametrize("author", ROWS["a_from_that_lies_is_refused_even_when_proof_would_be_given_for_anything"])
def test_a_from_that_lies_is_refused_even_when_proof_would_be_given_for_anything(author: str) -> None:
    found = who(mail(author=author), PEOPLE, lambda _raw, _author: TAKEN_FOR_PROVEN)

    assert isinstance(found, Refused)


def test_a_mail_without_a_from_is_refused() -> None:
    found = who(b"To: agent@sayso.example\r\n\r\napprove", PEOPLE, lambda _raw, _author: TAKEN_FOR_PROVEN)

    assert found == Refused(("its From is not exactly one plain address",), "")
