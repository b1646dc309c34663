"""Saying something outside the thread of whoever asked: to people, groups and places, through the outbox."""

from collections.abc import Callable
from datetime import datetime

from agents import ToolRefused
from agents.command import Announce, parse
from agents.requests import PersonId, RunId, StepId
from agents.run import Run
from agents.steps import CallTool
from agents.text import one_line
from bot.config.tables import CHANNELS
from bot.people.directory import People
from bot.requests.opening import who_asked
from bot.store import Commit
from bot.store.commit import Once
from bot.store.ids import derived_id
from bot.store.journal import Journal, outbox_entry
from bot.store.outbox_entry import Tell, place_of
from channels import Card
from language import say

_TITLE_CHARS, _TEXT_CHARS = 150, 4_000


def announced_in(run_id: RunId) -> str:
    """Return the thread in which the announcements of a run stand."""
    return f"announce-{run_id}"


class Announcements:
    """Writes what tools say into the outbox, each word once."""

    def __init__(self, journal: Journal, people: People) -> None:
        self._journal, self._people = journal, people

    async def notify(self, run: Run, step_id: StepId, to: str, title: str | Callable[[], str], text: str) -> None:
        """Say it once per step, title and `to`, however often the step is tried. Raises ToolRefused for nobody."""
        place = to if to.startswith("slack:") else ""
        now = await self._journal.store.now(run.id)
        await self._people.look_up([to])
        people = [PersonId("")] if place else self._people.members(self._people.refs([to]), now)
        if not people or not place_of(to)[1]:
            raise ToolRefused(say("agent.nobody-in", whom=repr(one_line(to, 100))))
        with self._people.speaking_to(""):  # many read it, whoever asked for it
            title = title if isinstance(title, str) else title()
            card = self._card(run, title, text, now, of_model=_is_of_model(run, text))
        entries = [
            Tell(
                id=derived_id("outgoing", step_id, f"tell {to} {person} {title}"),
                run_id=run.id,
                person=person,
                reach=(place_of(place)[0],) if place else CHANNELS,
                card=card,
                thread=announced_in(run.id),
                place=place,
            )
            for person in people
        ]
        # An entry that was sent is gone from the outbox: what says that it was there is written with it, and stays.
        once = Once(about=step_id, key=f"tell {to} {title}", outcome=b"told")
        await self._journal.write(Commit(run_id=run.id, outgoing=[*map(outbox_entry, entries)], once=once))

    def _card(self, run: Run, title: str, text: str, at: datetime, *, of_model: bool) -> Card:
        agent, key = run.started.agent if run.started else "?", "notice.announced"
        if of_model:
            title, key = say("notice.of-model", title=title), "notice.announced-of-model"
        return Card(
            title=one_line(title, _TITLE_CHARS),
            at=at,
            summary=say(key, agent=agent, names=self._people.names_of(who_asked(run))),
            quoted=text[:_TEXT_CHARS],
            ref=run.id,
            closes=True,
        )


def _is_of_model(run: Run, text: str) -> bool:
    """Return whether `text` holds words of a model: what was given to the tool, and people did not write as it stands.

    Rules may have it from a model, too. A name in it may be from what they wrote; of words, a part says something else
    than the whole may.
    """
    started, pending = run.started, run.pending
    if started is None or pending is None or not isinstance(pending.step, CallTool):
        return False
    if not (pending.by_model or started.is_of_model):
        return False
    written = [] if started.is_of_model else [started.text]
    written += [one.text for one in run.results if one.kind == "answered"]
    commands = [parse(each) for each in written]
    whole = {_words(each) for each in (*written, *(one.text for one in commands if isinstance(one, Announce)))}

    def is_own(one: str) -> bool:
        is_name = len(one.split()) == 1 and one != text.strip()
        return _words(one) in whole or (is_name and any(one in each for each in written))

    given = (one.strip() for one in pending.step.arguments.values() if isinstance(one, str))
    return any(one in text and not is_own(one) for one in given if one)


def _words(text: str) -> str:
    return " ".join(text.split())
