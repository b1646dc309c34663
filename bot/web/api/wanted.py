"""What programs send to ask people: a question, or an approval under a policy."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag, model_validator

from agents.relay import Approval, Question
from agents.requests import Format, Frozen
from bot.config.tables import MAX_EXPIRES_AFTER_S
from bot.people.directory import QUESTION_EXPIRES_S
from bot.policy.answers import filled, pick
from bot.web.api.shapes import Bounded, IdempotencyKey, Person

_AT_MOST = 25
_SHORTEST_S = 60.0


def _distinct(items: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(items)) < len(items):
        raise ValueError("each only once")
    return items


_Question = Annotated[str, StringConstraints(min_length=1, max_length=4_000, pattern=r"[^\s\x1c-\x1f]")]
_Label = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\r\n]*[^\s\x1c-\x1f][^\r\n]*$")]
_Ref = Annotated[str, StringConstraints(pattern=r"^(person|group):[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
_UNIQUE: dict[str, Any] = {"uniqueItems": True}
_Labels = Annotated[
    tuple[_Label, ...], Field(max_length=_AT_MOST, json_schema_extra=_UNIQUE), AfterValidator(_distinct)
]
_Refs = Annotated[
    tuple[_Ref, ...],
    Field(min_length=1, max_length=_AT_MOST, json_schema_extra=_UNIQUE, description="Any one of them may answer."),
    AfterValidator(_distinct),
]


class _Asked(Frozen):
    requester: Person | None = Field(default=None, description="A person for whom the key may ask.")
    context: Bounded = Field(
        default={}, description="Data kept with the run and not shown to people: 16 KB and 16 levels at most."
    )
    idempotency_key: IdempotencyKey | None = Field(
        default=None, description="The same as the header Idempotency-Key: for 24 h it stands for this one request."
    )


class QuestionWanted(_Asked):
    """A question to people. `options` belong to the formats `choice` and `choices`, `fields` to `form`."""

    question: _Question = Field(description="Shown to people as the program's words.")
    to: _Refs
    format: Format = "free_text"
    options: _Labels = Field(default=(), description="What can be chosen, by label or by number.")
    fields: _Labels = Field(default=(), description="What is to be filled in; a label has no colon.")
    expires_after_s: float = Field(
        default=QUESTION_EXPIRES_S, ge=_SHORTEST_S, le=MAX_EXPIRES_AFTER_S, allow_inf_nan=False
    )

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        """What nobody could answer plainly is not asked."""
        if bool(self.options) != (self.format in {"choice", "choices"}):
            raise ValueError("options are for choice and choices, and these need some")
        if bool(self.fields) != (self.format == "form"):
            raise ValueError("fields are for a form, and a form needs some")
        for number, option in enumerate(self.options, 1):
            if pick(option, self.options) != option or pick(str(number), self.options) != option:
                raise ValueError(f"option {number} may be read as another one, or as its number; add a word to it")
        if self.fields and filled("\n".join(f"{field}: x" for field in self.fields), self.fields) is None:
            raise ValueError("fields can't be told apart as lines of `field: value`")
        return self

    def relayed(self) -> Question:
        """As the relay keeps it."""
        return Question(
            question=self.question,
            to=self.to,
            format=self.format,
            options=self.options,
            fields=self.fields,
            expires_after_s=self.expires_after_s,
        )


class ApprovalWanted(_Asked):
    """Something that the program does once those whom the policy names have approved exactly `arguments`."""

    title: _Label = Field(description="What is to be approved, in a few words; shown in quotation marks.")
    policy: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    arguments: Bounded = Field(description="What exactly is to be done, shown in full: 16 KB, 16 levels at most.")

    def relayed(self) -> Approval:
        """As the relay keeps it."""
        return Approval(title=self.title, policy=self.policy, arguments=dict(self.arguments))


def _kind(body: Any) -> str:
    """Which of the two was meant; what is neither is told as a question that lacks something."""
    is_approval = isinstance(body, ApprovalWanted) or (isinstance(body, dict) and "policy" in body)
    return "approval" if is_approval else "question"


Wanted = Annotated[
    Annotated[QuestionWanted, Tag("question")] | Annotated[ApprovalWanted, Tag("approval")], Discriminator(_kind)
]
