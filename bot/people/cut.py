"""Whether a file lacks its end, beside what stood there before, and what was lost by it that guards.

A disk that filled leaves a file without its last lines, and a policy without its quorum is a policy all the same.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from bot.config.directory.policies import refs_of
from bot.people.noted import difference
from bot.people.tables import Tables

Lines = Sequence[str]
"""A short hash of each line that says something, that of a head behind a bracket, and `END` after them where the last
one is ended.
"""

END = ""
_HEAD = "["
_CHARS = 8


def lines_of(content: bytes) -> list[str]:
    """Return the lines of a file, to be kept and compared by `lacks_end`."""
    lines = [f"{_HEAD * line.startswith(b'[')}{_short(line)}" for one in content.splitlines() if (line := one.strip())]
    return [*lines, END] if content.endswith((b"\n", b"\r")) else lines


def members_of(tables: Tables) -> dict[str, list[str]]:
    """Return who stands in the file of each group, to be kept and compared by `groups_lost`."""
    return {name: [_short(one.encode()) for one in file.addresses] for name, file in tables.files.items()}


def _short(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()[:_CHARS]


def lacks_end(before: Lines, now: Lines) -> bool:
    """Return whether the lines `before` go on where those of `now` end, or the last one of `now` is not ended.

    Where somebody changed what stands above, the end may be missing as well: none of what followed is there any more.
    """
    if before[-1:] == [END] and now[-1:] != [END]:
        return True
    if now[-1:] != [END] and _goes_on(before[:-1], now[:-1]):  # none of the two was ended: the end may be within a line
        return True
    return _goes_on([one for one in before if one != END], [one for one in now if one != END])


def breaks_off(before: Lines, now: Lines) -> bool:
    """Return whether the last table of a file is the beginning of what it was `before`, or all those below it are gone.

    Where somebody copied a table above, its lines hide from `lacks_end` that others like them are missing.
    """
    was, tables = _tables_in(before), _tables_in(now)
    heads = [head for head, _ in was]
    had, has = Counter(heads), Counter(head for head, _ in tables)
    last = next((at for at in reversed(range(len(tables))) if tables[at][0] in had), 0)
    head, body = tables[last]
    if had[head] != 1 or has[head] != 1:
        return False
    place, new = heads.index(head), len(tables) - 1 - last
    said, below = was[place][1], heads[place + 1 :]
    if not new and body != said and said[: len(body)] == body:
        return True
    # As many as there are new ones may be called otherwise.
    return len(below) > new and all(has[one] < had[one] for one in below)


def _tables_in(lines: Lines) -> list[tuple[str, list[str]]]:
    """Return the head and the lines of each table of a file, first of what stands above all heads."""
    found = [("", list[str]())]
    for line in lines:
        if line.startswith(_HEAD):
            found.append((line, []))
        elif line != END:
            found[-1][1].append(line)
    return found


def _goes_on(before: Lines, now: Lines) -> bool:
    if not now or not before:
        return bool(before)
    first = {line: len(before) - place for place, line in enumerate(reversed(before), 1)}
    kept, last_new = max((first[one] for one in now if one in first), default=-1), max(first.values())
    often = Counter(now)
    lost, tail = Counter(before) - often, Counter[str]()
    is_lost = True
    for place in range(len(before) - 1, 0, -1):
        tail[before[place]] += 1
        is_lost = is_lost and tail[before[place]] <= lost[before[place]]
        if before[place - 1] == now[-1] and (
            is_lost or (kept < place <= last_new and _is_there(before, place, now, often))
        ):
            return True
    return False


def _is_there(before: Lines, place: int, now: Lines, often: Mapping[str, int]) -> bool:
    """Return whether what stands before a `place` is the end of `now`, back to a line that stands only once there.

    Else another table that ends like one above may stand in place of the last one.
    """
    for back in range(1, min(place, len(now)) + 1):
        if before[place - back] != now[-back]:
            return False
        if often[now[-back]] == 1:
            return True
    return True


def guards_lost(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """Return what is gone or says something else, of two sets of hashes, but for people who are gone."""
    found = difference(before, after)
    return (*(name for name in found.removed if not name.startswith("people.")), *found.changed)


def groups_lost(before: Mapping[str, Lines], after: Tables) -> tuple[str, ...]:
    """Return the groups whose own file lost its end, and with it everybody, some who may start nothing, or so many
    that a policy needs more of them than there are.
    """
    members = members_of(after)

    def is_lost(name: str) -> bool:
        was, now, addresses = [*before[name]], members[name], after.files[name].addresses
        if now and now[-1] not in was and addresses[-1] not in after.by_email:  # it may end within an address
            now = now[:-1]
        lacks = len(now) < len(was) and was[: len(now)] == now
        return lacks and (not now or f"group:{name}" in after.roles.viewer or _has_too_few(name, after))

    return tuple(f"groups.{name}" for name in before if name in members and is_lost(name))


def _has_too_few(name: str, tables: Tables) -> bool:
    """Return whether a policy asks this group, alone or with single people, and needs more than all of them are."""
    group, here = f"group:{name}", {tables.by_email.get(one, "") for one in tables.files[name].addresses} - {""}
    for policy in tables.policies.values():
        for _, table in policy.rules:
            others = {*refs_of(table.approvers or ())} ^ {group}
            people = here | {one.removeprefix("person:") for one in others}
            if all(one.startswith("person:") for one in others) and len(people) < table.quorum:
                return True
    return False
