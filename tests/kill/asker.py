"""A worker that is killed between the third and the fourth child of a survey: `… -m tests.kill.asker REDIS FOLDER`."""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from agents import Agent, Outcome, Pending, ToolContext
from agents.ask.survey import SurveyArgs
from agents.requests import Effect
from bot.app import compose
from bot.process.running import running
from bot.registry.configured import agents_of
from bot.wiring.local_mail import local_mail
from tests.kit.office import settings_of

_BEFORE_IT_DIES = 3


def dying(agent: Agent) -> Agent:
    """`agent`, whose survey starts three children and no more."""
    [tool] = agent.tools

    async def execute(args: SurveyArgs, effect: Effect, hands: ToolContext) -> Outcome | Pending:
        await tool.execute(args, Effect(argv=effect.argv[: _BEFORE_IT_DIES + 1]), hands)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("a dead process goes on")

    return replace(agent, tools=(replace(tool, execute=execute),))


async def serve(url: str, folder: Path) -> None:
    """Work until the end."""
    settings = settings_of(folder, (folder / "sayso.toml").read_text())
    agents = [dying(agent) if agent.name == "ask" else agent for agent in agents_of(settings)]
    app = compose(settings, url, [local_mail(settings).channel()], agents)
    async with running(app, works=True, receives=()):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
