"""Every answer is hardened, and no text of anybody is anything but text on any page."""

import json
import re
from contextlib import aclosing

import pytest

from tests.bot.web.console.stage import a_scene, proof
from tests.bot.web.console.test_streams import until_part
from tests.kit.long import few_of
from tests.kit.world import World
from tests.servers.console import FORM, OURS, SITE, Browser, Console, Page, a_console, sent
from tests.servers.markup import Markup

EVIL = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> </textarea></pre></blockquote> "
    "javascript:alert(1) {{7*7}} ${7*7} {% raw %} &lt;b&gt; \u202eevil\u2066 \x00\x1b[2J\x85\u2028 <!-- --"
)
_half = EVIL.replace("\u202e", "\\u202e").replace("\u2066", "\\u2066").replace("\x00", "\\u0000")
SEEN = _half.replace("\x1b", "\\u001b").replace("\x85", "\\u0085").replace("\u2028", "\\u2028")
NEVER = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
TAGS = {
    "noscript",
    *("html", "head", "meta", "title", "link", "script", "body", "a", "header", "nav", "main", "footer", "section"),
    *("div", "span", "p", "h1", "h2", "h3", "ul", "ol", "li", "dl", "dt", "dd", "b", "q", "code", "pre", "time"),
    *("blockquote", "article", "aside", "form", "input", "button", "textarea", "label", "select", "option"),
    *("fieldset", "legend", "iframe", "details", "summary", "kbd", "figure", "figcaption", "svg", "rect"),
}


def check_is_ours(html: str, *, is_page: bool = True) -> None:
    """Check that nothing runs, loads, leads elsewhere or hides that is not ours."""
    markup = Markup(html)
    assert {tag for tag, _ in markup.tags} <= TAGS
    assert [tag for tag, _ in markup.tags].count("script") == (1 if is_page else 0)
    assert not NEVER.search(html), NEVER.search(html)
    for tag, attributes in markup.tags:
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
        for name in {"href", "src", "action", "formaction", "data-follow", "hx-get"} & set(attributes):
            is_site = attributes[name].startswith(f"{SITE}/")
            assert is_site or re.match(r"/(?![/\\])|data:,$|#main$", attributes[name]), (tag, attributes)


async def everywhere(browser: Browser, *paths: str) -> str:
    """Return what all of these pages and the lists say, each of which is ours throughout."""
    said: list[str] = []
    for path in ("/", "/runs", "/requests", "/requests?all", "/live", "/quarantine", *paths):
        page = await browser.get(path)
        assert page.status == 200 or path == "/quarantine"  # not everybody looks after it
        check_is_ours(page.html)
        said.append(page.words)
    return "\n".join(said)


def normal(text: str) -> str:
    return " ".join(text.split())


async def test_what_a_person_asks_is_text_everywhere(world: World, demo_console: Console) -> None:
    anna = await demo_console.browser("anna", is_demo=True)
    text = f"press it\n{EVIL}"
    run = await anna.submit((await anna.get("/")).form("/ask"), "Ask", text=text)
    run_id = run.path.removeprefix("/runs/")
    record = await world.opened(run_id)
    await world.quiet()

    said = await everywhere(anna, run.path, f"/requests/{record.request.id}")

    assert normal(SEEN) in said
    async with aclosing(anna.stream(f"{run.path}/now")) as stream:
        for _, html in await until_part(stream, "story"):
            check_is_ours(html, is_page=False)


async def test_what_a_tool_is_used_on_and_says_is_text_and_can_not_look_like_more(
    world: World, console: Console
) -> None:
    bo, what = await console.browser("bo"), EVIL.replace("\x85", "").replace("\u2028", "").replace("\x1b", "")
    world.workshop.meaning[what] = f"{what} v1"
    run_id = await world.trigger(f"press {what}\nstamp cup")
    record = await world.opened(run_id)
    world.workshop.outputs |= {what: EVIL, "cup": f"a\r\nb\n{EVIL}"}
    request = f"/requests/{record.request.id}"
    shown = normal(SEEN.replace("\\u0085", "").replace("\\u2028", "").replace("\\u001b", ""))

    page = await bo.get(request)
    check_is_ours(page.html)
    assert shown in page.words
    async with aclosing(bo.stream(f"/runs/{run_id}/now")) as stream:
        for _, html in await until_part(stream, "card"):
            check_is_ours(html, is_page=False)
        asked_back = Page(await bo.post(*sent(page.form(f"{request}/answer"), "Approve", reason=EVIL)))
        assert asked_back.status == 200
        check_is_ours(asked_back.html)
        assert normal(SEEN) in asked_back.words
        await bo.submit(asked_back.form(f"{request}/answer"), "Approve with this note")
        for _, html in await until_part(stream, "end"):
            check_is_ours(html, is_page=False)
    assert normal(SEEN) in await everywhere(bo, f"/runs/{run_id}", request)


@pytest.mark.parametrize("form", few_of(["choice", "choices", "form"], 0))
async def test_what_a_model_asks_and_people_answer_is_text(world: World, console: Console, form: str) -> None:
    anna = await console.browser("anna")
    label = EVIL.replace(",", ";").replace("\x85", "").replace("\u2028", "")
    run_id = await world.trigger(f"ask {form} {label} | {label}, {label} 2")
    record = await world.opened(run_id)
    request = f"/requests/{record.request.id}"
    page = await anna.get(request)
    assert "The agent that works for Anna Ames asks." in page.words
    said = await everywhere(anna, f"/runs/{run_id}", request)
    assert normal(SEEN.replace("\\u0085", "").replace("\\u2028", "")) in said
    check_is_ours((await anna.get(request)).html)

    typed = {"field-1": EVIL, "field-2": EVIL} if form == "form" else {}
    await anna.submit(page.form(f"{request}/answer"), "Answer", ("1",), **typed)

    await world.ended(run_id)
    assert (await world.request(record.request.id)).state == "answered"
    await everywhere(anna, f"/runs/{run_id}", request)


