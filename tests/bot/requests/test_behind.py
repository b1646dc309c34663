"""Whatever is asked and said in a run and those that it begins, nobody decides what they had a part in.

A run asks, wants calls and begins others; `tests/kit/rules.py` says who stands behind each, and what each request
becomes by that.
"""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from agents.context.pruning import authors
from agents.events import Event, PersonSaid, StepRefused
from agents.requests import PersonId, Request, RequestId, RunId
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord, after
from agents.run import Run, fold
from agents.starting import START_RUN
from agents.steps import CallTool, RequestHumanInput, Step
from bot.outbound.notifier import Notifier
from bot.people.humans import Humans
from bot.people.recognition import doubles_in, with_other_ids
from bot.people.rights import Rights
from bot.people.tables import Tables
from bot.policy.approvers.who import who_at_first
from bot.requests.opening import NotEnoughApprovers, gate_request, opening, question_request
from bot.runs.children import Children
from bot.store import Commit
from bot.store.ids import new_id
from bot.store.journal import record_write
from bot.testing import events as build
from tests.kit.house import House, a_house, call, statement
from tests.kit.promises import check_starts
from tests.kit.rules import Behind, Rules
from tests.kit.rules import Step as StepOfRules

GROUP, OTHERS = ("anna", "bo", "cy", "dan"), ("eve", "fay")
PEOPLE = (*GROUP, *OTHERS)
TOML = "".join(
    f'[people.{name}]\nname = "{name.title()}"\nemail = "{name}@corp.example"\n'
    f"groups = [{chr(34) + 'release' + chr(34) if name in GROUP else ''}]\n"
    for name in PEOPLE
) + "".join(
    f'[policies.{name}]\napprovers = ["group:release"]\nquorum = {quorum}\nexpires_after = "4h"\n'
    f'break_glass = ["person:fay"]\nrequester_may_approve = {own}\n'
    for name, quorum, own in (("one", 1, "false"), ("two", 2, "false"), ("own", 1, "true"))
) + '[alerts]\nto = ["person:eve"]\n'  # fmt: skip
Format = Literal["free_text", "yes_no", "choice", "choices", "form"]
ASKED: Mapping[Format, Mapping[str, Any]] = {
    "free_text": {},
    "yes_no": {},
    "choice": {"options": ("red", "green", "blue")},
    "choices": {"options": ("red", "green", "blue")},
    "form": {"fields": ("street", "city")},
}
FIT: Mapping[Format, tuple[str, ...]] = {
    "free_text": ("the one by the door",),
    "yes_no": ("yes", "no"),
    "choice": ("green",),
    "choices": ("red, blue", "green"),
    "form": ("street: Elm 5\ncity: Bonn",),
}
"""The answers that fit, as they are taken."""
MISFIT: Mapping[Format, tuple[str, ...]] = {
    "free_text": (),
    "yes_no": ("after lunch",),
    "choice": ("purple", "green, red"),
    "choices": ("purple",),
    "form": ("street: Elm 5",),
}
VERSIONS = ("v1", "v2")
DEEPEST = 3
T = TypeVar("T")


@dataclass
class Asked:
    """One request, and what the rules say of it: that of a `version`, or a question of a `format`."""

    id: RequestId
    page: Rules
    version: str = ""
    format: Format = "free_text"
    comments: list[str] = field(default_factory=list[str])


@dataclass
class Told:
    """One run, who stands behind it, and all that it asked."""

    id: RunId
    behind: Behind
    asked: list[Asked] = field(default_factory=list[Asked])


