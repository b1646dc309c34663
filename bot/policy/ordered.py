"""A message as the orders in it: what it stops, ends and freezes by name, and what it says beside that. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from agents.command import is_order
from bot.policy.answers import (
    beside_named,
    consent_in,
    is_of_ids,
    is_withdrawal,
    parts_beside,
    refused_beside,
    sentences,
    stops_named,
)
from bot.policy.orders import Freezing, Revoking, stop_beside, typed_freeze, typed_revocations, typed_standing
from bot.policy.stops import stops_plainly
from channels.email.reply import is_courtesy, read_reply

_CLAUSE = re.compile(
    r"[,;:]\s+(?:(?:and|und|but|aber)\s+)?|\s[-\u2013\u2014]+\s|\s(?:and|und|but|aber)\s+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Ordered:
    """What a message orders by name, and what else it says.

    `stops` are the runs and requests that it stops by their ids, each with the words that say so; `ends` are the
    standing approvals that it ends. `beside` is what it says without those, and `freeze` what that freezes, or ends.
    """

    text: str
    stops: Mapping[str, str]
    ends: Revoking
    beside: str
    freeze: Freezing | None

    def refusal(self) -> str:
        """Return the words that refuse what the message answers, beside all that it orders by name; else nothing."""
        is_command = self.freeze is not None or typed_standing(self.beside) is not None
        stop = stop_beside(self.beside) if is_command else ""
        return stop or refused_beside(self.text) or self.ends.refusal()

    def consent(self) -> str:
        """Return the words that alone would approve what the message answers; else nothing."""
        return consent_in(self.beside)

    def answer(self) -> tuple[str, bool]:
        """Return what may answer a question, and whether that is courtesy; nothing beside a freeze, or where the
        message orders nothing by name.
        """
        lines = (f"{self.ends.above}\n{self.ends.below}" if self.ends.named else self.text).splitlines()
        left = "\n".join(beside_named(line) if stops_named(line) else line for line in lines).strip()
        left = "" if left == self.text.strip() or typed_freeze(left) else left
        return left, is_courtesy(read_reply(left))

    def has_more(self, author: str, *, has_subject: bool) -> bool:
        """Return whether a message that orders something by name says more than that, which did nothing: in a sentence
        of its own, or behind the order a question or a command. Other words there are the reason.

        Courtesy and a subject say nothing, nor does a line of ids, as in a list of what is to stop. A refusal in a
        sentence of its own and a yes are told of by themselves; what a bare no before an order is about, as `no, stop
        s1r-…`, nobody knows.
        """
        if not (self.stops or self.ends.named):
            return False
        said = sentences((self.text.partition("\n\n")[2] if has_subject else "") or self.text)
        is_list = any(map(is_of_ids, said))  # `please stop these:` stands above it
        said = [one for one in said if not is_of_ids(one) and not (is_list and stops_plainly(one))]
        beside = [one for one in said if not _names(one)]
        has_no = any(map(is_withdrawal, (*parts_beside(self.text), *beside)))
        is_refused = refused_beside(self.text) or typed_revocations(self.text).refusal()
        is_heard = all(is_withdrawal(one) or consent_in(one) or is_courtesy(read_reply(one), author) for one in beside)
        return (has_no and not is_refused) or not is_heard or any(_wants_more(one) for one in said if _names(one))


def ordered(text: str, *, has_subject: bool = False) -> Ordered:
    """Read a message; `has_subject`: its first line may be one that says just what it ends."""
    beside = beside_named(text)
    ends = typed_revocations(beside)
    ends = ends.untitled() if has_subject else ends
    beside = f"{ends.above}\n{ends.below}" if ends.named else beside
    return Ordered(text, stops_named(text), ends, beside, typed_freeze(beside))


def _names(sentence: str) -> bool:
    return bool(stops_named(sentence) or typed_revocations(sentence).named)


def _wants_more(sentence: str) -> bool:
    """Return whether a sentence that orders something by name asks something else, or orders it, behind that."""
    _, *behind = [one.strip() for one in _CLAUSE.split(sentence) if one.strip()]
    more = [one for one in behind if (one.endswith("?") or is_order(one)) and not (_names(one) or is_of_ids(one))]
    return not all(is_courtesy(read_reply(one.rstrip("?"))) for one in more)
