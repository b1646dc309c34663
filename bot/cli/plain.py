"""Text for a terminal. Outside text is made printable, never obeyed."""

import hashlib
import json

_HASH_CHARS = 12


def plain(text: str) -> str:
    """`text` with everything spelled out that a terminal would obey or not show; line breaks stay."""
    from channels.showing import escape_invisible

    return escape_invisible(text.replace("\r", " ").replace("\t", " "))


def plain_json(text: str) -> str:
    """The same JSON, with what a terminal would obey or not show escaped."""
    from channels.showing import visible_json

    return visible_json(text)


def short_hash(value: object) -> str:
    """The beginning of the hex SHA-256 of `value` as JSON with sorted keys: another one means something changed."""
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:_HASH_CHARS]
