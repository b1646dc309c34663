"""Which release this is."""

import tomllib
from importlib import metadata
from pathlib import Path


def version() -> str:
    """Of the installed package; of the project file beside this tree where none is installed."""
    try:
        return metadata.version("sayso")
    except metadata.PackageNotFoundError:
        project = Path(__file__).parents[1] / "pyproject.toml"
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
