"""The prompt cache of the Messages API, as far as a client can tell: what of a request is read, and what is kept.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching: a request is tools, then system, then messages. A
mark has everything up to the end of its block kept; what is found again is the longest kept beginning that ends with a
marked block or one of the 20 before it. Nothing short is kept. Here nothing is forgotten, and a token is four bytes.
"""

import json
from dataclasses import dataclass, field
from typing import Any

_SHORTEST_TOKENS = 1_024
_LOOKED_BACK = 20

Json = dict[str, Any]


@dataclass
class PromptCache:
    """The beginnings that are kept, each as its text."""

    kept: set[str] = field(default_factory=set[str])

    def usage(self, body: Json) -> Json:
        """The `usage` of an answer to this request, of 20 tokens; what it marked is kept from now on."""
        parts = _parts(body)
        begins = [json.dumps([body["model"], [text for text, _ in parts[: end + 1]]]) for end in range(len(parts))]
        marked = [place for place, (_, is_marked) in enumerate(parts) if is_marked]
        looked_at = {place for mark in marked for place in range(max(0, mark - _LOOKED_BACK), mark + 1)}
        read = max((_tokens(begins[place]) for place in looked_at if begins[place] in self.kept), default=0)
        worth = [begins[place] for place in marked if _tokens(begins[place]) >= _SHORTEST_TOKENS]
        self.kept.update(worth)
        written = max(0, max(map(_tokens, worth), default=0) - read)
        return {
            "input_tokens": _tokens(begins[-1]) - read - written,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": written,
            "output_tokens": 20,
        }


def marks_in(body: Json) -> int:
    """How many blocks of a request are marked."""
    return sum(is_marked for _, is_marked in _parts(body))


def _parts(body: Json) -> list[tuple[str, bool]]:
    """Each block as text, and whether it is marked. Messages hang on the choice of a tool and on effort as well."""
    how = {name: body.get(name) for name in ("tool_choice", "output_config")}
    said = [block | {"how": how} for message in body.get("messages", []) for block in _blocks(message["content"])]
    every = [*body.get("tools", []), *_blocks(body.get("system", [])), *said]
    return [
        (
            json.dumps({name: value for name, value in block.items() if name != "cache_control"}),
            "cache_control" in block,
        )
        for block in every
    ]


def _blocks(content: str | list[Json]) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _tokens(text: str) -> int:
    return len(text) // 4
