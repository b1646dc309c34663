"""Walks over a running sayso in which people do all in which words can be typed, and a model chooses as it likes.

Each text has a token of its author that stands nowhere else. What a model was shown before it chose a call says who may
not decide that call, whatever they are called by then.
"""

import asyncio
import hashlib
import random
import re
import secrets
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import JsonValue

from agents import Agent, Arguments, CallTool, Done, Effect, Outcome, RequestHumanInput, Run, Tool, ToolContext
from agents.ask import Listed
from agents.ask.survey import SURVEY_TOOL, survey_tool
from agents.context import render
from agents.desk import DESK
from agents.desk.tools import SEND_REPLY
from agents.events import Event, OutsideReported, RequestOpened, RequestRevised, RunForked, StepChosen
from agents.model.protocol import Chosen, Failed
from agents.requests import FromTrigger, GatedCall, PersonId, RequestId, StepId, bound_to
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from agents.run import fold
from agents.starting import START_RUN, start_run_tool
from agents.steps import ModelCall, Step
from bot.app import App, compose
from bot.config.settings import Settings
from bot.errors import SaysoError
from bot.execution.tool_context import NobodyKnows
from bot.people.offers import deciders
from bot.people.recognition import as_known_now
from bot.policy.answers import Statement
from bot.policy.approvers.who import who_of
from bot.registry.configured import agents_of
from bot.requests.reassignment.absences import AbsenceWanted
from bot.runs.api_requests import Asker
from bot.runs.start import Sent
from bot.store import WorkItem
from bot.store.keys import Keys
from channels import File, Inquiry, Trigger
from tests.fakes.hallway import Hallway
from tests.kit.tables import becomes
from tests.kit.waiting import until
from tests.kit.world import World

PEOPLE = ("anna", "bo", "cy", "dan", "eve", "fay")
GROUPS = {
    "bo": '"release", "first", "glass"',
    "cy": '"release", "first", "then"',
    "dan": '"release", "then"',
    "eve": '"others", "first"',
    "fay": '"glass", "then"',
}
HELP = "help@corp.example"
RULES = f"""
[policies.plain]
approvers = ["group:release"]
stand_ins = ["group:others"]
break_glass = ["group:glass"]
expires_after = "4h"
standing = "10 in 30d"

[policies.steps]
expires_after = "4h"
stand_ins = ["group:others"]

[[policies.steps.steps]]
name = "first"
approvers = ["group:first"]
escalate_after = "10m"
escalate_to = ["group:others"]

[[policies.steps.steps]]
name = "then"
approvers = ["group:then"]

[policies.editors]
approvers = ["group:release"]
editor_may_approve = true
expires_after = "4h"

[desk]
address = "{HELP}"
owner = "person:anna"
policy = "plain"

[alerts]
to = ["group:glass"]

[roles]
operator = ["group:release"]

[limits]
triggers_per_person = "1000/h"
"""
POLICIES = ("plain", "plain", "steps", "editors")
_TOKEN = re.compile(r"zz-([a-z]+)-[0-9]+")


def toml_of(here: Mapping[str, str]) -> str:
    """The file in which these are here, each by which table."""
    return "".join(here.values()) + RULES


def table(person: str, called: str = "", *, slack: str = "", mail: str = "", groups: str = "") -> str:
    """The table of somebody, under a name, by accounts of theirs, in groups of theirs or in others."""
    groups = groups or GROUPS.get(person, "")
    return (
        f'[people.{called or person}]\nname = "{person.title()}"\nemail = "{mail or person}@corp.example"\n'
        f'slack = "{slack or "U0" + person.upper()}"\ngithub = "gh-{person}"\ngroups = [{groups}]\n\n'
    )


Plan = list[Step | Literal["fails"]]
FORMATS = ("free_text", "yes_no", "choice", "choices", "form")
BEGIN = CallTool(tool=START_RUN, arguments={"agent": "bell", "text": "ring it"})
GIVES_UP = Done(outcome="failed", summary="it can not be rung")


def ring(bell: str) -> CallTool:
    return CallTool(tool="ring", arguments={"bell": bell})


def survey(*people: str) -> CallTool:
    refs: list[JsonValue] = [f"person:{one}" for one in people]
    asked: dict[str, JsonValue] = {
        "people": refs,
        "question": "Which?",
        "format": "free_text",
        "until": "until tomorrow",
    }
    return CallTool(tool=SURVEY_TOOL, arguments=asked)


