"""The parts of the settings that agents receive: the environments to deploy to, and the people to ask."""

import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit

from agents.ask import Directory, Listed
from agents.deploy import Environment, Remote
from agents.deploy.backends import Backend
from agents.deploy.backends.argocd import Application, Sync
from agents.deploy.backends.ci_status import Checks
from agents.deploy.backends.github import GitHub, Hub, Workflow
from agents.deploy.backends.gitlab import GitLab, Pipeline, Project
from bot.config.deploy import NOBODY_IS_ASKED, ArgoCDConfig, EnvironmentConfig, GitHubConfig, GitLabConfig
from bot.config.files import read_file
from bot.config.settings import Settings
from bot.errors import Invalid

# No configuration can hold a policy of this name, and what needs an unknown policy is never executed.
NO_SUCH_POLICY = "(none)"
# The same on every machine, and nobody's own.
_NOWHERE = Path("/")


def environments_of(settings: Settings) -> dict[str, Environment]:
    """Return the environments to deploy to, by name."""
    return {
        name: Environment(
            name=name,
            policy=_policy_of(config.policy),
            repo=remote.mirror if (remote := _remote_of(settings, config)) else Path(config.repo),
            command=config.command,
            live=config.live,
            timeout_s=config.timeout_s,
            ci=config.ci,
            last=config.last,
            health=config.health,
            migrations=config.migrations,
            checks=_checks_of(settings, config),
            backend=_backend_of(settings, config, name),
            plan=config.plan,
            remote=remote,
            cwd=config.cwd or (_NOWHERE if remote else None),
            pass_env=config.pass_env,
            env=config.env,
        )
        for name, config in settings.deploy.environments.items()
    }


def _policy_of(written: str | None) -> str | None:
    """Return the policy's name; None only if it is written out that nobody is asked.

    A missing policy gates by one that nobody meets.
    """
    return None if written == NOBODY_IS_ASKED else written or NO_SUCH_POLICY


def _remote_of(settings: Settings, config: EnvironmentConfig) -> Remote | None:
    """Return the repository that is elsewhere, None for one on this machine. Raises Invalid for an unreadable token."""
    if isinstance(config.repo, Path):
        return None
    name = re.sub(r"\W+", "-", config.repo.rpartition("/")[2].removesuffix(".git"))
    marked = f"{name}-{hashlib.sha256(config.repo.encode()).hexdigest()[:12]}.git"
    folder = settings.data_dir.absolute() / "repositories" / marked
    return Remote(config.repo, folder, _token_of(settings, config), config.git.ssh_key, config.git.known_hosts)


def _token_of(settings: Settings, config: EnvironmentConfig) -> str:
    """Return the token for an https address: that of its file, else ours for GitHub where it is GitHub's."""
    if config.git.token_file:
        return _read(config.git.token_file, "git.token_file")
    at_github = urlsplit(str(config.repo)).hostname == "github.com"
    return settings.github_token.get_secret_value() if at_github and settings.github_token else ""


def _checks_of(settings: Settings, config: EnvironmentConfig) -> Checks | None:
    """Return the server that knows the checks of a commit, if any does."""
    if config.github:
        return GitHub(_hub_of(settings, config.github))
    return GitLab(_project_of(config.gitlab)) if config.gitlab else None


def _backend_of(settings: Settings, config: EnvironmentConfig, name: str) -> Backend | None:
    """Return the server that deploys; None where the command does."""
    if config.gitlab:
        return Pipeline(_project_of(config.gitlab), name)
    if config.argocd:
        return Sync(_application_of(config.argocd), name)
    by_workflow = config.github is not None and config.github.workflow is not None
    return Workflow(_hub_of(settings, config.github), name) if config.github and by_workflow else None


def _hub_of(settings: Settings, config: GitHubConfig) -> Hub:
    token = settings.github_token.get_secret_value() if settings.github_token else ""
    return Hub(config.repository, config.base_url, token, config.workflow or "", config.ref)


def _project_of(config: GitLabConfig) -> Project:
    return Project(config.project, config.base_url, _read(config.token_file, "gitlab.token_file"), config.ref)


def _application_of(config: ArgoCDConfig) -> Application:
    token = _read(config.token_file, "argocd.token_file")
    return Application(config.application, config.base_url, token, config.namespace or "", config.prune)


def _read(file: Path, key: str) -> str:
    """Return the token in a file. Raises Invalid where it can't be read."""
    try:
        return read_file(file).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Invalid(
            f"The token in {file} can't be read: {why}",
            f"Correct {key} in [deploy.environments], or let this user read the file",
        ) from error


def directory_of(settings: Settings) -> Directory:
    """Return all people whom the ask agent may ask, as the settings have them."""
    return {name: Listed(person.name, person.timezone, person.groups) for name, person in settings.people.items()}
