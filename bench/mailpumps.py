"""Mails in which one place holds one piece over and over: what reading them costs at one size and at twice that.

Pieces come from the patterns that read mail: each says itself what nearly fits it. A place is a header field, a text,
an attribute, a style sheet, a file's name. `bench/run mails --pumps` tries them and prints a table.
"""

import importlib
import pkgutil
import random
import re
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from channels import Contact
from channels.email.identity.proof import dmarc
from channels.email.reading.reader import Reader
from channels.email.reading.sandbox import Contacts
from channels.email.tokens import returning
from channels.slack.inbound import plain

OWN, SERVER, TOKEN = "agent@sayso.example", "mx.corp.example", "k7qp2xv9rt4mzs8a"
HEAD = f"""Authentication-Results: {SERVER}; dmarc=pass header.from=corp.example
From: Anna Berg <anna@corp.example>
To: agent+{TOKEN}@sayso.example
Subject: Re: Approval needed
Message-ID: <r1@corp.example>
MIME-Version: 1.0
"""

# Python's own parser of patterns, which has no public name.
sre: Any = importlib.import_module("re._constants")
_parser: Any = importlib.import_module("re._parser")

GIVE_UP_S = 3.0
MOST_MS = 100.0
CHARS = (*" \t\n-_.:a1@<>\"'(),;=/\\x*#[]{}&!", "\u00e9", "\u3042", "=?utf-8?Q?a?= ", "a ", "> ", "a\n")
POLITE = (
    "thanks ",
    "please ",
    "the decision is ",
    "dear all team ",
    "hi all ",
    "best regards, ",
    "b ",
    "all ",
    "yes ",
    "sorry ",
    "there ",
)

_PLAIN = "Content-Type: text/plain; charset=utf-8\n\n"
_HTML = "Content-Type: text/html; charset=utf-8\n\n"
_PART = "--b\nContent-Type: text/plain\n\nyes\n--b\nContent-Type: application/pdf"
_REPORT = 'Content-Type: multipart/report; boundary=b; report-type="delivery-status"\n\n--b\n'


def _field(name: str) -> Callable[[str], str]:
    bare = "\n".join(line for line in HEAD.splitlines() if not line.startswith(f"{name}:"))
    return lambda text: f"{name}: {_folded(text)}\n{bare}\n{_PLAIN}approve"


def _folded(text: str) -> str:
    """As one header field: no line break that ends it."""
    return re.sub(r"[\r\n]+", "\n ", text)


