"""Socket Mode of the fake, as slack-bolt meets it."""

import aiohttp
import pytest

from tests.fakes.bolt import BoltApp, Client, refusal
from tests.fakes.slack.driver import Person, Workspace


async def test_a_mention_comes_as_two_events_with_ids_of_their_own(
    slack: Workspace, app: BoltApp, anna: Person, ops: str
) -> None:
    said = await anna.says("#ops", "@sayso deploy v1 & <tell> @bo in #ops, see https://corp.example/a?b=1")
    await slack.settled()

    (message,), (mention,) = app.events("message"), app.events("app_mention")
    assert message["event"]["ts"] == mention["event"]["ts"] == said.ts
    assert message["event_id"] != mention["event_id"]
    assert message["event"]["channel_type"] == "channel"
    bo = (await slack.person("bo")).id
    assert mention["event"]["text"] == (
        f"<@U0BOT> deploy v1 &amp; &lt;tell&gt; <@{bo}> in <#{ops}|ops>, see <https://corp.example/a?b=1>"
    )
    assert message["authorizations"][0] == {
        "enterprise_id": None, "team_id": "T0TEAM", "user_id": "U0BOT", "is_bot": True, "is_enterprise_install": False,
    }  # fmt: skip


async def test_a_mention_in_a_dm_is_a_message_and_nothing_else(slack: Workspace, app: BoltApp, anna: Person) -> None:
    await anna.says("@sayso", "@sayso hello")
    await slack.settled()

    assert [body["event"]["type"] for body in app.heard] == ["message"]
    assert app.heard[0]["event"]["channel_type"] == "im"


async def test_the_first_delivery_already_names_its_retry_number(
    slack: Workspace, app: BoltApp, anna: Person, ops: str
) -> None:
    await anna.says("@sayso", "hello")
    await slack.settled()

    assert app.retries == [["0", ""]]


@pytest.mark.long
async def test_an_event_that_is_not_acknowledged_comes_again_with_the_same_id(
    slack: Workspace, app: BoltApp, anna: Person, ops: str
) -> None:
    app.refuses = True
    await anna.says("#ops", "hello")
    first = await app.hears(lambda _: True, "the first try")

    app.refuses = False
    await slack.moves_clock(4)
    await slack.settled()

    assert [body["event_id"] for body in app.heard] == [first["event_id"]] * 2
    assert app.retries == [["0", ""], ["1", "timeout"]]


async def test_an_event_is_given_up_after_four_tries(slack: Workspace, app: BoltApp, anna: Person, ops: str) -> None:
    app.refuses = True
    await slack.settings(answer_within_s=0.05, retry_after_s=[0, 0, 0])
    await anna.says("#ops", "hello")

    (lost,) = await slack.settled()

    assert (lost["state"], len(lost["tries"])) == ("given up", 4)


async def test_an_interaction_is_never_brought_again(slack: Workspace, app: BoltApp, anna: Person, ops: str) -> None:
    await app.client.chat_postMessage(channel=ops, text="Go?", blocks=[_actions()])
    card = await slack.message(in_="#ops", containing="Go?")
    app.refuses = True
    await slack.settings(answer_within_s=0.05)

    pressed = await anna.presses("Go", in_=card)
    await slack.moves_clock(1000)

    assert not pressed.acked
    assert len(pressed.raw["tries"]) == 1
    assert len([body for body in app.heard if body["type"] == "block_actions"]) == 1


async def test_a_ticket_opens_one_connection(slack: Workspace, client: Client) -> None:
    url = (await client.apps_connections_open(app_token=slack.app_token))["url"]

    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            hello = await socket.receive_json()
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)

    assert hello["type"] == "hello"
    assert hello["num_connections"] == 1
    assert hello["connection_info"] == {"app_id": "A0APP"}
    assert "used before" in (await slack.violations())[0]["rule"]


async def test_only_an_app_token_opens_connections(slack: Workspace, client: Client) -> None:
    refused = await refusal(client.apps_connections_open(app_token=slack.bot_token))

    assert refused["error"] == "not_allowed_token_type"


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_the_app_connects_anew_when_it_is_told_to_go(
    slack: Workspace, app: BoltApp, anna: Person, reason: str
) -> None:
    await slack.tell("sockets", do="disconnect", reason=reason)

    await connected_anew(slack)
    await anna.says("@sayso", "still there?")
    await slack.settled()
    assert len(app.heard) == 1


