"""The words that mails are read by: eight languages read as one, because people mix them (`Hi, genehmigt. Thanks`).

The words are data: one TOML file for each language, and one each for what languages share and for what mail systems
are called. Six more have a table for each language or maker: moments, what speaks against a command, what stops a run,
orders, the words that mail programs write around a quote, and the names of programs and devices. They hold patterns
over folded text: lower case, one space between words, and letters of the Latin alphabet without their accents, because
phones and habits leave them out. A list is joined with `|`. Others use the patterns named here, `every` for the lists
of signatures, banners and subjects, and `fold`. What a match means is never decided here.
"""

import re
import tomllib
import unicodedata
from importlib.resources import files
from typing import cast

_LANGUAGES = ("english", "german", "french", "spanish", "dutch", "portuguese", "italian", "japanese")
_PART = re.compile(r"<([a-z_]+)>")


def _read(name: str) -> dict[str, str]:
    """The lists of one file by name, each as one pattern with its parts filled in."""
    found = tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    parts = cast("dict[str, str]", found.pop("parts", {}))
    lists = cast("dict[str, list[str]]", found)
    return {key: _PART.sub(lambda part: parts[part[1]], "|".join(words)) for key, words in lists.items()}


def _read_tables(name: str) -> dict[str, str]:
    """The lists of all tables of one file by name, each as one pattern; a word of several tables stands in it once."""
    found = tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    tables = cast("dict[str, dict[str, list[str]]]", found).values()
    lists = dict.fromkeys(key for table in tables for key in table)
    return {key: "|".join(dict.fromkeys(word for table in tables for word in table.get(key, ()))) for key in lists}


def _read_negated(name: str) -> str:
    """The tables of one file that have a negation: it, and right behind it one of their own stops."""
    found = tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    tables = cast("dict[str, dict[str, list[str]]]", found).values()
    each = (rf"(?:{'|'.join(table['keeps'])}) ?(?:{'|'.join(table['stop'])})" for table in tables if "keeps" in table)
    return rf"\b(?:{'|'.join(each)})(?![\w'])"


OUR_ID = r"s\d{1,2}[rq]-[a-z2-7]{13}"
"""An id of a run or a request, as people read it and type it."""


def _read_named(name: str, moments: str) -> tuple[tuple[tuple[re.Pattern[str], str], ...], ...]:
    """What each table of one file says of things with names, with the words that it is read as, in this order."""
    found = tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    made = list[tuple[tuple[re.Pattern[str], str], ...]]()
    for table in cast("dict[str, dict[str, list[str]]]", found).values():
        if "named" not in table:
            continue
        keys = ("the", "thing", "kind", "link", "when")
        the, thing, kind, link, when = (f"(?:{'|'.join(table[key])})" for key in keys)
        # No name has more parts; without a bound each of `1.1.1…` would begin one that reaches to the end. In an atomic
        # group, as a possessive quantifier of a group matches too little before Python 3.11.5:
        # https://github.com/python/cpython/issues/106052
        word = r"[`'\"*]?[@#]?\w++(?>(?:[^\s\w,;!?()<>\"`*]++\w++){0,20})[`'\"*]?"
        name_of = rf"(?!(?:{moments}|{link}|{when})(?!\w|[^\s\w,;!?()<>\"`*]+\w)){word}"
        odd = rf"(?=[`'\"*]?[@#]?\w*?(?:[\d_]|[^\s\w,;!?()<>\"`*']{{1,20}}+\w)){word}"
        at = rf"(?: {link}(?: {the})?(?: {kind})? {name_of}(?:(?:,? and|,? und|,)? {odd})?)"
        parts = {
            "<the>": the,
            "<thing>": thing,
            "<kind>": kind,
            "<name>": name_of,
            "<odd>": odd,
            "<at>": at,
            "<id>": OUR_ID,
        }
        pairs = list[tuple[re.Pattern[str], str]]()
        for key, it in zip(("unwanted", "named"), reversed(table["it"]), strict=True):
            pattern = "|".join(table[key])
            for part, meant in parts.items():
                pattern = pattern.replace(part, meant)
            pairs.append((re.compile(rf"(?<![\w'-])(?:{pattern})(?![\w'])", re.IGNORECASE), it))
        made.append(tuple(pairs))
    return tuple(made)


