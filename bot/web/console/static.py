"""Files that pages load, each named by its content."""

import hashlib
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from bot.web.console.visits import Refusal
from language import say

_FOR_EVER = "public, max-age=31536000, immutable"
_HASH_CHARS = 12


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    media_type: str


@cache
def _files() -> dict[str, _File]:
    """Name with hash -> file."""
    ours = files("bot.web.console")
    found = {
        "console.css": _File(ours.joinpath("console.css").read_bytes(), "text/css"),
        "console.js": _File(ours.joinpath("console.js").read_bytes(), "text/javascript"),
    }
    return {_named(name, file.body): file for name, file in found.items()}


def _named(name: str, body: bytes) -> str:
    return f"{hashlib.sha256(body).hexdigest()[:_HASH_CHARS]}-{name}"


def address_of(name: str) -> str:
    """Return the address of `name`; a changed file has another address."""
    return next(f"/static/{named}" for named in _files() if named.endswith(f"-{name}"))


async def served(request: Request) -> Response:
    """One of the files."""
    file = _files().get(request.path_params["name"])
    if file is None:
        raise Refusal(HTTPStatus.NOT_FOUND, say("console.not-found-title"), say("console.not-found-file"))
    return Response(file.body, media_type=file.media_type, headers={"Cache-Control": _FOR_EVER})
