"""Settings files of other programs: puts what is ours in, or takes it out, and leaves all else as it is."""

import json
import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from bot.errors import Invalid

Object = dict[str, Any]
NOTE = "Sayso-Wrote"
"""The header of our hook that names the settings which were written with it, and which leave with it."""


@dataclass(frozen=True, slots=True)
class Mine:
    """Entries of lists in the table `table`, each by the event that its list is for.

    `is_mine` recognises ours, however they were written before. `beside` goes into a file that has nothing else.
    `settings` are set as well, each by its table and its name, such as `("permissions", "mode")`.
    """

    table: str
    entries: Mapping[str, Mapping[str, Any]]
    is_mine: Callable[[Mapping[str, Any]], bool]
    beside: Mapping[str, Any] = field(default_factory=dict[str, Any])
    settings: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])


@dataclass(frozen=True, slots=True)
class NamedIn:
    """The entry `name` of the table `table`."""

    table: str
    name: str
    entry: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a TOML file, as text."""

    names: Sequence[str]
    text: str


Written = Mine | NamedIn | Table


def text_of(ours: Written) -> str:
    """Return a file that has nothing else."""
    return put("", ours)


def change(path: Path, how: Callable[[str, Written], str], ours: Written) -> bool:
    """Put what is ours into a file, or take it out; return whether the file changed. Raises Invalid."""
    before = _read(path)
    try:
        after = how(before, ours)
    except NotPlain as error:
        do = "Change it by hand: without --write and --remove, this command shows what goes there"
        raise Invalid(f"{path} is left as it is, for {error}", do) from error
    if after != before:
        _write(path, after)
    return after != before


class NotPlain(ValueError):
    """The file can't be changed with all else kept, and the text says why."""


def put(text: str, ours: Written) -> str:
    """Return the file `text` with what is ours in it, once. Raises NotPlain."""
    if isinstance(ours, Table):
        return _with_table(text, ours)
    found = _object(text)
    rest = _without(found, ours)
    table = _table(rest, ours.table)
    if isinstance(ours, NamedIn):
        table = table | {ours.name: dict(ours.entry)}
    else:
        rest = rest or dict(ours.beside)
        rest, wrote = _with_settings(rest, ours)
        for event, entry in ours.entries.items():
            table = table | {event: [*_list(table, event), _noting(entry, wrote)]}
            wrote = ""  # once is enough
    now = _in_order(rest | {ours.table: _in_order(table, _table(found, ours.table))}, found)
    return text if now == found else _written(text, now)


def taken_out(text: str, ours: Written) -> str:
    """Return the file `text` with nothing of ours in it; empty where nothing is left. Raises NotPlain."""
    if isinstance(ours, Table):
        return _without_table(text, ours)
    found = _object(text)
    rest = _without(found, ours)
    if rest == found:
        return text
    is_bare = not rest or (isinstance(ours, Mine) and rest == ours.beside)
    return "" if is_bare else _written(text, rest)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} can't be read: {error}", "Nothing was written") from error


def _write(path: Path, text: str) -> None:
    """Replace a file in one step, or remove it where no text is left; a link to it stays one."""
    path = path.resolve()
    try:
        if not text:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
            if path.exists():
                shutil.copymode(path, name)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Invalid(f"{path} can't be written: {error}", "It is as it was") from error


def _without(found: Object, ours: Mine | NamedIn) -> Object:
    """Return what is there without ours, and without what ours alone had filled."""
    table = _table(found, ours.table)
    if isinstance(ours, NamedIn):
        left: Object = {name: value for name, value in table.items() if name != ours.name}
    else:
        found = _without_settings(found, table, ours)
        kept: Object = {
            name: _kept(cast("list[Any]", value), ours.is_mine) if isinstance(value, list) else value
            for name, value in table.items()
        }
        left = {name: kept[name] for name, value in table.items() if kept[name] or not value}
    if left == table:
        return found
    return {name: left if name == ours.table else value for name, value in found.items() if name != ours.table or left}


def _with_settings(rest: Object, ours: Mine) -> tuple[Object, str]:
    """Return it with our settings, and those that were not there before. Raises NotPlain where one is otherwise."""
    wrote = list[str]()
    for (table, name), value in ours.settings.items():
        before = _table(rest, table)
        if before.get(name, value) != value:
            raise NotPlain(f"{table}.{name} in it is {before[name]!r}, and has to be {value!r}")
        if name not in before:
            rest = rest | {table: before | {name: value}}
            wrote.append(f"{table}.{name}={value}")
    return rest, " ".join(wrote)


def _noting(entry: Mapping[str, Any], wrote: str) -> Object:
    if not wrote:
        return dict(entry)
    hooks = [{**hook, "headers": {**hook["headers"], NOTE: wrote}} for hook in entry["hooks"]]
    return {**entry, "hooks": hooks}


