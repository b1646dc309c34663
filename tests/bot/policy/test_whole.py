"""Whether a message has room for all that a program wants to do."""

import pytest
from pydantic import JsonValue

from agents.requests import Effect, GatedCall
from bot.policy.whole import is_whole
from bot.testing.events import request


@pytest.mark.parametrize(
    ("sent", "is_so"),
    [
        ({"command": "make"}, True),
        ({"script": "make\n" * 300}, True),
        ({"script": "make\n" * 500}, False),
        ({"command": "x" * 2_000}, True),
        ({"command": "x" * 2_001}, False),
        ({"command": "x\u200b" * 250}, True),
        ({"command": "x\u200b" * 300}, False),
        ({"n" * 48: True}, True),
        ({"n" * 49: True}, False),
        ({"all": ["x" * 200, "x" * 200]}, False),
        ({f"name {number}": number for number in range(8)}, True),
        ({f"name {number}": number for number in range(9)}, False),
    ],
)
def test_a_message_has_room_for_so_much(sent: dict[str, JsonValue], is_so: bool) -> None:
    call = GatedCall(tool="proceed", schema_version=1, arguments={"arguments": sent}, effect=Effect(argv=()))

    assert is_whole(request().model_copy(update={"program": "service:ci", "call": call})) is is_so
