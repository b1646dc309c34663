"""The reading of GitHub's webhooks: a tag was pushed, or CI failed. Pure.

The payloads: https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydantic import BaseModel, JsonValue, ValidationError

from bot.config.templates import find
from bot.config.triggers import GitHubEvent
from bot.errors import Invalid

_TAGS = "refs/tags/"
# Of the conclusions there are, those that a person would call failed; a cancelled or skipped run is none.
_FAILED = frozenset({"failure", "timed_out", "startup_failure"})

# Whoever did it, then others who had a part in it: who pushed, whose workflow it was, who ran it again.
_WHO = ("sender.login", "pusher.name", "workflow_run.actor.login", "workflow_run.triggering_actor.login")


PUSHED: frozenset[GitHubEvent] = frozenset({"push", "create"})
"""The events that somebody's push is; the others are about what came of one."""


@dataclass(frozen=True, slots=True)
class NotOurs:
    """The event starts nothing; `why` says so in words."""

    why: str


class _Named(BaseModel):
    full_name: str


class _Who(BaseModel):
    login: str


class _Commit(BaseModel):
    id: str


class _Event(BaseModel):
    """The fields that all events have."""

    repository: _Named
    sender: _Who


class _Push(_Event):
    ref: str
    deleted: bool
    head_commit: _Commit | None = None


class _Create(_Event):
    ref: str
    ref_type: str


class _Ended(BaseModel):
    """A workflow run or a check suite. Only the former has a name and an address for people."""

    head_branch: str | None = None
    head_sha: str
    conclusion: str | None = None
    name: str | None = None
    html_url: str | None = None


class _WorkflowRun(_Event):
    action: str
    workflow_run: _Ended


class _CheckSuite(_Event):
    action: str
    check_suite: _Ended


def read(
    event: str, wanted: GitHubEvent, body: Mapping[str, JsonValue], repository: str | None = None, only: str = "*"
) -> dict[str, JsonValue] | NotOurs:
    """The facts of an event that a trigger waits for, by the names in GITHUB_NAMES. Raises Invalid.

    `repository` is the one it must come from; `only` is what the tag or branch has to look like, as in `v*`.
    """
    if event != wanted:
        return NotOurs(f"this trigger waits for {wanted}")
    try:
        facts = _facts(wanted, dict(body))
    except ValidationError:
        raise Invalid(
            f"The body is not that of the event {wanted}",
            "Look at what GitHub delivered, and whether `on` names that event",
        ) from None
    if isinstance(facts, NotOurs):
        return facts
    if repository is not None and facts["repository"] != repository:
        return NotOurs(f"this trigger is for {repository}")
    name = facts.get("tag", facts.get("branch"))
    if not fnmatchcase(str(name or ""), only):
        return NotOurs(f"this trigger is for {only}")
    return facts


def logins(body: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Return the logins that set the event off, the sender first; each once, whatever the case of its letters."""
    found = [login for path in _WHO if isinstance(login := find(dict(body), path), str)]
    each: dict[str, str] = {}
    for login in found:
        each.setdefault(login.lower(), login)
    return tuple(each.values())


def _facts(wanted: GitHubEvent, body: dict[str, JsonValue]) -> dict[str, JsonValue] | NotOurs:
    match wanted:
        case "push":
            return _pushed(_Push.model_validate(body))
        case "create":
            return _created(_Create.model_validate(body))
        case "workflow_run":
            run = _WorkflowRun.model_validate(body)
            more: dict[str, JsonValue] = {"workflow": run.workflow_run.name, "url": run.workflow_run.html_url}
            return _ended(run, run.action, run.workflow_run, more)
        case "check_suite":
            suite = _CheckSuite.model_validate(body)
            return _ended(suite, suite.action, suite.check_suite, {})


def _pushed(push: _Push) -> dict[str, JsonValue] | NotOurs:
    """A pushed tag; the commit is that of the tag, whose own object `after` may be."""
    if not push.ref.startswith(_TAGS):
        return NotOurs("no tag was pushed")
    if push.deleted:
        return NotOurs("a tag was deleted")
    tag, commit = push.ref.removeprefix(_TAGS), push.head_commit.id if push.head_commit else None
    return {"repository": push.repository.full_name, "tag": tag, "commit": commit, "by": push.sender.login}


def _created(create: _Create) -> dict[str, JsonValue] | NotOurs:
    if create.ref_type != "tag":
        return NotOurs("no tag was created")
    return {"repository": create.repository.full_name, "tag": create.ref, "by": create.sender.login}


def _ended(event: _Event, action: str, ended: _Ended, more: dict[str, JsonValue]) -> dict[str, JsonValue] | NotOurs:
    if action != "completed" or ended.conclusion not in _FAILED:
        return NotOurs("nothing failed")
    told: dict[str, JsonValue] = {
        "repository": event.repository.full_name,
        "branch": ended.head_branch,
        "commit": ended.head_sha,
        "conclusion": ended.conclusion,
        "by": event.sender.login,
    }
    return told | more
