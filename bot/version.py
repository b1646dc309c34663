"""Which release this is."""

import hashlib
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

_TOP = Path(__file__).parents[1]
# Prompts have versions and hashes of their own.
_CODE = ("*.py", "*.lua")


def version() -> str:
    """Of the installed package; of the project file beside this tree where none is installed."""
    try:
        return metadata.version("sayso")
    except metadata.PackageNotFoundError:
        project = _TOP / "pyproject.toml"
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])


@cache
def code() -> str:
    """The version and a hash of the source itself: two clones of one version may differ. Some milliseconds, once."""
    digest = hashlib.sha256()
    for package in ("agents", "bot", "channels", "prompts"):
        for file in sorted(file for kind in _CODE for file in (_TOP / package).rglob(kind)):
            digest.update(f"{file.relative_to(_TOP)}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return f"{version()} {digest.hexdigest()}"
