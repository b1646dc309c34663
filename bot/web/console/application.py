"""The console as an application."""

from starlette.applications import Starlette

from bot.web.here import Here


def application(here: Here) -> Starlette:
    """The ASGI application of the pages."""
    console = Starlette(routes=[])
    console.state.here = here
    return console
