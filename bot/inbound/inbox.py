"""Inbound items: stored first, then read, then given to the request they answer or to a new run."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from pydantic import AwareDatetime

from agents.desk import DESK
from agents.requests import Binding, DeliveryId, FromDesk, FromPerson, Frozen, PersonId, Request
from agents.requests.record import RequestRecord
from agents.text import quote
from bot.errors import (
    Conflict,
    Forbidden,
    Invalid,
    RateLimited,
    WaitsForFile,
)
from bot.inbound.absences import TypedAbsences, check_is_no_absence
from bot.inbound.bounces import Bounces
from bot.inbound.follow_ups import FollowUps
from bot.inbound.freezes import TypedFreezes
from bot.inbound.inquiries import Inquiries
from bot.inbound.orders import TypedOrders, spoken
from bot.inbound.proving import CLOCKS_DIFFER, COPIES_S, proof_of, proven
from bot.inbound.quarantine import Quarantine
from bot.inbound.standing import check_is_order
from bot.people.directory import People
from bot.people.noted import NotedTables
from bot.people.offers import offers
from bot.policy.answers import (
    ONLY_FILES,
    Statement,
    answers_review,
    as_denial,
    consent_in,
    edit_of,
    in_emergency,
    is_no_wish,
    is_only_approval,
    is_stop,
    is_withdrawal,
    left_named,
    may_be_answer,
    names_only,
    stop_of,
    stops_among,
    stops_named,
)
from bot.policy.judgements import Counted, Decided, StopOrAnswer, Unclear
from bot.policy.ordered import ordered
from bot.policy.orders import (
    acts_on_card,
    has_order,
    is_ours,
    may_mean_absence,
    may_mean_end,
    stop_beside,
    typed_absence,
    typed_freeze,
    typed_revocations,
    typed_standing,
)
from bot.render.views import summary_in
from bot.requests.decisions import Change, Decisions, Outcome, RequestRead
from bot.requests.reassignment.delegation import HandOn, wish_of
from bot.requests.stored import record_in
from bot.requests.tokens import Tokens
from bot.runs.admission import Backlog
from bot.runs.start import Sent, Starter
from bot.runs.steering import Steering
from bot.store import Accepted, Keys
from bot.store.ids import ingress_shard, new_id, shard_of
from bot.store.indexes import begin_thread, may_begin_thread, note_thread, restored_at, run_of_thread
from bot.store.journal import Journal
from bot.store.outbox_entry import Delivery
from bot.store.together import GatheredMessages
from channels import IN_WORDS, Bounced, Channel, Ignored, Inbound, Inquiry, Quarantined, Reply, Said, Trigger
from channels.email.reply import without_signature
from channels.email.reply.against import READ_CHARS
from language import say
from language.recorded import recorded
from language.stored import Stored

log = structlog.stdlib.get_logger()

# Slack brings again what we could not take after a minute and after five, and for longer where it has trouble itself.
_STOPPED_S = 3600.0
# Whoever stops something that nobody can name began it a short while ago.
_LOOKED_AT, _LISTED, _TOPIC_CHARS = 50, 5, 60
_ENDED = {"done", "failed", "cancelled"}
# So long what was written below a message of ours waits until we know that this stands: another worker has taken it up
# by then, where the one that posted it died.
_NOTED_WITHIN = timedelta(seconds=60)


class _Arrived(Stored, Frozen):
    """An inbound item without its bytes, as the store keeps it. `is_old`: it came before the store was restored."""

    channel: str
    key: str
    size_bytes: int
    is_answer: bool
    received_at: AwareDatetime | None
    is_old: bool = False


_KEPT = {"channel", "key", "size_bytes", "is_answer"}


@dataclass(frozen=True, slots=True)
class Handlers:
    """The handlers of all items but votes, answers and new triggers.

    `follow_ups` takes messages in the thread of a run, `inquiries` mail to the desk, `bounces` mail that came back, and
    `quarantine` what is nobody's proven word; `steering` takes edits of what is asked, `absences` word of those who are
    away, `freezes` messages that freeze or unfreeze, and `orders` all that a message orders by name.
    """

    follow_ups: FollowUps
    inquiries: Inquiries
    bounces: Bounces
    quarantine: Quarantine
    steering: Steering
    absences: TypedAbsences
    freezes: TypedFreezes
    orders: TypedOrders


def _stopped(channel: str, thread: str) -> str:
    """Return the name under which it is kept that what begins a thread was stopped or changed before it had come."""
    return f"stopped {channel} {thread}"


class Inbox:
    """Accepts for every channel, and gives what was accepted its one effect."""

    def __init__(
        self,
        journal: Journal,
        channels: Mapping[str, Channel],
        starter: Starter,
        tokens: Tokens,
        decisions: Decisions,
        people: People,
        handlers: Handlers,
    ) -> None:
        self._journal, self._store, self._channels, self._starter = journal, journal.store, channels, starter
        self._tokens, self._decisions, self._people = tokens, decisions, people
        self._follow_ups, self._inquiries = handlers.follow_ups, handlers.inquiries
        self._bounces, self._quarantine, self._steering = handlers.bounces, handlers.quarantine, handlers.steering
        self._absences, self._freezes, self._orders = handlers.absences, handlers.freezes, handlers.orders
        self._backlogs, self._lists = dict[str, Backlog](), GatheredMessages(journal.store)
        self._noted = NotedTables(journal.store)
        # Hears who has acted.
        self.concerns: Callable[[Iterable[str]], None] = lambda _: None

    async def accept(self, inbound: Inbound) -> str:
        """The id under which `inbound` is durable now; the same one however often it arrives.

        Empty for what was written in a thread that we can't know, of which nothing is kept. Waits while too much that
        came before waits to be handled, where that can wait.
        """
        await self._store.know_shards()
        if inbound.stops and await run_of_thread(self._store, inbound.channel, inbound.stops) is None:
            await self._store.remember(_stopped(inbound.channel, inbound.stops), b"", _STOPPED_S)
        is_kept = inbound.is_below_new or not inbound.within
        if not is_kept and await run_of_thread(self._store, inbound.channel, inbound.within) is None:
            return ""
        backlog = self._backlogs.setdefault(inbound.channel, Backlog(self._store, inbound.channel))
        if inbound.can_wait:
            await backlog.room()
        foreign = f"{inbound.channel}:{inbound.key}"
        fresh = new_id("inbound", self._shard(foreign, inbound.token))
        # What can wait counts from when it was accepted, by the clock that the cards go by.
        received_at = None if inbound.can_wait else inbound.received_at
        more = {"received_at": received_at, "is_old": await self._is_old(inbound)}
        body = _Arrived.model_validate({**inbound.model_dump(include=_KEPT), **more})
        body = body.model_dump_json().encode()
        item = Accepted(fresh, foreign, body, inbound.raw, COPIES_S, is_answer=inbound.is_answer, who=_who(inbound))
        inbound_id, is_new = await self._known(foreign) or await self._journal.accept(await self._claimed(item))
        if inbound.begins:
            begin = may_begin_thread if inbound.is_below_new else begin_thread
            await begin(self._store, inbound.channel, inbound.begins, self._starter.run_id(inbound_id))
        if is_new and inbound.can_wait:
            backlog.add(inbound_id, len(inbound.raw))
        return inbound_id

    async def _known(self, foreign: str) -> tuple[str, bool] | None:
        """Return under which id came what came before there were more shards than at first; None if it did not."""
        known = await self._store.remembered(foreign) if self._store.has_grown else None
        if known is None:
            return None
        await self._store.is_replicated(known.decode())
        return known.decode(), False

    async def _claimed(self, item: Accepted) -> Accepted:
        """`item` under the id that it got first, also where there were fewer shards then, but more than at first."""
        if not self._store.has_grown:
            return item
        first, _ = await self._store.remember(f"in {item.foreign}", item.id.encode(), item.keep_s)
        return replace(item, id=first.decode())

    async def _is_old(self, inbound: Inbound) -> bool:
        """Return whether it may have had an effect that a store out of a backup does not know."""
        if inbound.arrived_at is None:
            return False
        restored = await restored_at(self._store.client, by_clock=True)
        return restored is not None and inbound.arrived_at < restored + CLOCKS_DIFFER

    async def handle(self, inbound_id: str) -> None:
        """Give an item its effect; nothing when it has had it.

        Raises WaitsForFile where its writer may only be missing in a file that is half taken, or older than another.
        """
        found = await self._store.inbound(inbound_id)
        if found is None:
            return
        arrived = _Arrived.model_validate_json(found.body)
        received_at = arrived.received_at or found.at
        structlog.contextvars.bind_contextvars(inbound_id=inbound_id, channel=arrived.channel)
        channel = self._channels.get(arrived.channel)
        if channel is None:
            raise LookupError(f"no channel {arrived.channel!r} is set up in this process")
        said: dict[str, Any] = arrived.model_dump(exclude={"received_at", "is_old"})
        was_half = bool(self._people.half_taken)
        reading = await channel.read(Inbound(raw=found.raw, received_at=received_at, **said))
        match reading:
            case Quarantined() | Ignored() | Inquiry() if (stranger := self._stranger_in(reading)) and (
                self._people.may_be_missing(arrived.channel, stranger)
                or (was_half and not self._people.half_taken)  # the file was put right while this was read
                or (not isinstance(reading, Inquiry) and await self._is_of_newer_file(reading.token))
                or await self._noted.has(arrived.channel, stranger, self._people)
            ):
                raise WaitsForFile(say("error.half-taken"), say("error.half-taken-do"))
            case Trigger() | Inquiry() | Reply() if not await self._is_first(inbound_id, reading):
                log.info("ignored", reason="a copy of what came before")
                await self._store.drop_inbound(inbound_id)
            case Trigger() | Inquiry() if arrived.is_old:
                await self._quarantine.add(inbound_id, arrived.channel, _held(reading))
            # Other answers need no such care: what they answer was closed when the store was restored.
            case Reply() if arrived.is_old and any(map(_is_of_no_request, (reading, _above_contacts(reading)))):
                await self._quarantine.add(inbound_id, arrived.channel, _held(reading))
            case Reply():
                await self._reply(inbound_id, arrived.channel, reading, received_at)
                self.concerns([reading.person])
            case Trigger():
                # Whoever asks is told why nothing came of it; what others read as well is worded for them.
                trigger = await proven(self._store, inbound_id, reading)
                with self._people.speaking_to(reading.person):
                    await self._trigger(inbound_id, arrived.channel, trigger, received_at)
            case Quarantined():
                await self._quarantine.add(inbound_id, arrived.channel, reading)
            case Bounced():
                await self._bounces.bounced(inbound_id, arrived.channel, reading)
            case Inquiry():
                await self._enquiry(inbound_id, arrived.channel, reading, received_at)
            case Ignored():
                log.info("ignored", reason=reading.reason)
                if reading.away:
                    await self._away(reading)
                await self._store.drop_inbound(inbound_id)

    def _stranger_in(self, reading: Quarantined | Ignored | Inquiry) -> str:
        """Return the address of a writer who is nobody in our file, and may be somebody in another one."""
        if isinstance(reading, Inquiry):
            return "" if self._people.by_email(reading.sender) else reading.sender
        return reading.stranger

    async def _is_first(self, inbound_id: str, reading: Trigger | Inquiry | Reply) -> bool:
        """Return whether no copy of a mail came before, by whichever way: what it says is done once, and told once."""
        if not reading.key:
            return True
        name = f"{reading.key} {reading.token}" if isinstance(reading, Reply) else reading.key
        first, _ = await self._store.remember(name, inbound_id.encode(), COPIES_S)
        return first == inbound_id.encode()

    async def _is_of_newer_file(self, token: str | None) -> bool:
        """Return whether a card is answered of somebody whom a newer file than ours names, and ours does not."""
        delivery_id = self._tokens.read(token) if token else None
        body = await self._store.delivery(delivery_id) if delivery_id else None
        return body is not None and await self._noted.names([Delivery.model_validate_json(body).person], self._people)

    async def _reply(self, inbound_id: str, channel: str, reply: Reply, received_at: datetime) -> None:
        """A token names what this person was shown; without one that is ours nothing is decided."""
        delivery_id = self._tokens.read(reply.token)
        body = await self._store.delivery(delivery_id) if delivery_id else None
        if body is None:
            if await self._only_orders(inbound_id, channel, _with_reason(reply), received_at):
                return await self._store.drop_inbound(inbound_id)
            reasons = (recorded(await self._why_gone(delivery_id) if delivery_id else "reason.not-our-token"),)
            item = Quarantined(reasons=reasons, claims=reply.person, person=reply.person, place=reply.place)
            await self._quarantine.add(inbound_id, channel, item)
            return None
        placed = Delivery.model_validate_json(body)
        above = _above_contacts(reply)
        reply = above if _is_of_no_request(above) else reply
        statement = _stated(reply, placed, inbound_id, channel)
        structlog.contextvars.bind_contextvars(request_id=placed.request_id, person=reply.person)
        # Where they share a shard, the answer counts and is done with at once.
        together = inbound_id if shard_of(inbound_id) == shard_of(placed.request_id) else None
        read = await self._decisions.request(placed.request_id)
        is_vote = read.record.request.format == "approval"
        may_order = is_vote or has_order(reply.text)
        # They are a comment or an answer first; telling their writer how to revoke it is the last use of the item.
        may_revoke = may_order and reply.said in {*IN_WORDS, "deny"} and may_mean_end(reply.text)
        together = None if may_revoke or left_named(reply.text) or stops_among(reply.text) else together
        # Of a mail, code reads a line only where nothing else in it says something else, but for a freeze.
        is_read = not reply.unsure
        freeze = typed_freeze(_with_reason(reply).text)
        is_heard = is_read or (freeze is not None and not freeze.ends)
        is_words = is_heard and reply.said == "free_text" and not reply.filled
        # What a window has beside its words, it says apart from them: neither is done in place of the other.
        is_apart = bool(reply.filled) or (reply.said in {"deny", "break_glass"} and statement.is_typed)
        if not reply.filled and await self._only_stops(inbound_id, channel, reply, read, statement, received_at):
            return await self._store.drop_inbound(inbound_id)
        if is_words:
            is_done = await self._orders.answers_as_command(inbound_id, channel, reply, read.record, received_at)
            stop = _stop_in(read.record.request, reply.text) if freeze or is_done else ""
            if is_done and not stop:
                if (consent := consent_in(reply.text)) and is_vote:
                    beside = replace(statement, said="free_text", text=consent)
                    await self._decisions.decide(placed.request_id, beside, read)
                return await self._store.drop_inbound(inbound_id)
            if is_done or (stop and is_vote):
                reply, statement = reply.model_copy(update={"text": stop}), replace(statement, text=stop)
                statement = as_denial(read.record.request, statement) if is_vote else statement
        elif is_heard and is_apart:
            await self._beside(inbound_id, channel, reply, read, received_at)
        is_review = answers_review(read.record.request, statement.text)
        is_said = not read.is_archived and (reply.is_typed or reply.said == "deny" or is_review)
        if is_said and await self._is_for_run(read.record, statement) and not is_review:
            await self._orders.tell_left(inbound_id, channel, spoken(reply, read.record.request.thread))
            return await self._store.drop_inbound(inbound_id)
        change = self._change_in(read.record, statement) if is_read else None
        statement = statement if change else in_emergency(read.record, statement)
        judged = await self._decisions.decide(placed.request_id, statement, read, together, change)
        if may_order and reply.said in {*IN_WORDS, "deny", "break_glass"} and not (freeze and is_apart):
            await self._freezes.tell_how(inbound_id, channel, spoken(_with_reason(reply)))
        if together is None:
            await self._store.is_replicated(placed.request_id)  # or a fail-over could lose the one and keep the other
            await self._orders.tell_left(
                inbound_id,
                channel,
                spoken(reply, read.record.request.thread),
                may_revoke=may_revoke,
                is_answer=not (is_vote or is_review) and isinstance(judged, Counted | Decided),
            )
            await self._store.drop_inbound(inbound_id)
        return None

    def _change_in(self, record: RequestRecord, statement: Statement) -> Change | None:
        values = edit_of(record, statement)
        return self._steering.edit(values) if values else wish_of(record, statement, self._people)

    async def _only_stops(
        self,
        inbound_id: str,
        channel: str,
        reply: Reply,
        read: RequestRead,
        statement: Statement,
        received_at: datetime,
    ) -> bool:
        """Return whether the answer stops runs by their ids, or ends standing approvals, and is none to a review. What
        stops the approval that it answers is a denial as any other. What it freezes beside that is frozen, and what it
        refuses is refused; where it says yes, its writer is told that this did not count.
        """
        request = read.record.request
        is_vote, own = request.format == "approval", {request.id, request.run_id}
        said = self._unsigned(channel, spoken(reply, request.thread))
        orders = ordered(said.text)
        stops_own = [words for one, words in orders.stops.items() if one in own]
        is_own_alone = is_vote and own.issuperset(orders.stops)
        stops_others = bool(orders.stops) and not is_own_alone
        if reply.said not in {*IN_WORDS, "deny"} or not (stops_others or orders.ends.named):
            return False
        own_no = next(iter(stops_own), "") if is_own_alone else ""
        refusal = own_no if stops_own else orders.refusal()
        if orders.freeze:
            beside = reply.model_copy(update={"text": orders.beside})
            await self._orders.freezes_or_away(inbound_id, channel, beside, received_at)
        away = await self._orders.do(inbound_id, channel, said, orders, besides=own if is_own_alone else ())
        words: Said = "ask" if reply.said == "ask" else "free_text"
        about = replace(statement, said=words, text=refusal or orders.consent())
        if about.text and is_vote:
            await self._decisions.decide(request.id, as_denial(request, about) if refusal else about, read)
        is_lost = bool(refusal) and not is_vote and not await self._is_for_run(read.record, about)
        if away:
            raise away
        if answers_review(request, said.text):
            return False
        left, is_polite = orders.answer()
        may_answer = partial(may_be_answer, read.record, PersonId(reply.person), left, is_beside=True)
        answers = not stops_own and may_answer(freezes=is_polite)
        await self._orders.tell_rest(inbound_id, channel, said, orders, has_more=answers or is_lost)
        return True

    async def _beside(
        self, inbound_id: str, channel: str, reply: Reply, read: RequestRead, received_at: datetime
    ) -> None:
        """Freeze what a denial or a window freezes as well; of a window, whose words stand by themselves, stop and
        revoke what they name, but for what its writer denies by it.
        """
        whole = _with_reason(reply)
        if typed_freeze(whole.text):
            await self._orders.freezes_or_away(inbound_id, channel, whole, received_at, is_denial=True)
        if whole is reply and not reply.filled and reply.said != "break_glass":
            return
        request, said = read.record.request, spoken(whole, read.record.request.thread)
        may = offers(read.record, self._people, PersonId(reply.person), channel, read.now)
        is_no = reply.said == "deny" and ("deny" in may or "withdraw" in may)
        denied = (request.id, request.run_id) if is_no else ()
        away = await self._orders.do(inbound_id, channel, said, ordered(said.text), besides=denied)
        if away:  # the rest of the window counts at once
            await self._orders.refuse(inbound_id, channel, said, away)

    async def _why_gone(self, delivery_id: DeliveryId) -> str:
        """Return why a card that we made is not there any more: it left with its run, or with the store it was in."""
        client = self._store.client
        has_left, restored = await client.do("EXISTS", Keys.of(delivery_id).archived), await restored_at(client)
        return "reason.archived" if has_left and restored is None else "reason.archived-or-lost"

    async def _only_orders(self, inbound_id: str, channel: str, reply: Reply, received_at: datetime) -> bool:
        """Return whether an answer to nothing that is known here freezes something, stops runs that it names or ends
        standing approvals: each of these is done.
        """
        said = spoken(reply)
        orders = ordered(said.text)
        beside = reply.model_copy(update={"text": orders.beside})
        is_done = await self._orders.freezes_alone(inbound_id, channel, beside, received_at)
        if not (is_done or orders.stops or orders.ends.named):
            return False
        if away := await self._orders.do(inbound_id, channel, said, orders):
            raise away
        is_lost = bool(orders.refusal() or orders.consent())
        await self._orders.tell_rest(inbound_id, channel, said, orders, has_more=is_lost)
        return True

    async def _is_for_run(self, record: RequestRecord, statement: Statement) -> bool:
        """Return whether the answer is a word to the run that asked, and that has had its effect."""
        try:
            return await self._follow_ups.answered(statement, record)
        except (Conflict, Forbidden) as error:
            log.warning("not passed on to the run", person=statement.person, error=str(error))
            return False

    async def stopped(self, statement: Statement, outcome: Outcome) -> Outcome:
        """Give a stop that did not count, or is the reason of an answer that did, to the run that asked; return the
        outcome with what its writer is told where it stops anything.

        It is for answers that no message brings: of a page, and of a program. Whoever is asked whether they mean it
        stops nothing yet.
        """
        judgement = outcome.judgement
        is_asked = isinstance(judgement, StopOrAnswer) and not judgement.again
        is_answer = outcome.counts and not answers_review(outcome.record.request, statement.text)
        if is_answer or is_asked or statement.said not in {*IN_WORDS, "deny"}:
            return outcome
        statement = replace(statement, reply_id=f"{statement.reply_id}-stop")
        if not await self._is_for_run(outcome.record, statement):
            return outcome
        with self._people.speaking_to(statement.person):
            heard = say("notice.run-heard")
        # Where it was meant for the run, it is no matter that it is no answer.
        is_no_answer = isinstance(judgement, StopOrAnswer | Unclear)
        return replace(outcome, words=heard if is_no_answer else f"{outcome.words} {heard}", is_heard=True)

    async def check_begins(self, person: PersonId, text: str) -> None:
        """Check that words on a page, in a terminal or of a program begin something. Raises Invalid for an order that
        only a message gives: as a wish it would be lost, and whoever gave it would take it for heard.
        """
        if acts_on_card(text.strip()):
            raise Invalid(say("run.card-which"), say("run.approve-which-do"))
        is_order = await self._freezes.reads(person, text) or typed_revocations(text).named or may_mean_end(text)
        if is_order or typed_standing(text) is not None or may_mean_absence(text, has_subject=False):
            raise Invalid(say("run.order-here"), say("run.order-here-do"))

    def heard(self, request: Request, statement: Statement) -> Statement:
        """Return an answer that no message brings as the denial that it is beside what it orders by name, whatever
        becomes of that.
        """
        is_denial = request.format == "approval" and statement.said in IN_WORDS and ordered(statement.text).refusal()
        return as_denial(request, statement) if is_denial else statement

    async def answer(
        self, request: Request, statement: Statement, read: RequestRead | None = None, change: Change | None = None
    ) -> Outcome:
        """Answer as `Decisions.answer` does, with what no message brings; its writer is told as well which orders that
        it has in words are done by none of that.
        """
        outcome = await self._decisions.answer(request.id, statement, read, change)
        said = replace(statement, text=change.reason) if isinstance(change, HandOn) else statement
        text = "\n".join(dict.fromkeys(filter(None, (said.text, said.reason))))
        is_typed = not (said.given or said.picks or said.filled)
        beside = await self.not_ordered(
            request, said.person, text if is_typed or said.filled else "", is_typed=is_typed
        )
        is_answer = outcome.counts and not (request.format == "approval" or answers_review(request, text))
        among = say("notice.stop-run") if is_typed and is_answer and stops_among(text) else ""
        told = f"{beside.rstrip('.')}. {among}" if beside and among else beside or among
        return replace(outcome, words=f"{outcome.words} {told}".rstrip())

    async def not_ordered(self, request: Request, person: PersonId, text: str, *, is_typed: bool = True) -> str:
        """Return what somebody is told whose words no message brings, and in one would freeze something, end a standing
        approval or stop another run: they do none of that here; else nothing. In a form, not `is_typed`, they could
        only stop one.
        """
        freezes = is_typed and await self._freezes.reads(person, text)
        is_order = freezes or (is_typed and (typed_revocations(text).named or may_mean_end(text) or has_order(text)))
        others = ({*stops_named(text)} - {request.id, request.run_id}) or {*left_named(text)}
        told = [say("run.stop-left", named=", ".join(sorted(others)))] if others else []
        return ". ".join([*told, *([say("notice.order-here")] if is_order else [])])

    async def _away(self, reading: Ignored) -> None:
        """Note whose mailbox answered a card of theirs by itself."""
        delivery_id = self._tokens.read(reading.token)
        body = await self._store.delivery(delivery_id) if delivery_id else None
        if body is not None:
            placed = Delivery.model_validate_json(body)
            await self._absences.seems_away(placed, PersonId(reading.away))

    def _shard(self, foreign: str, token: str) -> int:
        """The shard of what arrived: that of the card which it answers, if that is known before it is read."""
        delivery_id = self._tokens.read(token) if token else None
        return shard_of(delivery_id) if delivery_id else ingress_shard(foreign, self._store.shards)

    async def _trigger(self, inbound_id: str, channel: str, trigger: Trigger, received_at: datetime) -> None:
        if trigger.deleted:
            return await self._no_stop(inbound_id, channel, trigger)
        trigger, title = self._order_alone(channel, trigger), say("run.not-passed-on-title")
        now = self._store.about_now(inbound_id)
        if trigger.is_below_new and now > await self._looked_at(inbound_id) + _NOTED_WITHIN:
            trigger = trigger.model_copy(update={"is_below_new": False})
        says_stop = is_stop(trigger.text) or bool(stops_named(trigger.text))
        if trigger.is_edit and not (says_stop or _only_ends(trigger.text)):
            return await self._no_stop(inbound_id, channel, trigger)

        may_say = trigger.is_addressed and not (trigger.follows or trigger.held_because)
        try:
            if may_say and await self._absences.take(inbound_id, channel, trigger):
                return await self._store.drop_inbound(inbound_id)
            if await self._is_order_alone(inbound_id, channel, trigger, received_at):
                return await self._store.drop_inbound(inbound_id)
            if trigger.is_edit and not says_stop:
                return await self._no_stop(inbound_id, channel, trigger)
            await self._check_answers(channel, trigger)
            trigger = await self._answer_alone(inbound_id, channel, trigger) if trigger.follows else trigger
            if trigger.follows and await self._is_taken(inbound_id, channel, trigger):
                return await self._store.drop_inbound(inbound_id)
            if not trigger.is_edit:
                check_is_order(trigger.text)
            if trigger.held_because:
                await self._check_is_wish(channel, trigger)
                item = Quarantined(reasons=(trigger.held_because,), claims=trigger.person, person=trigger.person)
                item = item.model_copy(update={"thread": trigger.thread, "place": trigger.place})
                return await self._quarantine.add(inbound_id, channel, item)
            if trigger.follows and (trigger.is_edit or not trigger.is_addressed):
                log.info("ignored", reason="nobody asked us, in a thread where no run lives now")
                return await self._store.drop_inbound(inbound_id)
            title = say("run.not-started-title")
            await self._freezes.tell_how(inbound_id, channel, trigger)
            await self._check_is_wish(channel, trigger)
            await self._check_answers_no_card(channel, trigger)
            check_is_no_absence(trigger.text, has_subject=_has_subject(channel, trigger))
            run_id = self._starter.run_id(inbound_id)
            await self._starter.admission.room(run_id, channel, trigger)
            # Slack ids change: whoever had the one of the message that is quoted counts, where nobody has it by now.
            others = tuple(map(PersonId, trigger.others)) or self._people.once_had(channel, trigger.written_by)
            origin = FromPerson(address="" if others else trigger.written_by)  # the file may name them later
            others = tuple(one for one in others if one != trigger.person)
            if trigger.within:
                await note_thread(self._store, channel, trigger.within, run_id)
            await self._starter.start(
                channel,
                trigger.text,
                PersonId(trigger.person),
                thread=trigger.thread,
                inbound_id=inbound_id,
                run_id=run_id,
                files=trigger.files,
                sent=Sent(
                    origin=origin,
                    others=others,
                    weakness=trigger.weakness,
                    quotes=trigger.quotes,
                    proof=proof_of(channel, trigger),
                ),
            )
        except (Conflict, Forbidden, Invalid, RateLimited) as error:
            log.warning("trigger refused", person=trigger.person, error=str(error), title=title)
            await self._quarantine.refuse(inbound_id, channel, trigger, str(error), title)
            await self._store.drop_inbound(inbound_id)
        return None

    def _order_alone(self, channel: str, trigger: Trigger) -> Trigger:
        """Return a mail without the signature below it where it stops runs by their ids or ends standing approvals, or
        is one line that is an order of ours or takes back what a run wants; of a wish all is read.
        """
        alone = self._unsigned(channel, trigger)
        lines = [line.strip() for line in alone.text.splitlines() if line.strip()]
        is_one = 0 < len(lines) <= (2 if _has_subject(channel, trigger) else 1)
        is_order = is_one and (is_ours(lines[-1]) or is_withdrawal(lines[-1]))
        return alone if is_order or stops_named(alone.text) or typed_revocations(alone.text).named else trigger

    async def _answer_alone(self, inbound_id: str, channel: str, trigger: Trigger) -> Trigger:
        """Return a mail without its signature where that alone keeps it from answering a question in its thread."""
        alone, answers = self._unsigned(channel, trigger), partial(self._follow_ups.answers, freezes=False)
        if alone is trigger or await answers(inbound_id, channel, trigger):
            return trigger
        return alone if await answers(inbound_id, channel, alone) else trigger

    def _unsigned(self, channel: str, trigger: Trigger) -> Trigger:
        if channel != "email" or len(trigger.text) > READ_CHARS:
            return trigger
        text = without_signature(trigger.text, self._people.name_of(trigger.person))
        return trigger if text == trigger.text else trigger.model_copy(update={"text": text})

    async def _looked_at(self, inbound_id: str) -> datetime:
        """Return when an item was first looked at: no worker may have lived when it came."""
        now = self._store.about_now(inbound_id).isoformat().encode()
        first, _ = await self._store.remember(f"looked at {inbound_id}", now, COPIES_S)
        return datetime.fromisoformat(first.decode())

    async def _no_stop(self, inbound_id: str, channel: str, trigger: Trigger) -> None:
        """Leave a message that was deleted, or edited and says no stop; tell its writer where a run goes by it, and who
        edited what no run has, such as the line of an absence, that it says nothing new.
        """
        key = trigger.deleted or trigger.edited
        if key and (first := await self._store.remembered(f"{channel}:{key}")):
            has_run = await self._follow_ups.unheard(inbound_id, channel, trigger, first.decode())
            if not has_run and trigger.is_addressed and not trigger.deleted:
                title, told = say("run.not-passed-on-title"), say("notice.edited-word")
                await self._quarantine.refuse(inbound_id, channel, trigger, told, title)
        log.info("ignored", reason="a message that was deleted, or edited and says no stop")
        return await self._store.drop_inbound(inbound_id)

    async def _is_order_alone(self, inbound_id: str, channel: str, trigger: Trigger, received_at: datetime) -> bool:
        """Return whether the message freezes something, stops runs that it names, or is about standing approvals: each
        of these is done, and what it says beside them is for the run in whose thread it stands.
        """
        orders = ordered(trigger.text, has_subject=_has_subject(channel, trigger))
        freezes, once = orders.freeze is not None and not orders.freeze.ends, f"ordered {inbound_id}"
        # What stands beside them may have had to wait, and brings them again.
        may_be_again = trigger.follows and bool(orders.freeze or orders.ends.named)
        was_done = may_be_again and await self._store.remembered(once) is not None
        is_done = was_done
        if not was_done and (freezes or not trigger.is_edit):
            said = trigger.model_copy(update={"text": orders.beside}) if freezes else trigger
            is_done = await self._orders.is_command(inbound_id, channel, said, received_at)
        if not (is_done or orders.stops or orders.ends.named):
            return False
        away = None if was_done else await self._orders.do(inbound_id, channel, trigger, orders)
        refusal = orders.refusal()
        about = trigger.model_copy(update={"text": refusal or orders.consent()})
        ends_freeze = orders.freeze is not None and orders.freeze.ends
        is_lost = trigger.is_edit and (bool(orders.consent()) or ends_freeze)
        if trigger.follows and await self._follow_ups.answers_review(channel, trigger):
            await self._follow_ups.take(inbound_id, channel, trigger)
        elif refusal and trigger.follows:
            if away is None:
                await self._store.remember(once, b"1", COPIES_S)
            await self._check_answers(channel, about)
            is_taken = await self._follow_ups.take(inbound_id, channel, about)
            is_lost = is_lost or (not is_taken and trigger.is_addressed)
        elif refusal:
            is_lost = True
        elif about.text and trigger.follows and not trigger.is_edit:
            await self._follow_ups.take_consent(inbound_id, channel, about)
        if away:
            raise away
        left, is_polite = orders.answer()
        beside = trigger.model_copy(update={"text": left})
        may_answer = partial(self._follow_ups.answers, inbound_id, channel, beside, is_beside=True)
        answers = trigger.follows and await may_answer(freezes=is_polite)
        await self._orders.tell_rest(inbound_id, channel, trigger, orders, has_more=answers or is_lost)
        return True

    async def _is_taken(self, inbound_id: str, channel: str, trigger: Trigger) -> bool:
        """Return whether a run in the thread has taken the message in. Whoever may mean the end of a standing approval
        by it, or a freeze, and answers no question, hears how to do that as well. Raises as `FollowUps.take` does, and
        for a line that sets or ends an absence: that is said in a message of its own.
        """
        may_revoke = not trigger.is_edit and may_mean_end(trigger.text)
        may_freeze = self._freezes.speaks_of(trigger)
        is_absence = trigger.is_addressed and not trigger.is_edit and typed_absence(trigger.text) is not None
        means_more = may_revoke or may_freeze or is_absence
        is_answer = means_more or stops_among(trigger.text)
        is_answer = is_answer and await self._follow_ups.answers(inbound_id, channel, trigger, freezes=False)
        if is_answer and not has_order(trigger.text):
            may_revoke = may_freeze = is_absence = False
        if is_absence:
            check_is_no_absence(trigger.text, has_subject=False)
        try:
            is_taken = await self._follow_ups.take(inbound_id, channel, trigger)
        except (Conflict, Forbidden):
            if may_revoke:
                check_is_order(trigger.text)
            raise
        if not is_taken:
            return False
        if may_freeze:
            await self._freezes.tell_how(inbound_id, channel, trigger)
        await self._orders.tell_left(inbound_id, channel, trigger, may_revoke=may_revoke, is_answer=is_answer)
        return True

    async def _check_answers(self, channel: str, trigger: Trigger) -> None:
        """Check that a message stands below no list of requests: it would answer none of them. Raises Conflict."""
        if trigger.follows and await self._lists.is_one(channel, trigger.within or trigger.thread):
            await self._check_is_wish(channel, trigger)
            raise Conflict(say("run.below-list"), say("run.below-list-do"))

    async def _check_is_wish(self, channel: str, trigger: Trigger) -> None:
        """Check that words begin something. Raises Conflict for a stop or a no: what it is about, nobody knows."""
        if not trigger.follows and await self._store.remembered(_stopped(channel, trigger.thread)) is not None:
            raise Conflict(say("run.stopped-before"), say("run.stopped-before-do"))
        if names_only(trigger.text):
            raise Conflict(say("run.named-only"), say("run.named-only-do"))
        if not is_no_wish(trigger.text, has_subject=_has_subject(channel, trigger)):
            return
        person, lists = trigger.person, self._store.lists
        mine = await lists.newest_runs(None, _LOOKED_AT, requesters=self._people.ids_of(person))
        lines = await lists.summaries_of([name for _, name in mine])
        runs = [run for run in map(summary_in, lines) if run]
        named = [(one, one.wish if one.by_model else quote(one.text, _TOPIC_CHARS)) for one in runs]
        going = [f"{wish} ({one.id})" for one, wish in named if one.state not in _ENDED]
        told = [say("run.stop-which-runs", runs="; ".join(going[:_LISTED]))] if going else []
        told += await self._asked_of(person)
        raise Conflict(say("run.stop-which"), ". ".join([say("run.stop-which-do"), *told]))

    async def _check_answers_no_card(self, channel: str, trigger: Trigger) -> None:
        """Check that words that answer nothing are none that answer a card, which would be a wish. Raises Conflict."""
        which, has_subject = "", _has_subject(channel, trigger)
        lines = [line for line in trigger.text.splitlines() if line.strip()]
        if is_only_approval(trigger.text, has_subject=has_subject):
            which = say("run.approve-which")
        elif 0 < len(lines) <= 1 + has_subject and acts_on_card(lines[-1]):
            which = say("run.card-which")
        if which:
            told = await self._asked_of(trigger.person)
            raise Conflict(which, ". ".join([say("run.approve-which-do"), *told]))

    async def _asked_of(self, person: str) -> list[str]:
        """Return the sentence that names what somebody is asked now; none where nothing is."""
        lists = self._store.lists
        waits = await lists.newest_requests(None, _LISTED, only_open=True, people=(person,))
        bodies = await lists.records_of([name for _, name in waits])
        asked = [record.request for record in map(record_in, bodies) if record]
        on_them = [f"{quote(one.title, _TOPIC_CHARS)} ({one.id})" for one in asked]
        return [say("run.stop-which-asked", requests="; ".join(on_them))] if on_them else []

    async def _stops_at_desk(self, inbound_id: str, channel: str, order: Trigger, received_at: datetime) -> bool:
        """Return whether somebody of ours stops or freezes something by a mail to the desk, and that is done: an order
        by name counts wherever it is written. Nothing else does there: it is one more mail to it.
        """
        order = await proven(self._store, inbound_id, order.model_copy(update={"follows": False, "within": ""}))
        said = self._order_alone(channel, order)
        orders = ordered(said.text, has_subject=True)
        ends_freeze = orders.freeze is not None and orders.freeze.ends
        if ends_freeze or not (orders.freeze or orders.stops or orders.ends.named):
            return False
        with self._people.speaking_to(said.person):
            return await self._is_order_alone(inbound_id, channel, said, received_at)

    async def _enquiry(self, inbound_id: str, channel: str, enquiry: Inquiry, at: datetime) -> None:
        """A run in the owner's name; what may start none is quarantined, where people can see it."""
        if enquiry.order and await self._stops_at_desk(inbound_id, channel, enquiry.order, at):
            return await self._store.drop_inbound(inbound_id)
        if enquiry.held_because:
            return await self._quarantine.add(inbound_id, channel, _held(enquiry, enquiry.held_because))
        try:
            with self._people.speaking_to(self._inquiries.owner):
                owner, context = await self._inquiries.admitted(enquiry, inbound_id, at)
                text = self._inquiries.wish(enquiry)
            # Whoever wrote it stands behind what comes of it, and decides none of it, though nothing may prove them.
            writer = self._people.by_email(enquiry.sender)
            wrote = (PersonId(writer.id),) if writer else self._people.once_had("email", enquiry.sender)
            others = tuple(one for one in wrote if one != owner)
            sent = Sent(context=context, origin=FromDesk(address=enquiry.sender), others=others, proof=None)
            await self._starter.start(
                channel,
                text,
                owner,
                agent=DESK,
                inbound_id=inbound_id,
                sent=sent,
                files=enquiry.files,
            )
        except (Invalid, RateLimited, Forbidden) as error:
            if isinstance(error, Forbidden):
                await self._inquiries.refused(inbound_id, error)
            await self._quarantine.add(inbound_id, channel, _held(enquiry, str(error)))
        return None


