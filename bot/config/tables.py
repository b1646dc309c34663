"""The tables of `sayso.toml`.

Durations are strings in the file (`"15m"`) and seconds (`_s`) in code.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
)
from pydantic.fields import FieldInfo

from agents.steps import Effort
from channels.email.format.addresses import is_address
from language import Language

KeyPath = tuple[str | int, ...]


Reach = Literal["slack", "email"]
AnswerFrom = Literal["slack", "email", "console", "cli", "api"]

# The channels that can carry a card to a person in this release.
CHANNELS: tuple[Reach, ...] = get_args(Reach)
ANSWER_CHANNELS: tuple[AnswerFrom, ...] = get_args(AnswerFrom)

UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# An approval that nobody gave for a month is about a world that is gone.
MAX_EXPIRES_AFTER_S = 30 * UNIT_S["d"]
# Nobody learns anything from a shorter one, and a run of somebody who waits hangs in a longer one.
_MODEL_WAITS_S = (1.0, 600.0)
_FIRST_YEAR, _LAST_YEAR = 2000, 2100


@dataclass(frozen=True)
class Rate:
    """A limit: at most `count` in any `per_s` seconds."""

    count: int
    per_s: float


def parse_duration(text: object) -> float:
    """Seconds meant by a string such as `90s`, `15m`, `4h`, `2d`; ValueError says what is allowed."""
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([smhd])", text.strip()) if isinstance(text, str) else None
    seconds = float(match[1]) * UNIT_S[match[2]] if match else 0.0
    if seconds <= 0:
        raise ValueError('a duration above zero in quotes, such as "90s", "15m", "4h" or "2d"')
    return seconds


def parse_rate(text: object) -> Rate:
    """The rate meant by a string such as `20/h`; ValueError says what is allowed."""
    match = re.fullmatch(r"([1-9][0-9]{0,6})/([smhd])", text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError('a number per unit of time in quotes, such as "20/h"; units are s, m, h, d')
    return Rate(int(match[1]), float(UNIT_S[match[2]]))


def within_30_days(seconds: float) -> float:
    """`seconds` themselves, when they are a month at most. Raises ValueError."""
    if seconds > MAX_EXPIRES_AFTER_S:
        raise ValueError('at most "30d"')
    return seconds


def _model_waits(seconds: float) -> float:
    if not _MODEL_WAITS_S[0] <= seconds <= _MODEL_WAITS_S[1]:
        raise ValueError('"1s" to "10m"')
    return seconds


def parse_local(value: object) -> datetime:
    """The wall-clock time meant by `"2026-11-02T09:00"`, or by the same without quotes. Raises ValueError."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", value):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    is_local = isinstance(value, datetime) and value.tzinfo is None
    if not (is_local and isinstance(value, datetime) and _FIRST_YEAR <= value.year < _LAST_YEAR):
        raise ValueError('a date and time of the table\'s zone, without an offset, such as "2026-11-02T09:00"')
    return value


