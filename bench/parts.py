"""A channel and an agent for measuring, registered like any other: it speaks JSON lines, the agent asks once."""

import json
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from agents import Agent, Outcome, Tool, ToolContext
from agents.requests import Effect, Fact
from agents.run import Run
from agents.steps import CallTool, Done, RequestHumanInput, Step
from bot.config.settings import Settings
from channels import (
    Accept,
    Address,
    Card,
    Contact,
    Inbound,
    Newest,
    Placement,
    Quarantined,
    Reading,
    Reply,
    RequestLookup,
    Trigger,
)

PERSON = "driver"

# Everything else is as people get it. The driver of the comparison waits 12 s for a run whose tool was killed, so a
# dead worker is given up sooner; and one person starts all the runs, which the usual limit is there to prevent.
SETTINGS = {
    "lease_s": 2.0,
    "grace_s": 3.0,
    "limits": {"triggers_per_person": "9999999/s"},
}


def bench_settings(folder: Path) -> Settings:
    """The settings of every process that measures over the data directory `folder`."""
    return Settings.model_validate(
        {**SETTINGS, "data_dir": folder, "people": {PERSON: {"name": "The driver", "uid": PERSON}}}
    )


class BenchChannel:
    """Tells of every card on `tell`; what it reads are JSON objects that the adapter made."""

    name, edits = "bench", False

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell = tell

    async def receive(self, accept: Accept, desk: RequestLookup) -> None:
        """The adapter accepts for itself."""

    async def read(self, inbound: Inbound) -> Reading:
        """A trigger, or an answer with the token it was shown."""
        said = json.loads(inbound.raw)
        if "token" in said:
            return Reply(person=PERSON, token=said["token"], said="free_text", text=said["text"])
        if "text" in said:
            return Trigger(person=PERSON, text=said["text"], thread=said["id"])
        return Quarantined(reasons=("neither an answer nor a trigger",))

    async def address(self, contact: Contact, thread: str, *, anew: bool = False) -> Address | None:
        """Everybody is reached, in the run's own thread."""
        return Address(channel=self.name, person=contact.id, to=thread, thread=thread)

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        """A question means paused, the outcome means done; a word about an answer means that it was not wanted."""
        if card.form:
            self._tell(id=to.thread, ev="paused", token=card.form.token, request=card.ref)
        elif card.title.startswith("Done: "):
            self._tell(id=to.thread, ev="done")
        elif card.title.startswith("About: "):
            self._tell(id="", ev="refused", request=card.ref)
        else:
            self._tell(id=to.thread, ev="error", error=f"{card.title}: {card.summary}")
        return Placement(key=key, address=to, handle=key)

    async def update(self, delivery: Placement, card: Card, key: str, newest: Newest | None = None) -> None:
        """Nothing is shown twice."""


class Work(BaseModel):
    """What the effect is for."""

    thread: str
    reply: str


def bench_agent(tool: Callable[[str, str], str]) -> Agent:
    """Asks one question, runs one tool with the answer, is done."""

    async def prefetch(_: Run) -> tuple[Fact, ...]:
        return ()

    def choose(run: Run) -> Step:
        if not run.results:
            text = run.started.text if run.started else ""
            return RequestHumanInput(question=f"May I continue with {text[:64]}?")
        if len(run.results) == 1:
            thread = run.started.thread if run.started else ""
            return CallTool(tool="work", arguments={"thread": thread, "reply": run.results[0].text})
        return Done(summary=run.results[-1].text)

    async def prepare(args: Work) -> Effect:
        return Effect(argv=("work", args.thread))

    async def execute(args: Work, _: Effect, __: ToolContext) -> Outcome:
        return Outcome(tool(args.thread, args.reply))

    work = Tool(
        name="work",
        description="the effect",
        args=Work,
        prepare=prepare,
        execute=execute,
        changes=True,
        idempotent=True,
    )
    return Agent(
        name="bench", description="measures", prompt="deploy", tools=(work,), prefetch=prefetch, fallback=choose
    )
