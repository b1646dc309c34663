"""The desk agent: answers mail on behalf of a team. It drafts, people approve, code sends exactly what they saw.

Others use `desk_agent` and `Desk`, with `Mail`, `Draft` and `Knowledge`. A reply goes to the
sender of the mail and nowhere else, and never without what the desk's policy asks for.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from agents import Agent
from agents.desk.knowledge import Knowledge, facts_of
from agents.desk.mail import Draft, Mail, mail_of
from agents.desk.rules import next_step
from agents.desk.tools import reply_tool
from agents.requests import Fact, RunId
from agents.run import Run
from language import say

__all__ = ["DESK", "Desk", "Draft", "Knowledge", "Mail", "desk_agent"]

DESK = "desk"


@dataclass(frozen=True, slots=True)
class Desk:
    """The set-up of one desk: `address` is where people write, `policy` gates what is sent, `render` makes it a mail.

    `render` gives the same bytes for the same draft and run, and raises ValueError for what can be no mail.
    """

    address: str
    policy: str
    render: Callable[[Draft, Mail, RunId], bytes]
    knowledge: Knowledge = field(default_factory=Knowledge)
    greeting: str = "Hello,"
    signature: str = ""


def desk_agent(desk: Desk) -> Agent:
    """The agent that answers what is written to `desk`."""

    async def prefetch(run: Run) -> tuple[Fact, ...]:
        return await facts_of(desk.knowledge) if mail_of(run) else ()

    return Agent(
        name=DESK,
        description=f"answers mail to {desk.address} from given knowledge; people approve each reply",
        prompt=DESK,
        tools=(reply_tool(desk.policy, desk.signature, desk.render),),
        prefetch=prefetch,
        fallback=lambda run: next_step(run, desk.greeting),
        about=lambda: say("desk.about", address=desk.address),
    )
