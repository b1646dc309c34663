"""Note which modules run: `walk` has each process import a copy of this at its start, for every thread.

A byte in the file `window` beside the copy is the number of the window; with 0 nothing is noted. The first time in a
window that a function of a file below `top` runs, its moment and the file's name go to `notes`.
"""

import inspect
import mmap
import os
import sys
import threading
import time
from pathlib import Path
from types import FrameType


def trace(folder: Path) -> None:
    """Begin."""
    top = (folder / "top").read_text()
    with (folder / "window").open("rb") as file:
        window = mmap.mmap(file.fileno(), 1, prot=mmap.PROT_READ)
    notes = os.open(folder / "notes", os.O_WRONLY | os.O_APPEND)
    seen, now = set[str](), 0

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal now
        if event != "call":
            return
        if window[0] != now:
            now = window[0]
            seen.clear()
        code = frame.f_code
        # What a module or a class does when it is imported is no function, and has no fast locals.
        if now and code.co_filename not in seen and code.co_flags & inspect.CO_OPTIMIZED:
            seen.add(code.co_filename)
            if code.co_filename.startswith(top):
                os.write(notes, f"{now} {time.monotonic_ns()} {code.co_filename}\n".encode())

    threading.setprofile(note)
    sys.setprofile(note)


if __name__ == "sayso_walk":
    trace(Path(__file__).parent)
