"""Outbox entries for cards that stand where they can be changed. How they stand is looked up when they are sent."""

from collections.abc import Callable, Collection, Iterable, Set
from datetime import datetime

from agents.requests import DeliveryId, Holder, PersonId, Request, RequestId
from agents.requests.record import RequestRecord
from agents.run import Run
from bot.requests.opening import thread_of
from bot.store.journal import outgoing_id
from bot.store.outbox_entry import UpdateCard
from channels import Card

# The channels that can change what they sent, for processes that have none of them to ask.
EDITING = frozenset({"slack"})

CardFor = Callable[[PersonId], Card]
"""The card in the language of a person; of nobody, for a place."""


def updates_for(
    request: Request, holders: Iterable[Holder], edits: Set[str], card: CardFor, news: Collection[DeliveryId] = ()
) -> list[UpdateCard]:
    """One for each holder whose card may stand where it can be changed, and for those to whom `card` is `news`.

    Where cards can't be changed, who is in `news` gets `card` itself, and nobody else anything.
    """
    may_stand = not edits.isdisjoint(request.policy.reach)
    return [
        UpdateCard(
            id=outgoing_id(request.id),
            run_id=request.run_id,
            person=holder.person,
            reach=request.policy.reach,
            card=card(holder.person).model_copy(update={"closes": holder.delivery_id in news}),
            thread=request.thread,
            request_id=request.id,
            delivery_id=holder.delivery_id,
            place=holder.place,
        )
        for holder in holders
        if holder.delivery_id in news or holder.place or may_stand
    ]


def updates_of(
    run: Run,
    edits: Set[str],
    card: CardFor,
    *,
    about: Collection[RequestId] | None = None,
    news: Set[PersonId] = frozenset(),
) -> list[UpdateCard]:
    """One for each card of `run` that can be changed, or of the requests that it is `about`.

    Whoever is in `news` gets `card` itself, once, in place of the newest card that can't be changed, or that one
    message lists with others.
    """
    entries: list[UpdateCard] = []
    told, seen = set[PersonId](), set[DeliveryId]()
    for held in reversed(run.cards):
        if held.shares or held.delivery_id in seen or (about is not None and held.request_id not in about):
            continue
        seen.add(held.delivery_id)
        is_redrawn = held.channel in edits and not held.together
        is_news = not is_redrawn and held.person in news and held.person not in told
        if not is_news and held.channel not in edits:
            continue
        told |= {held.person} if is_news else set()
        entries.append(
            UpdateCard(
                id=outgoing_id(run.id),
                run_id=run.id,
                person=held.person,
                reach=(held.channel,),
                card=card(held.person).model_copy(update={"closes": is_news}),
                thread=thread_of(run),
                request_id=held.request_id,
                delivery_id=held.delivery_id,
                place=held.place,
            )
        )
    return entries


def changed(title: str, at: datetime) -> Card:
    """The card of an entry whose card is drawn when it is sent; where cards can't be changed it is never seen."""
    return Card(title=title, at=at)


def moved(record: RequestRecord, edits: Set[str], at: datetime) -> list[UpdateCard]:
    """Show that something has changed, wherever a card can be changed."""
    return updates_for(record.request, record.holders, edits, lambda _: changed(record.request.title, at))


def newest_of(record: RequestRecord) -> list[Holder]:
    """The newest card of each person who holds one."""
    return list({holder.person: holder for holder in record.holders if holder.person}.values())
