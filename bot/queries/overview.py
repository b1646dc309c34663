"""The look-ups of channels for people while they receive: a card as it stands, and what concerns somebody."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from agents.forms import fill
from agents.requests import DeliveryId, PersonId
from agents.requests.record import RequestRecord
from agents.text import quote
from bot.people.directory import People
from bot.people.offers import waits_for
from bot.people.recognition import as_told_now
from bot.policy.approvers.who import who_of
from bot.policy.attachments import with_lists
from bot.queries import lists
from bot.render.became import became, line
from bot.render.difference import difference_page, with_difference
from bot.render.forms import reasons
from bot.render.outcome import IN_SPITE
from bot.render.request_card import so_far, standing_card
from bot.render.views import Summary, request_view, summary_in
from bot.render.words import decided, reason_given, state_title, state_word, unread_words, who_decides
from bot.render.worklist import Item, work_list
from bot.requests.decisions import Decisions
from bot.requests.freezes import FrozenRequests
from bot.requests.stored import record_in
from bot.requests.tokens import Tokens
from bot.store import Store
from bot.store.outbox_entry import Delivery
from channels import Card, ChannelRefused, Line, Overview, WorkGroup, WorkRow
from language import say
from language.dates import in_words

SHOWN = 15
"""The number of waiting requests that are listed: nobody reads a page of more to its end."""

LINES = 8
"""The number of lines for what somebody asked for, and for what they decided."""

# Somebody for whom more waits than this sees the newest of it first.
_WAITING_AMONG = 200
# There is no list of who decided what. What somebody decided before this many newer requests is not shown.
_DECIDED_AMONG, _AT_ONCE = 200, 50

_OUTCOME_CHARS = 500

_STANDS = {"unknown": "nobody knows", "ended": "answered"}
# Of these the word says more than the state.
_SAYS_MORE = {"unchanged", "partly", "answered", "ended", "failed", "unknown", "interrupted"}
_REFUSED = {"denied", "withdrawn", "expired", "stopped"}


class StoredRequests:
    """Looks, and changes nothing; also a `channels.Desk`.

    `way` is the channel through which people look and answer, `console` where they find our pages; `usage` words what
    they can ask for.
    """

    def __init__(
        self,
        store: Store,
        decisions: Decisions,
        people: People,
        tokens: Tokens,
        console: str | None = None,
        way: str = "slack",
        usage: Callable[[], str] = str,
        freezes: FrozenRequests | None = None,
    ) -> None:
        self._store, self._decisions, self._people, self._tokens = store, decisions, people, tokens
        self._console, self._way, self._usage, self._freezes = console, way, usage, freezes

    async def card(self, token: str, person: str) -> Card:
        """The card that `token` names as it stands; without a form where `person` can't answer it, and saying why.

        Raises ChannelRefused for a token that is not ours.
        """
        with self._people.speaking_to(person):
            return await self._whole(token, PersonId(person))

    async def _whole(self, token: str, person: PersonId) -> Card:
        delivery_id = self._tokens.read(token)
        placed = await self._placed(delivery_id) if delivery_id else None
        if placed is None:
            raise ChannelRefused(say("overview.none-of-ours"), say("overview.ask-anew"))
        record, _, now = await self._decisions.request(placed.request_id)
        card = self._card(record, placed, person, now)
        card = with_difference(card, record.request, difference_page(self._console, record.request.id))
        return with_lists(card, record.request, await self._decisions.lists(record.request))

    async def misfits(self, token: str, filled: Mapping[str, str]) -> Mapping[str, str]:
        """Why `filled` is no answer to an open form, by the names of its fields. Raises NotFound."""
        delivery_id = self._tokens.read(token)
        placed = await self._placed(delivery_id) if delivery_id else None
        record = (await self._decisions.request(placed.request_id)).record if placed else None
        if record is None or record.state != "open" or record.request.format != "form":
            return {}
        fields = record.request.fields
        return dict(reversed(reasons(fields, fill(fields, filled).misfits)))

    def usage(self) -> str:
        """Return what people can ask for here, a line each."""
        return self._usage()

    async def overview(self, person: str) -> Overview:
        """Return what concerns `person` now."""
        me = PersonId(person)
        with self._people.speaking_to(person):
            waiting, more, unread = await self._waiting(me)
            known = self._freezes
            frozen = tuple(known.words(one) for one in await known.all()) if known else ()
            (asked, also), decided = await self._asked(me), await self._decided(me)
            left_out = unread_words(unread + also)
            return Overview(waiting=waiting, more=more, asked=asked, decided=decided, frozen=frozen, left_out=left_out)

    def _card(self, record: RequestRecord, placed: Delivery, person: PersonId, now: datetime) -> Card:
        card = standing_card(record, placed, person, self._way, self._people, now)
        form = card.form and card.form.model_copy(update={"token": self._tokens.make(placed.id)})
        link = f"{self._console}/requests/{record.request.id}" if self._console else ""
        return card.model_copy(update={"form": form, "link": link})

    async def _waiting(self, person: PersonId) -> tuple[tuple[WorkGroup, ...], int, int]:
        """(the requests that `person` may answer and has not, those that expire first; how many others there are; how
        many could not be read).
        """
        marks = await self._store.lists.newest_requests(None, _WAITING_AMONG, only_open=True, people=(person,))
        (records, unread), now = await self._records([one for _, one in marks]), self._store.about_now()
        waiting = [one for one in records if waits_for(one, person, self._people) and now < one.request.expires_at]
        waiting.sort(key=lambda record: (record.request.expires_at, record.request.id))
        shown = {record.request.id: token for record in waiting[:SHOWN] if (token := self._own_token(record, person))}
        views = [request_view(record, self._people) for record in waiting if record.request.id in shown]
        groups = tuple(
            WorkGroup(name=group.name, rows=tuple(self._row(item, shown[item.request.id]) for item in group.items))
            for group in work_list(views, self._people, person)
        )
        return groups, len(waiting) - len(shown) + await self._not_looked_at(person, len(marks)), unread

    def _row(self, item: Item, token: str) -> WorkRow:
        return WorkRow(
            title=item.request.title,
            change=item.change,
            words=item.words,
            asked_by=item.asked_by,
            decides=item.who_else,
            opened_at=item.request.opened_at,
            expires_at=item.request.expires_at,
            token=token,
        )

    async def _not_looked_at(self, person: PersonId, looked_at: int) -> int:
        """About how many more there are; of these, what they have voted on is counted."""
        return max(0, await self._store.lists.count_for(person) - looked_at) if looked_at == _WAITING_AMONG else 0

    def _own_token(self, record: RequestRecord, person: PersonId) -> str:
        """The token of this person's own delivery in the current revision; "" where none was made for them."""
        own = [holder.delivery_id for holder in record.holders if holder.person == person]
        # Each revision made everybody a card: the newest one is of this revision.
        return self._tokens.make(own[-1]) if own else ""

    async def _asked(self, person: PersonId) -> tuple[tuple[Line, ...], int]:
        """(what `person` asked for, and how it stands; how many could not be read)."""
        listed = await lists.runs(self._store, requesters=self._people.ids_of(person), limit=LINES)
        asked = [Line(label=run.wish, text=await self._stands(run)) for run in listed.found]
        return tuple(asked), listed.unread

    async def _stands(self, run: Summary) -> str:
        """Describe the state of a run, and name the people it waits for."""
        asked_at = say("overview.asked-at", when=in_words(run.started_at))
        records, _ = await self._records([run.open] if run.open else [])
        if not records or records[0].state != "open":
            return f"{_stand(run)}{_told(run)} {asked_at}"
        told = as_told_now(records[0], self._people)
        words = [] if run.state == "waiting" else [f"{state_title(_STANDS.get(run.state, run.state))}."]
        words += [say("overview.waiting-for", who=who_decides(who_of(told), self._people))]
        return " ".join([*words, *self._so_far(records[0]), asked_at])

    async def _decided(self, person: PersonId) -> tuple[Line, ...]:
        """The newest requests that `person` had a part in."""
        found, mine = list[RequestRecord](), self._people.ids_of(person)
        marks = await self._store.lists.newest_requests(None, _DECIDED_AMONG, only_open=False)
        for start in range(0, len(marks), _AT_ONCE):
            some, _ = await self._records([request_id for _, request_id in marks[start : start + _AT_ONCE]])
            found += [record for record in some if not _deciders(record).isdisjoint(mine)]
            if len(found) >= LINES:
                break
        found = found[:LINES]
        lines = await self._store.lists.summaries_of([record.request.run_id for record in found])
        runs = map(summary_in, lines)
        return tuple(
            Line(label=record.request.title, text=self._became(record, run, mine))
            for record, run in zip(found, runs, strict=True)
        )

    def _became(self, record: RequestRecord, run: Summary | None, mine: Collection[PersonId]) -> str:
        """Describe the end of a request, and the state of its run since."""
        if record.decision is None:
            vote = next(one for one in record.votes if one.person in mine)
            return " ".join([say("overview.you-approved", when=in_words(vote.at)), *self._so_far(record)])
        if record.state != "approved":
            told, is_theirs = line(became(record, None), self._people), record.state in {"denied", "withdrawn"}
            return f"{told} {reason_given(record.decision.reason)}".rstrip() if is_theirs else told
        words = [decided(record.decision, self._people)]
        # What people refused did not fail: who decided says it all.
        words += [say("overview.the-run", state=_stand(run, state_word))] if run and run.word not in _REFUSED else []
        if run and run.change and run.state != "done" and run.word != run.change and run.change in IN_SPITE:
            words.append(say(IN_SPITE[run.change]))
        return " ".join(words)

    def _so_far(self, record: RequestRecord) -> list[str]:
        return [f"{line.label}: {line.text}." for line in so_far(record, self._people)]

    async def _placed(self, delivery_id: DeliveryId) -> Delivery | None:
        body = await self._store.delivery(delivery_id)
        return None if body is None else Delivery.model_validate_json(body)

    async def _records(self, request_ids: Sequence[str]) -> tuple[list[RequestRecord], int]:
        """(the records that can be read; how many can't)."""
        bodies = [body for body in await self._store.lists.records_of(request_ids) if body]
        records = [record for record in map(record_in, bodies) if record]
        return records, len(bodies) - len(records)


def _stand(run: Summary, word: Callable[[str], str] = state_title) -> str:
    """Return how a run stands: what it says of itself does not make it done."""
    if run.word in _REFUSED:
        return word("unchanged" if run.state == "done" and run.change == "nothing" else "stopped")
    if run.word == "frozen":
        return say("status.frozen")
    state = run.word if run.word in _SAYS_MORE else run.state
    return word(_STANDS.get(state, state))


def _told(run: Summary) -> str:
    """Return the end of a line on a run: what code knows of its end, then its summary, quoted whoever worded it."""
    if run.words_of == "code" and run.outcome:
        run = run.model_copy(update={"outcome": quote(run.outcome, _OUTCOME_CHARS)})
    words = run.told(_OUTCOME_CHARS)
    return f": {words}" if words else "."


def _deciders(record: RequestRecord) -> set[PersonId]:
    return {vote.person for vote in record.votes} | set(record.decision.by if record.decision else ())
