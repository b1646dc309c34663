"""What the model's server finds of earlier calls in its cache, counted by a stand-in as the real one counts."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agents import Agent
from agents.context import build
from agents.events import Event
from agents.model.claude import Claude
from agents.run import fold
from agents.steps import ModelCall
from tests.agents.model.claudes import AGENT
from tests.agents.worlds import chosen, finished, started, tool_started
from tests.fakes.anthropic import FakeAnthropic, message, running, text_of, tool_use

# Long enough that the server keeps its tools and prompt.
DEPLOY = replace(AGENT, description="releases versions of the shop to its environments. " * 80)
BEGAN = [started("deploy v1.2.0 to production. " * 200)]
STEP_1: list[Event] = [chosen(step_id="s1"), tool_started("a1", "s1"), finished("a1", "went well. " * 50)]
STEP_2: list[Event] = [chosen(step_id="s2"), tool_started("a2", "s2"), finished("a2", "went well, too. " * 50)]


@pytest.fixture
def api() -> Iterator[FakeAnthropic]:
    with running() as fake:
        fake.answers(replace(message(tool_use("done", {"summary": "over"})), counts=True))
        yield fake


@pytest.fixture
def claude(api: FakeAnthropic) -> Claude:
    return Claude(api.key, api.base_url, "claude-sonnet-5-5")


async def asked(claude: Claude, *parts: Sequence[Event], agent: Agent = DEPLOY) -> ModelCall:
    events = [event for part in parts for event in part]
    call = (await claude.choose(agent, fold(events), events)).call
    await claude.close()
    return call


async def test_each_step_of_a_run_reads_what_the_step_before_it_was_sent(claude: Claude) -> None:
    first = await asked(claude, BEGAN)
    second = await asked(claude, BEGAN, STEP_1)
    third = await asked(claude, BEGAN, STEP_1, STEP_2)

    assert first.cache_read_tokens == 0
    assert first.cache_write_tokens > 2_000
    assert second.cache_read_tokens == first.cache_write_tokens
    assert third.cache_read_tokens == second.cache_read_tokens + second.cache_write_tokens
    assert third.cache_read_tokens > 0.8 * third.input_tokens


async def test_the_first_step_of_another_run_reads_what_all_runs_share(claude: Claude) -> None:
    first = await asked(claude, BEGAN)
    other = await asked(claude, [started("something else")])

    assert 1_024 < other.cache_read_tokens < first.cache_write_tokens


async def test_nothing_is_read_from_where_the_run_was_cut(claude: Claude) -> None:
    before = [*BEGAN, *STEP_1, *STEP_2]
    first = await asked(claude, BEGAN)
    whole = await asked(claude, BEGAN, STEP_1)
    third: list[Event] = [chosen(step_id="s3"), tool_started("a3", "s3"), finished("a3", "fine")]
    room = build(fold(before), before).tokens - 50

    cut = await asked(replace(claude, context_tokens=room), before, third)

    assert cut.cache_read_tokens == first.cache_write_tokens, "what began the run is as it was, its first result short"
    assert whole.cache_write_tokens > 0


async def test_another_prompt_tool_model_or_effort_reads_nothing_of_the_messages(
    claude: Claude, tmp_path: Path
) -> None:
    await asked(claude, BEGAN)
    shared = (await asked(claude, [started("something else")])).cache_read_tokens
    (tmp_path / "mine.md").write_text(
        "---\nname: mine\nversion: 1\nfamily: claude\ninputs:\n---\nThink." + "Again." * 900
    )

    changed = [
        await asked(claude, BEGAN, agent=replace(DEPLOY, prompt="mine", folder=tmp_path)),
        await asked(claude, BEGAN, agent=replace(DEPLOY, tools=())),
        await asked(replace(claude, model="claude-opus-5-5"), BEGAN),
        await asked(replace(claude, effort="low"), BEGAN),
    ]

    assert [call.cache_read_tokens for call in changed] == [0, 0, 0, shared]


async def test_without_the_cache_nothing_is_marked_and_the_hash_is_the_same(api: FakeAnthropic, claude: Claude) -> None:
    plain = replace(claude, cache=False)

    cached, call = await asked(claude, BEGAN, STEP_1), await asked(plain, BEGAN, STEP_1)
    again = await asked(plain, BEGAN, STEP_1)

    marked, request, _ = api.requests()
    assert json.dumps(marked).count("cache_control") == 2
    assert "cache_control" not in json.dumps(request)
    assert text_of(marked) == text_of(request)
    assert (again.cache_read_tokens, again.cache_write_tokens) == (0, 0)
    assert call.input_hash == cached.input_hash


async def test_the_hash_is_that_of_the_message_in_one_piece_as_earlier_releases_made_it(
    api: FakeAnthropic, claude: Claude
) -> None:
    call = await asked(claude, BEGAN, STEP_1)

    (request,) = api.requests()
    in_one = request | {"messages": [{"role": "user", "content": text_of(request)}]}
    assert call.input_hash == hashlib.sha256(json.dumps(in_one, sort_keys=True).encode()).hexdigest()
