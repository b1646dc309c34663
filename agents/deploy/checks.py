"""Ask commands and servers how an environment and a commit stand: CI, health, who deployed last."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, get_args

from agents.deploy.backends.ci_status import CIStatus, Stands
from agents.deploy.environment import Environment
from agents.deploy.lookup import LookFailed, is_cut
from agents.deploy.variables import look_in
from agents.text import first_line, one_line

# A health check may give what has just started some time to answer.
HEALTH_S = 60.0
_SAID_CHARS, _LINE_CHARS = 200, 300
_FAILED_CODE = 1
_WORDS: Final[tuple[Stands, ...]] = get_args(Stands)
_WORD = re.compile(rf"(?P<word>{'|'.join(_WORDS)})\b[:,. ]*(?P<rest>.*)", re.IGNORECASE)


async def ci(environment: Environment, commit: str) -> CIStatus | None:
    """`passed`, `failed`, `running` or `unknown`, and why; None where the configuration names no way to find out.

    Raises LookFailed.
    """
    if environment.ci:
        return await _ci_by_command(environment.ci_argv(commit), environment)
    return await environment.checks.checks(commit) if environment.checks else None


async def last_deploy(environment: Environment) -> str:
    """Return who deployed last and when, in the words of the command that knows. Raises LookFailed."""
    printed = await look_in(environment, environment.last_argv())
    return first_line(printed, _SAID_CHARS) or "unknown: nothing was printed"


async def health(environment: Environment, within_s: float = HEALTH_S) -> str:
    """Return what the health check of an environment said. Raises LookFailed when it fails, or does not end."""
    printed = await look_in(environment, environment.health_argv(), within_s)
    return first_line(printed, _SAID_CHARS) or "healthy"


async def _ci_by_command(argv: Sequence[str], environment: Environment) -> CIStatus:
    """The first word printed says it, where the exit code does not contradict; silence is read as usual."""
    try:
        printed, code = await look_in(environment, argv), 0
    except LookFailed as error:
        if error.exit_code is None:
            raise
        printed, code, why = error.output, error.exit_code, str(error)
    else:
        why = ""
    line, all_lines = first_line(printed, _SAID_CHARS), tuple(filter(None, _lines(printed)))
    rest = all_lines if len(all_lines) > 1 or all_lines != (line,) else ()
    unread = "the command printed more than can be read" if is_cut(printed) else ""
    return CIStatus(*_status_of(line, code, why, argv), rest, unread)


def _lines(printed: str) -> Iterator[str]:
    return (one_line(line, _LINE_CHARS) for line in printed.splitlines())


def _status_of(line: str, code: int, why: str, argv: Sequence[str]) -> tuple[Stands, str]:
    """Return how the checks stand, by the first line that a command printed and its exit code."""
    said = _WORD.fullmatch(line)
    word: Stands | None = next((one for one in _WORDS if said and one == said["word"].lower()), None)
    if said and word and (word != "passed" or code == 0):
        return word, f"{word}: {said['rest']}" if said["rest"] else word
    if not line and code == 0:
        return "passed", "passed"
    if not said and code == _FAILED_CODE:
        return "failed", f"failed: {line or one_line(why, _SAID_CHARS)}"
    return "unknown", f"unknown: {argv[0]!r} printed {line!r} and ended with exit code {code}"
