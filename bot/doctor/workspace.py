"""Checks that ask the Slack workspace: tokens, scopes, Slack channels and people."""

import secrets
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus

from bot.config.settings import Settings
from bot.config.tables import PersonConfig
from bot.doctor.audiences import places_of
from bot.doctor.finding import Finding, not_tried
from bot.wiring.slack import slack_api
from bot.wiring.slack_import import is_of_another, why_not
from channels import ChannelError, ChannelUnauthorized, ChannelUnavailable
from channels.slack.api import Api, Refused, challenged
from channels.slack.bolt_app import ANOTHER_APP
from channels.slack.inbound import part, parts, word
from channels.slack.manifest import EVENTS_PATH, SCOPES
from channels.slack.members import member_of, pages

_AGAIN = "add it under OAuth & Permissions (sayso slack manifest prints them all), then install the app again"
# Slack itself waits for three.
_ANSWER_S = 5
_NOT_REACHED = "see that this machine reaches Slack: its network, a proxy, SAYSO_SLACK_BASE_URL if it is set"


async def examine_workspace(settings: Settings) -> AsyncIterator[Finding]:
    """Everything that Slack has to say, in the order in which it should be fixed. Needs the bot token."""
    api, home, app = slack_api(settings), "", ""
    try:
        answered = await api.ask("auth.test")
    except ChannelError as error:
        yield Finding(sign="✗", what=f"SLACK_BOT_TOKEN: {error.what}", fix=_fix(error))
    else:
        home, app = word(answered.data, "team_id"), await _app_of(api, word(answered.data, "bot_id"))
        yield Finding(
            sign="✓", what=f"Slack takes our bot token: {answered.data.get('user')} in {answered.data.get('team')}"
        )
        yield _scopes(answered.scopes)
    async for finding in _ways_in(settings, app):
        yield finding
    if not home:
        yield not_tried("scopes, Slack channels and people", "Slack does not take our bot token, or can't be asked")
        return
    async for finding in _places(api, places_of(settings)):
        yield finding
    async for finding in _people(api, settings.people, home):
        yield finding


def _fix(error: ChannelError) -> str:
    """Return what the person who runs the check must do: nothing is retried for them."""
    is_away = isinstance(error, ChannelUnavailable) and not isinstance(error, ChannelUnauthorized)
    return _NOT_REACHED if is_away else error.do


def _scopes(has: frozenset[str]) -> Finding:
    missing = [scope for scope in SCOPES if scope not in has]
    if missing:
        return Finding(sign="✗", what=f"the bot token lacks {', '.join(missing)}", fix=_AGAIN)
    return Finding(sign="✓", what="the bot token has all scopes that it needs")


async def _app_of(api: Api, bot: str) -> str:
    """The id of the app that a bot belongs to; "" where Slack does not say."""
    try:
        return word(await api.call("bots.info", bot=bot), "bot", "app_id")
    except ChannelError:
        return ""


async def _ways_in(settings: Settings, app: str) -> AsyncIterator[Finding]:
    """Yield findings on the ways Slack reaches us: Socket Mode, HTTP, or none."""
    if not settings.has_socket_mode and not settings.has_slack_http:
        what = "nothing that people do in Slack comes here: neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set"
        yield Finding(sign="✗", what=what, fix="SLACK_APP_TOKEN=xapp-… (Basic Information, App-Level Tokens)")
    if settings.slack_app_token:
        yield await _socket_mode(settings.slack_app_token.get_secret_value(), settings.slack_base_url, app)
    if settings.has_slack_http and settings.public_url is None:
        fix = "SAYSO_PUBLIC_URL=https://…, where Slack is to post to"
        yield Finding(sign="✗", what="SLACK_SIGNING_SECRET is set and SAYSO_PUBLIC_URL is not", fix=fix)
    elif settings.slack_signing_secret:
        yield await _http(f"{settings.public_url}{EVENTS_PATH}", settings.slack_signing_secret.get_secret_value())


async def _http(url: str, secret: str) -> Finding:
    """Ask the address as Slack does when it is entered there. Where nothing answers from here, Slack may reach it."""
    nonce = secrets.token_hex(16)
    try:
        status, is_taken = await challenged(url, secret, nonce, _ANSWER_S)
    except ChannelUnavailable as error:
        fix = "start sayso web; then see at Slack, under Event Subscriptions, that the address is Verified"
        return not_tried(f"whether Slack reaches {url}", error.what, fix)
    if is_taken and status == HTTPStatus.OK:
        return Finding(sign="✓", what=f"{url} answers what Slack signs with SLACK_SIGNING_SECRET")
    if status == HTTPStatus.UNAUTHORIZED:
        fix = "let sayso web have the same SLACK_SIGNING_SECRET, that of the app's Basic Information"
        return Finding(sign="✗", what=f"{url} refuses what is signed with SLACK_SIGNING_SECRET", fix=fix)
    fix = "let the proxy lead that path to sayso web, with its Host header, and give that SLACK_SIGNING_SECRET"
    return Finding(sign="✗", what=f"{url} does not answer as sayso web does: status {status}", fix=fix)


