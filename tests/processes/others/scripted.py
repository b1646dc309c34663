"""What the model of every agent here says: it calls the tool it was started with, and does what may be done next.

The agents run in environments of their own, which have none of sayso.
"""

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

URL = f"{os.environ['SAYSO_URL']}/mcp"
HEADERS = {
    "Authorization": f"Bearer {os.environ['SAYSO_API_KEY']}",
    "Prefer": f"wait={os.environ.get('SAYSO_PATIENCE_S', '50')}",
}
TASK = "Ask, and do what you may."


def next_call(heard: Sequence[str]) -> tuple[str, dict[str, Any]] | None:
    """The tool that is called after what was `heard` from those before, and its arguments; None at the end."""
    if not heard:
        return sys.argv[1], json.loads(sys.argv[2])
    told = json.loads(heard[-1])
    attempt = {"id": told["id"], "attempt": "first"}
    if told.get("decision") == "approved":
        return "start_approved", attempt
    if "started_at" in told:
        return "finish_approved", {**attempt, "ok": True, "summary": "staging-3 is gone"}
    return None


def tell(said: object) -> None:
    """Tell the test what the agent says at its end."""
    sys.stdout.write(str(said))
