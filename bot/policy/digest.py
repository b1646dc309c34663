"""The digest an approval is bound to: one hash over everything that will be done, and for whom."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal

import rfc8785
from pydantic import JsonValue, TypeAdapter

from agents.forms import FormField
from agents.requests import Format, GatedCall, PersonId, RequestId, RunId

DIGEST_VERSION = 2
"""Stands in what is hashed, so that no digest of another form is ever the same."""

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
            # Apart: a name that a person chose is never taken for one of ours.
            "versions": dict(effect.versions),
            "artifacts": dict(effect.artifacts),
            "environment": effect.environment,
            "cwd": effect.cwd,
            "commit": effect.commit,
            "requesters": sorted(requesters),
        }
    )


def question_digest(
    run_id: RunId,
    request_id: RequestId,
    nonce: str,
    question: str,
    form: Format | Literal["approval"],
    choices: Sequence[str],
    fields: Sequence[FormField],
    requesters: Sequence[PersonId],
) -> str:
    """SHA-256 (hex) over the canonical JSON of a question, so that an answer is bound to what was asked."""
    return _digest(
        {
            "run": run_id,
            "request": request_id,
            "nonce": nonce,
            "question": question,
            "format": form,
            "choices": list(choices),
            "fields": [field.model_dump(mode="json") for field in fields],
            "requesters": sorted(requesters),
        }
    )


def _digest(value: Mapping[str, object]) -> str:
    return hashlib.sha256(
        rfc8785.dumps(_exact(_json.validate_python({"digest_version": DIGEST_VERSION, **value})))
    ).hexdigest()


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
