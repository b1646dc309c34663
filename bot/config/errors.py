"""Problems of the settings, in words: the place, the key, what was found, what is allowed, what was meant."""

import difflib
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast, get_args

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.config.deploy import NOBODY_IS_ASKED, DeployConfig
from bot.config.directory.groups import GroupTable
from bot.config.directory.oncall import OncallTable
from bot.config.directory.policies import PolicyConfig, refs_of
from bot.config.tables import (
    AgentConfig,
    AlertsConfig,
    AnnounceConfig,
    AuditConfig,
    KeyPath,
    PersonConfig,
    RolesConfig,
    meaning,
)
from bot.errors import Invalid

# Enough to recognise what one wrote.
MAX_FOUND_CHARACTERS = 80
# Of 1: a slip of the finger is above it, `remind_after` for `expires_after` is not.
LIKENESS = 0.78


ALLOWED = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "text in quotes",
    "path_type": "a path in quotes",
    "tuple_type": "a list in brackets",
    "list_type": "a list in brackets",
    "dict_type": "a table",
    "model_type": "a table",
    "union_tag_not_found": '"person:NAME", "group:NAME", "oncall:NAME", {all_of=[…]}, {any_of=[…]}, or a list of these',
}


# Names that other tools know as well, and that have no prefix of ours.
_NAMES_OF_OTHERS = ("ANTHROPIC_", "OPENAI_", "AZURE_OPENAI_", "SLACK_")

# The ways to seat people multiply with nested all_of and any_of; nobody reads a policy this long either.
_MOST_APPROVERS = 20

# What tells people apart, and what it is called.
_THEIRS_ALONE = {"email": "the address", "slack": "the member id", "github": "the login", "uid": "the uid"}


