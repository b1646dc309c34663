"""Checks of groups that are kept elsewhere: whether they can be read, and who in them is nobody in [people]."""

import time
from collections.abc import AsyncIterator
from functools import partial

from bot.config.settings import Settings
from bot.doctor.finding import Finding
from bot.people.directory import Group, People
from bot.people.slack_groups import GroupReader

# Nobody reads more of them at once.
_NAMED = 20


async def examine_groups(settings: Settings) -> AsyncIterator[Finding]:
    """Everything about `[groups]`; those in Slack are asked of Slack, where there is a token."""
    people = People.of(settings)
    if settings.has_slack and any(table.slack for table in settings.groups.values()):
        from bot.wiring.slack import slack_api  # noqa: PLC0415 - most have no Slack, and it loads Slack's client
        from channels.slack.members import user_group  # noqa: PLC0415 - as above

        people.read_groups_by(GroupReader(partial(user_group, slack_api(settings)), time.monotonic))
    for name in settings.groups:
        await people.look_up([f"group:{name}"])
        yield _finding(name, people.group(name))


def _finding(name: str, group: Group) -> Finding:
    if group.problem:
        what = f"nobody is asked where a policy names the group {name}: {group.problem}"
        return Finding(sign="✗", what=what, fix=f"do what it says, or correct [groups.{name}]")
    people = ", ".join(group.people[:_NAMED]) or "nobody"
    more = f" and {len(group.people) - _NAMED} more" if len(group.people) > _NAMED else ""
    if group.strangers:
        others = ", ".join(group.strangers[:_NAMED])
        others += f" and {len(group.strangers) - _NAMED} more" if len(group.strangers) > _NAMED else ""
        what = f"in the group {name} are {people}{more}; these are nobody in [people] and do not count: {others}"
        return Finding(sign="!", what=what, fix="add them to [people], or take them out of the group")
    if not group.people:
        return Finding(sign="!", what=f"nobody is in the group {name}", fix=f"correct [groups.{name}]")
    return Finding(sign="✓", what=f"in the group {name} are {people}{more}")
