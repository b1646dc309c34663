"""`sayso people`: who is in the directory, and who could be; `sayso standing`: what they need not ask again."""

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from bot.cli.operate import attached, require_dev
from bot.cli.options import As, Data, Json, do, settings_of
from bot.cli.plain import plain, plain_json, short_hash
from bot.command_line import command
from bot.operations import END_ABSENCE, REVOKE, SAME, SET_ABSENCE

if TYPE_CHECKING:
    from agents.requests import PersonId
    from bot.people.api_keys import ApiKey
    from bot.people.directory import People
    from bot.policy.approvers.oncall import Duty
    from bot.wiring.redis import Office

people = typer.Typer(
    help="List the people of the directory, with a hash of what is configured for each.", invoke_without_command=True
)
absence = typer.Typer(no_args_is_help=True, help="Say that you are away and who stands in, list who is, and end it.")
keys = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys. Works beside Redis itself.")
imports = typer.Typer(help="Propose entries for `sayso.toml`; nothing is written anywhere.", no_args_is_help=True)
standing = typer.Typer(
    no_args_is_help=True, help="Standing approvals: the same again without asking, so many times or until then."
)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    people.callback()(listed)
    people.command()(same)
    people.command()(confirm)
    imports.command(name="slack")(from_slack)
    people.add_typer(imports, name="import")
    app.add_typer(people, name="people")
    app.command()(login)
    absence.command("set")(set_absence)
    absence.command("list")(list_absences)
    absence.command("end")(end_absence)
    app.add_typer(absence, name="absence")
    keys.command()(create)
    keys.command("list")(list_keys)
    keys.command()(revoke)
    app.add_typer(keys, name="keys")
    standing.command("request")(ask_again)
    standing.command("list")(list_standing)
    standing.command("revoke")(revoke_standing)
    app.add_typer(standing, name="standing")


def listed(context: typer.Context, as_json: Json = False, data: Data = None) -> None:
    """List the people of the directory, with a hash of what is configured for each; and who is on call now and next."""
    if context.invoked_subcommand is not None:
        return
    from bot.people.directory import People

    settings = settings_of(data)
    configured, directory = settings.people, People.of(settings)
    tables = {name: person.model_dump(mode="json") for name, person in configured.items()}
    duties = directory.duties(datetime.now(UTC))
    if as_json:
        on_call = {name: [one for one, (now, _) in duties.items() if now and now.person == name] for name in tables}
        shown = {name: {"hash": short_hash(table), "on_call": on_call[name]} for name, table in tables.items()}
        print(json.dumps({name: table | shown[name] for name, table in tables.items()}))
        return
    kept = [name for name, table in settings.groups.items() if table.file]
    for name, person in configured.items():
        inside = [*person.groups, *(group for group in kept if name in directory.group(group).people)]
        groups = f"  groups: {', '.join(inside)}" if inside else ""
        mail = person.email or "no mail address"
        print(plain(f"{name}  {person.name}  {mail}  {person.timezone}{groups}  {short_hash(tables[name])}"))
    for name, (now, then) in duties.items():
        print(plain(f"oncall:{name}  {duty_line(now, then, directory, settings.oncall[name].timezone)}"))


def same(
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD",
            help="A mail address, Slack id or uid of theirs from before, or the id that requests call them by.",
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="What sayso.toml calls them now.")],
    person: As = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Say that somebody whose address has changed is still the same human: sayso people same cy@old.example cy

    Ids are given out again, so sayso knows people by their address and Slack id. Whoever has another one counts as
    somebody new, and whom it knew before as one who has left: others decide for them, and their approvals count no
    more. After this, what was theirs is theirs again. With a `uid` for each person in sayso.toml it is never needed.
    It takes an admin, who can't say it of themselves, and stands in the audit log.
    """
    do(SAME, {"known_by": old, "person": new}, person, data, as_json=as_json)


def confirm(
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="As the alert and `sayso status` say it.")],
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Say that a sayso.toml which is only half taken is right as it is: who is missing in it has left.

    A file that has nobody in it, or takes everybody away who could decide an open request, may have been emptied or
    cut. Who is missing decides nothing from then on, but no request is closed and nothing gated starts until another
    file comes, or until this. It holds for exactly the file of this digest, until another one holds, and stands in the
    audit log. Works beside Redis itself, as nobody may be left who has a key; over HTTP it is POST /v1/people/confirm.
    """

    async def work(office: "Office") -> None:
        from bot.people.noted import NotedTables

        told = await NotedTables(office.store).confirm(digest, None, None)
        print(json.dumps({"id": digest, "told": told}) if as_json else told)

    attached(data, work)


