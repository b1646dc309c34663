"""Score what is read in mails: the four sets, beside other libraries, and without some of its words.

    bench/run mails                       the sets and the libraries, one to three minutes
    bench/run mails --no-peers            the sets alone
    bench/run mails --without all         without each language and each mail program in turn, some minutes
    bench/run mails --without german gmx  without these
    bench/run mails --pumps               the patterns that read mail, on texts made to be slow for them

The sets and their scorer are where SAYSO_EMAIL_SETS says (`../shared/data/email`). The libraries are installed into an
environment of their own in SAYSO_BENCH_WORK (a temporary folder), nowhere else. Words are taken out of a copy of the
vocabulary, which the reader that is scored reads. Exit code 1 when a figure is missed.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import cast

from bench.table import machine, show

_TOP = Path(__file__).resolve().parents[1]
_SETS = Path(os.environ.get("SAYSO_EMAIL_SETS") or _TOP.parent / "shared" / "data" / "email")
_OURS = shlex.join([sys.executable, "-c", "from bot.cli import main; main()", "parse-reply"])
_PEERS = ("email-reply-parser", "mail-parser-reply-en", "mail-parser-reply", "quotequail", "talon", "whole body")
_PACKAGES = ("email-reply-parser==0.5.12", "mail-parser-reply==1.36", "quotequail==0.5.4", "talon==1.4.4")
_WANTED: Mapping[str, Sequence[str]] = {
    "replies": ("--min-replies", "99.4", "--max-leak", "3"),
    "answers": ("--min-answers", "100", "--max-false-approvals", "0"),
    "machine": ("--min-machine", "99.6", "--max-human-lost", "0"),
    "hostile": ("--min-hostile", "100", "--max-attacks-counted", "0", "--max-genuine-lost", "0"),
}
# Without words, a decision may be lost; nothing may be approved that nobody approved.
_WANTED_WITHOUT: Mapping[str, Sequence[str]] = {
    "replies": ("--min-replies", "95"),
    "answers": ("--max-false-approvals", "0"),
    "hostile": ("--max-false-approvals", "0", "--max-attacks-counted", "0"),
}
_FIGURES = ("SAFE", "exact", "leak", "lost", "msgs/s", "slowest ms")
_ELSEWHERE = ("SAFE", "right", "msgs/s", "slowest ms")
_NEVER = "(?!)"
"""A word that is nowhere."""
_VOCABULARY = Path("channels/email/reply/vocabulary")
_TABLES = ("quotes", "moments", "clients")
_NO_LANGUAGES = ("shared", "programs", *_TABLES)


def main() -> None:
    """Print what the command line asks for; exit code 1 when a figure is missed."""
    options = _options()
    if options.pumps:
        from bench.mailpumps import pumps  # noqa: PLC0415 - it reads how each pattern is made

        sys.exit(0 if pumps(options.seconds, options.seed) else 1)
    if not (_SETS / "score.py").exists():
        sys.exit(f"There is no scorer at {_SETS}. Set SAYSO_EMAIL_SETS to the folder that has it")
    print(machine(Path(tempfile.gettempdir())), flush=True)
    missed = _without(options.without, options.part) if options.without else _all(options.part, options.peers)
    print("\n".join(("MISSED:", *missed)) if missed else "Every figure that is wanted was met.")
    sys.exit(1 if missed else 0)


def _all(part: str, with_peers: bool) -> list[str]:
    rows, missed = list[tuple[object, ...]](), list[str]()
    for name, wanted in _WANTED.items():
        figures, below = _score(_OURS, name, part, wanted)
        right = figures.get("SAFE") or figures.get("right") or "?"
        shown = ", ".join(f"{key} {value}" for key, value in figures.items() if key not in _ELSEWHERE)
        rows.append((name, right, shown, "MISSED" if below else "met"))
        missed += below
    show("Read rightly", ("set", "right", "figures", "wanted"), rows)
    commands = {"sayso": _OURS}
    if with_peers:
        python = _peers_python()
        commands |= {name: shlex.join([str(python), str(_TOP / "bench/email_peer.py"), name]) for name in _PEERS}
    found = {name: _score(command, "replies", part)[0] for name, command in commands.items()}
    beside = [(name, *(figures.get(key, "?") for key in _FIGURES)) for name, figures in found.items()]
    show("Beside other libraries, on the replies", ("library", *_FIGURES), beside)
    return missed


def _without(names: Sequence[str], part: str) -> list[str]:
    """Score without each of `names` in turn, or with `all` without everything there is; return what was missed."""
    languages = _languages()
    known = sorted({*languages, *_tables("quotes"), *_tables("clients")})
    if unknown := {*names} - {*known, "all"}:
        raise SystemExit(f"not in the vocabulary: {', '.join(sorted(unknown))}; these are: {', '.join(known)}")
    rows, missed = list[tuple[object, ...]](), list[str]()
    for left in known if "all" in names else names:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            shutil.copytree(_TOP / "channels", folder / "channels", ignore=shutil.ignore_patterns("__pycache__"))
            _take_out(folder / _VOCABULARY, left, is_language=left in languages)
            scored = {one: _score(_OURS, one, part, wanted, folder) for one, wanted in _WANTED_WITHOUT.items()}
        rows.append((left, *(_shown(figures) for figures, _ in scored.values())))
        missed += [f"without {left}: {line}" for _, below in scored.values() for line in below]
        if scored["replies"][0].get("lost") != "0":
            missed.append(f"without {left}: own text is lost")
    show("Read without the words of", ("left out", *_WANTED_WITHOUT), rows)
    return missed


def _shown(figures: Mapping[str, str]) -> str:
    return ", ".join(f"{key} {value}" for key, value in figures.items() if key not in ("msgs/s", "slowest ms"))


def _score(
    command: str, name: str, part: str, wanted: Sequence[str] = (), folder: Path = _TOP
) -> tuple[dict[str, str], list[str]]:
    """Return the scorer's figures for one set, and which of the `wanted` are missed. It runs in `folder`."""
    argv = [sys.executable, str(_SETS / "score.py"), "--parser", command, "--set", name, "--part", part, *wanted]
    environment = {**os.environ, "PYTHONPATH": str(_TOP)}
    ended = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    missed = re.findall(r"^BELOW THE LIMIT: (.+)$", ended.stdout, re.MULTILINE)
    if ended.returncode and not missed:
        why = (ended.stderr or ended.stdout).strip().splitlines()[-1:]
        return {}, [f"{name}: not measured", *why]
    found = re.findall(rf"^{name} (.+?) (\d[\d.]*(?: %)?)(?: of \d+| \(.*\))?$", ended.stdout, re.MULTILINE)
    return dict(found), missed


