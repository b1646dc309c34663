"""An answer to a form, read in one way for every channel: each field's value, or why there is none. Pure.

`fill` takes what programs, pages and windows send, a value for each name; `fill_lines` what somebody typed, as lines of
`label: value`. Nothing is guessed: what may mean two things means nothing, and is named with the reason.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError

from agents.forms.fields import MOST_DIGITS, FormField, FormValue
from agents.forms.words import pick, unlisted, yes_or_no
from agents.text import one_line
from language import Language, spoken
from language.dates import months

Why = Literal[
    "missing",
    "twice",
    "unknown",
    "not_a_text",
    "too_short",
    "too_long",
    "other_pattern",
    "not_an_integer",
    "not_a_number",
    "two_numbers",
    "too_many_digits",
    "not_a_date",
    "two_dates",
    "no_such_day",
    "too_small",
    "too_large",
    "not_an_option",
    "not_yes_or_no",
]

PATTERN_CHARS = 200
_GOT_CHARS = 80
_NOTHING: Mapping[str, str] = MappingProxyType({})
# What stands in a line of a card that nobody has filled in.
_BLANKS = ("…", "...")
# Unclear answers with more wrong lines than that are not read by anybody.
_MISFITS = 30
# A line is broken by a mail program where the next word has no room: 78 characters at most, and some take fewer
# (https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1, https://www.rfc-editor.org/rfc/rfc3676#section-4.2).
_FULL_LINE = 65

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_BY_HAND = re.compile(r"[+-]?[0-9]+[.,][0-9]+")
# `1.000` is a thousand to one reader, and one to another.
_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:[.,'\u2019\u202f\u00a0 ][0-9]{3})+(?:[.,][0-9]+)?")
_DAY = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")
_DOTTED = re.compile(r"(?P<day>[0-9]{1,2})\. ?(?P<month>[0-9]{1,2})\. ?(?P<year>[0-9]{4})")
_NAMED = re.compile(r"(?P<day>[0-9]{1,2})\.? (?P<name>[^\W\d_]{3,9}) (?P<year>[0-9]{4})")
_NAMED_FIRST = re.compile(r"(?P<name>[^\W\d_]{3,9}) (?P<day>[0-9]{1,2}), (?P<year>[0-9]{4})")
_SEPARATED = re.compile(r"[0-9]{1,4}[./-] ?[0-9]{1,2}[./-] ?[0-9]{1,4}")


class Misfit(BaseModel):
    """One thing because of which something is no answer to a form: in `field`, or in none where that is empty.

    `got` is a line of what was found there, which anybody may have written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str
    why: Why
    got: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """What was read. It is an answer where there are no `misfits`; else `values` are those that fit all the same."""

    values: dict[str, FormValue] = field(default_factory=dict[str, FormValue])
    misfits: tuple[Misfit, ...] = ()


def fill(fields: Sequence[FormField], given: Mapping[str, FormValue]) -> Filled:
    """Read `given`, which holds a value for each name, as JSON has it or as text: `3` or `"3"`, `"2026-12-24"`."""
    names = {each.name for each in fields}
    unknown = [Misfit(field="", why="unknown", got=_short(name)) for name in given if name not in names]
    return _filled(fields, given, unknown)


def fill_lines(fields: Sequence[FormField], text: str) -> Filled:
    """Read lines of `label: value`, as somebody types them in the language that is spoken; no other line may be there.

    A label may be the field's name as well, and have the field's number before it.
    """
    found, misfits = _lines(fields, text)
    if misfits and (items := unlisted(text)) != text:
        found, misfits = _lines(fields, items)
    given = dict[str, FormValue]()
    for each in fields:
        if each.name in found:
            value = _by_hand(each, found[each.name], spoken())
            given |= {} if isinstance(value, Misfit) else {each.name: value}
            misfits += [value] if isinstance(value, Misfit) else []
    return _filled(fields, given, misfits, found)


def value_of(asked: FormField, given: FormValue) -> FormValue | Misfit:
    """Return the answer to one field, with its type, or why `given` is none; a default is read as it is."""
    if _is_blank(given):
        if asked.required:
            return Misfit(field=asked.name, why="missing")
        given = asked.default
        if _is_blank(given):
            return given
    match asked.kind:
        case "text":
            value = _text(asked, given)
        case "integer" | "number":
            value = _number(asked, given)
        case "date":
            value = _date(asked, given)
        case "choice":
            picked = pick(given, asked.options) if isinstance(given, str) else None
            value = "not_an_option" if picked is None else _Value(picked)
        case "yes_no":
            said = yes_or_no(given) if isinstance(given, str) else given if isinstance(given, bool) else None
            value = "not_yes_or_no" if said is None else _Value(said)
    if isinstance(value, _Value):
        return value.value
    return Misfit(field=asked.name, why=value, got=_short(given))


