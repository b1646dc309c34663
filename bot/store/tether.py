"""Started as a script between us and the embedded server: ties the server's life to ours, then becomes it.

`tether.py LOCK_FD PARENT_PID PROGRAM ARGUMENT…`. A process of its own, because code between fork and exec is not safe
beside threads.
"""

import ctypes
import os
import signal
import sys

# prctl(2): the signal this process gets when its parent dies; it survives execve(2). Linux only.
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Write our process id, which the server keeps, into the lock it holds, and become the server."""
    lock, parent = int(sys.argv[1]), int(sys.argv[2])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the parent died before the tether held")
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    os.execv(sys.argv[3], sys.argv[3:])


if __name__ == "__main__":
    main()
