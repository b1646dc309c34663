"""The tables of `sayso.toml` that say who may decide, and by when: policies and their steps."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from agents.requests import CardsGo, Urgency
from bot.config.tables import (
    ANSWER_CHANNELS,
    CHANNELS,
    UNIT_S,
    AnswerFrom,
    Duration,
    KeyPath,
    Name,
    Place,
    Reach,
    Ref,
    Table,
    parse_duration,
    within_30_days,
)


class AllOfTable(Table):
    """`{all_of = […]}`: each part is needed, each from another person."""

    all_of: tuple["Approver", ...] = Field(min_length=1)


class AnyOfTable(Table):
    """`{any_of = […]}`: one of the parts is enough."""

    any_of: tuple["Approver", ...] = Field(min_length=1)


def _kind(value: object) -> str | None:
    """The tag below which an approver is parsed; `<` marks tags, so that error texts can leave them out."""
    match value:
        case str():
            return "<name>"
        case list() | tuple():
            return "<list>"
        case AllOfTable() | {"all_of": object()}:
            return "<all_of>"
        case AnyOfTable() | {"any_of": object()}:
            return "<any_of>"
        case _:
            return None


Approver = Annotated[
    Annotated[Ref, Tag("<name>")] | Annotated[AllOfTable, Tag("<all_of>")] | Annotated[AnyOfTable, Tag("<any_of>")],
    Discriminator(_kind),
]
Approvers = Annotated[
    Annotated[tuple[Approver, ...], Field(min_length=1), Tag("<list>")]
    | Annotated[AllOfTable, Tag("<all_of>")]
    | Annotated[AnyOfTable, Tag("<any_of>")],
    Discriminator(_kind),
]


def refs_of(approvers: Approvers | Approver) -> Iterator[str]:
    """Every `person:…`, `group:…` and `oncall:…` below `approvers`, in the order of the file."""
    match approvers:
        case str():
            yield approvers
        case AllOfTable():
            yield from refs_of(approvers.all_of)
        case AnyOfTable():
            yield from refs_of(approvers.any_of)
        case _:
            for part in approvers:
                yield from refs_of(part)


def _quiet_hours(text: str) -> str:
    match = re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d", text, re.ASCII)
    if match is None or text[:5] == text[6:]:
        raise ValueError('two different times of day in quotes, such as "22:00-07:00"')
    return text


class StepConfig(Table):
    """`[[policies.NAME.steps]]`: who decides in one of several steps."""

    name: Name = Field(description="The name on cards, such as manager.")
    approvers: Approvers = Field(
        description='A list of "person:NAME", "group:NAME" and "oncall:NAME", or {all_of=[…]}, {any_of=[…]}.'
    )
    quorum: int = Field(default=1, ge=1, description="How many different people must approve.")
    escalate_after_s: Duration | None = Field(
        default=None,
        alias="escalate_after",
        description="When `escalate_to` is asked as well, from the beginning of the step.",
    )
    escalate_to: tuple[Ref, ...] = Field(default=(), description="Refs.")


# Whoever grants more than that could as well do without the policy.
_MOST_USES = 100


@dataclass(frozen=True)
class StandingLimit:
    """The most that a standing approval of a policy may allow: so many `uses`, within so many seconds."""

    uses: int
    within_s: float

    def __str__(self) -> str:
        """Write it as in the file."""
        unit = next(unit for unit in "dhms" if self.within_s % UNIT_S[unit] == 0 or unit == "s")
        return f"{self.uses} in {self.within_s / UNIT_S[unit]:g}{unit}"


def _standing(text: object) -> StandingLimit:
    """The limit meant by a string such as `10 in 30d`; ValueError says what is allowed."""
    match = re.fullmatch(r"([1-9][0-9]{0,2}) in (\S+)", text.strip(), re.ASCII) if isinstance(text, str) else None
    try:
        limit = StandingLimit(int(match[1]), within_30_days(parse_duration(match[2]))) if match else None
    except ValueError:
        limit = None
    if limit is None or limit.uses > _MOST_USES:
        raise ValueError(f'uses and a duration in quotes, such as "10 in 30d"; at most {_MOST_USES} uses and "30d"')
    return limit


# Each is a message to everybody who has not answered.
_MOST_REMINDERS = 10
# Each waits for people; and whether all can be met is found by trying.
_MOST_STEPS = 5


class PolicyConfig(Table):
    """`[policies.NAME]`: who decides, how many, by when, and over which channels."""

    approvers: Approvers | None = Field(
        default=None,
        description="Refs, or {all_of=[…]}, {any_of=[…]}. Set this or `steps`.",
    )
    steps: tuple[StepConfig, ...] = Field(
        default=(), max_length=_MOST_STEPS, description="At most 5, one after the other."
    )
    quorum: int = Field(default=1, ge=1, description="How many different people must approve.")
    reach: tuple[Reach, ...] = Field(
        default=CHANNELS, min_length=1, description="Channels for cards. Each person gets the first that works."
    )
    also_post: tuple[Place, ...] = Field(default=(), description='Places that show the card as well: "slack:#release".')
    cards: CardsGo | None = Field(default=None, description="In place of `cards` in `[slack]`.")
    answer_from: tuple[AnswerFrom, ...] = Field(
        default=ANSWER_CHANNELS,
        min_length=1,
        description="Ways by which an approval counts. `cli`: a terminal beside `sayso dev`; `api`: any other.",
    )
    approve_by_email: bool = Field(
        default=False, description="Whether an approval by email, or after a log-in by a link in a mail, counts."
    )
    requester_may_approve: bool = Field(default=False, description="Whether a requester's own approval counts.")
    editor_may_approve: bool = Field(
        default=False, description="Whether that of the person who changed an argument counts."
    )
    expires_after_s: Annotated[Duration, AfterValidator(within_30_days)] = Field(
        alias="expires_after",
        description='How long a request stays open, such as "4h", at most "30d".',
    )
    execute_within_s: Duration = Field(
        default=900.0, alias="execute_within", description="How old an approval may be when the tool starts."
    )
    remind_after_s: tuple[Duration, ...] = Field(
        default=(),
        alias="remind_after",
        max_length=_MOST_REMINDERS,
        description='Reminders of those who have not answered, at most 10: ["30m", "2h"].',
    )
    escalate_after_s: Duration | None = Field(
        default=None,
        alias="escalate_after",
        description="When `escalate_to` is asked as well, from the opening.",
    )
    escalate_to: tuple[Ref, ...] = Field(default=(), description="Refs of who may decide from then on as well.")
    stand_ins: tuple[Ref, ...] = Field(
        default=(),
        description="Refs of who may take a seat beside the people of the policy.",
    )
    quiet_hours: Annotated[str, AfterValidator(_quiet_hours)] | None = Field(
        default=None, description='No reminders then, by each person\'s clock: "22:00-07:00".'
    )
    urgency: Urgency = Field(default="medium", description="`high` ignores quiet hours.")
    standing: Annotated[StandingLimit, BeforeValidator(_standing)] | None = Field(
        default=None,
        description='The most that a standing approval may allow, such as "10 in 30d". Unset: none.',
    )
    break_glass: tuple[Ref, ...] = Field(
        default=(),
        description="Refs of who may decide alone in an emergency, with a reason. It needs `[alerts]`.",
    )

    @property
    def rules(self) -> Iterator[tuple[KeyPath, "PolicyConfig | StepConfig"]]:
        """What says who decides: the policy itself, or each of its steps, and where in the policy that stands."""
        yield from ((("steps", number), step) for number, step in enumerate(self.steps))
        if not self.steps:
            yield (), self

    @property
    def refs(self) -> list[str]:
        """Everybody whom it names: who decides in whichever step, on escalation, in a place, in an emergency."""
        named = [ref for _, table in self.rules for ref in (*refs_of(table.approvers or ()), *table.escalate_to)]
        return [*named, *self.stand_ins, *self.break_glass]
