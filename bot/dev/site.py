"""The demo site as visitors see it: whatever release is live in each environment, straight from its folder."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager
from html import escape
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.dev.demo import ENVIRONMENTS
from bot.web.connections import bounded

# The pages come from a repository that anybody may have written to: no script, no form, no shared origin.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "sandbox",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_LAST_ANSWERS_S = 1


async def serve(folder: Path, listener: socket.socket) -> None:
    """Serve the demo in `folder` at `listener` until cancelled, then close it."""
    with listener:
        server = _Server(
            uvicorn.Config(
                site(folder),
                http=bounded(),
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=_LAST_ANSWERS_S,
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to the program that this is a part of."""
        yield


def site(folder: Path) -> Starlette:
    """The application: `/` names the environments, `/production/` and `/staging/` are their live releases."""

    async def overview(_: Request) -> Response:
        lines = "".join(
            f'<li><a href="/{name}/">{name}</a> {escape(_live(folder, name))}</li>' for name in ENVIRONMENTS
        )
        return HTMLResponse(f"<!doctype html><title>Demo site</title><ul>{lines}</ul>", headers=_HEADERS)

    async def page(request: Request) -> Response:
        environment, name = request.path_params["environment"], request.path_params["name"] or "index.html"
        path = await asyncio.to_thread(_file, folder, environment, name)
        return FileResponse(path, headers=_HEADERS)

    async def to_page(request: Request) -> Response:
        return RedirectResponse(f"/{request.path_params['environment']}/", headers=_HEADERS)

    one = "{environment:str}"
    return Starlette(
        routes=[Route("/", overview), Route(f"/{one}", to_page), Route(f"/{one}/{{name:path}}", page)],
    )


def _live(folder: Path, environment: str) -> str:
    current = folder / "site" / environment / "current"
    return current.resolve().name[:7] if current.exists() else "nothing yet"


def _file(folder: Path, environment: str, name: str) -> Path:
    """A file of the release that is live now. The link is followed once: all of a page is one release."""
    release = (folder / "site" / environment / "current").resolve()
    path = release / name
    is_inside = environment in ENVIRONMENTS and "/" not in name and not name.startswith(".")
    if not is_inside or path.is_symlink() or not path.is_file():
        raise HTTPException(404, headers=_HEADERS)
    return path
