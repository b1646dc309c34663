"""Words beside an open approval, brought to the people they concern. They decide nothing, and no model reads them."""

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from agents.events import AnswerNoted, CardReplaced, Event, RunStarted
from agents.requests import DeliveryId, Holder, PersonId, Request
from agents.requests.record import Comment, RequestRecord, after
from agents.text import ends_of
from bot.config.tables import CHANNELS
from bot.people.directory import People
from bot.people.noted import NotedTables
from bot.people.offers import deciders
from bot.policy.approvers.delegation import now_held_by
from bot.render.cards import notice
from bot.render.request_card import answered_card, comment_card, reply_notice
from bot.render.words import asking_now, present
from bot.requests.card_updates import changed, updates_for
from bot.requests.opening import placement
from bot.store import Store
from bot.store.ids import new_id, shard_of
from bot.store.journal import outbox_entry, outgoing_id
from bot.store.outbox_entry import Delivery, Tell, nearest_first, tell_about
from channels import Card
from language import say
from language.lists import both

# As much of somebody's words as a message takes; all of them are in the run's story.
_HEAD_CHARS, _TAIL_CHARS = 6_000, 2_000


@dataclass(frozen=True, slots=True)
class Brought:
    """The parts of a commit that bring words to people."""

    events: Sequence[Event]
    outgoing: Sequence[tuple[str, bytes]] = ()
    deliveries: Sequence[tuple[str, bytes]] = ()


