"""Checks that those who hear alerts and announcements can be reached; their Slack channels are asked of Slack."""

from collections.abc import Iterator
from datetime import UTC, datetime

from bot.config.settings import Settings
from bot.doctor.finding import Finding, not_tried
from bot.people.directory import People

PLACE = "slack:"

_UNHEARD = (
    "a request that reached nobody, a refused key, a mailbox that can't be read, a command whose end nobody knows"
)


def examine_audiences(settings: Settings) -> Iterator[Finding]:
    """Everything about `[alerts]` and `[announce]` that needs no Slack."""
    people = People.of(settings)
    now = datetime.now(UTC)
    alerts, announced = people.members(settings.alerts.to, now), people.members(settings.announce.to, now)
    if settings.people and not alerts:
        what = f"[alerts] names nobody: at 3 a.m. nobody is told of {_UNHEARD}"
        yield Finding(sign="!", what=what, fix='name who looks after sayso: [alerts] to = ["person:NAME"]')
    for table, members in (("alerts", alerts), ("announce", announced)):
        lost = [f"{person} ({why})" for person in members if (why := _why_not_reached(settings, person))]
        if lost:
            fix = f"set that up, or name others in [{table}]"
            yield Finding(sign="✗", what=f"[{table}] can't reach {', '.join(lost)}", fix=fix)
        elif members:
            yield Finding(sign="✓", what=f"[{table}] can reach {', '.join(members)}")
    if not settings.has_slack and (places := places_of(settings)):
        why = "SLACK_BOT_TOKEN is not set here"
        yield not_tried(f"whether sayso may post in {', '.join(places)}", why, "SLACK_BOT_TOKEN=xoxb-…")


def places_of(settings: Settings) -> dict[str, str]:
    """The Slack channels that are posted in, by name or id, and the settings that name them."""
    found = dict[str, list[str]]()
    for name, policy in settings.policies.items():
        for place in policy.also_post:
            found.setdefault(place.removeprefix(PLACE), []).append(f"also_post of [policies.{name}]")
    for place in settings.announce.to:
        if place.startswith(PLACE):
            found.setdefault(place.removeprefix(PLACE), []).append("to of [announce]")
    return {place: " and ".join(named) for place, named in found.items()}


def addresses_of(settings: Settings) -> dict[str, str]:
    """The mail addresses of those whom `[alerts]` and `[announce]` name, by person."""
    people = People.of(settings)
    named = people.members((*settings.alerts.to, *settings.announce.to), datetime.now(UTC))
    return {person: email for person in named if (email := settings.people[person].email)}


def _why_not_reached(settings: Settings, person: str) -> str:
    """Return what is missing; nothing where there is one way: what can't be mailed comes in Slack, and vice versa."""
    config = settings.people[person]
    by_mail = settings.has_servers or settings.stays_local(settings.redis_url)
    if (config.slack and settings.has_slack) or (config.email and by_mail):
        return ""
    no_mail = "no mail server is set" if config.email else "no email"
    return f"{no_mail}, {'no Slack token is set' if config.slack else 'no slack'}"