_COMMANDS, _STOPS = _read_tables("commands"), _read_tables("stops")
_THING = r"the (?:deploy\w*|release|rollout|request|run|rollback|change|freeze|approval|command|card|update)"
_ALL = {language: _read(language) for language in _LANGUAGES}
_SHARED, _PROGRAMS = _read("shared"), _read("programs")
_QUOTES, _MOMENTS, _CLIENTS = (_read_tables(name) for name in ("quotes", "moments", "clients"))


def every(name: str) -> str:
    """The list `name` of all languages and programs as one pattern; raises KeyError if no file has it."""
    found = [words[name] for words in (*_ALL.values(), _PROGRAMS, _CLIENTS, _QUOTES) if name in words]
    if not found:
        raise KeyError(name)
    return "|".join(found)


def _sharp(pattern: str) -> str:
    """`pattern` with a sharp s wherever it has two: folding goes letter by letter and can't make one of two."""
    return pattern.replace("ss", "(?:ss|\u00df)")


APPROVE, SOFT, FIRM, POLITE = (_sharp(every(name)) for name in ("approve", "soft", "firm", "polite"))
ANSWER, SORRY, BECAUSE, LASTS = (every(name) for name in ("answer", "sorry", "because", "lasts"))

BEGS = every("begs")
"""Stand behind a refusal, without a mark between them: `deny please`."""

CORRECTS = every("corrects")
"""Stand before a refusal of somebody who takes back what they have said."""

GREET = _SHARED["greet"]
"""Begin a mail, before the name of whoever is greeted; in any letter case."""

NO_CONSENT = re.compile(_SHARED["no_consent"])
"""Words of consent that, side by side, ask somebody else for it, mean the opposite, or name a time."""

NAMES_APPROVAL = re.compile(_SHARED["names_approval"])
"""Words by which consent says that it is an approval."""

ASKS_ANOTHER = re.compile(_SHARED["asks_another"])
"""Below a greeting to somebody this asks them for their consent."""

IF = re.compile(_SHARED["if"], re.IGNORECASE)
"""`si` without its accent before other words, where it means `if` in French and Spanish. Over unfolded text."""

DOUBT = re.compile(_sharp(every("doubt")))
"""Words that take a soft refusal back or leave it open."""

_DOUBTS = (words["doubt"] for language, words in _ALL.items() if language != "english")
_REFUSALS = (f"{words['refuse']}|{words['condition']}" for words in _ALL.values())
CAREFUL = re.compile(_sharp("|".join((*_REFUSALS, *_DOUBTS))))
"""Words that, in a text somebody may have written below a quote or a signature, may take an approval back."""

SPELLED = frozenset(_SHARED["spelled"].split("|"))
"""The words with accents that consent may hold. In others an accent is a mistake at best, and a look-alike at worst."""

OPENERS = _QUOTES["openers"]
"""Begin an attribution; some of them only with a moment behind."""

WROTE = _QUOTES["wrote"]
"""Words for what somebody did who is quoted, at the end of an attribution or in the midst of it."""

WROTE_WITHIN = _QUOTES["wrote_within"]
"""Words for what somebody did who is quoted, where the name comes behind them."""

WROTE_ALONE, QUOTING = _QUOTES["wrote_alone"], _QUOTES["quoting"]
"""Words for what somebody did who is quoted, with a name alone before them, or behind."""

FROM, FIRST, OTHERS = _QUOTES["from"], _QUOTES["first"], _QUOTES["others"]
"""Names of header fields, as programs repeat them above a quote. The first two may stand first."""

ORIGINAL, FORWARDED, BEGINS = _QUOTES["original"], _QUOTES["forwarded"], _QUOTES["begins"]
"""Stand above a quoted mail, above a forwarded one, and at the very beginning of one."""

