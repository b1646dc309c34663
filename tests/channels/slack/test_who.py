"""The person behind a press in an organization of several workspaces: what Slack says is compared, and nothing else."""

from typing import Any

from channels import ByUser, Quarantined, Reply, Trigger
from tests.channels.slack.receiving import TOKEN, Office, contact, office_of, stored
from tests.fakes.slack.driver import Workspace

GRID = {"enterprise_id": "E0CORP", "teams": ["T0TEAM", "T0SECOND"]}


def pressed(user: str, team: str, app: str = "A0APP") -> dict[str, Any]:
    """A button of ours, as Slack says that it was pressed."""
    text = {"type": "plain_text", "text": "Approve"}
    action = {"action_id": "act:approve", "value": TOKEN, "type": "button", "text": text}
    return {
        "type": "block_actions",
        "api_app_id": app,
        "user": {"id": user, "team_id": team},
        "container": {"type": "message", "channel_id": "C0OPS", "message_ts": "1.0"},
        "channel": {"id": "C0OPS"},
        "actions": [action],
    }


async def office(slack: Workspace, **bo: Any) -> Office:
    person = await slack.person("bo", id="U0BO", **bo)
    return office_of(slack, contact(person))


PLACES: list[tuple[dict[str, Any], str, bool]] = [
    ({"team": ""}, "T0TEAM", True),
    ({"team": "", "enterprise_user": GRID}, "T0TEAM", True),
    ({"team": "", "enterprise_user": GRID}, "T0SECOND", True),
    ({"team": "T0SECOND", "enterprise_user": GRID}, "T0TEAM", True),
    ({"team": "T0TEAM", "enterprise_user": GRID}, "E0CORP", True),
    ({"team": "T0TEAM"}, "T0TEAM", True),
    ({"team": "T0OTHER"}, "T0OTHER", True),
    ({"team": ""}, "", True),
    ({"team": ""}, "T0OTHER", False),
    ({"team": "", "stranger": True}, "T0TEAM", False),
    ({"team": "", "enterprise_user": GRID}, "T0OTHER", False),
    ({"team": "T0TEAM", "enterprise_user": GRID}, "E0OTHER", False),
    ({"team": "T0TEAM"}, "T0OTHER", False),
    ({"team": "T0OTHER"}, "T0TEAM", False),
]


async def test_a_member_counts_where_slack_says_they_are_and_nobody_is_let_in_by_what_is_missing(
    slack: Workspace,
) -> None:
    for bo, team, counts in PLACES:
        await slack.starts_anew()
        here = await office(slack, **bo)

        found = await here.channel.read(stored("action", pressed("U0BO", team)))

        if counts:
            assert isinstance(found, Reply), (bo, found)
            assert found.person == "bo"
            assert not team or (isinstance(found.known, ByUser) and found.known.team == team)
        else:
            assert isinstance(found, Quarantined), (bo, found)
            assert "Your workspace is another one" in found.notice


async def test_what_slack_sent_to_another_app_is_held(slack: Workspace) -> None:
    here = await office(slack)

    found = await here.channel.read(stored("action", pressed("U0BO", "T0TEAM", app="A0OTHER")))

    assert isinstance(found, Quarantined), found
    assert found.reasons == ("Slack sent it to the app A0OTHER, and the bot token is of A0APP",)


async def test_attack_the_order_of_somebody_who_has_left_since_is_not_called_ones_own(slack: Workspace) -> None:
    here = await office(slack)
    said = {"user": "U0GONE", "text": "deploy v1 to production", "ts": "1.0"}

    found = await here.channel.read(stored("shortcut", pressed("U0BO", "T0TEAM") | {"message": said}))

    assert isinstance(found, Trigger), found
    assert (found.person, found.others, found.quotes) == ("bo", (), True)
    assert found.weakness == "it quotes a message that somebody else wrote"