async def test_reasons_and_notices_are_text(world: World, console: Console) -> None:
    record = await world.opened(await world.trigger("press it"))
    bo, dan, request = await console.browser("bo"), await console.browser("dan"), f"/requests/{record.request.id}"
    fields = dict((await bo.get(request)).form(f"{request}/answer").fields)

    await dan.post(f"{request}/answer", fields | await proof(dan) | {"vote": "x", "reason": EVIL})
    after = await bo.submit((await bo.get(request)).form(f"{request}/answer"), "Deny", reason=EVIL)

    check_is_ours(after.html)
    assert normal(SEEN) in await everywhere(dan, f"/runs/{record.request.run_id}", request)


async def test_names_of_people_policies_and_agents_are_text(world: World) -> None:
    async with world.stopped():
        name = json.dumps(EVIL.replace("\x00", "").replace("\x85", "").replace("\x1b", "").replace("\u2028", ""))
        world.toml = world.toml.replace('"Anna Ames"', name).replace('"Bo Berg"', f'{name[:-1]} Bo"')
    async with a_console(world, is_demo=True) as console:
        scene, anna = await a_scene(world), await console.browser("anna", is_demo=True)
        paths = (f"/runs/{scene.run_id}", f"/requests/{scene.request_id}", "/mail/bo", f"/mail/bo/{scene.letter_id}")
        said = await everywhere(anna, *paths)

    assert "<script>alert(1)</script>" in said


async def test_every_answer_is_hardened(world: World, console: Console) -> None:
    scene, anna, stranger = await a_scene(world), await console.browser("anna"), console.stranger()
    fields = "&".join(f"{name}={value}" for name, value in (await proof(anna)).items())
    static = next(at["href"] for _, at in (await anna.get("/")).tags if at.get("rel") == "stylesheet")
    send = {"content": fields, "Content_Type": FORM, **OURS}
    pages = ["/", "/login", "/runs", f"/runs/{scene.run_id}", f"/requests/{scene.request_id}", "/live/part", static]
    answers = [await anna.ask("GET", path, Accept="text/html") for path in pages]
    answers += [await anna.ask("HEAD", "/"), await anna.ask("GET", "/nothing", Accept="application/json")]
    answers += [
        await stranger.ask("GET", path, Accept=kind) for path in ("/", "/login", "/x") for kind in ("*/*", "a/b")
    ]
    answers += [await anna.ask("POST", path, Accept="text/html", **send) for path in ("/ask", "/as", "/x", "/runs")]
    answers += [await stranger.ask("POST", "/ask", **send), await anna.ask("POST", "/ask", **(send | {"Origin": "x"}))]
    answers += [await anna.ask("POST", "/ask", **(send | {"Content_Type": "text/plain"}))]
    answers += [await anna.ask("POST", "/ask", **(send | {"content": "x" * 70_000}))]
    answers += [await anna.ask("GET", "/", Host="evil.example"), await anna.ask("DELETE", "/")]
    async with anna.open("GET", f"/runs/{scene.run_id}/now") as stream:
        answers.append(stream)

    assert {answer.status_code for answer in answers} >= {200, 303, 401, 403, 404, 405, 413, 415, 421}
    for answer in answers:
        headers, where = answer.headers, f"{answer.request.method} {answer.url} {answer.status_code}"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy, where
        assert "frame-ancestors 'none'" in policy, where
        assert "base-uri 'none'" in policy, where
        assert "form-action" in policy, where
        assert "unsafe" not in policy, where
        assert headers["x-content-type-options"] == "nosniff", where
        assert headers["referrer-policy"] == "no-referrer", where
        assert headers["x-frame-options"] == "DENY", where
        assert headers["cross-origin-opener-policy"] == "same-origin", where
        assert "access-control-allow-origin" not in headers, where
        kept_as = "public, max-age=31536000, immutable" if str(answer.url).endswith(static) else "no-store"
        assert headers["cache-control"] == kept_as, where
        assert "server" not in headers, where


async def test_pages_may_show_the_demo_site_in_a_frame_and_nothing_else(
    demo_console: Console, console: Console
) -> None:
    demo, anna = await demo_console.browser("anna", is_demo=True), await console.browser("anna")

    assert f"frame-src {SITE};" in (await demo.get("/")).headers["content-security-policy"]
    assert "frame-src 'none';" in (await demo.get("/runs")).headers["content-security-policy"]
    assert "frame-src 'none';" in (await anna.get("/")).headers["content-security-policy"]


async def test_every_page_reads_and_works_without_a_script(world: World, demo_console: Console) -> None:
    scene, dan = await a_scene(world), await demo_console.browser("dan", is_demo=True)
    looked = set[str]()

    for path in scene.paths("GET"):
        if path.endswith(("/now", "/part", "/export", "console.css")) or "/files/" in path:
            continue
        page = await dan.get(path)
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert all(form.buttons for form in page.forms), path
        # What only looks, or asks once more, changes nothing and needs no proof.
        looks = {form.action for form in page.forms if form.method != "post"}
        assert looks <= {"/requests", "/requests/deny", "/runs", "/audit", "/policies#what-if"}, path
        assert all(button.action or form.action for form in page.forms for button in form.buttons)
        for link in {link for link in page.links if link.startswith("/") and "cursor" not in link} - looked:
            assert (await dan.get(link)).status == 200, link
            looked.add(link)
