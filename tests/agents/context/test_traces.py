"""Errors as short as they are useful: what they say, and where they come from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.context.traces import Compact, compact

PYTHON = """step 3 of 4
Traceback (most recent call last):
  File "/app/deploy.py", line 14, in main
    ship(target)
  File "/app/ship.py", line 40, in ship
    hosts = inventory["web"]
            ~~~~~~~~~^^^^^^^
  File "/usr/lib/python3.11/collections/__init__.py", line 1004, in __getitem__
    raise KeyError(key)
KeyError: 'web'
"""
CHAINED = """Traceback (most recent call last):
  File "/app/a.py", line 1, in a
    b()
ValueError: first

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/c.py", line 7, in c
    raise RuntimeError("second") from None
RuntimeError: second
and its second line"""
JAVASCRIPT = """TypeError: Cannot read properties of undefined (reading 'port')
    at Module._compile (node:internal/modules/cjs/loader:1376:14)
    at listen (/srv/app/server.js:21:33)
    at /srv/app/node_modules/express/lib/router.js:9:1
exited with 1"""
JAVA = """java.lang.IllegalStateException: no lease
\tat java.base/java.util.Optional.get(Optional.java:143)
\tat com.example.Deploy.run(Deploy.java:77)"""


SECOND = "RuntimeError: second\nand its second line"
RAISES = 'File "/app/c.py", line 7, in c: raise RuntimeError("second") from None'
UNREAD = "TypeError: Cannot read properties of undefined (reading 'port')\nexited with 1"
OURS = 'File "/app/ship.py", line 40, in ship: hosts = inventory["web"]'
NO_ERROR = "Traceback (most recent call last):"


@pytest.mark.parametrize(
    ("error", "message", "trace"),
    [
        (PYTHON, "step 3 of 4\nKeyError: 'web'", OURS),
        (CHAINED, SECOND, RAISES),
        (JAVASCRIPT, UNREAD, "at listen (/srv/app/server.js:21:33)"),
        (JAVA, "java.lang.IllegalStateException: no lease", "at com.example.Deploy.run(Deploy.java:77)"),
        (f'  File "a", line 1\n  x\n{NO_ERROR}', NO_ERROR, 'File "a", line 1: x'),
        ("fatal: no such tag\n  at noon", "fatal: no such tag\n  at noon", ""),
        ("", "", ""),
    ],
)
def test_an_error_is_its_message_and_the_one_line_of_its_trace_that_is_our_own(
    error: str, message: str, trace: str
) -> None:
    assert compact(error) == Compact(message, trace)


@given(st.text() | st.lists(st.sampled_from(PYTHON.splitlines() + JAVA.splitlines() + ["", "x"])).map("\n".join))
def test_any_text_is_compacted_and_never_grows_or_vanishes(error: str) -> None:
    short = compact(error)

    assert len(short.message) <= len(error)
    assert bool(short.message.strip() or short.trace) is bool(error.strip())
