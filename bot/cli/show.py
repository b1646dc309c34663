"""The terminal's view of requests and runs, and the record of what was shown there to whom."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import TypeAdapter

from agents.events import ChildStarted, Event, RequestOpened, RunEnded, write_event
from agents.forms import FormField
from agents.requests import Request, RequestId
from agents.run import fold
from agents.text import one_line
from bot.cli.plain import plain, plain_json
from bot.command_line import command
from bot.config.data_dir import DataDir
from bot.people.directory import People
from bot.render.cards import below_title, by_key, exact_call
from bot.render.due import away_words, handed_on_words, unanswered
from bot.render.edits import editable
from bot.render.forms import hint
from bot.render.hashes import short_hashes
from bot.render.outcome import word_of
from bot.render.said import commented, noted, remarked, whose
from bot.render.times import ago, left, length, local, local_whole, moment
from bot.render.transcript import lines
from bot.render.views import EnvironmentView, FactView, RequestView, Summary, Turn, run_view
from bot.render.words import asked_by, how_to_approve, stands_as, state_word, why_rules
from channels import Line
from language import say

# A denial stops, so what follows it after a mark is its reason, as in a mail. "deny nothing" is not plainly one.
_DENIAL = re.compile(r"\s*deny\s*(?:[,:;.!\n]|\s[-\u2013\u2014]+\s|\Z)\s*(?P<reason>.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Typed:
    """An answer as it goes on; `reason` belongs to a vote."""

    said: Literal["approve", "deny", "free_text"]
    text: str
    reason: str = ""


def typed(asked: str, text: str, reason: str) -> Typed:
    """`text` as an answer to a request of the format `asked`; nothing but the word itself approves."""
    if asked != "approval":
        return Typed("free_text", text)
    if text == "approve":
        return Typed("approve", text, reason)
    denial = _DENIAL.fullmatch(text)
    if denial is None:
        return Typed("free_text", text)
    return Typed("deny", "deny", "\n".join(filter(None, (denial["reason"].strip(), reason))))


def how_to_say_it(shown: RequestView, became: str, speaker: str) -> str:
    """Return the commands that say it plainly, after words that `became` no decision; empty where none would help.

    `speaker` is the option that names who speaks.
    """

    def answer(said: str) -> str:
        return command(f"answer {shown.id} {said}{speaker}")

    match shown.format, became:
        case "approval", "unclear" | "asked":
            return f"To deny: {answer('deny --reason ' + _WHY)}"
        case "form", "unclear":
            told = " ".join(f"--field {each.name}=…" for each in shown.fields if each.required)
            return plain(f"To fill it in: {answer(told)}")
        case _, "note_unconfirmed":
            with_note = f"To approve with this note: {answer(f'approve --reason {_WHY} --with-note')}"
            return f"{with_note}\nTo comment: {answer(_WHY)}"
        case _:
            return ""


_TITLE_CHARS = 100
_WHY = "'…'"
_WORDS = {"approval": "approve|deny", "yes_no": "yes|no", "choice": "NUMBER", "form": "--field NAME=VALUE …"}


def mode_of(shown: Summary | RequestView) -> str:
    """Return why fixed rules chose; empty where only the model did."""
    if shown.stand_in:
        return why_rules(shown.stand_in).rstrip(".")
    return "rehearsal: plain rules chose the steps, no model" if shown.is_rehearsal else ""


def summary_text(summary: Summary, people: People) -> str:
    """One line of `sayso runs`."""
    when = moment(None, summary.started_at)
    told = summary.told(_TITLE_CHARS)
    tail = f"  {told}" if told else (f"  waits for {summary.open}" if summary.open else "")
    mode = "  (rehearsal)" if summary.is_rehearsal else ""
    if summary.stand_in:
        mode = "  (some steps by fixed rules)" if summary.stand_in.some else "  (fixed rules)"
    whose = people.name_of(summary.requester)
    line = f"{summary.id}  {summary.word or summary.state:<10}  {when}  {whose}: {summary.wish}{tail}{mode}"
    return plain(" ".join(line.splitlines()))  # an older release kept line breaks


def request_line(request: RequestView, now: datetime) -> str:
    """Return one line of `sayso requests`: what is asked, since when, who decides and until when."""
    about = f"{ago(now, request.opened_at)}, {_state(request)}"
    if request.state == "open":
        until = left(now, request.expires_at)
        about = f"{ago(now, request.opened_at)}, expires {until}; {request.rule}{_soon(request, now)}"
    sign = "⚠ " if request.risks else ""
    return plain(f"{request.id}  {sign}{one_line(request.title, _TITLE_CHARS)}  ({' '.join(about.split())})")


def _soon(request: RequestView, now: datetime) -> str:
    """Return the end of a line that says what comes before the expiry, where something does."""
    due = request.next_due
    return f"; {due.kind} {left(now, due.at)}" if due and due.kind != "expiry" else ""


def environment_text(one: EnvironmentView, people: People, now: datetime) -> str:
    """An environment: what is live there, who deploys to it, and who waits for their turn."""
    needs = f"needs approval ({one.policy})" if one.policy else "no approval needed"
    rows = [f"{one.name}  {one.live}  {needs}"]
    rows += [_row("running", _turn(one.running, people, now))] if one.running else []
    rows += [_row("waits", _turn(turn, people, now)) for turn in one.waiting]
    return plain("\n".join(rows))


def _turn(turn: Turn, people: People, now: datetime) -> str:
    whose = f"{people.name_of(turn.requester)}: {one_line(turn.text, _TITLE_CHARS)}"
    return f"{turn.run}  {whose}  for {length(now - turn.since)}"


def _state(request: RequestView) -> str:
    """Return the state; what was approved by breaking the glass is not called approved, what is frozen says so, and
    what was begun says what became of it.
    """
    state = state_word(stands_as(request.state, request.decision))
    if request.became not in {"", "approved"}:
        return f"{state}, {state_word(request.became)}"
    return f"{state}, frozen" if request.frozen and request.state == "approved" else state


def request_text(request: RequestView, people: People) -> str:
    """A request as somebody must see it to decide: everything that is approved, and who may."""
    then = [Line(label=say("card.if-approved"), text=request.if_approved)] if request.if_approved else []
    then += [unanswered(request.purpose, request.program)]
    rows = [
        f"{request.id}  {_state(request)}  revision {request.revision}",
        f"  {' '.join(request.title.split())}",
        *([f"  {_since(request)}"] if request.state == "open" else []),
        _row("asked by", asked_by(request.purpose, request.askers, people)),
    ]
    rows += [_row("⚠ risk", risk) for risk in request.risks]
    rows += (
        [_row("frozen", f"{local(None, request.frozen)}. `{command('freezes')}` lists what is")]
        if request.frozen
        else []
    )
    rows += [_row("about", request.says)] if request.says else []
    rows += [_row("wrote" if request.words_are_own else "unverified", request.words)] if request.words else []
    rows += [_row("with a key", key)] if (key := by_key(request.service, request.key_holders, people)) else []
    called = "unverified" if request.program and request.format == "approval" else "question"
    rows += [_row(called, more)] if (more := below_title(request.title, request.quoted)) else []
    rows += [_row("changed", change) for change in request.changes]
    rows += [row for fact in request.facts for row in _fact(fact)]
    rows += [_row(f"{number}:", option) for number, option in enumerate(request.options, 1)]
    rows += [_row("field", _asked(each)) for each in request.fields]
    rows += [_row("decides", request.rule)]
    rows += [_row("asked", f"{names}: {why}") for why, names in _asked_because(request, people)]
    rows += [_row("gathered", request.gathered)] if request.gathered else []
    rows += [_row("may not", f"{people.name_of(one)}, who {why}") for one, why in request.may_not_decide.items()]
    rows += [_row("editable", line.text) for line in editable(request.format, request.call)]
    rows += _glass_rows(request, people)
    approvers = [vote.person for vote in request.votes if vote.approve and not vote.breaks_glass]
    rows += (
        [_row("approved", f"{'so far ' * (request.state == 'open')}by {people.names_of(approvers)}")]
        if approvers
        else []
    )
    rows += [_row("void", local(None, one)) for one in request.void]
    operators = [vote.person for vote in request.votes if vote.is_by_operators_key]
    rows += [_row("beware", f"the word of {people.names_of(operators)} came with a key that an operator made")] * bool(
        operators
    )
    said = (*remarked(request.remarks), *noted(request.votes), *commented(request.comments, request.revision))
    rows += [_row("said", f"{whose(one, people)}: {one.text}") for one in said]
    rows += _timing_rows(request, people)
    rows += (
        [_row("expires", moment(None, request.expires_at))] if request.state == "open" else _after_rows(request, people)
    )
    rows += [_row("then", f"{line.label.lower()}, {line.text}") for line in then] if request.state == "open" else []
    rows += [_row("exactly", line) for line in exact_call(request.call).splitlines()]
    rows += [_row("run", request.run_id), _row("digest", request.digest)]
    rows += [_row("mode", mode)] if (mode := mode_of(request)) else []
    return plain("\n".join(rows))


def _since(request: RequestView) -> str:
    """Return how many have approved, and since when people are asked."""
    since = say("asked.since", when=moment(None, request.opened_at))
    return " · ".join(filter(None, (request.progress, since)))


def _after_rows(request: RequestView, people: People) -> list[str]:
    """Return until when what was approved may begin, or when it began, and what its program says came of it."""
    kind, _, name = request.begun_by.partition(":")
    whose = people.name_of(name) if kind == "person" else request.begun_by
    by, came = f", by {whose}" if whose else "", request.came_of
    rows = [_row("began", f"{moment(None, request.started_at)}{by}")] if request.started_at else []
    rows += [_row("use by", moment(None, request.use_by))] if request.use_by and request.may_act else []
    says = "the program says that it is done" if came and came.ok else "the program says that it failed"
    return [*rows, _row("came of it", f"{says}: {came.summary}")] if came else rows


def _glass_rows(request: RequestView, people: People) -> list[str]:
    """Who may break the glass, and where it is reviewed that somebody did."""
    names = people.names_of(request.may_break_glass)
    rows = [_row("in need", f"{names} may break the glass")] if names and request.state == "open" else []
    return [*rows, _row("review", f"run {request.review}")] if request.review else rows


def _asked_because(request: RequestView, people: People) -> Iterator[tuple[str, str]]:
    """Yield why people are asked, each reason once, with the names of those for whom it holds."""
    for why in dict.fromkeys(request.asked_because.values()):
        yield why, people.names_of(one for one, said in request.asked_because.items() if said == why)


def _timing_rows(request: RequestView, people: People) -> list[str]:
    """What time has brought to an open request, and brings next."""
    if request.state != "open":
        return []
    rows = [_row("urgency", request.urgency)] if request.urgency != "medium" else []
    rows += [_row("handed on", local(None, handed_on_words(one, people))) for one in request.handed_on]
    rows += [_row("away", local(None, away_words(one, people))) for one in request.away]
    rows += [_row("escalated", moment(None, request.escalated_at))] if request.escalated_at else []
    rows += [_row("reminded", f"{request.reminded} times")] if request.reminded else []
    due = request.next_due
    if due is None or due.kind == "expiry":
        return rows
    to = f" to {people.names_of(due.people)}" if due.people else ""
    return [*rows, _row("next", f"{due.kind}{to}, {moment(None, due.at)}")]


def _asked(field: FormField) -> str:
    """What is to be filled in, by which name, and what it takes."""
    called = field.name if field.title == field.name else f"{field.name} ({field.title})"
    answers = f"One of: {', '.join(field.options)}." if field.options else "Yes or no." * (field.kind == "yes_no")
    said = " ".join(filter(None, (hint(field), answers)))
    return f"{called}: {said}" if said else called


def _fact(fact: FactView) -> list[str]:
    """A fact, with all of its list if that is there, and else where it is."""
    if fact.whole:
        return [_row(fact.label.lower(), f"{fact.text.partition(chr(10))[0]}\n{fact.whole}")]
    more = [_row("", f"complete list ({fact.lines}): {command('show REQUEST')}")] if fact.lines else []
    return [_row(fact.label.lower(), short_hashes(local_whole(None, fact.text))), *more]


def how_to_answer(request_id: str, asked: str, speaker: str) -> str:
    """Return the command that answers a request of the format `asked`; `speaker` is the option that says who speaks."""
    return command(f"answer {request_id} {_WORDS.get(asked, 'TEXT')}{speaker}")


def _row(label: str, text: str) -> str:
    """One labelled row. Further lines of `text` are indented below it, so that none can pass for a row of its own."""
    first, *rest = text.splitlines() or [""]
    return "\n".join([f"  {' '.join(label.split()):<10} {first}", *(f"  {'':<10} {line}" for line in rest)])


_NOTE = "shown.json"
_KEPT = 1_000
_NOTES = TypeAdapter(dict[str, str])


def last_shown(home: DataDir, whose: str, request_id: str) -> str:
    """The digest of a request as it was last printed for somebody; empty when it was not. `whose` may name a key."""
    return _notes(home).get(f"{whose} {request_id}", "")


def note_shown(home: DataDir, whose: str, requests: Iterable[RequestView]) -> None:
    """Remember what has just been printed for somebody; where nothing can be kept, nothing was shown."""
    notes = _notes(home)
    for one in requests:
        notes.pop(f"{whose} {one.id}", None)  # the newest last: those that are dropped are the oldest
        notes[f"{whose} {one.id}"] = one.digest
    try:
        home.note(_NOTE, json.dumps(dict(list(notes.items())[-_KEPT:])))
    except OSError:
        return


def not_shown(request_id: str, digest: str, person: str = "", word: str = "approve", *, as_json: bool) -> str:
    """Return why nothing was approved, and the next command; over HTTP the key says who the `person` is."""
    again = f"answer {request_id} {word} --digest {digest}" + (f" --as {person}" if person else "")
    again = command(f"{again} --reason {_WHY}" if word != "approve" else again)
    if as_json:
        return f"Nothing was approved: --json shows nobody anything. Look at the request, then: {again}"
    return f"Nothing was approved yet: above is what it is about. To approve it, type the same again, or: {again}"


def not_here(shown: RequestView) -> str:
    """Return that an approval does not count from a terminal, or the key in it, and how people approve."""
    return say("answer.not-this-way", ways=how_to_approve(shown.id, shown.approve_from))


def _notes(home: DataDir) -> dict[str, str]:
    try:
        return _NOTES.validate_json(home.read(_NOTE) or "{}")
    except (OSError, ValueError):
        return {}


class Story:
    """Prints what happens, a line for each event: a sentence, or JSON."""

    def __init__(self, people: People, *, as_json: bool) -> None:
        self._people, self._as_json = people, as_json
        self._events = list[Event]()

    def tell(self, event: Event) -> None:
        """Print it."""
        self._events.append(event)
        word = word_of(fold(self._events)) if isinstance(event, RunEnded) else ""
        print(self._json(event) if self._as_json else plain(next(lines([event], self._people, word))), flush=True)

    def end(self) -> int:
        """Return the exit code: 0 when the run ended well and did what it was to, as far as it is known by now."""
        ended = fold(self._events).ended
        return 0 if ended and ended.outcome == "done" and ended.change in {"changed", "not_wanted"} else 1

    def _json(self, event: Event) -> str:
        return plain_json(write_event(event).decode())


class Wait(Story):
    """The story of somebody who waits for its end: whom it waits for goes to stderr, once per request.

    As JSON it is one document, the run as it ended. `by_key`: people there answer with their own keys. `look` returns
    a request as it stands, which alone knows who may decide by then.
    """

    def __init__(self, people: People, look: Callable[[str], RequestView], *, as_json: bool, by_key: bool) -> None:
        super().__init__(people, as_json=as_json)
        self._look = look
        self._by_key = by_key
        self._asked: set[RequestId] = set()

    def tell(self, event: Event) -> None:
        """See `Story.tell`."""
        if self._as_json:
            self._events.append(event)
        else:
            super().tell(event)
        if isinstance(event, RequestOpened) and event.request.id not in self._asked:
            self._asked.add(event.request.id)
            print(plain(self._asks(event.request)), file=sys.stderr, flush=True)
        if isinstance(event, ChildStarted):
            words = f"What {event.run_id} does, and whom it asks: {command(f'watch {event.run_id}')}"
            print(words, file=sys.stderr, flush=True)

    def end(self) -> int:
        """See `Story.end`."""
        if self._as_json:
            print(plain_json(run_view(fold(self._events)).model_dump_json()), flush=True)
        return super().end()

    def _asks(self, request: Request) -> str:
        options = (f"{number}: {option}" for number, option in enumerate(request.options, 1))
        parts = (request.title, below_title(request.title, request.quoted), *options)
        what = "\n  ".join(" ".join(part.split()) for part in parts if part)
        now = self._look(request.id)
        speaker = "" if self._by_key else f" --as {'|'.join(now.may_decide)}"
        how = how_to_answer(request.id, request.format, speaker)
        how += ", with their own SAYSO_API_KEY" if self._by_key else ""
        return (
            f"Waits for {now.rule}: {what}\nThey are asked by {' or '.join(request.policy.reach)}. In a terminal: {how}"
        )
