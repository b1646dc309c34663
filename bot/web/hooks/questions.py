"""The questions that a coding agent puts to its user, as one form, and the answers as it reads them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from agents.text import one_line
from bot.web.hooks.programs import Program, ToolCall

_LABEL_CHARS, _SAID_CHARS = 200, 300
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
    for one in questions:
        said.append(str(one["question"]))
        said += [
            one_line(f"- {option['label']}: {option['description']}", _SAID_CHARS)
            for option in one["options"]
            if option.get("description")
        ]
    fields = [field for number, one in enumerate(questions, 1) for field in _fields(number, one)]
    return {"question": "\n".join(said), "to": list(to), "format": "form", "fields": fields}


def answers_of(questions: Sequence[_Question], form: Mapping[str, Any]) -> dict[str, str]:
    """Return what was chosen for each question, by its words; of several options, with commas between them."""
    answers = dict[str, str]()
    for number, one in enumerate(questions, 1):
        labels = [str(option["label"]) for option in one["options"]]
        chosen = [label for place, label in enumerate(labels, 1) if form.get(f"{number}.{place}") is True]
        answers[str(one["question"])] = ", ".join(chosen) if one.get("multiSelect") else str(form[f"{number}"])
    return answers


def _is_whole(one: _Question) -> bool:
    options = one.get("options")
    if not isinstance(one.get("question"), str) or not isinstance(options, list) or not options:
        return False
    shown = [cast("Mapping[str, Any]", option) for option in cast("list[Any]", options) if isinstance(option, dict)]
    return len(shown) == len(cast("list[Any]", options)) and all(isinstance(each.get("label"), str) for each in shown)


def _fields(number: int, one: _Question) -> list[dict[str, Any]]:
    labels = [one_line(str(option["label"]), _LABEL_CHARS) for option in one["options"]]
    called = one_line(str(one["question"]), _LABEL_CHARS)
    if not one.get("multiSelect"):
        return [{"name": f"{number}", "label": called, "kind": "choice", "options": labels}]
    return [
        {"name": f"{number}.{place}", "label": one_line(f"{called} {label}", _LABEL_CHARS), "kind": "yes_no"}
        for place, label in enumerate(labels, 1)
    ]