def duty_line(now: "Duty | None", then: "Duty | None", people: "People", timezone: str) -> str:
    """Return who is on call and who is next, with the times of the rotation's own zone."""
    from zoneinfo import ZoneInfo

    def at(moment: datetime) -> str:
        return f"{moment.astimezone(ZoneInfo(timezone)):%a %d %b %Y %H:%M}"

    words = people.name_of(now.person) if now else "nobody yet"
    words += f" until {at(then.starts)}, then {people.name_of(then.person)}" if then else ""
    return f"{words} ({timezone})"


def from_slack(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of TOML.")] = False, data: Data = None
) -> None:
    """Propose an entry for each full member of the workspace, or the line that one lacks who is there already.

    Needs SLACK_BOT_TOKEN. Members are known by their mail address. Nothing is written: copy whom you want.
    """
    import asyncio

    from bot.wiring.slack import slack_api
    from bot.wiring.slack_import import members_of, proposed, to_json, to_toml

    settings = settings_of(data)
    found = proposed(asyncio.run(members_of(slack_api(settings))), settings.people)
    print(json.dumps(to_json(found)) if as_json else to_toml(found), end="\n" if as_json else "")


_Whose = Annotated[
    str | None, typer.Option("--person", help="Somebody else, whom operators may say it of.", metavar="PERSON")
]


