"""The case of `docs/write-an-agent.md` is one."""

import re

from bot.evals.cases import parse
from bot.evals.files import office
from bot.evals.running import Plan, Tried, by_rules
from bot.registry.configured import agents_of
from tests.servers.lines import TOP

PAGE = (TOP / "docs" / "write-an-agent.md").read_text().partition("\n## Recorded cases\n")[2]


async def test_the_case_of_the_page_can_be_read_and_passes() -> None:
    [text] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    file = parse(text, "the page")
    told = list[Tried]()
    (deploy,) = (agent for agent in agents_of(office()) if agent.name == file.agent)

    tried = await by_rules([Plan(deploy, case, "the page") for case in file.cases], told.append)

    assert [one.came for one in tried] == ["", ""]
