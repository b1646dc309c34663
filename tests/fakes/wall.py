"""A board that changes its cards where they hang, and remembers how each one has looked."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from channels import Address, Card, ChannelRefused, ChannelUnanswered, ChannelUnavailable, Newest, Placement
from tests.fakes.corkboard import Corkboard


@dataclass
class Wall(Corkboard):
    """`looks` are all looks of each card, by its key, newest last; `calls` are all attempts to change one of somebody.

    An update to a card that `is_slow` hangs there only once `may_go` is set; until then it is in `held`. What
    `is_away` says can't be done now, and `refuses` what can't be done at all. While it `mumbles` a new card hangs there
    and nobody understands that it does; while it `is_fatal` whoever hangs one there drops dead. While it `stammers` the
    same goes for a change, and whoever `asks_again` hangs there what stands when it is no longer slow.
    """

    looks: dict[str, list[Card]] = field(default_factory=dict[str, list[Card]])
    calls: list[tuple[str, Card]] = field(default_factory=list[tuple[str, Card]])
    held: list[Card] = field(default_factory=list[Card])
    is_slow: Callable[[Card], bool] = lambda _: False
    may_go: asyncio.Event = field(default_factory=asyncio.Event)
    is_away: Callable[[Card], bool] = lambda _: False
    refuses: Callable[[Card], bool] = lambda _: False
    mumbles: bool = False
    is_fatal: bool = False
    stammers: bool = False
    asks_again: bool = False

    def of(self, person: str) -> list[Card]:
        """Return the versions of the newest card of `person`."""
        keys = [key for key, (to, card) in self.pinned.items() if to.person == person and not card.is_line]
        return self.looks[keys[-1]] if keys else []

    def now(self, person: str) -> Card | None:
        """Return the newest version of that card."""
        looks = self.of(person)
        return looks[-1] if looks else None

    def lines(self) -> list[list[str]]:
        """Return what each line of status has said."""
        return [[card.title for card in looks] for looks in self.looks.values() if looks[0].is_line]

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        """Pin it, once."""
        self._check(card)
        delivery = await super().send(card, to, key)
        self.looks.setdefault(key, [card])
        if self.is_fatal and not card.is_line:
            raise RuntimeError("whoever hung the card there dropped dead")
        if self.mumbles and not card.is_line:
            raise ChannelUnavailable("The wall's answer was lost", "It is looked up")
        return delivery

    async def update(self, delivery: Placement, card: Card, key: str, newest: Newest | None = None) -> None:
        """Change it where it hangs."""
        self.calls.append((delivery.address.person, card))
        self._check(card)
        if self.is_slow(card):
            self.held.append(card)
            await self.may_go.wait()
            card = await newest() if newest and self.asks_again else card
        self.looks[delivery.key].append(card)
        if self.stammers:
            raise ChannelUnanswered("The wall's answer was lost", "It is changed again")

    def _check(self, card: Card) -> None:
        if self.is_away(card):
            raise ChannelUnavailable("Somebody stands before the wall", "Wait until they have gone")
        if self.refuses(card):
            raise ChannelRefused("The wall was painted over", "Pin a new card")
