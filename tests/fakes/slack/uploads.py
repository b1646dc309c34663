"""Files people attach, and their download, which needs the bot's token: https://docs.slack.dev/reference/objects/file-object"""

import base64
import mimetypes

from aiohttp import web

from tests.fakes.slack.model import Json, User
from tests.fakes.slack.state import Slack


def add(slack: Slack, user: User, given: Json) -> Json:
    """A file of `{name, text | base64, mimetype?}`, as it stands in messages."""
    content = base64.b64decode(given["base64"]) if "base64" in given else str(given["text"]).encode()
    id_, name = slack.new_id("F"), str(given["name"])
    mimetype = given.get("mimetype") or mimetypes.guess_type(name)[0] or "application/octet-stream"
    url = f"{slack.address}/files-pri/{slack.settings.team}-{id_}/{{}}{name}"
    now = int(slack.clock.now())
    kind = name.rpartition(".")[2] or "binary"
    slack.contents[id_] = content
    slack.files[id_] = {
        "id": id_, "created": now, "timestamp": now, "name": name, "title": name, "mimetype": mimetype,
        "filetype": kind, "pretty_type": kind.upper(), "user": user.id, "user_team": user.team_id, "editable": False,
        "size": given.get("size", len(content)), "mode": "hosted", "is_external": False, "external_type": "",
        "is_public": False, "public_url_shared": False, "display_as_bot": False, "username": "",
        "url_private": url.format(""), "url_private_download": url.format("download/"),
        "permalink": f"{slack.address}/files/{user.id}/{id_}/{name}", "has_rich_preview": False,
        "file_access": "visible",
    }  # fmt: skip
    return slack.files[id_]


class Downloads:
    """`GET /files-pri/<team>-<file>/…`."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack

    async def serve(self, request: web.Request) -> web.Response:
        """The bytes for who may read files; a log-in page, with status 200, for who may not: so does Slack."""
        s = self._slack.settings
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token != s.bot_token or "files:read" not in s.scopes:
            return web.Response(text="<!DOCTYPE html><html><title>Sign in</title></html>", content_type="text/html")
        id_ = request.match_info["file"].partition("-")[2]
        if id_ not in self._slack.contents:
            raise web.HTTPNotFound
        return web.Response(body=self._slack.contents[id_], content_type=self._slack.files[id_]["mimetype"])
