"""The operation by which a program asks people, without a run of its own."""

from collections.abc import Set
from http import HTTPStatus
from typing import Annotated, Any, Self

from fastapi import APIRouter, Body, Depends, Response
from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag, model_validator

from agents.relay import Approval, Question
from agents.requests import Format, Frozen, PersonId
from bot.config.tables import MAX_EXPIRES_AFTER_S
from bot.people.api_keys import ApiKey
from bot.people.directory import QUESTION_EXPIRES_S
from bot.policy.answers import filled, pick
from bot.render.views import RequestView
from bot.runs.api_requests import Asker
from bot.web.api import docs
from bot.web.api.docs import Worded, answers, leads_to
from bot.web.api.keyed import HereNow, MayTrigger, only_known_queries, requester_of
from bot.web.api.repeats import one_of, remembered
from bot.web.api.requests import view_of
from bot.web.api.shapes import Bounded, IdempotencyKey, OnceHeader, Person
from bot.web.here import Here
from bot.web.problems import trouble

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


router = APIRouter(prefix="/v1/requests", tags=["requests"], dependencies=[Depends(only_known_queries)])

_REPLAYED = Worded("The request that this idempotency key stands for.", docs.QUESTION)
_OPENED = answers(403, 409, 413, 422, 429, shown={201: docs.QUESTION, 200: _REPLAYED})
_OPENED[200]["model"] = RequestView
_OPENED[201]["links"] = leads_to("request_id", "$response.body#/id", "showRequest", "answerRequest", "withdrawRequest")


@router.post("", operation_id="openRequest", status_code=HTTPStatus.CREATED, responses=_OPENED)
async def opened(
    wanted: Annotated[Wanted, Body(openapi_examples=docs.WANTED_OF_PEOPLE)],
    key: MayTrigger,
    here: HereNow,
    response: Response,
    idempotency_key: OnceHeader = None,
) -> RequestView:
    """Ask people a question, or for an approval under a policy, as a program with a logic of its own.

    The request is open when this answers; wait for it with `GET /v1/requests/{id}?wait_s=50`. Whom a key may ask is
    listed with it (`sayso keys create --asks`). sayso executes nothing: of an approval, `may_act` says whether the
    program may go ahead. With an idempotency key the same body leads to the same request for 24 h, then with status
    200 and the header `Idempotency-Replayed: true`.
    """
    requester = requester_of(key, wanted.requester, here.app.people)
    _check_may_ask(here, key, wanted)
    once = one_of(wanted.idempotency_key, idempotency_key)
    run_id = await remembered(here.app.store, key, once, wanted, requester) if once else None
    if run_id and (earlier := await here.app.relay.asked(run_id)):
        response.headers["Idempotency-Replayed"] = "true"
        response.status_code = HTTPStatus.OK
        return await view_of(here, earlier)
    submitter = key.person if key.person != requester else None
    asker = Asker(requester, submitter, key.service or "", holders=key.holders)
    request_id = await here.app.relay.ask(wanted.relayed(), dict(wanted.context), asker, run_id)
    response.headers["Location"] = f"/v1/requests/{request_id}"
    return await view_of(here, request_id)


def _check_may_ask(here: Here, key: ApiKey, wanted: QuestionWanted | ApprovalWanted) -> None:
    """Raises Trouble for anybody whom the key may not ask; who does not exist is nobody whom it may ask, either."""
    listed = key.may_ask()
    if isinstance(wanted, ApprovalWanted):
        beyond = [f"policy:{wanted.policy}"] if f"policy:{wanted.policy}" not in listed else []
    else:
        people = here.app.people
        reached = set(people.members(ref for ref in listed if not ref.startswith("policy:")))
        beyond = [ref for ref in wanted.to if ref not in listed and not _is_within(people.members([ref]), reached)]
    if beyond:
        detail = f"This key may not ask {', '.join(beyond)}."
        do = f"It may ask: {', '.join(listed) or 'nobody'}. Make a key with --asks {','.join(beyond)}"
        raise trouble(HTTPStatus.FORBIDDEN, "not-yours", detail, do)


def _is_within(people: tuple[PersonId, ...], reached: Set[PersonId]) -> bool:
    return bool(people) and reached >= set(people)