# With the flag x a part of it may be a comment.
_COMMENTED = re.compile(r"\(\?[a-zA-Z-]*x")
_PART, _IN_CLASS = re.compile(r"\\[pPxuU]\{[^}]*\}|\\.|\{[^}]*\}|.", re.DOTALL), re.compile(r"\\.|.", re.DOTALL)


def _written_out(pattern: str) -> int:
    """Return how many characters `pattern` has at most once its counted repetitions are written out."""
    groups, last, depth, place = [0], 0, 0, 0
    while place < len(pattern) and (found := (_IN_CLASS if depth else _PART).match(pattern, place)):
        part, place = found[0], found.end()
        if depth or part == "[":
            depth += (part == "[") - (part == "]")
            last = more = 1
        elif part.startswith("{"):
            more = last * (max([1, *map(int, re.findall("[0-9]{1,9}", part))]) - 1)
            last += more
        elif part == "(":
            groups.append(0)
            last = more = 0
        elif part == ")" and len(groups) > 1:
            last = more = groups.pop()
        elif part in "*+?":
            more = 1
        else:
            last = more = len(part)
        groups[-1] += more
    return sum(groups)


def _is_blank(given: FormValue) -> bool:
    return given is None or (isinstance(given, str) and not given.strip())


@lru_cache(maxsize=256)
def compiled(pattern: str) -> TypeAdapter[str] | None:
    """Return what checks a text by `pattern`, in the engine that pydantic itself uses; None for no such pattern.

    Nor for one that is too long: the engine may take so much time for each character of a text.
    """
    if _COMMENTED.search(pattern) or _written_out(pattern) > PATTERN_CHARS:
        return None
    try:
        return TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])
    except SchemaError:
        return None


def folded(key: str) -> str:
    """`key` as it is compared: letter case and the number of spaces do not count."""
    return " ".join(key.split()).casefold()


