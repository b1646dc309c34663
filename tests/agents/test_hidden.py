"""Credentials echoed by whoever answers: none of them comes back."""

from base64 import b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.model.claude import Claude
from agents.model.protocol import Failed
from agents.text import hidden
from tests.agents.model.claudes import choose
from tests.fakes.anthropic import Answer, FakeAnthropic, error, message, text, tool_use

# Parts of what only we and the API know, in whatever may come back.
KEY, GATE = "sk-ant-api03-Zq81hR7vTn4", "gate:pass-of-the-proxy"
BASIC = b64encode(GATE.encode()).decode()
ECHOES = [
    error(400, "invalid_request_error", f"x-api-key: {KEY} is odd"),
    error(401, "authentication_error", f"Incorrect key {KEY[:16]}...{KEY[-4:]}"),
    error(403, KEY, "no"),
    error(400, "invalid_request_error", f"sk-ant-\u200bapi03-Zq81\u2063hR7vTn4 and {KEY}{KEY}" * 50),
    error(400, "invalid_request_error", f"http://{GATE}@proxy.example/v1 sent authorization: Basic {BASIC}"),
    Answer(f"<html>{KEY} {GATE}</html>", 502, {"content-type": "text/html"}),
    Answer(f'{{"type": "error", "error": "{KEY} {BASIC}"}}', 500),
    Answer(KEY),
    message(text(KEY), stop_reason="end_turn", model=KEY),
    message(tool_use(KEY, {})),
    message(tool_use("deploy", {KEY: "x", GATE: "y"})),
    message(tool_use("done", {"summary": "over"}), model=f"claude {KEY}"),
    message(tool_use("done", {"summary": "over"}), stop_reason=f"because of {GATE}"),
    replace(message(tool_use("done", {"summary": "over"})), headers={"request-id": KEY}),
    replace(error(529, "overloaded_error"), headers={"request-id": f"{BASIC} {KEY}"}),
]


@pytest.mark.parametrize("answer", ECHOES)
async def test_fewer_than_eight_characters_of_what_we_authenticate_with_come_back(
    api: FakeAnthropic, answer: Answer
) -> None:
    model = Claude(KEY, api.base_url.replace("//", f"//{GATE}@"), "claude-sonnet-5-5")
    api.answers(replace(answer, anybody=True))

    found = await choose(model)
    await model.close()

    shown = repr((found, model))
    for secret in (KEY, GATE, BASIC, "pass-of-the-proxy"):
        parts = {secret[start : start + 8] for start in range(len(secret) - 7)}
        assert not [part for part in parts if part in shown], shown


@given(st.text(max_size=40), st.text("abcdefgh", min_size=8, max_size=20), st.text(max_size=40))
def test_whatever_stands_around_a_secret_it_is_hidden(before: str, secret: str, after: str) -> None:
    assert secret not in hidden(f"{before}{secret}{after}", (secret,), 300)


def test_words_that_are_no_secret_stay_as_they_are() -> None:
    assert hidden("overloaded:  try\nlater", (KEY,), 300) == "overloaded: try later"


async def test_an_address_of_the_model_that_cannot_be_read_is_a_failure_and_is_not_shown() -> None:
    claude = Claude(KEY, "http://pass-of-the-proxy@[bad/", "claude-sonnet-5-5")

    found = await choose(claude)

    assert isinstance(found, Failed)
    assert "pass-of-the-proxy" not in repr(found)
