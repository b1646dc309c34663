"""How the OpenAPI description tells of answers: an example for each that is well, a problem for each that is not."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from bot.web.problems import MEDIA_TYPE, trouble, unavailable


class Worded(NamedTuple):
    """An example, with a description where the framework has none."""

    words: str
    example: object


_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_RETRY = {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer", "minimum": 0}}
_MEANINGS: dict[int, tuple[str, str]] = {
    400: ("malformed", "The body can't be read."),
    401: ("no-key", "There is no API key in the request, or it is not known, or was revoked."),
    403: ("scope-missing", "The key lacks the scope that this needs, or it is not its person's to do."),
    404: ("not-found", "There is nothing of that id."),
    408: ("malformed", "The body did not come to an end in time."),
    409: ("not-now", "It makes no sense as things stand now; the problem says what stands."),
    413: ("too-large", "The body has more than 65536 bytes."),
    415: ("media-type", "The body is not JSON, or does not say so."),
    421: ("misdirected", "This server does not answer to that name."),
    422: ("invalid", "What was sent does not fit; `errors` says where."),
    429: (
        "rate-limited",
        "Too many runs of this person were started, or this key holds too many streams and long polls.",
    ),
    503: ("unavailable", "Redis is away. Nothing is lost."),
}
_DO = {
    400: "Send JSON with Content-Type: application/json",
    401: "Send Authorization: Bearer KEY; `sayso keys create` makes one",
    403: "Use a key made with --scope trigger",
    404: "GET /v1/runs and GET /v1/requests list what there is",
    408: "Send it in one go",
    409: "Look at it again",
    413: "Send less; link to what is large",
    415: "Send JSON with Content-Type: application/json",
    421: "Use the address it was set up with, or set SAYSO_PUBLIC_URL to this one",
    422: "Correct that; /openapi.json says what is allowed",
    429: "Send the same again after 17 s",
}
_ALWAYS = (401, 421, 503)


def answers(*problems: int, shown: Mapping[int, Any]) -> dict[int | str, dict[str, Any]]:
    """What an operation may answer. `shown` are the examples of what is well."""
    described: dict[int | str, dict[str, Any]] = {}
    for status, example in shown.items():
        words, shown_body = example if isinstance(example, Worded) else Worded(HTTPStatus(status).phrase, example)
        described[status] = {"description": words, "content": {"application/json": {"example": shown_body}}}
    with_body = (400, 408, 415) if 413 in problems else ()
    for status in sorted({*_ALWAYS, *with_body, *problems}):
        described[status] = _problem(status)
    return described


def leads_to(parameter: str, expression: str, *operations: str) -> dict[str, Any]:
    """Links from an answer to the operations that take what `expression` finds in it."""
    return {name: {"operationId": name, "parameters": {parameter: expression}} for name in operations}


def _problem(status: int) -> dict[str, Any]:
    name, meaning = _MEANINGS[status]
    is_away = status == HTTPStatus.SERVICE_UNAVAILABLE
    made = unavailable(meaning) if is_away else trouble(status, name, meaning, _DO[status])
    example = made.problem.model_dump(mode="json", exclude_none=True)
    told: dict[str, Any] = {
        "description": meaning,
        "content": {MEDIA_TYPE: {"schema": _PROBLEM, "example": example}},
    }
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        told["headers"] = {"Retry-After": _RETRY}
    if status == HTTPStatus.UNAUTHORIZED:
        told["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}}
    return told
