"""Whatever people do, in whatever order, a request ends as the page "Who may approve what" says."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import timedelta
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
from pydantic import JsonValue

from agents.events import PersonSaid
from agents.requests import GatedCall, PersonId, Request
from agents.requests.proof import as_by
from agents.requests.record import COMMENTS, MOST_REMARKS, RequestRecord, after
from agents.run import fold
from bot.errors import WaitsForFile
from bot.people.humans import Humans
from bot.people.tables import Tables
from bot.policy.answers import Statement
from bot.policy.approvers.who import who_of
from bot.requests.edits import Edit
from bot.requests.reassignment.absences import AbsenceWanted
from bot.requests.reassignment.delegation import HandOn
from bot.store import Commit
from bot.store.journal import record_write
from tests.kit.house import House, TooFew, a_house, call, statement
from tests.kit.promises import check_starts
from tests.kit.rules import Rules, Step

# Where requesters may approve, Anna is none of those whom the policy names.
RELEASE, NAMED, SOME = '["group:release"]', '["person:bo", "person:cy", "person:dan"]', '["person:cy", "person:dan"]'
IN_STEPS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "one": ((RELEASE, 1), ('["person:cy"]', 1)),
    "two": ((RELEASE, 2), ('["person:cy", "person:dan", "person:eve"]', 1)),
    "three": ((SOME, 1), (RELEASE, 1), ('["person:dan", "person:eve"]', 1)),
}
"""The approvers and the quorum of each step. Who is in several of them is needed in one."""
ALL_MAY = """
expires_after = "4h"
stand_ins = ["person:fay", "person:anna"]
break_glass = ["person:bo", "person:fay", "person:anna"]
"""
LATER = 'escalate_after = "30m"\nescalate_to = ["person:fay"]\n'
TOML = "".join(
    f'[people.{name}]\nname = "{name.title()}"\nemail = "{name}@corp.example"\ngroups = {groups}\n'
    for name, groups in {
        "anna": '["release"]', "bo": '["release"]', "cy": '["release"]', "dan": '["release"]', "eve": "[]",
        "fay": "[]",
    }.items()
) + "".join(
    f'[policies.{name}{by_mail}]\nquorum = {quorum}\n'
    f'approvers = {NAMED if by_mail == "_own" else RELEASE}\n{ALL_MAY}'
    f'approve_by_email = {str("mail" in by_mail).lower()}\n'
    f'requester_may_approve = {str("own" in by_mail).lower()}\n{LATER if by_mail == "_late" else ""}'
    for name, quorum in {"one": 1, "two": 2, "three": 3}.items() for by_mail in ("", "_by_mail", "_own", "_late")
) + "".join(
    f"[policies.{name}{kind}]{ALL_MAY}" + "".join(
        f'[[policies.{name}{kind}.steps]]\nname = "{number}"\napprovers = {approvers}\nquorum = {quorum}\n'
        f'{LATER if kind == "_late_steps" else ""}'
        for number, (approvers, quorum) in enumerate(steps)
    ) for name, steps in IN_STEPS.items() for kind in ("_steps", "_late_steps")
) + '[alerts]\nto = ["person:eve"]\n'  # fmt: skip
PEOPLE = ("anna", "bo", "cy", "dan", "eve", "fay")
# Those who decide speak most: what others say counts for nothing.
SPEAKERS = ("bo", "cy", "dan", "bo", "cy", "dan", *PEOPLE)
NEWCOMERS = ("gus", "hal")
CHANNELS = ("slack", "console", "cli", "api", "email")
Vote = Literal["approve", "deny"]
MOSTLY_YES: st.SearchStrategy[Vote] = st.sampled_from(("approve",) * 5 + ("deny",))
ABOUT: Mapping[str, Mapping[str, Any]] = {
    "another's card": {"addressee": PersonId("zed")},
    "nothing that shows it": {"unbound": "the subject is another one"},
    "another request": {"digest": "f" * 64},
}
"""What an answer may be about but what its writer was shown."""
DOWN = "checkout is down"
T = TypeVar("T")


def meant(refs: str) -> tuple[str, ...]:
    """Return whom the approvers of a policy mean as it opens."""
    return tuple(one for one in PEOPLE if f'"person:{one}"' in refs) or ("anna", "bo", "cy", "dan")


class Requests(RuleBasedStateMachine):
    """Everything that people do to one request, beside its rules."""

    house: House
    loop: asyncio.AbstractEventLoop

    kinds: tuple[str, ...]

    @initialize(
        policy=st.sampled_from(("one", "two", "three")),
        kind=st.integers(0, 5),
        part=st.sampled_from(("", "", "wrote", "answered")),
        whose=st.sampled_from(("bo", "cy", "dan")),
    )
    def opens(self, policy: str, kind: int, part: str, whose: str) -> None:
        """Somebody may have had a part in the run before: `wrote` to the one that began it, or `answered` it."""
        by_mail = self.kinds[kind % len(self.kinds)]
        self.has(self.house.emptied())
        slack = {"bo": "U0BO", "cy": "U0CY"}
        self.file = {
            one: (one, config.model_copy(update={"slack": slack.get(one)}))
            for one, config in self.house.settings.people.items()
        }
        self.number, self.known = 0, dict[str, PersonId]()
        self.page = Rules("anna", (), set(PEOPLE), frozenset(), "v1")
        self.house.people.change(Tables({}, {}), Humans())
        self.saved()
        flat = ((NAMED if by_mail == "_own" else RELEASE, {"one": 1, "two": 2, "three": 3}[policy]),)
        wanted = IN_STEPS[policy] if by_mail.endswith("_steps") else flat
        self.in_group = [refs == RELEASE for refs, _ in wanted]
        later: dict[str, Any] = {"reserve": ("fay",), "escalates_after_s": 1_800} if "_late" in by_mail else {}
        steps = [(meant(refs), quorum) for refs, quorum in wanted]
        steps = tuple(Step(people, quorum, frozenset(people), **later) for people, quorum in steps)
        self.page = Rules("anna", steps, set(PEOPLE), frozenset({"fay", "anna"}), "v1")
        self.page.wrote = frozenset({whose} if part == "wrote" else ())
        self.page.answered = frozenset({whose} if part == "answered" else ())
        self.page.is_mail_enough = by_mail == "_by_mail"
        self.page.may_requester_approve = by_mail == "_own"
        self.page.glass = frozenset({"bo", "fay", "anna"})
        self.known = {one: self.house.people.of_file(one) for one in PEOPLE}
        wrote, answered = [[self.known[one] for one in those] for those in (self.page.wrote, self.page.answered)]
        if not self.page.could_open():
            with pytest.raises(TooFew):
                self.has(self.house.opened(policy + by_mail, wrote, answered))
            self.page.wrote = self.page.answered = frozenset()
            wrote, answered = [], []
        self.request = self.has(self.house.opened(policy + by_mail, wrote, answered))
        self.seen, self.said, self.waited_s = [self.request], list[Statement](), 0.0

    @rule(
        person=st.sampled_from((*SPEAKERS, *NEWCOMERS)),
        channel=st.sampled_from(CHANNELS),
        vote=st.sampled_from(("approve", "approve", "approve", "deny")),
        age=st.sampled_from((0, 0, 0, 1, 2)),
        about=st.sampled_from(("", "", "", "", *ABOUT)),
    )
    def answers(self, person: str, channel: str, vote: Vote, age: int, about: str = "") -> None:
        """A yes is about what its writer was shown, and plainly so; a no counts whatever it came with."""
        if person in self.page.present:
            shown = self.seen[-1 - min(age, len(self.seen) - 1)]
            plain = statement(self.known[person], channel, vote, shown)
            said = replace(plain, binding=plain.binding.model_copy(update=ABOUT.get(about, {})))
            is_yes = vote == "approve" and not about
            if is_yes and self.page.waits_for_the_file(person, channel, shown.revision, self.waited_s):
                with pytest.raises(WaitsForFile):
                    self.has(self.house.decisions.decide(self.request.id, said))
                return
            self.said.append(said)
            self.has(self.house.decisions.decide(self.request.id, said))
            if vote == "deny":
                self.page.deny(person, self.waited_s)
            elif not about:
                self.page.approve(person, channel, shown.revision, self.waited_s)

    @rule(
        person=st.sampled_from(("bo", "fay", *PEOPLE)),
        channel=st.sampled_from(CHANNELS),
        age=st.sampled_from((0, 0, 1)),
    )
    def breaks_the_glass(self, person: str, channel: str, age: int) -> None:
        if person in self.page.present:
            shown = self.seen[-1 - min(age, len(self.seen) - 1)]
            plain = statement(self.known[person], channel, "break_glass", shown)
            self.said.append(replace(plain, note_confirmed=True, text=DOWN, reason=DOWN))
            self.has(self.house.decisions.decide(self.request.id, self.said[-1]))
            self.page.break_glass(person, channel, shown.revision, self.waited_s)

    @rule(person=st.sampled_from(PEOPLE))
    def writes_to_the_run(self, person: str) -> None:
        if person not in self.page.present:
            return
        record, version, now = self.has(self.house.decisions.request(self.request.id))
        self.number += 1
        by = {"person": self.known[person], "proof": as_by("cli")}
        said = PersonSaid.model_validate({"at": now, "said_id": f"m{self.number}", "text": "and soon", **by})
        written = record_write(after(record, [said]), version)
        commit = Commit(run_id=self.request.run_id, events=[said], records=[written])
        assert self.has(self.house.journal.write(commit)).state == "committed"
        self.page.write(person)

    @rule(person=st.sampled_from(("bo", "cy", "dan", "anna")), vote=MOSTLY_YES)
    def who_wrote_answers(self, person: str, vote: Vote) -> None:
        self.writes_to_the_run(person)
        self.answers(person, "cli", vote, 0)

    @rule(person=st.sampled_from(("bo", "cy", "dan")))
    def who_wrote_has_more_to_say(self, person: str) -> None:
        self.writes_to_the_run(person)
        self.says_something(person)

    @rule(person=st.sampled_from(PEOPLE))
    def says_something(self, person: str) -> None:
        """Words decide nothing; those of who asks are put in front of everybody, who is asked again, while there is
        room on the card for them, and for what they answer.
        """
        has_room = len(self.record.request.remarks) < MOST_REMARKS and len(self.page.beside) < COMMENTS
        if person in self.page.present and has_room:
            plain = statement(self.known[person], "cli", "free_text", self.seen[-1])
            said = replace(plain, text="the shop is full today")
            stands = self.has(self.house.decisions.answer(self.request.id, said)).record.request
            if self.page.remark(person, self.waited_s):
                self.seen.append(stands)

    # More than ten are not kept on the card.
    @precondition(lambda self: len(self.page.beside) < 8)
    @rule(person=st.sampled_from(SPEAKERS), channel=st.sampled_from(CHANNELS))
    def asks_back(self, person: str, channel: str) -> None:
        """By any way; whoever asked for it answers with what they write next, and that is no vote."""
        if person in self.page.present:
            said = replace(statement(self.known[person], channel, "ask", self.seen[-1]), text="Why now?")
            self.has(self.house.decisions.decide(self.request.id, said))
            self.page.ask_back(person, self.waited_s)

    @precondition(lambda self: len(self.page.beside) < 8)
    @rule(person=st.sampled_from(("bo", "cy", "dan")), vote=MOSTLY_YES)
    def is_answered_and_votes(self, person: str, vote: Vote) -> None:
        self.asks_back(person, "email")
        self.says_something("anna")
        self.answers(person, "cli", vote, 0)

    @precondition(lambda self: self.said and not self.page.missing)
    @rule(number=st.integers(0, 30))
    def says_it_again(self, number: int) -> None:
        again = self.said[number % len(self.said)]
        self.has(self.house.decisions.decide(self.request.id, again))

    @precondition(lambda self: not self.page.missing)
    @rule(
        crowd=st.lists(
            st.tuples(st.sampled_from(SPEAKERS), st.sampled_from(CHANNELS), MOSTLY_YES),
            min_size=8,
            max_size=8,
        )
    )
    def answer_at_once(self, crowd: list[tuple[str, str, Vote]]) -> None:
        """Eight of them. Who is heard first is up to chance; that it ends as in one of all orders is not."""
        here = [one for one in crowd if one[0] in self.page.present]
        said = [statement(self.known[person], way, vote, self.seen[-1]) for person, way, vote in here]
        may_stand = self.page.in_any_order(here, self.seen[-1].revision, self.waited_s)
        self.has(self.house.hear(self.request, said))
        record = self.record
        votes = {self.human(vote.person) for vote in record.votes if vote.approve}
        counted = tuple(frozenset(map(self.human, step.by)) for step in record.asked.other_steps)
        stands = record.state, record.asked.in_step, votes, counted
        [self.page] = [
            page for page in may_stand if (page.state, page.in_step, page.votes, page.counted_elsewhere()) == stands
        ]

    @precondition(lambda self: "anna" in self.page.present)
    @rule(version=st.sampled_from(("v1", "v2", "v3")))
    def changes_the_call(self, version: str) -> None:
        stands = self.edited("anna", "api", version, self.seen[-1])
        if self.page.change(version, self.waited_s):
            self.seen.append(stands)

    def edited(self, person: str, channel: str, version: str, shown: Request) -> Request:
        async def prepare(_: Request, values: Mapping[str, JsonValue]) -> tuple[GatedCall, Callable[[], str]]:
            return call(str(values["version"])), lambda: "Deploy?"

        said = statement(self.known[person], channel, "free_text", shown)
        wanted = Edit({"version": version}, prepare)
        return self.has(self.house.decisions.answer(self.request.id, said, change=wanted)).record.request

    @rule(
        person=st.sampled_from((*PEOPLE, *NEWCOMERS)),
        channel=st.sampled_from(CHANNELS),
        version=st.sampled_from(("v1", "v2", "v3")),
        age=st.sampled_from((0, 0, 0, 1)),
    )
    def edits_the_call(self, person: str, channel: str, version: str, age: int) -> None:
        if person not in self.page.present:
            return
        shown = self.seen[-1 - min(age, len(self.seen) - 1)]
        stands = self.edited(person, channel, version, shown)
        if self.page.edit(person, channel, version, shown.revision, self.waited_s):
            self.seen.append(stands)

    @rule(
        person=st.sampled_from((*PEOPLE, "gus")),
        to=st.sampled_from((*PEOPLE, *NEWCOMERS, *NEWCOMERS)),
        channel=st.sampled_from(CHANNELS),
    )
    def hands_it_on(self, person: str, to: str, channel: str) -> None:
        if person in self.page.present:
            said = statement(self.known[person], channel, "free_text", self.seen[-1])
            whom = self.known.get(to, PersonId(to))
            self.has(self.house.decisions.answer(self.request.id, said, change=HandOn(whom, "on the train")))
            self.page.hand_on(person, to, channel, self.waited_s)

    @rule(
        person=st.sampled_from((*SPEAKERS, *NEWCOMERS)),
        to=st.sampled_from(("fay", "fay", "fay", "dan", "", *PEOPLE, *NEWCOMERS)),
        channel=st.sampled_from(CHANNELS),
    )
    def goes_away(self, person: str, to: str, channel: str) -> None:
        """With somebody who stands in, or without; all of it is looked at before and after."""
        if person == to or not {person, to or person} <= self.page.present:
            return
        self.time_passes(1)
        whom, now = self.known[to] if to else None, self.has(self.house.store.now(self.request.id))
        wanted = AbsenceWanted(self.known[person], (now + timedelta(days=3)).date().isoformat(), to=whom)
        self.has(self.house.absent.set(wanted, self.known[person], as_by(channel)))
        self.page.goes_away(person, to, channel)
        self.page.look_for_who_is_away(self.waited_s)

    @rule(person=st.sampled_from(("bo", "cy", "dan")))
    def a_stand_in_is_away_as_well(self, person: str) -> None:
        self.joins()
        self.goes_away("fay", "eve", "cli")
        self.goes_away(person, "fay", "cli")

    @rule(person=st.sampled_from(PEOPLE))
    def is_back(self, person: str) -> None:
        """What went to others stays with them."""
        if person in self.page.present and self.page.away.pop(person, None) is not None:
            self.has(self.house.absent.end(self.known[person], self.known[person], as_by("cli")))

    @rule()
    def joins(self) -> None:
        """Eve comes into the group, which gives her no vote."""
        self.in_the_group_is("eve")
        self.becomes("eve", groups=("release",))

    def in_the_group_is(self, person: str) -> None:
        """Who joins is of those to whom a seat of the group may go; a policy that names people has none."""
        self.page.steps = tuple(
            replace(step, group=step.group | {person}) if has_group else step
            for step, has_group in zip(self.page.steps, self.in_group, strict=True)
        )

    @rule(minutes=st.sampled_from((5, 20, 90)))
    def time_passes(self, minutes: int) -> None:
        self.waited_s += minutes * 60
        self.has(self.house.has_passed(minutes * 60))
        self.is_looked_at_when_due()
        self.page.look(self.waited_s)
        self.has(self.house.absent.look())
        self.page.look_for_who_is_away(self.waited_s)

    def is_looked_at_when_due(self) -> None:
        """As often as something is due: each look does one thing."""
        before = None
        while before != self.record:
            before = self.record
            self.has(self.house.decisions.look(self.request.id))

    @rule(person=st.sampled_from(("bo", "cy", "dan", *PEOPLE, *NEWCOMERS)))
    def leaves(self, person: str) -> None:
        self.page.present.discard(person)
        self.saved()

    @rule(person=st.sampled_from(("bo", "cy", "dan", *PEOPLE, *NEWCOMERS)))
    def comes_back(self, person: str) -> None:
        """Under the address that they had; an id that is somebody else's by now is not theirs again."""
        self.is_whole_again()
        likely = {self.page.may_be.get(one, one) for one in self.page.present}
        if person in self.file and self.page.may_be.get(person, person) not in likely:
            self.page.present.add(person)
            name, config = self.file[person]
            taken = {self.file[one][0] for one in self.page.present if one != person}
            self.file[person] = (self.another_id(person) if name in taken else name), config
            self.saved()

    @rule()
    def who_left_is_looked_for(self) -> None:
        self.has(self.house.departures.look(self.request.id))
        self.page.look_for_who_left(self.waited_s)

    @rule(person=st.sampled_from(("bo", "cy", "dan")))
    def leaves_for_good(self, person: str) -> None:
        self.leaves(person)
        self.who_left_is_looked_for()

    @rule(person=st.sampled_from(("bo", "cy", "dan")), is_looked_for=st.booleans())
    def votes_and_leaves_and_is_back(self, person: str, *, is_looked_for: bool) -> None:
        """A vote that nobody has seen to be void is none that is."""
        self.answers(person, "cli", "approve", 0)
        self.leaves(person)
        if is_looked_for:
            self.who_left_is_looked_for()
        self.comes_back(person)

    @rule(person=st.sampled_from((*PEOPLE, *NEWCOMERS)))
    def is_called_otherwise(self, person: str) -> None:
        if person in self.page.present:
            self.file[person] = self.another_id(person), self.file[person][1]
            self.saved()

    @rule(one=st.sampled_from(PEOPLE), other=st.sampled_from((*PEOPLE, *NEWCOMERS)))
    def two_swap_their_ids(self, one: str, other: str) -> None:
        if {one, other} <= self.page.present:
            (first, its), (second, others) = self.file[one], self.file[other]
            self.file[one], self.file[other] = (second, its), (first, others)
            self.saved()

    @rule(person=st.sampled_from((*PEOPLE, *NEWCOMERS)), gets_uid=st.booleans())
    def has_other_addresses(self, person: str, *, gets_uid: bool) -> None:
        """With a uid they may all be others; without one, an added one changes nothing."""
        if person not in self.page.present:
            return
        if gets_uid and not self.file[person][1].uid:
            self.becomes(person, uid=f"uid-{person}")
        if self.file[person][1].uid:
            self.number += 1
            self.becomes(person, email=f"{person}{self.number}@corp.example")
        elif not self.file[person][1].slack:
            self.becomes(person, slack=f"U0{person.upper()}")

    @rule(
        person=st.sampled_from(("bo", "cy", "dan")),
        newcomer=st.sampled_from(NEWCOMERS),
        may_be=st.sampled_from((True, True, False)),
    )
    def somebody_else_gets_the_id(self, person: str, newcomer: str, *, may_be: bool) -> None:
        """In one save. With the same Slack id and another address, nobody knows who it is."""
        config = self.file[person][1]
        if person not in self.page.present or newcomer in self.file or (may_be and (config.uid or not config.slack)):
            return
        changed = {"email": f"{newcomer}@corp.example", "slack": config.slack if may_be else None, "uid": None}
        self.file[newcomer] = self.file[person][0], config.model_copy(update=changed)
        if may_be:
            self.page.may_be[newcomer] = self.page.may_be.get(person, person)
        self.page.present.discard(person)
        self.page.present.add(newcomer)
        self.in_the_group_is(newcomer)
        self.saved()

    @rule(
        person=st.sampled_from(("bo", "cy")),
        colleague=st.sampled_from(("bo", "cy", "dan")),
        newcomer=st.sampled_from(NEWCOMERS),
        edits=st.booleans(),
    )
    def who_had_a_part_comes_to_it_again(self, person: str, colleague: str, newcomer: str, *, edits: bool) -> None:
        """Whoever edited or handed it on is there as somebody who may be them, and gets a colleague's seat."""
        if edits:
            self.edits_the_call(person, "cli", "v2", 0)
        else:
            self.hands_it_on(person, "fay", "cli")
        self.somebody_else_gets_the_id(person, newcomer, may_be=True)
        self.hands_it_on(colleague, newcomer, "cli")
        self.answers(newcomer, "cli", "approve", 0)

    def another_id(self, person: str) -> str:
        self.number += 1
        return f"{person}-{self.number}"

    def becomes(self, person: str, **changes: object) -> None:
        name, config = self.file[person]
        self.file[person] = name, config.model_copy(update=changes)
        self.saved()

    @rule(
        gone=st.just({"anna", "bo", "cy", "dan"}) | st.sets(st.sampled_from((*PEOPLE, *NEWCOMERS)), min_size=1),
        is_cut=st.booleans(),
    )
    def the_file_lacks(self, gone: set[str], *, is_cut: bool) -> None:
        """They have left, or are only missing; which of the two is told by who is left and what becomes of it."""
        self.is_whole_again()
        page, before = self.page, {*self.page.present}
        if not before & gone:  # it takes nobody away
            return
        page.present = before - gone
        written = self.written()
        here = self.house.people.here_by(written)
        is_half = self.has(self.house.departures.would_lose(here, written.policies, is_cut=is_cut))
        page.present = before
        assert is_half == page.is_half_taken(before - gone, self.waited_s, is_cut=is_cut)
        page.present = before - gone
        if is_half:
            page.missing = before & gone
            self.house.people.take_half(written, "digest", self.has(self.house.store.now(self.request.id)))
        else:
            self.saved()
        self.who_left_is_looked_for()

    @rule(left=st.sampled_from(("eve", "fay")), is_cut=st.booleans())
    def begins_while_all_but_one_are_missing(self, left: str, *, is_cut: bool) -> None:
        for person in ("bo", "cy", "dan"):
            self.answers(person, "cli", "approve", 0)
        self.the_file_lacks({*PEOPLE, *NEWCOMERS} - {left}, is_cut=is_cut)
        self.begins(is_the_same=True)
        self.is_whole_again()
        self.begins(is_the_same=True)

    @precondition(lambda self: self.page.missing)
    @rule()
    def is_whole_again(self) -> None:
        if self.page.missing:
            self.saved()

    def written(self) -> Tables:
        """Return the file with who is present. Policies that lack all stand-ins would be others than those of then."""
        present = self.page.present
        people = {name: config for one, (name, config) in self.file.items() if one in present}
        stand_ins = tuple(f"person:{self.file[one][0]}" for one in ("fay", "anna") if one in present)
        policies = {
            name: policy.model_copy(update={"stand_ins": stand_ins or ("person:nobody",)})
            for name, policy in self.house.settings.policies.items()
        }
        return Tables(people, policies)

    def saved(self) -> None:
        """The file says all of it from now on, and each human still has the id that was theirs first."""
        self.page.present |= self.page.missing
        self.page.missing = set()
        present = self.page.present
        self.house.people.change(self.written())
        for one, (name, _) in self.file.items():
            if one in present:
                assert self.house.people.of_file(name) == self.known.setdefault(one, self.house.people.of_file(name))
        assert len({*self.known.values()}) == len(self.known)

    def human(self, person: PersonId) -> str:
        return next(one for one, known in self.known.items() if known == person)

    @rule(is_frozen=st.booleans())
    def is_frozen_or_no_longer(self, *, is_frozen: bool) -> None:
        verb = self.house.freezes.freeze if is_frozen else self.house.freezes.unfreeze
        self.has(verb("production", PersonId("eve"), "incident", proof=None))
        self.page.is_frozen = is_frozen

    @rule(is_the_same=st.sampled_from((True, True, True, False)))
    def begins(self, *, is_the_same: bool) -> None:
        self.has(self.house.start(self.request, is_the_same=is_the_same))
        self.page.start(self.waited_s, is_the_same=is_the_same)

    @invariant()
    def it_stands_as_the_rules_say(self) -> None:
        record, page = self.record, self.page
        assert (record.state, record.started_at is not None) == (page.state, page.has_started)
        assert (record.request.revision, record.asked.in_step) == (page.revision, page.in_step)
        assert {self.human(vote.person) for vote in record.votes if vote.approve} == page.votes
        beside = [(one.kind, self.human(one.person)) for one in record.comments if one.kind != "comment"]
        assert beside == page.beside
        if page.state == "approved" and record.decision:
            assert {*map(self.human, record.decision.by)} == page.voters
        events = self.has(self.house.store.load(self.request.run_id)).events
        assert fold(events).requests[self.request.id] == record
        check_starts(events)
        assert not self.house.written.broken

    @property
    def record(self) -> RequestRecord:
        return self.has(self.house.decisions.request(self.request.id)).record

    def has(self, doing: Coroutine[object, object, T]) -> T:
        return self.loop.run_until_complete(doing)


