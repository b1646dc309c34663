"""The page about recorded cases: its tables are what the program prints, and its case is one."""

import re

from bot.evals.cases import parse
from bot.evals.files import matched, office, ours
from bot.evals.report import Report
from bot.evals.running import Plan, Tried, by_rules
from bot.registry.configured import agents_of, model_names
from prompts import load
from tests.servers.lines import TOP

PAGE = (TOP / "docs" / "evals.md").read_text()
BLOCKS = re.findall(r"```(?:toml)?\n(.*?)```", PAGE, re.DOTALL)


def rows(table: str) -> list[str]:
    """Lines without what varies: the widths of columns, the cost and the latency of rules."""
    plain = [" ".join(line.split()) for line in table.splitlines()]
    return [re.sub(r" \$[\d.]+ 0 [\d.]+ ms$", "", line) for line in plain if line]


async def test_the_tables_of_the_page_are_those_that_are_printed() -> None:
    agents, told = agents_of(office()), list[Tried]()
    found = matched(ours(), agents)
    names = model_names(office(), agents)
    labels = {one.name: f"{load(one.prompt).label} {names[one.name]}" for one in agents if one.prompt}
    tried = await by_rules(found.plans, told.append)
    printed = rows(Report(found.plans, tried, None, labels).text())

    on_the_page = rows(BLOCKS[0])

    missing = {agent for agent, _, _ in found.skipped}
    assert [row for row in on_the_page if row.partition(" ")[0] not in missing] == printed


async def test_the_case_of_the_page_can_be_read_and_passes() -> None:
    file = parse(BLOCKS[1], "docs/evals.md")
    told = list[Tried]()
    (deploy,) = (agent for agent in agents_of(office()) if agent.name == file.agent)

    tried = await by_rules([Plan(deploy, case, "docs/evals.md") for case in file.cases], told.append)

    assert [one.came for one in tried] == ["", ""]
