"""`sayso keys`: make, list and revoke API keys, beside a running sayso or over the Redis it uses."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import structlog
import typer

from bot.cli.options import Data, Json

if TYPE_CHECKING:
    from agents.requests import PersonId
    from bot.app import App
    from bot.people.api_keys import ApiKey

log = structlog.stdlib.get_logger()

keys = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys.")

_LISTED = "Separated by commas."


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    keys.command()(create)
    keys.command("list")(listed)
    keys.command()(revoke)
    app.add_typer(keys, name="keys")


def create(
    scope: Annotated[str, typer.Option(help=f"Of trigger, read, answer, steer, admin. {_LISTED}")],
    person: Annotated[str | None, typer.Option(help="Whose key it is: a name in sayso.toml.")] = None,
    service: Annotated[str | None, typer.Option(help="Which program's key it is; it can't answer.")] = None,
    acts_for: Annotated[str, typer.Option(help=f"For whom else it may ask. {_LISTED}")] = "",
    asks: Annotated[
        str,
        typer.Option(
            help="Whom its program may ask by itself: person:P, group:G, policy:P; if not given, those it asks for. "
            + _LISTED
        ),
    ] = "",
    holder: Annotated[
        list[str],
        typer.Option(
            help="In whose hands a service's key is; give it again for each. They count as having asked.",
            metavar="PERSON",
        ),
    ] = [],  # noqa: B006 - nobody changes it
    name: Annotated[str, typer.Option(help="What it is for, in your words.")] = "",
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Make a key. It is printed once and can't be shown again.

    A key that answers belongs into its person's hands: they make it themselves, in the console, on the page Keys. One
    that is made here answers as well; its person is told, and so is everybody who sees what it decides.
    """
    from bot.cli.beside import run

    if service is not None and not holder:
        raise typer.BadParameter(
            "say in whose hands this key is: --holder PERSON, for each of them. They count as asking"
        )

    async def work(app: "App") -> None:
        key, text = await app.keyring.create(
            person=person,
            service=service,
            scopes=_parts(scope),
            acts_for=_parts(acts_for),
            asks=_parts(asks),
            name=name,
            holders=holder,
        )
        if key.person and key.may("answer"):
            await _tell_person(app, key, key.person)
        print(json.dumps({"key": text, **_shown(key, None)}) if as_json else text)

    run(data, work)


async def _tell_person(app: "App", key: "ApiKey", person: "PersonId") -> None:
    """Whoever a key answers for hears of it when somebody else made it."""
    from bot.outbound.notifier import to_person

    log.warning("an operator made a key that answers", key=f"sayso_{key.prefix}", person=person, scopes=key.scopes)
    name = app.people.name_of(person)
    text = (
        f"An operator of sayso made the API key sayso_{key.prefix}, which answers requests as you, {name}. What it "
        "decides is marked as such. If you do not know why, or do not have it, have it taken back at once: sayso keys "
        f"revoke sayso_{key.prefix}, or in the console, on the page Keys, where you can make one of your own."
    )
    await to_person(app.journal, person, "An API key that answers as you", text)


def listed(as_json: Json = False, data: Data = None) -> None:
    """List the keys: whose they are, what they may do, when they were last used."""
    from bot.cli.beside import run

    async def work(app: "App") -> None:
        found = await app.keyring.all()
        if as_json:
            print(json.dumps([_shown(key, used) for key, used in found]))
            return
        print("\n".join(_line(key, used) for key, used in found) or "There are no keys. `sayso keys create` makes one.")

    run(data, work)


def revoke(
    prefix: Annotated[str, typer.Argument(help="The first part of the key, as `sayso keys list` shows it.")],
    data: Data = None,
) -> None:
    """Take a key back at once and for good."""
    from bot.cli.beside import run

    async def work(app: "App") -> None:
        key = await app.keyring.revoke(prefix)
        print(f"sayso_{key.prefix} of {key.owner} opens nothing any more.")

    run(data, work)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _shown(key: "ApiKey", used: datetime | None) -> dict[str, object]:
    shown = key.model_dump(mode="json")
    return {**shown, "prefix": f"sayso_{key.prefix}", "used_at": used.isoformat() if used else None}


def _line(key: "ApiKey", used: datetime | None) -> str:
    from bot.cli.show import plain

    for_whom = f"  for {', '.join(key.acts_for)}" if key.acts_for else ""
    for_whom += f"  held by {', '.join(key.holders)}" if key.holders else ""
    for_whom += "  held by nobody knows whom" if key.is_of_nobody else ""
    for_whom += f"  asks {', '.join(key.asks)}" if key.asks else ""
    state = f"revoked {key.revoked_at:%d %b %Y}" if key.revoked_at else _when("last used", used)
    name = f"  {key.name}" if key.name else ""
    made = _when("made", key.created_at)
    made += " by an operator" if key.person and key.made_by == "operator" and key.may("answer") else ""
    return plain(f"sayso_{key.prefix}  {key.owner}  {','.join(key.scopes)}{for_whom}  {made}  {state}{name}")


def _when(word: str, at: datetime | None) -> str:
    return f"{word} {at:%d %b %Y %H:%M UTC}" if at else "never used"
