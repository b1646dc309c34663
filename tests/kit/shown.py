"""What stands before people in Slack, in their mailboxes and on the console, against what the record says of it."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

from agents.events import own
from agents.requests import DeliveryId, PersonId
from agents.requests.record import RequestRecord
from bot.store.outbox_entry import Delivery
from channels.email.local.letters import Letter
from tests.fakes.slack.driver import Message
from tests.kit.promises import deciders
from tests.kit.said import said
from tests.kit.slack_world import SlackWorld
from tests.kit.world import World
from tests.servers.console import Browser

_TOKEN = re.compile(r"\+(s\d+d-[a-z0-9]+)-")
_ACTS = ("act:", "open:")


@dataclass(frozen=True)
class Live:
    """A message of Slack with buttons that answer: where it stands, the card that they name, and what they do."""

    channel: str
    card: Delivery
    acts: frozenset[str]


async def check_shown(office: SlackWorld, here: Collection[PersonId], browsers: dict[PersonId, Browser]) -> None:
    """Check each request against every card that somebody can answer; `here` are people whom nothing kept away.

    No button approves what is over, or what stands no more. Whoever may decide it, and has not, has a card of what
    stands: in Slack, or else by mail. Once it is closed, the newest mail to whoever held a card says so.
    """
    world = office.world
    await world.quiet()
    live = await live_in_slack(office)
    for record in await world.requests():
        request, events = record.request, own((await world.app.store.load(record.request.run_id)).events)
        mine = [one for one in live if one.card.request_id == request.id]
        _check_buttons(record, mine)
        waits_for = deciders(events, request.id) & {*here} if record.state == "open" else set[PersonId]()
        waits_for -= {vote.person for vote in record.votes}
        for person in here:
            mails = await _mails_about(world, person, record)
            if person in waits_for:
                in_slack = [one for one in mine if "act:approve" in one.acts and _sees(person, one, office)]
                assert in_slack or _is_current(mails, record), f"{person} has no card of what stands: {mine}, {mails}"
            elif mails and record.decision and person not in record.decision.by:
                assert mails[-1][1] is None, f"the newest mail to {person} can still be answered: {mails[-1]}"
            if person in browsers:
                await _check_page(browsers[person], record, may_approve=person in waits_for)


async def live_in_slack(office: SlackWorld) -> Sequence[Live]:
    """Return every message whose buttons answer a card."""
    found = list[Live]()
    for message in [Message(one) for one in cast("list[dict[str, Any]]", await office.slack.see("live"))]:
        buttons = [one for block in message.blocks for one in block.get("elements", []) if one.get("value")]
        by_token = {one["value"].split(" ")[0]: set[str]() for one in buttons}
        for one in buttons:
            by_token[one["value"].split(" ")[0]].add(one.get("action_id", ""))
        for token, acts in by_token.items():
            card = await _card(office.world, token.rpartition("-")[0])
            if card and any(act.startswith(_ACTS) for act in acts):
                found.append(Live(message.channel, card, frozenset(acts)))
    return found


def _check_buttons(record: RequestRecord, live: Sequence[Live]) -> None:
    can_end = record.state == "open" or (record.state == "approved" and record.began_at is None)
    for one in live:
        assert can_end, f"{record.request.id} is {record.state}, and can be answered: {one}"
        if "act:approve" in one.acts:
            assert record.state == "open", f"what is {record.state} can be approved: {one}"
            assert one.card.revision == record.request.revision, f"what stands no more can be approved: {one}"


def _sees(person: PersonId, live: Live, office: SlackWorld) -> bool:
    return live.card.person == person or live.channel == office.ops


async def _mails_about(world: World, person: PersonId, record: RequestRecord) -> list[tuple[Letter, Delivery | None]]:
    """Return what a mailbox holds of a request, each with the card that an answer to it is about, if there is one."""
    found = list[tuple[Letter, Delivery | None]]()
    for letter in world.mails(person):
        token = _TOKEN.search(letter.reply_to or "")
        card = await _card(world, token[1]) if token else None
        if card and card.request_id == record.request.id:
            found.append((letter, card))
        elif not card and record.request.id in letter.text:
            found.append((letter, None))
    return found


def _is_current(mails: Sequence[tuple[Letter, Delivery | None]], record: RequestRecord) -> bool:
    """Return whether the newest card by mail is of what stands, and approves."""
    cards = [(letter, card) for letter, card in mails if card]
    letter, card = cards[-1] if cards else (None, None)
    is_of_it = card is not None and card.revision == record.request.revision and card.id not in record.replaced
    return letter is not None and is_of_it and record.request.digest in letter.text


async def _card(world: World, delivery_id: str) -> Delivery | None:
    body = await world.app.store.delivery(DeliveryId(delivery_id)) if delivery_id else None
    return Delivery.model_validate_json(body) if body else None


async def _check_page(browser: Browser, record: RequestRecord, *, may_approve: bool) -> None:
    """Check that the page of a request lets its reader approve exactly what they may, by the digest of what stands."""
    page = await browser.get(f"/requests/{record.request.id}")
    forms = [form for form in page.forms if any(one.text == said("console.card-approve") for one in form.buttons)]
    assert bool(forms) == may_approve, f"{record.request.id} is {record.state}; its page: {page.words}"
    digests = {value for form in forms for name, value in form.fields if name == "digest"}
    assert digests <= {record.request.digest}
