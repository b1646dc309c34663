"""Failures of the model to give a step, and what to do about each. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

FailureKind = Literal[
    "timeout",
    "connection",
    "overloaded",
    "rate_limited",
    "auth",
    "out_of_credit",
    "refused",
    "too_long",
    "not_sent",
    "no_tool",
    "many_tools",
    "unknown_tool",
    "bad_arguments",
    "bad_body",
]

_PASSING: frozenset[FailureKind] = frozenset({"timeout", "connection", "overloaded", "rate_limited", "bad_body"})
_FOR_OPERATORS: frozenset[FailureKind] = frozenset({"auth", "out_of_credit", "refused"})
_OF_THE_ANSWER: frozenset[FailureKind] = frozenset({"no_tool", "many_tools", "unknown_tool", "bad_arguments"})
# So many in a row, and it is not tried the same way again.
IN_A_ROW = 3
# The model was not asked, as what it must see is above the agent's budget. Only other words or another budget help.
NOT_SENT: FailureKind = "not_sent"
_STATUS = re.compile(r"[45][0-9]{2}(?= )")
_FIRST_DELAY_S, _LONGEST_DELAY_S = 2.0, 60.0

# https://platform.claude.com/docs/en/api/errors, and https://platform.openai.com/docs/guides/error-codes, where a code
# says more than a type; `exceed_context_size_error` is llama.cpp's.
_BY_TYPE: dict[str, FailureKind] = {
    "authentication_error": "auth",
    "permission_error": "auth",
    "billing_error": "out_of_credit",
    "rate_limit_error": "rate_limited",
    "request_too_large": "too_long",
    "timeout_error": "timeout",
    "overloaded_error": "overloaded",
    "api_error": "overloaded",
    "invalid_api_key": "auth",
    "insufficient_quota": "out_of_credit",
    "billing_hard_limit_reached": "out_of_credit",
    "rate_limit_exceeded": "rate_limited",
    "context_length_exceeded": "too_long",
    "exceed_context_size_error": "too_long",
    "content_filter": "refused",
    "server_error": "overloaded",
}
# For proxies that answer without a type.
_BY_STATUS: dict[int, FailureKind] = {
    401: "auth",
    402: "out_of_credit",
    403: "auth",
    408: "timeout",
    413: "too_long",
    429: "rate_limited",
    504: "timeout",
}
# These have no type of their own: 400 comes with a sentence. The last four are those of vLLM, LiteLLM and Ollama.
_BY_WORDS: dict[str, FailureKind] = {
    "credit balance": "out_of_credit",
    "prompt is too long": "too_long",
    "exceed context limit": "too_long",
    "maximum context length": "too_long",
    "context size": "too_long",
    "context window": "too_long",
    "context length": "too_long",
}


def is_worth_waiting(kind: FailureKind) -> bool:
    """Return whether the same call may work later: it was the server's trouble, neither ours nor the answer's."""
    return kind in _PASSING


def is_for_operators(kind: str) -> bool:
    """Return whether only an operator can fix it: a key, a bill, a refusal."""
    return kind in _FOR_OPERATORS


def is_of_the_answer(kind: str) -> bool:
    """Return whether the model's own answer was no step: it reads why, and may do better. The rest is not its doing."""
    return kind in _OF_THE_ANSWER


def after(kinds: Sequence[str]) -> Literal["model", "rules", "people"]:
    """Return who chooses a step after these failures in a row, oldest first. Kinds of other releases are failures, too.

    The model again, until it failed three times; then plain rules where it can't be had, and people are asked where its
    answers are no steps. At once: rules where only an operator can fix it, people where the run `is_too_long`.
    """
    if not kinds:
        return "model"
    if is_for_operators(kinds[-1]):
        return "rules"
    if is_too_long(kinds):
        return "people"
    if len(kinds) < IN_A_ROW:
        return "model"
    return "people" if kinds[-1] in _OF_THE_ANSWER else "rules"


def gives_up(kinds: Sequence[str]) -> bool:
    """Return whether another model may do better after these failures: this one is away, refuses or is too small.

    What is above the agent's own budget is so for each model, and answers that are no steps are the model's to mend.
    """
    return after(kinds) == "rules" or (is_too_long(kinds) and kinds[-1] != NOT_SENT)


def is_too_long(kinds: Sequence[str]) -> bool:
    """Return whether these failures in a row say that even what can't be left out is too long for the model."""
    return kinds[-1:] == [NOT_SENT] or kinds.count("too_long") > 1


def status_of(detail: str) -> int:
    """Return the HTTP status that the server answered with: the `detail` of a failure then begins with it. Else 0."""
    found = _STATUS.match(detail)
    return int(found[0]) if found else 0


def retry_delay_s(failures: int) -> float:
    """Seconds to wait after that many failures in a row (1 or more): 2, 4, 8 and so on, 60 at most."""
    return min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(failures - 1, 10))


def kind_of(status: int, error_types: Sequence[str], message: str) -> FailureKind:
    """Return what an HTTP error answer means, by the first of its types that says so, its most exact one first.

    What nobody foresaw is `overloaded` from 500 on, `refused` below.
    """
    for words, kind in _BY_WORDS.items():
        if words in message.lower():
            return kind
    unforeseen: FailureKind = "overloaded" if status >= 500 else "refused"
    by_type: Iterator[FailureKind] = (_BY_TYPE[one] for one in error_types if one in _BY_TYPE)
    return next(by_type, None) or _BY_STATUS.get(status) or unforeseen
