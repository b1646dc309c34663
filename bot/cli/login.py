"""`sayso login`: a link that opens the console, once."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.options import Data, Json

if TYPE_CHECKING:
    from bot.app import App


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(login)


def login(
    person: Annotated[
        str | None,
        typer.Option("--as", help="Whose session it opens; beside `sayso dev` it opens everybody's.", metavar="PERSON"),
    ] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Print a link that opens the console. It works once, and for 15 minutes: give it to nobody but its person."""
    from bot.cli.beside import run

    async def work(app: "App") -> None:
        dev = app.home.read("web.json") if app.settings.redis_url is None else None
        address = json.loads(dev)["url"] if dev else app.settings.public_url
        if address is None:
            raise typer.BadParameter("set SAYSO_PUBLIC_URL to where people reach `sayso web`: the link begins with it")
        if person is None and dev is None:
            raise typer.BadParameter("say whose session it is to be: --as PERSON")
        who = app.people.named(person) if person else app.people.all()[0]
        token = await app.logins.link(who, is_demo=person is None)
        link = f"{address}/login?token={token}"
        print(json.dumps({"link": link, "person": who, "is_demo": person is None}) if as_json else link)

    run(data, work)
