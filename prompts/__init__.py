"""Prompt files: `load(name)` gives `prompts/<name>.md`, a template below a few lines of front matter.

The front matter is `key: value` lines between two `---` lines, with the keys of `Prompt`: `name`, `version`,
`family` (of models it was written for) and `inputs` (comma separated; empty for none).
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

_KEYS = {"name", "version", "family", "inputs"}
_FILE = re.compile(r"---\n(?P<head>.*?)\n---\n(?P<body>.*)", re.DOTALL)
# What comes out is text for a model, not HTML: escaping belongs to whoever quotes outside data.
_environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, trim_blocks=True)


class PromptError(Exception):
    """A prompt cannot be used: `str()` says which, why, and what to change."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One version of one prompt. `hash` is the hex SHA-256 of the whole file."""

    name: str
    version: int
    family: str
    inputs: tuple[str, ...]
    body: str
    hash: str

    @property
    def label(self) -> str:
        """How a decision names it: `deploy@3`."""
        return f"{self.name}@{self.version}"

    def render(self, inputs: Mapping[str, object]) -> str:
        """The text, filled in. Raises PromptError when `inputs` are not those that the front matter names."""
        if set(inputs) != set(self.inputs):
            wanted, given = ", ".join(sorted(self.inputs)) or "none", ", ".join(sorted(inputs)) or "none"
            raise PromptError(f"prompt {self.label} takes the inputs {wanted}, but was given {given}")
        try:
            return _environment.from_string(self.body).render(inputs)
        except TemplateError as error:
            raise PromptError(
                f"prompt {self.label} does not render: {error}. Correct prompts/{self.name}.md"
            ) from error


def names() -> tuple[str, ...]:
    """All prompts there are, sorted."""
    files = (file.name for file in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".md") for name in files if name.endswith(".md")))


def load(name: str, folder: Path | None = None) -> Prompt:
    """The prompt of that name, in `folder` if it is not ours. Raises PromptError when there is none or it is wrong."""
    if folder is not None:
        try:
            return parse(name, (folder / f"{name}.md").read_bytes())
        except OSError as error:
            raise PromptError(f"{folder / name}.md can't be read: {error.strerror}. Write it there") from error
    if name not in names():
        raise PromptError(f"there is no prompt {name!r}. There are: {', '.join(names())}")
    return parse(name, resources.files(__name__).joinpath(f"{name}.md").read_bytes())


def parse(name: str, content: bytes) -> Prompt:
    """The prompt that a file holds. Raises PromptError that names the line or key to correct."""
    found = _FILE.fullmatch(content.decode())
    if found is None:
        raise PromptError(f"prompts/{name}.md must begin with front matter: `key: value` lines between two `---` lines")
    head = _head(name, found["head"])
    if head["name"] != name:
        raise PromptError(f"prompts/{name}.md says `name: {head['name']}`: it must be the file's own name")
    if not head["version"].isdecimal():
        raise PromptError(f"prompts/{name}.md says `version: {head['version']}`: it must be a whole number")
    return Prompt(
        name=name,
        version=int(head["version"]),
        family=head["family"],
        inputs=tuple(part.strip() for part in head["inputs"].split(",") if part.strip()),
        body=found["body"].strip(),
        hash=hashlib.sha256(content).hexdigest(),
    )


def _head(name: str, text: str) -> dict[str, str]:
    head: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if not colon or key in head:
            raise PromptError(f"prompts/{name}.md: {line!r} is not a `key: value` line with a key of its own")
        head[key] = value.strip()
    if set(head) != _KEYS:
        wrong = ", ".join(sorted(_KEYS ^ set(head)))
        raise PromptError(f"prompts/{name}.md: front matter needs exactly {', '.join(sorted(_KEYS))}; look at: {wrong}")
    return head
