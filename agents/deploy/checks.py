"""How an environment and a commit stand, asked of commands and of GitHub: CI, health, who deployed last."""

import re
from collections.abc import Sequence

from agents.deploy.environment import Environment
from agents.deploy.github import GitHub
from agents.deploy.lookup import LookFailed, look
from agents.text import first_line, one_line

# A health check may give what has just started some time to answer.
HEALTH_S = 60.0
_SAID_CHARS = 200
_FAILED_CODE = 1
_WORD = re.compile(r"(?P<word>passed|failed|running|unknown)\b[:,. ]*(?P<rest>.*)", re.IGNORECASE)


async def ci(environment: Environment, commit: str) -> str | None:
    """`passed`, `failed`, `running` or `unknown`, and why; None where the configuration names no way to find out.

    Raises LookFailed.
    """
    if environment.ci:
        return await _ci_by_command(environment.ci_argv(commit), environment)
    return await GitHub(environment.github).checks(commit) if environment.github else None


async def last_deploy(environment: Environment) -> str:
    """Who deployed last and when, in the words of the command that knows. Raises LookFailed."""
    printed = await look(environment.last_argv(), environment.repo)
    return first_line(printed, _SAID_CHARS) or "unknown: nothing was printed"


async def health(environment: Environment, within_s: float = HEALTH_S) -> str:
    """What the health check of an environment said. Raises LookFailed when it fails, or does not end."""
    printed = await look(environment.health_argv(), environment.repo, within_s)
    return first_line(printed, _SAID_CHARS) or "healthy"


async def _ci_by_command(argv: Sequence[str], environment: Environment) -> str:
    """The first word printed says it, where the exit code does not contradict; silence is read as usual."""
    try:
        printed, code = await look(argv, environment.repo), 0
    except LookFailed as error:
        if error.exit_code is None:
            raise
        printed, code, why = error.output, error.exit_code, str(error)
    else:
        why = ""
    line = first_line(printed, _SAID_CHARS)
    said = _WORD.fullmatch(line)
    word = said["word"].lower() if said else ""
    if said and (word in {"failed", "running", "unknown"} or code == 0):
        return f"{word}: {said['rest']}" if said["rest"] else word
    if not line and code == 0:
        return "passed"
    if not said and code == _FAILED_CODE:
        return f"failed: {line or one_line(why, _SAID_CHARS)}"
    return f"unknown: {argv[0]!r} printed {line!r} and ended with exit code {code}"
