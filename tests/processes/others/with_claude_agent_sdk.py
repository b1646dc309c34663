"""An agent of the Claude Agent SDK: what it may do it asks people through `sayso_client`, for SAYSO_WAIT_S at most."""

import asyncio
import os
from pathlib import Path
from typing import Any

from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient
from claude_agent_sdk.types import PermissionResultAllow, PermissionResultDeny, ToolPermissionContext
from sayso_client import AsyncApproved, AsyncHumans, Pending, Refused, Unreachable

humans = AsyncHumans(patience_s=2)


async def may_use(
    name: str, given: dict[str, Any], context: ToolPermissionContext
) -> PermissionResultAllow | PermissionResultDeny:
    """Ask people, and begin what they approved: one yes is one use."""
    wait_s = float(os.environ.get("SAYSO_WAIT_S", "600"))
    arguments = {"tool": name, "folder": str(Path.cwd()), **given}
    try:
        asked = await humans.approve(
            f"Use {name}", policy="production", arguments=arguments, key=context.tool_use_id, wait_s=wait_s
        )
        if isinstance(asked, AsyncApproved):
            await asked.start()
            return PermissionResultAllow()
    except (Refused, Unreachable) as error:
        return PermissionResultDeny(message=str(error))
    if isinstance(asked, Pending):
        return PermissionResultDeny(message=f"Nobody has answered yet, and this is no refusal: {asked.id}")
    return PermissionResultDeny(message=str(asked))


async def main() -> None:
    """Clear the build."""
    async with humans, ClaudeSDKClient(ClaudeAgentOptions(can_use_tool=may_use)) as client:
        await client.query("clear the build")
        async for _ in client.receive_response():
            pass


asyncio.run(main())
