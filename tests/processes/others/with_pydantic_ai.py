"""An agent of Pydantic AI, over HTTP."""

import asyncio

from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from scripted import HEADERS, TASK, URL, next_call, tell


def model(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
    """The next thing it says."""
    parts = [part for message in messages for part in message.parts]
    heard = [part.model_response_str() for part in parts if isinstance(part, ToolReturnPart)]
    call = next_call(heard)
    return ModelResponse(parts=[ToolCallPart(*call) if call else TextPart(heard[-1])])


async def main() -> None:
    """Run it once."""
    # On a busy machine the first connection can take longer than the five seconds that are its default.
    agent = Agent(FunctionModel(model), toolsets=[MCPToolset(URL, headers=HEADERS, init_timeout=None)])
    tell((await agent.run(TASK)).output)


asyncio.run(main())
