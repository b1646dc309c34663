"""Idempotency keys: for a day the same key stands for the same run, and so for the request that a run began with."""

import json
from http import HTTPStatus

from pydantic import JsonValue, TypeAdapter

from agents.requests import Frozen, PersonId, RunId
from bot.apikeys import ApiKey
from bot.ids import ingress_shard, new_id
from bot.store import Store
from bot.web.api.shapes import RunWanted
from bot.web.api.wanted import ApprovalWanted, QuestionWanted
from bot.web.problems import Difference, trouble

Wanted = RunWanted | QuestionWanted | ApprovalWanted

KEEP_S = 24 * 3600.0
_SHOWN_CHARS = 200


class _Known(Frozen):
    """What an idempotency key stands for."""

    run_id: RunId
    wanted: dict[str, JsonValue]


def one_of(in_body: str | None, in_header: str | None) -> str | None:
    """The idempotency key that was sent. Raises Trouble when there are two."""
    if in_body and in_header and in_body != in_header:
        detail = "The idempotency key in the body is not the one in the header."
        raise trouble(HTTPStatus.CONFLICT, "key-reused", detail, "Send one of the two")
    return in_body or in_header


async def remembered(store: Store, key: ApiKey, once: str, wanted: Wanted, requester: PersonId) -> RunId:
    """The run that `once` stands for, started or not. Raises Trouble when it stands for something else.

    The id is drawn before the run is started: whoever repeats a call that died halfway goes on with the same run.
    """
    foreign = f"api:{key.prefix}:{once}"
    body = _comparable(wanted, requester)
    fresh = _Known(run_id=RunId(new_id("run", ingress_shard(foreign, store.shards))), wanted=body)
    found, is_new = await store.remember(foreign, fresh.model_dump_json().encode(), KEEP_S)
    known = fresh if is_new else _Known.model_validate_json(found)
    if known.wanted == body:
        return known.run_id
    raise trouble(
        HTTPStatus.CONFLICT,
        "key-reused",
        f"The idempotency key stands for {known.run_id}, which was asked for with another body.",
        "Send the same body again, or another key for another run",
        more={"difference": _difference(known.wanted, body)},
    )


def _difference(before: dict[str, JsonValue], now: dict[str, JsonValue]) -> list[Difference]:
    return [
        Difference(field=field, before=_short(before.get(field)), now=_short(now.get(field)))
        for field in sorted({*before, *now})
        if before.get(field) != now.get(field)
    ]


_json: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


def _comparable(wanted: Wanted, requester: PersonId) -> dict[str, JsonValue]:
    """What makes two bodies the same: who sends no requester means the key's own person."""
    body = wanted.model_copy(update={"requester": requester})
    return _json.validate_json(body.model_dump_json(exclude={"idempotency_key"}))


def _short(value: JsonValue) -> JsonValue:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
