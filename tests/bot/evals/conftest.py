"""Claude, behind a stand-in for its API, as tests of agents have it."""

from tests.agents.conftest import api, claude

__all__ = ["api", "claude"]
