"""Something to deploy: a git repository with three releases of a small web page, and the place where they go live.

`FOLDER/shop` is the repository, with `deploy.sh` and `live.sh`; `FOLDER/site` holds the releases, and for each
environment a link `current` to the one that is live. `ci.sh`, `last.sh` and `health.sh` in `FOLDER` look at both.
"""

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from bot.errors import Unavailable
from bot.execution.runner_files import Places

ENVIRONMENTS = ("production", "staging")
_FIRST_LIVE = "v1.0.0"
_SCRIPTS = ("deploy.sh", "live.sh")
_LOOKS = ("ci.sh", "last.sh", "health.sh")


@dataclass(frozen=True, slots=True)
class _Commit:
    """One commit of the story: the page as it is after it. `tag` is empty between releases."""

    subject: str
    author: str
    at: str
    version: str
    teas: tuple[str, ...]
    accent: str = "#4a7c59"
    footer: str = "Open from nine to five."
    tag: str = ""


_BLACK, _GREEN, _MINT = "Assam|4.50", "Sencha|6.20", "Fresh mint|3.80"
_STORY = (
    _Commit("Open the shop with one tea", "Anna Ames", "2026-01-12T09:30:00+01:00", "v1.0.0", (_BLACK,), tag="v1.0.0"),
    _Commit("Sell green tea", "Bo Berg", "2026-01-20T14:05:00+01:00", "v1.0.0", (_BLACK, _GREEN)),
    _Commit(
        "Show opening hours for Saturdays",
        "Anna Ames",
        "2026-01-21T10:40:00+01:00",
        "v1.1.0",
        (_BLACK, _GREEN),
        footer="Open from nine to five, Saturdays until noon.",
        tag="v1.1.0",
    ),
    _Commit("Sell fresh mint", "Cy Cole", "2026-02-02T11:15:00+01:00", "v1.1.0", (_BLACK, _GREEN, _MINT)),
    _Commit(
        "Give the page a warmer colour",
        "Bo Berg",
        "2026-02-03T16:20:00+01:00",
        "v1.2.0",
        (_BLACK, _GREEN, _MINT),
        accent="#a8552f",
        footer="Open from nine to five, Saturdays until noon.",
        tag="v1.2.0",
    ),
)


def make_demo(folder: Path) -> Path:
    """The demo's repository below `folder`, made if it is not there yet: all of it, or nothing if this is interrupted.

    Raises Unavailable when git is missing or `folder` holds something else.
    """
    shop = folder / "shop"
    if (shop / ".git").is_dir():
        add_ways(folder)
        return shop
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _build(made)
        made.rename(folder)
        add_ways(folder)
    except FileNotFoundError as error:
        raise Unavailable(f"The demo can't be made: {error.filename} is not installed", "apt install git") from error
    except OSError as error:
        if (shop / ".git").is_dir():
            return shop  # another process was quicker
        raise Unavailable(
            f"The demo can't be made in {folder}: {error.strerror}", "Move it away or empty it"
        ) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return shop


def _add_looks(folder: Path) -> None:
    for name in _LOOKS:
        if not (folder / name).exists():
            (folder / name).write_text(resources.files("bot.dev").joinpath("page", name).read_text())
            (folder / name).chmod(0o755)


def add_ways(folder: Path) -> None:
    """Have `../site` mean the demo's also for a `deploy.sh` that runs in a clean copy of the repository."""
    for environment in ENVIRONMENTS:
        copies = Places(folder.parent).tree(f"deploy-{environment}", "shop").parent
        copies.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            (copies / "site").symlink_to(folder.absolute() / "site")


def _build(folder: Path) -> None:
    _add_looks(folder)
    shop = folder / "shop"
    shop.mkdir()
    _git(shop, "init", "--quiet", "--initial-branch=main")
    for commit in _STORY:
        _write(shop, commit)
        _git(shop, "add", "--all", commit=commit)
        _git(shop, "commit", "--quiet", "--message", commit.subject, commit=commit)
        if commit.tag:
            _git(shop, "tag", commit.tag)
    first = _git(shop, "rev-parse", _FIRST_LIVE)
    for environment in ENVIRONMENTS:
        _run([str(shop / "deploy.sh"), environment, first], shop, {})


def _write(shop: Path, commit: _Commit) -> None:
    teas = "\n".join(f"      <li><span>{tea.replace('|', '</span><b>')}</b></li>" for tea in commit.teas)
    filled = {"{version}": commit.version, "{teas}": teas, "{accent}": commit.accent, "{footer}": commit.footer}
    for name in ("index.html", "style.css", *_SCRIPTS):
        text = resources.files("bot.dev").joinpath("page", name).read_text()
        if name not in _SCRIPTS:
            for place, value in filled.items():
                text = text.replace(place, value)
        (shop / name).write_text(text)
    for name in _SCRIPTS:
        (shop / name).chmod(0o755)


def _git(shop: Path, *args: str, commit: _Commit | None = None) -> str:
    """Run git and return what it prints; the same commits, hashes and all, on every machine and at every time."""
    who = commit or _STORY[0]
    address = f"{who.author.split()[0].lower()}@shop.example"
    settings = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{role}_NAME": who.author for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": address for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_DATE": who.at for role in ("AUTHOR", "COMMITTER")},
    }
    return _run(["git", *args], shop, settings)


def _run(argv: list[str], cwd: Path, settings: dict[str, str]) -> str:
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(argv, check=False, cwd=cwd, env=environment | settings, capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(
            f"The demo can't be made: {' '.join(argv)} failed: {done.stderr.strip()}", "Fix that, and start again"
        )
    return done.stdout.strip()
