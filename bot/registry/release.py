"""The release an event was written under: one short hash of code, prompts, tool schemas and models. Pure."""

import hashlib
import json
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

_CHARS = 12


@dataclass(frozen=True, slots=True)
class InUse:
    """The parts one agent works with.

    `prompt` is a version (`deploy@3`); hashes are hex SHA-256. `model` is the one that is configured, also where no key
    pays for it; both it and the prompt are empty for an agent that is all code.
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


_TOP = Path(__file__).parents[2]
# Prompts have versions and hashes of their own.
_CODE = ("*.py", "*.lua", "*.po")


def version() -> str:
    """Return the installed package's version, else that of the project file beside this tree."""
    try:
        return metadata.version("sayso")
    except metadata.PackageNotFoundError:
        project = _TOP / "pyproject.toml"
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])


def files_hash(top: Path, files: Iterable[Path]) -> str:
    """Hex SHA-256 of the names below `top`, and of the contents, of `files`."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(top)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


@cache
def code() -> str:
    """The version and a hash of the source itself: two clones of one version may differ. Some milliseconds, once."""
    packages = (_TOP / package for package in ("agents", "bot", "channels", "language", "prompts"))
    files = (file for package in packages for file in sorted(one for kind in _CODE for one in package.rglob(kind)))
    return f"{version()} {files_hash(_TOP, files)}"
