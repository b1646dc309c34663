"""Keeps what is personal out of the chain, so that it can be forgotten: people stand there under pseudonyms, and texts
as salted commitments. What they stand for is kept beside the chain, where it can be deleted but not changed unseen.
"""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import InitVar, dataclass, field
from itertools import count
from typing import Any, cast

from pydantic import JsonValue, ValidationError

from agents.requests import Frozen
from agents.requests.proof import Proof, proofs
from bot.audit.records import AuditRecord

FORGOTTEN = "forgotten"
"""Stands for a person, or a text, that was deleted."""

# What is committed to. All else in a record names nobody.
PARTS = ("proof", "words", "policy", "cards", "detail")
# With a backslash before it, it is what somebody wrote, and was put there to tell it from one.
_PSEUDONYM, _ESCAPED = re.compile(r"p-[a-z2-7]{20}"), re.compile(r"\\+p-[a-z2-7]{20}")
_LIKE_ONE, _LIKE_ONE_IN_TEXT = r"\\*p-[a-z2-7]{20}", re.compile(r"⟦\\*p-[a-z2-7]{20}⟧")
_BEFORE_ONE = re.compile(r"⟦(?=\\*p-)")
_IN_TEXT = re.compile(r"⟦(\\*)(p-[a-z2-7]{20})⟧")
# In the chain itself; all else there is what it looks like.
_NAMING = frozenset({"who", "people"})
_PREFIXES = ("person:", "people.")
_SALT_BYTES, _PSEUDONYM_CHARS, _COMMITMENT_CHARS = 16, 20, 40
# Names are looked up by so many of their first letters.
_START_CHARS = 3


class Row(Frozen):
    """Whom a pseudonym stands for. It is a hash of these three, so the row can't be changed unseen."""

    id: str
    name: str
    salt: str

    @property
    def pseudonym(self) -> str:
        """The pseudonym of this person."""
        digest = hashlib.sha256(json.dumps([self.salt, self.id, self.name]).encode()).digest()
        return f"p-{base64.b32encode(digest).decode().lower()[:_PSEUDONYM_CHARS]}"


def row_in(body: bytes) -> Row | None:
    """The row with this body; None for what is none, as if it were not there."""
    try:
        return Row.model_validate_json(body)
    except ValidationError:
        return None