class Family(RuleBasedStateMachine):
    """A run of Anna's, and those that it begins: the newest of them goes on, and the others wait for it."""

    house: House
    loop: asyncio.AbstractEventLoop

    @initialize(policy=st.sampled_from(("one", "two", "own")))
    def begins(self, policy: str) -> None:
        house, self.policy, self.number, self.present = self.house, policy, 0, {*PEOPLE}
        self.has(house.emptied())
        house.people.change(Tables(house.settings.people, house.settings.policies), Humans())
        self.notifier = Notifier(house.people, ("email",))
        rights = Rights(house.people, house.store.about_now)
        self.children = Children(house.journal, ("deploy",), {}, rights)
        run_id = RunId(new_id("run", 0))
        self.write(run_id, build.started("deploy it", run_id=run_id, requester="anna"))
        self.runs = [Told(run_id, Behind("anna"))]

    # What a run does: only the newest one, while nothing that it asked is open.

    @property
    def told(self) -> Told:
        return self.runs[-1]

    @property
    def open(self) -> Asked | None:
        return self.told.asked[-1] if self.told.asked and self.told.asked[-1].page.state == "open" else None

    @property
    def last(self) -> str:
        """The state of what the newest run asked last."""
        page = self.told.asked[-1].page if self.told.asked else None
        return "begun" if page and page.has_started else page.state if page else ""

    def can_go_on(self) -> bool:
        """Whether the newest run is about nothing: it was answered, or refused, or what it wanted is done."""
        return self.last not in {"open", "approved", "superseded"}

    @precondition(can_go_on)
    @rule(
        form=st.sampled_from([*ASKED]),
        to=st.sampled_from((("bo",), ("cy", "dan"), ("fay",), ("eve",), GROUP, ())),
    )
    def asks(self, form: Format, to: tuple[str, ...]) -> None:
        """A question of the model; to nobody else, it is to whoever asked. To nobody who is here it is not asked."""
        refs = ("group:release",) if to == GROUP else tuple(f"person:{one}" for one in to)
        step = RequestHumanInput.model_validate({"question": "Which?", "format": form, "to": refs, **ASKED[form]})
        run = self.chooses(step)
        assert run.pending
        policy, now = self.notifier.question_policy(run, self.now), self.now
        request = question_request(run, run.pending, policy, now)
        page = self.told_by_the_page("").of_the_question(*(to or ("anna",)))
        self.opens(run, request, page, format=form)

    @precondition(lambda self: self.can_go_on() or self.last == "superseded")
    @rule(version=st.sampled_from(VERSIONS))
    def wants_a_call(self, version: str) -> None:
        """Where too few could decide it, it is refused."""
        if self.last == "superseded":
            version, run = self.told.asked[-1].version, self.run(self.told.id)
        else:
            run = self.chooses(CallTool(tool="deploy", arguments={"version": version}), self.policy)
        people, now = self.house.people, self.now
        snapshot = people.snapshot(self.policy, now)
        assert run.pending
        assert snapshot
        known, doubles = with_other_ids(run, people), doubles_in(who_at_first(snapshot, ()), people)
        request = gate_request(known, run.pending, "Deploy?", call(version), snapshot, now, doubles)
        self.opens(run, request, self.told_by_the_page(version), version)

    def told_by_the_page(self, version: str) -> Rules:
        """Return the rules of what the newest run asks now."""
        quorum, behind = 2 if self.policy == "two" else 1, self.told.behind
        here = tuple(one for one in GROUP if one in self.present)
        step = StepOfRules(here, quorum, frozenset(GROUP))
        page = Rules("anna", (step,), self.present, frozenset(), version, glass=frozenset({"fay"} & self.present))
        page.wrote = behind.asked() - {"anna"}
        page.answered = behind.wished(version) & {*here, *page.glass}
        page.may_requester_approve = self.policy == "own"
        return page

    @precondition(lambda self: self.last == "approved")
    @rule(is_the_same=st.sampled_from((True, True, True, False)))
    def begins_the_call(self, *, is_the_same: bool) -> None:
        asked = self.told.asked[-1]
        self.has(self.house.start(self.record(asked).request, is_the_same=is_the_same))
        asked.page.start(0.0, is_the_same=is_the_same)
        attempt = self.record(asked).attempt
        assert (attempt is not None) == asked.page.has_started
        if attempt:  # its lease ends with it: another call of the run begins only then
            assert self.has(self.house.store.finish_tool(self.told.id, attempt, build.finished(attempt)))

    @precondition(lambda self: self.can_go_on() and len(self.runs) <= DEEPEST and "anna" in self.present)
    @rule()
    def begins_a_child(self) -> None:
        run = self.chooses(CallTool(tool=START_RUN, arguments={"agent": "deploy", "text": "deploy it"}))
        assert run.pending
        begun = build.tool_started(f"a{self.number}", run.pending.id, tool=START_RUN)
        self.write(run.id, begun)
        child_id = self.has(self.children.start(self.run(run.id), run.pending.id, "deploy", "deploy it", "", {}))
        self.runs.append(Told(child_id, self.told.behind.child()))

    @precondition(lambda self: self.can_go_on() and len(self.runs) > 1)
    @rule()
    def a_child_ends(self) -> None:
        child = self.runs.pop()
        self.write(child.id, build.ended())
        self.has(self.children.notify_parent(self.run(child.id), self.events(child.id)))
        parent = self.run(self.told.id)
        assert parent.pending
        assert parent.pending.attempt
        self.write(parent.id, build.finished(parent.pending.attempt.id))
        self.told.behind.hears_of(child.behind)

    # What people do.

    @rule(person=st.sampled_from(PEOPLE))
    def writes(self, person: str) -> None:
        """To the run that goes on."""
        if person not in self.present:
            return
        self.number += 1
        by = {"person": PersonId(person), "proof": as_by("cli")}
        said = PersonSaid.model_validate({"at": self.now, "said_id": f"m{self.number}", "text": "and soon", **by})
        run, asked = self.run(self.told.id), self.told.asked
        live = [one for one in asked if self.record(one).state in {"open", "approved"}]
        records = list[Any]()
        for one in live:
            record, version, _ = self.has(self.house.decisions.request(one.id))
            records.append(record_write(after(record, [said]), version))
        written = self.has(self.house.journal.write(Commit(run_id=run.id, events=[said], records=records)))
        assert written.state == "committed"
        self.told.behind.wrote.add(person)
        if self.open:
            self.open.page.write(person)

    @precondition(lambda self: self.open and self.open.page.about == "question")
    @rule(person=st.sampled_from(PEOPLE), fits=st.sampled_from((True, True, True, False)), which=st.integers(0, 1))
    def answers(self, person: str, which: int, *, fits: bool) -> None:
        asked = self.open
        assert asked
        texts = (FIT if fits else MISFIT)[asked.format]
        if not texts or person not in self.present:
            return
        text = texts[which % len(texts)]
        self.says(asked, person, "free_text", text)
        asked.page.answer(person, 0.0, fits=fits)
        decision = self.record(asked).decision
        if asked.page.state == "answered":
            assert decision
            assert decision.given
            assert decision.given.text == text
            self.told.behind.answered.add(person)

    @precondition(lambda self: self.open and self.open.page.about == "question" and self.open.format != "free_text")
    @rule(person=st.sampled_from(PEOPLE), said=st.sampled_from(("approve", "deny", "break_glass")))
    def votes_on_a_question(self, person: str, said: Any) -> None:
        """Nobody approves one, or breaks its glass."""
        asked = self.open
        assert asked
        if person not in self.present:
            return
        self.says(asked, person, said, said)

    @precondition(lambda self: self.open and self.open.page.about == "call")
    @rule(
        person=st.sampled_from(("bo", "cy", "dan", *PEOPLE)),
        said=st.sampled_from(("approve", "approve", "approve", "deny", "break_glass")),
        reason=st.sampled_from(("", "take the other one")),
    )
    def decides(self, person: str, said: Any, reason: str) -> None:
        asked = self.open
        assert asked
        if person not in self.present:
            return
        match said:
            case "deny":
                self.says(asked, person, said, reason or "no", reason=reason)
                asked.page.deny(person, 0.0)
                if asked.page.state != "open" and reason:
                    self.told.behind.unwanted.add((person, asked.version))
            case "approve":
                self.says(asked, person, said, said)
                asked.page.approve(person, "cli", asked.page.revision, 0.0)
            case _:
                self.says(asked, person, said, "checkout is down", reason="checkout is down")
                asked.page.break_glass(person, "cli", asked.page.revision, 0.0)

    @precondition(lambda self: self.open)
    @rule(person=st.sampled_from(("anna", *PEOPLE)))
    def takes_it_back(self, person: str) -> None:
        asked = self.open
        assert asked
        if person not in self.present:
            return
        self.says(asked, person, "withdraw", "")
        asked.page.withdraw(person, 0.0)

    @precondition(can_go_on)
    @rule(
        person=st.sampled_from(("bo", "cy", "fay")),
        did=st.sampled_from(("writes", "answers", "denies")),
        where=st.sampled_from(("here", "above", "below")),
        said=st.sampled_from(("approve", "break_glass", "deny")),
    )
    def who_had_a_part_decides(self, person: str, did: str, where: str, said: Any) -> None:
        """In this run, in one that it begins, or in the one above that began it."""
        may_begin = len(self.runs) <= DEEPEST and "anna" in self.present
        if where == "below" and may_begin:
            self.begins_a_child()
        match did:
            case "writes":
                self.writes(person)
            case "answers":
                self.asks("free_text", (person,))
                if self.open:
                    self.answers(person, 0, fits=True)
            case _:
                self.wants_a_call("v2")
                if self.open:
                    self.decides(person, "deny", "take the other one")
        if not self.can_go_on():
            return
        if where == "above" and may_begin:
            self.begins_a_child()
        if where == "below" and may_begin:
            self.a_child_ends()
        self.wants_a_call("v1")
        if self.open:
            self.decides(person, said, "no")

    @rule(person=st.sampled_from(PEOPLE))
    def leaves(self, person: str) -> None:
        self.present.discard(person)
        self.is_saved()

    @rule(person=st.sampled_from(PEOPLE))
    def comes_back(self, person: str) -> None:
        self.present.add(person)
        self.is_saved()

    def is_saved(self) -> None:
        """The file says who is here, and who left is looked for."""
        house = self.house
        here = {name: one for name, one in house.settings.people.items() if name in self.present}
        house.people.change(Tables(here, house.settings.policies))
        if self.last in {"open", "approved"}:
            asked = self.told.asked[-1]
            self.has(house.departures.look(asked.id))
            page, wished = asked.page, self.told.behind.wished(asked.version)
            page.answered = wished & {*GROUP, *page.glass}  # also of who joins those who decide
            page.look_for_who_left(0.0)
            page.answered = wished & {*page.step.approvers, *page.glass}

    def says(self, asked: Asked, person: str, said: Any, text: str, reason: str = "") -> None:
        plain = statement(person, "cli", said, self.record(asked).request)
        given = replace(plain, text=text, reason=reason, note_confirmed=said == "break_glass")
        self.has(self.house.decisions.decide(asked.id, given))

    # How it stands.

    @invariant()
    def each_request_stands_as_the_rules_say(self) -> None:
        for asked in self.told.asked:
            record, page = self.record(asked), asked.page
            assert (record.state, record.started_at is not None) == (page.state, page.has_started), asked
            assert {*record.approved_by} == page.votes
            if page.state == "open":
                assert {*record.askers} == page.asked(), asked
                may = {*page.step.approvers, *page.glass}
                assert page.about == "question" or {*record.requesters} & may == page.requesters() & may, asked
        events = self.events(self.told.id)
        assert (fold(events).pending is None) == self.can_go_on()
        check_starts(events)
        assert not self.house.written.broken

    def chooses(self, step: Step, policy: str | None = None) -> Run:
        self.number += 1
        read_by = authors(self.events(self.told.id))
        chosen = build.chosen(step, new_id("step", 0), gate=policy, at=self.now, read_by=read_by)
        self.write(self.told.id, chosen)
        return self.run(self.told.id)

    def opens(
        self,
        run: Run,
        request: Request | NotEnoughApprovers,
        page: Rules,
        version: str = "",
        format: Format = "free_text",  # noqa: A002
    ) -> None:
        """Open it where those who are here are enough; else it is refused, and the run is about nothing."""
        assert isinstance(request, Request) == page.could_open()
        if isinstance(request, Request):
            written = self.has(self.house.journal.write(opening(request, self.house.people, run.seq)))
            assert written.state == "committed"
            self.told.asked.append(Asked(request.id, page, version, format))
        else:
            assert run.pending
            self.write(run.id, StepRefused(at=self.now, step_id=run.pending.id, error="too few"))
            while self.last == "superseded":
                self.told.asked.pop()

    def write(self, run_id: RunId, event: Event) -> None:
        self.has(self.house.store.commit(Commit(run_id=run_id, events=[event])))

    def run(self, run_id: RunId) -> Run:
        return fold(self.events(run_id))

    def events(self, run_id: RunId) -> Sequence[Event]:
        return self.has(self.house.store.load(run_id)).events

    def record(self, asked: Asked) -> RequestRecord:
        return self.has(self.house.decisions.request(asked.id)).record

    @property
    def now(self) -> Any:
        return self.has(self.house.store.now(self.told.id))

    def has(self, doing: Coroutine[object, object, T]) -> T:
        return self.loop.run_until_complete(doing)


@pytest.fixture
def family(redis: str) -> Iterator[Family]:
    with a_house(redis, TOML) as (house, loop):
        Family.house, Family.loop = house, loop
        yield Family()


@pytest.mark.parametrize("did", ["writes", "answers", "denies"])
@pytest.mark.parametrize("where", ["here", "above", "below"])
def test_whoever_had_a_part_decides_no_more_than_the_rules_say(family: Family, did: str, where: str) -> None:
    for policy, person, said in (("one", "bo", "approve"), ("one", "fay", "break_glass"), ("own", "bo", "approve")):
        family.begins(policy)
        family.who_had_a_part_decides(person, did, where, said)
        family.each_request_stands_as_the_rules_say()


@pytest.mark.parametrize("sequences", [20, pytest.param(1_000, marks=pytest.mark.long)])
def test_nobody_decides_what_they_had_a_part_in(redis: str, sequences: int) -> None:
    with a_house(redis, TOML) as (house, loop):

        class Runs(Family):
            pass

        Runs.house, Runs.loop = house, loop
        run_state_machine_as_test(
            Runs, settings=settings(max_examples=sequences, stateful_step_count=25, deadline=None)
        )
