"""The bodies that programs send, and the envelopes of what they get."""

import json
import operator
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Discriminator,
    Field,
    JsonValue,
    StringConstraints,
    Tag,
    TypeAdapter,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from agents.events import Event
from agents.forms import FormField, unaskable
from agents.forms.fields import MOST_FIELDS
from agents.forms.words import misread
from agents.relay import Approval, Question
from agents.requests import Format, Frozen, PersonId, RequestId, RequestState, Urgency
from bot.config.tables import MAX_EXPIRES_AFTER_S
from bot.people.directory import QUESTION_EXPIRES_S
from bot.policy.edits import Edited
from bot.policy.judgements import Asked, Counted, Decided, Delegated, Remarked, Replied, Revoked
from bot.render.views import ReportView, RequestView, Summary
from bot.web.api.form_schemas import POSSIBLE, fields_of, said_of

CONTEXT_BYTES = 16_384
_CONTEXT_DEPTH = 16

# At least one character that is no blank, as Python sees it (`str.strip`).
Text = Annotated[str, StringConstraints(min_length=1, max_length=8_000, pattern=r"[^\s\x1c-\x1f]")]
Reason = Annotated[str, StringConstraints(max_length=4_000)]
Line = Annotated[str, StringConstraints(max_length=1_000, pattern=r"^[^\r\n]*$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
IdempotencyKey = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
# An optional parameter is left out; there is no way to send null.
Absent = SkipJsonSchema[None]
_Place = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}\.s[0-9]{1,2}[a-z]-[a-z2-7]{13}$")]
Month = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
Limit = Annotated[int, Field(ge=1, le=200, description="How many at most.")]
Seq = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,7}$")]
# Of several who were called the same one after the other, each but the first has a number.
_PERSON = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}(~[0-9]{1,6})?"
Person = Annotated[str, StringConstraints(pattern=rf"^{_PERSON}$")]


class Page(Frozen):
    """Which page of a list is wanted."""

    cursor: _Place | Absent = Field(default=None, description="`next` of the page before.")
    limit: Limit = 50


def _bounded(context: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if _depth(context) > _CONTEXT_DEPTH:
        raise ValueError(f"at most {_CONTEXT_DEPTH} levels deep")
    try:
        size = len(json.dumps(context, allow_nan=False).encode())
        json.dumps(context, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("text that is Unicode; half a surrogate pair is none") from None
    except ValueError:
        raise ValueError("numbers that JSON has; NaN and infinity are none") from None
    if size > CONTEXT_BYTES:
        raise ValueError(f"at most {CONTEXT_BYTES} bytes as JSON; put a link in for what is larger")
    return context


def _depth(value: JsonValue) -> int:
    depth, level = 0, [value]
    while level and depth <= _CONTEXT_DEPTH:
        inner = [part for one in level if isinstance(one, list | dict) for part in _parts(one)]
        depth, level = depth + 1, inner
    return depth


def _parts(value: list[JsonValue] | dict[str, JsonValue]) -> list[JsonValue]:
    return list(value.values()) if isinstance(value, dict) else value


Bounded = Annotated[dict[str, JsonValue], AfterValidator(_bounded)]


class RunWanted(Frozen):
    """The run that a program wants.

    `requester` is the person it is asked for: the key's own if not given.
    """

    text: Text = Field(description="What is wanted, as a person would say it.")
    agent: str | None = Field(
        default=None,
        description="Which agent takes it; if not given, the one that the text is plainly for, else triage asks.",
    )
    requester: Person | None = Field(default=None, description="A person for whom the key may ask.")
    context: Bounded = Field(
        default={}, description="Data for the agent, kept with the run: 16 KB and 16 levels at most."
    )


class RetryWanted(Frozen):
    """The repetition of a run; `requester` is the person it is made for, the key's own if not given."""

    requester: Person | None = Field(default=None, description="A person for whom the key may ask.")


class ForkWanted(RetryWanted):
    """A fork of a run: how far its story is copied."""

    at: int = Field(ge=1, le=12_000, description="The place of the last event that is copied, from 1.")


class Copied(RetryWanted):
    """The meaning of an idempotency key when a run is made of another one, or of a file."""

    how: Literal["fork", "retry", "import"]
    source: str
    at: int


class Approve(Frozen):
    """A vote for it, by somebody who saw what `digest` stands for."""

    vote: Literal["approve"]
    digest: Digest = Field(description="That of the request as it was shown.")
    reason: Reason = ""
    note_confirmed: bool = Field(
        default=False, description="Whether `reason` is a note to keep with the approval, and no condition."
    )


class EditWanted(Frozen):
    """Arguments that are to be others: any for whoever asked, and for those who decide what `call.editable` names.

    It is no vote, and voids those before.
    """

    args: Annotated[Bounded, Field(min_length=1, max_length=100)]
    digest: Digest = Field(description="That of the request as it was shown.")


class DelegationWanted(Frozen):
    """Somebody who is to decide in place of the key's person, and why."""

    to: Person = Field(description="Whom it is handed on to.")
    reason: Annotated[str, StringConstraints(max_length=500)] = Field(default="", description="Shown on every card.")


_Value = Line | int | Annotated[float, Field(allow_inf_nan=False)] | bool | None


class Deny(Frozen):
    """A vote against it; counts until it has started."""

    vote: Literal["deny"]
    digest: Digest | None = None
    reason: Reason = ""


class BreakGlass(Frozen):
    """The decision of one person for everybody, in an emergency; `reason` is kept, and everybody is told it at once."""

    vote: Literal["break_glass"]
    digest: Digest = Field(description="That of the request as it was shown.")
    reason: Annotated[Text, Field(description="Why nobody else could be waited for.")]


class TextGiven(Frozen):
    """The answer to a question, in words. Never decides an approval: there it goes to people, as a comment or as the
    answer to what one of them asked.
    """

    text: Text


class AskBack(Frozen):
    """A question to whoever asked for this. Decides nothing."""

    ask: Text


class ChoicesGiven(Frozen):
    """Options of the question, by label or by number as text."""

    choices: Annotated[tuple[Line, ...], Field(min_length=1, max_length=100)]


class FormGiven(Frozen):
    """The fields of the question's form by their names: text, a number, a date such as `2026-12-24`, an option, yes or
    no as true or false. One that need not be filled in may be left out, or be null.
    """

    form: Annotated[
        dict[Annotated[str, StringConstraints(max_length=200)], _Value], Field(min_length=1, max_length=100)
    ]


AnswerGiven = Approve | Deny | BreakGlass | TextGiven | AskBack | ChoicesGiven | FormGiven


class Withdrawal(Frozen):
    """The withdrawal of a request, with its reason."""

    reason: Reason = ""


Changed = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]


_Attempt = Annotated[
    str,
    StringConstraints(pattern=r"^[!-~]{1,200}$"),
    Field(description="What the program calls this attempt; the same one again is the same attempt."),
]


class StartWanted(Frozen):
    """The attempt of a program at what was approved."""

    attempt: _Attempt
    digest: Digest | None = Field(
        default=None, description="That of what it is about to do: it begins nothing that people approved otherwise."
    )


class Started(Frozen):
    """An attempt that has begun, once, at exactly these `arguments`. `approved_by` are those whose approval it was.

    With `came_of` it is over: that is what `finish` said of it, and there is nothing more to do.
    """

    id: RequestId
    attempt: str
    started_at: AwareDatetime
    digest: str
    arguments: dict[str, JsonValue]
    approved_by: tuple[PersonId, ...]
    came_of: ReportView | None = Field(default=None, exclude_if=operator.not_)


class FinishWanted(Frozen):
    """The word of a program on what came of its attempt, for people."""

    attempt: _Attempt
    ok: bool
    summary: Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=r"[^\s\x1c-\x1f]")] = Field(
        description="Shown to people as the program's words."
    )


