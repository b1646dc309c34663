"""The agent and the channel of the workers that are killed: their tools and cards go to servers beside them."""

import json
import os
from datetime import UTC, datetime
from typing import Literal, get_args

from pydantic import BaseModel

from agents import Agent, Outcome, Tool, ToolContext
from agents.requests import Effect, Fact
from agents.run import Run
from agents.steps import CallTool, Done, Step
from channels import (
    Accept,
    Address,
    Card,
    ChannelRefused,
    ChannelUnavailable,
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
from tests.servers.lines import ask

ToolName = Literal["honours", "careless", "keyless"]
TOOLS: tuple[ToolName, ...] = get_args(ToolName)


class DeskChannel:
    """Messages and cards of the desk at `port`. Policies of this release reach people by `email` only: hence its name.

    A message is a trigger, or an answer with the token of a card, or a forged answer to one.
    """

    name, edits = "email", True

    def __init__(self, port: int) -> None:
        self._port = port

    async def receive(self, accept: Accept, desk: RequestLookup) -> None:
        """Hand over each message, and acknowledge it when it is durable."""
        after = 0
        while True:
            item = await ask(self._port, do="next", after=after)
            raw = json.dumps(item["body"]).encode()
            inbound = Inbound(
                channel=self.name,
                key=item["key"],
                raw=raw,
                size_bytes=len(raw),
                is_answer="token" in item["body"],
                token=item["body"].get("token", ""),
                received_at=datetime.now(UTC),
            )
            await accept(inbound)
            await ask(self._port, do="ack", index=item["index"])
            after = item["index"] + 1

    async def read(self, inbound: Inbound) -> Reading:
        """Return what the message says it is."""
        body = json.loads(inbound.raw)
        if "token" in body:
            return Reply(person=body["person"], token=body["token"], said=body["said"], text=body["text"])
        if "story" in body:
            return Trigger(person=body["person"], text=body["text"], thread=body["story"])
        return Quarantined(reasons=("somebody else wrote it",), claims="bo@corp.example", token=body["forged"])

    async def address(self, contact: Contact, thread: str, *, anew: bool = False) -> Address | None:
        """Everybody has a place at the desk, by their mail address as in the channel it stands for."""
        return Address(channel=self.name, person=contact.id, to=contact.email or contact.id, thread=thread)

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        """Show the card."""
        await self._show("send", card, to, key)
        return Placement(key=key, address=to, handle=key)

    async def update(self, delivery: Placement, card: Card, key: str, newest: Newest | None = None) -> None:
        """Show what became of it."""
        await self._show("update", card, delivery.address, key)

    async def _show(self, verb: str, card: Card, to: Address, key: str) -> None:
        body = card.model_dump(mode="json")
        said = await ask(self._port, do=verb, key=key, person=to.person, thread=to.thread, card=body)
        if "refused" in said:
            raise ChannelRefused(said["refused"], "Take them out of the directory")
        if "away" in said:
            raise ChannelUnavailable(said["away"], "Wait until somebody is")


class Story(BaseModel):
    """What a tool call belongs to, and the policy that it needs."""

    story: str
    policy: str = "production"


def killed_agent(recorder: int) -> Agent:
    """Does what its trigger names, `honours story-7`: that tool, once, behind the gate of production, and is done.

    A third word is another policy that the call needs.
    """

    async def prefetch(_: Run) -> tuple[Fact, ...]:
        return ()

    def choose(run: Run) -> Step:
        tool, *rest = (run.started.text if run.started else "").split()
        if not run.results:
            return CallTool(tool=tool, arguments=dict(zip(Story.model_fields, rest, strict=False)))
        last = run.results[-1]
        return Done(outcome="done" if last.kind == "ok" else "failed", summary=f"{last.kind}: {last.text}")

    tools = tuple(_tool(name, recorder) for name in TOOLS)
    return Agent(
        name="killed",
        description="dies often",
        prompt="deploy",
        tools=tools,
        prefetch=prefetch,
        fallback=choose,
        takes=lambda text: text.startswith(TOOLS),
    )


def _tool(name: ToolName, recorder: int) -> Tool[Story]:
    async def prepare(args: Story) -> Effect:
        return Effect(argv=(name, args.story))

    async def execute(args: Story, _: Effect, hands: ToolContext) -> Outcome:
        key = None if name == "keyless" else hands.key
        said = await ask(recorder, do="call", tool=name, story=args.story, key=key, pid=os.getpid())
        return Outcome(said["output"])

    return Tool(
        name=name,
        description=f"the tool that is {name}",
        args=Story,
        prepare=prepare,
        execute=execute,
        gate=lambda args: args.policy,
        title=lambda args: f"{name} {args.story}",
        idempotent=name == "honours",
    )
