"""A mail that came back: the card it carried failed there and goes another way, or the operators hear whom it missed.

Nobody proves who wrote such a report, and nobody needs to: a receipt carries our MAC, and whoever knows one (it stands
in the mail that its person got) can at most have the same card put in front of the same person in another way, once. It
decides nothing, closes nothing, and the answer to the first card counts as before.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog

from agents.requests import DeliveryId, PersonId, RunId
from bot.outbound.failures import DeliveryFailures
from bot.people.directory import People
from bot.render.cards import Words
from bot.requests.opening import who_asked
from bot.requests.tokens import Tokens
from bot.store import Store
from bot.store.ids import is_a
from bot.store.indexes import read_receipt
from bot.store.together import GatheredMessages, message_name
from channels import Bounced
from language import say
from language.recorded import trouble_of

log = structlog.stdlib.get_logger()

# Tells the operators, and others as well, each in their own words: near which id, and what.
Alert = Callable[[str, Words, Sequence[PersonId]], Awaitable[None]]

_ALERTS, _ALERTS_PER_S = 3, 24 * 3600.0


class Bounces:
    """Gives a report of failure its one effect; `alert` reaches the operators."""

    def __init__(self, store: Store, people: People, tokens: Tokens, failing: DeliveryFailures, alert: Alert) -> None:
        self._store, self._people = store, people
        self._lists = GatheredMessages(store)
        self._tokens, self._failing, self._alert = tokens, failing, alert

    async def bounced(self, inbound_id: str, channel: str, bounced: Bounced) -> None:
        """Handle a bounce.

        The same report again, or another about the same mail, adds nothing.
        """
        about = self._tokens.receipt(bounced.receipt)
        if about is None:
            log.warning("a report about no mail of ours", why=bounced.why)
        elif is_a(about, "delivery"):
            await self._card(inbound_id, DeliveryId(about), channel, bounced.why)
        else:
            await self._other(inbound_id, about, bounced.why)
        await self._store.drop_inbound(inbound_id)

    async def _card(self, inbound_id: str, delivery_id: DeliveryId, channel: str, why: str) -> None:
        placed = await self._failing.placed(delivery_id)
        if placed and placed.together:  # all that the mail listed came back with it
            message = await self._lists.read(message_name(placed.together, placed.person, channel))
            for other in {*message.deliveries.values(), *message.told.values()} - {delivery_id}:
                await self._failing.fail(other, channel, why, places_again=True)
        outcome = await self._failing.fail(delivery_id, channel, why, places_again=True)
        log.warning("a card came back", delivery_id=delivery_id, outcome=outcome, why=why)
        if outcome == "over" and (placed := await self._failing.placed(delivery_id)):
            await self._notify_operators(inbound_id, placed.run_id, placed.person, "", why)

    async def _other(self, inbound_id: str, outgoing_id: str, why: str) -> None:
        """News that somebody did not get; word about an alert is never the cause of another one."""
        sent = await read_receipt(self._store.client, outgoing_id)
        log.warning("a mail came back", outgoing_id=outgoing_id, why=why)
        if sent and sent.kind == "mail":
            await self._notify_requesters(inbound_id, sent.run_id, sent.to, why)
        elif sent and sent.kind != "alert":
            await self._notify_operators(inbound_id, sent.run_id, sent.person, sent.title, why)

    async def _notify_requesters(self, inbound_id: str, run_id: RunId, to: str, why: str) -> None:
        """A reply that was approved did not arrive: whoever wrote still waits, and nobody here would know."""
        if await self._store.admit(f"bounces {to} {run_id}", inbound_id, _ALERTS, _ALERTS_PER_S):
            asked = who_asked(await self._store.run(run_id))
            await self._alert(run_id, partial(_of_reply, to, why), asked)

    async def _notify_operators(self, inbound_id: str, run_id: str, person: str, title: str, why: str) -> None:
        """Rather twice than never, but not for ever: a broken address gets a few alerts a day.

        Without a `title` it was a card that nobody needs.
        """
        if await self._store.admit(f"bounces {person}", inbound_id, _ALERTS, _ALERTS_PER_S):
            await self._alert(run_id, partial(_of_mail, self._people.name_of(person), title, why), ())


def _of_reply(to: str, why: str) -> tuple[str, str]:
    return say("notice.alert-reply-back-title", to=to), say("notice.alert-reply-back", why=trouble_of(why))


def _of_mail(name: str, title: str, why: str) -> tuple[str, str]:
    said = say("notice.alert-mail-back", title=title, why=trouble_of(why)) if title else _of_card(why)
    return say("notice.alert-mail-back-title", name=name), said


def _of_card(why: str) -> str:
    return say("notice.alert-card-back", why=trouble_of(why))
