"""Write what docs/settings.md, http.md and data-model.md have from the code:   .venv/bin/python -m docs.reference"""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from fastapi.routing import APIRoute
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from bot.config.settings import Settings
from bot.config.tables import UNIT_S, Rate, Table
from bot.people.rights import RIGHTS
from bot.store.keys import ROWS, Row
from bot.web.api.application import description, routes

DOCS = Path(__file__).parent
SETTINGS, HTTP, KEYS = DOCS / "settings.md", DOCS / "http.md", DOCS / "data-model.md"

_BLOCK = re.compile(r"(?<=<!-- made by docs/reference\.py -->\n).*?(?=<!-- end of what is made -->)", re.DOTALL)
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Models": ("model", "anthropic_", "openai_", "azure_"),
    "Mail": ("mail_", "smtp_", "imap_"),
    "Slack": ("slack_",),
    "Timing and size": ("shards", "test_clock", "lease_s", "log_level", "sweep_s", "grace_s"),
}
_REST = "The installation"
# Where a table is explained.
_PAGES: Mapping[str, str] = {
    "people": "[Who may approve](who-may-approve.md#who-is-who)",
    "groups": "[Groups from elsewhere](who-may-approve.md#groups-from-elsewhere)",
    "roles": "[Roles](who-may-approve.md#roles)",
    "policies": "[Who may approve](who-may-approve.md)",
    "agents": "[Write an agent](write-an-agent.md)",
    "models": "[Models](models.md)",
    "deploy": "[Deploy](deploy.md)",
    "desk": "[The desk](using.md#the-desk)",
    "retention": "[Production](production.md)",
    "audit": "[The audit log](security.md)",
    "slack": "[Slack](slack.md)",
    "triggers": "[Triggers](using.md#triggers)",
    "freeze": "[Freeze](who-may-approve.md#freeze)",
}
# A longer default says less than the file that has it.
_DEFAULT_CHARS = 60
# Lines of the pages are no longer.
_LINE_CHARS = 132


def settings() -> str:
    """Return the lists of all variables and keys."""
    variables: dict[str, list[str]] = {group: [] for group in (_REST, *_GROUPS)}
    for name, field in Settings.model_fields.items():
        if not list(_tables_in(field.annotation)) and (shown := _variable(name, field)):
            variables[_group(name)].append(shown)
    parts = [f"### {group}\n\n{_list(rows)}" for group, rows in variables.items()]
    found = [made for key, field in Settings.model_fields.items() for made in _sections(key, field.annotation)]
    return "\n\n".join(["## Environment", *parts, "## `sayso.toml`", *found])


def operations() -> str:
    """Return the list of all operations, by what they are about."""
    described, scopes = description(), _scopes()
    rows = dict[str, list[str]]()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            call = f"{method.upper()} {_plain(path)}"
            asked = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
            body = _body(operation, described["components"]["schemas"])
            query = f"?{'=&'.join(asked)}=" if asked else ""
            scope = f" ({found})" if (found := scopes.get((method.upper(), path))) else ""
            does = operation["description"].partition("\n\n")[0]
            shown = f"`{call}{query}`{scope}: {f'{body}. ' if body else ''}{does}"
            rows.setdefault(operation["tags"][0], []).append(shown)
    return "\n\n".join(f"### {tag.capitalize()}\n\n{_list(found)}" for tag, found in rows.items())


def keys() -> str:
    """Return the list of all keys, by who writes them."""
    rows = dict[str, list[Row]]()
    for row in ROWS.values():
        rows.setdefault(row.owner, []).append(row)
    return "\n\n".join(f"### `bot.{owner}`\n\n{_list([_key(row) for row in found])}" for owner, found in rows.items())


def _key(row: Row) -> str:
    return f"`{row.name}` ({row.kind}; {row.life}; {row.bound}): {row.holds}"


def written(page: str, made: str) -> str:
    """Return `page` with what is `made` between its two marks."""
    return _BLOCK.sub(lambda _: f"\n{made}\n\n", page)


def _group(name: str) -> str:
    starts = ((group, start) for group, starts in _GROUPS.items() for start in starts)
    return next((group for group, start in starts if name == start or (start[-1] == "_" and start in name)), _REST)


def _variable(name: str, field: FieldInfo) -> str:
    shown = name.upper() if field.validation_alias else f"SAYSO_{name.upper()}"
    secret = " 🔑" if field.annotation == SecretStr | None else ""
    return f"`{shown}`{secret}{_default(name, field)}: {_said(field)}"


def _sections(key: str, annotation: object) -> Iterator[str]:
    """Yield the section of each table below a key; the first one names the page that explains them."""
    page = f" See {_PAGES[key]}." if key in _PAGES else ""
    for table in _all_below(annotation):
        if made := _section(table, page):
            yield made
            page = ""


