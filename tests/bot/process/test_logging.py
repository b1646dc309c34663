import json
import sys
from typing import Any

from bot.render.redaction import REDACTED
from channels.showing import escape_invisible
from tests.kit.programs import Ended, bare, typed

SECRET = "hush-hush-42"

START = f"""
import logging, structlog
from bot.process.logging import configure
configure(json=AS_JSON, secrets=["{SECRET}"])
log = structlog.get_logger("bot.config.example")
"""


def main() -> None:
    """Be a program of these lines."""
    exec(sys.argv[1], {})  # noqa: S102


def run(code: str) -> Ended:
    """Logging belongs to a whole process, so each test has one of its own."""
    return typed(code, env=bare(), main="tests.bot.process.test_logging:main")


def printed(code: str, as_json: bool = True) -> str:
    """Return what a process that logs prints."""
    done = run(START.replace("AS_JSON", str(as_json)) + code)
    assert (done.code, done.err) == (0, "")
    return done.out


def logged(code: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed(code).splitlines()]


def test_whatever_is_logged_inside_carries_the_run_the_request_and_the_person() -> None:
    inside, outside = logged("""
bound = structlog.contextvars.bound_contextvars
with bound(run_id="s1r-1", person="bo"):
    with bound(request_id="s1q-1"):
        logging.getLogger("bot.other").warning("from %s", "the standard library")
log.info("after")
""")

    assert (inside["run_id"], inside["request_id"], inside["person"]) == ("s1r-1", "s1q-1", "bo")
    assert inside["event"] == "from the standard library"
    assert "run_id" not in outside


def test_a_secret_is_masked_wherever_it_is() -> None:
    text = printed(f"""
log.info("it is {SECRET}", note=["{SECRET}", {{"deep": "x{SECRET}x"}}], kind=ValueError("{SECRET}"))
logging.getLogger("bot.other").warning("it is %s", "{SECRET}", extra={{"more": "{SECRET}"}})
""")

    assert SECRET not in text
    assert text.count(REDACTED) == 6


def test_a_traceback_shows_neither_secrets_nor_local_variables() -> None:
    code = f"""
def act(key):
    local = "only-local"
    raise RuntimeError("refused {SECRET}")
try:
    act("argument")
except RuntimeError:
    log.exception("it failed")
"""
    for text in (printed(code), printed(code, as_json=False)):
        assert "RuntimeError" in text
        assert REDACTED in text
        assert SECRET not in text
        assert "'only-local'" not in text
        assert "'argument'" not in text


def test_a_line_that_cannot_be_written_is_not_printed_elsewhere_as_it_stands() -> None:
    code = 'import sys\nsys.stdout.close()\nlogging.getLogger("bot.other").warning("pass %s", "hush-hush-42")'

    assert printed(code) == ""


HOSTILE = "\x1b]52;c;aGk=\x07\x9b2J\u202e\u3164"
"""Sets the clipboard, clears the screen, turns the line round and adds a letter that nobody sees."""


def hidden_in(text: str) -> set[str]:
    """Return the characters of `text` that are not seen as they are."""
    return {char for char in text if escape_invisible(char) != char} - set("\n")


def test_nothing_that_a_terminal_obeys_is_printed_as_it_stands() -> None:
    code = f"""
import threading, warnings
hostile = {HOSTILE!r}
log.warning("from " + hostile, sender=hostile, deep={{hostile: [hostile]}}, error=ValueError(hostile))
logging.getLogger("uvicorn.error").warning("path %s", hostile)
logging.getLogger("aiosmtpd").error("plain " + hostile, extra={{"more": hostile}})
warnings.warn(hostile)
def fails():
    raise RuntimeError(hostile)
thread = threading.Thread(target=fails, name=hostile)
thread.start()
thread.join()
try:
    fails()
except RuntimeError:
    log.exception("it failed")
"""
    for text in (printed(code), printed(code, as_json=False)):
        assert hidden_in(text) == set()
        assert text.count("]52;c;aGk=") >= 8


def test_words_of_others_make_no_line_of_a_log() -> None:
    text = printed('log.warning("from Eve\\n2026-01-01 [info] approved by Bo", note="a\\nb")', as_json=False)

    assert len(text.splitlines()) == 1


def test_an_error_that_nobody_expected_does_nothing_in_a_terminal() -> None:
    code = f"""
import typer
from bot.cli import program
def fails(): raise RuntimeError({HOSTILE!r})
program.app = fails
program.main()
"""
    done = run(code)

    assert done.code == 1
    assert "RuntimeError: \\u001b]52;c;aGk=" in done.err
    assert hidden_in(done.err) == set()
