"""Prints and checks the figures of docs/email.md: what is read rightly, how fast, what bombs cost; `bench/email`."""

import argparse
import re
import shlex
import subprocess
import sys
from functools import partial
from typing import Protocol

from bench.mailsets import NAMES, SETS, TOP
from bench.mailsizes import sizes
from bench.mailspeed import bombs, speed
from bench.table import machine, show

OURS = shlex.join([sys.executable, "-c", "from bot.cli import main; main()", "parse-reply"])
PEERS = ("email-reply-parser", "mail-parser-reply-en", "mail-parser-reply", "quotequail", "talon", "whole body")
# 3 of the 393 replies are 1 % of them.
WANTED = {
    "replies": ("--min-replies", "97", "--max-leak", "3.9"),
    "answers": ("--min-answers", "95", "--max-false-approvals", "0"),
    "machine": ("--min-machine", "99", "--max-human-lost", "0"),
    "hostile": ("--min-hostile", "100", "--max-attacks-counted", "0", "--max-genuine-lost", "0"),
}
PEER_FIGURES = ("SAFE", "exact", "leak", "lost", "msgs/s", "slowest ms")
ELSEWHERE = ("SAFE", "right", "msgs/s", "slowest ms")


class _Row(Protocol):
    def __call__(self, name: str, figures: dict[str, str], missed: list[str]) -> tuple[object, ...]: ...


def main() -> None:
    """All figures; exit code 1 when one of the wanted ones is missed."""
    options = _options()
    print(machine(TOP), flush=True)
    missed = _rightly(options.part)
    _race(options.part, options.peers)
    missed += speed(options.part)
    missed += sizes()
    missed += bombs()
    print(machine(TOP))
    print("\n".join(("MISSED:", *missed)) if missed else "Every figure that is wanted was met.")
    sys.exit(1 if missed else 0)


def _rightly(part: str) -> list[str]:
    scored = [_score(OURS, name, [*WANTED[name], "--part", part], _row) for name in NAMES]
    show("Read rightly", ("set", "right", "figures", "wanted"), [row for row, _ in scored])
    return [line for _, lines in scored for line in lines]


def _race(part: str, peers: str | None) -> None:
    commands = {"sayso": OURS}
    if peers:
        commands |= {name: shlex.join([peers, str(TOP / "bench" / "email_peer.py"), name]) for name in PEERS}
    rows = [_score(command, "replies", ["--part", part], partial(_peer, name))[0] for name, command in commands.items()]
    show(
        "Beside other libraries, on the replies",
        ("library", "SAFE", "exact", "leak", "lost", "msgs/s", "slowest ms"),
        rows,
    )


def _score(command: str, name: str, arguments: list[str], row: _Row) -> tuple[tuple[object, ...], list[str]]:
    """Return what `row` makes of the scorer's figures for one set, and what was missed."""
    argv = [sys.executable, str(SETS / "score.py"), "--parser", command, "--set", name, *arguments]
    ended = subprocess.run(argv, cwd=TOP, capture_output=True, text=True, check=False)
    missed = re.findall(r"^BELOW THE LIMIT: (.+)$", ended.stdout, re.MULTILINE)
    if ended.returncode and not missed:
        why = (ended.stderr or ended.stdout).strip().splitlines()[-1:]
        return (name, "not measured", *why), [f"{name}: not measured"]
    figures = dict(re.findall(rf"^{name} (.+?) (\d[\d.]*(?: %)?)(?: of \d+| \(.*\))?$", ended.stdout, re.MULTILINE))
    return row(name, figures, missed), missed


def _row(name: str, figures: dict[str, str], missed: list[str]) -> tuple[object, ...]:
    right = figures.get("SAFE") or figures.get("right") or "?"
    shown = ", ".join(f"{key} {value}" for key, value in figures.items() if key not in ELSEWHERE)
    return name, right, shown, "MISSED" if missed else "met"


def _peer(library: str, name: str, figures: dict[str, str], missed: list[str]) -> tuple[object, ...]:  # noqa: ARG001
    return library, *(figures.get(key, "?") for key in PEER_FIGURES)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/email", description=__doc__)
    parser.add_argument("--peers", help="a Python that has the peer libraries; bench/email makes one")
    parser.add_argument("--part", default="dev", help="which part of the sets")
    return parser.parse_args()


if __name__ == "__main__":
    main()
