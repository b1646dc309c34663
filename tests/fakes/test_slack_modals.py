"""Modals: opened in time and once, filled in, sent, answered, updated, closed."""

import pytest
from slack_sdk.errors import SlackApiError

from tests.fakes.bolt import BoltApp
from tests.fakes.cards import a_card, modal, opened
from tests.fakes.slack.driver import Person, Workspace


async def test_a_modal_opens_within_three_seconds_and_once(
    slack: Workspace, app: BoltApp, bo: Person, ops: str
) -> None:
    card = await a_card(slack, app.client, ops)
    await bo.presses("Deny", in_=card)
    trigger = app.heard[-1]["trigger_id"]

    await app.client.views_open(trigger_id=trigger, view=modal())
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await app.client.views_open(trigger_id=trigger, view=modal())

    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        await app.client.views_open(trigger_id="1.2.3", view=modal())

    await bo.presses("Deny", in_=card)
    await slack.moves_clock(3.1)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await app.client.views_open(trigger_id=app.heard[-1]["trigger_id"], view=modal())
    assert (await bo.sees_modal("Why?")).title == "Why?"


async def test_a_modal_is_sent_with_what_was_put_in(slack: Workspace, app: BoltApp, bo: Person, ops: str) -> None:
    view = await opened(slack, app, bo, ops, modal())

    assert (await bo.submits())["errors"] == {"reason": "Please complete this required field."}
    sent = await bo.submits({"Reason": "not on a Friday"})

    submission = app.heard[-1]
    assert submission["type"] == "view_submission"
    assert submission["view"]["id"] == view["id"]
    assert submission["view"]["private_metadata"] == "opaque"
    assert submission["view"]["state"]["values"] == {
        "reason": {"text": {"type": "plain_text_input", "value": "not on a Friday"}}
    }
    assert (sent["sent"], sent["open"]) == (True, False)
    assert await bo.modals() == []


async def test_an_answer_to_a_modal_shows_errors_or_another_view(
    slack: Workspace, app: BoltApp, bo: Person, ops: str
) -> None:
    await opened(slack, app, bo, ops, modal())

    app.answers = {"response_action": "errors", "errors": {"reason": "Longer, please."}}
    await bo.submits({"Reason": "no"})
    assert (await bo.sees_modal()).errors == {"reason": "Longer, please."}

    done = {"type": "section", "text": {"type": "plain_text", "text": "Thank you"}}
    app.answers = {"response_action": "update", "view": modal(done)}
    await bo.submits()
    assert (await bo.sees_modal("Thank you")).errors == {}

    app.answers = {"response_action": "clear"}
    await bo.submits()
    assert await bo.modals() == []
    assert await slack.violations() == []


async def test_a_modal_whose_answer_does_not_come_stays_with_an_error(
    slack: Workspace, app: BoltApp, bo: Person, ops: str
) -> None:
    await opened(slack, app, bo, ops, modal())
    app.refuses = True
    await slack.settings(answer_within_s=0.05)

    await bo.submits({"Reason": "not today"})

    assert "trouble" in (await bo.sees_modal()).errors[""]


async def test_a_modal_is_updated_unless_somebody_was_faster(
    slack: Workspace, app: BoltApp, bo: Person, ops: str
) -> None:
    view = await opened(slack, app, bo, ops, modal(external_id="mine"))
    words = {"type": "section", "text": {"type": "plain_text", "text": "Filled in"}}

    await app.client.views_update(view_id=view["id"], hash=view["hash"], view=modal(words))
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await app.client.views_update(view_id=view["id"], hash=view["hash"], view=modal())
    with pytest.raises(SlackApiError, match="not_found"):
        await app.client.views_update(view_id="V404", view=modal())

    await bo.sees_modal("Filled in")