def known_zone(name: str) -> str:
    """`name` itself, when it is a time zone. Raises ValueError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError('an IANA time zone, such as "Europe/Berlin" or "UTC"') from None
    return name


def _plain_address(text: str) -> str:
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", text):
        raise ValueError('a bare mail address, such as "anna@corp.example"')
    return text


def _member(text: str) -> str:
    if not re.fullmatch(r"[UW][A-Z0-9]{2,20}", text):
        raise ValueError('a member id of Slack, such as "U01ANNA": in Slack open the profile, then ⋮, Copy member ID')
    return text


def _login(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}", text):
        raise ValueError('a login at GitHub, such as "anna-ames"')
    return text


def _uid(text: str) -> str:
    if not re.fullmatch(r"[!-~]{1,255}", text):
        raise ValueError('what never changes about them, such as "00u1a2b3", without blanks')
    return text


def _ref(text: str) -> str:
    if not re.fullmatch(r"(person|group|oncall):\S+", text):
        raise ValueError('"person:NAME", "group:NAME" or "oncall:NAME"')
    return text


def _place(text: str) -> str:
    if not re.fullmatch(r"slack:(#[^\s#:,<>]{1,80}|[CG][A-Z0-9]{2,20})", text):
        raise ValueError('"slack:#NAME" or "slack:ID" of a Slack channel')
    return text


def _ref_or_place(text: str) -> str:
    try:
        return _place(text) if text.startswith("slack:") else _ref(text)
    except ValueError as error:
        raise ValueError('"person:NAME", "group:NAME", "oncall:NAME", or "slack:#NAME" of a Slack channel') from error


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("a name that can be seen")
    return text


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text):
        raise ValueError("a name of letters, digits, dots, hyphens and underscores")
    return text


def _code(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*:[A-Za-z_][A-Za-z0-9_]*", text):
        raise ValueError('"MODULE:FUNCTION", such as "parking:parking_agent" for the function in parking.py')
    return text


def absolute(path: Path) -> Path:
    """A whole path; `~` is the home of this user."""
    return path.expanduser().absolute()


Duration = Annotated[float, BeforeValidator(parse_duration)]
LocalTime = Annotated[datetime, BeforeValidator(parse_local)]
Limit = Annotated[Rate, BeforeValidator(parse_rate)]
MailAddress = Annotated[str, AfterValidator(_plain_address)]
Folder = Annotated[Path, AfterValidator(absolute)]
Name = Annotated[str, AfterValidator(_name)]
# As its maker calls a model, often with the maker before it.
ModelName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
# Who is meant: one person, whoever is in a group, or whoever is on call.
Ref = Annotated[str, AfterValidator(_ref)]
# A Slack channel, by its name or its id.
Place = Annotated[str, AfterValidator(_place)]
# Whoever is to hear something: people, or all who are in a place.
Audience = Annotated[str, AfterValidator(_ref_or_place)]


class Table(BaseModel):
    """One table of the file; a key that this release does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def meaning(field: FieldInfo | None) -> str:
    """Return what a key means, as an error says what is allowed there."""
    said = (field.description or "").rstrip(".") if field else ""
    return f"{said[:1].lower()}{said[1:]}" or "see the documentation"


class PersonConfig(Table):
    """`[people.NAME]`: somebody who may ask or decide, and where to reach them."""

    name: Annotated[str, AfterValidator(_said)] = Field(description='The name that people see, such as "Anna Ames".')
    email: MailAddress | None = Field(default=None, description="The mail address, theirs alone.")
    slack: Annotated[str, AfterValidator(_member)] | None = Field(
        default=None, description="The member id in the home workspace: U01ANNA."
    )
    github: Annotated[str, AfterValidator(_login)] | None = Field(
        default=None, description="The login at GitHub. They are the requester of what they push."
    )
    uid: Annotated[str, AfterValidator(_uid)] | None = Field(
        default=None, description="An id that never changes, such as a staff number. It wins over addresses."
    )
    timezone: Annotated[str, AfterValidator(known_zone)] = Field(
        default="UTC", description="The zone of the times they read."
    )
    language: Language | None = Field(default=None, description="The language of their cards and pages.")
    groups: tuple[Name, ...] = Field(default=(), description="Their groups. A group exists when somebody is in it.")


class RolesConfig(Table):
    """`[roles]`: refs of who may do more, or less, than start and steer their own runs."""

    viewer: tuple[Ref, ...] = Field(default=(), description="Sees what concerns them and starts nothing.")
    operator: tuple[Ref, ...] = Field(default=(), description="Sees and steers all runs, and freezes.")
    admin: tuple[Ref, ...] = Field(
        default=(), description="Is an operator, revokes keys of others and reads the audit log."
    )


