"""An agent of LangGraph with the MCP adapters of LangChain, over HTTP."""

import asyncio
from typing import Any

from langchain_core.messages import AIMessage, ToolMessage
from langchain_mcp_adapters.client import MultiServerMCPClient
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from scripted import HEADERS, TASK, URL, next_call, tell


def model(state: MessagesState) -> dict[str, Any]:
    """The next thing it says."""
    heard = [message.text for message in state["messages"] if isinstance(message, ToolMessage)]
    if call := next_call(heard):
        calls = [{"id": f"call-{len(heard)}", "name": call[0], "args": call[1]}]
        return {"messages": [AIMessage("", tool_calls=calls)]}
    return {"messages": [AIMessage(heard[-1])]}


async def main() -> None:
    """Run it once."""
    client = MultiServerMCPClient({"sayso": {"transport": "streamable_http", "url": URL, "headers": HEADERS}})
    graph = StateGraph(MessagesState)
    graph.add_node("model", model)
    graph.add_node("tools", ToolNode(await client.get_tools()))
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", tools_condition)
    graph.add_edge("tools", "model")
    ended = await graph.compile().ainvoke({"messages": [("user", TASK)]})
    tell(ended["messages"][-1].text)


asyncio.run(main())
