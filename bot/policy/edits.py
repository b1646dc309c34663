"""Edits of what is asked, by those who decide: what may be changed, and what stands afterwards. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Literal

import rfc8785
from pydantic import JsonValue, TypeAdapter

from agents.requests import Frozen, GatedCall, PersonId, Request
from agents.standing import ALLOW_AGAIN
from bot.policy.digest import call_digest
from language.stored import Stored

_json: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


class Edited(Stored, Frozen):
    """Somebody changed the arguments `names`: everybody is asked again, about `revision`.

    `may_approve`: so is whoever changed them. `is_own`: they asked for it, and do not decide it.
    """

    type: Literal["edited"] = "edited"
    names: tuple[str, ...]
    revision: int
    digest: str
    may_approve: bool = False
    is_own: bool = False


class EditRefused(Frozen):
    """An edit changed nothing. `why` is a sentence for whoever wanted it.

    `kind`: `names` may not be edited, or there are none such; `same`: all of it is so already; `tool`: the tool, its
    arguments or its gate refuse the call; `too_few`: too few people would be left to approve it; `too_many`: it was
    changed too often.
    """

    type: Literal["edit_refused"] = "edit_refused"
    kind: Literal["names", "same", "tool", "too_few", "too_many"]
    why: str


def changeable(request: Request, *, asked: bool) -> tuple[str, ...]:
    """Return the arguments that somebody may change: all of them who `asked`, and who decides those that are named.

    None of what a program does by itself, nor of a standing approval: whoever wants another one asks for that.
    """
    call = request.call
    if call is None or request.program or call.tool == ALLOW_AGAIN:
        return ()
    return tuple(sorted(call.arguments)) if asked else call.editable


def with_values(call: GatedCall, values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the arguments of `call` with `values` in place of theirs; text for what is no text is read as JSON."""
    return {**call.arguments, **{name: _read(call.arguments.get(name), value) for name, value in values.items()}}


def _read(was: JsonValue, value: JsonValue) -> JsonValue:
    if not isinstance(value, str) or isinstance(was, str):
        return value
    try:
        return _json.validate_json(value)
    except ValueError:  # also where it is nested deeper than anything that is kept
        return value


def written(value: JsonValue) -> str:
    """Return a value as it is typed: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def typed_values(call: GatedCall, typed: Mapping[str, str]) -> dict[str, JsonValue]:
    """Return what a form with an input for each argument changes; spaces around a value are nobody's wish."""
    wanted = {name: text.replace("\r\n", "\n").strip() for name, text in typed.items()}
    return {name: text for name, text in wanted.items() if text != written(call.arguments.get(name)).strip()}


def typed_lines(call: GatedCall, text: str) -> dict[str, JsonValue] | None:
    """Return what `name: value` lines change, by the names of arguments; None for any other text.

    Each line names an argument, each but once, whether it may be changed or not: anything more is words for people.
    """
    names = {name.casefold(): name for name in call.arguments}
    found = dict[str, JsonValue]()
    for line in filter(str.strip, text.splitlines()):
        key, colon, value = line.partition(":")
        name = names.get(key.strip().casefold())
        if not colon or not value.strip() or name is None or name in found:
            return None
        found[name] = value.strip()
    return found or None


def names_argument(call: GatedCall, line: str) -> bool:
    """Return whether `line` begins as one that changes an argument does."""
    key, colon, _ = line.partition(":")
    return bool(colon) and key.strip().casefold() in {name.casefold() for name in call.arguments}


def changed_names(old: GatedCall, new: GatedCall) -> tuple[str, ...]:
    """Return the arguments that differ between both calls, in the order of the alphabet."""
    names = {*old.arguments, *new.arguments}
    return tuple(sorted(name for name in names if _exact(old, name) != _exact(new, name)))


def _exact(call: GatedCall, name: str) -> str:
    """Write an argument so that all that differs does: for Python, `1` is `True` and `1.0`."""
    return json.dumps(call.arguments.get(name), sort_keys=True)


def edited_request(
    request: Request,
    old: GatedCall,
    new: GatedCall,
    editor: PersonId | None,
    known: Mapping[str, tuple[PersonId, ...]],
) -> Request:
    """`request` with the call `new` in place of `old`, and who does not approve it, as it is their own edit.

    `editor` is one of those who decide; without one a requester changed it, and what they chose is nobody's edit. All
    who are `known` to have chosen a value of `new` before remain its editors, whoever chooses it now.
    Raises ValueError for arguments that no digest can be made of, as they hold a number that is none.
    """
    names = changed_names(old, new)
    chose = [
        *((name, one) for name, those in request.edits.items() if name not in names for one in those),
        *((name, one) for name, those in known.items() for one in those),
        *((name, editor) for name in names if editor and name in new.arguments),
    ]
    edits = dict[str, tuple[PersonId, ...]]()
    for name, one in chose:
        edits[name] = tuple(dict.fromkeys((*edits.get(name, ()), one)))
    nonce = _nonce(request, new, editor)
    changes = {
        "revision": request.revision + 1,
        "nonce": nonce,
        "call": new,
        "digest": call_digest(request.run_id, request.id, nonce, new, request.requesters),
        "edits": edits,
    }
    return request.model_copy(update=changes)


def _nonce(request: Request, call: GatedCall, editor: PersonId | None) -> str:
    """Return another one for each edit, so that an answer to an older card never has the digest of a newer one.

    It follows from the card that was edited: who is shown the digest of an edit can send the edit with it.
    """
    meant = rfc8785.dumps({"arguments": json.dumps(call.arguments, sort_keys=True), "editor": editor})
    return hashlib.sha256(f"{request.nonce} {request.revision} ".encode() + meant).hexdigest()[:32]
