"""The part of a run that is sent to the model: its agent's budget, half of that once it was too long."""

from collections.abc import Iterator

import pytest

import prompts
from agents.context import build
from agents.context.tokens import tokens_in
from agents.events import Event
from agents.model.claude import Claude
from agents.model.protocol import Failed
from agents.run import fold
from tests.agents.model.claudes import AGENT
from tests.agents.worlds import chosen, failed, finished, started, tool_started
from tests.fakes.anthropic import FakeAnthropic, message, running, text_of, tool_use


@pytest.fixture
def api() -> Iterator[FakeAnthropic]:
    with running() as fake:
        fake.answers(message(tool_use("done", {"summary": "over"})))
        yield fake


def claude(api: FakeAnthropic, context_tokens: int) -> Claude:
    return Claude(api.key, api.base_url, "claude-sonnet-5-5", context_tokens=context_tokens)


@pytest.mark.long
async def test_a_run_that_cannot_be_cut_to_the_agents_budget_is_not_sent(api: FakeAnthropic) -> None:
    events, model = [started("word " * 5_000)], claude(api, 1_000)

    answer = await model.choose(AGENT, fold(events), events)
    await model.close()

    assert isinstance(answer, Failed)
    assert answer.kind == "not_sent"
    assert "agents.deploy.context_tokens" in answer.detail
    assert answer.call.prompt == prompts.load("deploy").label
    assert api.requests() == []


async def test_after_a_run_was_too_long_half_of_it_is_sent(api: FakeAnthropic) -> None:
    events: list[Event] = [started()]
    for n in "123456":
        events += chosen(step_id=f"s{n}"), tool_started(f"a{n}", f"s{n}"), finished(f"a{n}", "word " * 600)
    model = claude(api, build(fold(events), events).tokens)

    for told in (events, [*events, failed("too_long")]):
        await model.choose(AGENT, fold(told), told)
    await model.close()

    first, second = (text_of(request) for request in api.requests())
    assert "left out" not in first
    assert "left out" in second
    assert tokens_in(second) <= model.context_tokens // 2
