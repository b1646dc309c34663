"""Small pages that show the workspace, to look at and to take pictures of.

`/view/<channel>`, `/view/<channel>/<thread>`, `/view/home/<user>`, `/view/modal/<user>`; `?theme=light|dark` (else the
browser's choice), `?as=<user>` for what that user alone sees, `?tz=` for the reader's zone.
"""

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from zoneinfo import ZoneInfo

from aiohttp import web

from tests.fakes.slack.model import Conversation, Ephemeral, Message, User
from tests.fakes.slack.state import Slack
from tests.fakes.slack.viewer.blocks import Blocks
from tests.fakes.slack.viewer.mrkdwn import Mrkdwn

_STYLE = (Path(__file__).parent / "style.css").read_text()


class Viewer:
    """The pages."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/view/home/{user}", self.home),
            web.get("/view/modal/{user}", self.modal),
            web.get("/view/{channel}", self.channel),
            web.get("/view/{channel}/{thread}", self.channel),
        ]

    async def channel(self, request: web.Request) -> web.Response:
        """A Slack channel, or one thread of it."""
        channel = self._slack.conversation(request.match_info["channel"])
        if channel is None:
            raise web.HTTPNotFound(text="there is no such channel")
        thread = request.match_info.get("thread")
        top = [message for message in channel.messages.values() if message.thread_ts in (None, message.ts)]
        shown: list[Message | Ephemeral] = [*(channel.thread(thread) if thread else top)]
        reader = self._slack.user(request.query.get("as", ""))
        shown += [
            alone
            for alone in self._slack.ephemerals
            if reader and (alone.user, alone.channel, alone.thread_ts) == (reader.id, channel.id, thread)
        ]
        title = f"# {channel.name}" if channel.kind != "im" else self._slack.settings.bot_name
        rows = "".join(self._row(request, channel, each) for each in sorted(shown, key=lambda each: each.ts))
        return _page(request, title + (" · Thread" if thread else ""), rows)

    async def home(self, request: web.Request) -> web.Response:
        """A user's App Home."""
        user = self._user(request)
        home = self._slack.homes.get(user.id)
        body = Blocks(self._mrkdwn(request), home.values).html(home.given["blocks"]) if home else "Nothing here yet."
        return _page(request, f"{self._slack.settings.bot_name} · Home", f'<div class="home">{body}</div>')

    async def modal(self, request: web.Request) -> web.Response:
        """The topmost modal of a user."""
        user = self._user(request)
        mine = [view for view in self._slack.views.values() if view.user == user.id]
        if not mine:
            raise web.HTTPNotFound(text="no modal is open")
        view = mine[-1]
        body = Blocks(self._mrkdwn(request), view.values, view.errors).html(view.given["blocks"])
        trouble = f'<div class="error">{escape(view.errors[""])}</div>' if "" in view.errors else ""
        close = (view.given.get("close") or {"text": "Cancel"})["text"]
        submit = view.given.get("submit")
        buttons = f"<button>{escape(close)}</button>"
        buttons += f'<button class="primary">{escape(submit["text"])}</button>' if submit else ""
        title = escape(view.given["title"]["text"])
        frame = f'<div class="modal"><h2>{title}<span class="cross">&times;</span></h2>'
        inside = f'<div class="inside">{trouble}{body}</div><div class="foot">{buttons}</div></div>'
        return _page(request, "", frame + inside)

    def _row(self, request: web.Request, channel: Conversation, seen: Message | Ephemeral) -> str:
        mrkdwn, bot = self._mrkdwn(request), self._slack.settings.bot
        who = self._slack.users.get(bot if isinstance(seen, Ephemeral) else seen.user)
        name = who.real_name if who else "somebody"
        at = datetime.fromtimestamp(float(seen.ts), UTC).astimezone(ZoneInfo(_tz(request)))
        badge = '<span class="badge">APP</span>' if who and who.is_bot else ""
        alone = '<div class="faint">Only visible to you</div>' if isinstance(seen, Ephemeral) else ""
        body = Blocks(mrkdwn).html(seen.blocks) if seen.blocks else f'<div class="words">{mrkdwn.html(seen.text)}</div>'
        return (
            f'<div class="message{" alone" if alone else ""}" id="p{seen.ts.replace(".", "")}">'
            f'<div class="face{" bot" if badge else ""}">{escape(name[:1].upper())}</div><div class="body">{alone}'
            f'<div class="who"><b>{escape(name)}</b>{badge}<span class="faint">{at.strftime("%-I:%M %p")}</span></div>'
            f"{body}{_below(channel, seen) if isinstance(seen, Message) else ''}</div></div>"
        )

    def _mrkdwn(self, request: web.Request) -> Mrkdwn:
        return Mrkdwn(self._slack, _tz(request))

    def _user(self, request: web.Request) -> User:
        if user := self._slack.user(request.match_info["user"]):
            return user
        raise web.HTTPNotFound(text="there is no such user")


def _tz(request: web.Request) -> str:
    return request.query.get("tz", "Europe/Berlin")


def _below(channel: Conversation, message: Message) -> str:
    edited = '<span class="faint">(edited)</span>' if message.edited else ""
    files = "".join(f'<div class="file">{escape(each["name"])}</div>' for each in message.files)
    replies = len(channel.thread(message.ts)) - 1
    count = f'<div class="replies">{replies} {"reply" if replies == 1 else "replies"}</div>' if replies > 0 else ""
    return edited + files + (count if message.thread_ts in (None, message.ts) else "")


def _page(request: web.Request, title: str, body: str) -> web.Response:
    theme = request.query.get("theme", "")
    chosen = f' data-theme="{theme}"' if theme in ("light", "dark") else ""
    head = f"<header>{escape(title)}</header>" if title else ""
    page = (
        f'<!DOCTYPE html><html lang="en"{chosen}><head><meta charset="utf-8">'
        f'<title>{escape(title or "Modal")}</title><meta name="viewport" content="width=device-width">'
        f"<style>{_STYLE}</style></head><body>{head}<main>{body}</main></body></html>"
    )
    return web.Response(content_type="text/html", text=page)
