"""Groups in a file beside `sayso.toml`: CSV with the columns `email` and `group`, or SCIM groups as JSON.

SCIM: https://www.rfc-editor.org/rfc/rfc7643#section-4.2, one Group, a list of them, or a ListResponse.
"""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from bot.config.files import read_file

# A file of everybody in a large company has some megabytes less, and nobody means a longer one.
_MOST_BYTES = 2_000_000
_MOST_MEMBERS = 20_000
_MOST_CHARS = 320
"""The longest address there is: RFC 5321, 4.5.3.1."""


class GroupFileError(ValueError):
    """A file of groups can't be used; the text names the file, the line or place, and what is allowed."""


def read_group_file(path: Path, group: str) -> tuple[str, ...]:
    """The mail addresses of whom the file has in `group`, in lower case, each once. Raises GroupFileError."""
    text = _text(path)
    rows = _of_json(path.name, text, group) if path.suffix.lower() == ".json" else _of_csv(path.name, text)
    found: dict[str, None] = {}
    for where, email, name in rows:
        address = email.strip().lower()
        if "@" not in address or len(address) > _MOST_CHARS or any(char.isspace() for char in address):
            raise GroupFileError(f"{path.name}: {where}: found {email[:80]!r}; allowed: a mail address")
        if name.strip() == group:
            found[address] = None
        if len(found) > _MOST_MEMBERS:
            raise GroupFileError(f"{path.name}: {where}: more than {_MOST_MEMBERS:,} are in {group}")
    return tuple(found)


def _text(path: Path) -> str:
    try:
        content = read_file(path, _MOST_BYTES)
    except OSError as error:
        raise GroupFileError(f"{path.name}: can't be read: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise GroupFileError(f"{path.name}: line {line}: is not UTF-8") from error


def _of_csv(file: str, text: str) -> Iterator[tuple[str, str, str]]:
    """Yield (where, email, group) of each line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = [name.strip().lower() for name in next(reader, list[str]())]
        if not {"email", "group"} <= set(columns):
            raise GroupFileError(f"{file}: line 1: found {','.join(columns)[:80]!r}; allowed: columns email and group")
        email, group = columns.index("email"), columns.index("group")
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(columns):
                found = f"found {len(row)} columns; allowed: {len(columns)}, as in line 1"
                raise GroupFileError(f"{file}: line {reader.line_num}: {found}")
            yield f"line {reader.line_num}", row[email], row[group]
    except csv.Error as error:
        raise GroupFileError(f"{file}: line {reader.line_num}: is no CSV: {error}") from error


def _of_json(file: str, text: str, wanted: str) -> Iterator[tuple[str, str, str]]:
    """Yield (where, email, group) of each member of the group that is called `wanted`."""
    try:
        found = cast("JsonValue", json.loads(text))
        json.dumps(found, ensure_ascii=False).encode()  # half a character, which JSON can hold, nothing could write
    except json.JSONDecodeError as error:
        raise GroupFileError(f"{file}: line {error.lineno}: is no JSON: {error.msg}") from error
    except RecursionError as error:
        raise GroupFileError(f"{file}: is nested too deeply") from error
    except ValueError as error:  # a number of thousands of digits, or half a character
        raise GroupFileError(f"{file}: holds what can't be used: {error}") from error
    names = list[str]()
    for place, group in _groups(file, found):
        name = group.get("displayName")
        if not isinstance(name, str):
            raise GroupFileError(f"{file}: {place}displayName: is missing; allowed: the name of the group")
        names.append(name)
        if name.strip() != wanted:
            continue
        members = group.get("members", list[JsonValue]())
        if not isinstance(members, list):
            raise GroupFileError(f"{file}: {place}members: allowed: a list")
        for number, member in enumerate(members):
            yield f"{place}members[{number}]", _email_of(member), name
    if wanted not in (name.strip() for name in names):
        listed = ", ".join(names)[:200] or "none"
        raise GroupFileError(f"{file}: displayName: no group is called {wanted!r}; there are: {listed}")


def _groups(file: str, found: JsonValue) -> Iterator[tuple[str, dict[str, JsonValue]]]:
    """Yield each group, and what its keys begin with in error texts."""
    resources = found.get("Resources") if isinstance(found, dict) else found
    if isinstance(resources, list):
        place = "Resources" if isinstance(found, dict) else ""
        listed = [(f"{place}[{number}]", group) for number, group in enumerate(resources)]
    else:
        listed = [("", found)]
    for where, group in listed:
        if not isinstance(group, dict):
            raise GroupFileError(f"{file}: {where or 'the file'}: allowed: a SCIM group")
        yield (f"{where}." if where else ""), group


def _email_of(member: JsonValue) -> str:
    """Return the address of a member: its `value`, or its `display` where the value is an id of the other system."""
    if not isinstance(member, dict):
        return json.dumps(member)
    value, display = member.get("value"), member.get("display")
    texts = [text for text in (value, display) if isinstance(text, str)]
    return next((text for text in texts if "@" in text), texts[0] if texts else "")