def _only_ends(text: str) -> bool:
    """Return whether a message freezes something or ends standing approvals, which only stops things."""
    freeze = typed_freeze(text)
    return (freeze is not None and not freeze.ends) or bool(typed_revocations(text).named)


def _has_subject(channel: str, trigger: Trigger) -> bool:
    return channel == "email" and not trigger.follows


def _held(reading: Trigger | Inquiry | Reply, why: str = "") -> Quarantined:
    """Return it as held, for it came before the store was restored unless another reason is given."""
    reasons = (why or recorded("reason.before-restore"),)
    if isinstance(reading, Inquiry):
        return Quarantined(reasons=reasons, claims=reading.sender, about=reading.subject, thread=reading.message_id)
    thread = reading.thread if isinstance(reading, Trigger) else ""
    return Quarantined(
        reasons=reasons, claims=reading.person, person=reading.person, thread=thread, place=reading.place
    )


def _stop_in(request: Request, text: str) -> str:
    """Return what stops `request` in words beside another order, by its id or without; else nothing."""
    named = stop_of(request, text)
    return stop_beside(text) or (named if named != text else "")


def _with_reason(reply: Reply) -> Reply:
    """Return an answer with the reason of a denial below its words, as a mail has it; a window has it by itself."""
    is_apart = reply.said == "deny" and reply.reason not in reply.text
    return reply.model_copy(update={"text": f"{reply.text}\n{reply.reason}"}) if is_apart else reply


