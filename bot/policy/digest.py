"""The digest an approval is bound to: one hash over everything that will be done, and for whom."""

import hashlib
from collections.abc import Mapping, Sequence

import rfc8785
from pydantic import JsonValue, TypeAdapter

from agents.forms import FormField
from agents.requests import GatedCall, PersonId, RequestId, RunId

_json: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)
_BIGGEST = 2**53  # RFC 8785 writes numbers as IEEE doubles; beyond this they are no longer exact


def call_digest(
    run_id: RunId, request_id: RequestId, nonce: str, call: GatedCall, requesters: Sequence[PersonId]
) -> str:
    """SHA-256 (hex) over the canonical JSON (RFC 8785) of an approval; integers beyond 2^53 count as strings."""
    effect = call.effect
    return _digest(
        {
            "run": run_id,
            "request": request_id,
            "nonce": nonce,
            "tool": call.tool,
            "schema_version": call.schema_version,
            "arguments": dict(call.arguments),
            "effect": list(effect.argv),
            "artifacts": dict(effect.artifacts),
            "environment": effect.environment,
            "cwd": effect.cwd,
            "requesters": sorted(requesters),
            # Left out where there is none, so that a digest of an earlier release is the same today.
            **({"commit": effect.commit} if effect.commit else {}),
        }
    )


def question_digest(
    run_id: RunId,
    request_id: RequestId,
    nonce: str,
    question: str,
    choices: Sequence[str],
    requesters: Sequence[PersonId],
) -> str:
    """SHA-256 (hex) over the canonical JSON of a question, so that an answer is bound to what was asked."""
    return _digest(
        {
            "run": run_id,
            "request": request_id,
            "nonce": nonce,
            "question": question,
            "choices": list(choices),
            "requesters": sorted(requesters),
        }
    )


def described(field: FormField) -> str:
    """Return all that is said of a field, as `question_digest` takes it: its name where that is all."""
    return field.name if field.is_plain else rfc8785.dumps(field.model_dump(mode="json")).decode()


def _digest(value: Mapping[str, object]) -> str:
    return hashlib.sha256(rfc8785.dumps(_exact(_json.validate_python(dict(value))))).hexdigest()


def _exact(value: JsonValue) -> JsonValue:
    match value:
        case dict():
            return {name: _exact(item) for name, item in value.items()}
        case list():
            return [_exact(item) for item in value]
        case bool():
            return value
        case int() if abs(value) >= _BIGGEST:
            return str(value)
        case _:
            return value
