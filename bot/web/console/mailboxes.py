"""The demo people's mail beside `sayso dev`: read it, and answer it by real SMTP, as a phone would."""

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from bot.errors import NotFound
from bot.web.console.pages import fragment, page, part, to
from bot.web.console.streams import following
from bot.web.console.visits import Refusal, visit_of
from bot.web.here import Demo, here
from channels import ChannelError, Contact
from channels.email.local.letters import Letter, letter, letters
from channels.email.local.reply_mail import submit
from channels.email.transport import Transport
from language import say
from language.recorded import trouble_of

_TEXT_CHARS = 8_000


async def listed(request: Request) -> Response:
    """A person's mailbox, newest first."""
    demo, owner = _demo(request), _owner(request)
    found = await asyncio.to_thread(letters, demo.mail.folder(owner.email or ""))
    return await page(request, "mailbox.html", {"owner": owner, "letters": found[::-1]})


async def followed(request: Request) -> Response:
    """The list anew whenever mail arrives."""
    demo, owner = _demo(request), _owner(request)

    async def render(_: tuple[str, ...]) -> tuple[bytes, bool]:
        found = await asyncio.to_thread(letters, demo.mail.folder(owner.email or ""))
        return part("letters", fragment(request, "_letters.html", {"owner": owner, "letters": found[::-1]})), False

    return following(request, demo.mail.arriving(owner.email or ""), render, at_once=("",))


async def shown(request: Request) -> Response:
    """One mail, and a box to answer it."""
    owner, found = await _letter(request)
    return await page(request, "letter.html", {"owner": owner, "letter": found})


async def replied(request: Request) -> Response:
    """Send the answer through SMTP, as its author."""
    owner, found = await _letter(request)
    demo, back = _demo(request), f"/mail/{owner.id}/{found.id}"
    text = visit_of(request).field("text")[:_TEXT_CHARS]
    if not text.strip():
        return to(request, back, say("console.letter-empty"), is_well=False)
    transport = Transport(demo.mail.relay(owner.email or ""))
    try:
        await submit(transport, found, text, author=owner, at=datetime.now(UTC))
    except ChannelError as error:
        return to(request, back, trouble_of(str(error)), is_well=False)
    return to(request, back, say("console.letter-sent", name=owner.name))


def _demo(request: Request) -> Demo:
    demo = here(request).demo
    if demo is None or not visit_of(request).known.is_demo:
        raise Refusal(HTTPStatus.NOT_FOUND, say("console.mailbox-not-here-title"), say("console.mailbox-not-here"))
    return demo


def _owner(request: Request) -> Contact:
    people = here(request).app.people
    try:
        owner = people.contact(people.named(request.path_params.get("person") or visit_of(request).known.person))
    except NotFound as error:
        raise Refusal(HTTPStatus.NOT_FOUND, say("console.mailbox-nobody-title"), str(error)) from error
    if owner is None or owner.email is None:
        raise Refusal(HTTPStatus.NOT_FOUND, say("console.mailbox-unset-title"), say("console.mailbox-unset"))
    return owner


async def _letter(request: Request) -> tuple[Contact, Letter]:
    demo, owner = _demo(request), _owner(request)
    found = await asyncio.to_thread(letter, demo.mail.folder(owner.email or ""), request.path_params["letter_id"])
    if found is None:
        raise Refusal(
            HTTPStatus.NOT_FOUND, say("console.letter-gone-title"), say("console.letter-gone", name=owner.name)
        )
    return owner, found