ABOVE = _QUOTES["above"]
"""A line that a sender puts above his text, for the answer to stand above it."""

_DAYS, _SOON, _LINK, _MONTHS = (_MOMENTS[name] for name in ("days", "soon", "link", "months"))
NAMED_MOMENT = re.compile(
    rf"\b(?:{_DAYS}|{_MONTHS})s?\b|[月火水木金土日]曜"
    r"|\b(?:hours?|minutes?|days?|weeks?|months?|stunden?|tage?n?|wochen?|heures?|jours?|horas?|dias?|giorni|uren|dagen)\b"
)
"""A day of the week, a month, a length of time."""

ONLY_MOMENT = re.compile(
    rf"(?:(?:{_LINK}) ){{0,3}}(?:(?:{_MONTHS}) \d{{1,2}}|\d{{1,2}}\.? (?:of |de )?(?:{_MONTHS}))(?:,? \d{{4}})?\W*|"
    rf"(?:(?:{_LINK})[ ,]+){{0,4}}(?:{_DAYS}|{_SOON})(?:[ ,]+(?:{_LINK}|{_DAYS}|{_SOON}"
    rf"|\d{{1,2}}(?:[:.h]\d\d)?h?(?:am|pm)?)){{0,5}}\W*"
    rf"|(?:(?:{_LINK}|alle|as|las|after|before|until|nach|vor|apres|avant|na|dopo|depois|despues)[ ,]+){{0,3}}"
    r"(?:\d{1,2}[:.h]\d\d(?: ?(?:am|pm|uhr))?|\d{1,2} ?(?:am|pm|uhr|h|heures?|horas?|ore|uur|o'clock))\W*"
    r"|.{0,8}(?:[月火水木金土日]曜|今日|本日|今夜|今週|来週|明日|午後|午前).{0,8}"
)
"""A whole line that says when, and nothing else."""

NO_NAME = re.compile(rf"{_ALL['english']['no_name']}|\b(?:{_DAYS}|{_SOON})\b|{CAREFUL.pattern}")
"""Words that are people's names as well: `ok Freitag` may say when, whoever is called so."""

MOMENT_WORDS = rf"(?:{_DAYS}|{_MONTHS})s?|{_SOON}|{_LINK}"
"""One word of those that only say when."""

COMMANDS = {key: pattern.replace("<days>", _DAYS).replace("<thing>", _THING) for key, pattern in _COMMANDS.items()}
"""What words beside a command may say against it, by the names of the lists in `commands`."""

STOP, BESIDE_STOP = _STOPS["stop"], _STOPS["beside"]
"""What stops a run, and what may stand beside that, over folded text without marks."""

NAMED = _read_named("stops", MOMENT_WORDS)
"""What is stopped, or not wanted, with the names that it has, by language; and what it is read as without them."""

THING = re.compile(rf"(?<![\w-])(?:{_STOPS['thing']})(?![\w-])", re.IGNORECASE)
"""What may be stopped: a run, a deploy."""

KEEPS_ON = _read_negated("stops")
"""A negation right before a stop of its own language: `no pare`, `nicht sofort abbrechen`. Over folded text."""

ORDERS = _read_tables("orders")
"""The words of orders that people type, by the names of the lists in `orders`."""

_ACCENTED = "".join(map(chr, range(0xC0, 0x180)))


def _base(char: str) -> str:
    """The letter below the accents of `char`, in lower case; `char` itself where that is not one ASCII letter."""
    base = unicodedata.normalize("NFD", char)[0].lower()
    return base if base.isascii() and base.isalpha() else char


_FOLDED = str.maketrans(
    {
        **{char: char.lower() for char in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
        **{char: _base(char) for char in _ACCENTED},
        **dict.fromkeys("\u2019\u2018\u00b4`", "'"),
    }
)


def fold(text: str) -> str:
    """`text` as the patterns expect it, character for character; look-alikes of other alphabets match nothing.

    Accents must be part of their letters (NFC).
    """
    return text.translate(_FOLDED)
