"""A message as the orders in it: what it stops, ends and freezes by name, and what it says beside that. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from agents.command import is_order
from bot.policy.answers import (
    beside_named,
    consent_in,
    is_of_ids,
    is_withdrawal,
    left_named,
    parts_beside,
    refused_beside,
    sentences,
    stops_named,
)
from bot.policy.orders import (
    Freezing,
    Revoking,
    acts_on_card,
    grants_in,
    is_ours,
    stop_beside,
    typed_freeze,
    typed_revocations,
    typed_standing,
)
from bot.policy.stops import stops_plainly
from channels.email.reply import is_courtesy, read_reply
from channels.email.reply.vocabulary import COMMANDS, ORDERS

_JOINS = rf"(?:and|und|but|aber|also|auch|plus|sowie|as well as|then|dann|{ORDERS['polite']})"
_CLAUSE = re.compile(
    rf"(?:[,;:|)\u2026]+(?:\s+|\Z)|\s[(|/&+\u2013\u2014-]+\s*|\s(?={_JOINS}\s))(?:{_JOINS}\s+|[(|/&+\u2013\u2014-]+\s*)*",
    re.IGNORECASE,
)

_CONDITION = re.compile(rf"\s(?:{COMMANDS['condition']})\s", re.IGNORECASE)


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

    def left(self) -> list[str]:
        """Return what the message names as if to end it, and does not."""
        left = left_named(self.text)
        grants = dict.fromkeys(grants_in(self.text)) if left or self.stops else ()
        return [*left, *(one for one in grants if one not in self.ends.named)]

    def answer(self) -> tuple[str, bool]:
        """Return what may answer a question, and whether that is courtesy; nothing beside a freeze, or where the
        message orders nothing by name.
        """
        lines = (f"{self.ends.above}\n{self.ends.below}" if self.ends.named else self.text).splitlines()
        left = "\n".join(beside_named(line) if stops_named(line) else line for line in lines).strip()
        left = "" if left == self.text.strip() or typed_freeze(left) else left
        return left, is_courtesy(read_reply(left))

    def has_more(self, author: str, *, has_subject: bool, freeze: Freezing | None = None) -> bool:
        """Return whether a message that orders something by name says more than that, which did nothing: in a sentence
        of its own, or beside the order what is asked or would be an order alone. Other words there are the reason.

        Courtesy and a subject say nothing, nor does a line of ids, as in a list of what is to stop. A refusal and a yes
        that are heard are told of by themselves, and so is a `freeze` of it; what a bare no before an order
        is about, as `no, stop s1r-…`, nobody knows.
        """
        if not (self.stops or self.ends.named or freeze):
            return False
        said = sentences((self.text.partition("\n\n")[2] if has_subject else "") or self.text)
        is_list = any(map(is_of_ids, said))  # `please stop these:` stands above it
        said = [one for one in said if not is_of_ids(one) and not (is_list and stops_plainly(one))]
        beside = [one for one in said if not (_names(one) or _is_same(one, freeze))]
        behind = [one for each in said if each not in beside for one in self._wanted(each)]
        has_no = any(map(is_withdrawal, parts_beside(self.text))) and not self.refusal()
        return has_no or not all(self._is_heard(one, author, freeze) for one in (*beside, *behind))

    def _is_heard(self, said: str, author: str, freeze: Freezing | None) -> bool:
        is_heard = (self.refusal() and is_withdrawal(said)) or (self.consent() and consent_in(said))
        return bool(is_heard) or _is_same(said, freeze) or is_courtesy(read_reply(said.rstrip("?")), author)

    def _wanted(self, sentence: str) -> Iterator[str]:
        """Return the clauses of a sentence that orders something by name which ask something else, or would order it
        alone.
        """
        marks = [(0, 0), *(found.span() for found in _CLAUSE.finditer(sentence)), (len(sentence),) * 2]
        for (_, start), (end, _) in pairwise(marks):
            clause, rest = sentence[start:end].strip(), sentence[start:]
            named = {*stops_named(clause), *grants_in(clause)}
            is_order_alone = any(map(_is_order_alone, (clause, _CONDITION.split(clause)[0]))) or acts_on_card(rest)
            is_wanted = clause.endswith("?") or is_order_alone
            if not named <= {*self.stops, *self.ends.named} or (is_wanted and not (named or is_of_ids(clause))):
                yield clause


def ordered(text: str, *, has_subject: bool = False) -> Ordered:
    """Read a message; `has_subject`: its first line may be one that says just what it ends."""
    beside = beside_named(text)
    ends = typed_revocations(beside)
    ends = ends.untitled() if has_subject else ends
    beside = f"{ends.above}\n{ends.below}" if ends.named else beside
    return Ordered(text, stops_named(text), ends, beside, typed_freeze(beside, has_subject=has_subject))


def _names(sentence: str) -> bool:
    return bool(stops_named(sentence) or typed_revocations(sentence).named)


def _is_order_alone(clause: str) -> bool:
    is_no = is_withdrawal(clause) and not stops_plainly(clause)  # a bare stop is about what is named
    return bool(is_no or consent_in(clause) or is_order(clause) or is_ours(clause))


def _is_same(said: str, freeze: Freezing | None) -> bool:
    """Return whether a part of a message is what it freezes, or ends."""
    found = typed_freeze(said) if freeze else None
    return bool(found and freeze and (found.ends, found.environment) == (freeze.ends, freeze.environment))
