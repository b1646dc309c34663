"""Tables of cases that are data and not code: a TOML file beside the test that reads it."""

import tomllib
from pathlib import Path
from typing import Any


def rows(name: str, *, beside: str) -> dict[str, Any]:
    """What the file called `name` says, which stands beside a test (`__file__`)."""
    return tomllib.loads(Path(beside).with_name(name).read_text(encoding="utf-8"))
