"""Hashes of commits as people know them. Pure."""

import re

_HASH = re.compile(r"\b(?P<hash>[0-9a-f]{40,64})\b(?: \((?P<tags>[^()\n]+)\))?")
_HASH_CHARS = 7


def short_hashes(text: str) -> str:
    """`text` with each full hash of a commit as `v1.2.0 (3f2a1c9)`, or as the short one alone where it has no tag."""

    def short(found: re.Match[str]) -> str:
        hashed, tags = found["hash"][:_HASH_CHARS], found["tags"]
        return f"{tags} ({hashed})" if tags else hashed

    return _HASH.sub(short, text)
