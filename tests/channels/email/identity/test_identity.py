import pytest

from channels.email.format import trace
from channels.email.identity import Accepted, Refused, who
from channels.email.identity.proof import Proven, Unproven, local
from tests.channels.email.mails import ANNA, BO, People, arrived, mail

PEOPLE = People(ANNA, BO)


def test_a_person_who_was_logged_in_as_their_from_address_is_accepted() -> None:
    found = who(arrived(mail(author="BO <Bo@Corp.example>"), login="bo@corp.example"), PEOPLE, local)

    assert isinstance(found, Accepted)
    assert found.contact == BO
    assert found.evidence == "sayso-dev.invalid: auth=pass smtp.auth=bo@corp.example"


def test_a_mail_without_a_log_in_is_refused_and_says_whose_word_it_claims_to_be() -> None:
    found = who(arrived(mail(), login=None), PEOPLE, local)

    why = "nothing proves who sent it, so it may be forged: it was sent without logging in as bo@corp.example"
    assert found == Refused((why,), "bo@corp.example")


def test_a_mail_by_somebody_else_who_was_logged_in_is_refused() -> None:
    found = who(arrived(mail(), login="anna@corp.example"), PEOPLE, local)

    assert isinstance(found, Refused)
    assert "was sent by anna@corp.example" in found.reasons[0]


def test_a_block_that_the_sender_wrote_proves_nothing() -> None:
    forged = trace.write(trace.Trace("bo@corp.example", "agent@sayso.example", "bo@corp.example"))

    assert isinstance(who(arrived(forged + mail(), login=None), PEOPLE, local), Refused)
    assert isinstance(local(b"X-Other: 1\r\n" + forged + mail(), "bo@corp.example"), Unproven)
    assert isinstance(local(mail(), "bo@corp.example"), Unproven)


def test_a_stranger_is_refused() -> None:
    found = who(arrived(mail(author="mallory@evil.example"), login="mallory@evil.example"), PEOPLE, local)

    reason, mallory = "mallory@evil.example is not in the directory of people", "mallory@evil.example"
    assert found == Refused((reason,), mallory, stranger=mallory)


def test_a_stranger_who_can_t_be_told_from_a_forger_is_nobody() -> None:
    found = who(arrived(mail(author="mallory@evil.example"), login=None), PEOPLE, local)

    assert isinstance(found, Refused)
    assert (found.claims, found.stranger) == ("mallory@evil.example", "")


@pytest.mark.parametrize(
    "author",
    [
        '"bo@corp.example" <mallory@evil.example>',
        "bo@corp.example <mallory@evil.example>",
        "<bo@corp.example> <mallory@evil.example>",
        "<bo@corp.example",
        "bo@corp.example;mallory@evil.example",
        "bo@corp.example, mallory@evil.example",
        "<@evil.example:bo@corp.example>",
        "team: bo@corp.example;",
        "bo@corp.example (really)",
        "=?utf-8?q?bo=40corp=2Eexample?=",
        "b\u043e@corp.example",
        "bo@corp.example\nFrom: mallory@evil.example",
        "Bo <bo@corp.example>\nFrom: Bo <bo@corp.example>",
        "bo@corp.example\rFrom: bo@corp.example",
    ],
)
def test_a_from_that_lies_is_refused_even_when_proof_would_be_given_for_anything(author: str) -> None:
    found = who(mail(author=author), PEOPLE, lambda _raw, _author: Proven("anything goes"))

    assert isinstance(found, Refused)


def test_a_mail_without_a_from_is_refused() -> None:
    found = who(b"To: agent@sayso.example\r\n\r\napprove", PEOPLE, lambda _raw, _author: Proven("anything goes"))

    assert found == Refused(("its From is not exactly one plain address",), "")