def _above_contacts(reply: Reply) -> Reply:
    return reply.model_copy(update={"text": reply.above or reply.text})


def _is_of_no_request(reply: Reply) -> bool:
    """Return whether words in answer to a card would have others decide, whatever became of what it asks."""
    return typed_absence(reply.text) is not None or typed_standing(reply.text) is not None


def _who(inbound: Inbound) -> str:
    return f"{inbound.channel} {inbound.sender}" if inbound.sender else ""


def _stated(reply: Reply, placed: Delivery, inbound_id: str, channel: str) -> Statement:
    """Return an answer as what its writer says of the card that was `placed`."""
    return Statement(
        reply_id=reply.key or inbound_id,
        person=PersonId(reply.person),
        binding=_bound(reply, placed),
        said=reply.said,
        text=_words(reply, placed),
        reason=reply.reason,
        proof=proof_of(channel, reply),
        files=reply.files,
        picks=reply.picks,
        filled=reply.filled,
        place=reply.place,
        about=placed.about,
        unsure=reply.unsure,
        is_typed=reply.is_typed,
        is_below_quote=reply.is_below_quote,
        again=reply.again,
        above=reply.above,
    )


def _bound(reply: Reply, placed: Delivery) -> Binding:
    """Return what an answer is about that names the card that was `placed`."""
    return Binding(
        by="card",
        revision=placed.revision,
        digest=placed.digest,
        card=placed.id,
        addressee=None if reply.is_shared or placed.place else placed.person,
        unbound=reply.unbound,
        is_exposed=reply.is_exposed,
    )


def _words(reply: Reply, placed: Delivery) -> str:
    """Its text, or that it has none: files alone answer somebody's question as they do one of an agent's."""
    is_wordless = bool(placed.about) and not reply.text.strip()
    return ONLY_FILES if is_wordless and any(not file.is_inline for file in reply.files) else reply.text