def _section(table: type[Table], page: str) -> str:
    """Return the heading, the sentence and the keys of one table; "" for one that only holds others."""
    rows = [
        f"`{field.alias or name}`{_default(name, field)}: {_said(field)}"
        for name, field in table.model_fields.items()
        if field.description
    ]
    head, _, said = (table.__doc__ or "").partition(": ")
    if not rows or not said:
        return ""
    text = " ".join(said.split())
    return f"### {head}\n\n{_wrapped(f'{text[:1].upper()}{text[1:]}{page}')}\n\n{_list(rows)}"


def _list(items: Sequence[str]) -> str:
    return "\n".join(_wrapped(f"- {item}", indent="  ") for item in items)


def _wrapped(text: str, indent: str = "") -> str:
    """Return `text` in lines that break no code."""
    whole = re.sub(r"`[^`]+`", lambda code: code[0].replace(" ", "\0"), text)
    lines = textwrap.wrap(whole, _LINE_CHARS, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace("\0", " ")


def _said(field: FieldInfo) -> str:
    """Return the description, with the values that are possible and that it does not name itself."""
    said = field.description or ""
    values = [f"`{value}`" for value in _literals(field.annotation)]
    if len(values) > 1 and not all(value in said for value in values):
        said += f" One of {', '.join(values)}."
    return said


def _literals(annotation: object) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from map(str, get_args(annotation))
    elif get_origin(annotation) not in {tuple, dict, list}:
        for inner in get_args(annotation):
            yield from _literals(inner)


def _default(name: str, field: FieldInfo) -> str:
    """Return the default in brackets; nothing where it is unset, false or too long to be shown."""
    if field.is_required():
        return " (required)"
    match field.default:
        case None | () | "" | False | BaseModel() | dict():
            return ""
        case True:
            text = "true"
        case float(value) if name.endswith("_s") and field.alias:
            text = f'"{_duration(value)}"'
        case Rate(count=count, per_s=per_s):
            text = f'"{count}/{_duration(per_s)[1:]}"'
        case int(value) | float(value):
            text = f"{value:g}" if isinstance(value, float) else str(value)
        case Path() as path:
            text = str(path)
        case tuple(values):  # pyright: ignore[reportUnknownVariableType] - of any kind
            text = json.dumps(values)
        case value:
            text = f'"{value}"'
    return f" (`{text}`)" if len(text) <= _DEFAULT_CHARS else ""


def _duration(seconds: float) -> str:
    unit = next(unit for unit in "dhms" if seconds % UNIT_S[unit] == 0 or unit == "s")
    return f"{seconds / UNIT_S[unit]:g}{unit}"


def _tables_in(annotation: object) -> Iterator[type[Table]]:
    if isinstance(annotation, type) and issubclass(annotation, Table):
        yield annotation
    for inner in get_args(annotation):
        yield from _tables_in(inner)


def _all_below(annotation: object) -> Iterator[type[Table]]:
    """Yield the tables in `annotation`, and each with those in it behind it."""
    for table in _tables_in(annotation):
        if "…" in (table.__doc__ or ""):  # `{all_of = […]}`, a value
            continue
        yield table
        for field in table.model_fields.values():
            yield from _all_below(field.annotation)


def _scopes() -> dict[tuple[str, str], str]:
    """Return the scope that each operation needs."""
    found = dict[tuple[str, str], str]()
    for route in routes():
        if isinstance(route, APIRoute):
            for one in route.dependant.dependencies:
                if (action := getattr(one.call, "action", None)) is not None:
                    asks = ", `ask`" if getattr(one.call, "may_only_ask", False) else ""
                    found |= {(method, route.path): f"`{RIGHTS[action].scope}`{asks}" for method in route.methods or ()}
    return found


def _plain(path: str) -> str:
    return re.sub(r"\{(?:run|request|standing|some)_id\}", "ID", path).replace("{name}", "NAME")


def _body(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """Return the fields of each body that is possible; what may be left out has a question mark."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return ""
    one = content["schema"]
    names = [each["$ref"].rpartition("/")[2] for each in one.get("anyOf", one.get("oneOf", [one])) if "$ref" in each]
    return "; or ".join(_fields(schemas[name]) for name in names)


def _fields(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    shown = [
        f"{name}: {field['const']}" if "const" in field else name if name in required else f"{name}?"
        for name, field in schema["properties"].items()
    ]
    return f"`{', '.join(shown)}`"


if __name__ == "__main__":
    SETTINGS.write_text(written(SETTINGS.read_text(), settings()))
    HTTP.write_text(written(HTTP.read_text(), operations()))
    KEYS.write_text(written(KEYS.read_text(), keys()))
