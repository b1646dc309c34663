"""Edits in words: what may be changed, what somebody made of it, and why they do not approve that. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pydantic import JsonValue

from agents.requests import GatedCall, PersonId, Request
from agents.text import quote
from bot.people.directory import People
from bot.policy.edits import changed_names, written
from bot.render.hashes import short_hashes
from channels import Input, Line
from language import say
from language.lists import both
from language.recorded import artifact_of

# As long as a line in a window, and as all that fits into one there.
_LINE_CHARS, _INPUT_CHARS = 200, 3_000
_VALUE_CHARS = 300
_PLAIN = re.compile(r"[\w.+/@:~-]{1,80}")


def edited(person: PersonId, old: GatedCall, new: GatedCall, people: People) -> str:
    """`Bo Berg changed version from v1.2.0 to v1.3.0: votes before are void.`"""
    changes = differences(changed_names(old, new), old.arguments, new.arguments)
    return say("card.edited", name=people.name_of(person), changes=changes)


def differences(names: Iterable[str], before: Mapping[str, JsonValue], now: Mapping[str, JsonValue]) -> str:
    """`version from v1.2.0 to v1.3.0 and force from false to true`"""
    return both(
        [
            say("card.edited-argument", name=name, was=shown(before.get(name)), now=shown(now.get(name)))
            for name in names
        ]
    )


def shown(value: JsonValue) -> str:
    """Return a value as a part of a sentence: in quotation marks unless it is plainly one word."""
    text = written(value)
    return text if _PLAIN.fullmatch(text) else quote(text, _VALUE_CHARS)


def editable(form: str, call: GatedCall | None) -> list[Line]:
    """Return the line that says to whoever decides which arguments they can change; nothing where there are none."""
    if form != "approval" or call is None or not call.editable:
        return []
    names = both(list(call.editable))
    return [Line(label=say("card.may-be-changed"), text=say("card.may-be-changed-by", names=names))]


def edit_inputs(request: Request, names: Sequence[str]) -> tuple[Input, ...]:
    """Return a field for each argument of these `names`, with its value now; none for one too long to fit there."""
    call = request.call if request.format == "approval" else None
    values = [(name, written(call.arguments.get(name))) for name in names] if call else []
    return tuple(
        Input(name=name, value=text, max_length=_LINE_CHARS if _is_line(text) else _INPUT_CHARS)
        for name, text in values
        if len(text) <= _INPUT_CHARS
    )


def _is_line(text: str) -> bool:
    return len(text) <= _LINE_CHARS // 2 and "\n" not in text


def why_editor(edits: Mapping[str, tuple[PersonId, ...]], person: PersonId) -> str:
    """Return, to stand after their name, what somebody did who does not approve their own edit."""
    names = both([name for name, those in sorted(edits.items()) if person in those])
    return say("card.part-edited", names=names)


def changes_between(old: GatedCall, new: GatedCall) -> tuple[str, ...]:
    """Return the differences between two calls, in words for people."""
    moved = [*changed_effect(old, new)]
    if names := changed_names(old, new):
        moved.append(say("card.moved-arguments", changes=differences(names, old.arguments, new.arguments)))
    if not moved and old.effect.argv != new.effect.argv:
        moved.append(say("card.moved-command", was=list(old.effect.argv), now=list(new.effect.argv)))
    return tuple(moved)


def changed_effect(old: GatedCall, new: GatedCall) -> tuple[str, ...]:
    """Return what else differs than the arguments, and what follows from them plainly."""
    nothing = say("card.not-recorded")
    moved = [
        say("card.moved-version", name=version_name(name), **told_apart(was or nothing, now or nothing))
        for name, was, now in _moved(old, new, old.effect.versions, new.effect.versions)
    ]
    moved += [
        say("card.moved-artifact", name=artifact_of(name), **told_apart(was or nothing, now or nothing))
        for name, was, now in _moved(old, new, old.effect.artifacts, new.effect.artifacts)
    ]
    if old.effect.cwd != new.effect.cwd:
        moved.append(say("card.moved-folder", was=old.effect.cwd or nothing, now=new.effect.cwd or nothing))
    if bool(old.effect.commit) != bool(new.effect.commit):
        moved.append(say("card.moved-to-copy") if new.effect.commit else say("card.moved-from-copy"))
    return tuple(moved)


def told_apart(was: str, now: str) -> dict[str, str]:
    """Return both with short hashes of commits; whole ones where only those tell them apart."""
    short = {"was": short_hashes(was), "now": short_hashes(now)}
    return short if short["was"] != short["now"] else {"was": was, "now": now}


def _moved(
    old: GatedCall, new: GatedCall, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[tuple[str, str | None, str | None]]:
    """The names under which both calls have something else; with other arguments, those that both of them have."""
    names = {**after, **before}
    if old.arguments != new.arguments:
        names = {name: said for name, said in names.items() if name in before and name in after}
    return ((name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name))


def version_name(name: str) -> str:
    """Return a name that somebody chose, such that it can't be read as one of ours: `"plan"`."""
    return json.dumps(name, ensure_ascii=False)
