"""The attached files that a program may read as text, and how much of them becomes part of a run. Pure."""

import re

TEXT_BYTES, ALL_TEXT_BYTES = 8 * 1024, 16 * 1024
"""Most text of one file, and of all files of a message, in UTF-8: it becomes part of an event, and a model reads it."""

UNKNOWN_TYPE = "application/octet-stream"

# RFC 6838, 4.2, which allows 127 characters for each half; those of office programs have 70.
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_TEXT_TYPES = re.compile(
    r"text/.+|.+\+(?:json|xml|yaml)|application/(?:json|x-ndjson|jsonl|csv|yaml|x-yaml|toml|xml|sql|x-sh|x-patch|x-diff)"
)
_TEXT_ENDINGS = re.compile(
    r".+\.(?:txt|text|log|out|csv|tsv|json|jsonl|ndjson|ya?ml|toml|ini|cfg|conf|env|properties|md|rst|patch|diff|xml"
    r"|html?|sql|sh|py|js|ts|go|rs|java|c|h|cpp|rb|ics|vcf)",
    re.IGNORECASE,
)


def is_type(name: str) -> bool:
    """Return whether `name` is a media type."""
    return _TYPE.fullmatch(name) is not None


def is_text(type_: str, name: str) -> bool:
    """Return whether a file of this type or with this name is one that people read as text."""
    return bool(_TEXT_TYPES.fullmatch(type_) or _TEXT_ENDINGS.fullmatch(name))


def headed(text: str, most_bytes: int) -> dict[str, str]:
    """The `text` of a file as far as it fits, and a `note` where it does not."""
    whole = text.encode()
    if len(whole) <= most_bytes:
        return {"text": text}
    head = whole[:most_bytes].decode(errors="ignore")
    return {"text": head, "note": f"its text is cut after {most_bytes} of {len(whole)} bytes"}
