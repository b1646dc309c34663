"""An agent of the OpenAI Agents SDK: over HTTP, or with a bridge of its own that it starts as `SAYSO_BRIDGE` says."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from typing import Any

from agents.items import TResponseInputItem, TResponseStreamEvent
from agents.mcp import MCPServerStdio, MCPServerStreamableHttp
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText
from scripted import HEADERS, TASK, URL, next_call, tell

from agents import Agent, Model, ModelResponse, Runner, Usage, set_tracing_disabled

PATIENCE_S = 60  # the framework itself would give up after 5 s


class Scripted(Model):
    """A model without a network."""

    async def get_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],  # noqa: A002 - the name is the framework's
        *_: Any,
        **__: Any,
    ) -> ModelResponse:
        """The next thing it says."""
        items: list[Any] = [] if isinstance(input, str) else input
        heard = [item["output"][0]["text"] for item in items if item.get("type") == "function_call_output"]
        if call := next_call(heard):
            said = ResponseFunctionToolCall(
                type="function_call", call_id=f"call-{len(heard)}", name=call[0], arguments=json.dumps(call[1])
            )
        else:
            text = ResponseOutputText(type="output_text", text=heard[-1], annotations=[])
            said = ResponseOutputMessage(type="message", id="1", role="assistant", status="completed", content=[text])
        return ModelResponse(output=[said], usage=Usage(), response_id=None)

    def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[TResponseStreamEvent]:
        """It never streams."""
        raise NotImplementedError


async def main() -> None:
    """Run it once."""
    bridge = os.environ.get("SAYSO_BRIDGE")
    over = (
        MCPServerStdio(json.loads(bridge), client_session_timeout_seconds=PATIENCE_S)
        if bridge
        else MCPServerStreamableHttp({"url": URL, "headers": HEADERS}, client_session_timeout_seconds=PATIENCE_S)
    )
    async with over as server:
        tell((await Runner.run(Agent("asks", model=Scripted(), mcp_servers=[server]), TASK)).final_output)


set_tracing_disabled(True)
asyncio.run(main())