def question(form: str, *to: str) -> RequestHumanInput:
    more: Mapping[str, Any] = {
        "choice": {"options": ("red", "green")},
        "choices": {"options": ("red", "green")},
        "form": {"fields": ("street", "city")},
    }.get(form, {})
    return RequestHumanInput.model_validate({"question": "Which?", "format": form, "to": to, **more})


@dataclass(frozen=True)
class Word:
    """What somebody typed, how, and where that was the no to a call, which one."""

    author: str
    how: str
    call: GatedCall | None = None


class Bell(Arguments):
    bell: str


@dataclass
class Words:
    """All that was typed, by its token; `read` is what a model was shown, by the run and how long that was then."""

    typed: dict[str, Word] = field(default_factory=dict[str, Word])
    read: dict[tuple[str, int], frozenset[str]] = field(default_factory=dict[tuple[str, int], frozenset[str]])

    def of(self, author: str, how: str, call: GatedCall | None = None) -> str:
        """A token of `author`, for a text of theirs."""
        token = f"zz-{author}-{len(self.typed)}"
        self.typed[token] = Word(author, how, call)
        return token

    @staticmethod
    def within(text: str) -> frozenset[str]:
        return frozenset(found[0] for found in _TOKEN.finditer(text))


@dataclass
class Whim:
    """A model that chooses as it likes."""

    chance: random.Random
    words: Words
    plan: Plan = field(default_factory=Plan)
    fails: int = 0
    log: list[str] = field(default_factory=list[str])

    async def choose(self, agent: Agent, run: Run, events: Sequence[Event]) -> Chosen | Failed:
        """See `agents.model.protocol.Model`."""
        text = render(run, events)
        self.words.read[run.id, len(events)] = Words.within(text)
        call = ModelCall(
            model="whim", rehearsal=False, prompt=agent.prompt, input_hash=hashlib.sha256(text.encode()).hexdigest()
        )
        step = self.plan.pop(0) if self.plan else self.step(agent, run)
        if step == "fails":
            self.log.append(f"  {run.id} fails")
            return Failed("no_tool", "it likes none", None, call)
        self.log.append(f"  {run.id} chooses {step}")
        return Chosen(step, call)

    def step(self, agent: Agent, run: Run) -> Step | Literal["fails"]:
        if self.fails or (run.steps and self.chance.random() < 0.06):
            self.fails = (self.fails or 3) - 1
            return "fails"
        likes, depth = self.chance.random(), run.started.parent.depth if run.started and run.started.parent else 0
        if agent.name == DESK:
            return Done(summary="answered") if likes < 0.2 else draft(f"Answer {self.chance.randint(1, 3)}")
        if run.steps > 12 or likes < 0.05:
            return Done(summary="did it")
        if likes < 0.14 and depth < 2:
            return BEGIN
        if likes < 0.17:
            return survey(*self.chance.sample(PEOPLE, 2))
        if likes < 0.32:
            to = self.chance.choice(((), ("person:bo",), ("person:dan",), ("group:release",)))
            return question(self.chance.choice(("free_text", *FORMATS)), *to)
        return ring(f"v{self.chance.randint(1, 3)}")

    async def close(self) -> None:
        """See `agents.model.protocol.Model`."""


def draft(text: str) -> CallTool:
    return CallTool(tool=SEND_REPLY, arguments={"to": "eve@corp.example", "subject": "Re: refund", "text": text})


def file_of(text: str) -> File:
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return File(name="notes.txt", type="text/plain", size_bytes=len(text), sha256=sha256, text=text)


Ending = Literal["ok", "error", "unknown"]