class Comments:
    """Brings a comment or a question to whoever asked, and what they answer to whoever it answers.

    `edits` are the channels that can change a card where it stands.
    """

    def __init__(self, store: Store, people: People, edits: Set[str]) -> None:
        self._store, self._people, self._edits, self._noted = store, people, edits, NotedTables(store)

    async def bring(self, record: RequestRecord, events: Sequence[Event], *, is_public: bool = False) -> Brought:
        """Return `events` with all that brings the words in them to people; only `events` where nothing was said.

        `is_public`: it was typed where the card stands for all to see. Raises WaitsForFile while a newer file than ours
        names one of those whom ours does not.
        """
        now_stands = after(record, events)
        noted = next((event for event in events if isinstance(event, AnswerNoted)), None)
        if noted is None or now_stands.comments == record.comments:
            return Brought(events)
        said, text = now_stands.comments[-1], ends_of(noted.text, _HEAD_CHARS, _TAIL_CHARS)
        question = record.comment(said.about) if said.kind == "answer" else None
        await self._noted.check_joined((question.person,) if question else record.request.askers, self._people)
        if said.kind == "answer":
            brought = self._answer(now_stands, events, said, text, question, is_public=is_public)
        else:
            brought = await self._question(record.request, events, noted, said, text, is_public=is_public)
        moved = updates_for(
            record.request, record.holders, self._edits, lambda _: changed(record.request.title, said.at)
        )
        return Brought(brought.events, (*map(outbox_entry, moved), *brought.outgoing), brought.deliveries)

    async def _question(
        self,
        request: Request,
        events: Sequence[Event],
        noted: AnswerNoted,
        said: Comment,
        text: str,
        *,
        is_public: bool,
    ) -> Brought:
        """A card for each who asked, the answer to which goes on the card of the request and counts for nothing.

        A question that is typed in the thread where it was asked goes to those alone who do not see that.
        """
        asked = [one for one in asking_now(request.askers, self._people) if one != said.person]
        if not asked or (is_public and said.kind == "comment"):  # of a comment in public nobody is told that it goes on
            return Brought(events)
        if is_public:
            return self._to_absent(request, events, said, text, asked)
        reach = await self._reach(request)
        made = [self._asking(request, said, person) for person in asked]
        told = [
            Tell(
                id=outgoing_id(request.id),
                run_id=request.run_id,
                person=one.person,
                reach=reach,
                card=self._for(one.person, lambda: comment_card(request, said, text, self._people)).model_copy(
                    update={"mentions": (one.person,)}
                ),
                thread=request.thread,
                request_id=request.id,
                delivery_id=one.id,
                revision=request.revision,
            )
            for one in made
        ]
        holders = tuple(Holder(delivery_id=one.id, person=one.person) for one in made)
        with_holders = noted.model_copy(update={"holders": holders})
        return Brought(
            [with_holders if event is noted else event for event in events],
            [*map(outbox_entry, told)],
            [(one.id, one.model_dump_json().encode()) for one in made],
        )

    def _to_absent(
        self, request: Request, events: Sequence[Event], said: Comment, text: str, asked: Sequence[PersonId]
    ) -> Brought:
        """Brings a question of a thread to those of `asked` who do not see that; words answer it, without a form."""
        ways, told = nearest_first(_ways(request), said.channel), list[Tell]()
        for person in asked:
            card = self._for(person, lambda: comment_card(request, said, text, self._people))
            plain = card.model_copy(update={"form": None})
            told.append(tell_about(request, person, plain, ways, to_absent=True))
        return Brought(events, [*map(outbox_entry, told)])

    def _answer(
        self,
        record: RequestRecord,
        events: Sequence[Event],
        said: Comment,
        text: str,
        question: Comment | None,
        *,
        is_public: bool,
    ) -> Brought:
        """Brings it to whoever asked: by mail with the whole card, which may be decided by what was said. Where they do
        not decide by now, it goes to those who do as well.
        """
        request = record.request
        if question is None:  # so many wait that nobody knows whose it was
            told = [tell_about(request, one, self._reply(request, said, text, one)) for one in self._deciding(record)]
            return Brought(events, [*map(outbox_entry, told)])
        person = self._people.ids_of(question.person)[0]
        if person == said.person:
            return Brought(events)
        was_typed_there = is_public and question.channel == said.channel and not question.was_sent
        others = self._in_place_of(record, person)
        holds = any(holder.person == person for holder in record.holders)
        may = record.state == "open" and person in deciders(record, self._people)
        if question.channel == "email" and holds and may:
            card = self._for(person, lambda: answered_card(record, said, text, self._people))
            placed = placement(request, card, person, first="email")
            again = CardReplaced(at=said.at, request_id=request.id, person=person, why="comment", holder=placed.holder)
            return Brought([*events, again], [placed.outgoing], [placed.delivery])
        ways = nearest_first(_ways(request), question.channel)
        heard = present([person], self._people) or (() if others else (person,))
        brings = partial(tell_about, request, to_absent=was_typed_there)
        told = [brings(one, self._reply(request, said, text, one), ways) for one in heard]
        reach = ways if was_typed_there else None
        told += [brings(one, self._reply(request, said, text, one, question), reach) for one in others]
        return Brought(events, [*map(outbox_entry, told)])

    def _reply(
        self, request: Request, said: Comment, text: str, person: PersonId, question: Comment | None = None
    ) -> Card:
        return self._for(person, lambda: reply_notice(request, said, text, self._people, question))

    def _in_place_of(self, record: RequestRecord, person: PersonId) -> tuple[PersonId, ...]:
        """Return who decides by now where somebody who asked back does not: to whom they handed it on, or who stands in
        for them, else all who do. Their cards show a question, which they may wait to see answered.
        """
        may = self._deciding(record)
        if person in may:
            return ()
        holder = now_held_by(record.asked, person)
        return (holder,) if holder in may else may

    def _deciding(self, record: RequestRecord) -> tuple[PersonId, ...]:
        return deciders(record, self._people) if record.state == "open" else ()

    def _asking(self, request: Request, said: Comment, person: PersonId) -> Delivery:
        """What the token of a card stands for by which `person` answers `said`."""
        return Delivery(
            id=DeliveryId(new_id("delivery", shard_of(request.id))),
            run_id=request.run_id,
            request_id=request.id,
            revision=request.revision,
            digest=request.digest,
            person=person,
            about=said.id,
        )

    def _for(self, person: PersonId, card: Callable[[], Card]) -> Card:
        with self._people.speaking_to(person):
            return card()

    async def _reach(self, request: Request) -> tuple[str, ...]:
        """Return the ways to whoever asked: first the one by which they did."""
        first = await self._store.events_after(request.run_id, 0, 1)
        came_from = first[0].channel if first and isinstance(first[0], RunStarted) else ""
        return nearest_first(_ways(request), came_from)


def told_of_askers(record: RequestRecord, people: People, at: datetime) -> Iterator[Tell]:
    """Tell whoever asked back and has no answer that everybody has left who could give one, or who is back that can."""
    request, answered = record.request, {one.about for one in record.comments}
    questions = (one for one in record.comments if one.kind == "question" and one.id not in answered)
    asked = {people.ids_of(one.person)[0]: one for one in questions}
    for person, question in asked.items():
        here = asking_now(request.askers, people)
        back = [one for one in here if one != person]
        if not people.is_here(person) or (here and not back):
            continue
        with people.speaking_to(person):
            names = both([people.name_of(one) for one in back])
            text = say("answer.asked-again", names=names) if back else say("answer.asked-nobody")
            card = notice(say("card.about", title=request.title), text, at, request.id)
        yield tell_about(request, person, card, nearest_first(_ways(request), question.channel))


def _ways(request: Request) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*request.policy.reach, *CHANNELS)))
