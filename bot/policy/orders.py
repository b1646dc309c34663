"""What people type to have something done at once, in lines of their own: one table of orders, and one reader. Pure.

    freeze PLACE [and PLACE] [: REASON]        revoke ID [and ID] [: REASON]        unfreeze PLACE [: REASON]
    standing [[RUN] COUNT times until WHEN [with any NAME]]
    away [from WHEN] until WHEN [: PERSON]     not away

An order that only stops something is read generously: names of people, signs, haste and courtesy around it say nothing.
What ends a freeze, and what asks for more than a stop, is its exact words, and what stands beside it may speak against
it. The words are data, in `channels.email.reply.vocabulary`.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from itertools import chain, pairwise
from typing import Literal

from agents.command import is_order as is_command
from agents.command import parse, said_lines
from agents.text import first_line, strip_invisible
from bot.policy.answers import behind_word, is_withdrawal, refusal_in, refuses, sentences, stops_named, unwrapped
from bot.policy.stops import (
    COURTESY,
    NEXT_ORDER,
    ORDER,
    called,
    ends_in_condition,
    is_condition,
    may_be_stop,
    read_ends,
    stops_plainly,
)
from channels.email.reply import read_reply
from channels.email.reply.against import READ_CHARS, is_emergency, is_end, lines_beside, speaks_against
from channels.email.reply.vocabulary import ORDERS, fold
from language import in_all

# People mark a name up in chat, or quote it.
_MARKS, _QUOTES, _DASHES = "*_` \t", '"\u201c\u201d\u201e', "-\u2013\u2014"

_PARTS = {
    "quote": f"['`*{_QUOTES}\u2018]*",
    "sign": r"(?::[a-z0-9_+'-]+:|[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])",
    "courtesy": r"(?:[ ,]+<polite>)*",
    "beside": r"(?:[ ,]+<polite>|[ ,]*<sign>)*",
    "before": "<polite>|<urges>|<sign>+|(?P<asks><asks>)",
    "bullet": r"(?:(?:[-\u2022]|[0-9]{1,2}[.)]) )?",
    "gap": f"[{_DASHES} :,!.]+",
    "lead": "<bullet>(?:(?:<before>)<gap>)*+",
    "lead_of_one": "<bullet>(?:(?:<before>|<says>)<gap>)*+",
    "end": r" ?(?(asks)[.!?]*|[.!]*)",
    "why": rf"(?: ?[:,;]|[.!]+(?= )| [{_DASHES}](?= )|(?= \()|(?= (?:<because>|<as>) )) ?(?P<why>\S.*?)(?(asks)\?*)",
    "why_exactly": rf"(?: ?[:,;]|[.!]+(?= )| [{_DASHES}](?= )|(?= <because> )) ?(?P<why>\S.*)",
    "place": r"<quote>(?!<polite>(?![\w.-]*\w))[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9_-])?<quote>",
    "and_place": r"(?: ?[,+&] ?|,? <and> )<place>(?=<beside> ?(?:[:,;&+.!]|(?:<and>|<because>|<as>)\b|\Z))",
    "grant_id": r"<quote>s[0-9]{1,2}g-[a-z2-7]{13}<quote>",
    "grant_ids": r"<grant_id>(?:(?: ?[,;&+])? ?(?:<and> )?(?<=[ ,;&+])<grant_id>)*",
    "of_grants": r"(?:(?:<these>|<both>) )*(?:<grants> )?",
    "run": r"s[0-9]{1,2}r-[a-z2-7]{13}",
    "when": r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[t ][0-9]{2}:[0-9]{2})?",
}
_ORDERS = {
    "freeze": (
        r"(?P<before><lead>)(?P<order><freeze>) (?:<both> )?(?:(?P<the><places>) )?(?P<named><place>(?:<and_place>)*)"
        r"(?P<behind>(?(the)(?: <where>)?)(?:<beside>(?:<end> ?:?|<why>)| (?P<loose>\S.*[^? ])))"
    ),
    "unfreeze": (
        r"(?P<before>)(?P<order><unfreeze>) (?:<both> )?(?:(?P<the><places>) )?(?P<named><place>)"
        r"(?P<behind>(?(the)(?: <where>)?)(?P<loose>)(?:<courtesy> ?[.!]* ?:?|<why_exactly>))"
    ),
    "bare": r"(?:<freeze>|(?P<ends><unfreeze>))<courtesy>(?: ?[.!]* ?:?| ?: ?(?P<why>\S.*))",
    "revoke": (
        r"<lead_of_one>(?P<order><revoke>)<beside> ?:? <of_grants>(?P<named><grant_ids>)"
        r"<beside>(?:<end>|<why>)"
    ),
    "revoke_last": (
        r"<lead_of_one><of_grants>(?P<named><grant_ids>) ?:?<beside> (?P<order><revoke_last>)<quote>"
        r"<beside>(?:<end>|<why>)"
    ),
    "revoke_title": r"<lead_of_one>(?:<revoke>|<may_end>)(?: <these>)*<beside><end>",
    "list": "<standing>[.!?]?",
    "standing": (
        r"<standing> ?[:,]? (?:(?P<run><run>) )?(?P<uses>[0-9]{1,3}) ?<times> <until> (?P<until>\S.*?)"
        r"(?: ?[,;]? <any> (?P<open>\S.*?))?[.!]?"
    ),
    # What begins so is meant for us, though it can't be read; `standing by` and `standing 2 hours in a queue` are words
    # among people.
    "standing_seems": (
        r"<standing> ?[:,]? (?:(?:<until>|any|<help>|<times>)\b"
        r"|(?:[0-9]|s[0-9]{1,2}r-).*?\b[0-9]*(?:<times>|<until>)\b).*"
    ),
    "away": r"<away>(?: <from> (?P<starts><when>))? <until> (?P<until><when>)(?: ?: ?(?P<to>[^\s:]+))?",
    "back": "<back>",
    "about_absence": "<about_absence>",
    "may_be_away": r"<may_be_away>\W*",
}
"""The orders, each as its line is written, with one blank between words; `beside` stand courtesy and signs."""

_PART = re.compile(r"(?<!P)<([a-z_]+)>")


def _filled(words: str) -> str:
    """Return `words` with each part and each list of the vocabulary in it filled in."""
    return _PART.sub(lambda found: _filled(_PARTS.get(found[1]) or f"(?:{ORDERS[found[1]]})"), words)


@cache
def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(_filled(_ORDERS.get(words, words)))


_SIGNS = r"(?: |<sign>)*"
_AND = r"(?i:(?:[ ,;]+(?:<and>|<polite>))+[ ,]*\Z)"
_AND_PLACE = r"(?i:(,? <and> | ?[,+&] ?))"
_BEFORE_CHARS = 120
_BEFORE = (
    rf"(?P<said>(?:[^?:;]|(?<=[0-9]):(?=[0-9])){{1,{_BEFORE_CHARS}}}?)(?:[.!,;]* (?:<and>|[&+]) |[.!,;:]+ ?"
    rf"| [{_DASHES}]+ | <sign>+ ?)(?=(?:<polite>[ ,]+)*<freeze>\b)"
)
"""What stands before a freeze in its line, up to a mark, an `and` or a sign."""

_NEXT = rf"(?i:{NEXT_ORDER}|(?:[;.,!]|\s[{_DASHES}])\s+(?:<and>\s+)?(?:(?:also|auch)\s+)?{COURTESY}(?={ORDER}))"
"""Stands in a line before the next order."""

_STOPS = 20
"""How many lines are read as stops; it bounds the time."""

REASON_CHARS, _LINE_CHARS = 500, 2_000


@dataclass(frozen=True, slots=True)
class Freezing:
    """What somebody wrote who freezes an environment (empty: everything; None: they named none), or ends that.

    `more` are names behind the first, and `behind` what stands in the line behind each. `is_loose`: an article stands
    before the name, or its `reason` is whatever stands behind it without a mark between. `before` is what stands before
    it in its line.
    `is_alone`: the message says nothing else; `is_first`: nothing stands above it, but a stop, an assent, an emergency
    or the end of a freeze; `is_all`: all lines of the message are that or begin one, but for a subject. Without a
    `reason` it ends one for that which its writer gave before, and `is_confirmed`; a freeze needs none.
    `is_against`: what stands beside the end of a freeze, or below it where a signature does, speaks against it.
    """

    environment: str | None
    reason: str
    ends: bool = False
    more: tuple[str, ...] = ()
    behind: tuple[str, ...] = field(default=(), compare=False)
    before: str = field(default="", compare=False)
    is_loose: bool = False
    is_confirmed: bool = False
    is_alone: bool = True
    is_first: bool = True
    is_all: bool = True
    is_against: bool = False


@dataclass(frozen=True, slots=True)
class StandingWanted:
    """A standing approval that a message asks for: `until` as its writer says it, and the run, where they name one."""

    uses: int
    until: str
    leave_open: tuple[str, ...] = ()
    run: str = ""


@dataclass(frozen=True, slots=True)
class Away:
    """What somebody wrote who goes away, or is back, where `until` is empty."""

    until: str = ""
    starts: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class Revoking:
    """The standing approvals that a message ends, why, and what it says above and below that."""

    named: tuple[str, ...]
    reason: str = ""
    above: str = ""
    below: str = ""

    def refusal(self) -> str:
        """Return what is refused above or below an end, if there is one: no end is what a bare no is about."""
        if not self.named:
            return ""
        refused = refusal_in(self.above) or refusal_in(self.below)
        return refused or next(filter(is_withdrawal, sentences(f"{self.above}\n{self.below}")), "")

    def untitled(self) -> "Revoking":
        """Return the same without the subject of a mail that says just that: `Revoke`."""
        return replace(self, above="") if _read("revoke_title", _bare(self.above)) else self


def _read(name: str, line: str) -> dict[str, str]:
    """Return the parts of the order that `line` is, as they are written, and the `line`; nothing where it is none."""
    found = _pattern(name).fullmatch(fold(line))
    return {"line": line, **{part: line[slice(*found.span(part))] for part in found.re.groupindex}} if found else {}


def _plain(line: str) -> str:
    return " ".join(line.split()).strip(_MARKS)


def _bare(line: str) -> str:
    """`line` with one blank between words, and without signs, and quotes, around it."""
    plain, signs = _plain(line), _pattern(_SIGNS)
    before, behind = signs.match(plain), signs.match(plain[::-1])
    plain = plain[before.end() if before else 0 : len(plain) - (behind.end() if behind else 0)]
    return plain.strip(_QUOTES) if plain.startswith(tuple(_QUOTES)) else plain


def _is_against(text: str, speaks: Callable[[str], bool]) -> bool:
    """Return whether a message speaks against its order: it is too long to be read, or one of its lines `speaks` so."""
    return len(text) > READ_CHARS or any(map(speaks, map(_plain, lines_beside(strip_invisible(text)))))


# An answer is asked about more than once, by whoever may take it.
@lru_cache(maxsize=16)
def typed_freeze(text: str, *, has_subject: bool = False) -> Freezing | None:
    """Read a line such as `freeze production: incident`, or `unfreeze everything: fixed`; None where there is none.

    A greeting, thanks and a signature say nothing; nor does a subject above a freeze, which only stops. A freeze wins
    over the end of one that stands beside it.
    """
    lines, subject = said_lines(text), 1 if has_subject else 0
    read = [_freeze_in(line) for line in lines]
    typed = [one for one in read if one]
    if not typed:
        return _bare_freeze(lines[: subject + 1], is_alone=len(set(lines)) <= subject + 1)
    found = next((one for one in typed if not one.ends), typed[0])
    is_beside = [one is not None or (at < _STOPS and _leaves(lines[at])) for at, one in enumerate(read)]
    above = [one for at, one in enumerate(read) if found.ends or one == found or at < subject or not is_beside[at]]
    is_under = has_subject and len(lines) == 2 and (not found.ends or lines[0].casefold() in _subjects())
    return replace(
        found,
        is_all=all(is_beside[subject:]),
        is_first=found in above[: subject + 1],
        is_against=found.ends and _is_against(text, _is_against_end),
        is_alone=all(one == found for one in read[is_under:]) and not any(_agrees(one.before) for one in typed),
    )


def stop_beside(text: str) -> str:
    """Return the stop or refusal in words beside what a message freezes: `stop! freeze production`; else nothing.

    A bare no counts before it or above it alone, and behind it in its line what begins as an order:
    `freeze production: incident. Deny this`.
    """
    lines = [re.sub(r"[^\S\u00a0]+", " ", line).strip(_MARKS) for line in said_lines(text)[:_STOPS]]
    read = [_freeze_in(line) for line in lines]
    refused = (one.before for one in read if one and is_withdrawal(one.before))
    first = next((at for at, one in enumerate(read) if one), 0)
    beside = ((at < first, line) for at, line in enumerate(lines) if not (read[at] or _pattern(_SIGNS).fullmatch(line)))
    stopped = (line for is_above, line in beside if (_refuses(line) if is_above else _stops(line)))
    tails = (each for one in read if one for each in pairwise(_pattern(_NEXT).split(one.behind[0])))
    told = (part for before, part in tails if not ends_in_condition(before))
    behind = (part for part in told if refuses(part) and not stops_named(part))
    return next(filter(None, chain(refused, stopped, behind)), "").strip()


def _freeze_in(line: str) -> Freezing | None:
    """Return what `line` freezes, whoever is called in it, or where nobody is the end of a freeze."""
    for plain in map(_bare, dict.fromkeys((line, called(line)))):
        if found := _read("freeze", plain):
            return _freezing(found, found["before"])
        before = _pattern(_BEFORE).match(fold(plain))
        if before is None or not _leaves(said := plain[: before.end("said")]):
            continue
        if (found := _read("freeze", plain[before.end() :])) and (_refuses(said) or not found["loose"]):
            return _freezing(found, plain[: before.end()] + found["before"])
    found = _read("unfreeze", _bare(line))
    return _freezing(found, "", ends=True) if found else None


def _freezing(found: dict[str, str], before: str, *, ends: bool = False) -> Freezing:
    parts = _pattern(_AND_PLACE).split(found["named"])
    names = [name.strip(_MARKS + _QUOTES + "'") for name in parts[::2]]
    first, *more = ("" if _pattern("<all>").fullmatch(fold(name)) else name for name in names)
    before = re.split(_pattern(_AND), before)[0].strip(_MARKS + _QUOTES + _DASHES)
    return Freezing(
        first,
        _reason(found["why"] or found["loose"]),
        ends=ends,
        more=tuple(more),
        behind=tuple("".join(parts[at:]) + found["behind"] for at in range(1, len(parts) + 1, 2)),
        before="" if _pattern(_SIGNS).fullmatch(before) else before,
        is_loose=bool(found["loose"] or found["the"]),
    )


def _reason(why: str) -> str:
    because = _pattern("<because> ").match(fold(why))
    return first_line(why[because.end() if because else 0 :], REASON_CHARS)


def _bare_freeze(lines: Iterable[str], *, is_alone: bool) -> Freezing | None:
    """What a first line such as `freeze` says, which names nothing."""
    for found in filter(None, (_read("bare", _plain(line)) for line in lines)):
        return Freezing(None, _reason(found["why"]), ends=bool(found["ends"]), is_alone=is_alone)
    return None


def _is_against_end(line: str) -> bool:
    """Return whether a line of a message that ends a freeze speaks against that; the reason itself may."""
    if found := _read("unfreeze", line) or _read("freeze", line):
        return bool(found["why"]) and not is_end(found["why"])
    return line.casefold() not in _subjects() and speaks_against(line)


def _subjects() -> frozenset[str]:
    return frozenset(("unfreeze", *(each.casefold() for each in in_all("notice.freeze-title"))))


def _stops(line: str) -> bool:
    return stops_plainly(line) or refuses(line)


def _leaves(said: str) -> bool:
    """Return whether words above or before a freeze leave it one: a stop, an assent, or the emergency behind it.

    A condition right before it says when: `Checkout is slow. If it goes down, freeze production`.
    """
    if ends_in_condition(said):
        return False
    is_why = is_emergency(said) and not (is_condition(said) or is_command(said))
    return _refuses(said) or _agrees(said) or is_why


def _refuses(said: str) -> bool:
    return _stops(said) or is_withdrawal(said)


def _agrees(said: str) -> bool:
    return read_reply(said).said == "approve"


_FEW = 12
"""Most words of a part of a sentence that may be meant as a freeze."""

_ENDS, _CLAUSES = re.compile(r"(?<=[.!?])\s+"), re.compile(rf"[,;:]\s+|\s[{_DASHES}]+\s")


def may_mean_freeze(text: str, names: Collection[str], *, is_addressed: bool) -> bool:
    """Return whether a few words may be meant as a freeze of one of `names`; what tells or asks about one is not."""
    if parse(text):
        return False
    shuts = rf"(?<![\w-])(?:{ORDERS['shuts']})".replace("<names>", "|".join(map(re.escape, names)) or "(?!)")
    means = re.compile(rf"(?:(?<!\w)(?:{ORDERS['speaks_of']})|{shuts})(?![\w-])", re.IGNORECASE)
    lines = said_lines(read_ends(text, READ_CHARS))
    found = (one for line in lines for one in _ENDS.split(line) if is_addressed or not one.endswith("?"))
    parts = (" ".join(part.split()) for one in found for part in _CLAUSES.split(one) if len(part.split()) <= _FEW)
    return any(means.search(fold(one)) and not _pattern(_TALKS_OF).search(fold(one)) for one in parts)


_TALKS_OF = r"(?<!\w)<talks_of>(?!\w)"
"""Says something of a freeze, or asks about one, and orders none."""


# One message is asked about in several ways, one after the other.
@lru_cache(maxsize=16)
def typed_revocations(text: str) -> Revoking:
    """Return the standing approvals that a message ends, why, and what it says above and below that.

    The reason stands beside the ids. A greeting, thanks and a signature say nothing.
    """
    read = _revocations(text)
    named = (one for _, found in read if found for one in grants_in(found["named"]))
    first = next((at for at, (_, found) in enumerate(read) if found), len(read))
    below = "\n".join(line for line, found in read[first:] if not found)
    why = next(filter(None, (found["why"] for _, found in read if found)), "")
    above = "\n".join(line for line, _ in read[:first])
    return Revoking(tuple(dict.fromkeys(named)), _reason(why), above, below)


def _revocations(text: str) -> list[tuple[str, dict[str, str]]]:
    """Return the lines of `text`, each with what it ends, unless it says when, or stands there as what people write."""
    read, above = list[tuple[str, dict[str, str]]](), ""
    for line in said_lines(text):
        for before, part in pairwise(["", *_pattern(_NEXT).split(line)]):
            is_told = above.endswith(":") or ends_in_condition(before)
            read.append((part, {} if is_told else _revoked_in(part)))
            above = part
    return read


def _revoked_in(line: str) -> dict[str, str]:
    plain = _bare(called(line))[:_LINE_CHARS]
    found = _read("revoke", plain) or _read("revoke_last", plain)
    return {} if found and is_condition(found["why"]) else found


_IDS = re.compile(r"s[0-9]{1,2}g-[a-z2-7]{13}", re.IGNORECASE)
_BESIDE_ID = 8
"""Most words beside an id in a message that is about it and nothing else."""


def may_mean_end(text: str) -> bool:
    """Return whether a few words name a standing approval and do nothing by themselves: `s1g-… zurückziehen`.

    So may one sentence that says to end one, also without its id: `revoke my standing approval`. Of a stop or a no,
    none but a sentence that names the id may: `deny. revoke s1g-… too`.
    """
    ends, kind = _pattern(r"\b(?:<revoke>|<may_end>)\b"), _pattern(r"\b<grant>\b")
    parts = [part for part in re.split(r"(?<=[.!?])\s+|\n", fold(read_ends(text, READ_CHARS))) if ends.search(part)]
    is_stop = is_withdrawal(text) or may_be_stop(text)
    names = any(_are_few(part, _IDS) for part in (parts if is_stop else (text, *parts)))
    is_one = names or (not is_stop and any(_are_few(part, kind) for part in parts))
    return is_one and not typed_revocations(text).named


def has_order(text: str) -> bool:
    """Return whether a part of an answer in any words would freeze something by itself, `v2, freeze production`, or the
    answer may mean to end a standing approval that it names: who only speaks of such things orders none.
    """
    parts = (part for line in said_lines(read_ends(text, READ_CHARS)) for part in _pattern(_NEXT).split(line))
    freezes = (one for one in map(typed_freeze, parts) if one and not one.ends and one.environment is not None)
    return any(freezes) or bool(grants_in(text) and may_mean_end(text))


def grants_in(text: str) -> tuple[str, ...]:
    """Return the ids of standing approvals in `text`."""
    return tuple(one.lower() for one in _IDS.findall(text))


def _are_few(text: str, named: re.Pattern[str]) -> bool:
    rest = named.sub(" ", text)
    return rest != text and 0 < len(rest.split()) <= _BESIDE_ID


_MOST_CHARS = 200


def typed_standing(text: str, *, has_subject: bool = False) -> StandingWanted | Literal["list", "usage"] | None:
    """Read a message of nothing but `standing`, or `standing 5 times until 2026-12-01 18:00 with any version`.

    `usage`: it begins so, and can't be read, or something beside it speaks against it. None for any other text. Above
    it may stand a subject.
    """
    lines = list(dict.fromkeys(map(_plain, said_lines(text))))
    subject = lines[:1] if has_subject and not any(_read("standing_seems", one) for one in lines[:1]) else []
    lines = [*subject, *unwrapped("\n".join(lines[len(subject) :])).splitlines()]
    is_below = bool(subject and len(lines) > 1 and _read("standing_seems", lines[1]))
    if is_below or (subject and len(lines) == 2 and not _is_of_standing(lines[0])):
        lines = lines[1:]
    line = lines[0] if lines else ""
    if not _is_of_standing(line):
        return None
    if len(lines) > 1 or len(line) > _MOST_CHARS:
        return None if _read("list", line) else "usage"
    if _read("list", line):
        return "list"
    found = _read("standing", line)
    if not found or _is_against(text, lambda line: not _is_of_standing(line) and speaks_against(line)):
        return "usage"
    names = tuple(dict.fromkeys(filter(None, _pattern(r"(?: ?[,;&] ?| <and> | )+").split(found["open"]))))
    return StandingWanted(int(found["uses"]), found["until"], names, found["run"].lower())


def _is_of_standing(line: str) -> bool:
    return bool(_read("list", line) or _read("standing_seems", line))


def typed_absence(text: str) -> Away | None:
    """Read a text of nothing but `away until 2026-12-01: cy@corp.example`, or `not away`; None for any other text.

    Above it may stand a subject that says just that.
    """
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    if len(lines) == 2 and _read("about_absence", lines[0]):
        lines = lines[1:]
    line = lines[0] if len(lines) == 1 else ""
    if found := _read("away", line):
        return Away(found["until"], found["starts"], found["to"])
    return Away() if _read("back", line) else None


def may_mean_absence(text: str, *, has_subject: bool) -> bool:
    """Return whether a text may say that somebody is away, or back: a line that alone would set or end an absence, or
    a text of one line of other words, below its subject if it has one.
    """
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    if any(map(typed_absence, lines)):
        return True
    if has_subject and len(lines) == 2:
        lines = lines[1:]
    return len(lines) == 1 and bool(_read("may_be_away", lines[0]))


def is_ours(line: str) -> bool:
    """Return whether a line that starts no run is read by sayso itself, wherever it stands alone."""
    is_order = typed_freeze(line) or typed_standing(line) or may_mean_absence(line, has_subject=False)
    return bool(is_order) or acts_on_card(line)


def acts_on_card(line: str) -> bool:
    """Return whether a line breaks the glass or hands on, in answer to a card."""
    return behind_word(line, "mail.glass-word", "delegation.word")[0] != ""
