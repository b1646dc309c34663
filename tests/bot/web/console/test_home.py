"""The first page: ask, what waits on me, what I asked for."""

import pytest

from tests.bot.web.console.stage import proof
from tests.kit.world import World
from tests.servers.console import Console, Page, a_console, sent


async def test_asking_leads_to_the_run_and_it_is_in_the_list_then(world: World, console: Console) -> None:
    anna, bo = await console.browser("anna"), await console.browser("bo")

    run = await anna.submit((await anna.get("/")).form("/ask"), "Ask", text="press it")

    record = await world.opened(run.path.removeprefix("/runs/"))
    await world.quiet()
    assert "Anna Ames asked by console press it" in run.words
    assert run.path in (await anna.get("/")).links
    bos = await bo.get("/")
    assert f"/requests/{record.request.id}" in bos.links
    assert run.path not in bos.links
    assert "Press it" in bos.words


@pytest.mark.parametrize("text", ["", " \n\t", "\x1c", "x" * 33_000])
async def test_what_can_not_be_asked_is_told_and_starts_nothing(world: World, console: Console, text: str) -> None:
    anna = await console.browser("anna")

    page = Page(await anna.post(*sent((await anna.get("/")).form("/ask"), "Ask", text=text)))

    assert page.status == 400
    assert text.strip() in page.html, "what was typed is not lost"
    assert any("told not" in attributes.get("class", "") for _, attributes in page.tags)
    assert await world.app.store.lists.runs() == []


async def test_an_agent_that_there_is_not_is_told(world: World, console: Console) -> None:
    anna = await console.browser("anna")

    answer = await anna.post("/ask", await proof(anna) | {"text": "press it", "agent": "nobody", "once": "x"})

    assert (answer.status_code, "nobody" in Page(answer).words) == (400, True)
    assert await world.app.store.lists.runs() == []


async def test_who_asks_too_often_is_told_when_there_is_room(world: World) -> None:
    async with world.stopped():
        world.toml = world.toml.replace("1000/h", "1/h")
    async with a_console(world) as console:
        anna = await console.browser("anna")
        fields = await proof(anna)

        answers = [await anna.post("/ask", fields | {"text": f"stamp {word}", "once": word}) for word in "ab"]

        assert answers[0].headers["location"].startswith("/runs/")
        assert (answers[1].status_code, "limits.triggers_per_person" in answers[1].text) == (429, True)
        assert "stamp b" in answers[1].text, "what was typed is not lost"


async def test_the_demo_suggests_what_to_ask(demo_console: Console, console: Console) -> None:
    anna, elsewhere = await demo_console.browser("anna", is_demo=True), await console.browser("anna")
    assert "deploy v1.2.0" not in (await elsewhere.get("/")).words

    run = await anna.submit((await anna.get("/")).form("/ask"), "deploy v1.2.0 to production")

    assert "deploy v1.2.0 to production" in run.words


async def test_one_person_plays_everybody_in_the_demo_alone(demo_console: Console, console: Console) -> None:
    demo, anna = await demo_console.browser("anna", is_demo=True), await console.browser("anna")
    for name in ("Bo", "Dan", "Anna"):
        page = await demo.submit((await demo.get("/")).form("/as"), name)
        assert f'value="{name.lower()}" aria-pressed="true"' in page.html

    assert all(form.action != "/as" for form in (await anna.get("/")).forms)


async def test_what_is_said_on_a_page_can_not_be_put_there_by_others(world: World, console: Console) -> None:
    anna, cy = await console.browser("anna"), await console.browser("cy")
    await anna.post(f"/runs/{await world.trigger('press it')}/pause", await proof(anna))
    name, text = next(pair for pair in anna.cookies.items() if "told" in pair[0])
    body, _, stamp = text.strip('"').partition(".")
    for made_up in (
        "x",
        "x.y",
        f"{body}.",
        f"{body}x.{stamp}",
        f"{body}.{stamp[:-1]}",
        '"\\351.\\377"',
        f".{stamp}",
        ".",
    ):
        anna.cookies[name] = made_up
        page = await anna.get("/")
        assert (page.status, told(page)) == (200, False)
    cy.cookies[name] = text
    assert not told(await cy.get("/")), "made for another session"
    anna.cookies[name] = text
    assert told(await anna.get("/"))


async def test_what_is_told_fits_into_a_cookie_in_any_script(world: World, console: Console) -> None:
    options = ", ".join(f"{number} {'漢字' * 40}" for number in range(12))
    record = await world.opened(await world.trigger(f"ask choice 何? | {options}"))
    anna = await console.browser("anna")
    form = (await anna.get(f"/requests/{record.request.id}")).form(f"/requests/{record.request.id}/answer")

    answer = await anna.post(form.action, dict(form.fields) | {"text": "漢" * 900})

    assert all(len(line.partition(";")[0]) <= 4096 for line in anna.set_cookies)
    page = await anna.get(answer.headers["location"])
    assert "Reply with a number or a label alone. 1: 0 漢字" in page.words


def told(page: Page) -> bool:
    return any("told" in attributes.get("class", "").split() for _, attributes in page.tags)


async def test_what_no_rule_places_is_asked_about_and_not_given_to_the_first_agent(shop: World) -> None:
    async with a_console(shop) as console:
        anna = await console.browser("anna")

        run = await anna.submit((await anna.get("/")).form("/ask"), "Ask", text="is there any milk left?")

    started = (await shop.run(run.path.removeprefix("/runs/"))).started
    assert started is not None
    assert started.agent == "triage"


async def test_the_demo_says_where_a_run_goes_once_there_is_a_model(world: World) -> None:
    async with world.stopped():
        world.environ = {
            "ANTHROPIC_API_KEY": "a key",
            "ANTHROPIC_BASE_URL": "https://user:a-password@models.corp.example/x",
        }
    async with a_console(world, is_demo=True) as console:
        page = await (await console.browser("anna", is_demo=True)).get("/")

    assert "sends nothing to other machines" not in page.words
    assert "Leaves this machine: what a run is about, to the model at models.corp.example." in page.words
    assert "a-password" not in page.html


async def test_the_foot_of_a_page_names_each_server_that_hears_of_what_goes_on(shop: World) -> None:
    async with shop.stopped():
        shop.environ = {"SLACK_BOT_TOKEN": "xoxb-a-token", "SLACK_SIGNING_SECRET": "a secret of Slack's"}
        shop.toml = shop.toml.replace(
            f'repo = "{shop.folder}/demo/shop"', 'repo = "https://git.corp.example/shop.git"', 1
        )
    async with a_console(shop) as console:
        words = (await (await console.browser("anna")).get("/")).words

    assert (
        "Leaves this machine: what people are asked and told in Slack; questions about versions, to git.corp.exam"
        in words
    )
    assert "This is the demo" not in words
    assert "Rehearsal: there is no model key" in words


async def test_where_nothing_is_set_up_the_demo_says_that_nothing_is_sent(world: World) -> None:
    async with a_console(world, is_demo=True) as console:
        words = (await (await console.browser("anna", is_demo=True)).get("/")).words

    assert "This is the demo: you play everybody. sayso sends nothing to other machines." in words