class Everybody:
    """People with what they are called, by id, and a quick way to find those names in texts, however many there are."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names
        self._by_name = {name: one for one, name in names.items() if name and name != one}
        self._starts = dict[str, list[str]]()
        for name in sorted(self._by_name, key=len, reverse=True):
            self._starts.setdefault(name[:_START_CHARS], []).append(name)
        # Others may begin within one that is found.
        self._begins = re.compile(f"(?={_one_of(self._starts)})")

    def places(self, text: str) -> Iterator[int]:
        """Yield where in `text` a name may stand: the letters there begin one."""
        return (found.start() for found in self._begins.finditer(text))

    def at(self, text: str, place: int) -> str:
        """Return the longest name that stands at a place in `text`; empty where none does."""
        longest = "", *(self._starts.get(text[place : place + length], ()) for length in range(1, _START_CHARS + 1))
        return max((name for names in longest for name in names if text.startswith(name, place)), key=len, default="")

    def of_name(self, name: str) -> str:
        """Return who is called so; empty where nobody is."""
        return self._by_name.get(name, "")


def _one_of(words: Iterable[str]) -> str:
    """Return a pattern for any of `words` that goes through a text letter by letter, however many they are."""
    tails = dict[str, set[str]]()
    for word in words:
        tails.setdefault(word[:1], set()).add(word[1:])
    if "" in tails:
        return ""
    return f"(?:{'|'.join(re.escape(first) + _one_of(rest) for first, rest in tails.items())})" if tails else "(?!)"


@dataclass
class Pseudonyms:
    """The pseudonyms of a shard. `fresh` are those that were made and used here, and are still to be kept.

    `everybody` in the directory is hidden wherever they are named, and so are others once they are known.
    """

    rows: InitVar[Mapping[str, Row]]
    everybody: Everybody
    name_of: Callable[[str], str]
    fresh: dict[str, Row] = field(default_factory=dict[str, Row])

    def __post_init__(self, rows: Mapping[str, Row]) -> None:
        self._by_person = {(row.id, row.name): pseudonym for pseudonym, row in rows.items()}
        self._made, self._others = dict[str, Row](), Everybody({})

    def keep(self) -> None:
        """Note that what is fresh is kept by now."""
        self.fresh = {}

    def know(self, people: Iterable[str]) -> None:
        """Have these people hidden wherever they are named."""
        new = [one for one in dict.fromkeys(people) if one and not self._is_known(one)]
        if new:
            self._others = Everybody({**self._others.names, **{one: self.name_of(one) for one in new}})

    def _is_known(self, person: str) -> bool:
        return person in self.everybody.names or person in self._others.names

    def of(self, person: str) -> str:
        """The pseudonym of a person; one of the chain itself stays what it is."""
        if _PSEUDONYM.fullmatch(person):
            return person
        name = self.name_of(person)
        found = self._by_person.get((person, name))
        if found is None:
            row = Row(id=person, name=name, salt=secrets.token_hex(_SALT_BYTES))
            found = self._by_person[person, name] = row.pseudonym
            self._made[found] = row
        return found

    def use(self, person: str) -> str:
        """The pseudonym of a person, who stands somewhere under it from now on."""
        pseudonym = self.of(person)
        if row := self._made.pop(pseudonym, None):
            self.fresh[pseudonym] = row
        return pseudonym

    def hide(self, value: JsonValue) -> JsonValue:
        """`value` with pseudonyms in place of the ids and names of everybody who is known."""
        match value:
            case str():
                return self._hide(value)
            case list():
                return [self.hide(one) for one in value]
            case dict():
                return {self._hide(name): self.hide(one) for name, one in value.items()}
            case _:
                return value

    def _hide(self, text: str) -> str:
        if text and self._is_known(text):
            return self.use(text)
        prefix, name = _prefixed(text)
        if prefix and self._is_known(name):
            return f"{prefix}{self.use(name)}"
        if re.fullmatch(_LIKE_ONE, name):
            return f"{prefix}\\{name}"
        return "".join(self._hide_in_text(text))

    def _hide_in_text(self, text: str) -> Iterator[str]:
        begins = 0
        brackets = (found.start() for found in _BEFORE_ONE.finditer(text))
        for place in sorted({*brackets, *self.everybody.places(text), *self._others.places(text)}):
            if place < begins:
                continue
            if like := _LIKE_ONE_IN_TEXT.match(text, place):
                found, instead = like[0], f"⟦\\{like[0][1:]}"
            else:
                found = max(self.everybody.at(text, place), self._others.at(text, place), key=len)
                instead = f"⟦{self.use(self.everybody.of_name(found) or self._others.of_name(found))}⟧" if found else ""
            if found:
                yield text[begins:place]
                yield instead
                begins = place + len(found)
        yield text[begins:]


def restored(value: JsonValue, rows: Mapping[str, Row]) -> JsonValue:
    """`value` with people in place of their pseudonyms, and what only looked like one as it was written."""
    match value:
        case str():
            return _restored_text(value, rows)
        case list():
            return [restored(one, rows) for one in value]
        case dict():
            found = dict[str, JsonValue]()
            for name, one in value.items():
                found[_other(_restored_text(name, rows), found)] = restored(one, rows)
            return found
        case _:
            return value


def _restored_text(value: str, rows: Mapping[str, Row]) -> str:
    def named(found: re.Match[str]) -> str:
        if found[1]:
            return f"⟦{found[1][1:]}{found[2]}⟧"
        return rows[found[2]].name if found[2] in rows else FORGOTTEN

    prefix, text = _prefixed(value)
    if _PSEUDONYM.fullmatch(text):
        return prefix + (rows[text].id if text in rows else FORGOTTEN)
    return prefix + text[1:] if _ESCAPED.fullmatch(text) else _IN_TEXT.sub(named, value)


def _other(name: str, than: Collection[str]) -> str:
    """Return `name`, with a number where it is there already: two who were forgotten are still two."""
    numbered = (f"{name} ({number})" for number in count(2))
    return name if name not in than else next(one for one in numbered if one not in than)


def _prefixed(text: str) -> tuple[str, str]:
    """Return how a text names somebody, and whom: `person:bo` does in rules, `people.bo` in what changed in them."""
    prefix = next(filter(text.startswith, _PREFIXES), "")
    return prefix, text[len(prefix) :]


def commitment(salt: str, text: str) -> str:
    """What stands in the chain for `text`."""
    return hashlib.sha256(f"{salt}\n{text}".encode(errors="surrogatepass")).hexdigest()[:_COMMITMENT_CHARS]


Kept = dict[str, tuple[str, str]]
"""What is kept beside the chain of a record: by its part, the salt, and the text as JSON."""


def kept_in(found: object) -> Kept:
    """`found`, which was read from JSON, as what is kept. Raises ValueError, TypeError or AttributeError."""
    return {part: (str(salt), str(value)) for part, (salt, value) in cast("dict[str, Any]", found).items()}


def split(record: AuditRecord, pseudonyms: Pseudonyms) -> tuple[dict[str, Any], Kept]:
    """A record as it goes into the chain, and what is kept beside it.

    A part that somebody wrote, or that tells of them, goes with whoever the record is of, or wrote on its cards. A
    policy names nobody but by their pseudonyms, and stays.
    """
    body = record.model_dump(mode="json", exclude={*PARTS, "who", "people"})
    everybody = dict.fromkeys(([record.who] if record.who else []) + list(record.people))
    of_whom = dict.fromkeys((*everybody, *(record.writers if record.cards else ())))
    pseudonyms.know(of_whom)
    of = [pseudonyms.use(one) for one in of_whom]
    if record.who:
        body["who"] = pseudonyms.use(record.who)
    if record.people:
        body["people"] = [pseudonyms.use(one) for one in record.people]
    kept = Kept()
    values = record.model_dump(mode="json", include=set(PARTS))
    for part in PARTS:
        if not (value := values.get(part)):
            continue
        hidden = _hidden(record.proof, pseudonyms) if part == "proof" and record.proof else pseudonyms.hide(value)
        salt, text = secrets.token_hex(_SALT_BYTES), json.dumps(hidden, ensure_ascii=False)
        kept[part] = salt, text
        body.setdefault("parts", {})[part] = commitment(salt, text)
    if of and set(kept) - {"policy"}:
        body["of"] = of
    return body, kept


def _hidden(proof: Proof, pseudonyms: Pseudonyms) -> JsonValue:
    """Return a proof without names: words of ours in it name nobody, whoever has one of them as an id."""
    fields, told = type(proof).model_fields, proof.model_dump(mode="json")
    return {name: pseudonyms.hide(one) if fields[name].annotation is str else one for name, one in told.items()}


def joined(body: Mapping[str, Any], kept: Kept, rows: Mapping[str, Row]) -> dict[str, JsonValue]:
    """A record as people read it: the other way round. What was deleted is `forgotten`."""
    found = {
        name: restored(value, rows) if name in _NAMING else cast("JsonValue", value)
        for name, value in body.items()
        if name not in {"parts", "of", "key"}
    }
    for part in body.get("parts", {}):
        found[part] = restored(json.loads(kept[part][1]), rows) if part in kept else FORGOTTEN
    if proof := found.get("proof"):
        found["evidence"] = proofs.validate_python(proof).words if isinstance(proof, dict) else FORGOTTEN
    return found


def wrong_parts(body: Mapping[str, Any], kept: Kept, rows: Mapping[str, Row], forgotten: frozenset[str]) -> list[str]:
    """Return what is wrong beside the chain with one record, in words.

    What is not there must be of somebody in `forgotten`.
    """
    wrong, committed = list[str](), cast("dict[str, str]", body.get("parts", {}))
    named = {body.get("who"), *body.get("of", ()), *body.get("people", ())} - {None}
    for part, expected in committed.items():
        if part in kept:
            if commitment(*kept[part]) != expected:
                wrong.append(f"its {part} was changed")
            elif part == "policy":  # in the others people may have written what looks like a pseudonym
                named |= set(_named_in(json.loads(kept[part][1])))
        elif part == "policy" or not forgotten.intersection(body.get("of", ())):
            wrong.append(f"its {part} was deleted, and nobody whom it is about was forgotten")
    if body.get("kind") != "forgotten" and not named <= rows.keys() | forgotten:
        wrong.append("it is not known any more who it was, and nobody was forgotten")
    return wrong


def _named_in(value: JsonValue) -> Iterator[str]:
    """Every pseudonym in a policy."""
    match value:
        case str():
            name = _prefixed(value)[1]
            in_text = (found[2] for found in _IN_TEXT.finditer(value) if not found[1])
            yield from [name] if _PSEUDONYM.fullmatch(name) else in_text
        case list():
            for one in value:
                yield from _named_in(one)
        case dict():
            for name, one in value.items():
                yield from _named_in(name)
                yield from _named_in(one)
        case _:
            pass
