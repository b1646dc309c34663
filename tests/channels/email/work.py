"""Count the calls that reading takes: what a clock says depends on the machine, this does not.

What one pattern does inside a single call is not counted; `bench/run mails --pumps` times that.
"""

import sys
from collections.abc import Callable
from types import FrameType

MOST_CALLS = 1_000_000
"""More than any mail needs that is within the limits, however it is made."""


def calls_of(work: Callable[[], object]) -> int:
    """The functions that `work` calls, Python's own included."""
    count = 0

    def note(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count
