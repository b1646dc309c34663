"""Pages speak the language of whoever reads them: their own, before they log in their browser's."""

import json
import re
from collections.abc import Iterator
from string import Formatter

import pytest

from bot.web.console.gate import preferred
from language import Language
from tests.bot.web.console.stage import a_scene, proof
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World
from tests.language.test_catalogs import messages
from tests.servers.console import OURS, Browser, Console, Page

GERMAN_MOMENT = re.compile(r"(Mo|Di|Mi|Do|Fr|Sa|So)\.? \d{1,2}\. \w+\.?, \d\d:\d\d UTC")
# Of fewer words a piece may also be a name, or what somebody wrote.
WORDS = 4


STEERING = '\n[roles]\noperator = ["person:cy", "person:dan"]\n'
GERMAN = re.sub(r"\[people\.(bo|dan)\]\n", r'\g<0>language = "de"\n', TOML) + STEERING + 'admin = ["person:bo"]\n'
pytestmark = opens(GERMAN)
"""Bo and Dan read German and all others English."""


def language_of(page: Page) -> tuple[str, str]:
    """Return the language of a page as the page says it, and as its headers do."""
    [html] = [attributes for tag, attributes in page.tags if tag == "html"]
    return html["lang"], page.headers["content-language"]


def seen(page: Page) -> str:
    """Return everything that is read or read out on a page."""
    named = {"aria-label", "placeholder", "title", "alt"}
    labels = (text for _, attributes in page.tags for name, text in attributes.items() if name in named)
    return " ".join([page.words, *labels])


def pieces(language: Language, catalog: str = "") -> Iterator[str]:
    """The parts of a catalog's sentences, or of all, between what is filled in, that are long enough to be known."""
    for key, forms in messages(language).items():
        texts = [text.strip() for form in forms for text, *_ in Formatter().parse(form)]
        yield from (text for text in texts if key.startswith(catalog) and len(text.split()) >= WORDS)


async def test_a_page_its_script_and_what_it_says_after_a_form_are_in_the_language_of_its_person(
    world: World, demo_console: Console
) -> None:
    scene, other = await a_scene(world), (await world.opened(await world.trigger("press lamp"))).request.id
    bo, anna = await demo_console.browser("bo"), await demo_console.browser("anna")

    card = await bo.get(f"/requests/{scene.request_id}", Accept_Language="en")

    assert language_of(card) == ("de", "de")
    assert {"Genehmigen", "Ablehnen"} <= {button.text for form in card.forms for button in form.buttons}
    assert "Die Entscheidung Wer entscheidet Sie oder Cy Cole" in card.words
    assert re.search(rf"Frist {GERMAN_MOMENT.pattern}, noch 3 Std. 59 Min.", card.words)
    home = await bo.get("/")
    assert '<h1 id="ask-title">Was benötigen Sie?</h1>' in home.html
    [body] = [attributes for tag, attributes in home.tags if tag == "body"]
    [notice] = [attributes for _, attributes in home.tags if attributes.get("id") == "notice"]
    assert json.loads(body["data-times"])["left"] == "noch {}"
    assert '<a href="/login">Erneut anmelden</a>' in notice["data-gone"]
    annas = await anna.get(f"/requests/{scene.request_id}")
    assert language_of(annas) == ("en", "en")
    assert "Who decides" in annas.words
    one = await bo.get(f"/requests/deny?pick={scene.request_id}")
    both = await bo.get(f"/requests/deny?pick={scene.request_id}&pick={other}")
    after = await bo.submit(both.form("/requests/deny"), "Alle 2 ablehnen")
    assert "Diese Anfrage ablehnen?" in one.words
    assert "Diese 2 Anfragen ablehnen?" in both.words
    assert "2 Anfragen abgelehnt." in after.words


async def test_before_they_log_in_people_read_the_language_of_their_browser(demo_console: Console) -> None:
    stranger, asks = demo_console.stranger(), {"Accept_Language": "de-AT, en;q=0.8"}

    login, refusal = await stranger.get("/login", **asks), await stranger.get("/requests", **asks)

    assert language_of(login) == language_of(refusal) == ("de", "de")
    assert "Anmelden" in login.words
    assert "Bitte melden Sie sich an" in refusal.words
    assert language_of(await stranger.get("/login", Accept_Language="fr")) == ("en", "en")


