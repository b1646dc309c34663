"""The sign of life that Slack itself shows beside an agent's thread, where a workspace has it."""

import asyncio
from contextlib import suppress

from channels import ChannelUnavailable
from channels.slack.api import Calls, Refused, Unauthorized

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
        self._wanted = dict[tuple[str, str], bool]()
        self._at_it = dict[tuple[str, str], asyncio.Task[None]]()

    def want(self, channel: str, ts: str, *, is_busy: bool) -> None:
        """Show that something is being done in this thread, or no longer: soon, and what was wanted last is shown last.

        Nobody waits for it.
        """
        key = (channel, ts)
        if not ts or not self._is_there or key in self._without:
            return
        self._wanted[key] = is_busy
        if key not in self._at_it:
            self._at_it[key] = asyncio.create_task(self._show(*key), name="show a status")

    async def _show(self, channel: str, ts: str) -> None:
        key = (channel, ts)
        try:
            while (is_busy := self._wanted.pop(key, None)) is not None:
                await self._call(channel, ts, is_busy=is_busy)
        finally:
            del self._at_it[key]

    async def _call(self, channel: str, ts: str, *, is_busy: bool) -> None:
        status = "processing" if is_busy else "active"
        with suppress(ChannelUnavailable):
            try:
                await self._api.call(
                    "agents.sessions.setStatus", channel, channel_id=channel, thread_ts=ts, status=status
                )
            except (Refused, Unauthorized) as error:
                self._remember(error.error, channel, ts)

    def _remember(self, error: str, channel: str, ts: str) -> None:
        """Not to be asked again where it can't be."""
        if error in _NOWHERE:
            self._is_there = False
        if len(self._without) >= _MOST:
            self._without.clear()
        self._without.add((channel, ts))
