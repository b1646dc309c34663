"""`sayso people`: who is in the directory, and who could be."""

import json
from typing import Annotated

import typer

from bot.cli.options import Data, Json

people = typer.Typer(
    help="List the people of the directory, with a hash of what is configured for each.", invoke_without_command=True
)
imports = typer.Typer(help="Propose entries for `sayso.toml`; nothing is written anywhere.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    people.callback()(listed)
    imports.command(name="slack")(from_slack)
    people.add_typer(imports, name="import")
    app.add_typer(people, name="people")


def listed(context: typer.Context, as_json: Json = False, data: Data = None) -> None:
    """List the people of the directory, with a hash of what is configured for each."""
    from bot.cli.beside import settings_of
    from bot.cli.show import plain, short_hash

    if context.invoked_subcommand is not None:
        return
    configured = settings_of(data).people
    tables = {name: person.model_dump(mode="json") for name, person in configured.items()}
    if as_json:
        print(json.dumps({name: table | {"hash": short_hash(table)} for name, table in tables.items()}))
        return
    for name, person in configured.items():
        groups = f"  groups: {', '.join(person.groups)}" if person.groups else ""
        mail = person.email or "no mail address"
        print(plain(f"{name}  {person.name}  {mail}  {person.timezone}{groups}  {short_hash(tables[name])}"))


def from_slack(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of TOML.")] = False, data: Data = None
) -> None:
    """Propose an entry for each full member of the workspace, or the line that one lacks who is there already.

    Needs SLACK_BOT_TOKEN. Members are known by their mail address. Nothing is written: copy whom you want.
    """
    import asyncio

    from bot.cli.beside import settings_of
    from bot.wiring.slack import slack_api
    from bot.wiring.slack_import import members_of, proposed, to_json, to_toml

    settings = settings_of(data)
    found = proposed(asyncio.run(members_of(slack_api(settings))), settings.people)
    print(json.dumps(to_json(found)) if as_json else to_toml(found), end="\n" if as_json else "")
