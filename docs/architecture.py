"""Draws the rooms of `bot/` into `docs/architecture.md`, from the imports:   .venv/bin/python docs/architecture.py"""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

TOP = Path(__file__).parents[1]
PAGE = TOP / "docs" / "architecture.md"

_PACKAGES = ("agents", "channels", "prompts")
_BLOCK = re.compile(r"(?<=<!-- drawn by docs/architecture\.py -->\n).*?(?=<!-- end of what is drawn -->)", re.DOTALL)

_NAME_WORDS = 2  # What stands before a colon is only a name, such as `sayso dev`, and says nothing without the rest.

Graph = Mapping[str, frozenset[str]]


def floors(top: Path = TOP) -> list[tuple[str, ...]]:
    """The rooms of each floor, from the top down, as the import contract names them."""
    contracts = tomllib.loads((top / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers: list[str] = next(each["layers"] for each in contracts if each.get("containers") == ["bot"])
    return [tuple(floor.split(" | ")) for floor in layers]


def imports(top: Path = TOP) -> Graph:
    """For each room of `bot/`, and each package beside it, what its files import of the others."""
    places = {room: _folder(top / "bot" / room) for floor in floors(top) for room in floor}
    places |= {package: top / package for package in _PACKAGES}
    return {name: frozenset(_imported(place)) & places.keys() - {name} for name, place in places.items()}


def reduced(graph: Graph) -> Graph:
    """`graph` without arrows that lead where longer ways lead, too. Raises CycleError."""
    below = dict[str, set[str]]()
    for name in TopologicalSorter(graph).static_order():
        below[name] = set(graph[name]).union(*(below[each] for each in graph[name]))
    return {
        name: frozenset(each for each in targets if not any(each in below[other] for other in targets))
        for name, targets in graph.items()
    }


def drawn(top: Path = TOP) -> str:
    """The picture in Mermaid, and the table of rooms: each room in a few words, as its folder says more."""
    arrows = reduced(imports(top))
    lines = [f"    {name} --> {' & '.join(sorted(targets))}" for name, targets in arrows.items() if targets]
    rows = [f"| `{_label(room)}` | {_summary(top, room)} |" for floor in floors(top) for room in floor]
    picture = "\n".join(["```mermaid", "flowchart TD", *lines, "```"])
    return f"\n{picture}\n\n" + "\n".join(["| room, from the top floor down | is |", "| --- | --- |", *rows]) + "\n\n"


def with_drawing(page: str, top: Path = TOP) -> str:
    """`page` with what is drawn between its two marks."""
    return _BLOCK.sub(lambda _: drawn(top), page)


def _folder(place: Path) -> Path:
    """A room is a folder, but for `app.py`, `telemetry.py` and `errors.py`."""
    return place if place.is_dir() else place.with_suffix(".py")


def _imported(place: Path) -> Iterator[str]:
    for file in [place] if place.is_file() else place.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.ImportFrom(module="bot", names=names):
                    yield from (alias.name for alias in names)
                case ast.ImportFrom(module=str(module)):
                    yield _name_of(module)
                case ast.Import(names=names):
                    yield from (_name_of(alias.name) for alias in names)
                case _:
                    pass


def _name_of(module: str) -> str:
    """The room of a module of `bot`, else its package."""
    first, *rest = module.split(".")
    return rest[0] if first == "bot" and rest else first


def _label(name: str) -> str:
    if name in _PACKAGES:
        return name
    return f"bot/{name}" if (TOP / "bot" / name).is_dir() else f"bot/{name}.py"


def _summary(top: Path, room: str) -> str:
    place = _folder(top / "bot" / room)
    docstring = ast.get_docstring(ast.parse((place if place.is_file() else place / "__init__.py").read_text())) or ""
    summary = docstring.partition("\n")[0]
    head, colon, _ = summary.partition(": ")
    return f"{head}." if colon and len(head.split()) > _NAME_WORDS else summary


if __name__ == "__main__":
    PAGE.write_text(with_drawing(PAGE.read_text()))
