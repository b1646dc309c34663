"""A person's own API keys: made in that person's session, so that nobody else ever has one."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from bot.people.api_keys import SCOPES, KeyRefused, Scope
from bot.web.console.pages import page, to
from bot.web.console.visits import Refusal, visit_of
from bot.web.here import here

# Whoever keeps sayso has `sayso keys create` for the other one.
_OWN: tuple[Scope, ...] = tuple(scope for scope in SCOPES if scope != "admin")
_NAME_CHARS = 100
_AT_MOST = 50


async def listed(request: Request) -> Response:
    """The keys of whoever asks."""
    return await _page(request, "")


async def _page(request: Request, fresh: str) -> Response:
    """With the text of a `fresh` key, which is never shown again."""
    app, visit = here(request).app, visit_of(request)
    me = visit.person
    found = [(key, used) for key, used in await app.keyring.all() if key.person == me]
    return await page(request, "keys.html", {"keys": found, "fresh": fresh, "scopes": _OWN})


async def made(request: Request) -> Response:
    """Make a key for whoever sent the form, and show it once."""
    keyring, visit = here(request).app.keyring, visit_of(request)
    own = [key for key, _ in await keyring.all() if key.person == visit.person and key.revoked_at is None]
    if len(own) >= _AT_MOST:
        text = f"You have {_AT_MOST} keys, and nobody needs more. Take one back first."
        raise Refusal(HTTPStatus.BAD_REQUEST, "No key was made", text)
    scopes = [scope for scope in visit.fields("scope") if scope in _OWN]
    try:
        _, text = await keyring.create(
            person=visit.person, scopes=scopes, name=visit.field("name")[:_NAME_CHARS], made_by="person"
        )
    except KeyRefused as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, "No key was made", f"{error}. Tick what it may do.") from error
    return await _page(request, text)


async def revoked(request: Request) -> Response:
    """Take back a key of one's own."""
    keyring, visit, prefix = here(request).app.keyring, visit_of(request), request.path_params["some_id"]
    if not any(key.prefix == prefix and key.person == visit.person for key, _ in await keyring.all()):
        raise Refusal(HTTPStatus.NOT_FOUND, "There is no such key of yours", "The page Keys lists them.")
    await keyring.revoke(prefix)
    return to(request, "/keys", "The key opens nothing any more.")