def bound(text: str) -> Decimal | None:
    """Return the number that `text` is; None where it is none."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class _Value:
    value: FormValue


def _filled(
    fields: Sequence[FormField],
    given: Mapping[str, FormValue],
    misfits: Sequence[Misfit],
    typed: Mapping[str, str] = _NOTHING,
) -> Filled:
    """The fields that are not among the `misfits` yet; whoever `typed` something is told of it as they typed it."""
    values, wrong = dict[str, FormValue](), [*misfits]
    named = {each.field for each in misfits}
    for each in fields:
        if each.name in named:
            continue
        value = value_of(each, given.get(each.name))
        if isinstance(value, Misfit):
            got = _short(typed[each.name]) if each.name in typed else value.got
            wrong.append(value.model_copy(update={"got": got}))
        else:
            values[each.name] = value
    return Filled(values, tuple(wrong[:_MISFITS]))


def _lines(fields: Sequence[FormField], text: str) -> tuple[dict[str, str], list[Misfit]]:
    """The text for each field by its name, and the lines that are none."""
    keys, found, misfits = _keys(fields), dict[str, str](), list[Misfit]()
    above, last = "", None
    for line in filter(str.strip, _apart(fields, text).splitlines()):
        asked, value = _field(line, keys)
        value = "" if value in _BLANKS else value
        if asked is None and last is not None and _is_broken(above, line):
            found[last.name] += f" {line.strip()}"
        elif asked is None:
            misfits.append(Misfit(field="", why="unknown", got=_short(line)))
            last = None
        elif asked.name in found:
            misfits.append(Misfit(field=asked.name, why="twice", got=_short(value)))
            last = None
        else:
            found[asked.name] = value
            last = asked if asked.kind == "text" else None
        above = line
    return found, misfits


def _apart(fields: Sequence[FormField], text: str) -> str:
    """`text` with a line for each field again where a mail program has joined them, as Gmail does on Android
    (https://github.com/hteumeuleu/email-bugs/issues/76): each label is there once, in the order of the form.
    """
    if len(text.splitlines()) != 1 or len(fields) < 2:
        return text
    titles = [" ".join(each.title.split()) for each in fields]
    for labels in (titles, [f"{number} {title}" for number, title in enumerate(titles, 1)]):
        found = [[*re.finditer(rf"(?<!\S){re.escape(label)}:", text, re.IGNORECASE)] for label in labels]
        starts = [each[0].start() for each in found if len(each) == 1]
        if len(starts) == len(fields) and starts == sorted(starts) and starts[0] == 0:
            return "\n".join(text[start:end] for start, end in pairwise([*starts, len(text)]))
    return text


def _keys(fields: Sequence[FormField]) -> dict[str, FormField]:
    """Each way to begin a line about a field; a name is nobody else's title, nor that a numbered one."""
    marks = [(f"{number}{mark} ", each) for number, each in enumerate(fields, 1) for mark in ("", ".")]
    numbered = {folded(f"{mark}{each.title}"): each for mark, each in marks}
    return numbered | {folded(each.title): each for each in fields} | {folded(each.name): each for each in fields}


def _field(line: str, keys: Mapping[str, FormField]) -> tuple[FormField | None, str]:
    """The field that a line is about and its value. A label may hold colons itself; the longest that fits is meant."""
    for colons in range(max((key.count(":") for key in keys), default=0), -1, -1):
        parts = line.split(":", colons + 1)
        asked = keys.get(folded(":".join(parts[:-1])))
        if asked is not None and len(parts) == colons + 2:
            return asked, parts[-1].strip()
    return None, ""


def _is_broken(above: str, line: str) -> bool:
    """Return whether a mail program may have begun `line`, as its first word had no room on the one `above`."""
    return len(above) + 1 + len(line.split(maxsplit=1)[0]) > _FULL_LINE


def _text(asked: FormField, given: FormValue) -> _Value | Why:
    if not isinstance(given, str):
        return "not_a_text"
    text = given.strip()
    if len(text) < asked.min_length:
        return "too_short"
    if asked.longest is not None and len(text) > asked.longest:
        return "too_long"
    return _Value(text) if not asked.pattern or _fits(asked.pattern, text) else "other_pattern"


def _number(asked: FormField, given: FormValue) -> _Value | Why:
    text = _digits(given)
    is_whole = asked.kind == "integer"
    if not (_INTEGER if is_whole else _NUMBER).fullmatch(text):
        return "not_an_integer" if is_whole else "not_a_number"
    if len(text.lstrip("+-0").replace(".", "").strip("0")) > MOST_DIGITS or len(text) > 2 * MOST_DIGITS:
        return "too_many_digits"
    number, least, most = Decimal(text), bound(asked.minimum), bound(asked.maximum)
    if abs(number) >= 10**MOST_DIGITS:
        return "too_many_digits"
    if least is not None and number < least:
        return "too_small"
    if most is not None and number > most:
        return "too_large"
    return _Value(int(number) if number == number.to_integral_value() else float(number))


def _digits(given: FormValue) -> str:
    """`given` as the digits of a number; empty for anything that is none. True is no 1."""
    match given:
        case bool() | None:
            return ""
        case str():
            return given.strip()
        case int():
            return str(given) if abs(given) < 10**MOST_DIGITS else "9" * 3 * MOST_DIGITS
        case float():
            return f"{Decimal(repr(given)):f}"


def _date(asked: FormField, given: FormValue) -> _Value | Why:
    found = _DAY.fullmatch(given.strip()) if isinstance(given, str) else None
    if found is None:
        return "not_a_date"
    try:
        day = date(int(found["year"]), int(found["month"]), int(found["day"])).isoformat()
    except ValueError:
        return "no_such_day"
    # Days are compared as they are written, from the year down.
    if asked.minimum and day < asked.minimum:
        return "too_small"
    return "too_large" if asked.maximum and day > asked.maximum else _Value(day)


def _by_hand(asked: FormField, text: str, language: Language) -> FormValue | Misfit:
    """`text` as a program would have sent it, or why it can't be told what is meant."""
    match asked.kind:
        case "number" | "integer" if _GROUPED.fullmatch(text):
            return Misfit(field=asked.name, why="two_numbers", got=_short(text))
        case "number" if _BY_HAND.fullmatch(text):
            return text.replace(",", ".")
        case "date":
            return _day_by_hand(asked, text, language)
        case _:
            return text


def _day_by_hand(asked: FormField, text: str, language: Language) -> str | Misfit:
    """`24.12.2026` and `24 December 2026` as `2026-12-24`; `text` itself where it is no such thing.

    In which order day and month stand is plain to readers of German, who always set points: others use both.
    """
    named = _NAMED.fullmatch(text) or _NAMED_FIRST.fullmatch(text)
    month = months().get(named["name"].capitalize()) if named else None
    if named and month:
        return f"{named['year']}-{month:02}-{int(named['day']):02}"
    dotted = _DOTTED.fullmatch(text) if language == "de" else None
    if dotted:
        return f"{dotted['year']}-{int(dotted['month']):02}-{int(dotted['day']):02}"
    if _SEPARATED.fullmatch(text) and not _DAY.fullmatch(text):
        return Misfit(field=asked.name, why="two_dates", got=_short(text))
    return text


def _fits(pattern: str, text: str) -> bool:
    checks = compiled(pattern)
    try:
        return checks is not None and checks.validate_python(text) == text
    except ValidationError:
        return False


def _short(given: FormValue) -> str:
    return one_line(str(given), _GOT_CHARS)
