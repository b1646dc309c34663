"""`sayso login`: a link that opens the console, once."""

import json
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

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
        typer.Option(
            "--as", help="Beside `sayso dev`: whose session it opens; everybody's if not given.", metavar="PERSON"
        ),
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Send the link to this person, over their channels.", metavar="PERSON")
    ] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Give out a link that opens the console. It works once, and for 15 minutes.

    Beside `sayso dev` it is printed. Elsewhere --to PERSON sends it to that person, and nobody else sees it.
    """
    from bot.cli.beside import require_dev, run

    if to is not None and person is not None:
        raise typer.BadParameter("--to sends the link to its person, --as prints it beside `sayso dev`: give one")

    async def work(app: "App") -> None:
        if to is not None:
            return await _send(app, to, as_json=as_json)
        require_dev(app.settings, "sayso login without --to PERSON")
        return await _print(app, person, as_json=as_json)

    run(data, work)


async def _print(app: "App", person: str | None, *, as_json: bool) -> None:
    address = _address_of_dev(app)
    if person is None and app.home.read("web.json") is None:
        raise typer.BadParameter("say whose session it is to be: --as PERSON")
    who = app.people.named(person) if person else app.people.all()[0]
    token = await app.logins.link(who, is_demo=person is None)
    link = f"{address}/login?token={token}"
    print(json.dumps({"link": link, "person": who, "is_demo": person is None}) if as_json else link)


def _address_of_dev(app: "App") -> str:
    """Where the running `sayso dev` serves; an address elsewhere counts only where the settings have it too."""
    from channels.email.servers.endpoint import is_loopback

    note = app.home.read("web.json")
    address = str(json.loads(note)["url"]) if note else app.settings.public_url
    if address is None:
        raise typer.BadParameter("set SAYSO_PUBLIC_URL to where people reach the console: the link begins with it")
    if address != app.settings.public_url and not is_loopback(urlsplit(address).hostname or ""):
        raise typer.BadParameter(f"web.json in {app.home.folder} names an address elsewhere. Start `sayso dev` again")
    return address


async def _send(app: "App", person: str, *, as_json: bool) -> None:
    from bot.cli.show import plain
    from bot.config.tables import CHANNELS
    from bot.web.console.login import send_link

    if app.settings.public_url is None:
        raise typer.BadParameter("set SAYSO_PUBLIC_URL to where people reach `sayso web`: the link begins with it")
    who = app.people.named(person)
    await send_link(app, who, "/", CHANNELS)
    said = f"A link is on its way to {app.people.name_of(who)}. It works once, and for 15 minutes."
    print(json.dumps({"sent_to": who}) if as_json else plain(said))
