"""Telling people what became of what they asked for or decided."""

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import datetime

from agents.events import Event
from agents.raised import Why
from agents.relay import Question, wanted_of
from agents.requests import PersonId, PolicySnapshot, Request, RunId
from agents.run import Run
from bot.asking import thread_of, topic_of
from bot.cards import notice, outcome_card
from bot.config import CHANNELS
from bot.ids import ingress_shard, new_id
from bot.journal import Journal, outbox_entry, outgoing_id
from bot.outgoing import Outgoing, nearest_first
from bot.people import People
from bot.progress import News, Progress
from bot.quorum import eligible
from bot.store import Commit
from bot.updates import updates_of
from channels import Card


async def to_person(
    journal: Journal, person: PersonId, title: str, text: str, *, link: str = "", reach: Sequence[str] = CHANNELS
) -> None:
    """Have somebody told what belongs to no run, over the first channel of `reach` that works."""
    near = RunId(new_id("run", ingress_shard(person, journal.store.shards)))
    entry = Outgoing(
        id=outgoing_id(near),
        kind="tell",
        run_id=near,
        person=person,
        reach=tuple(reach),
        card=notice(title, text, journal.store.about_now(), link=link),
        thread=near,
    )
    await journal.write(Commit(run_id=near, outgoing=[outbox_entry(entry)]))


class Teller:
    """Knows where people are reached: `channels` can carry a card, `edits` of them can change one where it stands.

    `alerts` are the operators (`person:…`, `group:…`).
    """

    def __init__(
        self, people: People, channels: Sequence[str], edits: Set[str] = frozenset(), alerts: Sequence[str] = ()
    ) -> None:
        self._alerts = tuple(alerts)
        self._people, self._channels, self._edits = people, tuple(channels), edits
        self._progress = Progress(people, edits)

    def reach(self, run: Run) -> tuple[str, ...]:
        """Where the requester is told: first where the trigger came from."""
        came_from = run.started.channel if run.started else ""
        return nearest_first(self._channels, came_from)

    def question_policy(self, run: Run) -> PolicySnapshot:
        """A question goes to the requester, where the trigger came from; a program's to those it names."""
        wanted = wanted_of(run)
        if isinstance(wanted, Question):
            to, source = self._people.members(wanted.to), ", ".join(wanted.to)
            # The process that opens it serves HTTP and has no channels; those that send have them all.
            return self._people.question(to, CHANNELS, source, wanted.expires_after_s)
        to = (run.started.requester,) if run.started else ()
        return self._people.question(to, self.reach(run))

    def go_on_policy(self, run: Run, why: Why) -> PolicySnapshot:
        """Whether a run goes on is for its requester; the budget of an agent's day is for the operators, if any."""
        operators = self._people.members(self._alerts) if why == "day" else ()
        to = operators or ((run.started.requester,) if run.started else ())
        return self._people.question(to, self.reach(run), "the operators" if operators else "the requester")

    def outcome(self, run: Run, now: datetime) -> list[tuple[str, bytes]]:
        """Outbox entries that tell how `run` ended: the requester, whoever voted, and every card's place."""
        card = outcome_card(run, self._people, now)
        entries = updates_of(run, self._edits, card, news=run.voters)
        # A card that changes where it stands notifies nobody.
        told = {entry.person for entry in entries if entry.card.closes}
        # The end of a child is a step of its parent, whose end is told.
        if run.started and run.started.parent is None and run.started.requester not in told:
            entries.append(self._tell(run, card))
        return [outbox_entry(entry) for entry in entries]

    def news(self, run: Run, events: Sequence[Event], now: datetime) -> News | None:
        """What is to be shown of `run` where it can be shown as it goes, unless `shown` was told so before."""
        return self._progress.news(run, events, now)

    def shown(self, news: News) -> None:
        """The entries of `news` are in the outbox."""
        self._progress.shown(news)

    def with_unknown(self, commit: Commit, run: Run, request: Request, now: datetime) -> Commit:
        """`commit`, which opens an UNKNOWN question, and a word to the requester where others are asked."""
        asked = eligible(request.policy, request.requesters)
        if run.started is None or run.started.requester in asked:
            return commit
        text = f"{request.title} {self._people.names_of(asked)} are asked; the run waits for them."
        entry = self._tell(run, notice("Unknown: an effect was interrupted", text, now, run.id))
        return replace(commit, outgoing=[*commit.outgoing, outbox_entry(entry)])

    def _tell(self, run: Run, card: Card) -> Outgoing:
        card = card.model_copy(update={"topic": topic_of(run)})
        return Outgoing(
            id=outgoing_id(run.id),
            kind="tell",
            run_id=run.id,
            person=run.started.requester if run.started else PersonId(""),
            reach=self.reach(run),
            card=card,
            thread=thread_of(run),
        )
