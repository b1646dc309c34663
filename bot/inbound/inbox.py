"""Inbound items: stored first, then read, then given to the request they answer or to a new run."""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
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
    Failure,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    Unavailable,
    WaitsForFile,
    add_failure,
)
from bot.inbound.absences import TypedAbsences, check_is_no_absence
from bot.inbound.bounces import Bounces
from bot.inbound.follow_ups import FollowUps
from bot.inbound.freezes import TypedFreezes
from bot.inbound.inquiries import Inquiries
from bot.inbound.proving import proof_of
from bot.inbound.quarantine import Quarantine
from bot.inbound.standing import TypedStanding, check_is_order
from bot.people.directory import People
from bot.people.noted import NotedTables
from bot.people.offers import offers
from bot.policy.answers import (
    ONLY_FILES,
    Statement,
    answers_review,
    as_denial,
    behind_word,
    beside_named,
    consent_in,
    edit_of,
    in_emergency,
    is_no_wish,
    is_of_ids,
    is_only_approval,
    is_stop,
    is_withdrawal,
    left_named,
    may_be_answer,
    names_only,
    parts_beside,
    refused_beside,
    sentences,
    stop_of,
    stops_among,
    stops_named,
)
from bot.policy.judgements import Counted, Decided, StopOrAnswer, Unclear
from bot.policy.orders import (
    Revoking,
    has_order,
    may_mean_absence,
    may_mean_end,
    stop_beside,
    typed_absence,
    typed_freeze,
    typed_revocations,
    typed_standing,
)
from bot.policy.stops import stops_plainly
from bot.render.views import summary_in
from bot.requests.decisions import Change, Decisions, Outcome, RequestRead
from bot.requests.reassignment.delegation import HandOn, wish_of
from bot.requests.stored import record_in
from bot.requests.tokens import Tokens
from bot.runs.admission import Backlog
from bot.runs.start import Sent, Starter
from bot.runs.steering import Steering
from bot.store import Accepted, Keys
from bot.store.ids import ingress_shard, is_a, new_id, shard_of
from bot.store.indexes import begin_thread, note_thread, restored_at, run_of_thread
from bot.store.journal import Journal
from bot.store.outbox_entry import Delivery
from bot.store.together import GatheredMessages
from channels import IN_WORDS, Bounced, Channel, Ignored, Inbound, Inquiry, Quarantined, Reply, Said, Trigger
from channels.email.reply import is_courtesy, read_reply, without_signature
from channels.email.reply.against import READ_CHARS
from language import say
from language.recorded import recorded
from language.stored import Stored

log = structlog.stdlib.get_logger()