class AgentConfig(Table):
    """`[agents.NAME]`: the model of one agent, its budgets, and who may start it."""

    model: str | None = Field(default=None, description="The model, in place of SAYSO_MODEL.")
    fallback_model: str | None = Field(
        default=None,
        description="The model where the first fails.",
    )
    max_steps: int = Field(default=10, ge=1, le=100, description="Steps of one run before a person is asked.")
    max_tokens: int = Field(default=200_000, ge=1, description="The same in tokens, in and out.")
    max_cost_usd: float = Field(default=0.5, ge=0, description="The same in US dollars. 0: no limit.")
    max_steps_per_day: int | None = Field(default=None, ge=1, description="Steps of all its runs in a day (UTC).")
    max_tokens_per_day: int | None = Field(default=None, ge=1, description="The same in tokens.")
    max_cost_usd_per_day: float | None = Field(default=None, gt=0, description="The same in US dollars.")
    code: Annotated[str, AfterValidator(_code)] | None = Field(
        default=None, description='Your own agent: "MODULE:FUNCTION" in a file beside sayso.toml.'
    )
    settings: dict[str, JsonValue] = Field(default={}, description="A table for the function that `code` names.")
    prompt: str | None = Field(default=None, description="An older version of its prompt, such as deploy@3.")
    context_tokens: int = Field(default=20_000, ge=1_000, description="Tokens of a run that its model sees.")
    timeout_s: Annotated[Duration, AfterValidator(_model_waits)] | None = Field(
        default=None,
        alias="timeout",
        description='The limit of one call of its model, "1s" to "10m". Unset: 30 s, and 1 s for each '
        "70 of max_output_tokens.",
    )
    # From 21,334 tokens on the API demands streaming.
    max_output_tokens: int = Field(
        default=8_192, ge=1_024, le=21_333, description="Tokens of one answer, thoughts included: 1,024 to 21,333."
    )
    effort: Effort | None = Field(default=None, description="How much its model thinks. Older models refuse it.")
    cache: bool = Field(
        default=True, description="Whether Anthropic keeps the beginning of calls, which then costs a tenth."
    )
    keep_replies_s: Annotated[Duration, AfterValidator(within_30_days)] | None = Field(
        default=None,
        alias="keep_replies",
        description='How long raw answers are kept, at most "30d". Unset: not at all.',
    )
    triggered_by: Annotated[tuple[Ref, ...], Field(min_length=1)] | None = Field(
        default=None, description="Who may start it: persons and groups. Unset: everybody but viewers."
    )
    asks: tuple[Ref, ...] = Field(
        default=(),
        description="Refs that its questions may go to beside the requester.",
    )


class PriceConfig(Table):
    """`price` of `[models.NAME]`: US dollars for a million tokens."""

    input: float = Field(ge=0, description="Input.")
    output: float = Field(ge=0, description="Output, thoughts included.")
    cached: float | None = Field(default=None, ge=0, description="Input that the server had kept.")


class ModelConfig(Table):
    """`[models.NAME]`: how sayso asks a model, and what it costs.

    Where a server refuses a request, the process leaves out strict schemas, tool choice, JSON output and temperature
    from then on; the log says so. For an agent beyond Anthropic's 20 strict tools with 24 optional and 16 alternative
    parameters, sayso leaves out `confidence`, then strictness.
    """

    strict: bool | None = Field(
        default=None, description="Whether the server enforces schemas. Unset: only at Anthropic."
    )
    tool_choice: Literal["auto", "any"] | None = Field(
        default=None,
        description="`any`: it must call a tool. `auto`: it may answer in prose, which fails and is tried "
        "again. Unset: auto at Anthropic, any elsewhere.",
    )
    step_as: Literal["tool", "json"] = Field(
        default="tool",
        description="How a step comes: a call of a `tool`, or `json` for models that call none.",
    )
    temperature: float | None = Field(default=None, ge=0, le=2, description="0 to 2. Newer models refuse it.")
    effort: Effort | None = Field(default=None, description="For agents that set none.")
    timeout_s: Annotated[Duration, AfterValidator(_model_waits)] | None = Field(
        default=None, alias="timeout", description="For agents that set none."
    )
    price: PriceConfig | None = Field(
        default=None,
        description="{input = 0.5, output = 2, cached = 0.1}. Unset: the bundled list.",
    )