@dataclass
class Walk(World):
    """A sayso in which nobody works but the test: what is due is done before anything else happens."""

    seed: int = 0
    always: Literal["", "held"] = ""
    words: Words = field(default_factory=Words)
    hallway: Hallway = field(default_factory=Hallway)
    log: list[str] = field(default_factory=list[str])
    held: list[asyncio.Future[Ending]] = field(default_factory=list[asyncio.Future[Ending]])
    kept_out: Counter[str] = field(default_factory=Counter[str])
    seen: set[RequestId] = field(default_factory=set[RequestId])
    known: dict[StepId, frozenset[str]] = field(default_factory=dict[StepId, frozenset[str]])
    checked: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        """Draw the policy; everybody is here."""
        self.chance = random.Random(self.seed)  # noqa: S311 - a walk that can be walked again
        self.policy = self.chance.choice(POLICIES)
        self.called = {one: one for one in PEOPLE}
        self.tables = {one: table(one) for one in PEOPLE}
        self.addresses = {one: {f"{one}@corp.example", f"U0{one.upper()}"} for one in PEOPLE}
        self.toml = toml_of(self.tables)
        self.whim = Whim(self.chance, self.words, log=self.log)

    def composed(self, settings: Settings) -> App:
        """With one agent that does what a whim wants, and the desk."""
        channels = [self.mail.channel(), self.hallway]
        desk = [one for one in agents_of(settings) if one.name == DESK]
        agents = [self.bell(), *desk]
        return compose(
            settings, self.url, channels, agents, models={one.name: self.whim for one in agents}, people=self.people
        )

    def bell(self) -> Agent:
        async def ring(args: Bell, _: Effect, hands: ToolContext) -> Outcome:
            ending = self.always or self.chance.choice(("ok", "ok", "error", "unknown", "held", "held"))
            if ending == "held":
                self.held.append(asyncio.get_running_loop().create_future())
                ending = await self.held[-1]
            match ending:
                case "ok":
                    return Outcome("it rang")
                case "error":
                    return Outcome("", "it is broken")
                case _:
                    raise NobodyKnows

        listed = {one: Listed(one.title()) for one in PEOPLE}
        tool = Tool(
            name="ring", description="Ring a bell", args=Bell, execute=ring, gate=lambda _: self.policy,
            editable=("bell",), changes=True,
        )  # fmt: skip
        return Agent(
            name="bell", description="rings", prompt="deploy", fallback=lambda _: Done(summary=""),
            tools=(tool, start_run_tool({"bell": "rings"}), survey_tool(listed)),
            asks=("person:bo", "person:dan", "group:release"),
        )  # fmt: skip

    # What is due.

    async def settles(self) -> None:
        """Do all that is due now."""
        store = self.app.store

        async def is_done() -> bool:
            while True:
                self.held = [one for one in self.held if not one.done()]
                if self.app.runs.executor.count > len(self.held):
                    return False
                if not (items := await self.taken()):
                    return True
                for item in items:
                    await self.app.work.dispatcher.look(item)

        await until(is_done, what="all that is due is done")
        assert not [one for one in await store.lists.dead() if not one.startswith("out")]

    async def taken(self) -> list[WorkItem]:
        """Take what is due, but for what is only sent."""
        store, found = self.app.store, list[WorkItem]()
        for shard in range(store.shards):
            keys = Keys(shard)
            await store.sweep(shard)
            for key in (keys.answers, keys.messages, keys.ready):
                popped = await store.client.do("ZPOPMIN", key, 1_000)
                found += [WorkItem.parse(name.decode()) for name, _ in popped]
        return [one for one in dict.fromkeys(found) if one.kind != "out"]

    # What people do.

    async def walks(self, length: int) -> None:
        await self.begins()
        for _ in range(length):
            drives = self.chance.random() < 0.55
            act = self.goes_on if drives else self.chance.choices(*zip(*self.acts(), strict=True))[0]
            with suppress(SaysoError):
                await act()
            await self.settles()
            await self.check()
        for record in await self.requests():
            made, request = record.decision, record.request
            if made and made.state == "approved" and request.purpose == "gate" and not request.program:
                self.check_kept_out(record, {self.human(one): one for one in made.by}, await self.read_of(record))

    async def goes_on(self) -> None:
        """What a run waits for comes, without a word that anybody reads."""
        record = await self.some_request()
        if record is None or self.chance.random() < 0.2:
            if [one for one in self.held if not one.done()]:
                return await self.ends_the_tool()
            for run in await self.live_runs():
                if run.is_paused:
                    self.says("goes on", run.id)
                    await self.steer(run.id, "resume", "cy" if "cy" in self.tables else self.called["anna"])
                    return None
            if await self.app.requests.freezes.all():
                await self.app.requests.freezes.unfreeze("", self.id_of(self.person), "over", proof=None)
                self.says("the freeze is over")
                return None
        if record is None:
            return None if await self.live_runs() else await self.begins()
        may = self.who_may(record)
        if not may:
            return None
        person = self.chance.choice(may)
        if record.request.format == "approval":
            said = self.chance.choice(("approve", "deny"))
            return await self.told(person, record, said, said)
        plain = {"yes_no": "yes", "choice": "1", "choices": "1", "form": "street: Elm\ncity: Bonn"}
        is_not_so = record.request.purpose == "unknown" and self.chance.random() < 0.7
        text = "2" if is_not_so else plain.get(record.request.format, "red")
        return await self.told(person, record, "free_text", text)

    async def live_runs(self) -> list[Run]:
        """Those that go on, the oldest first."""
        runs = [await self.run(one) for one in await self.app.store.lists.runs()]
        live = [(one.started.at, one.id, one) for one in runs if one.started and not one.ended]
        return [one for *_, one in sorted(live, key=lambda each: each[:2])]

    def acts(self) -> list[tuple[Any, float]]:
        return [
            (self.begins, 0.3), (self.writes, 3), (self.decides, 5), (self.answers, 5), (self.says_beside, 2),
            (self.edits, 1.5), (self.hands_on, 1.5), (self.withdraws, 1), (self.steers, 1), (self.freezes, 0.6),
            (self.copies, 0.7), (self.is_away, 0.3), (self.stands, 0.3), (self.changes_the_file, 0.8),
            (self.lets_time_pass, 0.5),
        ]  # fmt: skip

    @property
    def person(self) -> str:
        """Somebody who is here."""
        return self.chance.choice([one for one in PEOPLE if one in self.tables])

    def who_may(self, record: RequestRecord) -> list[str]:
        """Those who are here and decide it."""
        may = deciders(record, self.people)
        return [one for one in PEOPLE if one in self.tables and self.id_of(one) in may]

    def id_of(self, person: str) -> PersonId:
        return self.app.people.of_file(self.called[person])

    def says(self, what: str, *about: object) -> None:
        self.log.append(" ".join(map(str, (what, *about))))

    def text(self, person: str, how: str, call: GatedCall | None = None) -> str:
        return f"{self.chance.choice(('take', 'it is about', 'please look at'))} {self.words.of(person, how, call)}"

    def files(self, person: str, how: str, call: GatedCall | None = None) -> tuple[File, ...]:
        if self.chance.random() < 0.75:
            return ()
        return (file_of(self.text(person, f"{how}, in a file", call)),)

    async def begins(self) -> None:
        """Somebody asks: by themselves, about a message of another one, from outside, or by what they did elsewhere."""
        person, how, other = self.person, self.chance.random(), self.chance.choice(PEOPLE)
        thread = f"C01OPS/{secrets.token_hex(4)}"
        text = f"ring the bell, {self.text(person, 'asked')}"
        self.says(f"{person} begins", text)
        if how < 0.5:
            item = self.hallway.item(Trigger(person=self.id_of(person), text=text, thread=thread), begins=thread)
        elif how < 0.75:
            text = f"{text}\n> {self.text(other, 'quoted')}"
            said = Trigger(person=self.id_of(person), text=text, thread=thread, quotes=True)
            item = self.hallway.item(said.model_copy(update={"written_by": f"U0{other.upper()}"}), begins=thread)
            self.says("  about a message of", other)
        elif how < 0.85:
            text = self.text(other, "wrote to the desk")
            item = self.hallway.item(Inquiry(sender=f"{other}@corp.example", subject="refund", text=text))
            self.says("  or rather", other, "writes to the desk")
        else:
            origin = FromTrigger(name="hub", logins=(f"gh-{other}",))
            requester = self.app.people.by_github(f"gh-{other}") or self.id_of(person)
            sent = Sent(origin=origin, proof=None)
            self.says("  or rather", other, "sets it off")
            await self.app.runs.starter.start("hub", self.text(other, "set off"), requester, sent=sent, agent="bell")
            return
        await self.app.messages.inbox.accept(item)

    async def writes(self) -> None:
        """In the thread of a run."""
        if (run := await self.some_run()) and run.started:
            person = self.person
            text = self.text(person, "wrote")
            self.says(f"{person} writes", text, "to", run.id)
            if run.started.thread:
                files = self.files(person, "wrote")
                item = self.hallway.follows(self.id_of(person), text, run.started.thread, files=files)
                await self.app.messages.inbox.accept(item)

    async def some_run(self) -> Run | None:
        live, found = await self.live_runs(), sorted(await self.app.store.lists.runs())
        if live and self.chance.random() < 0.8:
            return self.chance.choice(live)
        return await self.run(self.chance.choice(found)) if found else None

    async def some_request(self, *, is_gate: bool | None = None, is_open: bool = True) -> RequestRecord | None:
        listed = [await self.request(one) for one in await self.app.store.lists.requests(only_open=is_open)]
        found = [one for one in listed if is_gate in {None, one.request.format == "approval"}]
        found.sort(key=lambda one: (one.request.opened_at, one.request.id))
        live = [one for one in found if one.state == "open"] if is_open else found[-6:]
        return self.chance.choice(live) if live else None

    async def told(self, person: str, record: RequestRecord, said: Any, text: str, **more: Any) -> None:
        judged = await self.app.requests.decisions.decide(
            record.request.id,
            Statement(
                reply_id=f"cli-{secrets.token_hex(8)}",
                person=self.id_of(person),
                proof=as_by(self.chance.choice(("cli", "console", "slack"))),
                binding=bound_to(record.request, "digest"),
                said=said,
                text=text,
                **more,
            ),
        )
        self.says(f"{person} says {said}:", text, more, record.request.id, record.state, "->", judged.type)

    async def decides(self) -> None:
        """An approval with a note, a denial with a reason, in time or late, or the glass is broken."""
        said = self.chance.choice(("approve", "approve", "approve", "deny", "deny", "break_glass"))
        record = await self.some_request(is_gate=True, is_open=said != "deny" or self.chance.random() < 0.6)
        if record is None:
            return
        may = self.who_may(record)
        person = self.chance.choice(may) if may and self.chance.random() < 0.7 else self.person
        record = await self.card_of(record) if said == "deny" else record
        how, call = f"{said} {record.state}", record.request.call if said == "deny" else None
        text = self.text(person, how, call) if self.chance.random() < 0.8 else ""
        more: dict[str, Any] = {"reason": text, "note_confirmed": True}
        await self.told(person, record, said, text or said, files=self.files(person, how, call), **more)

    async def card_of(self, record: RequestRecord) -> RequestRecord:
        """The record as it stands on some card of it: a no counts by an older one as well."""
        events = await self.events(record.request.run_id)
        cards = [one.request for one in events if isinstance(one, RequestOpened | RequestRevised)]
        card = self.chance.choice([one for one in cards if one.id == record.request.id])
        shown = {"revision": card.revision, "digest": card.digest, "call": card.call}
        return record.model_copy(update={"request": record.request.model_copy(update=shown)})

    async def answers(self) -> None:
        """A question of the model or of code: in its form, with more words, or a file."""
        record = await self.some_request(is_gate=False)
        if record is None:
            return
        may = self.who_may(record)
        person = self.chance.choice(may) if may and self.chance.random() < 0.9 else self.person
        words = self.text(person, f"answered {record.request.purpose} {record.request.format}")
        forms = {
            "yes_no": ("yes", f"yes {words}", f"yes\n{words}"),
            "choice": ("1", "2", f"1\n{words}", f"1 {words}"),
            "choices": ("1", "1, 2", f"1 {words}"),
            "form": (f"street: {words}\ncity: Bonn", f"street: Elm\ncity: {words}"),
        }
        text = self.chance.choice(forms.get(record.request.format, (words,)))
        files = self.files(person, f"answered {record.request.purpose} {record.request.format}")
        reason = words if self.chance.random() < 0.3 else ""
        await self.told(person, record, "free_text", text, files=files, reason=reason)

    async def says_beside(self) -> None:
        """A comment, a question to whoever asked, or an answer to that."""
        if record := await self.some_request(is_gate=True, is_open=self.chance.random() < 0.8):
            person, said = self.person, self.chance.choice(("free_text", "ask", "ask"))
            await self.told(person, record, said, f"{self.text(person, f'{said} beside')}?")

    async def edits(self) -> None:
        if record := await self.some_request(is_gate=True):
            may = self.who_may(record)
            person = self.chance.choice([*may, self.person])
            token = self.words.of(person, "edit")
            value = self.chance.choice((f"v{self.chance.randint(1, 3)}", f"v9 {token}"))
            judged = await self.edit(self.called[person], record, bell=value)
            now = await self.request(record.request.id)
            self.words.typed[token] = Word(person, "edit", now.request.call)
            self.says(f"{person} edits", value, record.request.id, "->", judged.type)

    async def hands_on(self) -> None:
        if record := await self.some_request(is_gate=True):
            may = self.who_may(record)
            person, to = self.chance.choice([*may, self.person]), self.person
            reason = self.text(person, "handed on")
            judged = await self.delegate(self.called[person], record, self.called[to], reason)
            self.says(f"{person} hands on to {to}:", reason, record.request.id, "->", judged.type)

    async def withdraws(self) -> None:
        if record := await self.some_request(is_open=self.chance.random() < 0.6):
            asked = [one for one in PEOPLE if one in self.tables and self.id_of(one) in record.askers]
            person = self.chance.choice([*asked, self.person])
            call = record.request.call
            await self.told(person, record, "withdraw", self.text(person, "withdrew", call))

    async def steers(self) -> None:
        if run := await self.some_run():
            verb = self.chance.choice(("pause", "pause", "resume", "resume", "resume", "cancel"))
            self.says("steers", verb, run.id)
            await self.steer(run.id, verb, self.called[self.person])

    async def freezes(self) -> None:
        person = self.person
        freezes, reason = self.app.requests.freezes, self.text(person, "froze")
        what = freezes.freeze if self.chance.random() < 0.5 else freezes.unfreeze
        self.says(f"{person} {what.__name__}s", reason)
        await what("", self.id_of(person), reason, proof=None)

    async def ends_the_tool(self) -> None:
        """One that runs has its end."""
        live = [one for one in self.held if not one.done()]
        if live:
            ending = self.chance.choice(("ok", "error", "unknown", "unknown"))
            self.says("a tool ends", ending)
            self.chance.choice(live).set_result(ending)

    async def copies(self) -> None:
        if run := await self.some_run():
            asker = Asker(self.id_of(self.person), proof=as_by("cli"))
            forks, seq = self.app.runs.forks, self.chance.randint(1, run.seq)
            how = partial(forks.fork, run.id, seq) if self.chance.random() < 0.7 else partial(forks.retry, run.id)
            made = await how(asker)
            self.says(f"{asker.requester} copies", run.id, seq, made)

    async def is_away(self) -> None:
        person, to = self.person, self.person
        absences = self.app.requests.absences
        wanted = AbsenceWanted(self.id_of(person), "2099-01-01", to=self.id_of(to))
        self.says(f"{person} is away", to)
        await absences.set(wanted, self.id_of(person), as_by("cli"))
        await absences.look()

    async def stands(self) -> None:
        """A standing approval is asked for, or revoked with a reason."""
        standing = self.app.requests.standing
        if (known := await standing.all()) and self.chance.random() < 0.5:
            person = self.person
            reason = self.text(person, "revoked a standing approval")
            await standing.revoke(known[0].approval.id, self.id_of(person), reason, proof=as_by("cli"))
            self.says(f"{person} revokes", reason)
        elif (run := await self.some_run()) and run.started:
            person, then = run.started.requester, await self.now() + timedelta(days=2)
            await self.app.runs.again.ask(run.id, person, 3, then, ("bell",), as_by("cli"))
            self.says("a standing approval is asked for", run.id)

    async def changes_the_file(self) -> None:
        """Somebody leaves, comes back, has another name or account there, or comes to be one of those who decide."""
        person = self.chance.choice(PEOPLE)
        joins = "joins the others" if person in {"anna", "eve", "fay"} else "leaves"
        what = self.chance.choice(
            (joins, "leaves", "is called otherwise", "has another address", "has another account")
        )
        if person not in self.tables:
            what = "comes back"
            self.tables[person] = table(person, self.called[person])
        elif what == "joins the others":
            self.tables[person] = table(person, self.called[person], groups='"release", "first", "then"')
        elif what == "leaves" and person != "fay":
            del self.tables[person]
        elif what == "is called otherwise":
            self.called[person] = person if self.called[person] != person else f"{person}2"
            self.tables[person] = table(person, self.called[person])
        elif what == "has another address":
            self.addresses[person].add(f"{person}9@corp.example")
            self.tables[person] = table(person, self.called[person], mail=f"{person}9")
        else:
            self.addresses[person].add(f"U9{person.upper()}")
            self.tables[person] = table(person, self.called[person], slack=f"U9{person.upper()}")
        self.says(person, what)
        await becomes(self, toml_of(self.tables))
        for record in await self.requests():
            if record.state in {"open", "approved"}:
                await self.app.requests.departures.look(record.request.id)

    async def lets_time_pass(self) -> None:
        seconds = self.chance.choice((60, 700, 3700))
        self.says("time passes", seconds)
        await self.move_time(seconds)

    # What must hold.

    def human(self, one: PersonId) -> str:
        """Whose accounts an id has, or had when it was here."""
        contact = self.people.contact(one)
        known = {contact.email, contact.slack} if contact else set[str | None]()
        return next((name for name, had in self.addresses.items() if known & had), "")

    async def check(self) -> None:
        """Nobody decides a call whose words were read before it was chosen, whoever they are called by now."""
        for request_id in await self.app.store.lists.requests(only_open=True):
            record = await self.request(request_id)
            request = record.request
            if request.purpose != "gate" or request.program:
                continue
            read = await self.read_of(record)
            self.checked[self.policy] += 1
            may = {self.human(one): one for one in deciders(record, self.people)}
            breaks = filter(self.people.contact, who_of(as_known_now(record, self.people)).glass)
            self.check_kept_out(record, may | {self.human(one): one for one in breaks}, read)
            if request.id not in self.seen:
                self.seen.add(request.id)
                self.count(record, may, {self.words.typed[one].author for one in read})

    def check_kept_out(self, record: RequestRecord, may: Mapping[str, PersonId], read: Collection[str]) -> None:
        """Check that nobody of those who `may` decide wrote what was read."""
        for token in sorted(read):
            word, told = self.words.typed[token], {"read": token, "may": may, "of": record.request}
            is_kept_out = word.author not in may or self.is_allowed(word, record)
            assert is_kept_out, "\n".join([*self.log, f"seed {self.seed}: {word} {told}"])

    def is_allowed(self, word: Word, record: RequestRecord) -> bool:
        """The no to this very call; where editors may approve, also their edit of it, and their no to another one."""
        if word.call is None or record.request.call is None:
            return False
        is_same = word.call.arguments == record.request.call.arguments
        is_editor = word.author in map(self.human, record.request.editors)
        return (is_same and word.how != "edit") or (self.policy == "editors" and (is_same or is_editor))

    def count(self, record: RequestRecord, may: Collection[str], wrote: Collection[str]) -> None:
        """Count who is kept from it though nobody has read a word of theirs."""
        for one in who_of(as_known_now(record, self.people)).seated_ever:
            name = self.human(one)
            if name and name not in may and name not in wrote:
                is_editor = "edited" if one in record.request.editors else "another step"
                why = record.request.parts.get(one) or is_editor
                self.kept_out[why] += 1

    async def read_of(self, record: RequestRecord) -> frozenset[str]:
        return await self.read_before(record.request.run_id, record.request.step_id)

    async def read_before(self, run_id: str, step_id: StepId) -> frozenset[str]:
        """Return what a model had read, here and in the runs that led to it, as it chose this step."""
        if step_id in self.known:
            return self.known[step_id]
        events = await self.events(run_id)
        run = fold(events)
        number = next(at for at, one in enumerate(events) if isinstance(one, StepChosen) and one.step_id == step_id)
        forked = next((one for one in events[:number] if isinstance(one, RunForked)), None)
        own = [text for (of, length), text in self.words.read.items() if of == run_id and length <= number]
        found = frozenset[str]().union(*own)
        if forked:
            found |= await self.read_until(forked.source, forked.at_seq)
        for child in run.children:
            reports = (
                at for at, one in enumerate(events) if isinstance(one, OutsideReported) and one.handle == child.run_id
            )
            if next(reports, number) < number:
                found |= await self.read_until(child.run_id, 10_000)
        if run.started and run.started.parent:
            found |= await self.read_before(run.started.parent.run_id, run.started.parent.step_id)
        self.known[step_id] = found
        return found

    async def read_until(self, run_id: str, length: int) -> frozenset[str]:
        chosen = [one for one in (await self.events(run_id))[:length] if isinstance(one, StepChosen)]
        return await self.read_before(run_id, chosen[-1].step_id) if chosen else frozenset()


@asynccontextmanager
async def a_walk(redis: str, folder: Path, seed: int = 0, policy: str = "") -> AsyncGenerator[Walk]:
    """One that nobody works on but the test."""
    walk = Walk(redis, folder, seed=seed)
    walk.policy = policy or walk.policy
    walk.always = "held" if policy else ""
    await walk.start(works=False, receives=False)
    try:
        yield walk
    finally:
        for one in walk.held:
            if not one.done():
                one.set_result("ok")
        await walk.stop()
