"""What sayso says in Slack, among people who talk to each other, names its subject; strangers hear one line."""

import pytest

from tests.kit.slack_world import SlackWorld


@pytest.mark.long
async def test_a_line_in_a_direct_message_names_what_it_is_about(office: SlackWorld) -> None:
    asked = await office.anna.says("@sayso", "press bell")

    line = await office.says(asked, "Waiting for Bo Berg or Cy Cole: Press bell?")
    await office.bo.presses("Approve", in_=await office.card("@bo"))

    await office.becomes(line, "Done: press bell")


@pytest.mark.long
async def test_a_failure_stands_in_the_thread_with_the_last_lines_that_were_printed(office: SlackWorld) -> None:
    printed = [f"line {number}" for number in range(30)]
    office.world.workshop.breaks["bell"] = RuntimeError("\n".join(["the clapper fell off", *printed]))
    await office.anna.says("#ops", "@sayso press bell")
    card = await office.card("#ops", "Approve")

    await office.bo.presses("Approve", in_=card)

    failed = await office.becomes(card, "Failed: Press bell")
    [output] = [
        element["elements"][0]["text"]
        for block in failed.blocks
        for element in block.get("elements", [])
        if element["type"] == "rich_text_preformatted"
    ]
    assert output.split("\n") == ["RuntimeError: the clapper fell off", *printed[-20:]]


async def test_a_stranger_gets_one_line_that_nobody_else_sees(office: SlackWorld) -> None:
    eve = await office.slack.person("eve", id="U0EVE")
    await office.slack.tell("member", channel=office.ops, user=eve.id, is_in=True)
    await office.anna.says("#ops", "@sayso press bell")
    card = await office.card("#ops", "Approve")

    await eve.says("#ops", "@sayso press horn")
    await eve.sees_ephemeral("You are not in sayso's directory")
    before = await office.slack.messages("#ops")
    await eve.presses("Approve", in_=card)
    await eve.says("#ops", "@sayso press horn")
    answers = [(await eve.commands("/sayso", word, in_="#ops")).answer for word in ("press horn", "help")]
    await office.slack.settled()
    await office.world.quiet()

    assert not any(answers)
    [line] = await eve.ephemerals()
    assert [block["type"] for block in line.blocks] == ["context"]
    own = [message.ts for message in await office.slack.messages("#ops") if message.user == "U0BOT"]
    assert own == [message.ts for message in before if message.user == "U0BOT"]


@pytest.mark.long
async def test_where_another_company_reads_the_thread_has_a_line_and_who_decides_a_direct_message(
    office: SlackWorld,
) -> None:
    await office.slack.channel("ops", shared=True)

    asked = await office.anna.says("#ops", "@sayso press bell")
    line = await office.says(asked, "Waiting for Bo Berg or Cy Cole: Press bell?")
    await office.says("@anna", "People of another company read #ops")
    await office.cy.presses("Approve", in_=await office.card("@cy"))
    await office.becomes(line, "Done: press bell")
    await office.world.quiet()

    assert [message.ts for message in await office.slack.messages(asked)] == [asked.ts, line.ts]


@pytest.mark.long
async def test_whoever_presses_a_card_of_a_run_that_has_left_is_told_that_it_changes_nothing(
    office: SlackWorld,
) -> None:
    world = office.world
    await office.anna.says("#ops", "@sayso press bell")
    card = await office.card("#ops", "Approve")
    await office.bo.presses("Approve", in_=card)
    run_id = await office.only_run()
    await world.ended(run_id)
    await office.becomes(card, "Done")
    await world.quiet()
    await world.move_time(31 * 86_400)
    assert await world.retention() == 1

    await office.cy.presses("Approve", in_=card, version=0)

    await office.cy.sees_ephemeral("closed long ago")
    assert await world.app.store.length(run_id) == 0
