"""The answers in the OpenAPI description: an example for each that is well, a problem for each that is not."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi.openapi.models import Example

from bot.store.format import FORMAT
from bot.web.problems import MEDIA_TYPE, trouble, unavailable

_RUN_ID, _REQUEST_ID = "s3r-k7m2xq4d5v6ab", "s3q-p2w4zt6n3c7de"
_AT = "2026-03-02T09:30:00Z"
DIGEST = "5b1f0c62a4d7e839f0b1c2d3e4f5a6978877665544332211ffeeddccbbaa9900"

_SUMMARY: dict[str, Any] = {
    "id": _RUN_ID,
    "agent": "deploy",
    "state": "waiting",
    "requester": "anna",
    "text": "deploy v1.2.0 to production",
    "started_at": _AT,
    "open": _REQUEST_ID,
    "outcome": "",
    "is_rehearsal": False,
    "word": "waiting",
    "words_of": "code",
    "change": None,
    "live": {},
    "effects": [],
}
_FILE: dict[str, Any] = {
    "name": "checklist.csv",
    "type": "text/csv",
    "size_bytes": 312,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "note": "",
    "is_inline": False,
}
_OUTPUT = {**_FILE, "name": "output.txt", "type": "text/plain", "size_bytes": 48_200}
_RESULTS = [{"kind": "error", "text": "./deploy.sh ended with exit code 1.\ndisk full"}]
RUN = {**_SUMMARY, "seq": 5, "results": _RESULTS, "files": [_FILE], "outputs": [_OUTPUT]}
RUNS = {"runs": [_SUMMARY], "next": f"1772443800000.{_RUN_ID}", "unread": 0}
_FORKED = {"how": "fork", "source": "s1r-q3w5e7r2t4y6u", "at_seq": 4, "by": "anna"}
FORK = {**RUN, "forked": _FORKED, "state": "running", "open": None}
_STARTED = {
    "type": "run_started",
    "schema_version": 1,
    "at": _AT,
    "run_id": _RUN_ID,
    "agent": "deploy",
    "channel": "api",
    "requester": "anna",
    "text": "deploy v1.2.0 to production",
    "max_steps": 10,
}
EXPORT = {
    "format": "sayso run",
    "version": FORMAT,
    "release": "0.1.0",
    "exported_at": _AT,
    "run_id": _RUN_ID,
    "events": [_STARTED],
}
SEEN = {
    "run_id": _RUN_ID,
    "step": 1,
    "text": "<run>\n…\n</run>\nSteps taken: 0 of 10. Choose the next step.",
    "model": "claude-sonnet-5-5",
    "prompt": "deploy@1",
    "is_same": True,
    "note": "Exactly what was sent, by its hash.",
    "reply": None,
    "reply_kept_until": None,
    "reply_is_same": None,
    "reply_note": "What the model answered is not kept, or no longer: see keep_replies in the settings.",
}
STEERED = {"id": _RUN_ID, "state": "paused", "told": ""}
STANDING: dict[str, Any] = {
    "id": "s0g-k7m2xq4d5v6ab",
    "state": "valid",
    "title": "Deploy v1.2.0 to staging",
    "person": "anna",
    "policy": "staging",
    "tool": "deploy",
    "environment": "staging",
    "arguments": {"environment": "staging"},
    "open": ["version"],
    "uses": 3,
    "used": [{"request": "s3q-k7m2xq4d5v6ab", "run": "s3r-k7m2xq4d5v6ab", "at": _AT}],
    "until": "2026-03-30T00:00:00Z",
    "granted_by": ["bo"],
    "granted_at": _AT,
    "run": "s3r-a7m2xq4d5v6ab",
    "request": "s3q-a7m2xq4d5v6ab",
    "revoked": None,
    "lapsed": "",
}
STANDING_REVOKED = {**STANDING, "state": "revoked", "revoked": {"by": "bo", "at": _AT, "reason": "incident 4711"}}

REQUEST: dict[str, Any] = {
    "id": _REQUEST_ID,
    "run_id": _RUN_ID,
    "state": "open",
    "title": "Deploy v1.2.0 to production, replacing v1.0.0?",
    "words": "deploy v1.2.0 to production",
    "words_are_own": True,
    "quoted": "",
    "format": "approval",
    "options": [],
    "fields": [],
    "revision": 1,
    "digest": DIGEST,
    "requesters": ["anna"],
    "askers": ["anna"],
    "policy": "production",
    "may_decide": ["bo", "cy"],
    "quorum": 1,
    "rule": "Bo Berg or Cy Cole",
    "votes": [],
    "call": {
        "tool": "deploy",
        "schema_version": 1,
        "arguments": {"environment": "production", "version": "v1.2.0"},
        "effect": {
            "argv": ["./deploy.sh", "production", "63e28bf"],
            "versions": {"v1.2.0": "63e28bf"},
            "artifacts": {},
            "environment": "production",
            "cwd": "",
            "facts": [],
        },
    },
    "changes": [],
    "opened_at": _AT,
    "expires_at": "2026-03-02T13:30:00Z",
    "started_at": None,
    "decision": None,
    "is_rehearsal": False,
    "program": "",
    "may_act": None,
    "step": None,
    "next_due": {"kind": "reminder", "at": "2026-03-02T10:00:00Z", "people": ["bo", "cy"]},
    "urgency": "medium",
    "reminded": 0,
    "escalated_at": None,
}
QUESTION: dict[str, Any] = {
    **REQUEST,
    "title": "Staging is full. Which one may go?",
    "words": "",
    "words_are_own": False,
    "quoted": "Staging is full. Which one may go?",
    "format": "choice",
    "options": ["staging-3", "staging-7"],
    "policy": "question",
    "rule": "Bo Berg or Cy Cole",
    "call": None,
    "program": "service:ci",
}
OUTCOME: dict[str, Any] = {
    "id": _REQUEST_ID,
    "decision": "answered",
    "answer": "staging-7",
    "by": ["bo"],
    "at": _AT,
}
WANTED_OF_PEOPLE: dict[str, Example] = {
    "question": {
        "summary": "Ask a question that any one of a few people may answer",
        "value": {
            "question": "Staging is full. Which one may go?",
            "to": ["person:bo", "group:release"],
            "format": "choice",
            "options": ["staging-3", "staging-7"],
            "expires_after_s": 3600,
        },
    },
    "form": {
        "summary": "Ask for several things at once, each of its kind",
        "value": {
            "question": "When is the window?",
            "to": ["group:release"],
            "format": "form",
            "fields": [
                "ticket",
                {"name": "begins", "label": "First day", "kind": "date", "minimum": "2026-11-01"},
                {"name": "hours", "kind": "number", "minimum": "0.5", "maximum": "8"},
                {"name": "silent", "label": "Without alarms", "kind": "yes_no", "required": False, "default": False},
            ],
        },
    },
    "approval": {
        "summary": "Ask for an approval of what the program is going to do",
        "value": {
            "title": "Delete volume 17",
            "policy": "production",
            "arguments": {"volume": 17, "snapshot_first": True},
        },
    },
}
REQUESTS = {"requests": [REQUEST], "next": None, "unread": 0}
WITHDRAWN = {"id": _REQUEST_ID, "state": "withdrawn", "told": ""}

PEOPLE = {
    "people": [{"id": "anna", "name": "Anna Ames"}],
    "oncall": [
        {
            "name": "ops",
            "now": {"person": "anna", "starts": "2026-11-02T08:00:00Z", "until": "2026-11-09T08:00:00Z"},
            "next": None,
        }
    ],
}
PLACES: dict[str, object] = {
    "environments": [
        {
            "name": "production",
            "live": "63e28bf0c1d2e3f4a5b60718293a4b5c6d7e8f90 (v1.1.0)",
            "policy": "production",
            "running": {"run": "s3r-k7m2xq4d5v6ab", "requester": "anna", "text": "deploy v1.2.0", "since": _AT},
            "waiting": [],
        }
    ]
}
FREEZE: dict[str, object] = {
    "environment": "production",
    "by": "dan",
    "reason": "incident 4711",
    "window": "",
    "since": _AT,
    "until": None,
    "seen": "2026-03-02T09:30:00+00:00",
    "told": "production: Frozen since 09:30 UTC on 2 Mar 2026 by Dan Dorn: “incident 4711”",
}
COMING: dict[str, object] = {
    "window": "weekend",
    "environments": ["production"],
    "since": "2026-03-07T00:00:00Z",
    "until": "2026-03-09T00:00:00Z",
    "timezone": "UTC",
    "told": "production: the window “weekend”, from Sat 7 Mar, 00:00 UTC, until Mon 9 Mar, 00:00 UTC",
}
STARTED: dict[str, object] = {
    "id": "s3q-k7m2xq4d5v6ab",
    "attempt": "worker-7",
    "started_at": _AT,
    "digest": DIGEST,
    "arguments": {"name": "staging-seven"},
    "approved_by": ["bo"],
}
STARTS: dict[str, Example] = {
    "attempt": {"summary": "Begin what was approved", "value": {"attempt": "worker-7", "digest": DIGEST}}
}
FINISHED: dict[str, object] = {
    "id": "s3q-k7m2xq4d5v6ab",
    "attempt": "worker-7",
    "ok": True,
    "summary": "staging-seven is gone",
    "finished_at": _AT,
}
FINISHES: dict[str, Example] = {
    "done": {"summary": "It is done", "value": {"attempt": "worker-7", "ok": True, "summary": "staging-seven is gone"}}
}
POLICIES: dict[str, object] = {
    "policies": [
        {
            "name": "production",
            "told": "Bo Berg; one approval is needed · open for 4 h · to be begun within 15 min of the approval",
            "quorum": 1,
            "expires_after_s": 14_400.0,
            "execute_within_s": 900.0,
            "frozen": "",
            "windows": [],
        }
    ]
}
FREEZES: dict[str, object] = {"freezes": [FREEZE], "coming": [COMING]}
ABSENCE: dict[str, object] = {
    "person": "bo",
    "starts": _AT,
    "until": "2026-03-09T23:00:00Z",
    "to": "cy",
    "by": "bo",
    "told": "Bo Berg is away from 09:30 UTC on 02 March 2026 until 23:00 UTC on 09 March 2026. Cy Cole stands in.",
}
ABSENCES: dict[str, object] = {"absences": [ABSENCE]}
EXPLAINED: dict[str, object] = {
    "policy": "production",
    "person": "anna",
    "at": _AT,
    "environments": ["production"],
    "needs": "Bo Berg or Cy Cole",
    "lacking": 1,
    "asked": [{"person": "bo", "because": "as a member of the group release", "by": ["slack", "email"]}],
    "coming": [{"kind": "expiry", "at": _AT}],
    "expires_at": _AT,
    "title": "If Anna Ames asks on Mon 2 Mar, 10:30 CET for what production gates, and nobody answers",
    "lines": [{"label": "Who decides", "text": "Bo Berg or Cy Cole; one approval is needed"}],
}
STATUS: dict[str, object] = {
    "store_format": 1,
    "needs": ["1 dead letters: `sayso dead` lists what was given up"],
    "runs": {"done": 41, "waiting": 3},
    "started": 44,
    "open": 3,
    "open_by_age": {"under 5m": 2, "5m-1h": 1, "1h-4h": 0, "4h-1d": 0, "1d-3d": 0, "3d-7d": 0, "over 7d": 0},
    "oldest_open_s": 1260.5,
    "decided_24h": 12,
    "decision_p50_s": 95.0,
    "answers": {"counted": 4, "decided": 38},
    "expired": 1,
    "ready": 0,
    "lag_s": 0.0,
    "outbox": 1,
    "dead_letters": 1,
    "quarantined": 0,
    "delivery_failures": {"slack": 1},
    "model_calls": 120,
    "model_tokens": {"cache_read": 310000, "input": 42000, "output": 9000},
    "cost_usd": 1.93,
    "unsealed": 0,
    "unsealed_s": 0.0,
    "frozen": ["production: Frozen since 10:12 UTC on 2 March 2026 by Dan Dorn: “incident 4711”"],
    "ended": {"done": 41},
    "unchanged": 2,
    "glass_broken": 1,
    "decisions_within": {"60.0": 14, "300.0": 31, "900.0": 38, "+Inf": 38},
    "decision_mean_s": 161.2,
    "ready_by_work": {"answers": 0, "other": 0},
    "lags_s": {"answers": 0.0, "other": 0.0, "schedule": 0.0, "audit": 0.0},
    "model_outcomes": {"chosen": 118, "model_error": 2},
    "unpriced_calls": 0,
    "model_calls_within": {"1.0": 9, "2.5": 71, "5.0": 116, "+Inf": 120},
    "model_call_mean_s": 2.7,
}
DONE = {"id": "s3o-k7m2xq4d5v6ab", "told": "s3o-k7m2xq4d5v6ab is tried again."}
DEAD = {
    "letters": [
        {
            "id": "s3o-k7m2xq4d5v6ab",
            "kind": "dead",
            "what": "a card for bo",
            "why": "no channel took it for 3 days",
            "at": _AT,
            "member": "out s3o-k7m2xq4d5v6ab",
        }
    ]
}

AUDIT = {
    "records": [
        {
            "n": 2,
            "shard": 3,
            "kind": "vote",
            "at": _AT,
            "channel": "email",
            "run_id": "s3r-k7m2xq4d5v6ab",
            "seq": 7,
            "request_id": "s3q-k7m2xq4d5v6ab",
            "revision": 1,
            "digest": DIGEST,
            "tool": "deploy",
            "environment": "production",
            "outcome": "approve",
            "policy_name": "production",
            "who": "bo",
            "evidence": "mx.corp.example: dmarc=pass header.from=corp.example",
            "seal": DIGEST,
        }
    ],
    "next": None,
    "since": _AT,
}

_DECISION = {
    "state": "approved",
    "by": ["bo"],
    "way": "api",
    "reason": "",
    "given": None,
    "at": _AT,
    "channel": "api",
    "evidence": "",
}
_VOTE = {
    "reply_id": "api-0f1e2d3c4b5a6978",
    "person": "bo",
    "approve": True,
    "reason": "",
    "binding": {"by": "digest", "revision": 1, "digest": DIGEST},
    "proof": {"by": "key", "key": "k7m2xq4d"},
    "at": _AT,
    "channel": "api",
    "evidence": "API key sayso_k7m2xq4d",
}
ANSWERED = {
    "judgement": {"type": "decided", "decision": _DECISION, "vote": _VOTE},
    "told": "Bo Berg approved at 09:31 UTC on 02 March 2026.",
    "request": {**REQUEST, "state": "approved", "votes": [_VOTE], "decision": _DECISION},
}
ANSWERS: dict[str, Example] = {
    "approve": {"summary": "Approve what was shown", "value": {"vote": "approve", "digest": DIGEST}},
    "deny": {"summary": "Deny, with a reason", "value": {"vote": "deny", "reason": "not on a Friday"}},
    "break_glass": {
        "summary": "Break the glass: decide alone, in an emergency",
        "value": {"vote": "break_glass", "digest": DIGEST, "reason": "checkout is down and nobody answers"},
    },
    "text": {"summary": "Answer a question", "value": {"text": "staging first"}},
    "ask": {"summary": "Ask back: decides nothing", "value": {"ask": "Why now?"}},
    "choices": {"summary": "Pick options", "value": {"choices": ["staging"]}},
    "form": {
        "summary": "Fill in a form",
        "value": {"form": {"ticket": "OPS-7", "begins": "2026-12-24", "hours": 1.5, "silent": True}},
    },
}

_CHANGED = {
    **REQUEST,
    "revision": 2,
    "changes": ["Bo Berg changed version from v1.2.0 to v1.3.0: votes before are void."],
    "may_decide": ["cy"],
    "may_not_decide": {"bo": "changed version and may only deny it"},
}
EDITED = {
    "judgement": {"type": "edited", "names": ["version"], "revision": 2, "digest": DIGEST},
    "told": "You changed version, and everybody is asked again. Votes before are void. …",
    "request": _CHANGED,
}
EDITS: dict[str, Example] = {
    "version": {
        "summary": "Have another version approved",
        "value": {"args": {"version": "v1.3.0"}, "digest": DIGEST},
    }
}

DELEGATED = {
    "judgement": {"type": "delegated", "person": "bo", "to": "cy"},
    "told": "You handed it on to Cy Cole, who decides in your place. …",
    "request": _CHANGED
    | {"may_decide": ["cy"], "handed_on": [{"person": "bo", "to": "cy", "why": "delegated", "reason": "I am off"}]},
}
DELEGATIONS: dict[str, Example] = {
    "cy": {"summary": "Have somebody else decide", "value": {"to": "cy", "reason": "I am off until Monday"}}
}

_PAUSED = {"type": "run_paused", "schema_version": 1, "at": _AT, "by": "anna"}
EVENTS = {"events": [{"seq": 6, "event": _PAUSED}], "seq": 6}
_TOLD = '{"seq":6,"event":{"type":"run_paused","schema_version":1,"at":"2026-03-02T09:30:00Z","by":"anna"}}'
STREAM = f"id: 6\ndata: {_TOLD}\n\n"


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
    503: ("unavailable", "Redis is away, or it waits for a half-taken sayso.toml. Nothing is lost."),
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
    """Return the answers an operation may give.

    `shown` are the examples of those that are well.
    """
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
