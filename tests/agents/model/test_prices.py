"""The price of a decision, and what is said where nobody knows it."""

import pytest

from agents.model.claude import Claude
from agents.model.prices import cost_usd
from tests.agents.model.claudes import choose
from tests.fakes.anthropic import FakeAnthropic, message, tool_use


async def test_a_call_costs_what_the_price_list_says_cached_tokens_cheaper(api: FakeAnthropic, claude: Claude) -> None:
    api.answers(message(tool_use("done", {"summary": "over"})))

    cost = (await choose(claude)).call.cost_usd

    assert cost is not None
    full = cost_usd("claude-sonnet-5-5", into=1_000, out=20)
    assert full is not None
    assert 0 < cost < full


async def test_a_model_without_a_price_costs_nobody_knows_what_and_the_log_says_so_once(
    api: FakeAnthropic, claude: Claude, caplog: pytest.LogCaptureFixture
) -> None:
    api.answers(message(tool_use("done", {"summary": "over"}), model="gpt-of-our-own"))

    first, second = await choose(claude), await choose(claude)

    assert (first.call.model, first.call.cost_usd, second.call.cost_usd) == ("gpt-of-our-own", None, None)
    assert [line.getMessage().partition(":")[0] for line in caplog.records if line.name == "agents.model.prices"] == [
        "the price of gpt-of-our-own is not known"
    ]
