"""How a card is answered in Slack: buttons, menus, and what is said beside them. Pure.

Limits are Slack's (Block Kit reference: a label 75, an option 75, 100 options, five buttons side by side).
"""

from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from channels import AnswerForm
from channels.showing import one_line, visible
from channels.slack.blocks import SECTION_CHARS, Block, pieces, plain, words

BUTTON_CHARS, OPTION_CHARS, OPTIONS = 75, 75, 100

BUTTONS = 5
"""With so many choices each has a button; with more they are a menu."""

WRITE_BELOW = "To answer, write in this thread in your own words."
"""What a card says whose answer can be written in its thread."""


def how_to_answer(form: AnswerForm) -> str:
    """What is said above the controls; "" where they say enough."""
    match form.format:
        case _ if form.only_stops:
            return ""
        case "approval" if not form.may_approve:
            return "An approval from Slack does not count here; a denial does."
        case "free_text":
            return WRITE_BELOW
        case _:
            return ""


def controls(form: AnswerForm, *, has_details: bool) -> Iterator[Block]:
    """What can be pressed and chosen, with a button for the *Details* where the card `has_details`."""
    more = [_button("Details", "details", form.token)] if has_details else []
    if form.only_stops:
        yield _actions([_stop(form.token), *more])
        return
    match form.format:
        case "approval":
            approve = [_button("Approve", "approve", form.token, "primary")] if form.may_approve else []
            deny = _button("Deny", "deny", form.token, "danger"), _button("Deny with reason…", "deny_why", form.token)
            yield _actions([*approve, *deny, *more])
        case "yes_no":
            yield _actions([_button("Yes", "yes", form.token), _button("No", "no", form.token), *more])
        case "choice" if len(form.options) <= BUTTONS:
            yield from _in_full(form)
            labels = enumerate(_labels(form), 1)
            yield _actions([*(_button(label, f"choose.{at}", f"{form.token} {at}") for at, label in labels), *more])
        case "choice":
            yield from _in_full(form)
            yield _actions([_menu("static_select", "choose", "Choose one", form), *more])
        case "choices":
            yield from _in_full(form)
            # Slack takes a menu for several beside a section, and nowhere among buttons.
            yield {**plain("Choose one or more."), "accessory": _menu("multi_static_select", "pick", "Choose", form)}
            yield _actions([_button("Send", "send", form.token), *more])
        case "form":
            yield _actions([_button("Answer…", "fill", form.token, "primary"), *more])
        case "free_text":
            yield _actions([_button("Answer…", "write", form.token), *more])


def _labels(form: AnswerForm) -> Sequence[str]:
    """What stands on buttons: with a number where somebody may have to look up what it is in full."""
    numbered = [f"{at}. {label}" for at, label in enumerate(form.options, 1)]
    return numbered if any(_in_full(form)) else form.options


def _in_full(form: AnswerForm) -> Iterator[Block]:
    """The options with their numbers, where no button has room for all of one: nobody chooses what they can't read."""
    numbered = [f"{at}. {' '.join(visible(label).split())}" for at, label in enumerate(form.options, 1)]
    if any(len(each) > OPTION_CHARS for each in numbered):
        yield from (plain(piece) for piece in pieces("\n".join(numbered), SECTION_CHARS))


def _actions(elements: Sequence[Block]) -> Block:
    return {"type": "actions", "elements": [*elements]}


def _button(label: str, action: str, value: str, style: str = "") -> Block:
    text, look = words(one_line(label, BUTTON_CHARS) or "-"), {"style": style} if style else {}
    return {"type": "button", "text": text, "action_id": action, "value": value, **look}


def _stop(token: str) -> Block:
    """Stops what is approved: pressed by mistake it would have to be asked for again, so that Slack asks once more."""
    asked: Block = {
        "title": words("Stop this?"),
        "text": words("It is approved and has not started. Stopped, it never starts."),
        "confirm": words("Stop"),
        "deny": words("Back"),
        "style": "danger",
    }
    return {**_button("Stop", "deny", token, "danger"), "confirm": asked}


def _menu(kind: str, action: str, hint: str, form: AnswerForm) -> Block:
    """A menu of numbered options: a label may be longer than Slack shows, and its number says which one is meant."""
    options: list[JsonValue] = [
        {"text": words(one_line(f"{at}. {label}", OPTION_CHARS)), "value": f"{form.token} {at}"}
        for at, label in enumerate(form.options[:OPTIONS], 1)
    ]
    return {"type": kind, "action_id": action, "placeholder": words(hint), "options": options}
