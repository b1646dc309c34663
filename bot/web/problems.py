"""Errors as RFC 9457 problem details: what happened, and what to do next."""

from collections.abc import Mapping
from http import HTTPStatus

from pydantic import Field, JsonValue
from starlette.responses import Response

from agents.requests import Frozen, RequestId
from bot.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited, SaysoError, TookTooLong, WaitsForFile
from bot.policy.judgements import Judgement

MEDIA_TYPE = "application/problem+json"
# Long enough not to be a nuisance, short enough to be there when Redis is.
RETRY_AFTER_S = 2
FOR_PEOPLE_S = 60

_TITLES = {
    "invalid": "This does not fit the description of the operation",
    "malformed": "The body can't be read",
    "no-key": "No valid API key",
    "not-signed": "Not signed, or not in time",
    "scope-missing": "The API key may not do this",
    "not-for-programs": "People answer, programs do not",
    "not-yours": "Somebody else's to do",
    "not-found": "There is no such thing",
    "method": "This can't be done here",
    "too-large": "The body is too large",
    "too-slow": "It takes too long to work out",
    "media-type": "The body is of another kind",
    "misdirected": "Not the server of this name",
    "key-reused": "The idempotency key stands for something else",
    "digest-moved": "It has changed since you saw it",
    "already-decided": "Somebody else was first",
    "already-voted": "A person's first vote stands",
    "too-late": "It has started already",
    "already-begun": "Another attempt has begun",
    "already-finished": "It has ended otherwise",
    "closed": "There is nothing to answer any more",
    "not-now": "That makes no sense now",
    "not-entitled": "Not yours to decide",
    "not-this-way": "An approval does not count this way",
    "unclear": "Not plainly an answer",
    "not-editable": "It can't be changed so",
    "not-delegable": "It can't be handed on so",
    "stop-or-answer": "It may stop the run, or be the answer",
    "note-unconfirmed": "Words stand beside the approval",
    "rate-limited": "Too many",
    "unavailable": "Can't be done at the moment",
    "internal": "Something went wrong on our side",
}


class Found(Frozen):
    """One thing that is wrong with what was sent."""

    where: str
    what: str


class Difference(Frozen):
    """A field that was sent with one value before and another one now."""

    field: str
    before: JsonValue = None
    now: JsonValue = None


class Problem(Frozen):
    """A problem: what happened (`detail`) and what to do next (`do`).

    `type` is stable; programs may go by it. `judgement` is that of an answer; `difference` and `changes` say what is
    not as it was; `digest` and `revision` are the current ones, `newer` is a request that came after this one. `slack`
    is the state of the connection to Slack, if that is missing.
    """

    type: str = Field(examples=["urn:sayso:problem:not-found"])
    title: str
    status: int
    detail: str
    do: str
    errors: tuple[Found, ...] | None = None
    judgement: Judgement | None = None
    difference: tuple[Difference, ...] | None = None
    changes: tuple[str, ...] | None = None
    digest: str | None = None
    revision: int | None = None
    newer: RequestId | None = None
    slack: str | None = None


class ProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem.detail)
        self.problem, self.headers = problem, dict(headers or {})

    def response(self) -> Response:
        """The problem as it is sent."""
        body = self.problem.model_dump_json(exclude_none=True)
        return Response(body, self.problem.status, self.headers, MEDIA_TYPE)


def trouble(
    status: int,
    name: str,
    detail: str,
    do: str,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, object] | None = None,
) -> ProblemError:
    """A problem of the kind `name`; `more` are its own fields."""
    told = {"type": f"urn:sayso:problem:{name}", "title": _TITLES[name], "status": status, "detail": detail, "do": do}
    return ProblemError(Problem.model_validate({**told, **(more or {})}), headers)


def leaving() -> ProblemError:
    """Another process answers, or this one's successor."""
    return unavailable("This process is about to leave.")


def unavailable(detail: str) -> ProblemError:
    """Redis is away, or there is no room."""
    return trouble(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unavailable",
        detail,
        f"Send the same again after {RETRY_AFTER_S} s; an Idempotency-Key makes that safe",
        {"Retry-After": str(RETRY_AFTER_S)},
    )


def problem_of(error: SaysoError) -> ProblemError:
    """The problem that tells `error`: its kind gives the status, its words the rest."""
    detail = f"{error.what.rstrip('.')}."
    match error:
        case NotFound():
            return trouble(HTTPStatus.NOT_FOUND, "not-found", detail, error.do)
        case Forbidden():
            return trouble(HTTPStatus.FORBIDDEN, "not-yours", detail, error.do)
        case Conflict():
            return trouble(HTTPStatus.CONFLICT, "not-now", detail, error.do)
        case Invalid():
            return trouble(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, error.do or "Correct that")
        case TookTooLong():
            return trouble(HTTPStatus.UNPROCESSABLE_ENTITY, "too-slow", detail, error.do)
        case RateLimited():
            wait_s = max(1, round(error.retry_after_s + 0.5))
            do = f"{error.do}, then send the same again after {wait_s} s"
            return trouble(HTTPStatus.TOO_MANY_REQUESTS, "rate-limited", detail, do, {"Retry-After": str(wait_s)})
        case WaitsForFile():  # people settle it, which may take them days
            again = {"Retry-After": str(FOR_PEOPLE_S)}
            return trouble(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, error.do, again)
        case _:
            return unavailable(detail)


def not_found(what: str, do: str) -> ProblemError:
    """`what` does not exist."""
    return trouble(HTTPStatus.NOT_FOUND, "not-found", what, do)
