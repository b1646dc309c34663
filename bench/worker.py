"""One worker as the Procfile starts it, with the channel and the agent of the measurement. Its logs go to stderr.

`worker.py DATA_DIR`, as `peer_sayso.py` starts it.
"""

import sys
from contextlib import redirect_stdout
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from workload import emit, tool

from bench.parts import BenchChannel, bench_agent, bench_settings
from bot.app import compose
from bot.config.data_dir import redis_url
from bot.process.logging import log_to
from bot.process.processes import run, serve


async def work(folder: Path) -> None:
    """Serve until SIGTERM."""
    settings = bench_settings(folder)
    with redirect_stdout(sys.stderr):
        log_to(settings, json=True)
    app = compose(settings, redis_url(settings), [BenchChannel(emit)], [bench_agent(tool)])
    emit(ev="working")
    await serve(app, works=True, receives=())


if __name__ == "__main__":
    run(work(Path(sys.argv[1])))
