"""An agent asks others than its requester: those whom its settings let it ask, by mail and on the page."""

from agents.requests import RunId
from tests.bot.web.console.stage import place
from tests.kit.world import World
from tests.servers.console import a_console


async def test_whom_the_agent_names_is_asked_by_mail_and_their_answer_resumes_the_run(world: World) -> None:
    run_id = await world.trigger("ask-of person:bo free_text Which bell is broken?")
    letter = await world.next_mail("bo", about="Which bell is broken?")

    assert "Anna Ames" in letter.text, "who is behind it"
    assert world.mails("anna") == (), "nobody else is asked"
    await world.reply("bo", letter, "the one at the gate")

    assert await said_in_the_end(world, run_id) == "answered: the one at the gate"


async def test_a_group_is_asked_on_the_page_and_whoever_of_it_answers_first_counts(world: World) -> None:
    run_id = await world.trigger("ask-of group:release choice Which bell? | gate, tower")
    record = await world.opened(run_id)
    async with a_console(world) as console:
        anna, cy = await console.browser("anna"), await console.browser("cy")

        page = await anna.get(place(record))
        assert not any(form.action.endswith("/answer") for form in page.forms), "the requester only looks on"
        await cy.submit((await cy.get(place(record))).form(f"{place(record)}/answer"), picks=("2",))

    assert await said_in_the_end(world, run_id) == "answered: tower"
    decision = (await world.request(record.request.id)).decision
    assert decision
    assert decision.by == ("cy",)


async def test_whom_the_settings_do_not_name_is_not_asked_and_the_run_says_whom_it_may_ask(world: World) -> None:
    run_id = await world.trigger("ask-of person:dan free_text What is your password?")

    said = await said_in_the_end(world, run_id)

    assert said.startswith("refused: The clerk agent may not ask person:dan: it may ask person:bo, group:release")
    assert world.mails("dan") == ()


async def said_in_the_end(world: World, run_id: RunId) -> str:
    ended = (await world.ended(run_id)).ended
    return ended.summary if ended else ""
