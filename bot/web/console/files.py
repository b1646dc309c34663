"""Files that people sent, for those who may see the run. A browser saves them and shows none: anybody made them."""

from http import HTTPStatus
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from bot.store.attachments import all_files, content_of
from bot.store.commit import FILES_S
from bot.store.ids import check
from bot.web.console.pages import hardened
from bot.web.console.visits import Refusal
from bot.web.here import here

# Even where a browser would show it after all, it can run, load and send nothing.
_POLICY = "sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


async def served(request: Request) -> Response:
    """The bytes of a file that an event of this run lists. Raises Refusal."""
    store, run_id = here(request).app.store, check(request.path_params["run_id"], "run")
    listed = all_files((await store.load(run_id)).events)
    file = next((one for one in listed if one.sha256 == request.path_params["sha256"]), None)
    if file is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "There is no such file", "The page of the run lists those there are.")
    content = await content_of(store.client, run_id, file.sha256)
    if content is None:
        text = f"Files are kept for {FILES_S // 86_400} days. Ask whoever sent it to send it again."
        raise Refusal(HTTPStatus.NOT_FOUND, "This file is no longer kept", text)
    response = Response(content, media_type="application/octet-stream")
    response.headers["Content-Disposition"] = _as_attachment(file.name)
    return hardened(response, _POLICY)


def _as_attachment(name: str) -> str:
    """RFC 6266, with a plain name for what knows no other."""
    plain = "".join(char if char.isascii() and char.isprintable() and char not in '"\\%' else "_" for char in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