# A mail system that delivers twice does so within days; the run's own slot refuses later ones as well.
_SEEN_S = 7 * 24 * 3600.0
# Longer than a mail is fresh, and than one waits to be read.
_COPIES_S = 7 * 24 * 3600.0
# Slack brings again what we could not take after a minute and after five, and for longer where it has trouble itself.
_STOPPED_S = 3600.0
# Whoever stops something that nobody can name began it a short while ago.
_LOOKED_AT, _LISTED, _TOPIC_CHARS = 50, 5, 60
_ENDED = {"done", "failed", "cancelled"}
# A mail server's clock is not ours.
_CLOCKS_DIFFER = timedelta(minutes=10)
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
    away, `freezes` messages that freeze or unfreeze, and `standing` those about standing approvals.
    """

    follow_ups: FollowUps
    inquiries: Inquiries
    bounces: Bounces
    quarantine: Quarantine
    steering: Steering
    absences: TypedAbsences
    freezes: TypedFreezes
    standing: TypedStanding


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
        self._absences, self._freezes, self._standing = handlers.absences, handlers.freezes, handlers.standing
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
        item = Accepted(fresh, foreign, body, inbound.raw, _SEEN_S, is_answer=inbound.is_answer, who=_who(inbound))
        inbound_id, is_new = await self._known(foreign) or await self._journal.accept(await self._claimed(item))
        if inbound.begins:
            await begin_thread(self._store, inbound.channel, inbound.begins, self._starter.run_id(inbound_id))
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
        return restored is not None and inbound.arrived_at < restored + _CLOCKS_DIFFER

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
            case Quarantined() | Ignored() if reading.stranger and (
                self._people.may_be_missing(arrived.channel, reading.stranger)
                or (was_half and not self._people.half_taken)  # the file was put right while this was read
                or await self._is_of_newer_file(reading.token)
                or await self._noted.has(arrived.channel, reading.stranger, self._people)
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
                proven = await self._proven(inbound_id, reading)
                with self._people.speaking_to(reading.person):
                    await self._trigger(inbound_id, arrived.channel, proven, received_at)
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

    async def _is_first(self, inbound_id: str, reading: Trigger | Inquiry | Reply) -> bool:
        """Return whether no copy of a mail came before, by whichever way: what it says is done once, and told once."""
        if not reading.key:
            return True
        name = f"{reading.key} {reading.token}" if isinstance(reading, Reply) else reading.key
        first, _ = await self._store.remember(name, inbound_id.encode(), _COPIES_S)
        return first == inbound_id.encode()

    async def _is_of_newer_file(self, token: str | None) -> bool:
        """Return whether a card is answered of somebody whom a newer file than ours names, and ours does not."""
        delivery_id = self._tokens.read(token) if token else None
        body = await self._store.delivery(delivery_id) if delivery_id else None
        return body is not None and await self._noted.names([Delivery.model_validate_json(body).person], self._people)

    async def _proven(self, inbound_id: str, trigger: Trigger) -> Trigger:
        """`trigger`, which proves less where a copy of it came before: no signature says how often a mail was sent."""
        if not trigger.copy_key or trigger.weakness:
            return trigger
        first, _ = await self._store.remember(trigger.copy_key, inbound_id.encode(), _COPIES_S)
        restored, why = await restored_at(self._store.client, by_clock=True), ""
        is_copy = first != inbound_id.encode()
        if is_copy:
            why = recorded("reason.came-before")
        elif restored and trigger.written_at and trigger.written_at < restored + _CLOCKS_DIFFER:
            why = recorded("reason.before-restore")  # and so may a copy have come
        return trigger.model_copy(update={"weakness": why, "is_copy": is_copy})

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
            is_done = await self._is_order(inbound_id, channel, reply, read.record, received_at)
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
            await self._tell_left(inbound_id, channel, _spoken(reply, read.record.request.thread))
            return await self._store.drop_inbound(inbound_id)
        change = self._change_in(read.record, statement) if is_read else None
        statement = statement if change else in_emergency(read.record, statement)
        judged = await self._decisions.decide(placed.request_id, statement, read, together, change)
        if may_order and reply.said in {*IN_WORDS, "deny", "break_glass"} and not (freeze and is_apart):
            await self._freezes.tell_how(inbound_id, channel, _spoken(_with_reason(reply)))
        if together is None:
            await self._store.is_replicated(placed.request_id)  # or a fail-over could lose the one and keep the other
            await self._tell_left(
                inbound_id,
                channel,
                _spoken(reply, read.record.request.thread),
                may_revoke=may_revoke,
                is_answer=not (is_vote or is_review) and isinstance(judged, Counted | Decided),
            )
            await self._store.drop_inbound(inbound_id)
        return None

    async def _tell_left(
        self, inbound_id: str, channel: str, said: Trigger, *, may_revoke: bool = False, is_answer: bool = False
    ) -> None:
        """Tell whoever names another run or a standing approval as if to end it, or says stop among the words of an
        answer, what these do not end.
        """
        is_among = is_answer and stops_among(said.text)
        if is_among or left_named(said.text):
            await self._tell_rest(inbound_id, channel, said, is_among=is_among)
        elif may_revoke:
            await self._tell_unless_order(inbound_id, channel, said)

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
        reply = reply.model_copy(update={"text": self._unsigned(channel, _spoken(reply)).text})
        found, own = {*stops_named(reply.text)}, {request.id, request.run_id}
        others = found - own if request.format == "approval" else found
        rest = beside_named(reply.text) if others else reply.text
        ended = typed_revocations(rest)
        if not (reply.said in IN_WORDS or reply.said == "deny") or not (others or ended.named):
            return False
        is_of_others = bool(others) and others.isdisjoint(own)
        said, refusal = _spoken(reply, request.thread), refused_beside(reply.text) if is_of_others else ""
        if ended.named:
            refusal, rest = refusal or ended.refusal(), f"{ended.above}\n{ended.below}"
        if typed_freeze(rest):
            refusal = refusal or stop_beside(rest)
            await self._stops(inbound_id, channel, reply.model_copy(update={"text": rest}), received_at)
        away: Unavailable | None = None
        for orders in (self._stops_named, self._ends) if others else (self._ends,):
            try:
                await orders(inbound_id, channel, said)
            except (Conflict, Forbidden) as error:
                await self._not_passed_on(inbound_id, channel, said, error)
            except Unavailable as error:
                away = error
        words: Said = "ask" if reply.said == "ask" else "free_text"
        about = replace(statement, said=words, text=refusal or consent_in(rest))
        if about.text and request.format == "approval":
            await self._decisions.decide(request.id, as_denial(request, about) if refusal else about, read)
        is_lost = bool(refusal) and request.format != "approval" and not await self._is_for_run(read.record, about)
        if away:
            raise away
        if answers_review(request, reply.text):
            return False
        left, is_polite = _left_beside(reply.text, ended)
        answers = own.isdisjoint(found) and may_be_answer(read.record, PersonId(reply.person), left, freezes=is_polite)
        await self._tell_rest(inbound_id, channel, said, has_more=answers or is_lost)
        return True

    async def _beside(
        self, inbound_id: str, channel: str, reply: Reply, read: RequestRead, received_at: datetime
    ) -> None:
        """Freeze what a denial or a window freezes as well; of a window, whose words stand by themselves, stop and
        revoke what they name, but for what its writer denies by it.
        """
        whole, request = _with_reason(reply), read.record.request
        said = _spoken(whole, request.thread)
        if typed_freeze(whole.text):
            await self._stops(inbound_id, channel, whole, received_at, is_denial=True)
        may = offers(read.record, self._people, PersonId(reply.person), channel, read.now)
        is_no = reply.said == "deny" and ("deny" in may or "withdraw" in may)
        denied = (request.id, request.run_id) if is_no else ()
        is_window = whole is not reply or bool(reply.filled) or reply.said == "break_glass"
        for orders in (partial(self._stops_named, besides=denied), self._ends) if is_window else ():
            try:
                await orders(inbound_id, channel, said)
            except (Conflict, Forbidden, Unavailable) as error:  # the rest of the window counts at once
                await self._not_passed_on(inbound_id, channel, said, error)

    async def _why_gone(self, delivery_id: DeliveryId) -> str:
        """Return why a card that we made is not there any more: it left with its run, or with the store it was in."""
        client = self._store.client
        has_left, restored = await client.do("EXISTS", Keys.of(delivery_id).archived), await restored_at(client)
        return "reason.archived" if has_left and restored is None else "reason.archived-or-lost"

    async def _only_orders(self, inbound_id: str, channel: str, reply: Reply, received_at: datetime) -> bool:
        """Return whether an answer to nothing that is known here freezes something, stops runs that it names or ends
        standing approvals: each of these is done.
        """
        said, is_done = _spoken(reply), await self._freezes_alone(inbound_id, channel, reply, received_at)
        away: Unavailable | None = None
        for orders in (self._stops_named, self._ends):
            try:
                is_done = await orders(inbound_id, channel, said) or is_done
            except (Conflict, Forbidden) as error:
                await self._not_passed_on(inbound_id, channel, said, error)
                is_done = True
            except Unavailable as error:
                away = error
        if away:
            raise away
        return is_done

    async def _ends(self, inbound_id: str, channel: str, said: Trigger) -> bool:
        """Return whether a message ends standing approvals, whatever it stops beside them. Raises Conflict."""
        rest = beside_named(said.text)
        return await self._standing.revokes(inbound_id, channel, said.model_copy(update={"text": rest}))

    async def _tell_unless_order(self, inbound_id: str, channel: str, said: Trigger) -> None:
        """Tell whoever may mean the end of a standing approval that their words are none; they are passed on."""
        with self._people.speaking_to(said.person):
            title = say("again.page")
            try:
                check_is_order(said.text)
            except Conflict as error:
                await self._quarantine.refuse(inbound_id, channel, said, str(error), title)

    async def _tell_rest(
        self, inbound_id: str, channel: str, said: Trigger, *, has_more: bool = False, is_among: bool = False
    ) -> None:
        """Tell the writer of orders that other lines of the message did nothing, and which runs it does not stop.

        `has_more`: what stands beside them answers a question, and did not. `is_among`: a stop stands in what did.
        """
        stopped = [await self._run_of(one) for one in stops_named(said.text)]
        left = [one for one in left_named(said.text) if await self._run_of(one) not in stopped]
        freezes = await self._freezes.reads(PersonId(said.person), said.text)  # the rest is told of with that
        with self._people.speaking_to(said.person):
            told = [say("run.stop-left", named=", ".join(left))] if left else []
            told += [say("notice.stop-run").rstrip(".")] if is_among else []
            author, has_subject = self._people.name_of(said.person), _has_subject(channel, said)
            has_more = has_more or (not freezes and _has_more(said.text, author, has_subject=has_subject))
            rest = [say("notice.freeze-rest")] if has_more else []
            about = say("card.about", title=quote(said.text, _TOPIC_CHARS))
            title = say("run.not-passed-on-title") if stopped or rest else about
        if told or rest:
            await self._quarantine.refuse(inbound_id, channel, said, ". ".join(told + rest), title)

    async def _run_of(self, some_id: str) -> str:
        """Return the run of a request; else, and of what is not there now, the id itself."""
        if not is_a(some_id, "request"):
            return some_id
        with suppress(NotFound, Unavailable):
            return (await self._decisions.request(some_id)).record.request.run_id
        return some_id

    async def _not_passed_on(self, inbound_id: str, channel: str, said: Trigger, why: Failure) -> None:
        """Tell the writer of an answer why it does nothing."""
        with self._people.speaking_to(said.person):
            title = say("run.not-passed-on-title")
        await self._quarantine.refuse(inbound_id, channel, said, str(why), title)

    async def _is_order(
        self, inbound_id: str, channel: str, reply: Reply, record: RequestRecord, received_at: datetime
    ) -> bool:
        """Return whether the answer is a command, and that is done. Words that may answer a question are no command.

        Of standing approvals nothing is decided by it, so that need not be bound to the card that it answers. Of a mail
        whose texts differ, nothing but a freeze is done.
        """
        request, is_vote = record.request, record.request.format == "approval"
        if not (is_vote or await self._answers_nothing(inbound_id, reply, record)):
            return False
        if reply.unsure:
            return await self._freezes_alone(inbound_id, channel, reply, received_at)
        about = _spoken(reply, request.thread)
        if await self._standing.take(inbound_id, channel, about, request.run_id):
            return True
        return await self._stops(inbound_id, channel, reply, received_at)

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
        if _acts_on_card(text.strip()):
            raise Invalid(say("run.card-which"), say("run.approve-which-do"))
        is_order = await self._freezes.reads(person, text) or typed_revocations(text).named or may_mean_end(text)
        if is_order or typed_standing(text) is not None or may_mean_absence(text, has_subject=False):
            raise Invalid(say("run.order-here"), say("run.order-here-do"))

    def heard(self, request: Request, statement: Statement) -> Statement:
        """Return an answer that no message brings as the denial that it is beside a freeze or a revocation, whatever
        becomes of those.
        """
        text = statement.text
        refusal = stop_beside(text) if typed_freeze(text) else ""
        refusal = refusal or typed_revocations(text).refusal()
        is_denial = refusal and request.format == "approval" and statement.said in IN_WORDS
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

    async def _answers_nothing(self, inbound_id: str, reply: Reply, record: RequestRecord) -> bool:
        """Return whether the words of a command can't answer the question, or came when that was over already.

        Taken again after a crash, what was an answer then is one still.
        """
        if typed_standing(reply.text) is None and typed_freeze(reply.text) is None:
            return False
        person = PersonId(reply.person)
        freezes = await self._freezes.freezes(person, reply.text)
        is_answer = may_be_answer(record, person, reply.text, freezes=freezes)
        kept, _ = await self._store.remember(f"over {inbound_id}", b"" if is_answer else b"1", _COPIES_S)
        return bool(kept)

    async def _stops(
        self, inbound_id: str, channel: str, reply: Reply, received_at: datetime, *, is_denial: bool = False
    ) -> bool:
        """Return whether the answer says that somebody is away, or freezes something, and that is done.

        A freeze, as a denial, counts also where nothing shows which card it answers. `is_denial`: both count.
        """
        freeze = typed_freeze(reply.text)
        if (reply.unbound and (freeze is None or freeze.ends)) or (
            typed_absence(reply.text) is None and freeze is None
        ):
            return False
        said = await self._proven(inbound_id, _spoken(reply))
        if not reply.unbound and await self._absences.take(inbound_id, channel, said):
            return True
        # What answers a card is bound to that, and to no freeze: it ends none.
        if freeze is None or freeze.ends or not said.weakness:
            said = said.model_copy(update={"weakness": recorded("reason.answers-request")})
        return await self._freezes.take(inbound_id, channel, said, received_at, is_denial=is_denial)

    async def _freezes_alone(self, inbound_id: str, channel: str, reply: Reply, received_at: datetime) -> bool:
        """Return whether the answer freezes something, and that is done; nobody is away by it."""
        unbound = reply.model_copy(update={"unbound": reply.unbound or recorded("reason.archived")})
        return await self._stops(inbound_id, channel, unbound, received_at)

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
        is_order = is_one and (_is_ours(lines[-1]) or is_withdrawal(lines[-1]))
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
        first, _ = await self._store.remember(f"looked at {inbound_id}", now, _COPIES_S)
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

        Raises Conflict and Forbidden, at last, for what of it can't be done, or is about nothing.
        """
        text = trigger.text
        rest = beside_named(text)
        ended = typed_revocations(rest)
        ended = ended.untitled() if _has_subject(channel, trigger) else ended
        rest = f"{ended.above}\n{ended.below}" if ended.named else rest
        failed: Failure | None = None
        freeze, once = typed_freeze(rest), f"ordered {inbound_id}"
        # What stands beside them may have had to wait, and brings them again.
        was_done = trigger.follows and bool(freeze or ended.named) and await self._store.remembered(once) is not None
        is_done = was_done
        if not was_done and (not trigger.is_edit or (freeze and not freeze.ends)):
            said = trigger.model_copy(update={"text": rest}) if freeze and not freeze.ends else trigger
            is_done = await self._is_command(inbound_id, channel, said, received_at)
        refusal = stop_beside(rest) if is_done else ""
        for orders in () if was_done else (*((self._ends,) if ended.named else ()), self._stops_named):
            try:
                is_done = await orders(inbound_id, channel, trigger) or is_done
            except (Conflict, Forbidden, Unavailable) as error:
                failed = add_failure(failed, error)
        if not (is_done or failed):
            return False
        refusal = refusal or refused_beside(text) or ended.refusal()
        about, is_lost = trigger.model_copy(update={"text": refusal or consent_in(rest)}), False
        if trigger.follows and await self._follow_ups.answers_review(channel, trigger):
            await self._follow_ups.take(inbound_id, channel, trigger)
        elif refusal and trigger.follows:
            if failed is None:
                await self._store.remember(once, b"1", _COPIES_S)
            await self._check_answers(channel, about)
            is_taken = await self._follow_ups.take(inbound_id, channel, about)
            is_lost = not is_taken and trigger.is_addressed
        elif refusal and ended.named:
            is_lost = True
        elif about.text and trigger.follows and not trigger.is_edit:
            await self._follow_ups.take_consent(inbound_id, channel, about)
        if failed:
            raise failed
        left, is_polite = _left_beside(text, ended)
        beside = trigger.model_copy(update={"text": left})
        answers = trigger.follows and await self._follow_ups.answers(inbound_id, channel, beside, freezes=is_polite)
        await self._tell_rest(inbound_id, channel, trigger, has_more=answers or is_lost)
        return True

    async def _stops_named(
        self, inbound_id: str, channel: str, trigger: Trigger, besides: Collection[str] = ()
    ) -> bool:
        """Return whether the message stops runs that it names, `besides` these, wherever it stands. Raises as `named`
        does, at last; and Unavailable, at last as well, so that what could not be looked at is done again.
        """
        failed: Failure | None = None
        named, stopped = stops_named(trigger.text), set[str]()
        found = {some_id: words for some_id, words in named.items() if some_id not in besides}
        for some_id, words in found.items():
            run_id = await self._run_of(some_id)
            if run_id in stopped:  # named by its request as well
                continue
            stopped.add(run_id)
            try:
                said = trigger.model_copy(update={"text": words})
                await self._follow_ups.named(f"{inbound_id}-{some_id}", channel, said, some_id)
            except (Conflict, Forbidden, Unavailable) as error:
                failed = add_failure(failed, error)
        if failed:
            raise failed
        return bool(found)

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
        await self._tell_left(inbound_id, channel, trigger, may_revoke=may_revoke, is_answer=is_answer)
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
        going = [f"{quote(one.text, _TOPIC_CHARS)} ({one.id})" for one in runs if one.state not in _ENDED]
        told = [say("run.stop-which-runs", runs="; ".join(going[:_LISTED]))] if going else []
        told += await self._asked_of(person)
        raise Conflict(say("run.stop-which"), ". ".join([say("run.stop-which-do"), *told]))

    async def _check_answers_no_card(self, channel: str, trigger: Trigger) -> None:
        """Check that words that answer nothing are none that answer a card, which would be a wish. Raises Conflict."""
        which, has_subject = "", _has_subject(channel, trigger)
        lines = [line for line in trigger.text.splitlines() if line.strip()]
        if is_only_approval(trigger.text, has_subject=has_subject):
            which = say("run.approve-which")
        elif 0 < len(lines) <= 1 + has_subject and _acts_on_card(lines[-1]):
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

    async def _is_command(self, inbound_id: str, channel: str, trigger: Trigger, received_at: datetime) -> bool:
        """Return whether the message is about a freeze or a standing approval, and that is done.

        Words that answer a question are an answer, unless they freeze something where any words would be an answer.
        """
        has_subject = channel == "email" and not trigger.follows
        freezes = typed_freeze(trigger.text, has_subject=has_subject) is not None
        if not freezes and typed_standing(trigger.text, has_subject=has_subject) is None:
            return False
        stops = freezes and await self._freezes.freezes(PersonId(trigger.person), trigger.text)
        is_answer = trigger.follows and await self._follow_ups.answers(inbound_id, channel, trigger, freezes=stops)
        # Taken again after a crash, the same words would mean something else by then.
        kept, _ = await self._store.remember(f"freezes {inbound_id}", b"" if is_answer else b"1", _COPIES_S)
        if not kept:
            return False
        if freezes:
            return await self._freezes.take(inbound_id, channel, trigger, received_at)
        return await self._standing.take(inbound_id, channel, trigger)

    async def _enquiry(self, inbound_id: str, channel: str, enquiry: Inquiry, at: datetime) -> None:
        """A run in the owner's name; what may start none is quarantined, where people can see it."""
        try:
            with self._people.speaking_to(self._inquiries.owner):
                owner, context = await self._inquiries.admitted(enquiry, inbound_id, at)
                text = self._inquiries.wish(enquiry)
            # Whoever wrote it stands behind what comes of it, and decides none of it, though nothing may prove them.
            writer = self._people.by_email(enquiry.sender)
            wrote = (PersonId(writer.id),) if writer else self._people.once_had("email", enquiry.sender)
            others = tuple(one for one in (*wrote, *self._inquiries.owners) if one != owner)
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
            item = Quarantined(
                reasons=(str(error),), claims=enquiry.sender, about=enquiry.subject, thread=enquiry.message_id
            )
            await self._quarantine.add(inbound_id, channel, item)