async def _socket_mode(token: str, base_url: str, app: str) -> Finding:
    """Check that the app token opens Socket Mode for the same app: an open connection would receive people's clicks."""
    tickets = Api(token, base_url, app_token=True)
    try:
        await tickets.call("apps.connections.open")
        other = word(await tickets.call("auth.test"), "app_id")
    except ChannelError as error:
        return Finding(sign="✗", what=f"SLACK_APP_TOKEN does not open Socket Mode: {error.what}", fix=_fix(error))
    if app and other and app != other:
        what = f"SLACK_APP_TOKEN belongs to the app {other}, and SLACK_BOT_TOKEN to {app}"
        return Finding(sign="✗", what=what, fix=ANOTHER_APP)
    return Finding(sign="✓", what="the app token opens Socket Mode")


async def _places(api: Api, wanted: Mapping[str, str]) -> AsyncIterator[Finding]:
    """Check that we are in the Slack channels that show cards and announcements; `wanted` says who names each."""
    ids: Mapping[str, str] = {}
    if any(place.startswith("#") for place in wanted):
        try:
            ids = await _ids_by_name(api)
        except ChannelError as error:
            yield Finding(sign="✗", what=f"the Slack channels can't be listed: {error.what}", fix=error.do)
            yield not_tried(f"whether sayso is in {', '.join(wanted)}", "they can't be listed")
            return
    for place, named in wanted.items():
        some_id = ids.get(place.removeprefix("#"), "") if place.startswith("#") else place
        yield await _place(api, place, some_id, named)


async def _place(api: Api, place: str, some_id: str, named: str) -> Finding:
    invite = f"write /invite @sayso in {place}"
    if not some_id:
        fix = f"correct {named}; if it is private, {invite}"
        return Finding(sign="✗", what=f"there is no Slack channel {place}, or sayso may not see it", fix=fix)
    try:
        about = part(await api.call("conversations.info", place, channel=some_id), "channel")
    except ChannelError as error:
        return Finding(sign="✗", what=f"{place}: {error.what}", fix=error.do)
    if about.get("is_archived"):
        return Finding(sign="✗", what=f"{place} is archived", fix=f"name another one in {named}")
    if not about.get("is_member"):
        return Finding(sign="✗", what=f"sayso is not in {place}", fix=invite)
    return Finding(sign="✓", what=f"sayso is in {place}")


async def _ids_by_name(api: Api) -> dict[str, str]:
    """The Slack channels that we may see."""
    found, kinds = dict[str, str](), "public_channel,private_channel"
    async for page in pages(api, "conversations.list", types=kinds, limit=200):
        found |= {word(one, "name"): word(one, "id") for one in parts(page, "channels")}
    return found


async def _people(api: Api, people: Mapping[str, PersonConfig], home: str) -> AsyncIterator[Finding]:
    """Each person's member id: it exists, is a full member, and has the mail address of the directory."""
    fine, import_ = list[str](), "sayso people import slack proposes the right one"
    for name, config in people.items():
        if config.slack is None:
            continue
        try:
            user = part(await api.call("users.info", config.slack, user=config.slack), "user")
        except Refused as error:
            yield Finding(sign="✗", what=f"{name}: {error.what}", fix=error.do)
            continue
        except ChannelError as error:
            yield not_tried(f"{name} and whoever comes after in [people]", error.what, error.do)
            return
        member = member_of(user)
        if is_of_another(member, home) and not why_not(member):
            what = f"{name}: {config.slack} belongs to another workspace ({member.team})"
            fix = f"nothing, if that is meant: what they do counts. Otherwise correct slack of [people.{name}]"
            yield Finding(sign="!", what=what, fix=fix)
        elif why := why_not(member):
            fix = f"correct slack of [people.{name}]; {import_}. Until then nothing that {config.slack} does counts"
            yield Finding(sign="✗", what=f"{name}: {config.slack} {why}", fix=fix)
        elif config.email and member.email and config.email.casefold() != member.email.casefold():
            what = f"{name}: {config.slack} has the mail address {member.email} in Slack, and {config.email} here"
            yield Finding(sign="✗", what=what, fix=f"see which of the two is {name}; {import_}")
        else:
            fine.append(name)
    if fine:
        yield Finding(sign="✓", what=f"full members of the workspace: {', '.join(fine)}")
    if missing := [name for name, config in people.items() if config.slack is None]:
        yield Finding(
            sign="!", what=f"no Slack id: {', '.join(missing)}", fix="sayso people import slack proposes them"
        )
