"""`sayso mailbox --from ADDRESS`: somebody outside, who writes to the desk of a `sayso dev` and reads its answer."""

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.app import App


async def write(app: "App", sender: str, to: str, subject: str, text: str, *, as_json: bool) -> None:
    """Send a mail that nobody logged in for, as mail from outside comes. Raises ChannelRefused."""
    from bot.cli.beside import require_dev
    from bot.cli.show import plain
    from bot.process.processes import local_mail
    from channels.email.local.reply_mail import compose_letter
    from channels.email.transport import Transport

    require_dev(app.settings, "sayso mailbox")
    post = compose_letter(sender, to, subject, text, datetime.now(UTC))
    relay = local_mail(app.settings).relay(None)
    await Transport(relay).send(post.raw, sender=sender, recipients=(post.recipient,))
    sent = {"sent_to": post.recipient, "as": sender, "message_id": post.message_id}
    print(json.dumps(sent) if as_json else plain(f"Sent to {post.recipient} as {sender}."))


async def read(app: "App", address: str, *, as_json: bool) -> None:
    """Print what was sent to an address outside."""
    from bot.cli.beside import require_dev
    from bot.cli.show import letter_json, letter_text, plain
    from bot.process.processes import local_mail
    from channels.email.local.letters import letters

    require_dev(app.settings, "sayso mailbox")
    found = await asyncio.to_thread(letters, local_mail(app.settings).folder(address))
    if as_json:
        for one in found:
            print(letter_json(one))
    else:
        print("\n".join(letter_text(one) for one in found) or plain(f"{address} has no mail."))
