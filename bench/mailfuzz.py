"""Changes bytes of real mails and reads them: `python -m bench.mailfuzz --seconds 300 --seed 1`.

Reports what crashes the reader, what takes more than 100 ms, and approvals that should not be; exit code 1 for any of
them. The same seed tries the same mails in the same order. What was found is written to --keep, one file each.
With --pumps it fills each place of a mail with one piece over and over instead, and prints what the slowest costs.
"""

import argparse
import random
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bench import mailpumps
from bench.mailsets import NAMES, SERVER, mails, reader
from channels import Reading, Reply, Trigger
from channels.email.reading.reader import Reader

MOST_MS = 100.0
LONGEST_BYTES = 2_100_000
PIECES = (
    *(b"\r\n", b"\n", b"\r", b"\0", b"\r\n\r\n", b"\n\n", b"\r\n ", b" ", b"\t", b":", b";", b"=", b'"', b"\\"),
    *(b"(", b")", b"<", b">", b"@", b",", b"--", b"=?utf-8?b?", b"?=", b"=3D", b"\xff", b"\xe3\x81", b"\x1b$B"),
    *(b"<div>", b"</div>", b"<style>", b"<!--", b"-->", b"<span hidden>", b"<blockquote>", b"&#0;", b"&nbsp;"),
    *(b"\r\n> ", b"\r\n-- \r\n", b"\r\nOn Tue, a@b.example wrote:\r\n", b"\r\n-----Original Message-----\r\n"),
    *(b"From: mallory@evil.example\r\n", b"Content-Type: text/html\r\n", b"Content-Transfer-Encoding: base64\r\n"),
)
NOBODY = "mx.of.nobody.invalid"
"""A server that wrote a verdict in none of the mails: before a reader that believes it alone, nobody is proven."""


@dataclass
class Tally:
    """The count of what has happened so far."""

    read: Counter[str] = field(default_factory=Counter[str])
    found: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])
    slowest_ms: float = 0.0


def main() -> None:
    """Fuzz for as long as the command line says."""
    options = _options()
    rng, tally = random.Random(options.seed), Tally()  # noqa: S311 - not for secrets
    if options.pumps:
        sys.exit(_pump(rng, options.seconds))
    corpus = [mail for name in NAMES for mail in mails(name)]
    until = time.monotonic() + options.seconds
    while time.monotonic() < until:
        _try(_changed(rng, corpus), tally)
    total = sum(tally.read.values())
    print(f"seed {options.seed}: {total} mails in {options.seconds} s, slowest {tally.slowest_ms:.0f} ms")
    print(", ".join(f"{name} {count}" for name, count in tally.read.most_common()))
    for number, (why, raw) in enumerate(tally.found):
        print(f"FOUND: {why}")
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{options.seed}-{number}.eml").write_bytes(raw)
    sys.exit(1 if tally.found else 0)


def _pump(rng: random.Random, seconds: int) -> int:
    own = reader()
    found = mailpumps.grown(lambda raw: own.read(raw, len(raw)), rng, seconds)
    print(f"{'place':22} {'half ms':>8} {'whole ms':>8}")
    for growth in found:
        print(growth.row)
    return 1 if any(growth.whole_ms > MOST_MS for growth in found) else 0


def _try(raw: bytes, tally: Tally) -> None:
    reading = _read(raw, SERVER, tally)
    if reading is None:
        return
    said = reading.said if isinstance(reading, Reply) else ""
    tally.read[f"{reading.type} {said}".strip()] += 1
    if said == "approve" and (why := _objection(raw)):
        tally.found.append((f"approved, although {why}", raw))
    if isinstance(_read(raw, NOBODY, tally), Reply | Trigger):
        tally.found.append(("believed without a proof", raw))


def _read(raw: bytes, server: str, tally: Tally) -> Reading | None:
    """Read what the mail means; None when reading it failed, which is noted."""
    own = reader(server)
    try:
        reading, took_ms = _timed(own, raw)
        if took_ms > MOST_MS:  # once may be the machine's fault
            took_ms = min(took_ms, *(_timed(own, raw)[1] for _ in range(3)))
    except Exception as error:  # noqa: BLE001 - any is what is looked for
        tally.found.append((f"crashed: {type(error).__name__}: {error}", raw))
        return None
    tally.slowest_ms = max(tally.slowest_ms, took_ms)
    if took_ms > MOST_MS:
        tally.found.append((f"took {took_ms:.0f} ms", raw))
    return reading


def _timed(own: Reader, raw: bytes) -> tuple[Reading, float]:
    began = time.process_time()
    reading = own.read(raw, len(raw))
    return reading, 1000 * (time.process_time() - began)


def _objection(raw: bytes) -> str:
    """Return why nobody's approval can be in this mail, found independently of the parser that is tried."""
    head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0].lower()
    verdicts = re.findall(rb"^authentication-results:.*(?:\n[ \t].*)*", head, re.MULTILINE)
    if not any(b"dmarc=pass" in b"".join(each.split()) for each in verdicts if SERVER.encode() in each):
        return "no verdict passes"
    authors = re.findall(rb"^from:.*(?:\n[ \t].*)*", head, re.MULTILINE)
    if len(authors) != 1 or b"anna@corp.example" not in authors[0] or authors[0].count(b"@") != 1:
        return "it has not Anna's address alone in its one From"
    if re.search(rb"\r(?!\n)|\0", head):
        return "its headers hold a control character"
    machines = rb"^(?:list-id|list-post|x-autoreply|x-failed-recipients):|^auto-submitted: *auto"
    return "a machine wrote it" if re.search(machines, head, re.MULTILINE) else ""


def _changed(rng: random.Random, corpus: list[bytes]) -> bytes:
    raw = bytearray(rng.choice(corpus)[:LONGEST_BYTES])
    for _ in range(rng.choice((1, 1, 2, 3, 5, 8, 20))):
        _change(rng, raw, corpus)
    return bytes(raw[:LONGEST_BYTES])


def _change(rng: random.Random, raw: bytearray, corpus: list[bytes]) -> None:
    # Most of what decides stands near the beginning.
    at = rng.randrange(min(len(raw), rng.choice((600, len(raw) or 1))) + 1)
    end = at + rng.choice((1, 1, 2, 10, 80))
    match rng.randrange(7):
        case 0 if at < len(raw):
            raw[at] = rng.randrange(256)
        case 1:
            del raw[at:end]
        case 2:
            raw[at:at] = rng.choice(PIECES)
        case 3:
            raw[at:end] = rng.choice(PIECES)
        case 4:
            raw[at:at] = raw[at:end] * rng.choice((1, 2, 50, 3000))
        case 5:
            other = rng.choice(corpus)
            start = rng.randrange(len(other) + 1)
            raw[at:at] = other[start : start + rng.choice((20, 200, 2000))]
        case _:
            raw[at:at] = rng.choice(PIECES) * rng.choice((1, 5, 1000, 20_000))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.mailfuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311 - not for secrets
    parser.add_argument("--pumps", action="store_true", help="fill each place of a mail with one piece, and time it")
    parser.add_argument("--keep", type=Path, help="a folder for the mails that something was found in")
    return parser.parse_args()


if __name__ == "__main__":
    main()
