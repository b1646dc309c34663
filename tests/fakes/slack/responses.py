"""Posts to a response_url: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses"""

from typing import Any, cast

from aiohttp import web

from tests.fakes.slack import notices, payloads
from tests.fakes.slack.delivery import Deliveries
from tests.fakes.slack.model import Conversation, Ephemeral, Json, Message, ResponseUrl
from tests.fakes.slack.state import Slack
from tests.fakes.slack.web_api.call import SlackError
from tests.fakes.slack.web_api.content import checked

_USES = 5


class Responses:
    """`POST /actions/…/<key>`."""

    def __init__(self, slack: Slack, deliveries: Deliveries) -> None:
        self._slack, self._deliveries = slack, deliveries

    async def serve(self, request: web.Request) -> web.Response:
        try:
            body: Any = await request.json()
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        error = respond(self._slack, self._deliveries, request.match_info["key"], body)
        self._slack.calls.append(
            {
                "method": "response_url", "args": body, "at": self._slack.clock.now(),
                "status": 404 if error else 200, "error": error or None,
            }
        )  # fmt: skip
        self._slack.changes.note()
        return web.Response(status=404, text=error) if error else web.Response(text="ok")


def respond(slack: Slack, deliveries: Deliveries, key: str, body: Json, *, free: bool = False) -> str:
    """Do what the body says, and return Slack's error or "". `free` does not count as one of the five uses."""
    url = slack.response_urls.get(key)
    if url is None or url.expires_at < slack.clock.now():
        return "expired_url"
    if url.uses >= _USES and not free:
        return "used_url"
    url.uses += 0 if free else 1
    channel = slack.conversations[url.channel]
    if body.get("delete_original"):
        _delete(slack, deliveries, channel, url)
        return ""
    try:
        blocks = checked(slack, "response_url", str(body.get("text") or ""), body.get("blocks"))
    except SlackError as error:
        return error.error
    _show(slack, deliveries, channel, url, body | {"blocks": blocks})
    slack.changes.note()
    return ""


def _show(slack: Slack, deliveries: Deliveries, channel: Conversation, url: ResponseUrl, body: Json) -> None:
    text, blocks = str(body.get("text") or ""), cast("list[Json]", body.get("blocks") or [])
    if body.get("replace_original") and url.message:
        _replace(slack, deliveries, channel, url, text, blocks)
        return
    ts, thread_ts = slack.new_ts(), body.get("thread_ts")
    if body.get("response_type") != "in_channel":
        slack.ephemerals.append(Ephemeral(channel.id, url.user, ts, text, blocks, thread_ts))
        return
    s = slack.settings
    message = Message(channel.id, ts, s.bot, s.team, text, blocks, thread_ts=thread_ts, bot=slack.bot_profile())
    channel.messages[ts] = message
    notices.note(slack, channel, message)
    deliveries.event(payloads.message_event(slack, message, channel))


def _replace(
    slack: Slack, deliveries: Deliveries, channel: Conversation, url: ResponseUrl, text: str, blocks: list[Json]
) -> None:
    for alone in slack.ephemerals:
        if url.ephemeral and alone.ts == url.message:
            alone.text, alone.blocks = text, blocks
    message = channel.messages.get(url.message or "")
    if message and not url.ephemeral:
        before = channel.seen(message)
        message.versions.append(before)
        message.text, message.blocks = text, blocks
        deliveries.event(payloads.changed_event(slack, message, channel, before, slack.new_ts()))


def _delete(slack: Slack, deliveries: Deliveries, channel: Conversation, url: ResponseUrl) -> None:
    if url.ephemeral:
        slack.ephemerals[:] = [alone for alone in slack.ephemerals if alone.ts != url.message]
    elif message := channel.messages.get(url.message or ""):
        del channel.messages[message.ts]
        deliveries.event(payloads.deleted_event(message, channel, slack.new_ts()))
    slack.changes.note()
