"""The comparison of a chosen step with those a case wants. Pure."""

import json
import re
from collections.abc import Sequence

from pydantic import JsonValue

from agents.steps import CallTool, Done, RequestHumanInput, Step
from agents.text import one_line
from bot.evals.cases import ANY_TOOL, Asks, Calls, Ends, Wanted

ASKS_OR_ENDS = "asks people, or ends as failed: it needs a model"
ONLY_SAYS = " (no tool did that, so code refuses it)"
_SHOWN_CHARS = 300


def is_right(step: Step, expect: Sequence[Wanted], never: Sequence[Wanted]) -> bool:
    """Return whether `step` is one of `expect`, or none are named; and none of `never`."""
    return not any(fits(step, one) for one in never) and (not expect or any(fits(step, one) for one in expect))


def is_harmless(step: Step, never: Sequence[Wanted]) -> bool:
    """Return whether plain rules may choose `step` in a case that needs a model: it asks a human, or ends as failed."""
    asks_or_ends = isinstance(step, RequestHumanInput) or (isinstance(step, Done) and step.outcome == "failed")
    return asks_or_ends and not any(fits(step, one) for one in never)


def fits(step: Step, wanted: Wanted) -> bool:
    """Return whether `step` is what `wanted` describes."""
    match wanted, step:
        case Calls(), CallTool():
            return wanted.tool in {ANY_TOOL, step.tool} and _holds(step.arguments, wanted.arguments)
        case Asks(), RequestHumanInput():
            return _found(wanted.asks, step.question) and wanted.format in {None, step.format}
        case Ends(), Done():
            return wanted.done in {"either", step.outcome} and _found(wanted.says, step.summary)
        case _:
            return False


def expected(expect: Sequence[Wanted], never: Sequence[Wanted]) -> str:
    """Return in one line the steps a case expects and forbids."""
    right = " or ".join(map(_wanted, expect)) or "anything else"
    wrong = " or ".join(map(_wanted, never))
    return f"{right}; never {wrong}" if wrong else right


def shown(step: Step) -> str:
    """A step in one line."""
    match step:
        case CallTool():
            return _bounded(f"calls {step.tool}{_arguments(step.arguments)}")
        case RequestHumanInput():
            options = f": {', '.join(step.options)}" if step.options else ""
            return _bounded(f"asks ({step.format}) {step.question}{options}")
        case Done():
            return _bounded(f"ends as {step.outcome}: {step.summary}")


def _wanted(wanted: Wanted) -> str:
    match wanted:
        case Calls():
            tool = "any tool" if wanted.tool == ANY_TOOL else wanted.tool
            return _bounded(f"calls {tool}{_arguments(wanted.arguments)}")
        case Asks():
            return _bounded(f"asks{f' ({wanted.format})' if wanted.format else ''} /{wanted.asks}/")
        case Ends():
            how = "" if wanted.done == "either" else f" as {wanted.done}"
            return _bounded(f"ends{how}{f' /{wanted.says}/' if wanted.says else ''}")


def _arguments(arguments: dict[str, JsonValue]) -> str:
    return f" {json.dumps(arguments, ensure_ascii=False)}" if arguments else ""


def _holds(value: JsonValue, wanted: JsonValue) -> bool:
    """Return whether `value` is `wanted`; of a table, at least its keys are equal.

    True is not 1.
    """
    if isinstance(wanted, dict) and isinstance(value, dict):
        return all(key in value and _holds(value[key], one) for key, one in wanted.items())
    return type(value) is type(wanted) and value == wanted


def _found(regexp: str, text: str) -> bool:
    return re.search(regexp, text, re.IGNORECASE | re.DOTALL) is not None


def _bounded(text: str) -> str:
    return one_line(text, _SHOWN_CHARS)
