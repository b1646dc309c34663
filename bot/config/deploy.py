"""The tables of `[deploy]`, where a version can be put live and how, and of `[freeze]`, when nothing starts there."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from agents.deploy.backends.github import ADDRESS as GITHUB
from agents.deploy.backends.gitlab import ADDRESS as GITLAB
from agents.deploy.environment import MIGRATIONS, is_steering
from agents.deploy.repository.mirror import scheme_of
from bot.config.tables import Duration, Folder, LocalTime, Name, Table, absolute, known_zone


def _variable(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", text):
        raise ValueError('the name of a variable, such as "KUBECONFIG"')
    if is_steering(text):
        raise ValueError("a variable that does not change which program runs, and none of sayso's own")
    return text


def _repo(place: object) -> Path | str:
    """An address stays as it is, a path becomes a whole one. Raises ValueError for an address that git may not use."""
    text = str(place)
    scheme = scheme_of(text)
    if not scheme:
        return absolute(Path(text))
    parts = urlsplit(text)
    if scheme not in {"https", "http", "ssh", "git", "file"} or text != "".join(text.split()) or text.startswith("-"):
        raise ValueError('a path, or an address such as "https://git.example/shop.git" or "git@git.example:shop.git"')
    if scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ValueError("https:// for another machine: http is read, and can be changed, on the way")
    if parts.password is not None or (scheme in {"http", "https"} and parts.username is not None):
        raise ValueError("an address without a password: name a file that holds it in git.token_file")
    return text


def _repository(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,100}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}", text):
        raise ValueError('"OWNER/NAME" of a repository at GitHub')
    return text


def _project(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*){1,20}", text) or len(text) > 255:
        raise ValueError('"GROUP/NAME" of a project at GitLab')
    return text


def _branch(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}", text):
        raise ValueError('the name of a branch or tag, such as "main"')
    return text


def _web_address(text: str) -> str:
    """Return an address that a token may be sent to: over TLS, or on this machine. Raises ValueError for any other."""
    at = urlsplit(text)
    is_here = at.scheme == "http" and at.hostname in {"localhost", "127.0.0.1", "::1"}
    if not (at.hostname and (at.scheme == "https" or is_here)) or at.query or at.fragment or "@" in at.netloc:
        raise ValueError('an address that begins with https://, such as "https://api.github.com"')
    return text.rstrip("/")


Variable = Annotated[str, AfterValidator(_variable)]
Repo = Annotated[Path | str, BeforeValidator(_repo)]

NOBODY_IS_ASKED = "nobody is asked"
"""The value that stands for no policy; no policy can have this name, as names have no spaces."""


class GitHubConfig(Table):
    """`[deploy.environments.NAME.github]`: the same repository at GitHub, read with SAYSO_GITHUB_TOKEN."""

    repository: Annotated[str, AfterValidator(_repository)] = Field(description='"OWNER/NAME".')
    base_url: Annotated[str, AfterValidator(_web_address)] = Field(
        default=GITHUB, description='The API. GitHub Enterprise Server: "https://HOST/api/v3".'
    )
    workflow: Name | None = Field(
        default=None, description='The workflow that deploys, such as "deploy.yml", in place of `command`.'
    )
    ref: Annotated[str, AfterValidator(_branch)] = Field(
        default="main", description="The branch or tag whose workflow file runs."
    )


class GitLabConfig(Table):
    """`[deploy.environments.NAME.gitlab]`: the same repository at GitLab. Its pipeline replaces `command`."""

    project: Annotated[str, AfterValidator(_project)] = Field(description='"GROUP/NAME".')
    base_url: Annotated[str, AfterValidator(_web_address)] = Field(default=GITLAB, description="The server.")
    token_file: Folder = Field(description="A file with an access token that has the scope api.")
    ref: Annotated[str, AfterValidator(_branch)] = Field(
        default="main", description="The branch or tag whose pipeline runs."
    )


class ArgoCDConfig(Table):
    """`[deploy.environments.NAME.argocd]`: an application of Argo CD. A sync replaces `command`."""

    application: Name = Field(description="The name of the application.")
    base_url: Annotated[str, AfterValidator(_web_address)] = Field(
        description='The server, such as "https://argocd.corp.example".'
    )
    token_file: Folder = Field(description="A file with the token of an account that may get and sync the application.")
    namespace: Name | None = Field(
        default=None, description="The namespace of the application, where it is not Argo CD's own."
    )
    prune: bool = Field(default=False, description="Whether a sync removes what the commit no longer has.")


class GitConfig(Table):
    """`[deploy.environments.NAME.git]`: credentials for a repository on another server. Without them ssh uses its own
    keys and known hosts, and https no token.
    """

    token_file: Folder | None = Field(
        default=None, description="A file with the token for https. At GitHub, SAYSO_GITHUB_TOKEN serves without it."
    )
    ssh_key: Folder | None = Field(default=None, description="The file of the private key for ssh.")
    known_hosts: Folder | None = Field(default=None, description="The file of host keys for ssh.")


def _servers(data: Mapping[str, object]) -> list[str]:
    """Return the tables whose server deploys, as far as they were read."""
    github = data.get("github")
    by_workflow = isinstance(github, GitHubConfig) and github.workflow is not None
    return [
        *(["github.workflow"] if by_workflow else []),
        *(name for name in ("gitlab", "argocd") if data.get(name) is not None),
    ]


class EnvironmentConfig(Table):
    """`[deploy.environments.NAME]`: a place to deploy to. Commands are argument lists, never shell lines."""

    policy: str | None = Field(
        default=None, description=f'The policy that gates a deploy, or "{NOBODY_IS_ASKED}". Required.'
    )
    repo: Repo = Field(
        description="The git repository: a path, relative to the current folder, or an address such as "
        '"https://git.example/shop.git", "git@git.example:shop.git" or '
        '"file:///srv/git/shop.git".'
    )
    git: GitConfig = Field(default=GitConfig(), description="Credentials for `repo`.")
    cwd: Folder | None = Field(
        default=None,
        description="The folder for commands that name no file of the commit. Unset: the repository, or `/` "
        "for an address.",
    )
    github: GitHubConfig | None = Field(
        default=None, description="The repository at GitHub: its checks, and a workflow."
    )
    gitlab: GitLabConfig | None = Field(
        default=None, description="The repository at GitLab: its checks, and a pipeline."
    )
    argocd: ArgoCDConfig | None = Field(default=None, description="The application of Argo CD.")
    command: tuple[str, ...] = Field(
        default=(),
        validate_default=True,
        description='The command that deploys, such as ["./deploy.sh", "{environment}", "{commit}"].',
    )
    plan: tuple[str, ...] = Field(
        default=(),
        description='Prints what a deploy would change: ["plan", "{environment}", "{commit}"]. The approval '
        "binds its output; `{plan}` in `command` is its SHA-256.",
    )
    live: tuple[str, ...] = Field(
        default=(),
        validate_default=True,
        description='Prints the commit that is live, such as ["./live.sh", "{environment}"]. Required, but '
        "for `argocd`.",
    )
    timeout_s: Duration = Field(default=900.0, alias="timeout", description="The time limit of a deploy.")
    pass_env: tuple[Variable, ...] = Field(
        default=(),
        description='Variables of sayso\'s process that commands get, such as ["KUBECONFIG"].',
    )
    env: dict[Variable, str] = Field(
        default={},
        description="Variables that commands get. NAME_FILE names the file of a secret NAME: {REGION = "
        '"eu-1", API_TOKEN_FILE = "/run/secrets/api"}.',
    )
    ci: tuple[str, ...] = Field(
        default=(), description='Prints the state of a commit\'s checks, such as ["./ci.sh", "{commit}"].'
    )
    last: tuple[str, ...] = Field(default=(), description="Prints in one line who deployed last, and when.")
    health: tuple[str, ...] = Field(
        default=(), description='Fails when what is live does not work, such as ["./health.sh", "{environment}"].'
    )
    migrations: tuple[str, ...] = Field(
        default=MIGRATIONS, description='Patterns of paths that change stored data, such as "**/migrations/**".'
    )

    @field_validator("command")
    @classmethod
    def _deploys_one_way(cls, command: tuple[str, ...], about: ValidationInfo) -> tuple[str, ...]:
        ways = [*(["command"] if command else []), *_servers(about.data)]
        if len(ways) > 1:
            raise ValueError(f"either {' or '.join(ways)}, as only one of them can deploy")
        if not ways:
            raise ValueError(
                'a list such as ["./deploy.sh", "{environment}", "{commit}"], '
                "or github.workflow, gitlab or argocd instead"
            )
        return command

    @field_validator("plan")
    @classmethod
    def _plans_for_a_command(cls, plan: tuple[str, ...], about: ValidationInfo) -> tuple[str, ...]:
        if plan and _servers(about.data):
            raise ValueError("nothing, as a server deploys: `plan` goes with `command`")
        return plan

    @field_validator("live")
    @classmethod
    def _is_told(cls, live: tuple[str, ...], about: ValidationInfo) -> tuple[str, ...]:
        if not live and "argocd" not in _servers(about.data):
            raise ValueError('a list such as ["./live.sh", "{environment}"]: nobody else tells what is live')
        return live


class DeployConfig(Table):
    """`[deploy]`: what the deploy agent may deploy to."""

    environments: dict[Name, EnvironmentConfig] = Field(default={})


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)
_WINDOW_CHARS = 80


def _named(text: str) -> str:
    if not text.strip() or not text.isprintable() or len(text) > _WINDOW_CHARS:
        raise ValueError(f'a name in one line of at most {_WINDOW_CHARS} characters, such as "year end"')
    return text


class FreezeWindowConfig(Table):
    """`[[freeze.windows]]`: days of the week, or a stretch of time, in which environments are frozen."""

    name: Annotated[str, AfterValidator(_named)] = Field(description='The reason that people read: "year end".')
    environments: tuple[Name, ...] = Field(
        default=(), description="Which are frozen. Unset: whatever needs an approval."
    )
    days: tuple[Day, ...] = Field(default=(), description="Whole days, each week, in place of `from` and `until`.")
    begins: LocalTime | None = Field(
        default=None, alias="from", description='The beginning, such as "2026-12-21T00:00".'
    )
    ends: LocalTime | None = Field(default=None, alias="until", description='The end, such as "2027-01-04T00:00".')
    timezone: Annotated[str, AfterValidator(known_zone)] = Field(default="UTC", description="The zone of these times.")

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        has_stretch = self.begins is not None and self.ends is not None
        if bool(self.days) == has_stretch or (self.begins is None) != (self.ends is None):
            raise ValueError('either `days`, such as ["sat", "sun"], or both `from` and `until`')
        if self.begins and self.ends and self.begins >= self.ends:
            raise ValueError("`from` before `until`")
        return self


class FreezeConfig(Table):
    """`[freeze]`: when nothing that needs an approval starts."""

    windows: tuple[FreezeWindowConfig, ...] = Field(default=(), description="A table `[[freeze.windows]]` for each.")
