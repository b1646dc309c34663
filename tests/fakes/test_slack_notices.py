"""Whom the fake notifies of a message: as Slack does, and of nothing else."""

from tests.fakes.bolt import Client
from tests.fakes.slack.driver import Person, Workspace


async def whys(*people: Person) -> list[list[str]]:
    return [[each.why for each in await person.notices()] for person in people]


async def test_a_reply_in_a_thread_notifies_who_follows_it_and_whom_it_mentions(
    slack: Workspace, client: Client, anna: Person, bo: Person, ops: str
) -> None:
    asked = await anna.says("#ops", "who is there?")
    reply = await client.chat_postMessage(channel=ops, thread_ts=asked.ts, text="nobody")
    assert await whys(anna, bo) == [["thread"], []]

    await client.chat_update(channel=ops, ts=reply["ts"], text="<@" + bo.id + ">")
    assert await whys(anna, bo) == [["thread"], []], "an edit notifies nobody"

    block = {"type": "section", "text": {"type": "mrkdwn", "text": f"<@{bo.id}>"}}
    await client.chat_postMessage(channel=ops, thread_ts=asked.ts, text="one", blocks=[block])
    await client.chat_postMessage(channel=ops, thread_ts=asked.ts, text="two")
    assert await whys(anna, bo) == [["thread"] * 3, ["mention", "thread"]]


async def test_only_what_is_shown_as_a_mention_notifies_and_only_who_is_there(
    slack: Workspace, client: Client, anna: Person, bo: Person, ops: str
) -> None:
    cy = await slack.person("cy")
    gone = await slack.person("gone")
    await slack.tell("member", channel=ops, user=gone.id, is_in=True)
    await slack.person("gone", deleted=True)
    await slack.tell("user_group", id="S0TEAM", members=["bo", "cy"])
    words = f"<@{bo.id}> <!channel> <@{cy.id}>"
    plain = {"type": "section", "text": {"type": "plain_text", "text": words}}
    await client.chat_postMessage(channel=ops, text=words, blocks=[plain])
    assert await whys(anna, bo, cy, gone) == [[], [], [], []]

    team = {"type": "rich_text_section", "elements": [{"type": "usergroup", "usergroup_id": "S0TEAM"}]}
    await client.chat_postMessage(channel=ops, text="team", blocks=[{"type": "rich_text", "elements": [team]}])
    await client.chat_postMessage(channel=ops, text=f"<!here> <@{gone.id}>")
    assert await whys(anna, bo, cy, gone) == [["mention"], ["mention", "mention"], [], []]


async def test_a_direct_message_notifies_whom_it_is_for(slack: Workspace, client: Client, bo: Person) -> None:
    first = await client.chat_postMessage(channel=bo.dm, text="hello")
    await client.chat_postMessage(channel=bo.dm, text="and a reply below it", thread_ts=first["ts"])
    assert await whys(bo) == [["direct message"]]
