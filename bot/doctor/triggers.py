"""Checks that each trigger can start its runs."""

from collections.abc import Collection, Iterator

from bot.config.settings import Settings
from bot.doctor.finding import Finding


def examine_triggers(settings: Settings, agents: Collection[str]) -> Iterator[Finding]:
    """One finding for each trigger; without a secret, or its agent of `agents`, it starts nothing."""
    for name, config in settings.triggers.items():
        if config.agent is not None and config.agent not in agents:
            what = f"the trigger {name} is for the agent {config.agent}, which is not there"
            yield Finding(sign="✗", what=what, fix=f"set triggers.{name}.agent to one of: {', '.join(agents)}")
            continue
        if config.what == "cron" or config.secret is not None:
            yield Finding(sign="✓", what=f"the trigger {name} is set up: {config.what}")
            continue
        fix = f"SAYSO_TRIGGERS__{name.upper()}__SECRET=…, such as the output of: openssl rand -hex 32"
        yield Finding(sign="✗", what=f"the trigger {name} has no secret, so nothing that is posted gets in", fix=fix)
