"""What a program wants to do, and whether a card holds all of it: nobody approves what they were not shown. Pure."""

import json
from collections.abc import Mapping
from typing import cast

from pydantic import JsonValue

from agents.requests import Request
from agents.requests.proof import ByKey, Proof
from agents.requests.record import RequestRecord
from channels.showing import escape_invisible

# More of it leaves no room for the buttons on a message.
ARGUMENTS = 8
_NAME_CHARS, _LINE_CHARS, _CHARS = 48, 300, 2_000


def sent_by_program(request: Request) -> Mapping[str, JsonValue]:
    """Return the arguments that a program sent; nothing where an agent asks."""
    sent = request.call.arguments.get("arguments") if request.program and request.call else None
    return cast("Mapping[str, JsonValue]", sent) if isinstance(sent, Mapping) else {}


def is_of_program(request: Request) -> bool:
    """Return whether a program asks for an approval by itself, and begins what is approved."""
    return bool(request.program) and request.format == "approval"


def is_its_own(request: Request, proof: Proof | None) -> bool:
    """Return whether a word on what a program asked is that of the program: it came with the key that asked."""
    return isinstance(proof, ByKey) and bool(request.asked_with) and proof.key == request.asked_with


def may_be_done(record: RequestRecord) -> bool:
    """Return whether the program that asked had a word on what it was refused: that it was done without the answer."""
    return is_of_program(record.request) and record.request.program in record.noted


def is_text(value: JsonValue) -> bool:
    """Return whether an argument is shown as the text that it is, and not as JSON."""
    return isinstance(value, str) and ("\n" in value.strip("\n") or len(value) > _LINE_CHARS)


def is_whole(request: Request) -> bool:
    """Return whether a message to people has room for all that a program wants to do, as it is spelled out there."""
    sent = sent_by_program(request)
    shown = [escape_invisible(value) if isinstance(value, str) else json.dumps(value) for value in sent.values()]
    is_short = all(is_text(value) or len(json.dumps(value)) <= _LINE_CHARS for value in sent.values())
    is_named = all(len(json.dumps(name)[1:-1]) <= _NAME_CHARS for name in sent)
    return len(sent) <= ARGUMENTS and is_short and is_named and sum(map(len, shown)) <= _CHARS
