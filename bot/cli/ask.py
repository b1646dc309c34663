"""`sayso ask`: a question to people, from a terminal or a script that waits for what they say."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.act import As, speaker
from bot.cli.options import Data, Json, text_of, texts_of

if TYPE_CHECKING:
    from bot.app import App
    from bot.people.directory import People
    from bot.render.views import RequestView


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(ask)


def ask(
    text: Annotated[str, typer.Argument(help="The question.", callback=text_of)],
    to: Annotated[list[str], typer.Option(help="person:NAME or group:NAME; any one of them may answer.")],
    form: Annotated[
        str | None, typer.Option("--format", help="free_text, yes_no, choice, choices or form.", metavar="FORMAT")
    ] = None,
    option: Annotated[
        list[str], typer.Option(help="What can be chosen; give it again for each.", callback=texts_of)
    ] = [],  # noqa: B006 - nobody changes it
    field: Annotated[
        list[str], typer.Option(help="What is to be filled in; give it again for each.", callback=texts_of)
    ] = [],  # noqa: B006 - nobody changes it
    person: As = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the answer; exit 1 if there is none.")] = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Ask people a question. Prints the request's id, or with --wait what became of it."""
    from bot.cli.beside import run
    from bot.cli.remote import remote

    usual = "choice" if option else "form" if field else "free_text"
    body = {"question": text, "to": to, "format": form or usual, "options": option, "fields": field}
    away = remote(data, person)
    if away is None:
        raise typer.Exit(run(data, lambda app: _ask_beside(app, body, person, wait=wait, as_json=as_json)))
    shown = away.ask(body)
    raise typer.Exit(_told(away.answered(shown.id) if wait else shown, away.people, wait=wait, as_json=as_json))


async def _ask_beside(app: "App", body: dict[str, Any], person: str | None, *, wait: bool, as_json: bool) -> int:
    from pydantic import ValidationError

    from bot.render.views import request_view
    from bot.runs.api_requests import Asker, NotAsked
    from bot.web.api.asking import QuestionWanted

    who = speaker(app, person)
    try:
        wanted = QuestionWanted.model_validate(body)
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}".lstrip(": ") for one in error.errors())
        raise NotAsked(f"This can't be asked: {found}") from None
    request_id = await app.relay.ask(wanted.relayed(), {}, Asker(who, channel="cli"))
    record, _, _ = await app.decisions.request(request_id)
    if wait:
        await _decided(app, record.request.run_id)
        record, _, _ = await app.decisions.request(request_id)
    return _told(request_view(record, app.people), app.people, wait=wait, as_json=as_json)


async def _decided(app: "App", run_id: str) -> None:
    """Returns when the run's request is closed."""
    from agents.events import RequestDecided

    async for event in app.store.follow(run_id, 0):
        if isinstance(event, RequestDecided):
            return


def _told(shown: "RequestView", people: "People", *, wait: bool, as_json: bool) -> int:
    """Print it; 0 for a request that is open or answered."""
    from bot.cli.show import plain, plain_json
    from bot.render.cards import decided

    if as_json:
        print(plain_json(shown.model_dump_json()))
    elif not wait or shown.decision is None:
        print(shown.id)
    else:
        print(plain(shown.decision.given.text if shown.decision.given else decided(shown.decision, people)))
    return 0 if shown.state == "answered" or not wait else 1
