"""The questions that a coding agent puts to its user, as one form, and the answers as it reads them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from agents.forms.fields import OPTION_CHARS
from agents.forms.models import LABEL_CHARS
from agents.text import one_line
from bot.web.hooks.programs import Program, ToolCall

_SAID_CHARS = 300
_Question = Mapping[str, Any]


def questions_in(call: ToolCall) -> tuple[_Question, ...]:
    """Return what the agent asks, of which each answer is one of some options; nothing where the call asks nothing.

    The shape is that of Claude Code's AskUserQuestion: `question`, `header`, `options` of `label` and `description`,
    and `multiSelect`.
    """
    asked = call.given.get("questions")
    if call.tool != "AskUserQuestion" or not isinstance(asked, list) or not asked:
        return ()
    found = [cast("_Question", one) for one in cast("list[Any]", asked) if isinstance(one, dict)]
    return tuple(found) if len(found) == len(cast("list[Any]", asked)) and all(map(_is_whole, found)) else ()


def form_of(program: Program, questions: Sequence[_Question], to: Sequence[str]) -> dict[str, Any]:
    """Return the request that puts the questions to people, as the API takes it."""
    said = [f"{program.called} asks:"]
    for number, one in enumerate(questions, 1):
        said.append(f"{number}. {one['question']}" if len(questions) > 1 else str(one["question"]))
        said += [
            one_line(": ".join(filter(None, (f"- {option['label']}", option.get("description")))), _SAID_CHARS)
            for option in one["options"]
            if option.get("description") or len(str(option["label"])) > OPTION_CHARS
        ]
    fields = [field for number, one in enumerate(questions, 1) for field in _fields(number, one)]
    return {"question": "\n".join(said), "to": list(to), "format": "form", "fields": fields}


def answers_of(questions: Sequence[_Question], form: Mapping[str, Any]) -> dict[str, str]:
    """Return what was chosen for each question, by its words; of several options, with commas between them."""
    answers = dict[str, str]()
    for number, one in enumerate(questions, 1):
        labels = [str(option["label"]) for option in one["options"]]
        chosen = [label for place, label in enumerate(labels, 1) if form.get(f"{number}.{place}") is True]
        if not one.get("multiSelect"):
            chosen = [label for label in labels if _shown(label) == form[f"{number}"]]
        answers[str(one["question"])] = ", ".join(chosen)
    return answers


def _is_whole(one: _Question) -> bool:
    options = one.get("options")
    if not isinstance(one.get("question"), str) or not isinstance(options, list) or not options:
        return False
    shown = [cast("Mapping[str, Any]", option) for option in cast("list[Any]", options) if isinstance(option, dict)]
    return len(shown) == len(cast("list[Any]", options)) and all(isinstance(each.get("label"), str) for each in shown)


def _fields(number: int, one: _Question) -> list[dict[str, Any]]:
    """Return what is to be filled in. All of a question stands above it: a label that has no room names its number."""
    called, labels = str(one["question"]), [str(option["label"]) for option in one["options"]]
    if not one.get("multiSelect"):
        label = _label(called, f"{number}. {called}")
        return [{"name": f"{number}", "label": label, "kind": "choice", "options": [*map(_shown, labels)]}]
    return [
        {"name": f"{number}.{place}", "label": _label(f"{called} {label}", f"{number}. {label}"), "kind": "yes_no"}
        for place, label in enumerate(labels, 1)
    ]


def _label(whole: str, shorter: str) -> str:
    return one_line(whole if len(whole) <= LABEL_CHARS else shorter, LABEL_CHARS)


def _shown(label: str) -> str:
    return one_line(label, OPTION_CHARS)