def a_story(house: House, loop: asyncio.AbstractEventLoop, *kinds: str) -> type[Requests]:
    """Return what plays there, with policies of these kinds."""

    class Story(Requests):
        pass

    Story.house, Story.loop, Story.kinds = house, loop, kinds
    return Story


@pytest.mark.parametrize("kinds", [("", "_by_mail", "_own"), ("_steps",), ("_late", "_late_steps")])
@pytest.mark.parametrize("sequences", [20, pytest.param(1_000, marks=pytest.mark.long)])
def test_a_request_ends_as_the_page_says(redis: str, sequences: int, kinds: tuple[str, ...]) -> None:
    with a_house(redis, TOML) as (house, loop):
        run_state_machine_as_test(
            a_story(house, loop, *kinds),
            settings=settings(max_examples=sequences, stateful_step_count=25, deadline=None),
        )


def test_a_new_member_who_may_be_a_requester_is_not_asked_and_denies_nothing(redis: str) -> None:
    with a_house(redis, TOML) as (house, loop):
        story = a_story(house, loop, "")()
        story.opens("two", 0, "wrote", "cy")
        story.somebody_else_gets_the_id("bo", "gus", may_be=True)
        story.somebody_else_gets_the_id("cy", "hal", may_be=True)
        story.who_left_is_looked_for()

        story.answers("hal", "slack", "deny", 0)

        story.it_stands_as_the_rules_say()
        assert story.record.state == "open"
        assert {*map(story.human, who_of(story.record).approve)} == {"dan", "gus"}