def _without_settings(found: Object, table: Object, ours: Mine) -> Object:
    """Return what is there without the settings that our hooks note, as far as nobody has changed them since."""
    noted = [
        word.partition("=")
        for hook in _hooks_in([*table.values()])
        if ours.is_mine(hook) and isinstance(hook.get("headers"), dict)
        for word in str(hook["headers"].get(NOTE, "")).split()
    ]
    for path, _, value in noted:
        where, _, name = path.partition(".")
        before = _table(found, where)
        if before.get(name) == value:
            left: Object = {other: kept for other, kept in before.items() if other != name}
            found = {one: left if one == where else kept for one, kept in found.items() if one != where or left}
    return found


def _hooks_in(entries: Sequence[Any]) -> Iterator[Object]:
    """Yield what may be a hook: alone, or in a group of them."""
    for entry in entries:
        if isinstance(entry, list):
            yield from _hooks_in(cast("list[Any]", entry))
        elif isinstance(entry, dict):
            yield (one := cast("Object", entry))
            yield from _hooks_in([one.get("hooks")])


def _in_order(now: Object, before: Object) -> Object:
    """Return it with the names that were there before where they were."""
    return {
        name: now[name]
        for name in (*(name for name in before if name in now), *(name for name in now if name not in before))
    }


def _kept(entries: Sequence[Any], is_mine: Callable[[Mapping[str, Any]], bool]) -> list[Any]:
    """Return the entries that are not ours: hooks alone, or groups of them."""
    kept = list[Any]()
    for entry in entries:
        if not isinstance(entry, dict):
            kept.append(entry)
            continue
        group = cast("Object", entry)
        inner = cast("list[Any]", group["hooks"]) if isinstance(group.get("hooks"), list) else None
        others = None if inner is None else _kept(inner, is_mine)
        if is_mine(group) or (inner and not others):
            continue
        kept.append(group if others is None else {**group, "hooks": others})
    return kept


def _object(text: str) -> Object:
    def once(pairs: list[tuple[str, Any]]) -> Object:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a name is there twice")
        return found

    try:
        found: object = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=once) if text.strip() else {}
    except ValueError as error:
        raise NotPlain(f"it is no plain JSON ({error}): comments would be lost") from error
    if not isinstance(found, dict):
        raise NotPlain("it holds no JSON object")
    return cast("Object", found)


def _table(found: Mapping[str, Any], name: str) -> Object:
    table = found.get(name, {})
    if not isinstance(table, dict):
        raise NotPlain(f"{name!r} in it is no object")
    return cast("Object", table)


def _list(table: Mapping[str, Any], name: str) -> list[Any]:
    entries = table.get(name, [])
    if not isinstance(entries, list):
        raise NotPlain(f"{name!r} in it is no list")
    return cast("list[Any]", entries)


def _written(before: str, found: Object) -> str:
    """Return it as JSON, indented as it was."""
    indent = re.search(r"^([ \t]+)\S", before, re.MULTILINE)
    return json.dumps(found, indent=indent[1] if indent else 2, ensure_ascii=False) + "\n"


def _with_table(text: str, ours: Table) -> str:
    rest = _without_table(text, ours)
    if text and rest + _gap(rest) + ours.text == text:
        return text
    now = rest + _gap(rest) + ours.text
    wanted = _nested(ours.names, _toml(ours.text), _toml(rest))
    if _toml(now) != wanted:
        raise NotPlain(f"[{'.'.join(ours.names)}] does not fit into it")
    return now


def _gap(text: str) -> str:
    return "" if not text else "\n" if text.endswith("\n") else "\n\n"


def _without_table(text: str, ours: Table) -> str:
    """Return the lines without those of the table. Raises NotPlain where it is written in another way."""
    found = _toml(text)
    parent = _table(found, ours.names[0])
    if ours.names[1] not in parent:
        return text
    kept, is_ours = list[str](), False
    head = re.compile(
        r"\s*\[\s*" + r"\s*\.\s*".join(rf"[\"']?{re.escape(name)}[\"']?" for name in ours.names) + r"\s*[\].]"
    )
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("["):
            is_ours = bool(head.match(line))
            if is_ours and kept and not kept[-1].strip():
                kept.pop()
        if not is_ours:
            kept.append(line)
    rest = "".join(kept)
    left = {name: value for name, value in parent.items() if name != ours.names[1]}
    wanted = {name: left if name == ours.names[0] else value for name, value in found.items()}
    if _toml(rest) not in (wanted, {name: value for name, value in wanted.items() if name != ours.names[0]}):
        raise NotPlain(f"[{'.'.join(ours.names)}] is written there in another way")
    return rest


def _nested(names: Sequence[str], ours: Object, rest: Object) -> Object:
    first, second = names
    return rest | {first: _table(rest, first) | {second: _table(_table(ours, first), second)}}


def _toml(text: str) -> Object:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotPlain(f"it is no TOML ({error})") from error
