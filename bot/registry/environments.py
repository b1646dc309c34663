"""The parts of the settings that agents receive: the environments to deploy to, and the people to ask."""

from agents.ask import Listed
from agents.deploy import Environment, Hub
from agents.deploy.tools import NO_SUCH_POLICY
from bot.config.settings import Settings
from bot.config.tables import NOBODY_IS_ASKED, GitHubConfig


def environments_of(settings: Settings) -> dict[str, Environment]:
    """Return the environments to deploy to, by name."""
    return {
        name: Environment(
            name=name,
            policy=_policy_of(config.policy),
            repo=config.repo,
            command=config.command,
            live=config.live,
            timeout_s=config.timeout_s,
            ci=config.ci,
            last=config.last,
            health=config.health,
            migrations=config.migrations,
            github=_hub_of(settings, config.github),
        )
        for name, config in settings.deploy.environments.items()
    }


def _policy_of(written: str | None) -> str | None:
    """Return the policy's name; None only if it is written out that nobody is asked.

    A missing policy gates by one that nobody meets.
    """
    return None if written == NOBODY_IS_ASKED else written or NO_SUCH_POLICY


def _hub_of(settings: Settings, config: GitHubConfig | None) -> Hub | None:
    if config is None:
        return None
    token = settings.github_token.get_secret_value() if settings.github_token else ""
    return Hub(config.repository, config.base_url, token, config.workflow or "", config.ref)


def directory_of(settings: Settings) -> dict[str, Listed]:
    """Return all people whom the ask agent may ask."""
    return {name: Listed(person.name, person.timezone, person.groups) for name, person in settings.people.items()}