def test_it_is_closed_once_who_took_the_seat_of_a_later_step_loses_it_and_that_step_escalates_to_them(
    redis: str,
) -> None:
    with a_house(redis, TOML) as (house, loop):
        story = a_story(house, loop, "_late_steps")()
        story.opens("one", 0, "", "bo")
        story.hands_it_on("cy", "fay", "cli")
        assert story.page.handed_on

        story.writes_to_the_run("cy")
        story.who_left_is_looked_for()

        story.it_stands_as_the_rules_say()
        assert story.record.state == "superseded"


@pytest.mark.parametrize("is_back", [False, True])
def test_it_is_closed_where_nobody_is_left_for_a_step_as_the_last_one_decided_an_earlier_one(
    redis: str, *, is_back: bool
) -> None:
    """Somebody was not here as they decided, and nobody had looked for who left."""
    with a_house(redis, TOML) as (house, loop):
        story = a_story(house, loop, "_steps")()
        story.opens("one", 0, "wrote", "dan")
        story.leaves("bo")
        story.answers("cy", "cli", "approve", 0)
        if is_back:
            story.comes_back("bo")

        story.who_left_is_looked_for()

        story.it_stands_as_the_rules_say()
        assert story.record.state == "superseded"


def test_attack_who_is_needed_for_a_later_step_decides_an_earlier_one_while_somebody_is_missing_in_the_file(
    redis: str,
) -> None:
    with a_house(redis, TOML) as (house, loop):
        story = a_story(house, loop, "_steps")()
        story.opens("one", 0, "wrote", "dan")
        story.the_file_lacks({"bo"}, is_cut=True)

        story.answers("cy", "cli", "approve", 0)
        story.is_whole_again()
        story.answers("bo", "cli", "approve", 0)
        story.answers("cy", "cli", "approve", 0)

        story.it_stands_as_the_rules_say()
        assert story.record.state == "approved"


