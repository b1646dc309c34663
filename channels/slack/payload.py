"""Looking into Slack's payloads, of which nothing is taken for granted. Pure."""

from collections.abc import Mapping

from pydantic import JsonValue

Json = Mapping[str, JsonValue]


def part(value: JsonValue | Json, *path: str) -> Json:
    """The object at `path`; an empty one where there is none."""
    found = _at(value, path)
    return found if isinstance(found, Mapping) else {}


def word(value: JsonValue | Json, *path: str) -> str:
    """The text at `path`; "" where there is none. JSON may hold half a character, which nothing else takes."""
    found = _at(value, path)
    return found.encode(errors="replace").decode() if isinstance(found, str) else ""


def parts(value: JsonValue | Json, *path: str) -> list[Json]:
    """The objects in the list at `path`."""
    found = _at(value, path)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def first(found: list[Json]) -> Json:
    """The first of some objects; an empty one where there is none."""
    return found[0] if found else {}


def _at(value: JsonValue | Json, path: tuple[str, ...]) -> JsonValue | Json:
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value