def set_absence(
    until: Annotated[
        str,
        typer.Option(help="2026-12-01, the day on which you are back, or a time: 2026-12-01T12:00.", metavar="WHEN"),
    ],
    starts: Annotated[
        str | None, typer.Option("--from", help="When it starts; now if not given.", metavar="WHEN")
    ] = None,
    to: Annotated[str | None, typer.Option(help="Who stands in for you.", metavar="PERSON")] = None,
    whose: _Whose = None,
    person: As = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Say that you are away. Dates and times are those of your own time zone.

    Meanwhile a request that names you asks whoever stands in, where its policy accepts that person: one of its own
    approvers, of its escalate_to or of its stand_ins. What you hold goes to them as well, and stays with them when you
    are back. Where it accepts nobody you are still asked, and the card says that you are away.
    """
    do(SET_ABSENCE, {"until": until, "from": starts, "to": to, "person": whose}, person, data, as_json=as_json)


def list_absences(as_json: Json = False, data: Data = None) -> None:
    """List who is away or will be, until when, and who stands in."""
    from bot.cli.client import connect

    with connect(data) as client:
        found = client.get("/v1/absences")["absences"]
    if as_json:
        print(plain_json(json.dumps(found)))
    else:
        print(plain("\n".join(one["told"] for one in found) or "Nobody is away."))


def end_absence(whose: _Whose = None, person: As = None, as_json: Json = False, data: Data = None) -> None:
    """Say that you are back. What went to others meanwhile stays with them."""
    do(END_ABSENCE, {"person": whose}, person, data, as_json=as_json)


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

    Beside `sayso dev` it is printed. Elsewhere --to PERSON sends it to that person, and nobody else sees it. Works
    beside Redis itself.
    """
    if to is not None and person is not None:
        raise typer.BadParameter("--to sends the link to its person, --as prints it beside `sayso dev`: give one")

    async def work(office: "Office") -> None:
        if to is not None:
            return await _send(office, to, as_json=as_json)
        require_dev(office.settings, "sayso login without --to PERSON")
        return await _print(office, person, as_json=as_json)

    attached(data, work)


async def _print(office: "Office", person: str | None, *, as_json: bool) -> None:
    address = _address_of_dev(office)
    who = office.people.named(person) if person else office.people.all()[0]
    token = await office.access.sessions.link(who, by="operator", is_demo=person is None)
    link = f"{address}/login?token={token}"
    print(json.dumps({"link": link, "person": who, "is_demo": person is None}) if as_json else link)


def _address_of_dev(office: "Office") -> str:
    """Return the address of the running `sayso dev`; one elsewhere counts only if the settings name it too."""
    from channels.email.servers.endpoint import is_loopback

    server = office.data_dir.server()
    address = server.url if server else ""
    if address != office.settings.public_url and not is_loopback(urlsplit(address).hostname or ""):
        raise typer.BadParameter(f"{office.data_dir.folder} names an address elsewhere. Start `sayso dev` again")
    return address


async def _send(office: "Office", person: str, *, as_json: bool) -> None:
    from bot.config.tables import CHANNELS
    from bot.outbound.login_link import send_link

    if office.settings.public_url is None:
        raise typer.BadParameter("set SAYSO_PUBLIC_URL to where people reach `sayso web`: the link begins with it")
    who = office.people.named(person)
    await send_link(office.journal, office.people, office.settings.public_url, who, "/", CHANNELS)
    said = f"A link is on its way to {office.people.name_of(who)}. It works once, and for 15 minutes."
    print(json.dumps({"sent_to": who}) if as_json else plain(said))


_LISTED = "Separated by commas."


def create(
    scope: Annotated[str, typer.Option(help=f"Of ask, trigger, read, answer, steer, admin. {_LISTED}")],
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

    In a terminal, a key that asks people comes with what to paste: a call of the API, and lines for MCP clients.

    A key that answers belongs into its person's hands: they make it themselves, in the console, on the page Keys. One
    that is made here answers as well; its person is told, and so is everybody who sees what it decides.
    """
    if service is not None and not holder:
        raise typer.BadParameter(
            "say in whose hands this key is: --holder PERSON, for each of them. They count as asking"
        )

    async def work(office: "Office") -> None:
        key, text = await office.access.keyring.create(
            person=person,
            service=service,
            scopes=_parts(scope),
            acts_for=_parts(acts_for),
            asks=_parts(asks),
            name=name,
            holders=holder,
        )
        if key.person and key.may("answer"):
            await _tell_person(office, key, key.person)
        print(json.dumps({"key": text, **_shown(key, None)}) if as_json else text)
        if sys.stdout.isatty() and not as_json:  # a script takes the key, and nothing beside it
            _show_snippets(office, key, text)

    attached(data, work)


def _show_snippets(office: "Office", key: "ApiKey", text: str) -> None:
    """Print what can be pasted with a key that asks people, beside the line that is the key."""
    from bot.people.snippets import snippets_for

    server = office.data_dir.server()
    url = office.settings.public_url or (server.url if server else "http://127.0.0.1:8000")
    for snippet in snippets_for(key, text, url):
        print(f"\n{snippet.into}:\n{snippet.text}", file=sys.stderr)


async def _tell_person(office: "Office", key: "ApiKey", person: "PersonId") -> None:
    """Notify the person whom a key answers for that somebody else made it."""
    import structlog

    from bot.outbound.notifier import to_person

    log = structlog.stdlib.get_logger()
    log.warning("an operator made a key that answers", key=f"sayso_{key.prefix}", person=person, scopes=key.scopes)
    name = office.people.name_of(person)
    text = (
        f"An operator of sayso made the API key sayso_{key.prefix}, which answers requests as you, {name}. What it "
        "decides is marked as such. If you do not know why, or do not have it, have it taken back at once: sayso keys "
        f"revoke sayso_{key.prefix}, or in the console, on the page Keys, where you can make one of your own."
    )
    await to_person(office.journal, person, "An API key that answers as you", text)


def list_keys(as_json: Json = False, data: Data = None) -> None:
    """List the keys: whose they are, what they may do, when they were last used."""

    async def work(office: "Office") -> None:
        found = await office.access.keyring.all()
        if as_json:
            print(json.dumps([_shown(key, used) for key, used in found]))
            return
        none = f"There are no keys. `{command('keys create')}` makes one."
        print("\n".join(_line(key, used) for key, used in found) or none)

    attached(data, work)


def revoke(
    prefix: Annotated[str, typer.Argument(help="The first part of the key, as `sayso keys list` shows it.")],
    data: Data = None,
) -> None:
    """Take a key back at once and for good, and say what it leaves open."""
    from bot.queries.lists import left_by

    async def work(office: "Office") -> None:
        key = await office.access.keyring.revoke(prefix, None, proof=None)
        print(f"sayso_{key.prefix} of {key.owner} opens nothing any more.")
        if left := await left_by(office.store, key.prefix):
            print(
                f"What it asked still waits for people, and no program hears their answers: {', '.join(left)}. "
                f"Whoever it asked for takes that back: {command('withdraw REQUEST')}"
            )

    attached(data, work)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _shown(key: "ApiKey", used: datetime | None) -> dict[str, object]:
    shown = key.model_dump(mode="json", exclude={"sent_to"})
    return {**shown, "prefix": f"sayso_{key.prefix}", "used_at": used.isoformat() if used else None}


def _line(key: "ApiKey", used: datetime | None) -> str:

    for_whom = f"  for {', '.join(key.acts_for)}" if key.acts_for else ""
    for_whom += f"  held by {', '.join(key.holders)}" if key.holders else ""
    for_whom += "  held by nobody knows whom" if key.is_of_nobody else ""
    for_whom += f"  asks {', '.join(key.asks)}" if key.asks else ""
    state = f"revoked {key.revoked_at:%d %b %Y}" if key.revoked_at else _when("last used", used)
    name = f"  {key.name}" if key.name else ""
    made = _when("made", key.created_at)
    answers = bool(key.person) and key.may("answer")
    made += " by an operator" if answers and key.made_by == "operator" else ""
    made += " after a log-in by email" if answers and key.link_by == "email" else ""
    return plain(f"sayso_{key.prefix}  {key.owner}  {','.join(key.scopes)}{for_whom}  {made}  {state}{name}")


def _when(word: str, at: datetime | None) -> str:
    return f"{word} {at:%d %b %Y %H:%M UTC}" if at else "never used"


def ask_again(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run of yours in which it was approved and worked.")],
    uses: Annotated[int, typer.Option(min=1, max=100, help="So many times; the policy says how many at most.")],
    until: Annotated[
        datetime,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Until that day begins, or that minute, here."),
    ],
    leave_open: Annotated[
        list[str],
        typer.Option("--any", metavar="ARGUMENT", help="May be anything; the tool says what: `version` of a deploy."),
    ] = [],  # noqa: B006 - nobody changes it
    person: As = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Ask that what a run did be done again without asking. Prints the id of the request for it.

    The approvers of its policy decide, and the policy has to allow it (`standing = "10 in 30d"`). Every argument has to
    be exactly as it was, but for those named with --any. It serves you alone.
    """
    from bot.cli.client import speaking
    from bot.cli.show import request_text

    body: dict[str, object] = {"run": run, "uses": uses, "until": until.astimezone().isoformat(), "open": leave_open}
    with speaking(data, person) as client:
        asked = client.ask_again(body)
        print(asked.model_dump_json() if as_json else request_text(asked, client.people))


def list_standing(person: As = None, as_json: Json = False, data: Data = None) -> None:
    """List the standing approvals that you may use, granted or may decide about; what is over, for 30 days."""
    from bot.cli.client import connect

    with connect(data, person) as client:
        found = client.get("/v1/standing")
    if as_json:
        print(json.dumps(found))
    else:
        lines = map(_standing_line, found["standing"])
        print(plain("\n".join(lines) or "There are no standing approvals that concern you."))


def _standing_line(one: "dict[str, Any]") -> str:
    from bot.render.times import moment

    given = " ".join(f"{name}={value}" for name, value in sorted(one["arguments"].items()))
    left_open = "".join(f" {name}=*" for name in one["open"])
    used, until = f"{len(one['used'])} of {one['uses']} used", moment(None, datetime.fromisoformat(one["until"]))
    where = f" in {one['environment']}" if one["environment"] else ""
    call = f"{one['tool']}{where}: {given}{left_open}"
    granted = ", ".join(one["granted_by"])
    lapsed = f"  {one['lapsed']}" if one["lapsed"] else ""
    return f"{one['id']}  {one['state']}  {one['person']}  {call}  {used}, until {until}  by {granted}{lapsed}"


def revoke_standing(
    standing_id: Annotated[str, typer.Argument(metavar="ID", help="`sayso standing list` shows it.")],
    reason: Annotated[str, typer.Option(help="Why, for whoever asked for it.")] = "",
    person: As = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """End a standing approval at once: what it allowed and has not started is asked about again.

    Whoever asked for it, granted it or decides by its policy may, and operators and admins.
    """
    from bot.cli.client import speaking

    with speaking(data, person) as client:
        found = client.do(REVOKE, {"reason": reason}, standing_id=standing_id)
    print(json.dumps(found) if as_json else f"{found['id']} is revoked. People are asked again.")
