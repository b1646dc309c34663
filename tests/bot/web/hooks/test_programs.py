"""What each coding agent sends, and the answer in the shape that it reads."""

import asyncio
from typing import Any

import pytest

from bot.web.hooks.programs import PROGRAMS, Verdict
from tests.bot.web.hooks.test_endpoint import agent, asks, opened, votes
from tests.kit.world import World
from tests.servers.web import Api

CODEX: dict[str, Any] = {
    "hook_event_name": "PermissionRequest",
    "session_id": "0199-a",
    "turn_id": "t1",
    "transcript_path": None,
    "cwd": "/home/anna/shop",
    "model": "gpt-5",
    "permission_mode": "default",
    "tool_name": "Bash",
    "tool_input": {"command": "rm -rf build", "description": None},
}
CODEX_BEFORE = CODEX | {"hook_event_name": "PreToolUse", "tool_use_id": "call-1"}
GEMINI: dict[str, Any] = {
    "hook_event_name": "BeforeTool",
    "session_id": "g1",
    "transcript_path": "/home/anna/.gemini/tmp/chat.json",
    "cwd": "/home/anna/shop",
    "timestamp": "2026-11-26T10:00:00.000Z",
    "tool_name": "run_shell_command",
    "tool_input": {"command": "rm -rf build", "description": "Clear the build"},
}
VSCODE: dict[str, Any] = {
    "hookEventName": "PreToolUse",
    "sessionId": "v1",
    "timestamp": "2026-11-26T10:00:00.000Z",
    "cwd": "/home/anna/shop",
    "tool_name": "run_in_terminal",
    "tool_input": {"command": "rm -rf build", "explanation": "Clear the build"},
    "tool_use_id": "toolu_1",
}
COPILOT_IN_VSCODE = {
    name: value for name, value in VSCODE.items() if name not in {"hookEventName", "sessionId", "tool_use_id"}
} | {"hook_event_name": "PreToolUse", "session_id": "v1"}
NO = Verdict(allow=False, message="not now")


@pytest.mark.parametrize(
    ("name", "told", "allowed", "denied"),
    [
        (
            "codex", CODEX,
            {"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": {"behavior": "allow"}}},
            {"hookSpecificOutput": {
                "hookEventName": "PermissionRequest", "decision": {"behavior": "deny", "message": "not now"},
            }},
        ),
        (
            "codex", CODEX_BEFORE,
            {},
            {"hookSpecificOutput": {
                "hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": "not now",
            }},
        ),
        ("gemini", GEMINI, {"decision": "allow"}, {"decision": "deny", "reason": "not now"}),
        *(
            (
                "vscode", told,
                {
                    "permissionDecision": "allow",
                    "hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "allow"},
                },
                {
                    "permissionDecision": "deny", "permissionDecisionReason": "not now",
                    "hookSpecificOutput": {
                        "hookEventName": "PreToolUse",
                        "permissionDecision": "deny", "permissionDecisionReason": "not now",
                    },
                },
            )
            for told in (VSCODE, COPILOT_IN_VSCODE)
        ),
    ],
)  # fmt: skip
def test_each_agent_reads_an_answer_in_its_own_shape(
    name: str, told: dict[str, Any], allowed: dict[str, Any], denied: dict[str, Any]
) -> None:
    program = PROGRAMS[name]
    call = program.read(told)

    assert (call.folder, call.given["command"]) == ("/home/anna/shop", "rm -rf build")
    assert program.answer(told, Verdict(allow=True)) == allowed
    assert program.answer(told, NO) == denied


def test_codex_is_never_sent_another_input_for_its_tool_as_it_would_ignore_the_whole_answer() -> None:
    answer = PROGRAMS["codex"].answer(CODEX, Verdict(allow=True, updated={"command": "ls"}))

    assert answer["hookSpecificOutput"]["decision"] == {"behavior": "allow"}


async def test_people_decide_for_each_of_them_and_see_the_command(world: World, api: Api) -> None:
    client = await agent(api)
    for name, told in (("codex", CODEX), ("vscode", VSCODE)):
        asking = asyncio.create_task(asks(client, told, name))
        request = await opened(api)
        await votes(api, request)
        answer = await asking

        assert answer.json() == PROGRAMS[name].answer(told, Verdict(allow=True))
        title = f"{PROGRAMS[name].called}: run rm -rf build"
        assert title in request["title"]
        assert "⚠ deletes: “rm”" in (await world.next_mail("bo", about=title)).text


async def test_what_is_only_read_or_decides_nothing_asks_nobody(api: Api) -> None:
    client = await agent(api)
    for name, told in (("gemini", GEMINI),):
        reads = told | {"tool_name": "read_file"}
        answer = await asks(client, reads, name, tool_input={"filePath": "/home/anna/shop/main.py"})
        elsewhere = asyncio.create_task(asks(client, reads, name, tool_input={"filePath": "/home/anna/.ssh/id_rsa"}))
        await votes(api, await opened(api), "deny")

        assert answer.json() == {}
        assert "Denied by bo" in (await elsewhere).text

    client, no_event = await agent(api), dict[str, Any](CODEX, hook_event_name=[])
    for name, told in (
        ("codex", CODEX | {"hook_event_name": "Stop"}),
        ("codex", no_event),
        ("gemini", GEMINI | {"hook_event_name": "AfterTool"}),
        ("vscode", VSCODE | {"hookEventName": "PostToolUse"}),
        ("gemini", {**GEMINI, "cwd": ""}),
        ("vscode", {**VSCODE, "tool_input": ["rm"]}),
    ):
        assert (await asks(client, told, name)).status_code == 422, (name, told)
