"""What messages order by name: each order is done whatever becomes of the others, and what they leave is told."""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime

from agents.requests import PersonId
from agents.requests.record import RequestRecord
from agents.text import quote
from bot.errors import Conflict, Failure, Forbidden, NotFound, Unavailable, add_failure
from bot.inbound.absences import TypedAbsences
from bot.inbound.follow_ups import FollowUps
from bot.inbound.freezes import TypedFreezes
from bot.inbound.proving import COPIES_S, proven
from bot.inbound.quarantine import Quarantine
from bot.inbound.standing import TypedStanding, check_is_order
from bot.people.directory import People
from bot.policy.answers import left_named, may_be_answer, stops_among
from bot.policy.ordered import Ordered, ordered
from bot.policy.orders import stop_beside, typed_absence, typed_freeze, typed_standing
from bot.requests.decisions import Decisions
from bot.store import Store
from bot.store.ids import is_a
from channels import Reply, Trigger
from language import say
from language.recorded import recorded

_TOPIC_CHARS = 60


class TypedOrders:
    """Does what messages and answers order by name, for those who may."""

    def __init__(
        self,
        store: Store,
        decisions: Decisions,
        people: People,
        follow_ups: FollowUps,
        quarantine: Quarantine,
        absences: TypedAbsences,
        freezes: TypedFreezes,
        standing: TypedStanding,
    ) -> None:
        self._store, self._decisions, self._people = store, decisions, people
        self._follow_ups, self._quarantine = follow_ups, quarantine
        self._absences, self._freezes, self._standing = absences, freezes, standing

    async def do(
        self, inbound_id: str, channel: str, said: Trigger, orders: Ordered, *, besides: Collection[str] = ()
    ) -> Unavailable | None:
        """Stop the runs that a message names, `besides` these, wherever it stands, and end the standing approvals.

        Its writer is told of what they can't do. Returns what its caller raises at last: what could not be looked at
        is done again.
        """
        failed, away, stopped = None, None, set[str]()
        for some_id, words in orders.stops.items():
            run_id = await self._run_of(some_id)
            if some_id in besides or run_id in stopped:  # named by its request as well
                continue
            stopped.add(run_id)
            about = said.model_copy(update={"text": words})
            try:
                await self._follow_ups.named(f"{inbound_id}-{some_id}", channel, about, some_id)
            except (Conflict, Forbidden) as error:
                failed = add_failure(failed, error)
            except Unavailable as error:
                away = error
        try:
            if orders.ends.named:
                await self._standing.revoke(inbound_id, channel, said, orders.ends)
        except (Conflict, Forbidden) as error:
            failed = add_failure(failed, error)
        except Unavailable as error:
            away = error
        if failed:
            await self.refuse(inbound_id, channel, said, failed)
        return away

    async def refuse(self, inbound_id: str, channel: str, said: Trigger, why: Failure) -> None:
        """Tell the writer of an order why it does nothing."""
        with self._people.speaking_to(said.person):
            title = say("run.not-passed-on-title")
        await self._quarantine.refuse(inbound_id, channel, said, str(why), title)

    async def is_command(self, inbound_id: str, channel: str, trigger: Trigger, received_at: datetime) -> bool:
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
        kept, _ = await self._store.remember(f"freezes {inbound_id}", b"" if is_answer else b"1", COPIES_S)
        if not kept:
            return False
        if freezes:
            return await self._freezes.take(inbound_id, channel, trigger, received_at)
        return await self._standing.take(inbound_id, channel, trigger)

    async def answers_as_command(
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
            return await self.freezes_alone(inbound_id, channel, reply, received_at)
        said = spoken(reply, request.thread)
        if await self._standing.take(inbound_id, channel, said, request.run_id):
            return True
        is_done = await self.freezes_or_away(inbound_id, channel, reply, received_at)
        if is_done:
            await self.tell_rest(inbound_id, channel, said, ordered(said.text))
        return is_done

    async def _answers_nothing(self, inbound_id: str, reply: Reply, record: RequestRecord) -> bool:
        """Return whether the words of a command can't answer the question, or came when that was over already.

        Taken again after a crash, what was an answer then is one still.
        """
        if typed_standing(reply.text) is None and typed_freeze(reply.text) is None:
            return False
        person = PersonId(reply.person)
        freezes = await self._freezes.freezes(person, reply.text)
        is_answer = may_be_answer(record, person, reply.text, freezes=freezes)
        kept, _ = await self._store.remember(f"over {inbound_id}", b"" if is_answer else b"1", COPIES_S)
        return bool(kept)

    async def freezes_or_away(
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
        said = await proven(self._store, inbound_id, spoken(reply))
        if not reply.unbound and await self._absences.take(inbound_id, channel, said):
            return True
        # What answers a card is bound to that, and to no freeze: it ends none.
        if freeze is None or freeze.ends or not said.weakness:
            said = said.model_copy(update={"weakness": recorded("reason.answers-request")})
        return await self._freezes.take(inbound_id, channel, said, received_at, is_denial=is_denial)

    async def freezes_alone(self, inbound_id: str, channel: str, reply: Reply, received_at: datetime) -> bool:
        """Return whether the answer freezes something, and that is done; nobody is away by it."""
        unbound = reply.model_copy(update={"unbound": reply.unbound or recorded("reason.archived")})
        return await self.freezes_or_away(inbound_id, channel, unbound, received_at)

    async def tell_left(
        self, inbound_id: str, channel: str, said: Trigger, *, may_revoke: bool = False, is_answer: bool = False
    ) -> None:
        """Tell whoever names another run or a standing approval as if to end it, or says stop among the words of an
        answer, what these do not end.
        """
        is_among = is_answer and stops_among(said.text)
        if is_among or left_named(said.text):
            await self.tell_rest(inbound_id, channel, said, ordered(said.text), is_among=is_among)
        elif may_revoke:
            await self._tell_unless_order(inbound_id, channel, said)

    async def tell_rest(
        self,
        inbound_id: str,
        channel: str,
        said: Trigger,
        orders: Ordered,
        *,
        has_more: bool = False,
        is_among: bool = False,
    ) -> None:
        """Tell the writer of orders that the rest of the message did nothing, and which runs it does not stop.

        `has_more`: what stands beside them answers something, and did not. `is_among`: a stop stands in what did.
        """
        person, has_subject = PersonId(said.person), channel == "email" and not said.follows
        stopped = [await self._run_of(one) for one in orders.stops]
        left = [one for one in orders.left() if await self._run_of(one) not in stopped]
        # What freezes is read beside the orders by name, what ends a freeze in all words.
        beside = orders.beside if orders.freeze and not orders.freeze.ends else said.text
        reads = await self._freezes.reads(person, beside, has_subject=has_subject)
        freeze = typed_freeze(beside, has_subject=has_subject) if reads else None
        is_heard = freeze is not None and (freeze.is_alone or (said.follows and stop_beside(beside) != ""))
        with self._people.speaking_to(said.person):
            told = [say("run.stop-left", named=", ".join(left))] if left else []
            told += [say("notice.stop-run").rstrip(".")] if is_among else []
            author = self._people.name_of(said.person)
            is_more = orders.has_more(author, has_subject=has_subject, freeze=freeze)
            has_more = has_more or (is_more and (freeze is None or is_heard))  # else it is told of with the freeze
            rest = [say("notice.freeze-rest")] if has_more else []
            about = say("card.about", title=quote(said.text, _TOPIC_CHARS))
            title = say("run.not-passed-on-title") if stopped or rest else about
        if told or rest:
            await self._quarantine.refuse(inbound_id, channel, said, ". ".join(told + rest), title)
        elif freeze is None and (stopped or orders.ends.named):
            await self._freezes.tell_how(inbound_id, channel, said)

    async def _tell_unless_order(self, inbound_id: str, channel: str, said: Trigger) -> None:
        """Tell whoever may mean the end of a standing approval that their words are none; they are passed on."""
        with self._people.speaking_to(said.person):
            title = say("again.page")
            try:
                check_is_order(said.text)
            except Conflict as error:
                await self._quarantine.refuse(inbound_id, channel, said, str(error), title)

    async def _run_of(self, some_id: str) -> str:
        """Return the run of a request; else, and of what is not there now, the id itself."""
        if not is_a(some_id, "request"):
            return some_id
        with suppress(NotFound, Unavailable):
            return (await self._decisions.request(some_id)).record.request.run_id
        return some_id


def spoken(reply: Reply, thread: str = "") -> Trigger:
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
