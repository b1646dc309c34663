"""The page "Who may approve what" as a short model: one request, from its opening to the start of what it is about.

Written from that page alone. It knows nothing of the product's code, and times are seconds since the request opened.
"""

from dataclasses import dataclass, field

EXPIRES_AFTER_S, EXECUTE_WITHIN_S = 4 * 3600.0, 15 * 60.0


@dataclass
class Rules:
    """One request. `approvers` were resolved when it opened; `seen` is the revision that stands now."""

    requester: str
    approvers: frozenset[str]
    quorum: int
    present: set[str]
    votes: set[str] = field(default_factory=set[str])
    state: str = "open"
    revision: int = 1
    decided_at: float = 0.0
    voters: frozenset[str] = frozenset()
    has_started: bool = False
    is_frozen: bool = False

    def approve(self, person: str, revision: int, now: float) -> None:
        """Sentences 1, 2, 4 and 5: an approver who is no requester, once, of what stands now."""
        may = person in self.approvers and person != self.requester
        if self._is_open(now) and may and revision == self.revision:
            self.votes.add(person)
        if self.state == "open" and len(self.votes) >= self.quorum:
            self.state, self.decided_at, self.voters = "approved", now, frozenset(self.votes)

    def deny(self, person: str, now: float) -> None:
        """Sentence 4: it ends at once, also after an approval, until the tool starts. A requester takes it back."""
        if person not in {*self.approvers, self.requester} or self.has_started:
            return
        if self.state == "approved":
            self.state = "revoked"
        elif self._is_open(now):
            self.state = "withdrawn" if person == self.requester else "denied"

    def change(self, now: float) -> None:
        """Sentence 5: votes are void, and everybody is asked again."""
        if self._is_open(now):
            self.revision, self.votes = self.revision + 1, set()

    def start(self, now: float, *, is_the_same: bool) -> None:
        """Sentences 1, 5, 8 and 9."""
        if self.state != "approved" or self.has_started or self.is_frozen:
            return
        is_in_time = now < self.decided_at + EXECUTE_WITHIN_S
        are_enough = len(self.voters & self.present) >= self.quorum
        if is_in_time and are_enough and is_the_same:
            self.has_started = True
        else:
            self.state = "superseded"

    def look(self, now: float) -> None:
        """Sentence 8: it always ends."""
        if self.state == "open" and now >= EXPIRES_AFTER_S:
            self.state = "expired"

    def _is_open(self, now: float) -> bool:
        return self.state == "open" and now < EXPIRES_AFTER_S