class AlertsConfig(Table):
    """`[alerts]`: who hears of trouble that nobody else can solve, such as a card that no channel delivers."""

    to: tuple[Ref, ...] = Field(default=(), description="Refs.")


def _a_day_at_least(seconds: float) -> float:
    if seconds < UNIT_S["d"]:
        raise ValueError('at least "1d"')
    return seconds


def _archive_place(text: str) -> str:
    if text.startswith("s3://"):
        if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()-]+)*/?", text):
            raise ValueError('a bucket and a prefix, such as "s3://corp-archive/sayso"')
        return text.rstrip("/")
    if "://" in text or not text.strip():
        raise ValueError('a directory, or "s3://BUCKET/PREFIX"')
    return str(absolute(Path(text)))


def _endpoint(text: str) -> str:
    if not re.fullmatch(r"https?://[^/\s@?#]+/?", text):
        raise ValueError('an address such as "https://s3.corp.example", without a path')
    return text.rstrip("/")


class RetentionConfig(Table):
    """`[retention]`: when finished runs and audit records leave Redis, and to where."""

    finished_after_s: Annotated[Duration, AfterValidator(_a_day_at_least)] = Field(
        default=30.0 * UNIT_S["d"],
        alias="finished_after",
        description='When a run leaves Redis after its end, at least "1d".',
    )
    audit_after_s: Annotated[Duration, AfterValidator(_a_day_at_least)] = Field(
        default=30.0 * UNIT_S["d"],
        alias="audit_after",
        description="The same for a sealed audit record.",
    )
    to: Annotated[str, AfterValidator(_archive_place)] | None = Field(
        default=None,
        description='A directory that every process sees, or "s3://BUCKET/PREFIX". Unset: runs stay in '
        "Redis; `sayso dev` has `archive` in its data directory.",
    )
    endpoint: Annotated[str, AfterValidator(_endpoint)] | None = Field(
        default=None, description="The address of an S3-compatible server. Unset: Amazon's."
    )
    region: str | None = Field(default=None, description="The region of the bucket. Unset: us-east-1.")


_LAST_PORT = 65_535
_HEADS = re.compile(r"file:\S+|syslog:(/\S+|[^\s:/]+:\d{1,5})|mail:person:\S+")


def _heads(text: str) -> str:
    kind, _, where = text.partition(":")
    port = where.rpartition(":")[2] if kind == "syslog" and not where.startswith("/") else "0"
    if not _HEADS.fullmatch(text) or int(port) > _LAST_PORT:
        raise ValueError('"file:PATH", "syslog:/dev/log", "syslog:HOST:PORT" or "mail:person:NAME"')
    return f"file:{absolute(Path(where))}" if kind == "file" else text


class AuditConfig(Table):
    """`[audit]`: where heads of the audit log go, so that nobody cuts off its end unseen."""

    heads: tuple[Annotated[str, AfterValidator(_heads)], ...] = Field(
        default=(), description='Any of "file:PATH", "syslog:/dev/log", "syslog:HOST:PORT", "mail:person:NAME".'
    )


class AnnounceConfig(Table):
    """`[announce]`: who gets what the announce agent says. Operators and sender hear of what can't be delivered."""

    to: tuple[Audience, ...] = Field(default=(), description='Refs and "slack:#NAME".')


