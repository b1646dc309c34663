"""An error as short as it is useful: what it says, and the one line of its trace that tells where. Pure."""

import re
from dataclasses import dataclass

# Python: https://docs.python.org/3/library/traceback.html#traceback-examples
_PYTHON = re.compile(r'\s*File "([^"]+)", line \d+')
# JavaScript and Java: `    at name (file.js:3:14)`.
_OTHERS = re.compile(r"\s+at \S.*:\d+\)?$")
_FOREIGN = re.compile(r"site-packages|/lib/python|<frozen|node_modules|\(?node:|\bat (?:java|jdk|sun)[.x]")
_BEGINS = re.compile(r"\s*Traceback \(most recent call last\):")


@dataclass(frozen=True, slots=True)
class Compact:
    """`message` is what the error says, without its trace; `trace` is one line of that, "" where there is none."""

    message: str
    trace: str = ""


def compact(error: str) -> Compact:
    """`error` without the lines of its trace but the one that is nearest to our own code."""
    lines = error.splitlines()
    frames = [index for index, line in enumerate(lines) if _PYTHON.match(line)]
    if frames:
        return _of_python(lines, frames)
    frames = [index for index, line in enumerate(lines) if _OTHERS.match(line)]
    if not frames:
        return Compact(error)
    others = [line for line in lines if not _OTHERS.match(line)]
    own = next((index for index in frames if not _FOREIGN.search(lines[index])), frames[0])
    return Compact("\n".join(others).strip(), lines[own].strip())


def _of_python(lines: list[str], frames: list[int]) -> Compact:
    """The innermost frame comes last, and what the error says after it."""
    own = next((index for index in reversed(frames) if not _FOREIGN.search(lines[index])), frames[-1])
    begin = next((index for index, line in enumerate(lines[: frames[0]]) if _BEGINS.match(line)), frames[0])
    end = frames[-1] + 1
    while end < len(lines) and lines[end].startswith((" ", "\t")):
        end += 1
    source = lines[own + 1].strip() if own + 1 < end and own + 1 not in frames else ""
    message = "\n".join([*lines[:begin], *lines[end:]]).strip()
    return Compact(message or lines[begin].strip(), ": ".join(filter(None, (lines[own].strip(), source))))
