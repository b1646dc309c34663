"""Values written as TOML, for files that people read."""

import json
from collections.abc import Mapping, Sequence
from typing import cast


def toml(value: object) -> str:
    """A value as TOML; strings, numbers and booleans are written as in JSON, except for DEL."""
    match value:
        case Mapping():
            table = cast("Mapping[str, object]", value)
            return "{" + ", ".join(f"{toml(key)} = {toml(one)}" for key, one in table.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(toml, cast("Sequence[object]", value))) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
