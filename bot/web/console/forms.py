"""The forms of operations: what each sends is read as the operation's input, done, and told where the form stands."""

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agents.requests import Frozen
from agents.text import first_line
from bot.errors import Conflict, Invalid, NotFound
from bot.web.console.pages import stood_on, to
from bot.web.console.visits import Visit, caller_of, unreadable, visit_of
from bot.web.here import here
from bot.web.operations import By, Served

_LINE_CHARS = 1_000


def route(served: Served) -> Route:
    """Return the route that takes the form of an operation."""

    async def sent(request: Request) -> Response:
        visit, page = visit_of(request), stood_on(request.url.path)
        by = By(here(request).app, caller_of(request), visit.known.proof, (visit.person,))
        given = {**request.path_params, "by": by}
        given |= {"wanted": _read(served.wanted, visit)} if served.wanted else {}
        await served.check(**given)
        try:
            done = await served.do(**given)
        except (Conflict, Invalid, NotFound) as error:
            return to(request, page, str(error), is_well=False)
        return to(request, page, served.told(done))

    return Route(served.operation.form, sent, methods=["POST"])


def _read(wanted: type[Frozen], visit: Visit) -> Frozen:
    """Return what a form says, whose fields are lines; an empty one is left out. Raises Refusal."""
    names = (field.alias or name for name, field in wanted.model_fields.items())
    lines = {name: first_line(visit.field(name), _LINE_CHARS) for name in names}
    try:
        return wanted.model_validate({name: line for name, line in lines.items() if line})
    except ValidationError:
        raise unreadable() from None