def _take_out(vocabulary: Path, left: str, *, is_language: bool) -> None:
    """Take the words of `left` out of the tables of a vocabulary, and of a language all lists."""
    for table in _TABLES:
        file, text = vocabulary / f"{table}.toml", list[str]()
        for name, lists in _read(file).items():
            text += (f"[{name}]", *(_list(key, [_NEVER] if name == left else words) for key, words in lists.items()))
        file.write_text("\n".join(text), encoding="utf-8")
    if is_language:
        file = vocabulary / f"{left}.toml"
        names = [name for name, words in tomllib.loads(file.read_text("utf-8")).items() if isinstance(words, list)]
        file.write_text("\n".join(_list(name, [_NEVER]) for name in names), encoding="utf-8")


def _list(key: str, words: Collection[str]) -> str:
    return f"{key} = {json.dumps(words, ensure_ascii=False)}"


def _read(file: Path) -> dict[str, dict[str, list[str]]]:
    return cast("dict[str, dict[str, list[str]]]", tomllib.loads(file.read_text("utf-8")))


def _languages() -> list[str]:
    """The languages in which people decide."""
    return [file.stem for file in (_TOP / _VOCABULARY).glob("*.toml") if file.stem not in _NO_LANGUAGES]


def _tables(name: str) -> list[str]:
    return [*_read(_TOP / _VOCABULARY / f"{name}.toml")]


def _peers_python() -> Path:
    """Return the Python of an environment that has the libraries; make it the first time."""
    folder = Path(os.environ.get("SAYSO_BENCH_WORK") or Path(tempfile.gettempdir()) / "sayso-bench") / "email-peers"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *_PACKAGES], check=True)
        (folder / "ready").touch()
    return python


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/run mails", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="without the libraries")
    parser.add_argument("--without", nargs="+", metavar="NAME", help="languages and mail programs, or `all`")
    parser.add_argument("--part", default="dev", help="which part of the sets")
    parser.add_argument("--pumps", action="store_true", help="time the patterns on texts made to be slow for them")
    parser.add_argument("--seconds", type=float, default=300, help="of --pumps: for how long")
    parser.add_argument("--seed", type=int, default=17, help="of --pumps: what the texts are drawn from")
    return parser.parse_args()


if __name__ == "__main__":
    main()