def _only_ends(text: str) -> bool:
    """Return whether a message freezes something or ends standing approvals, which only stops things."""
    freeze = typed_freeze(text)
    return (freeze is not None and not freeze.ends) or bool(typed_revocations(text).named)


def _has_subject(channel: str, trigger: Trigger) -> bool:
    return channel == "email" and not trigger.follows


def _left_beside(text: str, ended: Revoking) -> tuple[str, bool]:
    """Return what is left of a message beside the runs that it stops by their ids, and the standing approvals that it
    ended; and whether that is courtesy. Nothing beside a freeze, or of other words.
    """
    lines = (f"{ended.above}\n{ended.below}" if ended.named else text).splitlines()
    left = "\n".join(beside_named(line) if stops_named(line) else line for line in lines).strip()
    left = "" if left == text.strip() or typed_freeze(left) else left
    return left, is_courtesy(read_reply(left))


def _has_more(text: str, author: str, *, has_subject: bool) -> bool:
    """Return whether a message that stops runs by their ids, or ends standing approvals, says more than that in a
    sentence of its own, which did nothing: a reason stands in that of the order.

    Courtesy and a subject say nothing, nor does a line of ids, as in a list of what is to stop. A refusal in a sentence
    of its own and a yes are told of by themselves; what a bare no before an order is about, as `no, stop s1r-…`,
    nobody knows.
    """
    if not (stops_named(text) or typed_revocations(text).named):
        return False
    said = sentences((text.partition("\n\n")[2] if has_subject else "") or text)
    is_list = any(map(is_of_ids, said))  # `please stop these:` stands above it
    said = [one for one in said if not is_of_ids(one) and not (is_list and stops_plainly(one))]
    beside = [one for one in said if not (stops_named(one) or typed_revocations(one).named)]
    has_no = any(map(is_withdrawal, (*parts_beside(text), *beside)))
    is_refused = refused_beside(text) or typed_revocations(text).refusal()
    return (has_no and not is_refused) or not all(_is_heard(one, author) for one in beside)


def _is_heard(sentence: str, author: str) -> bool:
    return is_withdrawal(sentence) or bool(consent_in(sentence)) or is_courtesy(read_reply(sentence), author)


def _is_ours(line: str) -> bool:
    """Return whether a line that starts no run is read by sayso itself, wherever it stands alone."""
    is_ours = typed_freeze(line) or typed_standing(line) or may_mean_absence(line, has_subject=False)
    return bool(is_ours) or _acts_on_card(line)


def _acts_on_card(line: str) -> bool:
    """Return whether a line breaks the glass or hands on, in answer to a card."""
    return behind_word(line, "mail.glass-word", "delegation.word")[0] != ""


def _held(reading: Trigger | Inquiry | Reply) -> Quarantined:
    reasons = (recorded("reason.before-restore"),)
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


def _spoken(reply: Reply, thread: str = "") -> Trigger:
    """Return an answer as a message in the thread of what it answers."""
    return Trigger(
        person=reply.person,
        text=reply.text,
        thread=thread,
        known=reply.known,
        follows=True,
        place=reply.place,
        copy_key=reply.copy_key,
    )


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
