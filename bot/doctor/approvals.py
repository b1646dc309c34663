"""Checks that those whom a policy asks have a way in which their approval counts."""

from collections.abc import Iterator

from bot.config.directory.policies import PolicyConfig
from bot.config.settings import Settings
from bot.doctor.finding import Finding


def examine_approvals(settings: Settings) -> Iterator[Finding]:
    """One finding for each policy under which nobody can approve, or only with a key that an operator made.

    So, too, where one takes the command line for something else than a program with a key.
    """
    for name, policy in settings.policies.items():
        if "cli" in policy.answer_from and "api" not in policy.answer_from:
            what = f"policy {name}: `cli` without `api` counts beside `sayso dev` alone; with a key it is `api`"
            yield Finding(sign="!", what=what, fix=f"add api to answer_from of [policies.{name}], or take cli out")
            continue
        if _by_people(settings, policy):
            continue
        ways = "set approve_by_email = true there where a mailbox is proof enough, or set Slack up (docs/slack.md)"
        if "api" not in policy.answer_from:
            what = f"policy {name}: no approval can count: answer_from is {', '.join(policy.answer_from)}"
            yield Finding(sign="✗", what=what, fix=f"extend answer_from of [policies.{name}], and {ways}")
            continue
        what = f"policy {name}: an approval counts neither in Slack nor by email, only with a key that an operator made"
        fix = f"see [policies.{name}]: {ways}, or: sayso keys create --person PERSON --scope read,answer"
        yield Finding(sign="!", what=what, fix=fix)


def _by_people(settings: Settings, policy: PolicyConfig) -> bool:
    """Return whether people can approve with what reaches them: a card or a link, in Slack or by mail."""
    if settings.has_slack and any(way in policy.answer_from for way in ("slack", "console")):
        return True
    return policy.approve_by_email and ("email" in policy.answer_from)
