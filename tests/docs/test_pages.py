"""The pages hold together: the README is short, the index has them all, links lead somewhere, no setting is missing."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.config import deploy, tables
from bot.config.directory.groups import GroupTable
from bot.config.directory.oncall import OncallTable, OverrideTable
from bot.config.directory.policies import PolicyConfig, StepConfig
from bot.config.settings import Settings
from bot.config.slack import SlackConfig
from bot.config.tables import Table
from bot.config.triggers import TriggerConfig
from docs.reference import HTTP, KEYS, SETTINGS, keys, operations, settings, written
from tests.servers.lines import TOP

README, DOCS = TOP / "README.md", TOP / "docs"
PAGES = (README, *DOCS.glob("**/*.md"))
LINK = re.compile(r"(?<=\]\()[^)\s]+(?=\))|(?<=src=\")[^\"]+(?=\")")
TABLES = (
    tables.PersonConfig, PolicyConfig, StepConfig, GroupTable, OncallTable, OverrideTable,
    deploy.EnvironmentConfig, deploy.GitHubConfig, deploy.GitLabConfig,
    deploy.ArgoCDConfig, tables.AgentConfig, tables.ModelConfig,
    tables.DeskConfig, tables.AnnounceConfig, tables.AlertsConfig, tables.LimitsConfig, SlackConfig,
    TriggerConfig, tables.RetentionConfig,
)  # fmt: skip


def links_in(page: Path) -> list[str]:
    """Return where the links and pictures of `page` lead."""
    return [found[0] for found in LINK.finditer(page.read_text())]


def anchors(page: Path) -> set[str]:
    """Return what can be linked to in `page`, as code hosts name headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_broken(page: Path, link: str) -> bool:
    """Return whether a link within the tree leads nowhere."""
    path, _, anchor = link.partition("#")
    target = (page.parent / path) if path else page
    return not target.exists() or bool(anchor and target.suffix == ".md" and anchor not in anchors(target))


def test_the_readme_is_one_page() -> None:
    assert len(README.read_text().splitlines()) <= 150


def test_every_link_within_the_tree_leads_somewhere() -> None:
    links = [(page, link) for page in PAGES for link in links_in(page)]
    within = [(page, link) for page, link in links if not re.match(r"\w+:", link)]

    assert len(within) > 50
    assert [f"{page.name}: {link}" for page, link in within if is_broken(page, link)] == []


def test_the_index_has_every_page() -> None:
    assert {page.name for page in DOCS.glob("*.md")} - {"README.md"} <= set(links_in(DOCS / "README.md"))


@pytest.mark.parametrize(
    ("page", "made"), [(SETTINGS, settings), (HTTP, operations), (KEYS, keys)], ids=["settings", "http", "keys"]
)
def test_the_reference_on_the_page_is_what_the_code_makes(page: Path, made: Callable[[], str]) -> None:
    text = page.read_text()

    assert text == written(text, made()), "make it anew: .venv/bin/python -m docs.reference"
    assert made() in text


def test_the_reference_has_every_variable_and_every_key_with_what_it_means() -> None:
    made = settings()
    fields = Settings.model_fields.items()
    values = [(name, field) for name, field in fields if not isinstance(field.default, (dict, Table))]
    variables = [name.upper() if field.validation_alias else f"SAYSO_{name.upper()}" for name, field in values]
    keys = [field.alias or name for table in TABLES for name, field in table.model_fields.items()]

    assert len(variables) > 30
    assert [name for name in (*variables, *keys) if f"\n- `{name}`" not in made] == []
    assert re.findall(r"^- `.*: *$", made, re.MULTILINE) == []
