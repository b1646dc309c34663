"""A worker to be killed: the product's own `serve` over the parts of this folder. Settings come by environment."""

import asyncio
import os

from bot.app import compose
from bot.config.data_dir import redis_url
from bot.config.settings import load
from bot.process.logging import log_to
from bot.process.processes import serve
from tests.kill.parts import DeskChannel, killed_agent


async def work() -> None:
    """Work until a signal says otherwise. DESK and RECORDER are ports, PARTS is what it does, the rest is the
    product's.
    """
    settings = load(None, os.environ)
    log_to(settings, json=True)
    channels, agents = [DeskChannel(int(os.environ["DESK"]))], [killed_agent(int(os.environ["RECORDER"]))]
    parts = os.environ.get("PARTS", "works receives")
    app = compose(settings, redis_url(settings), channels, agents)
    await serve(app, works="works" in parts, receives=tuple(app.messages.channels) if "receives" in parts else ())


if __name__ == "__main__":
    asyncio.run(work())
