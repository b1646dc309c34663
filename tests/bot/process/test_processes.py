"""What all processes have in common."""

import sys

from bot.process.processes import run


def test_the_loop_waits_only_briefly_for_a_thread_that_computes() -> None:
    before, found = sys.getswitchinterval(), list[float]()

    async def look() -> None:
        found.append(sys.getswitchinterval())

    try:
        run(look())
    finally:
        sys.setswitchinterval(before)

    assert found[0] <= 0.001