_VERDICT = f"Authentication-Results: {SERVER}; dmarc=pass header.from=corp.example"
PLACES: Mapping[str, tuple[int, Callable[[str], str]]] = {
    **{
        name: (30_000, _field(name))
        for name in (
            *("From", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Sender", "Reply-To"),
            *("Return-Path", "Content-Type", "Content-Disposition", "Content-Transfer-Encoding", "X-Mailer"),
            *("Precedence", "DKIM-Signature", "Authentication-Results", "Received", "X-Autoreply", "List-Id"),
        )
    },
    "results": (7_000, lambda text: HEAD.replace(_VERDICT, f"{_VERDICT}; x=y {_folded(text)}") + _PLAIN + "ok"),
    "four results": (7_000, lambda text: f"Authentication-Results: {_folded(text)}\n" * 4 + HEAD + _PLAIN + "ok"),
    "hops": (1_900, lambda text: f"Received: {_folded(text)}\n" * 15 + HEAD + _PLAIN + "ok"),
    "bounce's subject": (
        30_000,
        lambda text: f"Return-Path: <>\nFrom: MAILER-DAEMON@x.example\nTo: {OWN}\nSubject: {_folded(text)}\n\nx\n",
    ),
    "report": (
        200_000,
        lambda text: (
            f"Return-Path: <>\nFrom: MAILER-DAEMON@x.example\nTo: {OWN}\n"
            f"{_REPORT}Content-Type: message/delivery-status\n\n{text}\n--b--"
        ),
    ),
    "text": (30_000, lambda text: f"{HEAD}{_PLAIN}{text}"),
    "text after approve": (30_000, lambda text: f"{HEAD}{_PLAIN}approve\n{text}"),
    "short text": (1_900, lambda text: f"{HEAD}{_PLAIN}approve {text}"),
    "text in two lines": (1_900, lambda text: f"{HEAD}{_PLAIN}hi\n{text}\nOn 3 Mar 2026, a@b.example wrote:\n> x"),
    "html": (30_000, lambda text: f"{HEAD}{_HTML}<p>{text}"),
    "class": (18_000, lambda text: f'{HEAD}{_HTML}<div class="{_unquoted(text)}">yes</div>'),
    "ten classes": (18_000, lambda text: HEAD + _HTML + f'<div class="{_unquoted(text)}">yes</div>' * 10),
    "style": (3_900, lambda text: HEAD + _HTML + f'<div style="{_unquoted(text)}">yes</div>' * 20),
    "tag": (18_000, lambda text: HEAD + _HTML + f"<div {text.replace('>', '')}>yes</div>" * 10),
    "sheet": (190_000, lambda text: f"{HEAD}{_HTML}<style>{text}{{display:none}}</style>yes"),
    "rule": (3_900, lambda text: HEAD + _HTML + f"<style>.a{{{text}}}</style>" * 40 + "yes"),
    "file's name": (
        30_000,
        lambda text: f"{HEAD}Content-Type: multipart/mixed; boundary=b\n\n{_PART}; name={_folded(text)}\n\nx\n--b--",
    ),
    "file's type": (
        30_000,
        lambda text: (
            f"{HEAD}Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: {_folded(text)}\n\nx\n--b--"
        ),
    ),
    "code": (30_000, lambda text: f"{HEAD}{_PLAIN}yes\n> Answer code: {text}"),
    "alias": (30_000, lambda text: HEAD.replace(f"agent+{TOKEN}", f"agent+{_folded(text)}") + _PLAIN + "yes"),
}


_MARKUP = ("markup", "css", "tags")
_NEAR: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("html", "class", "ten classes", "style", "tag", "sheet", "rule"), _MARKUP),
    **dict.fromkeys(("results", "four results", "Authentication-Results"), ("verdict", "signature")),
    **dict.fromkeys(("hops", "Received"), ("hops",)),
    **dict.fromkeys(("To", "Cc", "From", "Sender", "alias"), ("addresses", "tokens")),
    **dict.fromkeys(("Subject", "Precedence", "Return-Path", "X-Mailer"), ("machine", "bounce", "reading")),
    **dict.fromkeys(("report", "bounce's subject"), ("bounce",)),
    **dict.fromkeys(("Content-Type", "Content-Disposition", "file's name", "file's type"), ("body", "filenames")),
    "DKIM-Signature": ("signature", "identity"),
    **dict.fromkeys(("short text", "text after approve"), ("reply", "words", "moments", "signature")),
    **dict.fromkeys(("text", "text in two lines"), ("newtext", "quotes", "signature", "lines", "banners")),
    "slack": ("slack",),
}
"""The modules whose own patterns read a place; the others are tried less often."""


def _unquoted(text: str) -> str:
    return text.replace('"', "")


@dataclass(frozen=True)
class Growth:
    """The cost of one piece in one place: at half the size the place may have, and at all of it."""

    place: str
    before: str
    piece: str
    after: str
    half_ms: float
    whole_ms: float

    @property
    def row(self) -> str:
        """As a line of a table."""
        power = self.whole_ms / max(self.half_ms, 0.05)
        return f"{self.place:22} {self.half_ms:8.1f} {self.whole_ms:8.1f} x{power:4.1f}  {self.shape}"

    @property
    def shape(self) -> str:
        """The text that was put into the place."""
        return f"{self.before[-30:]!r} + {self.piece[:30]!r} * n + {self.after!r}"


def pumps(seconds: float, seed: int) -> bool:
    """Print the slowest piece of each place, tried for `seconds`; whether none takes long."""
    anna = Contact(id="anna", name="Anna Berg", email="anna@corp.example")
    own = Reader(OWN, Contacts({"anna": anna}, {"anna@corp.example": anna}), dmarc(SERVER), returning("plus"))
    found = grown(lambda raw: own.read(raw, len(raw)), random.Random(seed), seconds)  # noqa: S311 - not for secrets
    print(f"{'place':22} {'half ms':>8} {'whole ms':>8}", *(growth.row for growth in found), sep="\n")
    return all(growth.whole_ms <= MOST_MS for growth in found)


def patterns() -> Mapping[re.Pattern[Any], str]:
    """Every pattern of the modules that read mail or Slack's texts, and where it stands."""
    found = dict[re.Pattern[Any], str]()
    for top in ("channels.email", "channels.slack"):
        package = importlib.import_module(top)
        for each in pkgutil.walk_packages(package.__path__, f"{top}."):
            for name, value in vars(importlib.import_module(each.name)).items():
                if isinstance(value, re.Pattern):
                    found[value] = f"{each.name}.{name}"
    return found


