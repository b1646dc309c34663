"""The page "Who may approve what" as a short model: one request, from its opening to the start of what it is about.

Written from that page alone. It knows nothing of the product's code, and times are seconds since the request opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

EXPIRES_AFTER_S, EXECUTE_WITHIN_S = 4 * 3600.0, 15 * 60.0

Said = tuple[str, str, str]
"""Who, through which channel, and the vote."""


@dataclass
class Rules:
    """One request. `approvers` were resolved when it opened, `group` is who is in theirs by now, and `version` is what
    stands there in this `revision`. Who `wrote` to the run is a requester as well, and who `broke` the `glass` decided
    it alone. Those who `may_be` one human have one word there: only one of them is present.
    """

    requester: str
    approvers: frozenset[str]
    quorum: int
    present: set[str]
    group: set[str]
    stand_ins: frozenset[str]
    version: str
    votes: set[str] = field(default_factory=set[str])
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
    glass: frozenset[str] = frozenset()
    broke: str = ""

    def approve(self, person: str, channel: str, revision: int, now: float) -> None:
        """Sentences 1, 2, 4 and 5: an approver who is no requester, once, of what stands now. *Break glass*: by mail
        only with `approve_by_email`.
        """
        if not self._is_open(now) or person not in self.deciders() or revision != self.revision:
            return
        if person in self.votes or not self._counts(channel):
            return
        self.votes.add(person)
        counted = self.votes & self.present & self.deciders()
        if len(counted) >= self.quorum:
            self.state, self.decided_at, self.voters = "approved", now, frozenset(counted)

    def deny(self, person: str, now: float) -> None:
        """Sentence 4: it ends at once, also after an approval, until the tool starts. Who only asks takes it back."""
        may = {*self.approvers, *self._givers()}
        if person not in {*may, *self.asked(), self.broke} or self.has_started:
            return
        if self.state == "approved":
            self.state = "revoked"
        elif self._is_open(now):
            decides = self.may_requester_approve and person in may - {to for _, to in self.handed_on}
            only_asks = person in self.asked() and not decides
            self.state = "withdrawn" if only_asks else "denied"

    def change(self, version: str, now: float) -> bool:
        """Sentence 5: votes are void, and everybody is asked again. *Edits before approval*: a value that some of those
        who decide ever chose stays the edit of all of them.
        """
        if self._may_edit(self.requester):
            return self.edit(self.requester, "api", version, self.revision, now)
        if not self._is_open(now) or version == self.version:
            return False
        before, were = self.editors, self.deciders() & self.present
        self.editors = self.chose.get(version, frozenset())
        left = self.deciders() & self.present
        if were - left and len(left) < self.quorum:
            self.editors = before
            return False
        self.revision, self.votes, self.version = self.revision + 1, set(), version
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
        if len(self.deciders() & self.present) < self.quorum:
            self.editors = before
            return False
        self.chose[version] = self.editors
        self.revision, self.votes, self.version = self.revision + 1, set(), version
        return True

    def hand_on(self, giver: str, to: str, channel: str, now: float) -> bool:
        """*Handing it on*: by mail where an approval by mail counts."""
        may = giver in self.deciders() and giver not in self.votes and self._counts(channel)
        if not self._is_open(now) or not may:
            return False
        is_accepted = to in self.present and to in self.group | self.stand_ins
        has_part = self._is_out(to, self.asked()) or to in {*self.votes, *self.deciders()}
        if not is_accepted or has_part or self._times_handed_on(giver) >= 3:
            return False
        before = self.approvers, list(self.handed_on)
        self.approvers = self.approvers - {giver} | {to}
        self.handed_on.append((giver, to))
        if len(self.deciders() & self.present) < self.quorum:
            self.approvers, self.handed_on = before
            return False
        return True

    def write(self, person: str) -> None:
        """Sentence 2: who wrote to the run is one of those who ask, from then on."""
        if self.state == "open":
            self.wrote |= {person}

    def remark(self, person: str, now: float) -> bool:
        """Sentence 5: what they write beside the open card is a change of it."""
        if not self._is_open(now) or person not in self.asked():
            return False
        self.revision, self.votes = self.revision + 1, set()
        return True

    def break_glass(self, person: str, channel: str, revision: int, now: float) -> None:
        """*Break glass*: one whom the policy names decides alone; never who asked, wrote, edited or handed it on."""
        may = person in self.glass - self._had_of_barred() and not self._is_out(person, self.asked())
        if self._is_open(now) and may and revision == self.revision and self._counts(channel):
            self.votes.add(person)
            self.state, self.decided_at, self.voters, self.broke = "approved", now, frozenset({person}), person

    def start(self, now: float, *, is_the_same: bool) -> None:
        """Sentences 1, 5, 8 and 9."""
        if self.state != "approved" or self.has_started or self.is_frozen:
            return
        is_in_time = now < self.decided_at + EXECUTE_WITHIN_S
        are_enough = len(self.voters & self.present) >= (1 if self.broke else self.quorum)
        if is_in_time and are_enough and is_the_same:
            self.has_started = True
        else:
            self.state = "superseded"

    def look(self, now: float) -> None:
        """Sentence 8: it always ends."""
        if self.state == "open" and now >= EXPIRES_AFTER_S:
            self.state = "expired"

    def in_any_order(self, crowd: Sequence[Said], revision: int, now: float) -> list["Rules"]:
        """All that may stand there once these were heard, one after the other, in an order that nobody knows.

        What somebody says twice is what it is once, and so is each way that counts.
        """
        heard = frozenset((person, vote) for person, way, vote in crowd if vote == "deny" or self._counts(way))
        told, found = [(heard, self)], dict[tuple[object, ...], Rules]()
        seen = set[tuple[object, ...]]()
        while told:
            left, rules = told.pop()
            mark = rules.state, frozenset(rules.votes)
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

    def deciders(self) -> set[str]:
        """Sentence 2, and who neither chose what stands nor handed it on. *Handing it on*: what is allowed whoever
        asked is for those whom the policy names itself.
        """
        takers = {to for _, to in self.handed_on}
        asked = self.asked() & (takers if self.may_requester_approve else self.asked())
        return {one for one in self.approvers if not self._is_out(one, asked)} - self._had_of_barred()

    def asked(self) -> set[str]:
        """Sentence 2: who asked for it, or wrote to the run."""
        return {self.requester, *self.wrote}

    def _givers(self) -> set[str]:
        return {giver for giver, _ in self.handed_on}

    def _had_of_barred(self) -> set[str]:
        """*Handing it on*: nobody decides in the seat of one who would not, or who may have had another part in it."""
        barred = {*self.editors, *(set[str]() if self.may_requester_approve else self.asked())}
        for number, (giver, to) in enumerate(self.handed_on):
            before = {*self.asked(), *self.editors, *(one for one, _ in self.handed_on[:number])}
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
        only_asks = person in self.asked() and (not self.may_requester_approve or person in takers)
        return person in self.deciders() or (is_own and person in self.approvers and not only_asks)

    def _times_handed_on(self, holder: str) -> int:
        times = 0
        for giver, to in reversed(self.handed_on):
            if to == holder:
                times, holder = times + 1, giver
        return times

    def _is_open(self, now: float) -> bool:
        return self.state == "open" and now < EXPIRES_AFTER_S
