"""A worker as the Procfile starts it, over the local mailbox, whose one agent touches a file once people approve.

`touch_worker.py DATA_DIR`. The file holds the moment of its writing: the first effect outside of the process.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from pydantic import BaseModel

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from agents import Agent, Outcome, Tool, ToolContext
from agents.requests import Effect, Fact
from agents.run import Run
from agents.steps import CallTool, Done, Step
from bot.app import compose
from bot.config.data_dir import redis_url
from bot.config.settings import load
from bot.process.logging import log_to
from bot.process.processes import serve
from bot.wiring.local_mail import local_mail


class Touch(BaseModel):
    """`name` is `LANE-NUMBER`; people of the lane's policy are asked."""

    name: str


def touch_agent(folder: Path) -> Agent:
    """Writes `folder / NAME` when somebody writes `touch NAME`, and the policy `lane-LANE` agrees."""

    async def prefetch(_: Run) -> tuple[Fact, ...]:
        return ()

    def choose(run: Run) -> Step:
        if run.results:
            return Done(summary=run.results[-1].text or run.results[-1].kind)
        text = run.started.text if run.started else ""
        return CallTool(tool="touch", arguments={"name": text.split()[1]})

    async def prepare(args: Touch) -> Effect:
        return Effect(argv=("touch", str(folder / args.name)))

    async def execute(args: Touch, _: Effect, __: ToolContext) -> Outcome:
        (folder / args.name).write_text(str(time.monotonic_ns()))
        return Outcome(f"touched {args.name}")

    def gate(args: Touch) -> str:
        return f"lane-{args.name.partition('-')[0]}"

    touch = Tool(name="touch", description="one file", args=Touch, prepare=prepare, execute=execute, gate=gate)
    return Agent(
        name="touch", description="measures", prompt="deploy", tools=(touch,), prefetch=prefetch, fallback=choose
    )


async def work(data: Path) -> None:
    """Serve until SIGTERM."""
    settings = load(data, os.environ)
    log_to(settings, json=True)
    (data / "touched").mkdir(exist_ok=True)
    app = compose(settings, redis_url(settings), [local_mail(settings).channel()], [touch_agent(data / "touched")])
    await serve(app, works=True, receives=())


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1])))
