"""`[deploy]` of `sayso.toml`: what the deploy agent may deploy to, and how."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from agents.deploy.environment import GITHUB, MIGRATIONS
from bot.config import Duration, Folder, Name, Table


def _repository(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,100}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}", text):
        raise ValueError('"OWNER/NAME" of a repository at GitHub')
    return text


def _branch(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}", text):
        raise ValueError('the name of a branch or tag, such as "main"')
    return text


def _web_address(text: str) -> str:
    """What a token may be sent to: over TLS, or to this machine."""
    at = urlsplit(text)
    is_here = at.scheme == "http" and at.hostname in {"localhost", "127.0.0.1", "::1"}
    if not (at.hostname and (at.scheme == "https" or is_here)) or at.query or at.fragment or "@" in at.netloc:
        raise ValueError('an address that begins with https://, such as "https://api.github.com"')
    return text.rstrip("/")


NOBODY_IS_ASKED = "nobody is asked"
"""In place of a policy. No policy can be called so: its name has no spaces."""


class GitHubConfig(Table):
    """`[deploy.environments.NAME.github]`: the same repository at GitHub; SAYSO_GITHUB_TOKEN is what asks it."""

    repository: Annotated[str, AfterValidator(_repository)] = Field(description='"OWNER/NAME"')
    base_url: Annotated[str, AfterValidator(_web_address)] = Field(
        default=GITHUB, description='the API; of GitHub Enterprise Server "https://HOST/api/v3"'
    )
    workflow: Name | None = Field(
        default=None, description='the workflow that deploys, such as "deploy.yml", in place of `command`'
    )
    ref: Annotated[str, AfterValidator(_branch)] = Field(default="main", description="the branch or tag it runs from")


class EnvironmentConfig(Table):
    """`[deploy.environments.NAME]`: a place to deploy to. Commands are argument lists, never shell lines."""

    policy: str | None = Field(
        default=None, description=f'the policy that gates a deploy, or "{NOBODY_IS_ASKED}"; one of both must be there'
    )
    repo: Folder = Field(description="the path of a git repository, relative ones from the current folder")
    github: GitHubConfig | None = Field(default=None, description="where GitHub has it: its checks, and a workflow")
    command: tuple[str, ...] = Field(
        default=(),
        validate_default=True,
        description="""the command that deploys, such as ["./deploy.sh", "{environment}", "{commit}"]""",
    )
    live: tuple[str, ...] = Field(
        min_length=1,
        description="""the command that prints the commit that is live, such as ["./live.sh", "{environment}"]""",
    )
    timeout_s: Duration = Field(default=900.0, alias="timeout", description="how long a deploy may take")
    ci: tuple[str, ...] = Field(
        default=(), description="""tells how a commit's checks stand, such as ["./ci.sh", "{commit}"]"""
    )
    last: tuple[str, ...] = Field(default=(), description="prints in one line who deployed last, and when")
    health: tuple[str, ...] = Field(
        default=(), description="""fails when what is live does not work, such as ["./health.sh", "{environment}"]"""
    )
    migrations: tuple[str, ...] = Field(default=MIGRATIONS, description='patterns of paths, such as "**/migrations/**"')

    @field_validator("command")
    @classmethod
    def _deploys_one_way(cls, command: tuple[str, ...], about: ValidationInfo) -> tuple[str, ...]:
        github: object = about.data.get("github")
        has_workflow = isinstance(github, GitHubConfig) and github.workflow is not None
        if command and has_workflow:
            raise ValueError("either command or github.workflow, as only one of them can deploy")
        if not command and not has_workflow:
            raise ValueError('a list such as ["./deploy.sh", "{environment}", "{commit}"], or github.workflow instead')
        return command


class DeployConfig(Table):
    """`[deploy]`: what the deploy agent may deploy to."""

    environments: dict[Name, EnvironmentConfig] = Field(default={})
