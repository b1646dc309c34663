"""Prompt files: `load(name)` gives `prompts/NAME.md`, a template below a few lines of front matter.

`NAME.md` is the newest version of a prompt; older ones stay beside it as `NAME@N.md`, and `load("NAME@N")` gives one.
The front matter is `key: value` lines between two `---` lines, with the keys of `Prompt`: `name`, `version`,
`family` (of models it was written for) and `inputs` (comma separated; empty for none).
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

_KEYS = {"name", "version", "family", "inputs"}
_FILE = re.compile(r"---\n(?P<head>.*?)\n---\n(?P<body>.*)", re.DOTALL)
# One way to write a version: `deploy@03` would be a second name of the same file.
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
# What comes out is text for a model, not HTML: escaping belongs to whoever quotes outside data.
_environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, trim_blocks=True)


class PromptError(Exception):
    """A prompt cannot be used: `str()` says which, why, and what to change."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One version of one prompt. `hash` is the hex SHA-256 of the whole file, `file` is where to fix it."""

    name: str
    version: int
    family: str
    inputs: tuple[str, ...]
    body: str
    hash: str
    file: str = field(default="", compare=False)

    @property
    def label(self) -> str:
        """The name in decisions: `deploy@3`."""
        return f"{self.name}@{self.version}"

    def render(self, inputs: Mapping[str, object]) -> str:
        """The text, filled in. Raises PromptError when `inputs` are not those that the front matter names."""
        if set(inputs) != set(self.inputs):
            wanted, given = ", ".join(sorted(self.inputs)) or "none", ", ".join(sorted(inputs)) or "none"
            raise PromptError(f"prompt {self.label} takes the inputs {wanted}, but was given {given}")
        try:
            return _environment.from_string(self.body).render(inputs)
        except TemplateError as error:
            raise PromptError(f"prompt {self.label} does not render: {error}. Correct {self.file}") from error


def names(folder: Path | None = None) -> tuple[str, ...]:
    """All prompts there are, sorted; in `folder` instead of here for agents that live elsewhere."""
    return tuple(sorted(stem for stem in _stems(folder) if "@" not in stem))


def versions(name: str, folder: Path | None = None) -> tuple[Prompt, ...]:
    """All versions of the prompt of that name, newest first. Raises PromptError like `load`."""
    newest = load(name, folder)
    stems = [stem for stem in _stems(folder) if stem.startswith(f"{name}@")]
    older = sorted((_read(stem, folder) for stem in stems), key=lambda prompt: -prompt.version)
    if older and older[0].version >= newest.version:
        raise PromptError(
            f"{newest.file} says `version: {newest.version}`, but there is {older[0].file}: "
            f"the newest version has the plain name and the highest number"
        )
    return (newest, *older)


def load(name: str, folder: Path | None = None) -> Prompt:
    """The newest version of the prompt of that name; `NAME@N`: that version.

    Raises PromptError when there is none, or its front matter is wrong.
    """
    base, at, _ = name.partition("@")
    if base not in _stems(folder):
        where = f" in {folder}: write {base}.md there" if folder else ""
        raise PromptError(f"there is no prompt {name!r}{where}. There are: {', '.join(names(folder)) or 'none'}")
    if not at:
        return _read(base, folder)
    known = versions(base, folder)
    for prompt in known:
        if prompt.label == name:
            return prompt
    raise PromptError(f"there is no prompt {name!r}. There are: {', '.join(prompt.label for prompt in known)}")


def parse(stem: str, content: bytes, file: str = "") -> Prompt:
    """The prompt that a file holds; `stem` is its name without `.md`.

    Raises PromptError that names the line or key to correct.
    """
    file = file or f"prompts/{stem}.md"
    try:
        found = _FILE.fullmatch(content.decode())
    except UnicodeDecodeError as error:
        raise PromptError(f"{file} is not UTF-8 text ({error.reason} at byte {error.start}): save it as such") from None
    if found is None:
        raise PromptError(f"{file} must begin with front matter: `key: value` lines between two `---` lines")
    head, (name, version) = _head(file, found["head"]), _parts(stem)
    if head["name"] != name:
        raise PromptError(f"{file} says `name: {head['name']}`: it must be the file's own name")
    if not _VERSION.fullmatch(head["version"]):
        raise PromptError(f"{file} says `version: {head['version']}`: it must be a whole number, from 1 on")
    if version not in {"", head["version"]}:
        raise PromptError(f"{file} says `version: {head['version']}`: it must be the number in the file's name")
    return Prompt(
        name=name,
        version=int(head["version"]),
        family=head["family"],
        inputs=tuple(part.strip() for part in head["inputs"].split(",") if part.strip()),
        body=found["body"].strip(),
        hash=hashlib.sha256(content).hexdigest(),
        file=file,
    )


def _parts(stem: str) -> tuple[str, str]:
    """Name and version of a file; no version for the newest."""
    name, _, version = stem.partition("@")
    return name, version


def _place(folder: Path | None) -> Traversable:
    return folder or resources.files(__name__)


def _stems(folder: Path | None) -> Iterator[str]:
    """The names of all prompt files, without `.md`. No folder, no files."""
    place = _place(folder)
    files = (file.name for file in place.iterdir()) if place.is_dir() else iter(())
    return (name.removesuffix(".md") for name in files if name.endswith(".md"))


def _read(stem: str, folder: Path | None) -> Prompt:
    file = f"{folder or 'prompts'}/{stem}.md"
    return parse(stem, _place(folder).joinpath(f"{stem}.md").read_bytes(), file)


def _head(file: str, text: str) -> dict[str, str]:
    head: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if not colon or key in head:
            raise PromptError(f"{file}: {line!r} is not a `key: value` line with a key of its own")
        head[key] = value.strip()
    if set(head) != _KEYS:
        wrong = ", ".join(sorted(_KEYS ^ set(head)))
        raise PromptError(f"{file}: front matter needs exactly {', '.join(sorted(_KEYS))}; look at: {wrong}")
    return head
