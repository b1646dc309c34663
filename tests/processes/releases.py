"""A newer release of sayso: a copy of this one whose events, records, entries and items have a field more."""

import shutil
from pathlib import Path

from tests.kill.reading import NEWER
from tests.servers.lines import TOP

_COPIED = ("agents", "bot", "channels", "language", "prompts", "tests")
_MORE = f'    {NEWER}: str = "blue"\n'
# Below these lines stands the new field.
_FIELDS = {
    "agents/events/__init__.py": '    type: Literal["run_started"] = "run_started"\n',
    "bot/policy/record.py": "    request: Request\n",
    "bot/store/outbox_entry.py": "    reach: tuple[str, ...]\n    card: Card\n    thread: str\n",
    "bot/render/views.py": "    is_rehearsal: bool = False\n",
    "bot/inbound/inbox.py": "    received_at: AwareDatetime | None\n",
}
_LEFT_OUT = 'exclude={"received_at", "is_old"}'


def newer_release(folder: Path) -> Path:
    """Return the top of a release whose data this one can't read."""
    ignored = shutil.ignore_patterns("__pycache__", "stored", "pictures")
    for name in _COPIED:
        shutil.copytree(TOP / name, folder / name, ignore=ignored)
    shutil.copy(TOP / "pyproject.toml", folder)
    for name, line in _FIELDS.items():
        _change(folder / name, line, line + _MORE)
    _change(folder / "bot/inbound/inbox.py", _LEFT_OUT, _LEFT_OUT.replace("}", f', "{NEWER}"}}'))
    return folder


def _change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) >= 1, f"{file} has changed: {old!r} is not in it"
    file.write_text(text.replace(old, new, 1))
