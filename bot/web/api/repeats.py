"""Idempotency keys: for a day the same key stands for the same run, and for what a program asks people as long as that
request is kept.
"""

import hashlib
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import JsonValue, TypeAdapter

from agents.events import RunStarted
from agents.relay import Approval, Question, asked_in
from agents.requests import Frozen, PersonId, RequestId, RunId
from bot.people.api_keys import ApiKey
from bot.store import Store
from bot.store.ids import foreign_run, ingress_shard, new_id
from bot.web.api.shapes import Absent, IdempotencyKey
from bot.web.problems import Difference, ProblemError, trouble

_HEADER = "Idempotency-Key"
KEEP_S = 24 * 3600.0
_SHOWN_CHARS, _HASH_CHARS = 200, 12


class _Known(Frozen):
    """The meaning of an idempotency key: the hash of its body, and enough of each field to say what differs."""

    run_id: RunId
    sha256: str
    wanted: dict[str, str]


def _of_header(
    request: Request,
    sent: Annotated[
        IdempotencyKey | Absent, Header(alias=_HEADER, description="Makes it safe to send this again.")
    ] = None,
) -> str | None:
    """The idempotency key in the header. Raises ProblemError when there are two, of which one would be left out."""
    if len(request.headers.getlist(_HEADER)) > 1:
        detail = "There is more than one header Idempotency-Key."
        raise trouble(HTTPStatus.CONFLICT, "key-reused", detail, "Send one of them")
    return sent


OnceHeader = Annotated[str | None, Depends(_of_header)]


def run_asked_under(key: ApiKey, once: str) -> RunId:
    """The run of the request that `once` stands for, opened or not, for as long as it is kept."""
    return RunId(foreign_run(f"{key.prefix} asks {once}", key.shards))


def check_is_same(
    asked: RunStarted, request: RequestId, wanted: Question | Approval, context: Mapping[str, JsonValue], by: PersonId
) -> None:
    """Check that the `request` that a run asked is what is `wanted` under the same key. Raises ProblemError.

    What was asked is read anew: a field that it did not have yet has its default.
    """
    before = asked_in(asked)
    fields = (
        {"requester": asked.requester, "context": asked.context.get("context"), **(before.told() if before else {})},
        {"requester": by, "context": dict(context), **wanted.told()},
    )
    sent, now = ({name: _text(value) for name, value in sorted(one.items())} for one in fields)
    if sent != now:
        do = f"Send the same again, go on with {request} by its id, or send another key for something else"
        raise _reused(request, {name: _short(text) for name, text in sent.items()}, now, do)


async def remembered(
    store: Store, key: ApiKey, once: str, wanted: Frozen, requester: PersonId, run_id: RunId | None = None
) -> RunId:
    """The run that `once` stands for, started or not. Raises ProblemError when it stands for something else.

    The id, `run_id` if given, is drawn before the run is started: whoever repeats a call that died halfway goes on with
    the same run.
    """
    foreign = _foreign(key, once)
    fields = _comparable(wanted, requester)
    sha256 = hashlib.sha256("\n".join(f"{name} {text}" for name, text in fields.items()).encode()).hexdigest()
    run_id = run_id or RunId(new_id("run", ingress_shard(foreign, store.shards)))
    fresh = _Known(run_id=run_id, sha256=sha256, wanted={name: _short(text) for name, text in fields.items()})
    found, is_new = await store.remember(foreign, fresh.model_dump_json().encode(), KEEP_S)
    known = fresh if is_new else _Known.model_validate_json(found)
    if known.sha256 == sha256:
        return known.run_id
    raise _reused(known.run_id, known.wanted, fresh.wanted)


def note_replayed(response: Response) -> None:
    """Say in `response` that it is about what the same key made before."""
    response.headers["Idempotency-Replayed"] = "true"
    response.status_code = HTTPStatus.OK


async def forgotten(store: Store, key: ApiKey, once: str) -> None:
    """Let `once` stand for nothing again: what came with it was not asked, and another body may come."""
    await store.forget(_foreign(key, once))


def _foreign(key: ApiKey, once: str) -> str:
    return f"api:{key.prefix}:{once}"


def _reused(
    stands_for: RunId | RequestId,
    before: dict[str, str],
    now: dict[str, str],
    do: str = "Send the same again, or another key for something else",
) -> ProblemError:
    now = {name: _short(text) for name, text in now.items()}
    return trouble(
        HTTPStatus.CONFLICT,
        "key-reused",
        f"The key stands for {stands_for}, which was asked for otherwise: the difference says where.",
        do,
        more={"difference": _difference(before, now)},
    )


def _difference(before: dict[str, str], now: dict[str, str]) -> list[Difference]:
    return [
        Difference(field=field, before=_value(before.get(field)), now=_value(now.get(field)))
        for field in sorted({*before, *now})
        if before.get(field) != now.get(field)
    ]


_json: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


def _comparable(wanted: Frozen, requester: PersonId) -> dict[str, str]:
    """Each field as JSON, where 1 is not true. Who sends no requester means the key's own person."""
    body = wanted.model_copy(update={"requester": requester})
    fields = _json.validate_json(body.model_dump_json())
    return {name: _text(value) for name, value in sorted(fields.items())}


def _text(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _short(text: str) -> str:
    """Enough to tell it apart; what is longer ends in its hash."""
    if len(text) <= _SHOWN_CHARS:
        return text
    return f"{text[:_SHOWN_CHARS]}… (sha256 {hashlib.sha256(text.encode()).hexdigest()[:_HASH_CHARS]})"


def _value(text: str | None) -> JsonValue:
    """A field as it was sent, where all of it is kept."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text