class Finished(Frozen):
    """The first word of a program on what came of its attempt, as it is kept."""

    id: RequestId
    attempt: str
    ok: bool
    summary: str
    finished_at: AwareDatetime


class Runs(Frozen):
    """Runs, newest first. `next` is the cursor of what follows; a page may be short, the end is where it is null.

    `unread` are so many that can't be read and are left out until an operator runs `sayso rebuild`.
    """

    runs: tuple[Summary, ...]
    next: str | None
    unread: int = 0


class Requests(Frozen):
    """Requests, newest first. `next` is the cursor of what follows, null at the end.

    `unread` are so many that can't be read and are left out until an operator runs `sayso rebuild`.
    """

    requests: tuple[RequestView, ...]
    next: str | None
    unread: int = 0


class Numbered(Frozen):
    """An event and its place in the run, from 1."""

    seq: int
    event: Event


class Events(Frozen):
    """Events of a run, oldest first. `seq` is the place of the last one here: `after` of the next call."""

    events: tuple[Numbered, ...]
    seq: int


Counts = Counted | Decided | Revoked | Remarked | Asked | Replied | Edited | Delegated


class Answered(Frozen):
    """The result of an answer that did something: `told` says it in words. `asked`, `replied`, `edited` and
    `delegated` decide nothing.
    """

    judgement: Annotated[Counts, Field(discriminator="type")]
    told: str
    request: RequestView


class Steered(Frozen):
    """The run after it was steered; `told` says which copies of what was cancelled go on."""

    id: str
    state: Literal["running", "waiting", "paused", "unknown", "done", "failed", "cancelled"]
    told: str = ""


class Withdrawn(Frozen):
    """The request after it was taken back; `told` says which orders in the reason were not done, and which copies of
    its run go on.
    """

    id: str
    state: RequestState
    told: str = ""


_AT_MOST = 25
_SHORTEST_S = 60.0


def _distinct(items: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(items)) < len(items):
        raise ValueError("each only once")
    return items


