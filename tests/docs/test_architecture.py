"""`docs/architecture.md` is drawn from the imports as they are, and the ways that it follows are there."""

import re
from pathlib import Path

from docs.architecture import PAGE, drawn, floors, imports, reduced, with_drawing
from tests.servers.lines import TOP

LINE = re.compile(r"^\| `([\w./]+)` \|", re.MULTILINE)

CONTRACT = """
[[tool.importlinter.contracts]]
containers = ["bot"]
layers = ["app", "runs | mail", "store"]
"""


def test_the_page_shows_the_rooms_as_their_imports_are_now() -> None:
    page = PAGE.read_text()

    assert page == with_drawing(page), "draw it anew: .venv/bin/python docs/architecture.py"
    assert drawn() in page


def test_each_file_on_the_ways_is_there_and_each_way_leads_through_the_rooms() -> None:
    ways = PAGE.read_text().partition("## The way of a trigger")[2].partition("## Where to change what")[0]
    files = LINE.findall(ways)

    assert len(files) > 50
    assert [file for file in files if not (TOP / file).is_file()] == []
    passed = {Path(file).parts[1] for file in files if file.startswith("bot/")}
    assert {"inbound", "runs", "requests", "policy", "render", "outbound", "execution", "store", "worker"} <= passed


def test_an_arrow_that_a_longer_way_implies_is_left_out() -> None:
    graph = {"cli": frozenset({"runs", "store"}), "runs": frozenset({"store"}), "store": frozenset[str]()}

    assert reduced(graph) == {"cli": {"runs"}, "runs": {"store"}, "store": set()}


def test_what_a_room_imports_is_read_from_its_files(tmp_path: Path) -> None:
    for file, text in {
        "pyproject.toml": CONTRACT,
        "bot/app.py": "from bot import store\nimport agents.run",
        "bot/runs/loop.py": "from bot.store.keys import Keys\nfrom bot.runs import moves",
        "bot/mail/a.py": "def late():\n    from bot.store import Store",
        "bot/store/keys.py": "import json",
    }.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)

    assert floors(tmp_path) == [("app",), ("runs", "mail"), ("store",)]
    found = imports(tmp_path)
    assert found["app"] == {"store", "agents"}
    assert (found["runs"], found["mail"], found["store"]) == ({"store"}, {"store"}, set())
