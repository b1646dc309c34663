"""Records as lines of JSON and as CSV."""

import csv
import io
import json
from collections.abc import Mapping

from pydantic import JsonValue

COLUMNS = (
    "shard", "n", "at", "kind", "who", "channel", "evidence", "people", "outcome", "words", "run_id", "seq",
    "request_id", "revision", "digest", "tool", "environment", "policy_name", "release", "seal",
)  # fmt: skip
# A cell that begins so is a formula to a spreadsheet. https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_head() -> str:
    """The first line."""
    return _line(COLUMNS)


def csv_line(record: Mapping[str, JsonValue]) -> str:
    """A record as a line; cards, the policy and details are left to JSON."""
    return _line([_cell(record.get(name)) for name in COLUMNS])


def json_line(record: Mapping[str, JsonValue]) -> str:
    """A record as one JSON object."""
    return json.dumps(record, ensure_ascii=False) + "\n"


def _line(cells: "tuple[str, ...] | list[str]") -> str:
    file = io.StringIO()
    csv.writer(file).writerow(cells)
    return file.getvalue()


def _cell(value: JsonValue) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
