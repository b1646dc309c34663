"""The page of policies: who decides by each, and what would happen if somebody asked."""

from tests.bot.web.console.stage import asked, kept, place
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World
from tests.servers.console import Browser, Console, Page, a_console

AT = "/policies?policy=production&at=2030-11-24T23:10"
ODD = "<script>alert(1)</script>"
OFFICE = f'{TOML}\n[roles]\noperator = ["person:cy"]\n'
SPENDING = f"""{OFFICE}
[groups.finance]
file = "people.csv"

[policies.spending]
approvers = ["group:finance"]
expires_after = "2d"
"""
WEEKEND = '\n[[freeze.windows]]\nname = "weekend"\nenvironments = ["production"]\ndays = ["sat"]\n'


async def ask(browser: Browser, path: str) -> tuple[int, str]:
    """Return the status of a page, and what it says."""
    answer = await browser.ask("GET", path, Accept="text/html")
    return answer.status_code, Page(answer).words


async def test_who_decides_and_who_would_be_asked_is_answered_about_oneself_and_operators_ask_about_anybody(
    world: World, console: Console
) -> None:
    anna = await console.browser("anna")
    listed = await anna.get("/policies")
    assert "production Bo Berg or Cy Cole; one approval is needed · open for 4 h" in listed.words
    assert "pair Bo Berg and Cy Cole; 2 approvals are needed · open for 4 h" in listed.words
    assert "/policies?policy=pair#what-if" in listed.links
    await world.quiet()
    before = await kept(world)

    page = await anna.get(AT)

    assert "If Anna Ames asks on Sun 24 Nov, 23:10 UTC for what production gates, and nobody answers" in page.words
    assert "Asked at once Bo Berg, as a member of the group release: by email" in page.words
    assert "What stops it a denial by anybody who may decide" in page.words
    assert page.words.count("Asked at once") == 1, "lines of one kind stand below one label"
    assert "Cy Cole, as a member of the group release" in page.words
    assert await kept(world) == before

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


def with_a_file(world: World) -> None:
    world.folder.mkdir(parents=True, exist_ok=True)
    (world.folder / "people.csv").write_text("email,group\nbo@corp.example,finance\ngus@corp.example,finance\n")


@opens(SPENDING, change=with_a_file)
async def test_addresses_of_nobody_in_the_directory_are_shown_to_operators_alone(console: Console) -> None:
    own = await (await console.browser("anna")).get("/policies?policy=spending")
    of_cy = await (await console.browser("cy")).get("/policies?policy=spending")

    assert "Asked at once Bo Berg" in own.words
    assert "gus@corp.example" not in own.words
    assert "gus@corp.example" in of_cy.words


@opens(f'{OFFICE}viewer = ["person:bo"]\n')
async def test_viewers_neither_see_the_page_nor_a_link_to_it(world: World, console: Console) -> None:
    bo, anna = await console.browser("bo"), await console.browser("anna")
    record = await asked(world)
    path = f"/policies?policy={record.request.policy.name}#what-if"

    assert (await ask(bo, "/policies"))[0] == 403
    assert "/policies" not in (await bo.get("/")).links
    assert path not in (await bo.get(place(record))).links
    assert "/policies" in (await anna.get("/")).links
    assert path in (await anna.get(place(record))).links


@opens(OFFICE + WEEKEND)
async def test_what_is_wrong_stands_beside_its_field_and_is_never_markup(console: Console) -> None:
    cy = await console.browser("cy")
    for query, field, said in (
        ("policy=none", "policy", "There is no policy 'none'."),
        ("policy=pair&at=soon", "at", '\'soon\' is no date or time. Write "now", "23:10"'),
        ("policy=pair&person=zed", "person", "There is no person 'zed'"),
        ("policy=pair&env=mars", "env", "There is no environment 'mars' in sayso.toml."),
    ):
        page = await cy.get(f"/policies?{query}")
        [wrong] = [attributes for _, attributes in page.tags if attributes.get("aria-invalid")]
        assert (wrong["id"], wrong["aria-describedby"]) == (field, f"{field}-wrong")
        [told] = [attributes["id"] for _, attributes in page.tags if attributes.get("class") == "wrong"]
        assert told == f"{field}-wrong"
        assert said in page.words
        assert "What stops it" not in page.words
        odd = await cy.get(f"/policies?policy=pair&{field}={ODD}")
        assert ("alert(1)" in odd.words, ODD in odd.html) == (True, False)


async def test_where_there_is_no_policy_the_page_says_how_to_add_one(world: World) -> None:
    async with world.stopped():
        world.toml = world.toml.partition("[policies.production]")[0] + '[roles]\noperator = ["person:cy"]\n'
    async with a_console(world) as console:
        page = await (await console.browser("cy")).get("/policies")

    assert "There is no policy. Add [policies.NAME] to sayso.toml." in page.words
    assert not [form for form in page.forms if form.action.startswith("/policies")]
