"""Sending modals, with Slack's own checks and its `response_action`s.

https://docs.slack.dev/surfaces/modals#response_actions
"""

from typing import Any

from tests.fakes.slack import elements, payloads
from tests.fakes.slack.delivery import Deliveries, Parcel
from tests.fakes.slack.model import Json, User, View, as_json
from tests.fakes.slack.state import Slack
from tests.fakes.slack.web_api.call import SlackError
from tests.fakes.slack.web_api.views import checked_view, pushed, renew

_TROUBLE = "We had some trouble connecting. Try again?"


async def submit(slack: Slack, deliveries: Deliveries, user: User, view: View) -> Json:
    """Press the submit button: what the user then sees, and the parcel if one was sent."""
    blocks = view.given["blocks"]
    view.errors = _unfilled(blocks, elements.all_values(blocks, view.values))
    if view.errors:
        slack.changes.note()
        return {"sent": False, "errors": view.errors}
    payload = payloads.view_submission(slack, user, view)
    payload["view"]["state"] = {"values": elements.all_values(blocks, view.values)}
    parcel = await deliveries.ask("interactive", payload)
    _show(slack, view, parcel)
    slack.changes.note()
    return {"sent": True, "errors": view.errors, "open": view.id in slack.views, "parcel": parcel.to_json()}


def _unfilled(blocks: list[Json], values: Json) -> dict[str, str]:
    """Slack's client sends nothing while an input that is not optional is empty, or a text has the wrong length."""
    found: dict[str, str] = {}
    for block, element in elements.walk(blocks):
        if block["type"] != "input":
            continue
        state = values[block["block_id"]][element["action_id"]]
        if elements.is_empty(state):
            if not block.get("optional"):
                found[block["block_id"]] = "Please complete this required field."
        elif element["type"] == "plain_text_input" and not _fits(element, str(state["value"])):
            found[block["block_id"]] = "This entry has the wrong length."
    return found


def _fits(element: Json, text: str) -> bool:
    return element.get("min_length", 0) <= len(text) <= element.get("max_length", 3000)


def _show(slack: Slack, view: View, parcel: Parcel) -> None:
    """Update the modal by the app's answer: without one it closes."""
    if parcel.state != "acked":
        view.errors = {"": _TROUBLE}
        return
    try:
        _follow(slack, view, as_json(parcel.answer))
    except SlackError as error:
        slack.violation("view_submission", f"the answer cannot be shown: {error.error}", "/view")
        view.errors = {"": _TROUBLE}


def _follow(slack: Slack, view: View, answer: Json) -> None:
    match answer.get("response_action"):
        case None:
            slack.views.pop(view.id, None)
        case "clear":
            for each in [each for each in slack.views.values() if each.root == view.root]:
                slack.views.pop(each.id, None)
        case "errors":
            view.errors = _known(slack, view, answer.get("errors"))
        case "update":
            renew(slack, view, checked_view(slack, "view_submission", answer.get("view")))
        case "push":
            pushed(slack, view, checked_view(slack, "view_submission", answer.get("view")))
        case other:
            slack.violation("view_submission", f"response_action {other!r} is unknown")
            view.errors = {"": _TROUBLE}


def _known(slack: Slack, view: View, errors: Any) -> dict[str, str]:
    """Errors must name the blocks of inputs, or Slack shows that something went wrong."""
    held: dict[str, str] = as_json(errors)
    inputs = {block["block_id"] for block in view.given["blocks"] if block["type"] == "input"}
    if not held or set(held) - inputs:
        slack.violation("view_submission", f"errors for {sorted(set(held) - inputs)}, which are no inputs", "/errors")
        return {"": _TROUBLE}
    return held