_QUESTION_CHARS = 4_000
_Question = Annotated[str, StringConstraints(min_length=1, max_length=_QUESTION_CHARS, pattern=r"[^\s\x1c-\x1f]")]
_Label = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\r\n]*[^\s\x1c-\x1f][^\r\n]*$")]
_Ref = Annotated[str, StringConstraints(pattern=rf"^(person|group|oncall):{_PERSON}$")]
_UNIQUE: dict[str, Any] = {"uniqueItems": True}
_Labels = Annotated[
    tuple[_Label, ...], Field(max_length=_AT_MOST, json_schema_extra=_UNIQUE), AfterValidator(_distinct)
]
_Fields = Annotated[tuple[FormField, ...], Field(max_length=MOST_FIELDS)]
Refs = Annotated[
    tuple[_Ref, ...],
    Field(min_length=1, max_length=_AT_MOST, json_schema_extra=_UNIQUE, description="Any one of them may answer."),
    AfterValidator(_distinct),
]


class _Asked(Frozen):
    requester: Person | None = Field(default=None, description="A person for whom the key may ask.")
    context: Bounded = Field(
        default={}, description="Data kept with the run and not shown to people: 16 KB and 16 levels at most."
    )
    session: Annotated[str, StringConstraints(pattern=r"^[^\r\n]{1,300}$")] | Absent = Field(
        default=None,
        description="What the program calls what it is at: what it asks under the same key and name is one thread.",
    )


class QuestionWanted(_Asked):
    """A question to people. `options` belong to the formats `choice` and `choices`, `fields` to `form`."""

    question: _Question = Field(description="Shown to people as the program's words.")
    to: Refs
    format: Format = "free_text"
    options: _Labels = Field(default=(), description="What can be chosen, by label or by number.")
    fields: _Fields = Field(
        default=(), description="What is to be filled in: names of fields, or all that is to be known of each."
    )
    form: Bounded | None = Field(
        default=None, description=f"The same as a JSON Schema, in place of `fields`. {POSSIBLE}."
    )
    expires_after_s: float = Field(
        default=QUESTION_EXPIRES_S, ge=_SHORTEST_S, le=MAX_EXPIRES_AFTER_S, allow_inf_nan=False
    )
    urgency: Urgency = Field(default="medium", description="Shown on the card.")

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        """Reject a question that nobody could answer plainly."""
        if self.form is not None and (self.fields or self.format not in {"free_text", "form"}):
            raise ValueError("form stands alone: it says the fields and the format")
        if self.form is not None and len(self.relayed().question) > _QUESTION_CHARS:
            raise ValueError(
                f"the question, with what the form says of itself, has {_QUESTION_CHARS} characters at most"
            )
        asked = self.relayed()
        if bool(asked.options) != (asked.format in {"choice", "choices"}):
            raise ValueError("options are for choice and choices, and these need some")
        if bool(asked.fields) != (asked.format == "form"):
            raise ValueError("fields are for a form, and a form needs some")
        if (number := misread(asked.options)) is not None:
            raise ValueError(f"option {number} may be read as another one, or as its number; add a word to it")
        if asked.fields and (why := unaskable(asked.fields)):
            raise ValueError(why)
        return self

    def relayed(self) -> Question:
        """Return the question as the relay keeps it. Raises NoFormError."""
        form = self.form
        return Question(
            question=self.question
            if form is None
            else "\n\n".join(filter(None, (self.question, "\n".join(said_of(form))))),
            to=self.to,
            format=self.format if form is None else "form",
            options=self.options,
            fields=self.fields if form is None else TypeAdapter(_Fields).validate_python(fields_of(form)),
            expires_after_s=self.expires_after_s,
            urgency=self.urgency,
        )


# All of them have room on a card.
_FACTS = 10
_FactName = Annotated[
    str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\r\n:]*[^\s\x1c-\x1f:][^\r\n:]*$")
]
_FactText = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\r\n]*[^\s\x1c-\x1f][^\r\n]*$")]


class ApprovalWanted(_Asked):
    """A call that the program makes once the people named by the policy have approved exactly `arguments`."""

    title: _Label = Field(description="What is to be approved, in a few words; shown in quotation marks.")
    policy: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    arguments: Bounded = Field(description="What exactly is to be done, shown in full: 16 KB, 16 levels at most.")
    facts: Annotated[dict[_FactName, _FactText], Field(max_length=_FACTS)] = Field(
        default={}, description="Labelled lines for those who decide, shown as the program's words."
    )
    reports: bool = Field(
        default=True,
        description="false: nobody says what comes of it, so that `start` ends it; else people are asked in the end.",
    )

    def relayed(self) -> Approval:
        """Return the approval as the relay keeps it."""
        arguments, facts = dict(self.arguments), dict(self.facts)
        return Approval(title=self.title, policy=self.policy, arguments=arguments, facts=facts, reports=self.reports)


def _kind(body: Any) -> str:
    """Return which of the two was meant; anything else counts as a question that lacks something."""
    is_approval = isinstance(body, ApprovalWanted) or (isinstance(body, dict) and "policy" in body)
    return "approval" if is_approval else "question"


Wanted = Annotated[
    Annotated[QuestionWanted, Tag("question")] | Annotated[ApprovalWanted, Tag("approval")], Discriminator(_kind)
]
