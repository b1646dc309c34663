"""Write mails as a person's phone would: a reply to one of our mails, or a first mail. For commands and tests."""

import email.utils
from datetime import UTC, datetime

from channels import ChannelRefused, Contact
from channels.email.format import addresses
from channels.email.format.message_ids import is_message_id, reply_id
from channels.email.local.letters import Letter
from channels.email.mime import Post, display_name, encoded, header_block, text_part
from channels.email.transport import Transport
from channels.showing import one_line


async def submit(transport: Transport, letter: Letter, text: str, *, author: Contact, at: datetime) -> Post:
    """Send `author`'s reply to `letter` through `transport`, which must log in as `author`; what was sent.

    Raises ChannelRefused or ChannelUnavailable.
    """
    post = compose_reply(letter, text, author=author, at=at)
    await transport.send(post.raw, sender=author.email or "", recipients=(post.recipient,))
    return post


def compose_reply(letter: Letter, text: str, *, author: Contact, at: datetime) -> Post:
    """`text` above the quoted `letter`, in its thread, to where it wants replies. Raises ChannelRefused."""
    recipient, sender = letter.reply_to, author.email or ""
    if recipient is None or not addresses.is_address(sender):
        raise ChannelRefused(
            what=f"{author.name} can't answer mail {letter.id}",
            do="Answer a mail that names one address to reply to, as a person who has a mail address",
        )
    message_id = reply_id(letter.message_id, text, at, sender)
    known = [each for each in (*letter.references.split(), letter.message_id) if is_message_id(each)]
    subject = letter.subject if letter.subject.lower().startswith("re:") else f"Re: {letter.subject}"
    headers = [
        ("From", f"{display_name(author.name)} <{sender}>"),
        ("To", recipient),
        ("Subject", encoded(subject)),
        ("Date", email.utils.format_datetime(at.astimezone(UTC))),
        ("Message-ID", message_id),
        *([("In-Reply-To", letter.message_id), ("References", "\r\n ".join(known))] if known else []),
        ("MIME-Version", "1.0"),
    ]
    return Post(header_block(headers) + text_part(_above_quote(text, letter)), recipient, message_id)


def compose_letter(sender: str, recipient: str, subject: str, text: str, at: datetime) -> Post:
    """A first mail of somebody of whom only an address is known. Raises ChannelRefused."""
    for address in (sender, recipient):
        if not addresses.is_address(address):
            raise ChannelRefused(
                what=f"{one_line(address, 100)} is no plain mail address", do="Write one such as eve@shop.example"
            )
    message_id = reply_id(subject, text, at, sender)
    headers = [
        ("From", sender),
        ("To", recipient),
        ("Subject", encoded(one_line(subject, 200))),
        ("Date", email.utils.format_datetime(at.astimezone(UTC))),
        ("Message-ID", message_id),
        ("MIME-Version", "1.0"),
    ]
    return Post(header_block(headers) + text_part(f"{text}\n"), recipient, message_id)


def _above_quote(text: str, letter: Letter) -> str:
    when = f"{letter.at.day} {letter.at:%b %Y, at %H:%M}"
    quote = "\n".join(f"> {line}" for line in letter.text.rstrip("\n").split("\n"))
    sender = letter.sender if addresses.is_address(letter.sender) else one_line(letter.sender, 100)
    return f"{text}\n\nOn {when}, {sender} wrote:\n\n{quote}\n"