class LimitsConfig(Table):
    """`[limits]`: how much people and programs may start and ask."""

    triggers_per_person: Limit = Field(default=Rate(20, 3600.0), description="Runs that one person may start.")
    triggers_per_slack_channel: Limit = Field(
        default=Rate(60, 3600.0), description="Runs that may start from one Slack channel."
    )
    triggers_per_trigger: Limit = Field(
        default=Rate(60, 3600.0), description="Runs that one `[triggers.NAME]` may start."
    )
    asks_per_key: Limit = Field(default=Rate(200, 3600.0), description="Requests that one API key may open.")
    cards_per_person: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="Open cards of one API key that a person gets. Further requests come in one message.",
    )
    backlog: int = Field(
        default=10_000,
        ge=1,
        description="Pieces of work that may wait; beyond it programs get 429.",
    )


_DAY_S = 86_400.0
_NEEDED = ("owner", "policy")


def _below(pattern: str) -> str:
    path = PurePosixPath(pattern)
    if not pattern.strip() or path.is_absolute() or ".." in path.parts or "**" in path.parts:
        raise ValueError('a path or pattern below the folder of sayso.toml, such as "knowledge/*.md"')
    return pattern


def _plain(address: str) -> str:
    if not is_address(address) or "+" in address.partition("@")[0]:
        raise ValueError('a plain mail address without a plus, such as "help@corp.example"')
    return address.lower()


Pattern = Annotated[str, Field(max_length=200), AfterValidator(_below)]


class DeskConfig(Table):
    """`[desk]`: mail to `address` is answered from `knowledge`, once `policy` has approved each reply."""

    address: Annotated[MailAddress, AfterValidator(_plain)] | None = Field(
        default=None,
        description="Where anybody may write, delivered to the mailbox of SAYSO_MAIL_ADDRESS.",
    )
    owner: Ref | None = Field(default=None, description='The requester of its runs: "person:anna".')
    policy: Name | None = Field(default=None, description="The policy that gates each reply.")
    knowledge: tuple[Pattern, ...] = Field(
        default=(), max_length=20, description='Files, relative to sayso.toml, such as ["knowledge/*.md"].'
    )
    name: str = Field(
        default="", max_length=40, description='The name before the address in From, such as "Corp Help".'
    )
    greeting: str = Field(
        default="Hello,", max_length=100, description="The first line of a reply that no model wrote."
    )
    signature: str = Field(default="", max_length=500, description="The end of each reply.")
    per_sender: Limit = Field(
        default=Rate(10, _DAY_S), description="Runs that one address may start. Further mail is quarantined."
    )
    per_day: Limit = Field(default=Rate(200, _DAY_S), description="Runs that all mail to the desk may start.")


def desk_contradictions(
    desk: DeskConfig, people: Mapping[str, PersonConfig], policies: Collection[str], mail_address: str | None
) -> Iterator[tuple[KeyPath, str]]:
    """Yield the contradictions within the table, and between it and the people, policies and address it names."""
    given = desk.model_fields_set
    if desk.address is None:
        if given:
            yield ("desk", "address"), "is missing; allowed: the address that people write to"
        return
    for key in _NEEDED:
        if getattr(desk, key) is None:
            yield ("desk", key), f"is missing; allowed: {meaning(DeskConfig.model_fields[key])}"
    if desk.address == (mail_address or "").lower():
        yield ("desk", "address"), f'found "{desk.address}", which is SAYSO_MAIL_ADDRESS; allowed: another one'
    if any((person.email or "").lower() == desk.address for person in people.values()):
        yield ("desk", "address"), f"found \"{desk.address}\", which is a person's; allowed: one that is nobody's"
    if desk.owner is not None and desk.owner not in {f"person:{name}" for name in people}:
        listed = ", ".join(f"person:{name}" for name in people) or "nobody, as there are no people yet"
        yield ("desk", "owner"), f'found "{desk.owner}", who is nobody in [people]; allowed: {listed}'
    if desk.policy is not None and desk.policy not in policies:
        listed = ", ".join(policies) or "none: there are no policies yet"
        yield ("desk", "policy"), f'found "{desk.policy}"; allowed: {listed}'
