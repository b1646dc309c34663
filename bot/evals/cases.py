"""A file of cases, read: `agents/evals/NAME.toml`, `evals/*.toml` beside sayso.toml, `NAME.evals.toml` of an agent."""

import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal, cast

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    ValidationError,
    model_validator,
)

from agents.model.failures import FailureKind
from agents.requests import Format, FromDesk, FromPerson, FromTrigger, Frozen, Origin, PersonId
from bot.errors import Invalid

ANY_TOOL = "*"
# A Monday noon: what "until Thursday" means must not depend on the day on which a case is run.
_AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_CLOSED = ("gives", "error", "denied", "revoked", "expired", "withdrawn", "refused", "answered")


def _regexp(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    return text


Regexp = Annotated[str, AfterValidator(_regexp)]


class Calls(Frozen):
    """A call of `tool` (`*`: of any) whose arguments hold at least these."""

    tool: str
    arguments: dict[str, JsonValue] = Field(default={})


class Asks(Frozen):
    """A question to people in which the regular expression is found, whatever its case."""

    asks: Regexp
    format: Format | None = None


class Ends(Frozen):
    """The end of the run, with a summary in which the regular expression is found, whatever its case."""

    done: Literal["done", "failed", "either"]
    says: Regexp = ""


def _kind(value: object) -> str | None:
    match value:
        case Calls():
            return "tool"
        case Asks():
            return "asks"
        case Ends():
            return "done"
        case _:
            table = cast("dict[str, object]", value) if isinstance(value, dict) else {}
            return next((kind for kind in ("tool", "asks", "done") if kind in table), None)


Wanted = Annotated[
    Annotated[Calls, Tag("tool")] | Annotated[Asks, Tag("asks")] | Annotated[Ends, Tag("done")],
    Discriminator(
        _kind,
        custom_error_type="no_step",
        custom_error_message="a step is a table with `tool`, `asks` or `done`",
    ),
]


def _listed(value: object) -> object:
    return [cast("object", value)] if isinstance(value, dict) else value


Steps = Annotated[tuple[Wanted, ...], BeforeValidator(_listed)]


class Happens(Frozen):
    """Something that happened in a run, in one of these ways.

    `says`: a person wrote to it. `fails`: the model gave no step. All others close a step: that of `calls` (with its
    `arguments`) or `asks`, else the one that was chosen last. `by` is who wrote, decided or answered.
    """

    calls: str = ""
    arguments: dict[str, JsonValue] = Field(default={})
    asks: str = ""
    format: Format = "free_text"
    options: tuple[str, ...] = ()
    gives: str | None = None
    error: str | None = None
    denied: str | None = None
    revoked: str | None = None
    expired: Literal[True] | None = None
    withdrawn: str | None = None
    refused: str | None = None
    answered: str | None = None
    says: str | None = None
    fails: FailureKind | None = None
    by: PersonId = PersonId("bo")

    @model_validator(mode="after")
    def _is_one_thing(self) -> "Happens":
        ways = [name for name in (*_CLOSED, "says", "fails") if getattr(self, name) is not None]
        if len(ways) != 1:
            raise ValueError(f"one of {', '.join((*_CLOSED, 'says', 'fails'))} says what happened; found {ways or 0}")
        if self.calls and self.asks:
            raise ValueError("either `calls` or `asks` says which step it happened to")
        if ways[0] in {"says", "fails"} and (self.calls or self.asks):
            raise ValueError(f"`{ways[0]}` happens to no step")
        return self

    @property
    def closes(self) -> bool:
        """True if it closed a step."""
        return self.says is None and self.fails is None


class Then(Happens):
    """The next thing that happens in a conversation, and the right step after it."""

    expect: Steps = Field(min_length=1)
    never: Steps = ()


class Case(Frozen):
    """One recorded case. `facts` are given and not looked up; `history` has happened before the first step is judged.

    Any step of `expect` is right, unless it is one of `never`. `needs_model`: plain rules can't know it; they must ask
    a human or end as failed, and never call a tool.
    """

    name: str = Field(min_length=1)
    text: str
    requester: PersonId = PersonId("anna")
    channel: str = "cli"
    trigger: str = ""
    desk: str = ""
    at: AwareDatetime = _AT
    context: dict[str, JsonValue] = Field(default={})
    facts: dict[str, str] = Field(default={})
    history: tuple[Happens, ...] = ()
    expect: Steps = ()
    never: Steps = ()
    then: tuple[Then, ...] = ()
    needs_model: bool = False

    @model_validator(mode="after")
    def _can_be_judged(self) -> "Case":
        if not self.expect and not self.never:
            raise ValueError("`expect` names the steps that are right, `never` those that are wrong; give one of them")
        if self.trigger and self.desk:
            raise ValueError("either `trigger` or `desk` says what it began with")
        loose = [number for number, one in enumerate(self.history, 1) if one.closes and not (one.calls or one.asks)]
        if loose:
            raise ValueError(f"history {loose[0]} closes a step: `calls` or `asks` must say which")
        return self

    @property
    def origin(self) -> Origin:
        """The way its run began."""
        if self.trigger:
            return FromTrigger(name=self.trigger)
        return FromDesk(address=self.desk) if self.desk else FromPerson()


class CaseFile(Frozen):
    """All cases of one file. `facts` belong to every case; a case's own come on top, and replace those of one label.

    `floor` is the share of cases that the model of the agent must pass; without one the bar of all is its own.
    """

    agent: str = Field(min_length=1)
    floor: float | None = Field(default=None, ge=0, le=1)
    facts: dict[str, str] = Field(default={})
    case: tuple[Case, ...] = Field(min_length=1)

    @property
    def cases(self) -> tuple[Case, ...]:
        """The cases with all their facts."""
        return tuple(one.model_copy(update={"facts": self.facts | one.facts}) for one in self.case)


def parse(text: str, file: str) -> CaseFile:
    """Parse the text of a case file. Raises Invalid with every problem on a line of its own."""
    try:
        values: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{file} is not valid TOML: {error}", "Correct it") from None
    try:
        found = CaseFile.model_validate(values)
    except ValidationError as error:
        raise Invalid("\n".join(_problems(error, values, file))) from None
    names = [one.name for one in found.case]
    for name in names:
        if names.count(name) > 1:
            raise Invalid(f"{file}: there are two cases {name!r}", "Give each a name of its own")
    return found


def _problems(error: ValidationError, values: dict[str, object], file: str) -> Iterator[str]:
    for one in error.errors(include_url=False):
        place = [str(part) for part in one["loc"]]
        where = file
        if len(place) > 1 and place[0] == "case":
            where, place = f"{file}: case {_name(values, int(place[1]))}", place[2:]
        said = one["msg"].removeprefix("Value error, ")
        yield f"{where}: {'.'.join(place)}: {said}" if place else f"{where}: {said}"


def _name(values: dict[str, object], number: int) -> str:
    """Return the name of a case if the file gives one; else its number."""
    cases = cast("list[dict[str, object]]", values["case"])
    return repr(cases[number]["name"]) if "name" in cases[number] else str(number + 1)
