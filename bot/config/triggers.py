"""`[triggers.NAME]`: what starts runs without a person. One table, whose keys say which of four things it is."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from bot.config.cron import check_cron
from bot.config.tables import KeyPath, Name, PersonConfig, Table, known_zone, meaning
from bot.config.templates import check_path, check_template, paths_of

GitHubEvent = Literal["push", "create", "workflow_run", "check_suite"]

_TAG_NAMES = ("repository", "tag", "commit", "by")
_CI_NAMES = ("repository", "branch", "commit", "workflow", "conclusion", "url", "by")
GITHUB_NAMES: Mapping[GitHubEvent, tuple[str, ...]] = {
    "push": _TAG_NAMES,
    "create": ("repository", "tag", "by"),
    "workflow_run": _CI_NAMES,
    "check_suite": ("repository", "branch", "commit", "conclusion", "by"),
}
"""The names that a text may use, by event."""


What = Literal["cron", "webhook", "github", "report"]

_SECRET_CHARS = 16
_ALWAYS = frozenset({"agent", "requester", "text"})
_KEYS: Mapping[What, frozenset[str]] = {
    "cron": _ALWAYS | {"cron", "timezone", "missed"},
    "webhook": _ALWAYS | {"kind", "secret", "context", "id"},
    "github": _ALWAYS | {"kind", "secret", "on", "repository", "only"},
    "report": frozenset({"kind", "secret", "handle", "text"}),
}
_NEEDED: Mapping[What, tuple[str, ...]] = {
    "cron": ("text", "requester"),
    "webhook": ("text", "requester"),
    "github": ("text", "requester", "on"),
    "report": ("handle",),
}


def _trigger_name(text: str) -> str:
    # The environment has no other letters, and its two underscores part the names of tables.
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", text) or len(text) > 40:
        raise ValueError("a name of at most 40 small letters, digits and single underscores, beginning with a letter")
    return text


def _hard_to_guess(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < _SECRET_CHARS:
        raise ValueError(f"at least {_SECRET_CHARS} characters, such as the output of: openssl rand -hex 32")
    return secret


TriggerName = Annotated[str, AfterValidator(_trigger_name)]
Template = Annotated[str, Field(max_length=2_000), AfterValidator(check_template)]


class TriggerConfig(Table):
    """`[triggers.NAME]`: what starts a run without a person, with which words, in whose name."""

    kind: Literal["webhook", "github", "report"] | None = Field(
        default=None, description="What posts to it; this or `cron`."
    )
    cron: Annotated[str, AfterValidator(check_cron)] | None = Field(
        default=None, description='When it fires: "minute hour day month weekday".'
    )
    timezone: Annotated[str, AfterValidator(known_zone)] = Field(default="UTC", description="The zone of `cron`.")
    missed: Literal["skip", "once"] = Field(
        default="once", description="After an outage: `once` starts one run for all missed ticks, `skip` none."
    )
    agent: Name | None = Field(default=None, description="The agent that takes it. Unset: as for any other text.")
    requester: Name | None = Field(default=None, description="The person in whose name it asks.")
    text: Template | None = Field(default=None, description='What is wanted, such as "deploy {tag} to staging".')
    context: dict[Name, Annotated[str, AfterValidator(check_path)]] = Field(
        default={}, description='Data for the agent: {NAME = "dotted.path"} into the body.'
    )
    id: Annotated[str, AfterValidator(check_path)] | None = Field(
        default=None, description="The path in the body of the delivery's id."
    )
    on: GitHubEvent | None = Field(default=None, description="The one event of GitHub that starts a run.")
    repository: str | None = Field(default=None, description='The one repository that counts, such as "acme/shop".')
    only: str = Field(default="*", min_length=1, description='A pattern for tags or branches, such as "v*".')
    handle: Template | None = Field(default=None, description="The name of what a run waits for, from the body.")
    secret: Annotated[SecretStr, AfterValidator(_hard_to_guess)] | None = Field(
        default=None, description="Signs what is posted: 16 characters or more. Only the environment sets it."
    )

    @property
    def what(self) -> What:
        """The trigger's kind, one of the four."""
        return self.kind or "cron"


def trigger_contradictions(
    triggers: Mapping[str, TriggerConfig], people: Mapping[str, PersonConfig]
) -> Iterator[tuple[KeyPath, str]]:
    """Yield the contradictions within and between the tables, and with the people they name."""
    secrets = dict[str, str]()
    for name, config in triggers.items():
        path = ("triggers", name)
        if (config.cron is None) == (config.kind is None):
            yield (
                path,
                'found no cron and no kind, or both; allowed: cron = "…", or kind = "webhook", "github", "report"',
            )
            continue
        yield from ((path + where, text) for where, text in _within(config))
        if config.requester is not None and config.requester not in people:
            listed = ", ".join(people) or "nobody, as there are no people yet"
            yield (*path, "requester"), f'found "{config.requester}", who is nobody in [people]; allowed: {listed}'
        # A body that was signed for one of them would pass at the other.
        if config.secret and (other := secrets.setdefault(config.secret.get_secret_value(), name)) != name:
            yield (*path, "secret"), f"found that of {other}; allowed: one of its own"


def _within(config: TriggerConfig) -> Iterator[tuple[KeyPath, str]]:
    given = config.model_fields_set
    for key in sorted(given - _KEYS[config.what]):
        yield (
            (key,),
            f"found in a trigger of the kind {config.what}; allowed there: {', '.join(sorted(_KEYS[config.what]))}",
        )
    for key in _NEEDED[config.what]:
        if getattr(config, key) is None:
            yield (key,), f"is missing; allowed: {meaning(TriggerConfig.model_fields[key])}"
    named = set(paths_of(config.text or ""))
    if config.what == "cron" and named:
        yield ("text",), "found braces; allowed: plain text, as a time has no body to take values from"
    if config.on and (unknown := sorted(named - set(GITHUB_NAMES[config.on]))):
        allowed = ", ".join(f"{{{name}}}" for name in GITHUB_NAMES[config.on])
        yield ("text",), f"found {{{unknown[0]}}}; allowed for {config.on}: {allowed}"
