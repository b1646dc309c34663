"""`docs/architecture.md` is drawn from the imports as they are, and the files of its walk are there."""

import re
import tomllib
from pathlib import Path

from docs.architecture import PAGE, with_drawing
from tests.servers.lines import TOP

LINE = re.compile(r"^\| `([\w./]+)` \|", re.MULTILINE)


def test_the_page_shows_the_rooms_as_their_imports_are_now() -> None:
    page = PAGE.read_text()

    assert with_drawing(page.replace("-->\n\n```mermaid", "-->\nnothing yet\n```mermaid")) == page, (
        "draw it anew: .venv/bin/python docs/architecture.py"
    )


def test_each_file_on_the_walk_is_there_and_it_leads_through_the_rooms() -> None:
    walk = PAGE.read_text().partition("## The walk of one approval")[2].partition("## Where to change what")[0]
    files = LINE.findall(walk)

    assert len(files) > 40
    assert [file for file in files if not (TOP / file).is_file()] == []
    passed = {Path(file).parts[1] for file in files if file.startswith("bot/")}
    assert {"inbound", "runs", "requests", "policy", "render", "outbound", "execution", "store", "worker"} <= passed


def test_each_dependency_has_its_reason() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["openai"]]
    wanted += [one for group in project["dependency-groups"].values() for one in group if isinstance(one, str)]
    names = {re.split(r"[^\w-]", one)[0] for one in wanted}
    rows = PAGE.read_text().partition("## Dependencies")[2]

    assert len(names) > 40
    assert {name for name in names if not re.search(rf"(?<![\w-]){name}(?![\w-])", rows)} == set()
