"""Which release an event was written under: one short hash of code, prompts, tool schemas and models. Pure."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

_CHARS = 12


@dataclass(frozen=True, slots=True)
class InUse:
    """What one agent works with. `prompt` is a version (`deploy@3`); hashes are hex SHA-256.

    `model` is the one that is configured, also where no key pays for it; both it and the prompt are empty for an agent
    that is all code.
    """

    agent: str
    prompt: str
    prompt_hash: str
    tools_hash: str
    model: str


def release_of(code: str, parts: Iterable[InUse]) -> str:
    """12 hex digits that change with the code and with whatever any agent works with; in which order is no matter."""
    told = [code, sorted((asdict(part) for part in parts), key=lambda part: part["agent"])]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:_CHARS]
