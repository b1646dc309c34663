"""The sign of life that Slack itself shows beside an agent's thread, where a workspace has it."""

from contextlib import suppress

from channels import ChannelUnavailable
from channels.slack.api import Calls, Refused

# These say that the app is no agent here, or may not be one: nothing about the thread.
_NOWHERE = frozenset(
    ("unknown_method", "missing_scope", "not_allowed_token_type", "method_deprecated", "feature_not_enabled",
     "access_denied", "team_access_not_granted", "no_permission")
)  # fmt: skip
_MOST = 5_000


class Status:
    """https://docs.slack.dev/reference/methods/agents.sessions.setStatus. Nothing depends on it, so it never fails."""

    def __init__(self, api: Calls) -> None:
        self._api = api
        self._is_there = True
        self._without = set[tuple[str, str]]()

    async def note(self, channel: str, ts: str, *, is_busy: bool) -> None:
        """Show that something is being done in this thread, or no longer."""
        if not self._is_there or (channel, ts) in self._without:
            return
        status = "processing" if is_busy else "active"
        with suppress(ChannelUnavailable):
            try:
                await self._api.call(
                    "agents.sessions.setStatus", channel, channel_id=channel, thread_ts=ts, status=status
                )
            except Refused as error:
                self._remember(error.error, channel, ts)

    def _remember(self, error: str, channel: str, ts: str) -> None:
        """Not to be asked again where it can't be."""
        if error in _NOWHERE:
            self._is_there = False
        if len(self._without) >= _MOST:
            self._without.clear()
        self._without.add((channel, ts))
