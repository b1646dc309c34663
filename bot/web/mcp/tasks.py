"""Tasks of the extension `io.modelcontextprotocol/tasks`: each is a request, seen by who knows its id. Pure.

There is no store of tasks: a task is as durable as its request, which stays the truth.
https://github.com/modelcontextprotocol/ext-tasks/blob/main/specification/2026-07-28/tasks.md
"""

from typing import Any

from bot.render.views import RequestView
from bot.web.mcp.outcomes import last_updated, outcome_of

TASKS = "io.modelcontextprotocol/tasks"
# A look costs what any GET does; people take minutes.
_POLL_MS = 5_000


def task_of(view: RequestView, result: dict[str, Any]) -> dict[str, Any]:
    """Return the task that a request is; `result` is what the tool would answer now."""
    outcome = outcome_of(view)
    told: dict[str, Any] = {
        "taskId": view.id,
        "status": "working",
        "createdAt": view.opened_at.isoformat(),
        "lastUpdatedAt": last_updated(view).isoformat(),
        "ttlMs": None,
        "pollIntervalMs": _POLL_MS,
        "statusMessage": outcome.next,
    }
    match outcome.decision:
        case "pending":
            return told
        case "withdrawn":
            return told | {"status": "cancelled"}
        case _:
            return told | {"status": "completed", "result": result}


def created(task: dict[str, Any]) -> dict[str, Any]:
    """Return `task` as the answer of the tool that made it."""
    return {"resultType": "task", **task}


def got(task: dict[str, Any]) -> dict[str, Any]:
    """Return `task` as the answer of `tasks/get`."""
    return {"resultType": "complete", **task}