def test_who_lost_a_vote_as_they_left_is_asked_for_any_step_as_soon_as_others_leave_too_few(redis: str) -> None:
    with a_house(redis, TOML) as (house, loop):
        story = a_story(house, loop, "_late_steps")()
        story.opens("three", 0, "wrote", "bo")
        story.votes_and_leaves_and_is_back("dan", is_looked_for=True)

        story.leaves_for_good("cy")
        story.answers("dan", "cli", "approve", 0)

        story.it_stands_as_the_rules_say()
        assert (story.record.state, story.record.asked.in_step) == ("open", 1)


def test_it_is_decided_once_somebody_is_back_beside_whose_vote_another_was_too_few(redis: str) -> None:
    """Nobody had looked for who left, so that their vote was never void."""
    with a_house(redis, TOML) as (house, loop):
        story = a_story(house, loop, "")()
        story.opens("two", 0, "", "bo")
        story.answers("bo", "cli", "approve", 0)
        story.leaves("bo")
        story.answers("dan", "cli", "approve", 0)
        assert story.record.state == "open"
        story.comes_back("bo")

        story.who_left_is_looked_for()

        story.it_stands_as_the_rules_say()
        assert story.record.state == "approved"


def test_the_next_step_begins_once_somebody_is_back_beside_whose_vote_another_was_too_few(redis: str) -> None:
    with a_house(redis, TOML) as (house, loop):
        story = a_story(house, loop, "_steps")()
        story.opens("two", 0, "", "bo")
        story.answers("bo", "cli", "approve", 0)
        story.leaves("bo")
        story.answers("dan", "cli", "approve", 0)
        story.comes_back("bo")

        story.who_left_is_looked_for()

        story.it_stands_as_the_rules_say()
        assert (story.record.state, story.record.asked.in_step) == ("open", 1)


def test_attack_whoever_asked_chooses_what_leaves_too_few_as_whoever_edited_it_may_be_there_under_another_id(
    redis: str,
) -> None:
    with a_house(redis, TOML) as (house, loop):
        story = a_story(house, loop, "_steps")()
        story.opens("three", 0, "", "bo")
        story.edits_the_call("cy", "cli", "v2", 0)
        story.somebody_else_gets_the_id("cy", "gus", may_be=True)
        story.changes_the_call("v1")
        story.leaves_for_good("bo")
        story.says_something("anna")

        story.changes_the_call("v2")

        story.it_stands_as_the_rules_say()
        assert story.record.request.revision == 4


def test_nothing_is_handed_on_to_who_had_the_seat_of_somebody_that_asks_by_now(redis: str) -> None:
    with a_house(redis, TOML) as (house, loop):
        story = a_story(house, loop, "")()
        story.opens("one", 0, "", "bo")
        story.hands_it_on("dan", "fay", "cli")
        story.writes_to_the_run("dan")

        story.hands_it_on("bo", "fay", "cli")
        story.answers("bo", "cli", "approve", 0)

        story.it_stands_as_the_rules_say()
        assert story.record.state == "approved"
