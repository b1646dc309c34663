"""The page of policies: who decides by each, and what would happen if somebody asked."""

import pytest

from tests.bot.web.console.stage import asked, kept, place, restarted
from tests.kit.world import World
from tests.servers.console import Browser, Console, Page, a_console

AT = "/policies?policy=production&at=2030-11-24T23:10"
ODD = "<script>alert(1)</script>"


async def ask(browser: Browser, path: str) -> tuple[int, str]:
    """Return the status of a page, and what it says."""
    answer = await browser.ask("GET", path, Accept="text/html")
    return answer.status_code, Page(answer).words


async def test_each_policy_says_who_decides_how_many_of_them_and_for_how_long(console: Console) -> None:
    page = await (await console.browser("anna")).get("/policies")

    assert "production Bo Berg or Cy Cole; one approval is needed · open for 4 h" in page.words
    assert "pair Bo Berg and Cy Cole; 2 approvals are needed · open for 4 h" in page.words
    assert "/policies?policy=pair#what-if" in page.links


async def test_a_policy_that_nobody_can_decide_by_now_says_why(world: World) -> None:
    async with world.stopped():
        world.toml += '[groups.finance]\nfile = "people.csv"\n[policies.spending]\napprovers = ["group:finance"]\n'
        world.toml += 'expires_after = "2d"\n'
    async with a_console(world) as console:
        page = await (await console.browser("anna")).get("/policies")

    assert "spending the members of group finance are not known" in page.words
    assert "open for 2 d" in page.words


async def test_who_would_be_asked_why_and_by_what_is_answered_and_nothing_is_opened(
    world: World, console: Console
) -> None:
    anna = await console.browser("anna")
    await world.quiet()
    before = await kept(world)

    page = await anna.get(AT)

    assert "If Anna Ames asks on Sun 24 Nov, 23:10 UTC for what production gates, and nobody answers" in page.words
    assert "Asked at once Bo Berg, as a member of the group release: by e-mail" in page.words
    assert "What stops it a denial by anybody who may decide" in page.words
    assert await kept(world) == before


async def test_addresses_of_nobody_in_the_directory_are_shown_to_operators_alone(world: World) -> None:
    (world.folder / "people.csv").write_text("email,group\nbo@corp.example,finance\ngus@corp.example,finance\n")
    async with world.stopped():
        world.toml += '[groups.finance]\nfile = "people.csv"\n[policies.spending]\napprovers = ["group:finance"]\n'
        world.toml += 'expires_after = "2d"\n'
    async with a_console(world) as console:
        own = await (await console.browser("anna")).get("/policies?policy=spending")
        of_cy = await (await console.browser("cy")).get("/policies?policy=spending")

    assert "Asked at once Bo Berg" in own.words
    assert "gus@corp.example" not in own.words
    assert "gus@corp.example" in of_cy.words


async def test_lines_of_one_kind_stand_below_one_label(console: Console) -> None:
    page = await (await console.browser("anna")).get(AT)

    assert page.words.count("Asked at once") == 1
    assert "Cy Cole, as a member of the group release" in page.words


async def test_people_ask_about_themselves_and_operators_about_anybody(console: Console) -> None:
    anna, cy = await console.browser("anna"), await console.browser("cy")

    own, (status, refusal), of_anna = (
        await anna.get(AT),
        await ask(anna, f"{AT}&person=bo"),
        await cy.get(AT + "&person=anna"),
    )

    assert "Who asks" not in own.words
    assert (status, "If Bo Berg asks" in refusal) == (403, False)
    assert "Who asks" in of_anna.words
    assert "If Anna Ames asks" in of_anna.words


async def test_viewers_neither_see_the_page_nor_a_link_to_it(world: World) -> None:
    async with world.stopped():
        world.toml = world.toml.replace("[roles]\n", '[roles]\nviewer = ["person:bo"]\n')
    async with a_console(world) as console:
        bo, anna = await console.browser("bo"), await console.browser("anna")
        record = await asked(world)
        path = f"/policies?policy={record.request.policy.name}#what-if"

        assert (await ask(bo, "/policies"))[0] == 403
        assert "/policies" not in (await bo.get("/")).links
        assert path not in (await bo.get(place(record))).links
        assert "/policies" in (await anna.get("/")).links
        assert path in (await anna.get(place(record))).links


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("policy=none", "policy", "There is no policy 'none'."),
        ("policy=pair&at=soon", "at", '\'soon\' is no date or time. Write "now", "23:10"'),
        ("policy=pair&person=zed", "person", "There is no person 'zed'"),
        ("policy=pair&env=mars", "env", "There is no environment 'mars' in sayso.toml."),
    ],
)
async def test_what_is_wrong_stands_beside_its_field(world: World, query: str, field: str, said: str) -> None:
    async with world.stopped():
        window = '[[freeze.windows]]\nname = "weekend"\nenvironments = ["production"]\ndays = ["sat"]\n'
        world.toml = f"{world.toml}\n{window}"
    async with a_console(world) as console:
        page = await (await console.browser("cy")).get(f"/policies?{query}")

    [wrong] = [attributes for _, attributes in page.tags if attributes.get("aria-invalid")]
    assert (wrong["id"], wrong["aria-describedby"]) == (field, f"{field}-wrong")
    assert [attributes["id"] for _, attributes in page.tags if attributes.get("class") == "wrong"] == [f"{field}-wrong"]
    assert said in page.words
    assert "What stops it" not in page.words


async def test_what_was_typed_is_shown_again_and_never_markup(console: Console) -> None:
    for name in ("policy", "at", "person", "env"):
        page = await (await console.browser("cy")).get(f"/policies?policy=pair&{name}={ODD}")

        assert "alert(1)" in page.words
        assert ODD not in page.html


async def test_the_page_and_its_answer_speak_the_language_of_their_reader(world: World) -> None:
    await restarted(world, 'language = "de"')
    async with a_console(world) as console:
        page = await (await console.browser("cy")).get("/policies?policy=pair&at=Sonntag+23:10&person=anna")

    assert "pair Bo Berg und Cy Cole; 2 Genehmigungen sind nötig · 4 Std. lang offen" in page.words
    assert "Wenn Anna Ames am So" in page.words
    assert "Wer anfragt" in page.words


async def test_where_there_is_no_policy_the_page_says_how_to_add_one(world: World) -> None:
    async with world.stopped():
        world.toml = world.toml.partition("[policies.production]")[0] + '[roles]\noperator = ["person:cy"]\n'
    async with a_console(world) as console:
        page = await (await console.browser("cy")).get("/policies")

    assert "There is no policy. Add [policies.NAME] to sayso.toml." in page.words
    assert not [form for form in page.forms if form.action.startswith("/policies")]