@opens('language = "de"\n' + TOML.replace("[people.bo]\n", '[people.bo]\nlanguage = "en"\n'))
async def test_an_installation_has_a_language_for_all_who_chose_none(console: Console) -> None:
    anna, bo = await console.browser("anna"), await console.browser("bo")

    assert language_of(await console.stranger().get("/login")) == ("de", "de")
    assert language_of(await anna.get("/")) == ("de", "de")
    assert language_of(await bo.get("/")) == ("en", "en")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("fr, DE-ch;q=0.3", "de"),
        ("de;q=0.3, en;q=0.4", "en"),
        ("de;q=0", "en"),
        ("*", "en"),
        ("de;q=nan", "en"),
        ("de;q=7", "en"),
        (",,;q=,\x00", "en"),
    ],
)
def test_of_the_languages_that_a_browser_wants_the_most_wanted_is_spoken(header: str, language: Language) -> None:
    assert preferred(header, "en") == language
    assert preferred("fr-FR, es;q=0.5", language) == language, "who wants none of ours reads the installation's"


async def pages_of(world: World, console: Console, browser: Browser) -> dict[str, Page]:
    """Every page of the console by its path, with things on it, and the pages that refuse."""
    scene = await a_scene(world)
    question = await world.opened(await world.trigger("ask form Where? | City, Street"))
    done = await world.trigger("stamp cup")
    await world.ended(done)
    letter = world.mails("bo")[0]
    await world.send("bo", letter.reply_to or "", "approved", login=None)
    await world.quiet()
    paths = [path for path in scene.paths("GET") if not path.endswith(("/now", "/export", "console.css"))]
    paths += [f"/requests/deny?pick={scene.request_id}", f"/runs/{done}", f"/runs/{done}?raw", "/requests?all"]
    paths += [f"/runs/{scene.run_id}/confirm/{verb}" for verb in ("cancel", "retry", "fork?at=1")]
    paths += [f"/requests/{question.request.id}", "/requests?q=x", "/requests?all&state=expired", "/runs?state=paused"]
    paths += ["/runs?archived=2020-01"]
    paths += ["/policies?policy=production&env=x", "/policies?policy=pair&at=Sunday+23:10", "/policies?policy=x&at=x"]
    paths += ["/mail/anna", "/nothing", "/runs/s0r-aaaaaaaaaaaaa", "/runs?state=x"]
    found = {path: await browser.get(path) for path in paths}
    forms = {"note": {"vote": "approve", "reason": "but later"}, "form": {"vote": "deny", "digest": "x"}}
    request = f"/requests/{scene.request_id}"
    fields = dict(found[request].form(f"{request}/answer").fields)
    found |= {name: Page(await browser.post(f"{request}/answer", fields | typed)) for name, typed in forms.items()}
    found["key"] = Page(await browser.post("/keys", await proof(browser) | {"scope": "read", "name": "x"}))
    found["no key"] = Page(await browser.post("/keys", await proof(browser)))
    found["foreign"] = Page(await browser.post("/ask", {}, OURS | {"Sec-Fetch-Site": "cross-site"}))
    found["login"] = await console.stranger().get("/login", Accept_Language="de")
    found["link"] = await console.stranger().get(await console.link("dan"), Accept_Language="de")
    found["old link"] = await console.stranger().get("/login?token=x", Accept_Language="de")
    return found


async def test_no_sentence_of_the_console_is_left_in_english_on_a_german_page(
    world: World, demo_console: Console
) -> None:
    dan, english, words = (
        await demo_console.browser("dan", is_demo=True),
        set(pieces("en", "console.")),
        dict[str, str](),
    )
    pages = {f"{path} with nothing": await dan.get(path) for path in ("/", "/requests", "/requests?all", "/runs")}
    await dan.submit((await dan.get("/")).form("/as"), "Bo")

    for path, page in {**pages, **await pages_of(world, demo_console, dan)}.items():
        assert page.headers["content-language"] == "de", path
        words[path] = " ".join(seen(page).split())

    assert {(path, text) for path, said in words.items() for text in english if text in said} == set()
    found = {text for text in pieces("de", "console.") if any(text in said for said in words.values())}
    assert len(found) > 60, "these are the pages that have sentences"
