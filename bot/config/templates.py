"""From a body that others wrote to a text of ours: `deploy {release.tag} to staging`. Pure; what is put in is data."""

import json
import re
from collections.abc import Mapping

from pydantic import JsonValue, TypeAdapter, ValidationError

from agents.text import strip_invisible
from bot.errors import Invalid
from channels.showing import visible_json

VALUE_CHARS = 200
CONTEXT_BYTES = 16_384

_PATH = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
_HOLE = re.compile(r"\{([^{}]*)\}")
# What stands in a text as it is: a tag, a hash, an address, a number. Everything else is quoted.
_WORD = re.compile(r"[\w][\w./:@+#=~-]*")
_body: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


def check_path(path: str) -> str:
    """`path` itself, dotted names and numbers of list entries. Raises ValueError."""
    if not re.fullmatch(_PATH, path):
        raise ValueError('a dotted path into the body, such as "release.tag" or "commits.0.id"')
    return path


def check_template(template: str) -> str:
    """`template` itself, whose braces hold dotted paths. Raises ValueError."""
    rest = _HOLE.sub("", template)
    if "{" in rest or "}" in rest or not all(re.fullmatch(_PATH, path) for path in paths_of(template)):
        raise ValueError('text with dotted paths in braces, such as "deploy {release.tag} to staging"')
    if not template.strip() or len(template.splitlines()) != 1:
        raise ValueError("one line of text")
    return template


def paths_of(template: str) -> tuple[str, ...]:
    """The paths in the braces of `template`."""
    return tuple(_HOLE.findall(template))


def read_body(body: bytes) -> dict[str, JsonValue]:
    """The JSON object that `body` is. Raises Invalid."""
    try:
        read = _body.validate_json(body)
        json.dumps(read, allow_nan=False, ensure_ascii=False).encode()
    except (ValidationError, ValueError, RecursionError):
        raise Invalid("The body is not a JSON object in UTF-8", "Send one") from None
    return read


def find(body: JsonValue, path: str) -> JsonValue:
    """Return the value at `path`; None if there is none."""
    here = body
    for name in path.split("."):
        match here:
            case dict():
                here = here.get(name)
            case list() if re.fullmatch(r"[0-9]{1,6}", name, re.ASCII):
                here = here[int(name)] if int(name) < len(here) else None
            case _:
                return None
    return here


def fill(template: str, body: Mapping[str, JsonValue]) -> str:
    """`template` with the values, in one line. Raises Invalid.

    A value that is one plain word stands as it is. Any other stands in quotes, escaped as in JSON, so that no value
    reads as words of the template.
    """
    return _HOLE.sub(lambda hole: _worded(_value(body, hole[1]), hole[1]), template)


def fill_plainly(template: str, body: Mapping[str, JsonValue]) -> str:
    """`template` with the values exactly as they are, for names. Raises Invalid for what nobody can see."""

    def plain(hole: re.Match[str]) -> str:
        value = _value(body, hole[1])
        if len(value) > VALUE_CHARS or strip_invisible(value) != value or len(value.splitlines()) != 1:
            raise Invalid(
                f"What stands at {hole[1]} is not a name: too long, or not visible in one line", "Send a name"
            )
        return value

    return _HOLE.sub(plain, template)


def pick(paths: Mapping[str, str], body: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The values at `paths` by name; null where there is none. Raises Invalid for too much of it."""
    picked = {name: find(dict(body), path) for name, path in paths.items()}
    if len(json.dumps(picked).encode()) > CONTEXT_BYTES:
        raise Invalid(
            f"The values for the context have more than {CONTEXT_BYTES} bytes as JSON",
            "Send less, or name fewer in the trigger's context",
        )
    return picked


def _value(body: Mapping[str, JsonValue], path: str) -> str:
    match find(dict(body), path):
        case bool() as value:
            return "true" if value else "false"
        case int() | float() as value:
            return str(value)
        case str() as value if value.strip():
            return value
        case _:
            raise Invalid(f"There is no text and no number at {path}", "Send one, or change the trigger's template")


def _worded(value: str, path: str) -> str:
    if len(value) > VALUE_CHARS:
        raise Invalid(
            f"What stands at {path} has {len(value)} characters; {VALUE_CHARS} are allowed", "Send less of it"
        )
    if _WORD.fullmatch(value) and strip_invisible(value) == value:
        return value
    return visible_json(json.dumps(value, ensure_ascii=False))
