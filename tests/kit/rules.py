"""The page "Who may approve" as a short model: one request, from its opening to the start of what it is about.

Written from that page alone. It knows nothing of the product's code, and times are seconds since the request opened.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Literal

EXPIRES_AFTER_S, EXECUTE_WITHIN_S = 4 * 3600.0, 15 * 60.0

Said = tuple[str, str, str]
"""Who, through which channel, and the vote."""


@dataclass(frozen=True)
class Step:
    """One step. `approvers` were resolved when the request opened, in the policy's order, and `group` is who is in
    theirs by now; of those who approved it, who `counted` when it was met. After some time it escalates to a `reserve`.
    """

    approvers: tuple[str, ...]
    quorum: int
    group: frozenset[str]
    counted: frozenset[str] = frozenset()
    reserve: tuple[str, ...] = ()
    escalates_after_s: float = math.inf


@dataclass
class Behind:
    """Who stands behind a run by now: the table of *The rules* on requesters, and invariant 4.

    A child has all who asked `before` it, in the run that began it, and who answered there. Who answered a question, or
    said why they do not want a call, decides no more than a requester where something else may come of that.
    """

    requester: str
    before: frozenset[str] = frozenset()
    answered_before: frozenset[str] = frozenset()
    wrote: set[str] = field(default_factory=set[str])
    answered: set[str] = field(default_factory=set[str])
    unwanted: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def asked(self) -> frozenset[str]:
        """Return who asked for what it does, or steered it."""
        return frozenset({self.requester, *self.before, *self.wrote})

    def wished(self, version: str = "") -> frozenset[str]:
        """Return whose wish a call may be: theirs who said no to another one as well."""
        unwanted = {person for person, other in self.unwanted if other != version}
        return self.answered_before | self.answered | unwanted

    def child(self) -> "Behind":
        """Return who stands behind a run that this one begins."""
        return Behind(self.requester, self.asked() - {self.requester}, self.wished())

    def hears_of(self, child: "Behind") -> None:
        """Go on by what came of a child: what was said there may be in it."""
        self.wrote |= child.wrote
        self.answered |= child.wished() - child.answered_before


@dataclass
class Rules:
    """One request, whose step with the number `in_step` is in force; a policy without steps is one step. `version` is
    what stands there in this `revision`. Who `wrote` to the run, or to the one that began it, is a requester as well;
    who `answered` a question of it before decides no more than they. Who `broke` the `glass` decided it alone. Those
    who `may_be` one human have one word there. Who is `away` has named who stands in, or nobody.

    Who is `missing` is so in a file that was emptied or cut: they are not present, and nothing else of it holds.

    `beside` it people asked back and answered, in this order; of those who asked back, some are still `waiting`.

    It is `about` a call, or else a question: that of a model, what a lost call did, or whether it was right to break
    the glass. There one answer is enough, and whom the seat of somebody names is in `named_by`.
    """

    requester: str
    steps: tuple[Step, ...]
    present: set[str]
    stand_ins: frozenset[str]
    version: str
    votes: set[str] = field(default_factory=set[str])
    in_step: int = 0
    had_turn: frozenset[str] = frozenset()
    state: str = "open"
    revision: int = 1
    editors: frozenset[str] = frozenset()
    chose: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    handed_on: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    decided_at: float = 0.0
    voters: frozenset[str] = frozenset()
    has_started: bool = False
    is_frozen: bool = False
    is_mail_enough: bool = False
    may_requester_approve: bool = False
    may_be: dict[str, str] = field(default_factory=dict[str, str])
    wrote: frozenset[str] = frozenset()
    answered: frozenset[str] = frozenset()
    away: dict[str, str] = field(default_factory=dict[str, str])
    glass: frozenset[str] = frozenset()
    broke: str = ""
    about: Literal["call", "question", "unknown", "review"] = "call"
    began_at: float = 0.0
    is_escalated: bool = False
    named_by: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    missing: set[str] = field(default_factory=set[str])
    beside: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    waiting: list[str] = field(default_factory=list[str])

    def can(self, person: str, now: float) -> frozenset[str]:
        """Return what somebody can do: each act that changes anything, or reaches somebody, once it is tried."""
        if person not in self.present:
            return frozenset()
        if self.about != "call":
            may_take_back = self.about == "question" and person in self.asked()
            acts = {
                "answer": person in self.deciders() and self._is_open(now),
                "withdraw": may_take_back and self._is_open(now),
            }
        else:
            acts = {
                "approve": self._changes(lambda one: one.approve(person, "console", one.revision, now)),
                "withdraw": self._changes(lambda one: one.withdraw(person, now)),
                "edit": self._may_change_it(person, now),
                "break_glass": self._changes(lambda one: one.break_glass(person, "console", one.revision, now)),
                "ask": self.asks(person, now),
                self._after(person, "deny", self.revision, now).state: self._changes(lambda one: one.deny(person, now)),
            }
        heirs = [to for to in self.present if self._changes(lambda one, to=to: one.hand_on(person, to, "console", now))]
        return frozenset(act for act, may in {**acts, "hand_on": bool(heirs)}.items() if may)

    def _changes(self, do: Callable[["Rules"], object]) -> bool:
        after = deepcopy(self)
        do(after)
        return after != self

    def _may_change_it(self, person: str, now: float) -> bool:
        """*Edits before approval*: that too few are left is found once it is changed."""
        with_enough = replace(self, steps=tuple(replace(one, quorum=0) for one in self.steps), chose=dict(self.chose))
        return with_enough.edit(person, "console", "another one", self.revision, now)

    def withdraw(self, person: str, now: float) -> None:
        """Sentence 4: who asked, or steers it, takes it back until the tool starts."""
        if person in self.asked() and self.state == "approved" and not self.has_started:
            self.state = "revoked"
        elif person in self.asked() and self._is_open(now):
            self.state = "withdrawn"

    def asks(self, person: str, now: float) -> bool:
        """*Ways that count*: who decides it, or did, asks somebody else who asked for it, and is here."""
        return self._may_ask(person, now) and bool(self.asked() & self.present - {person})

    def _may_ask(self, person: str, now: float) -> bool:
        decides = {*self._seated(self.in_step), *self.had_turn, *self._givers(), self.broke}
        return self._is_open(now) and person in decides - self._only_ask()

    def answer(self, person: str, now: float, *, fits: bool = True) -> None:
        """A question is over with the first answer that fits, of whom it is put to; nobody approves one."""
        if self.about != "call" and fits and person in self.deciders() & self.present and self._is_open(now):
            self.state = "answered"

    def of_the_question(self, *whom: str) -> "Rules":
        """One of a model or a program: whom it is put to answers it, also who asked; who asked takes it back. Whom it
        names and who was not here then is asked once too few are left.
        """
        anew = self._anew("question", (one for one in whom if one in self.present), frozenset(whom))
        return replace(anew, wrote=self.wrote, may_requester_approve=True)

    def of_the_unknown(self) -> "Rules":
        """*When too few are left*: who could decide, in whichever step, says what became of it. It is not decided, so
        editors are asked as well, and who wrote to it since.
        """
        named_by = {one: step.group for step in self.steps for one in step.approvers if one not in self._givers()}
        anew = self._anew("unknown", named_by)
        return replace(anew, stand_ins=self.stand_ins, answered=self.answered, named_by=named_by)

    def of_the_review(self) -> "Rules":
        """*Break glass*: the other approvers are asked, and nobody who took part."""
        out = {self._human(one) for one in (*self.requesters(), *self.editors, self.broke)}
        may = [one for step in self.steps for one in step.approvers if self._human(one) not in out]
        return self._anew("review", may)

    def _anew(
        self,
        about: Literal["question", "unknown", "review"],
        approvers: Iterable[str],
        group: frozenset[str] = frozenset(),
    ) -> "Rules":
        step = Step(tuple(dict.fromkeys(approvers)), 1, group)
        return Rules(self.requester, (step,), self.present, frozenset(), self.version, may_be=self.may_be, about=about)

    def approve(self, person: str, channel: str, revision: int, now: float) -> None:
        """Sentences 1, 2, 4 and 5: an approver who is no requester, once, of what stands now. *Break glass*: by mail
        only with `approve_by_email`.
        """
        if not self._is_open(now) or person not in self.deciders() or revision != self.revision:
            return
        if person in self.votes or not self._counts(channel) or self._is_needed_elsewhere(person):
            return
        self.votes.add(person)
        self._count(now)

    def settle(self, now: float) -> None:
        """Sentence 3: an open request never waits for approvals that it has, however they came to count."""
        while self._is_open(now) and not self.missing and self._count(now):
            pass

    def _count(self, now: float) -> bool:
        """Go on where enough have approved the step in force; return whether that is so."""
        counted = self._counted()
        if len(counted) < self.step.quorum:
            return False
        left = self._open_steps()
        if left:
            self._turn_to(min(left), frozenset(counted), now)
            return True
        self.steps = self._with(self.in_step, counted=frozenset(counted))
        voters = frozenset(one for number in range(len(self.steps)) for one in self._counted_in(number))
        self.state, self.decided_at, self.voters = "approved", now, voters
        return True

    def deny(self, person: str, now: float) -> None:
        """Sentence 4: it ends at once, also after an approval, until the tool starts. Who only asks takes it back.

        *Steps*: those of a later one may only look, until it is approved without their turn.
        """
        may = {*self._seated(self.in_step), *self.had_turn, *self._givers()}
        if self.state == "approved":
            may |= {one for number in range(len(self.steps)) for one in self._seated(number)}
        if person not in {*may, *self.requesters(), self.broke} or self.has_started:
            return
        if self.state == "approved":
            self.state = "revoked"
        elif self._is_open(now):
            decides = self.may_requester_approve and person in may - {to for _, to in self.handed_on}
            only_asks = person in self.requesters() and not decides
            self.state = "withdrawn" if only_asks else "denied"

    def change(self, version: str, now: float) -> bool:
        """Sentence 5: votes are void, and everybody is asked again. *Edits before approval*: a value that some of those
        who decide ever chose stays the edit of all of them.
        """
        if self._may_edit(self.requester):
            return self.edit(self.requester, "api", version, self.revision, now)
        if not self._is_open(now) or version == self.version:
            return False
        before, were = self.editors, self._deciders_ever()
        self.editors = self.chose.get(version, frozenset())
        if were - self._deciders_ever() and not self._could_begin_again():
            self.editors = before
            return False
        self._revise(version, now)
        return True

    def edit(self, person: str, channel: str, version: str, revision: int, now: float) -> bool:
        """*Edits before approval*: the same by somebody who decides, who does not approve it then, nor do others who
        chose it before. *Ways that count*: where an approval counts.
        """
        if person in self.asked() and not self._may_edit(person):
            return revision == self.revision and self.change(version, now)
        may = self._may_edit(person) and revision == self.revision and version != self.version
        if not self._is_open(now) or not may or not self._counts(channel):
            return False
        before, self.editors = self.editors, self.chose.get(version, frozenset()) | {person}
        if not self._could_begin_again():
            self.editors = before
            return False
        self.chose[version] = self.editors
        self._revise(version, now)
        return True

    def hand_on(self, giver: str, to: str, channel: str, now: float) -> bool:
        """*Handing it on*: by mail where an approval by mail counts."""
        return self._is_open(now) and self._counts(channel) and self._pass_on(giver, to)

    def goes_away(self, person: str, to: str, channel: str) -> None:
        """*While somebody is away*: who stands in is named where an approval by that way would count."""
        self.away[person] = to if self._counts(channel) else ""

    def look_for_who_is_away(self, now: float) -> None:
        """*While somebody is away*: by the rules of a hand-on; whoever has no stand-in is still asked."""
        stuck, waits = set[str](), self._is_open(now) and not self.missing
        while waits:
            held = self.deciders()
            ordered = (one for one in self.step.approvers if one in held and one in self.away and one in self.present)
            person = next((one for one in ordered if one not in stuck), "")
            waits = bool(person)
            if person and not (self.away[person] and self._pass_on(person, self.away[person])):
                stuck.add(person)

    def _pass_on(self, giver: str, to: str) -> bool:
        """Give the seats of one to another, and of other steps those that they may have."""
        if giver not in self.deciders() or giver in self.votes:
            return False
        accepted = self.named_by.get(giver, self.step.group) | self.stand_ins | {*self.step.reserve}
        has_part = self._is_out(to, self.requesters()) or to in {
            *self.votes,
            *self.deciders(),
            *self._counted_elsewhere(),
            *self._had_of_barred(),
        }
        if to not in accepted & self.present or has_part or self._times_handed_on(giver) >= 3:
            return False
        before = self.steps, list(self.handed_on)
        self.steps = tuple(
            replace(step, approvers=tuple(dict.fromkeys(to if one == giver else one for one in step.approvers)))
            if to in step.group | self.stand_ins | {*self.step.reserve}
            else step
            for step in self.steps
        )
        self.handed_on.append((giver, to))
        if not self._can_go_on():
            self.steps, self.handed_on = before
            return False
        return True

    def could_open(self) -> bool:
        """*Too few people*: it is not opened where it could not be met."""
        return self._could_begin_again()

    def write(self, person: str) -> None:
        """Sentence 2: who wrote to the run is one of those who ask, from then on."""
        if self.state == "open":
            self.wrote |= {person}

    def ask_back(self, person: str, now: float) -> None:
        """*Ways that count*: by every way, and it decides nothing. It waits also while everybody who asked has left."""
        if self._may_ask(person, now):
            self.beside.append(("question", person))
            self.waiting.append(person)

    def remark(self, person: str, now: float) -> bool:
        """Sentence 5: what they write beside the open card is a change of it; but no answer to who asked back is."""
        if not self._is_open(now) or person not in self.asked():
            return False
        about = [one for one in self.waiting if one != person]
        if about:
            self.beside.append(("answer", person))
            self.waiting.remove(about[-1])
            return False
        self._revise(self.version, now)
        return True

    def break_glass(self, person: str, channel: str, revision: int, now: float) -> None:
        """*Break glass*: one whom the policy names decides alone; never who asked, wrote, edited or handed it on."""
        may = person in self.glass - self._had_of_barred() and not self._is_out(person, self.requesters())
        if self._is_open(now) and may and revision == self.revision and self._counts(channel):
            self.votes.add(person)
            self.state, self.decided_at, self.voters, self.broke = "approved", now, frozenset({person}), person

    def start(self, now: float, *, is_the_same: bool) -> None:
        """Sentences 1, 5, 8 and 9."""
        if self.state != "approved" or self.has_started or self.is_frozen or self.missing:
            return
        is_in_time = now < self.decided_at + EXECUTE_WITHIN_S
        are_enough = bool(self.voters & self.present) if self.broke else not self._open_steps()
        if is_in_time and are_enough and is_the_same:
            self.has_started = True
        else:
            self.state = "superseded"

    def look(self, now: float) -> None:
        """Sentence 8: it always ends. *On call*: before that it goes to a reserve as well."""
        if self.state == "open" and now >= EXPIRES_AFTER_S:
            self.state = "expired"
        self.settle(now)
        is_due = not self.is_escalated and now >= self.began_at + self.step.escalates_after_s
        if self._is_open(now) and is_due and not self.missing:
            added = (one for one in self.step.reserve if one in self.present and one not in self._givers())
            wider = replace(self.step, approvers=tuple(dict.fromkeys((*self.step.approvers, *added))))
            self.steps = tuple(wider if at == self.in_step else one for at, one in enumerate(self.steps))
            self.is_escalated = True
            self.settle(now)

    def look_for_who_left(self, now: float) -> None:
        """*When somebody leaves*, *When too few are left*: their votes and what they approved and has not begun are
        void, also once they are back. While those who are here are enough, nobody else is asked.
        """
        if self.missing:
            return
        self.settle(now)
        if self._may_start(now) and not self.voters <= self.present:
            self.state = "superseded"
        if not self._is_open(now):
            return
        found = next((one for one in self._ways_to_go_on() if one._can_go_on()), None)
        if found is None:  # a call is asked anew, or refused
            self.state = "superseded" if self.about == "call" else "expired"
            return
        self.steps, self.is_escalated, self.votes = found.steps, found.is_escalated, self.votes & self.present
        first = min(self._open_steps())
        if first < self.in_step:
            self._turn_to(first, frozenset(self._counted()), now)

    def is_half_taken(self, here: set[str], now: float, *, is_cut: bool) -> bool:
        """*When the file was emptied or cut*: return whether one with only those `here` is, for what it does to this
        request: all who decide it are missing, or it changes in whichever way where the file looks as if it was cut.
        """
        after = replace(self, present=here)
        may_start = self._may_start(now)
        if self.state != "open" and not may_start:
            return False
        still = after._open_steps()
        numbers = range(len(self.steps)) if may_start else still
        deciders = after._able(one for number in numbers for one in after._seated(number))
        deciders |= self.voters if may_start else set()
        if deciders and not deciders & here:
            return True
        needed = {one for number in still for one in after._seated(number)} - after._had_of_barred()
        has_left = bool((needed | self._counted_elsewhere()) - here)
        goes_on = min(still, default=self.in_step) >= self.in_step and after._can_go_on()
        return is_cut and (not self.votes <= here or (has_left and not goes_on))

    def waits_for_the_file(self, person: str, channel: str, revision: int, now: float) -> bool:
        """*When the file was emptied or cut*: what one more approval makes beside that of who is not here, and for
        which step it is needed once all are back.
        """
        after, whole = deepcopy(self), replace(self, present=self.present | self.missing)
        after.approve(person, channel, revision, now)
        is_counted = after.state == "open" and after.votes != self.votes
        beside = self.votes - self.present or whole._is_needed_elsewhere(person)
        return bool(self.missing and is_counted and beside)

    def _ways_to_go_on(self) -> Iterator["Rules"]:
        """Yield how it may go on once some have left, the nearest first: with those who are asked; with those who are
        in the same groups by now, where people lack and else wherever it is open; and with the reserve of where they
        lack.
        """
        yield self
        still = self._open_steps()
        lacking = [number for number in still if len(self._there_for(number)) < self.steps[number].quorum] or still
        yield self._filled_anew(lacking)
        yield self._filled_anew(still)
        yield self._filled_anew(still)._with_reserve(lacking)

    def _there_for(self, number: int) -> set[str]:
        taken = {one for other in range(len(self.steps)) if other != number for one in self._counted_in(other)}
        return (self._able(self.steps[number].approvers) & self.present) - taken

    def _filled_anew(self, numbers: Iterable[int]) -> "Rules":
        found = deepcopy(self)
        for number in numbers:
            step = self.steps[number]
            stay = (one for one in step.approvers if one in self.present)
            joined = sorted((step.group & self.present) - self._givers() - self._kept_from_joining())
            anew = replace(step, approvers=tuple(dict.fromkeys((*stay, *joined))))
            found.steps = tuple(anew if at == number else one for at, one in enumerate(found.steps))
        return found

    def _kept_from_joining(self) -> set[str]:
        """*When too few are left*: no new member is asked who may be a requester, as what one may not do, the other may
        not; so they deny nothing either. Who had a seat before may come to another, and may still deny.
        """
        if self.about != "call" or self.may_requester_approve:
            return set()
        asked = {self._human(one) for one in self.requesters()}
        sat = {*self.had_turn, *(one for step in self.steps for one in step.approvers)}
        return {one for one in self.present - self.requesters() - sat if self._human(one) in asked}

    def _with_reserve(self, numbers: Iterable[int]) -> "Rules":
        found = deepcopy(self)
        for number in numbers:
            step = found.steps[number]
            added = [one for one in step.reserve if one in self.present and one not in self._givers()]
            wider = replace(step, approvers=tuple(dict.fromkeys((*step.approvers, *added))))
            found.steps = tuple(wider if at == number else one for at, one in enumerate(found.steps))
            found.is_escalated = found.is_escalated or (number == self.in_step and bool(added))
        return found

    def in_any_order(self, crowd: Sequence[Said], revision: int, now: float) -> list["Rules"]:
        """All that may stand there once these were heard, one after the other, in an order that nobody knows.

        What somebody says twice is what it is once, and so is each way that counts.
        """
        heard = frozenset((person, vote) for person, way, vote in crowd if vote == "deny" or self._counts(way))
        told, found = [(heard, self)], dict[tuple[object, ...], Rules]()
        seen = set[tuple[object, ...]]()
        while told:
            left, rules = told.pop()
            mark = rules.state, rules.in_step, frozenset(rules.votes), rules.counted_elsewhere()
            if (left, *mark) in seen:
                continue
            seen.add((left, *mark))
            if not left:
                found[mark] = rules
            told += [(left - {one}, rules._after(*one, revision, now)) for one in left]
        return list(found.values())

    def _after(self, person: str, vote: str, revision: int, now: float) -> "Rules":
        following = replace(self, votes={*self.votes})
        if vote == "approve":
            following.approve(person, "", revision, now)
        else:
            following.deny(person, now)
        return following

    @property
    def step(self) -> Step:
        """The step in force."""
        return self.steps[self.in_step]

    def deciders(self) -> set[str]:
        """Return who decides the step in force: one person fills one step."""
        return self._able(self._seated(self.in_step))

    def _able(self, people: Iterable[str]) -> set[str]:
        """Sentence 2, and who neither chose what stands nor handed it on. *Handing it on*: what is allowed whoever
        asked is for those whom the policy names itself.
        """
        return {one for one in people if not self._is_out(one, self._only_ask())} - self._had_of_barred()

    def _only_ask(self) -> set[str]:
        takers = {to for _, to in self.handed_on}
        return self.requesters() & (takers if self.may_requester_approve else self.requesters())

    def _seated(self, number: int) -> set[str]:
        elsewhere = (one for other, step in enumerate(self.steps) if other != number for one in step.counted)
        return {*self.steps[number].approvers}.difference(elsewhere)

    def counted_elsewhere(self) -> tuple[frozenset[str], ...]:
        """Return who counted for each step that is not in force."""
        return tuple(step.counted for number, step in enumerate(self.steps) if number != self.in_step)

    def _counted_elsewhere(self) -> set[str]:
        return {one for counted in self.counted_elsewhere() for one in counted}

    def _counted(self) -> set[str]:
        """Return whose approvals count for the step in force."""
        return self.votes & self.present & self.deciders()

    def _counted_in(self, number: int) -> set[str]:
        """Return whose approvals count for a step: of those that made it, who is here and may still decide."""
        step = self.steps[number]
        return (
            self._counted()
            if number == self.in_step
            else self._able(step.counted.intersection(step.approvers)) & self.present
        )

    def _open_steps(self) -> list[int]:
        return [number for number, step in enumerate(self.steps) if len(self._counted_in(number)) < step.quorum]

    def _can_go_on(self) -> bool:
        """Return whether those who are here can meet all that is open; who counts for a step is for that step alone."""
        counted = [self._counted_in(number) for number in range(len(self.steps))]
        able = [
            (self._able(step.approvers) & self.present).difference(*counted[:number], *counted[number + 1 :])
            for number, step in enumerate(self.steps)
        ]
        return _can_fill([(able[number], self.steps[number].quorum) for number in self._open_steps()])

    def _could_begin_again(self) -> bool:
        """Return whether those who are here can meet all steps, once all votes are void."""
        return _can_fill([(self._able(step.approvers) & self.present, step.quorum) for step in self.steps])

    def _is_needed_elsewhere(self, person: str) -> bool:
        """*Steps*: an approval that leaves too few for another step does not count."""
        after = replace(self, votes=self.votes | {person})
        return self._can_go_on() and not after._can_go_on()

    def _turn_to(self, number: int, counted: frozenset[str], now: float) -> None:
        """*Steps*: those who had their turn may deny as before. Each step escalates by a clock of its own."""
        if len(self.steps) > 1:
            self.had_turn |= self._seated(self.in_step)
            self.began_at, self.is_escalated = now, False
        self.steps = self._with(self.in_step, counted=counted)
        self.in_step = number

    def _revise(self, version: str, now: float) -> None:
        """Have everybody asked again, from the first step on."""
        self._turn_to(0, frozenset(), now)
        self.steps = tuple(replace(step, counted=frozenset()) for step in self.steps)
        self.revision, self.votes, self.version = self.revision + 1, set(), version

    def _with(self, number: int, *, counted: frozenset[str]) -> tuple[Step, ...]:
        return tuple(replace(one, counted=counted) if at == number else one for at, one in enumerate(self.steps))

    def _deciders_ever(self) -> set[str]:
        return self._able(one for step in self.steps for one in step.approvers) & self.present

    def asked(self) -> set[str]:
        """Sentence 2: who asked for it, or wrote to the run."""
        return {self.requester, *self.wrote}

    def requesters(self) -> set[str]:
        """Return who asked, and whose answer may be what is asked for by now."""
        return {*self.asked(), *self.answered}

    def _givers(self) -> set[str]:
        return {giver for giver, _ in self.handed_on}

    def _had_of_barred(self) -> set[str]:
        """*Handing it on*: nobody decides in the seat of one who would not, or who may have had another part in it."""
        barred = {*self.editors, *(set[str]() if self.may_requester_approve else self.requesters())}
        for number, (giver, to) in enumerate(self.handed_on):
            before = {*self.requesters(), *self.editors, *(one for one, _ in self.handed_on[:number])}
            may_be = {one for one in before if one != giver and self._human(one) == self._human(giver)}
            if giver in barred or may_be:
                barred.add(to)
        return barred & {to for _, to in self.handed_on}

    def _is_out(self, person: str, asked: set[str]) -> bool:
        """Return whether that is, or may be, one of who `asked`, ever chose what stands, or handed it on."""
        out = {*asked, *self.editors, *self._givers()}
        return self._human(person) in {self._human(one) for one in out}

    def _human(self, person: str) -> str:
        return self.may_be.get(person, person)

    def _counts(self, channel: str) -> bool:
        return channel != "email" or self.is_mail_enough

    def _may_edit(self, person: str) -> bool:
        is_own = self._human(person) in {self._human(one) for one in self.editors}
        takers = {to for _, to in self.handed_on}
        only_asks = person in self.requesters() and (not self.may_requester_approve or person in takers)
        return person in self.deciders() or (is_own and person in self._seated(self.in_step) and not only_asks)

    def _times_handed_on(self, holder: str) -> int:
        times = 0
        for giver, to in reversed(self.handed_on):
            if to == holder:
                times, holder = times + 1, giver
        return times

    def _may_start(self, now: float) -> bool:
        return self.state == "approved" and not self.has_started and now < self.decided_at + EXECUTE_WITHIN_S

    def _is_open(self, now: float) -> bool:
        return self.state == "open" and now < EXPIRES_AFTER_S


def _can_fill(wanted: Sequence[tuple[set[str], int]]) -> bool:
    """Return whether each step gets as many people as it wants, and each person one step."""
    if not wanted:
        return True
    (able, quorum), *others = wanted
    return any(
        _can_fill([(one - {*taken}, want) for one, want in others]) for taken in combinations(sorted(able), quorum)
    )
