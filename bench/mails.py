"""Prints the figures of docs/email.md: the sets, the peer libraries, and the time for 10 KB to 2 MB; `bench/email`."""

import argparse
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.table import machine
from channels.email.parse import Unreadable, read_body
from channels.email.reply import read_html, read_reply

TOP = Path(__file__).resolve().parents[1]
SETS = Path(os.environ.get("SAYSO_EMAIL_SETS") or TOP.parent / "shared" / "data" / "email")
OURS = shlex.join([sys.executable, "-c", "from bot.cli import main; main()", "parse-reply"])
PEERS = ("email-reply-parser", "mail-parser-reply-en", "mail-parser-reply", "quotequail", "talon", "whole body")
WANTED = {
    "replies": ["--min-replies", "97", "--max-leak", "3.9", "--max-slowest-ms", "100"],
    "answers": ["--min-answers", "95", "--max-false-approvals", "0", "--max-slowest-ms", "100"],
    "machine": ["--min-machine", "99", "--max-human-lost", "0", "--max-slowest-ms", "100"],
    "hostile": [
        "--min-hostile",
        "100",
        "--max-attacks-counted",
        "0",
        "--max-genuine-lost",
        "0",
        "--max-slowest-ms",
        "100",
    ],
}
SIZES = (10_000, 50_000, 200_000, 500_000, 1_000_000, 2_000_000)
ON = "On Tue, Mar 3, 2026 at 9:41 AM sayso <agent@sayso.example> wrote:\n"
SHAPES: dict[str, tuple[Callable[[str], object], str]] = {
    "`>`, one line": (read_reply, ">"),
    "`> quoted` lines": (read_reply, "> quoted\n"),
    "`On On On`, one line": (read_reply, "On "),
    "`On … wrote:` lines": (read_reply, ON),
    "`From: x` lines": (read_reply, "From: x\n"),
    "own words": (read_reply, "some words of my own\n"),
    "`yes ` for ever": (read_reply, "yes "),
    "`--` lines": (read_reply, "--\n"),
    "HTML, nested `<div>`": (read_html, "<div>"),
    "HTML, `<p>x`": (read_html, "<p>x"),
    "HTML, `<`": (read_html, "<"),
    "HTML, open quotes": (read_html, '<a "'),
}


def main() -> None:
    """All figures; exit code 1 when one of the wanted ones is missed."""
    options = _options()
    print(machine(TOP), "\n", flush=True)
    print("| set | right | figures | msgs/s | slowest ms | wanted |\n|---|---|---|---|---|---|")
    missed = [_score(OURS, name, ["--part", options.part, *WANTED[name]], _row) for name in WANTED]
    print("\n| library, replies | SAFE | exact | leak | lost | msgs/s | slowest ms |\n|---|---|---|---|---|---|---|")
    _score(OURS, "replies", ["--part", options.part], partial(_peer_row, "sayso"))
    for name in PEERS if options.peers else ():
        command = shlex.join([options.peers, str(TOP / "bench" / "email_peer.py"), name])
        _score(command, "replies", ["--part", options.part], partial(_peer_row, name))
    print(
        f"\n| processor time in ms | {' | '.join(f'{size // 1000} KB' for size in SIZES)} |\n|---|{'---|' * len(SIZES)}"
    )
    for shape, (read, piece) in SHAPES.items():
        print(f"| {shape} | {' | '.join(_ms(read, piece, size) for size in SIZES)} |", flush=True)
    print(f"| a whole mail, base64 | {' | '.join(_ms(_whole, 'PiBxdW90ZWQK', size) for size in SIZES)} |", flush=True)
    sys.exit(1 if any(missed) else 0)


def _score(command: str, name: str, arguments: list[str], show: Callable[[str, dict[str, str], bool], None]) -> bool:
    """Run the scorer on one set and print its row; whether something wanted was missed."""
    argv = [sys.executable, str(SETS / "score.py"), "--parser", command, "--set", name, *arguments]
    ended = subprocess.run(argv, cwd=TOP, capture_output=True, text=True, check=False)
    if ended.returncode and "BELOW" not in ended.stdout:
        print(f"not measured: {name}: {(ended.stderr or ended.stdout).strip().splitlines()[-1:]}")
        return True
    figures = dict(re.findall(rf"^{name} (.+?) (\d[\d.]*(?: %)?)(?: of \d+| \(.*\))?$", ended.stdout, re.MULTILINE))
    show(name, figures, bool(ended.returncode))
    sys.stdout.flush()
    return bool(ended.returncode)


def _row(name: str, figures: dict[str, str], missed: bool) -> None:
    right = figures.get("SAFE") or figures.get("right") or "?"
    shown = ", ".join(f"{key} {value}" for key, value in figures.items() if key not in _ELSEWHERE)
    cells = (name, right, shown, figures["msgs/s"], figures["slowest ms"], "MISSED" if missed else "met")
    print(f"| {' | '.join(cells)} |")


_ELSEWHERE = ("SAFE", "right", "msgs/s", "slowest ms")


def _peer_row(library: str, _name: str, figures: dict[str, str], _missed: bool) -> None:
    wanted = ("SAFE", "exact", "leak", "lost", "msgs/s", "slowest ms")
    print(f"| {library} | {' | '.join(figures[key] for key in wanted)} |")


def _ms(read: Callable[[str], object], piece: str, size: int) -> str:
    text = piece * (size // len(piece))
    read("x")
    began = time.process_time()
    read(text)
    return f"{1000 * (time.process_time() - began):.1f}"


def _whole(body: str) -> object:
    raw = f"From: a@b.example\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}".encode()
    try:
        return read_reply(read_body(raw[:2_000_000]).plain or "")
    except Unreadable as error:
        return error


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/email", description=__doc__)
    parser.add_argument("--peers", help="a Python that has the peer libraries; bench/email makes one")
    parser.add_argument("--part", default="dev", help="which part of the sets")
    return parser.parse_args()


main()
