"""A process that reads mails: one in base64 on each line of stdin, and the reading's type on each line of stdout.

Ctrl-C does not end it, so that tests can see what it does to its child.
"""

import asyncio
import base64
import signal
import sys

from channels.email.reading.reader import Reader
from channels.email.reading.sandbox import SandboxedReader, contacts_of
from tests.channels.email.mails import ANNA, BO, BOT, People
from tests.channels.email.provers import misbehaving


async def main() -> None:
    """Until stdin ends."""
    signal.signal(signal.SIGINT, lambda _number, _frame: None)  # not SIG_IGN, which the child would inherit
    reader = SandboxedReader(Reader(BOT, contacts_of(People(ANNA, BO)), misbehaving))
    for line in sys.stdin:
        raw = base64.b64decode(line)
        print((await reader.read(raw, len(raw))).type, flush=True)  # noqa: T201 - to the test


asyncio.run(main())