def grown(read: Callable[[bytes], object], rng: random.Random, seconds: float) -> list[Growth]:
    """The slowest piece of each place, tried for `seconds`."""
    trees = [(name, _parser.parse(_text_of(each), each.flags & ~re.DEBUG)) for each, name in patterns().items()]
    near = {place: [each for each in trees if set(_NEAR.get(place, ())) & set(each[0].split("."))] for place in PLACES}
    worst = dict[str, Growth]()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        place = rng.choice([*PLACES, "slack"])
        _, tree = rng.choice(near.get(place) or trees) if rng.random() < 0.7 else rng.choice(trees)
        tried = _grown(read, rng, place, tree)
        if place not in worst or tried.whole_ms > worst[place].whole_ms:
            worst[place] = tried
    return sorted(worst.values(), key=lambda each: -each.whole_ms)


def _text_of(pattern: re.Pattern[Any]) -> str:
    return pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")


def _grown(read: Callable[[bytes], object], rng: random.Random, place: str, tree: Any) -> Growth:
    before, piece, after = _pump(rng, tree)
    size, mail = PLACES.get(place, (40_000, str))

    def cost_ms(room: int) -> float:
        text = before + piece * max(1, (room - len(before) - len(after)) // len(piece.encode())) + after
        if place == "slack":
            return took_ms(lambda: plain(text, {}, ("U1",)))
        raw = mail(text).replace("\n", "\r\n").encode("utf-8", "replace")
        return took_ms(lambda: read(raw))

    half = cost_ms(size // 2)
    return Growth(place, before, piece, after, half, cost_ms(size) if half < 1000 * GIVE_UP_S else half)


def _pump(rng: random.Random, tree: Any) -> tuple[str, str, str]:
    """Return what to begin with, what to repeat, and what makes it fail at the end."""
    fits = _fitting(tree, rng) or "a"
    at = rng.randrange(len(fits) + 1)
    match rng.randrange(4):
        case 0:
            piece, before = fits[at : at + rng.choice((1, 1, 2, 3, 6, 12))] or rng.choice(CHARS), fits[:at]
        case 1:
            piece, before = fits[:40], ""
        case 2 if rng.randrange(3) == 0:
            piece, before = rng.choice(POLITE) + rng.choice((*POLITE, "")), ""
        case 2:
            piece, before = rng.choice(CHARS) + rng.choice((*CHARS, "")), fits[:at]
        case _:
            piece, before = rng.choice(CHARS), rng.choice((*CHARS, ""))
    return before, piece, rng.choice(("", "!", "x", "\n", " x", '"', "\x01"))


def _fitting(tree: Any, rng: random.Random) -> str:
    """A text that nearly fits the pattern."""
    return "".join(_piece(kind, value, rng) for kind, value in tree)


def _piece(kind: Any, value: Any, rng: random.Random) -> str:
    match kind:
        case sre.LITERAL:
            return chr(value)
        case sre.IN:
            return _one_of(value, rng)
        case sre.BRANCH:
            return _fitting(rng.choice(value[1]), rng)
        case sre.SUBPATTERN:
            return _fitting(value[-1], rng)
        case sre.ATOMIC_GROUP:
            return _fitting(value, rng)
        case sre.MAX_REPEAT | sre.MIN_REPEAT | sre.POSSESSIVE_REPEAT:
            least, most, inner = value
            return "".join(_fitting(inner, rng) for _ in range(min(int(most), least + rng.randrange(3))))
        case sre.ANY | sre.NOT_LITERAL:
            return rng.choice("a 1-")
        case _:
            return ""


def _one_of(members: Any, rng: random.Random) -> str:
    found, isnt = list[str](), False
    for kind, value in members:
        isnt = isnt or kind is sre.NEGATE
        if kind is sre.LITERAL:
            found.append(chr(value))
        elif kind is sre.RANGE:
            found.append(chr(rng.choice(value)))
        elif kind is sre.CATEGORY:
            found.append({sre.CATEGORY_DIGIT: "1", sre.CATEGORY_SPACE: " ", sre.CATEGORY_WORD: "a"}.get(value, "-"))
    free = [char for char in "a 1-x_." if char not in found]
    return rng.choice(free or ["\u00e9"]) if isnt or not found else rng.choice(found)


class _Slow(Exception):
    """Something takes longer than is waited for."""


def took_ms(work: Callable[[], object]) -> float:
    """The processor time of `work`, which is stopped after GIVE_UP_S: patterns look for signals now and then."""

    def stop(*_: object) -> None:
        raise _Slow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, GIVE_UP_S)
    began = time.process_time()
    try:
        work()
    except _Slow:
        return 1000 * GIVE_UP_S
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return 1000 * (time.process_time() - began)
