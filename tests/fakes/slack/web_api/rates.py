"""Rate limits, when they are switched on: https://docs.slack.dev/apis/web-api/rate-limits

"Generally no more than one message per second per channel", and so many calls a minute for each other method.
"""

import math
from collections import defaultdict, deque

from tests.fakes.slack.state import Slack

# Tiers 2, 3 and 4 allow 20, 50 and 100 calls a minute.
PER_MINUTE = {
    "agents.sessions.setStatus": 50, "chat.delete": 50, "chat.postEphemeral": 100, "chat.update": 50,
    "conversations.history": 50, "conversations.info": 50, "conversations.list": 20, "conversations.members": 100,
    "conversations.open": 50, "conversations.replies": 50, "usergroups.users.list": 20, "users.info": 100,
    "users.list": 20, "views.open": 100, "views.publish": 100, "views.push": 100, "views.update": 100,
}  # fmt: skip
_MINUTE_S, _SECOND_S = 60, 1


class Rates:
    """The record of who has called when, and who was told to wait until when."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self._calls: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._until: dict[tuple[str, str], float] = {}

    def wait_s(self, method: str, channel: str | None) -> int:
        """0, or the whole seconds this call has to wait. Calling before the time it was told is a violation."""
        if not self._slack.settings.rate_limit:
            return 0
        if method == "chat.postMessage":
            return self._wait_s((method, self._one_channel(channel)), 1, _SECOND_S)
        return self._wait_s((method, ""), PER_MINUTE[method], _MINUTE_S) if method in PER_MINUTE else 0

    def _wait_s(self, key: tuple[str, str], most: int, within_s: int) -> int:
        now, calls = self._slack.clock.now(), self._calls[key]
        while calls and calls[0] <= now - within_s:
            calls.popleft()
        if len(calls) < most:
            calls.append(now)
            return 0
        if now < self._until.get(key, 0):
            self._slack.violation(key[0], f"called again before the Retry-After of {key[1] or 'this method'} was over")
        wait_s = max(1, math.ceil(calls[0] + within_s - now))
        self._until[key] = now + wait_s
        return wait_s

    def _one_channel(self, ref: str | None) -> str:
        """A DM is one channel, whether it is named by its id or by the user's."""
        if ref in self._slack.users:
            return self._slack.dm(ref or "").id
        found = self._slack.conversation(ref or "")
        return found.id if found else ref or ""
