"""What changes who is asked: each move says which seat got whom, and holds no policy. Pure data."""

from typing import Annotated, Literal, NewType

from pydantic import AwareDatetime, Field

from agents.requests import Anyone, Frozen, PersonId, Rule
from language.stored import Stored

SeatId = NewType("SeatId", str)
"""A seat by its step and its place in it, both from 0: `1.0`. Without steps it is that of step 0."""


class StepBegan(Stored, Frozen):
    """The step with this `number`, from 0, is in force from now on.

    `filled` are those whose approvals counted for the one before.
    """

    type: Literal["step_began"] = "step_began"
    number: int
    filled: tuple[PersonId, ...] = ()


class SeatsPassed(Stored, Frozen):
    """`out` decides no more, and `into` has those of their seats that are in `seats`; others are left to the rest.

    Without `into`, `out` stays asked and is away: `asked` stands in for them and is asked already, if anybody does.
    `until` is when they are back, for words alone; None: an automatic reply says that they are away, or nothing does.
    """

    type: Literal["seats_passed"] = "seats_passed"
    out: PersonId
    into: PersonId | None = None
    seats: tuple[SeatId, ...] = ()
    asked: PersonId | None = None
    until: AwareDatetime | None = None


class SeatsFilled(Stored, Frozen):
    """These people sit in these `seats` from now on, and nobody else does.

    `escalates`: the step in force has gone to those to whom it escalates; `on_call` are the seats of whoever was on
    call then.
    """

    type: Literal["seats_filled"] = "seats_filled"
    seats: dict[SeatId, tuple[PersonId, ...]] = Field(default_factory=dict[SeatId, tuple[PersonId, ...]])
    escalates: bool = False
    on_call: tuple[Anyone, ...] = ()


class RuleReplaced(Stored, Frozen):
    """Whoever else can say what happened is asked: also who handed it on, and who asked where `requesters_may`."""

    type: Literal["rule_replaced"] = "rule_replaced"
    rule: Rule
    quorum: int = 1
    requesters_may: bool = False


Move = Annotated[StepBegan | SeatsPassed | SeatsFilled | RuleReplaced, Field(discriminator="type")]
