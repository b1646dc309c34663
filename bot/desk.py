"""What channels may look up for people while they receive: a card as it stands, and what concerns somebody."""

from bot.cards import request_card
from bot.decisions import Decisions
from bot.outgoing import Placed
from bot.people import People
from bot.quorum import eligible
from bot.store import Store
from bot.tokens import Tokens
from channels import Card, ChannelRefused, Overview


class FrontDesk:
    """Looks, and changes nothing; also a `channels.Desk`."""

    def __init__(self, store: Store, decisions: Decisions, people: People, tokens: Tokens) -> None:
        self._store, self._decisions, self._people, self._tokens = store, decisions, people, tokens

    async def card(self, token: str, person: str) -> Card:
        """The card that `token` names as it stands; without a form where `person` can't answer it.

        Raises ChannelRefused for a token that is not ours.
        """
        delivery_id = self._tokens.read(token)
        body = await self._store.delivery(delivery_id) if delivery_id else None
        if body is None:
            raise ChannelRefused("This card is none of ours", "Ask for a new one")
        placed = Placed.model_validate_json(body)
        record, _, now = await self._decisions.request(placed.request_id)
        card = request_card(record.request, self._people, now)
        may = record.state == "open" and person in eligible(record.request.policy, record.requesters)
        form = card.form.model_copy(update={"token": token}) if card.form and may else None
        return card.model_copy(update={"form": form})

    async def overview(self, person: str) -> Overview:
        """What concerns `person` now."""
        raise NotImplementedError
