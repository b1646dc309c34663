"""Measure what 10 KB to 2 MB of one shape cost: no shape may cost more per byte when it grows."""

import time
from collections.abc import Callable
from itertools import pairwise

from bench.mailsets import reader, whole_mail
from bench.table import show
from channels.email.reply import read_html, read_reply

SIZES = (10_000, 50_000, 200_000, 500_000, 1_000_000, 1_990_000)
ROUNDS = 3
MOST_MS = 100.0
# Above linear by so much is noise, and below this time everything is.
SLACK, FLOOR_MS = 1.6, 3.0
ON = "On Tue, Mar 3, 2026 at 9:41 AM sayso <agent@sayso.example> wrote:\n"
READER = reader()


def _plain(text: str) -> object:
    raw = whole_mail(text)
    return READER.read(raw, len(raw))


def _page(text: str) -> object:
    raw = whole_mail(text, "html")
    return READER.read(raw, len(raw))


def _base64(text: str) -> object:
    raw = whole_mail(text).replace(b"8bit", b"base64")
    return READER.read(raw, len(raw))


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
    "a whole mail, own words": (_plain, "some words of my own\r\n"),
    "a whole mail, `> quoted`": (_plain, "> quoted\r\n"),
    "a whole mail, one line": (_plain, "x"),
    "a whole mail, HTML": (_page, "<p>x</p>"),
    "a whole mail, base64": (_base64, "PiBxdW90ZWQK"),
}


def sizes() -> list[str]:
    """Print the processor time of each shape in each size; what was missed."""
    rows, missed = list[tuple[object, ...]](), list[str]()
    for shape, (read, piece) in SHAPES.items():
        took_ms = [_ms(read, piece * (size // len(piece))) for size in SIZES]
        rows.append((shape, *(f"{each:.1f}" for each in took_ms)))
        if max(took_ms) > MOST_MS:
            missed.append(f"{shape}: {max(took_ms):.0f} ms, more than {MOST_MS:.0f}")
        for (small, before), (large, after) in pairwise(zip(SIZES, took_ms, strict=True)):
            if after > max(before, FLOOR_MS) * large / small * SLACK:
                missed.append(f"{shape}: {before:.1f} ms for {small} bytes, {after:.1f} ms for {large}: not linear")
    head = ("processor time in ms", *(f"{round(size, -4) // 1000} KB" for size in SIZES))
    show(f"From 10 KB to 2 MB, best of {ROUNDS}", head, rows)
    return missed


def _ms(read: Callable[[str], object], text: str) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        read(text)
        best = min(best, time.process_time() - began)
    return 1000 * best
