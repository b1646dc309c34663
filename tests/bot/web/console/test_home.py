"""The first page: ask, what waits on me, what I asked for."""

from tests.bot.web.console.stage import proof
from tests.kit.world import World
from tests.servers.console import Console, Page, a_console, sent


async def test_asking_leads_to_the_run_and_what_is_told_fits_into_a_cookie_in_any_script(
    world: World, console: Console
) -> None:
    anna, bo = await console.browser("anna"), await console.browser("bo")

    run = await anna.submit((await anna.get("/")).form("/ask"), "Ask", text="press it")

    record = await world.opened(run.path.removeprefix("/runs/"))
    await world.quiet()
    assert "Anna Ames asked in the console press it" in run.words
    assert run.path in (await anna.get("/")).links
    bos = await bo.get("/")
    assert f"/requests/{record.request.id}" in bos.links
    assert run.path not in bos.links
    assert "Press it" in bos.words

    options = ", ".join(f"{number} {'漢字' * 40}" for number in range(12))
    record = await world.opened(await world.trigger(f"ask choice 何? | {options}"))
    anna = await console.browser("anna")
    form = (await anna.get(f"/requests/{record.request.id}")).form(f"/requests/{record.request.id}/answer")

    answer = await anna.post(form.action, dict(form.fields) | {"text": "漢" * 900})

    assert all(len(line.partition(";")[0]) <= 4096 for line in anna.set_cookies)
    page = await anna.get(answer.headers["location"])
    assert "Reply with a number or a label alone. 1: 0 漢字" in page.words


async def test_what_can_not_be_asked_is_told_and_starts_nothing(world: World, console: Console) -> None:
    anna = await console.browser("anna")
    form = (await anna.get("/")).form("/ask")

    for text in ("", " \n\t", "\x1c", "x" * 33_000):
        page = Page(await anna.post(*sent(form, "Ask", text=text)))
        assert page.status == 400
        assert text.strip() in page.html, "what was typed is not lost"
        assert told(page)
    answer = await anna.post("/ask", await proof(anna) | {"text": "press it", "agent": "nobody", "once": "x"})
    assert (answer.status_code, "nobody" in Page(answer).words) == (400, True)
    assert await world.app.store.lists.runs() == []
    assert "What you ask for, here or by email, is a run" in (await anna.get("/runs")).words
    assert "reaches you as you have set it up, by email." in (await anna.get("/requests")).words, (
        "nobody has Slack here"
    )


async def test_in_the_demo_alone_one_person_plays_everybody_and_is_told_what_to_ask(
    demo_console: Console, console: Console
) -> None:
    demo, anna = await demo_console.browser("anna", is_demo=True), await console.browser("anna")
    elsewhere, home = await anna.get("/"), await demo.get("/")
    assert all(form.action != "/as" for form in elsewhere.forms)
    assert "deploy v1.2.0" not in elsewhere.words
    assert "This is the demo: you play everybody. sayso sends nothing to other machines." in home.words

    for name in ("Bo", "Dan", "Anna"):
        page = await demo.submit((await demo.get("/")).form("/as"), name)
        assert f'value="{name.lower()}" aria-pressed="true"' in page.html
    run = await demo.submit((await demo.get("/")).form("/ask"), "deploy v1.2.0 to production")
    assert "deploy v1.2.0 to production" in run.words


async def test_what_is_said_on_a_page_can_not_be_put_there_by_others(world: World, console: Console) -> None:
    anna, cy = await console.browser("anna"), await console.browser("cy")
    await anna.post(f"/runs/{await world.trigger('press it')}/pause", await proof(anna))
    name, text = next(pair for pair in anna.cookies.items() if "told" in pair[0])
    body, _, stamp = text.strip('"').partition(".")
    for made_up in ("x", "x.y", f"{body}.", f"{body}x.{stamp}", f"{body}.{stamp[:-1]}", '"\\351.\\377"', f".{stamp}"):
        anna.cookies[name] = made_up
        page = await anna.get("/")
        assert (page.status, told(page)) == (200, False)
    cy.cookies[name] = text
    assert not told(await cy.get("/")), "made for another session"
    anna.cookies[name] = text
    assert told(await anna.get("/"))


def told(page: Page) -> bool:
    return any("told" in attributes.get("class", "").split() for _, attributes in page.tags)


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
