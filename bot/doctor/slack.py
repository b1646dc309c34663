"""Checks of Slack by the settings alone, and whether anything listens."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

from bot.config.settings import Settings
from bot.doctor.audiences import places_of
from bot.doctor.finding import Finding
from bot.people.directory import People
from bot.policy.approvers.who import who_at_first


async def examine_slack(settings: Settings) -> AsyncIterator[Finding]:
    """Everything about the workspace, in the order in which it should be fixed."""
    for finding in _reach(settings):
        yield finding
    if not settings.has_slack:
        for finding in _without(settings):
            yield finding
        return
    from bot.doctor.workspace import examine_workspace  # noqa: PLC0415 - most have no Slack, and it loads Slack's client

    async for finding in examine_workspace(settings):
        yield finding


def _without(settings: Settings) -> Iterator[Finding]:
    """No bot token: that is well, unless other settings count on one."""
    for variable, value in (
        ("SLACK_APP_TOKEN", settings.slack_app_token),
        ("SLACK_SIGNING_SECRET", settings.slack_signing_secret),
    ):
        if value is not None:
            yield Finding(sign="✗", what=f"{variable} is set and SLACK_BOT_TOKEN is not", fix="SLACK_BOT_TOKEN=xoxb-…")

    if settings.slack_app_token is None and settings.slack_signing_secret is None and speaks_of_slack(settings):
        what = "sayso.toml speaks of Slack, and SLACK_BOT_TOKEN is not set here"
        yield Finding(sign="!", what=what, fix="SLACK_BOT_TOKEN=xoxb-…, in each terminal and process that is about it")


def speaks_of_slack(settings: Settings) -> bool:
    """Return whether the file names anybody or anything in Slack."""
    named = any(person.slack for person in settings.people.values())
    return named or any("slack" in policy.reach for policy in settings.policies.values()) or bool(places_of(settings))


def _reach(settings: Settings) -> Iterator[Finding]:
    """People whom a policy asks and cannot reach in any of its ways."""
    people = People.of(settings)
    for name in settings.policies:
        policy = people.snapshot(name, datetime.now(UTC))
        for person in who_at_first(policy, ()).seated if policy else ():
            lacks = [why for way in settings.policies[name].reach if (why := _lacks(settings, person, way))]
            if len(lacks) == len(settings.policies[name].reach):
                what = f"policy {name} asks {person}, whom it can't reach: {' and '.join(lacks)}"
                fix = f"see [people.{person}] and reach of [policies.{name}]; sayso people import slack proposes ids"
                yield Finding(sign="✗", what=what, fix=fix)


def _lacks(settings: Settings, person: str, way: str) -> str:
    """Return what is missing to reach `person` this way; empty if nothing is."""
    if way == "slack" and not settings.has_slack:
        return "there is no Slack"
    config = settings.people[person]
    has = config.slack if way == "slack" else config.email
    return "" if has else f"no {way}"
