"""views.*: https://docs.slack.dev/reference/methods?family=views"""

from typing import Any, cast

from tests.fakes.slack.limits import blocks as limits
from tests.fakes.slack.model import Json, Trigger, View
from tests.fakes.slack.state import Slack
from tests.fakes.slack.web_api.call import Call, SlackError
from tests.fakes.slack.web_api.content import refuse, with_ids

# A root view and two pushed on it: https://docs.slack.dev/surfaces/modals
_DEEPEST = 3


async def open_(call: Call) -> Json:
    """views.open, within three seconds of what the user did, once."""
    given = checked_view(call.slack, call.method, call.json("view"))
    trigger = _trigger(call)
    view = new_view(call.slack, trigger.user, given)
    return {"view": view.to_json()}


async def push(call: Call) -> Json:
    """views.push, onto the modal from which the trigger came."""
    given = checked_view(call.slack, call.method, call.json("view"))
    trigger = _trigger(call)
    below = call.slack.views.get(trigger.view or "")
    if below is None:
        raise SlackError("invalid_arguments", response_metadata={"messages": ["[ERROR] no view to push onto"]})
    return {"view": pushed(call.slack, below, given).to_json()}


async def update(call: Call) -> Json:
    """views.update, by id or external id, unless somebody was faster (`hash`)."""
    given = checked_view(call.slack, call.method, call.json("view"))
    view = _named(call)
    if call.args.get("hash") and call.text("hash") != view.hash:
        raise SlackError("hash_conflict")
    renew(call.slack, view, given)
    return {"view": view.to_json()}


async def publish(call: Call) -> Json:
    """views.publish: a user's App Home."""
    user = call.slack.users.get(call.text("user_id"))
    if user is None or user.is_stranger:
        raise SlackError("invalid_arguments", response_metadata={"messages": ["[ERROR] invalid `user_id`"]})
    given = checked_view(call.slack, call.method, call.json("view"), kind="home")
    home = call.slack.homes.get(user.id)
    if home is None:
        home = call.slack.homes[user.id] = _made(call.slack, user.id, given)
        return {"view": home.to_json()}
    if call.args.get("hash") and call.text("hash") != home.hash:
        raise SlackError("hash_conflict")
    renew(call.slack, home, given)
    return {"view": home.to_json()}


def checked_view(slack: Slack, method: str, view: Any, kind: str = "modal") -> Json:
    """The view with an id for each block. Raises SlackError; what is wrong is recorded."""
    if mistakes := limits.view_mistakes(view, kind):
        refuse(slack, method, "invalid_arguments", mistakes)
    held = cast("Json", view)
    if limits.view_too_large(held):
        slack.violation(method, f"a view of more than {limits.VIEW_BYTES} bytes", "/view")
        raise SlackError("view_too_large")
    return held | {"blocks": with_ids(held["blocks"])}


def new_view(slack: Slack, user: str, given: Json) -> View:
    """A modal on a user's screen, in place of none."""
    _unique(slack, given)
    view = _made(slack, user, given)
    slack.views[view.id] = view
    return view


def pushed(slack: Slack, below: View, given: Json) -> View:
    """A modal on top of another."""
    stack = [view for view in slack.views.values() if view.root == below.root]
    if len(stack) >= _DEEPEST:
        raise SlackError("push_limit_reached")
    view = new_view(slack, below.user, given)
    view.root, view.previous = below.root, below.id
    return view


def renew(slack: Slack, view: View, given: Json) -> None:
    """Show `given` in place. What was put into blocks that keep their ids stays, as in Slack's clients."""
    view.given, view.hash, view.errors = given, slack.new_hash(), {}
    kept = {block["block_id"] for block in given["blocks"]}
    view.values = {block: state for block, state in view.values.items() if block in kept}


def _made(slack: Slack, user: str, given: Json) -> View:
    id_, s, team = slack.new_id("V"), slack.settings, slack.users[user].team_id
    return View(id_, user, team, s.team, given, slack.new_hash(), s.app, s.bot_id, root=id_)


def _unique(slack: Slack, given: Json) -> None:
    external = given.get("external_id")
    if external and any(view.given.get("external_id") == external for view in slack.views.values()):
        raise SlackError("duplicate_external_id")


def _named(call: Call) -> View:
    external = call.text("external_id")
    views = {**call.slack.views, **{home.id: home for home in call.slack.homes.values()}}
    for view in views.values():
        if view.id == call.text("view_id") or (external and view.given.get("external_id") == external):
            return view
    raise SlackError("not_found")


def _trigger(call: Call) -> Trigger:
    trigger = call.slack.triggers.get(call.text("trigger_id"))
    if trigger is None:
        raise SlackError("invalid_trigger_id")
    if trigger.used:
        call.slack.violation(call.method, "a trigger id used twice")
        raise SlackError("exchanged_trigger_id")
    if call.slack.clock.moved_s > trigger.until_s:
        raise SlackError("expired_trigger_id")
    trigger.used = True
    return trigger
