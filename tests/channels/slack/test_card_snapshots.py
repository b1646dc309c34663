"""Cards as blocks, whole. After a change that is meant: `pytest --inline-snapshot=fix`, and look."""

from datetime import UTC, datetime

import pytest
from inline_snapshot import snapshot

from channels import AnswerForm, Card, Line
from channels.slack.cards import Block, message

AT = datetime(2026, 5, 3, 14, 2, tzinfo=UTC)


def blocks(card: Card) -> list[Block]:
    """The blocks of `card`."""
    return [*message(card, "d1").blocks]


def test_an_approval_that_is_open() -> None:
    card = Card(
        title="Deploy v1.2.0 to production?",
        at=AT,
        summary="Anna Ames asks.",
        facts=(
            Line(label="From", text="v1.0.0"),
            Line(label="Approvals", text="1 of 2: Bo Berg at 14:02 UTC on 03 May 2026 in Slack"),
        ),
        details=(Line(label="Digest", text="0" * 64),),
        exact='deploy {"environment": "production", "version": "v1.2.0"}',
        form=AnswerForm(token="t1", format="approval", until=AT),
    )

    assert blocks(card) == snapshot(
        [
            {
                "type": "header",
                "text": {"type": "plain_text", "text": "Deploy v1.2.0 to production?", "emoji": False},
                "block_id": "d1.0",
            },
            {
                "type": "section",
                "text": {"type": "plain_text", "text": "Anna Ames asks.", "emoji": False},
                "block_id": "d1.1",
            },
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [
                            {"type": "text", "text": "From: ", "style": {"bold": True}},
                            {"type": "text", "text": "v1.0.0"},
                        ],
                    },
                    {
                        "type": "rich_text_section",
                        "elements": [
                            {"type": "text", "text": "Approvals: ", "style": {"bold": True}},
                            {"type": "text", "text": "1 of 2: Bo Berg "},
                            {
                                "type": "date",
                                "timestamp": 1777816920,
                                "format": "{date_short_pretty} at {time}",
                                "fallback": "03 May 2026, 14:02 UTC",
                            },
                            {"type": "text", "text": " in Slack"},
                        ],
                    },
                ],
                "block_id": "d1.2",
            },
            {
                "type": "context",
                "elements": [
                    {
                        "type": "mrkdwn",
                        "text": "Expires <!date^1777816920^{date_short_pretty} at {time}|03 May 2026, 14:02 UTC>",
                        "verbatim": True,
                    }
                ],
                "block_id": "d1.3",
            },
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "text": {"type": "plain_text", "text": "Approve", "emoji": False},
                        "action_id": "approve",
                        "value": "t1",
                        "style": "primary",
                    },
                    {
                        "type": "button",
                        "text": {"type": "plain_text", "text": "Deny", "emoji": False},
                        "action_id": "deny",
                        "value": "t1",
                        "style": "danger",
                    },
                    {
                        "type": "button",
                        "text": {"type": "plain_text", "text": "Deny with reason…", "emoji": False},
                        "action_id": "deny_why",
                        "value": "t1",
                    },
                    {
                        "type": "button",
                        "text": {"type": "plain_text", "text": "Details", "emoji": False},
                        "action_id": "details",
                        "value": "t1",
                    },
                ],
                "block_id": "d1.4",
            },
        ]
    )


@pytest.mark.parametrize("may_approve", [True, False])
def test_an_approval_that_can_still_be_stopped(may_approve: bool) -> None:
    card = Card(
        title="Approved: Deploy v1.2.0 to production",
        at=AT,
        summary="Bo Berg approved at 14:02 UTC on 03 May 2026, in Slack. It can be stopped until it begins.",
        form=AnswerForm(token="t1", format="approval", only_stops=True, may_approve=may_approve, until=AT),
    )

    assert blocks(card) == snapshot(
        [
            {
                "type": "header",
                "text": {"type": "plain_text", "text": "Approved: Deploy v1.2.0 to production", "emoji": False},
                "block_id": "d1.0",
            },
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [
                            {"type": "text", "text": "Bo Berg approved "},
                            {
                                "type": "date",
                                "timestamp": 1777816920,
                                "format": "{date_short_pretty} at {time}",
                                "fallback": "03 May 2026, 14:02 UTC",
                            },
                            {"type": "text", "text": ", in Slack. It can be stopped until it begins."},
                        ],
                    }
                ],
                "block_id": "d1.1",
            },
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "text": {"type": "plain_text", "text": "Stop", "emoji": False},
                        "action_id": "deny",
                        "value": "t1",
                        "style": "danger",
                        "confirm": {
                            "title": {"type": "plain_text", "text": "Stop this?", "emoji": False},
                            "text": {
                                "type": "plain_text",
                                "text": "It is approved and has not started. Stopped, it never starts.",
                                "emoji": False,
                            },
                            "confirm": {"type": "plain_text", "text": "Stop", "emoji": False},
                            "deny": {"type": "plain_text", "text": "Back", "emoji": False},
                            "style": "danger",
                        },
                    }
                ],
                "block_id": "d1.2",
            },
        ]
    )


def test_a_denial_with_words_that_try_to_be_commands() -> None:
    card = Card(
        title="Denied: Deploy <!channel> & v2",
        at=AT,
        summary="Cy Cole denied at 14:02 UTC on 03 May 2026, in Slack.",
        quoted="not on a *Friday*, <@U0ANNA> <https://evil.example|click>",
        quoted_as="The reason that Cy Cole gave:",
        facts=(Line(label="<b>", text="<!here> & `x`"),),
    )

    assert blocks(card) == snapshot(
        [
            {
                "type": "header",
                "text": {"type": "plain_text", "text": "Denied: Deploy <!channel> & v2", "emoji": False},
                "block_id": "d1.0",
            },
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [
                            {"type": "text", "text": "Cy Cole denied "},
                            {
                                "type": "date",
                                "timestamp": 1777816920,
                                "format": "{date_short_pretty} at {time}",
                                "fallback": "03 May 2026, 14:02 UTC",
                            },
                            {"type": "text", "text": ", in Slack."},
                        ],
                    }
                ],
                "block_id": "d1.1",
            },
            {
                "type": "context",
                "elements": [{"type": "plain_text", "text": "The reason that Cy Cole gave:", "emoji": False}],
                "block_id": "d1.2",
            },
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_quote",
                        "elements": [
                            {"type": "text", "text": "not on a *Friday*, <@U0ANNA> <https://evil.example|click>"}
                        ],
                    }
                ],
                "block_id": "d1.3",
            },
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [
                            {"type": "text", "text": "<b>: ", "style": {"bold": True}},
                            {"type": "text", "text": "<!here> & `x`"},
                        ],
                    }
                ],
                "block_id": "d1.4",
            },
        ]
    )


def test_a_line_of_status() -> None:
    assert blocks(Card(title="Waiting for Bo Berg or Cy Cole", at=AT, is_line=True)) == snapshot(
        [
            {
                "type": "context",
                "elements": [{"type": "plain_text", "text": "Waiting for Bo Berg or Cy Cole", "emoji": False}],
                "block_id": "d1.0",
            }
        ]
    )