async def test_what_was_under_way_on_a_cut_connection_comes_again_on_the_next(
    slack: Workspace, app: BoltApp, anna: Person
) -> None:
    await slack.settings(retry_after_s=[0.1] * 50)
    app.refuses = True
    await anna.says("@sayso", "hello")
    first = await app.hears(lambda _: True, "the first try")
    app.refuses = False

    assert (await slack.tell("sockets", do="cut"))["done_to"] == 1

    again = await app.hears(lambda _: len(app.heard) > 1, "it again")
    assert again["event_id"] == first["event_id"]
    assert (await slack.deliveries())[0]["tries"][0]["reason"] == "connection lost"
    assert int(app.retries[1][0]) > 0


async def test_a_dead_line_is_found_out_by_pings(slack: Workspace) -> None:
    async with BoltApp(slack) as app:
        await app.connects(ping_s=0.2)
        await slack.tell("sockets", do="freeze")

        await connected_anew(slack)


async def test_an_eleventh_connection_is_turned_away(slack: Workspace, client: Client) -> None:
    await slack.settings(max_connections=1)
    async with aiohttp.ClientSession() as session:
        first = (await client.apps_connections_open(app_token=slack.app_token))["url"]
        second = (await client.apps_connections_open(app_token=slack.app_token))["url"]
        async with session.ws_connect(first), session.ws_connect(second) as turned_away:
            said = await turned_away.receive_json()

    assert (said["type"], said["reason"]) == ("disconnect", "too_many_websockets")


async def test_events_come_late_twice_and_in_another_order(slack: Workspace, app: BoltApp, anna: Person) -> None:
    await slack.tell("hold")
    for number in range(3):
        await anna.says("@sayso", f"hello {number}")
    assert app.heard == []

    await slack.tell("release", reverse=True)
    await slack.settled()
    assert [body["event"]["text"] for body in app.heard] == ["hello 2", "hello 1", "hello 0"]

    await slack.tell("twice", times=1)
    await anna.says("@sayso", "once")
    await slack.tell("again", event_id=app.heard[0]["event_id"])

    async def five_more() -> bool:
        return len(app.heard) == 6

    await slack.until(five_more, "one event twice, and an old one again")
    ids = [body["event_id"] for body in app.heard]
    assert ids.count(ids[0]) == 2
    assert len(set(ids)) == 4


async def test_only_events_that_were_asked_for_and_allowed_come(slack: Workspace, app: BoltApp, anna: Person) -> None:
    granted = (await slack.settings())["scopes"]
    await slack.settings(scopes=[scope for scope in granted if scope != "im:history"])

    await anna.says("@sayso", "hello")

    assert await slack.deliveries() == []


async def test_edits_deletions_joins_and_own_messages_are_events_of_other_kinds(
    slack: Workspace, app: BoltApp, anna: Person, ops: str
) -> None:
    said = await anna.says("#ops", "first")
    await anna.edits(said, "second")
    await anna.deletes(said)
    await (await slack.person("cy")).joins("#ops")
    await app.client.chat_postMessage(channel=ops, text="mine")
    await slack.settled()

    events = [body["payload"]["event"] for body in await slack.deliveries()]
    assert [event.get("subtype") for event in events] == [
        None, "message_changed", "message_deleted", "channel_join", None,
    ]  # fmt: skip
    assert events[1]["message"]["text"] == "second"
    assert events[1]["previous_message"]["text"] == "first"
    assert events[4]["bot_id"] == "B0BOT"


async def connected_anew(slack: Workspace) -> None:
    """Wait for another connection instead of the first."""

    async def renewed() -> bool:
        numbers = [each["number"] for each in await slack.see("connections")]
        return len(numbers) == 1 and numbers[0] > 1

    await slack.until(renewed, "another connection instead of the first")


def _actions() -> dict[str, object]:
    button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go", "value": "1"}
    return {"type": "actions", "block_id": "b1", "elements": [button]}
