"""A worker to be killed: `python -m tests.bot.runner_worker MOMENT ORDER`. It starts the ordered command.

MOMENT `spawned` dies as soon as the runner is on its own, `asked` when it is asked whether the command may begin;
`waiting` waits for the result.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from bot.execution.runner import Command, Runner, _start  # pyright: ignore[reportPrivateUsage]
from bot.execution.runner_child import Order


def main() -> None:
    moment, order = sys.argv[1], Order(**json.loads(sys.argv[2]))
    if moment == "spawned":
        _, write = os.pipe()
        trouble = _start(order, write)
        assert not trouble, trouble
        os.kill(os.getpid(), signal.SIGKILL)
    runner = Runner(Path(order.data_dir), order.redis_url)
    command = Command(order.argv, Path(order.cwd), order.lock, order.timeout_s)
    asyncio.run(runner.run(order.attempt_id, command, None, dies if moment == "asked" else lives))


async def lives() -> bool:
    return True


async def dies() -> bool:
    os.kill(os.getpid(), signal.SIGKILL)
    return True


if __name__ == "__main__":
    main()
