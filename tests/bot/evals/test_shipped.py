"""Every case that we bring along passes on the rules of our own agents."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from bot.config.tables import AgentConfig
from bot.evals.files import matched, office, ours
from bot.evals.recorded import by_answers, read_answers
from bot.evals.report import Report
from bot.evals.running import Tried, by_rules
from bot.registry.configured import agents_of, model_names, options_of
from tests.servers.lines import TOP

FOUND = matched(ours(), agents_of(office()))
LEAST: Mapping[str, int] = MappingProxyType(
    {"deploy": 25, "triage": 25, "desk": 10, "ask": 10, "announce": 10, "release": 10, "help": 10}
)


async def test_every_case_passes_on_the_rules() -> None:
    tried = await by_rules(FOUND.plans, list[Tried]().append)

    assert len(tried) == len(FOUND.plans)
    wrong = [one for one in tried if not one.has_passed]
    assert [(one.plan.agent.name, one.plan.case.name, one.expected, one.came) for one in wrong] == []


def test_each_agent_has_its_cases_and_hostile_ones_among_them() -> None:
    counts = {file.agent: len(file.case) for _, file in ours()}

    assert {agent: counts.get(agent, 0) >= least for agent, least in LEAST.items()} == dict.fromkeys(LEAST, True)
    assert all(agent in LEAST for agent, _, _ in FOUND.skipped), "cases of an agent that nobody plans"
    assert {agent.name for agent in agents_of(office())} <= set(counts), "an agent without cases"


@pytest.mark.parametrize("file", [*(TOP / "agents" / "evals" / "recorded").glob("*.jsonl")], ids=lambda file: file.name)
async def test_what_a_model_answered_holds_the_floor_of_each_agent(file: Path) -> None:
    agents = {agent.name: agent for agent in agents_of(office())}
    names = model_names(office(), agents.values())
    options = {name: options_of(office(), model, AgentConfig()) for name, model in names.items()}

    tried = await by_answers(FOUND.plans, read_answers(file), options, dict.fromkeys(names, file.stem))

    assert Report(FOUND.plans, [], tried, {}, floors=FOUND.floors).below(0) == []


def test_each_agent_with_a_prompt_has_a_floor() -> None:
    assert set(FOUND.floors) == {agent.name for agent in agents_of(office()) if agent.prompt}