class ConfigError(Invalid):
    """The settings can't be used. `problems` holds one line for each thing to fix."""

    def __init__(self, problems: Collection[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


# Who logs in, and often the password.
_IN_ADDRESS = re.compile(r"(?<=://)[^/\s\"]+(?=@)")


@dataclass(frozen=True)
class Origin:
    """The origin of values: one file or none, and the names of all environment variables."""

    file: Path | None
    variables: tuple[str, ...]
    prefix: str

    def of(self, path: KeyPath) -> str:
        """The variable that set what stands at `path`, else the file."""
        names = {name.upper(): name for name in self.variables}
        for length in range(len(path), 0, -1):
            joined = "__".join(str(part) for part in path[:length]).upper()
            if name := names.get(self.prefix + joined) or (
                names.get(joined) if joined.startswith(_NAMES_OF_OTHERS) else None
            ):
                return name
        return str(self.file or "settings")


class HasTables(Protocol):
    """The tables that refer to each other."""

    @property
    def people(self) -> dict[str, PersonConfig]: ...
    @property
    def groups(self) -> dict[str, GroupTable]: ...
    @property
    def oncall(self) -> dict[str, OncallTable]: ...
    @property
    def policies(self) -> dict[str, PolicyConfig]: ...
    @property
    def deploy(self) -> DeployConfig: ...
    @property
    def alerts(self) -> AlertsConfig: ...
    @property
    def announce(self) -> AnnounceConfig: ...
    @property
    def audit(self) -> AuditConfig: ...
    @property
    def agents(self) -> dict[str, AgentConfig]: ...
    @property
    def roles(self) -> RolesConfig: ...


def is_echo(error: ErrorDetails) -> bool:
    """Return whether pydantic calls a list empty only because it left out the entries that are wrong themselves."""
    return error["type"] == "too_short" and bool(error["input"])


def worded(error: ErrorDetails, origin: Origin, model: type[BaseModel], hidden: Collection[str]) -> str:
    """One error of pydantic as one line. The value below a `hidden` key is never part of it."""
    path: KeyPath = tuple(part for part in error["loc"] if not (isinstance(part, str) and part[:1] in "<["))
    where, key = origin.of(path), dotted(path)
    if error["type"] == "extra_forbidden":
        return unknown(where, path, str(path[-1]), _keys_at(model, path[:-1]))
    if error["type"] == "missing":
        field = _field_at(model, path)
        return f"{where}: {key}: is missing; allowed: {meaning(field)}"
    shown = (
        "a value that is not shown" if not {str(path[0]), str(path[-1])}.isdisjoint(hidden) else _shown(error["input"])
    )
    return f"{where}: {key}: found {shown}; allowed: {_allowed(error, model, path)}"


def unknown(where: str, path: KeyPath | None, word: str, known: Collection[str]) -> str:
    """The line for a key or variable that nothing reads; `path` is None where `where` says it all."""
    meant = _did_you_mean(word, known)
    if path is None:
        return f"{where}: this release knows no such variable{meant or '. Remove it'}"
    return f"{where}: {dotted(path)}: this release knows no such key{meant or '.'} Allowed: {', '.join(sorted(known))}"


def contradictions(settings: HasTables, broken: Collection[str], origin: Origin) -> list[str]:
    """Return the contradictions between tables; references to the unreadable tables in `broken` are not reported."""
    found: list[tuple[KeyPath, str]] = [*_shared(settings.people), *_unknowable(settings.people)]
    if not {"people", "groups", "oncall"} & set(broken):
        found += _unknown_refs(settings)
        found += _too_few_approvers(settings)
        found += _mistimed_policies(settings)
        found += _two_roles(settings)
    if "policies" not in broken:
        found += _unknown_policies(settings)
    return [f"{origin.of(path)}: {dotted(path)}: {text}" for path, text in found]


def _shared(people: dict[str, PersonConfig]) -> Iterator[tuple[KeyPath, str]]:
    """Yield the addresses, Slack ids and GitHub logins that two people share; each must belong to one person."""
    for key, what in _THEIRS_ALONE.items():
        owners: dict[str, tuple[str, str]] = {}
        for person, config in people.items():
            value: str | None = getattr(config, key)
            if value is None:
                continue
            owner, first = owners.setdefault(theirs_alone(key, value), (person, value))
            if owner != person:
                same = "" if first.casefold() == value.casefold() else f" ({first}: one mailbox under two names)"
                yield (
                    ("people", person, key),
                    f'found "{value}", which is {what} of {owner}{same}; allowed: one of their own',
                )


def _unknowable(people: dict[str, PersonConfig]) -> Iterator[tuple[KeyPath, str]]:
    """Yield whom nobody could tell from somebody else who gets their id later."""
    for person, config in people.items():
        if not (config.uid or config.slack or config.email):
            yield ("people", person), "found no uid, slack or email; allowed: one at least, by which they are known"


def theirs_alone(key: str, value: str) -> str:
    """Normalize a value so that equal ones compare equal: letter case, a mailbox's +tag, a dot behind a domain."""
    if key == "uid":
        return value
    if key != "email":
        return value.casefold()
    local, _, domain = value.casefold().rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain.rstrip('.')}"


def _unknown_refs(settings: HasTables) -> Iterator[tuple[KeyPath, str]]:
    named: list[tuple[KeyPath, str]] = [(("alerts", "to"), ref) for ref in settings.alerts.to]
    by_mail = [head.removeprefix("mail:") for head in settings.audit.heads if head.startswith("mail:")]
    named += [(("audit", "heads"), ref) for ref in by_mail]
    named += [(("announce", "to"), ref) for ref in settings.announce.to if not ref.startswith("slack:")]
    named += [(("agents", name, "asks"), ref) for name, agent in settings.agents.items() for ref in agent.asks]
    named += [
        (("agents", name, "triggered_by"), ref)
        for name, agent in settings.agents.items()
        for ref in agent.triggered_by or ()
    ]
    for role in RolesConfig.model_fields:
        named += [(("roles", role), ref) for ref in getattr(settings.roles, role)]
    for name, policy in settings.policies.items():
        for at, table in policy.rules:
            path: KeyPath = ("policies", name, *at)
            named += [((*path, "approvers"), ref) for ref in refs_of(table.approvers or ())]
            named += [((*path, "escalate_to"), ref) for ref in table.escalate_to]
        named += [(("policies", name, "stand_ins"), ref) for ref in policy.stand_ins]
        named += [(("policies", name, "break_glass"), ref) for ref in policy.break_glass]
    known = [f"person:{person}" for person in settings.people]
    known += [f"group:{group}" for group in sorted({*_groups(settings.people), *settings.groups})]
    known += [f"oncall:{rotation}" for rotation in settings.oncall]
    for path, ref in named:
        if ref not in known:
            meant = _did_you_mean(ref, known) or ";"
            listed = ", ".join(known) or "nobody, as there are no people yet"
            yield path, f'found "{ref}", which is nobody in [people]{meant} allowed: {listed}'


def _too_few_approvers(settings: HasTables) -> Iterator[tuple[KeyPath, str]]:
    for name, policy in settings.policies.items():
        for at, table in policy.rules:
            path: KeyPath = ("policies", name, *at)
            refs = list(refs_of(table.approvers or ()))
            if len(refs) > _MOST_APPROVERS:
                yield (*path, "approvers"), f"found {len(refs)} names; allowed: {_MOST_APPROVERS}. Make groups"
            is_known = not any(ref.partition(":")[2] in settings.groups for ref in refs if ref.startswith("group:"))
            people = {person for ref in refs for person in _people_of(ref, settings.people)}
            # One of each rotation is on call at a time.
            most = len(people) + len({ref for ref in refs if ref.startswith("oncall:")})
            if is_known and most and table.quorum > most:
                yield (*path, "quorum"), f"found {table.quorum}; allowed: at most {most}, as many people are named"


def _mistimed_policies(settings: HasTables) -> Iterator[tuple[KeyPath, str]]:
    """Yield what does not go together in a policy: its steps, what is due before it expires, and who hears of it."""
    for name, policy in settings.policies.items():
        path: KeyPath = ("policies", name)
        if policy.approvers is None and not policy.steps:
            yield (*path, "approvers"), "missing; allowed: approvers, or [[policies.NAME.steps]]"
        for field in sorted(policy.model_fields_set & _OF_A_STEP if policy.steps else ()):
            key = field.removesuffix("_s")
            yield (*path, key), f"found beside steps; allowed: {key} in each of [[policies.{name}.steps]]"
        if policy.break_glass and not settings.alerts.to:
            yield (*path, "break_glass"), "found without [alerts]; allowed: with alerts.to, who hear of it at once"
        names = [step.name for step in policy.steps]
        for number, step in enumerate(names):
            if step in names[:number]:
                yield (*path, "steps", number, "name"), f'found "{step}" twice; allowed: a name of its own'
        delays = [(after_s, (*path, "remind_after")) for after_s in policy.remind_after_s]
        for at, table in policy.rules:
            delays += [(table.escalate_after_s, (*path, *at, "escalate_after"))] if table.escalate_after_s else []
            if bool(table.escalate_to) != bool(table.escalate_after_s):
                yield (*path, *at, "escalate_to"), "found one alone; allowed: both escalate_after and escalate_to"
        for after_s, where in delays:
            if after_s >= policy.expires_after_s:
                yield where, f"found {after_s:.0f} s; allowed: less than expires_after, {policy.expires_after_s:.0f} s"


_OF_A_STEP = {"approvers", "quorum", "escalate_after_s", "escalate_to"}


def _two_roles(settings: HasTables) -> Iterator[tuple[KeyPath, str]]:
    """Yield whoever is said to be a viewer and more than that: nobody could tell which of both is meant."""
    roles = settings.roles
    more = {person for ref in (*roles.operator, *roles.admin) for person in _people_of(ref, settings.people)}
    for person in dict.fromkeys(one for ref in roles.viewer for one in _people_of(ref, settings.people)):
        if person in more:
            yield ("roles", "viewer"), f"found {person}, who is operator or admin as well; allowed: one of both"


def _unknown_policies(settings: HasTables) -> Iterator[tuple[KeyPath, str]]:
    for name, environment in settings.deploy.environments.items():
        if environment.policy == NOBODY_IS_ASKED or environment.policy in settings.policies:
            continue
        path = ("deploy", "environments", name, "policy")
        listed = ", ".join([*settings.policies, f'"{NOBODY_IS_ASKED}"'])
        if environment.policy is None:
            yield (
                path,
                (
                    f"missing, so nothing says who approves what is deployed to {name}. "
                    f'Write policy = "{NOBODY_IS_ASKED}" if that is meant; allowed: {listed}'
                ),
            )
        else:
            yield path, f'found "{environment.policy}"; allowed: {listed}'


def _groups(people: dict[str, PersonConfig]) -> list[str]:
    return sorted({group for person in people.values() for group in person.groups})


def _people_of(ref: str, people: dict[str, PersonConfig]) -> list[str]:
    kind, _, name = ref.partition(":")
    return [
        person
        for person, config in people.items()
        if (name in config.groups if kind == "group" else kind == "person" and name == person)
    ]


def _did_you_mean(word: str, known: Collection[str]) -> str:
    """The end of a sentence, or nothing when no known word is close."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=LIKENESS)
    return f'; did you mean "{close[0]}"?' if close else ""


def dotted(path: KeyPath) -> str:
    """`path` as people write it."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _shown(value: object) -> str:
    text = _IN_ADDRESS.sub("…", json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= MAX_FOUND_CHARACTERS else text[:MAX_FOUND_CHARACTERS] + "…"


def _allowed(error: ErrorDetails, model: type[BaseModel], path: KeyPath) -> str:
    context = error.get("ctx", {})
    if error["type"] == "value_error":
        return str(context["error"])
    if error["type"] == "literal_error":
        return str(context["expected"]).replace("'", '"')
    if error["type"] in ("too_short", "string_too_short"):
        return "not empty"
    field = _field_at(model, path)
    bounds = _bounds(field) if field else ""
    number = "a whole number" if field and field.annotation is int else "a number"
    return (ALLOWED.get(error["type"]) or (number if bounds else error["msg"])) + bounds


def _bounds(field: FieldInfo) -> str:
    words: list[str] = []
    for limit in field.metadata:
        match limit:
            case Ge(ge=bound):
                words.append(f"at least {bound}")
            case Gt(gt=bound):
                words.append(f"above {bound}")
            case Le(le=bound):
                words.append(f"at most {bound}")
            case _:
                continue
    return ", " + ", ".join(words) if words else ""


def _field_at(model: type[BaseModel], path: KeyPath) -> FieldInfo | None:
    """The field that `path` leads to, through tables of tables; None where it leads to none."""
    here, field = cast("object", model), None
    for part in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = next(
                (one for name, one in here.model_fields.items() if part in (one.alias or name, one.validation_alias)),
                None,
            )
            here = field.annotation if field else None
        else:
            here = _inside(cast("object", here))
    return field


def _inside(kind: object) -> object:
    """The last type that `kind` is made of, as a list of tables is of tables; None where it is of none."""
    return next((one for one in reversed(get_args(kind)) if one is not ...), None)


def _keys_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys of the table at `path`; those of an approvers table where it is inside a policy's approvers."""
    if "approvers" in path:
        return ["all_of", "any_of"]
    field = _field_at(model, path)
    here: object = field.annotation if field else model
    if field and get_args(here) and path:
        here = _inside(here)
    if isinstance(here, type) and issubclass(here, BaseModel):
        return [one.alias or name for name, one in here.model_fields.items()]
    return []
