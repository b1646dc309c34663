from dataclasses import replace

import pytest

from channels import ChannelRefused, Contact
from channels.email.format.body import read_text
from channels.email.format.headers import read_headers
from channels.email.local.letters import Letter
from channels.email.local.reply_mail import compose_reply
from channels.email.reply import read_reply
from tests.channels.email.mails import BO, BOT, NOON

CARD = Letter(
    id="0a1b2c3d",
    subject="Deploy?",
    sender=f"sayso <{BOT}>",
    at=NOON,
    text="Deploy?\n\nTo approve, reply with the one word: approve\n",
    reply_to="agent+k7@sayso.example",
    message_id="<card.1@sayso.example>",
    references="<thread.1@sayso.example>",
)


def test_a_reply_goes_to_where_the_mail_wants_it_in_its_thread() -> None:
    reply = compose_reply(CARD, "yes", author=BO, at=NOON)
    headers = read_headers(reply.raw)

    assert reply.recipient == headers.one("to") == "agent+k7@sayso.example"
    assert headers.one("from") == "Bo Berg <bo@corp.example>"
    assert headers.one("subject") == "Re: Deploy?"
    assert headers.one("in-reply-to") == "<card.1@sayso.example>"
    assert headers.one("references") == "<thread.1@sayso.example> <card.1@sayso.example>"


def test_the_original_is_quoted_below_and_is_no_part_of_the_answer() -> None:
    text = read_text(compose_reply(CARD, "no, not now", author=BO, at=NOON).raw)

    assert f"On 3 Mar 2026, at 12:00, sayso <{BOT}> wrote:\n\n> Deploy?\n>" in text
    assert read_reply(text).text == "no, not now"


def test_nothing_odd_of_the_original_or_its_author_becomes_a_header() -> None:
    odd = BO.model_copy(update={"name": "<anna@corp.example>\r\nBcc: x,"})
    card = replace(CARD, subject="Re: Deploy?", references="nonsense <a@b> <<x>", message_id="none")

    headers = read_headers(compose_reply(card, "yes", author=odd, at=NOON).raw)

    assert headers.all("bcc") == ()
    assert headers.one("from").startswith("=?utf-8?b?")
    assert (headers.one("subject"), headers.one("references")) == ("Re: Deploy?", "<a@b>")


def test_who_has_no_mail_address_can_t_answer_nor_can_a_mail_that_names_none_be_answered() -> None:
    for author in (Contact(id="cy", name="Cy"), Contact(id="cy", name="Cy", email="nonsense")):
        with pytest.raises(ChannelRefused, match="can't answer mail 0a1b2c3d"):
            compose_reply(CARD, "yes", author=author, at=NOON)
    with pytest.raises(ChannelRefused, match="names one address to reply to"):
        compose_reply(replace(CARD, reply_to=None), "yes", author=BO, at=NOON)
