"""Every form passes the gate: only our own pages, of one's own session, change anything, and looking never does."""

import asyncio
from collections.abc import Mapping

import pytest

from tests.bot.web.console.stage import Fields, Scene, a_scene, kept, proof
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.waiting import patience, until
from tests.kit.world import World
from tests.servers.console import FORM, OURS, SITE, Browser, Console, Page, sent

# Who has no session yet can send these two, and they carry no stamp.
OPEN = ("/login", "/login/mail")
ELSEWHERE: dict[str, Mapping[str, str]] = {
    "another site": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    "another port of this machine": {"Sec-Fetch-Site": "same-site", "Origin": SITE},
    "another site without a name": {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    "a sandboxed page": {"Sec-Fetch-Site": "same-site", "Origin": "null"},
    "no page at all": {"Sec-Fetch-Site": "none"},
    "an old browser on another site": {"Origin": "https://evil.example"},
    "an old browser on another port": {"Origin": SITE},
    "an old browser without a name": {"Origin": "null"},
    "a name that begins as ours": {"Origin": "http://127.0.0.1"},
    "nonsense": {"Sec-Fetch-Site": "same-origin", "Origin": "///"},
}


@pytest.fixture
async def scene(world: World) -> Scene:
    return await a_scene(world)


async def statuses(browser: Browser, paths: list[str], fields: Fields, headers: Mapping[str, str] = OURS) -> set[int]:
    """Return the statuses that a form with these fields gets at the paths."""
    return {(await browser.post(path, fields, headers)).status_code for path in paths}


def closed(scene: Scene) -> list[str]:
    paths = [path for path in scene.paths("POST") if path not in OPEN]
    assert len(paths) >= 8
    return paths


async def test_no_form_does_anything_without_a_session_or_if_it_is_none_or_too_large(
    world: World, console: Console, scene: Scene
) -> None:
    fields = await proof(await console.browser("anna"))
    before = await kept(world)

    assert await statuses(console.stranger(), closed(scene), fields) == {401}
    made_up = console.stranger()
    for text in ("", "x", "a" * 40, '"\\377"', "x" * 4_000):
        made_up.cookies = {f"sayso-{console.api.port}": text}
        assert await statuses(made_up, closed(scene)[:2], fields) == {401}
    assert await kept(world) == before

    anna = await console.browser("anna")
    fields, before = await proof(anna), await kept(world)
    form = "&".join(f"{name}={value}" for name, value in fields.items())
    multipart = '--x\r\nContent-Disposition: form-data; name="stamp"\r\n\r\n' + fields["stamp"] + "\r\n--x--\r\n"
    found: set[tuple[str, int]] = set()

    for number, path in enumerate(scene.paths("POST")):
        for kind, content, body in (
            ("json", "application/json", '{"stamp": "x"}'),
            ("form as text", "text/plain", form),
            ("multipart", "multipart/form-data; boundary=x", multipart),
            ("unnamed", "", form),
            ("large", FORM, f"{form}&text={'x' * 65_536}"),
            ("many fields", FORM, form + "&x=1" * 200),
            ("no utf-8", FORM, f"{form}&text=%FF&x=\udcff"),
        ):
            if number and kind != "json":
                continue
            sent_as = {"Content_Type": content, "Accept": "text/html", **OURS}
            answer = await anna.ask("POST", path, content=body.encode(errors="surrogateescape"), **sent_as)
            found.add((kind, answer.status_code))

    none = {(kind, 415) for kind in ("json", "form as text", "multipart", "unnamed")}
    assert found == {*none, ("large", 413), ("many fields", 400), ("no utf-8", 400)}
    assert await kept(world) == before


async def test_no_form_counts_that_stood_elsewhere_or_bears_no_stamp_of_the_session_that_sends_it(
    world: World, demo_console: Console, scene: Scene
) -> None:
    anna = await demo_console.browser("anna", is_demo=True)
    fields, before = await proof(anna), await kept(world)

    for number, (where, headers) in enumerate(ELSEWHERE.items()):
        paths = scene.paths("POST")[: None if number == 0 else 2]
        assert await statuses(anna, paths, fields, headers) == {403}, where
    assert await kept(world) == before

    anna, bo = [await demo_console.browser(name, is_demo=True) for name in ("anna", "bo")]
    second = await demo_console.browser("anna", is_demo=True)
    good, paths = await proof(anna), closed(scene)
    others: list[Fields] = [
        {},
        {"as": "anna"},
        good | {"stamp": ""},
        good | {"stamp": good["stamp"][:-1]},
        good | {"stamp": "é\u202e\x00"},
        await proof(second),
        await proof(bo),
        good | {"as": "bo"},
        good | {"as": "nobody"},
        good | {"as": "anna\n"},
    ]
    before = await kept(world)

    for number, fields in enumerate(others):
        assert await statuses(anna, paths[: None if number == 0 else 2], fields) == {403}, fields
    assert await kept(world) == before


@opens(f'public_url = "http://sayso.corp.example:8080"\n{TOML}')
async def test_without_tls_a_page_of_ours_has_browsers_say_where_its_forms_stand(console: Console) -> None:
    # There a browser sends no Sec-Fetch-Site, and an Origin that says something only where the page lets it.
    stranger, link = console.stranger(), await console.link("anna")
    page = await stranger.get(link)
    path, fields = sent(page.form("/login"))
    refused = [await stranger.post(path, fields, {"Origin": each}) for each in ("null", "http://evil.example")]
    opened = await stranger.post(path, fields, {"Origin": "http://sayso.corp.example:8080"})

    assert page.headers["referrer-policy"] == "same-origin"
    assert [one.status_code for one in refused] == [403, 403]
    assert (opened.status_code, len(stranger.cookies)) == (303, 1)


@pytest.mark.long
async def test_the_same_forms_do_count_when_our_own_page_sends_them(demo_console: Console, scene: Scene) -> None:
    cy = await demo_console.browser("cy", is_demo=True)
    fields = await proof(cy)
    here = f"http://127.0.0.1:{demo_console.api.port}"

    for headers in (OURS, {"Sec-Fetch-Site": "same-origin", "Origin": here}, {"Origin": here}, {}):
        paths = [path for path in closed(scene) if path not in {"/logout", "/as"}]
        # Only admins hear that a key is not there.
        others = [path for path in paths if not path.startswith("/keys/")]
        assert await statuses(cy, others, fields, headers) <= {303, 400, 404, 422}
    assert (await cy.post("/logout", fields)).status_code == 303


async def test_the_demo_acts_as_whom_the_form_was_shown_to(world: World, demo_console: Console, scene: Scene) -> None:
    browser = await demo_console.browser("anna", is_demo=True)
    annas = await proof(browser)
    page = await browser.submit((await browser.get("/")).form("/as"), "Bo")
    assert 'value="bo" aria-pressed="true"' in page.html

    await browser.post(f"/runs/{scene.run_id}/pause", annas)

    [paused] = [event for event in await world.events(scene.run_id) if event.type == "run_paused"]
    assert paused.by == "anna", "an older page of the same session, which said that it was Anna's"


async def test_outside_the_demo_a_session_is_one_person_s_by_its_own_cookie_and_files_tell_strangers_nothing(
    world: World, console: Console, scene: Scene
) -> None:
    anna = await console.browser("anna")
    fields = await proof(anna) | {"as": "bo"}

    await anna.post(f"/runs/{scene.run_id}/pause", fields)
    turned = await anna.post("/as", fields | {"person": "bo"})
    bos = await anna.post("/as", fields | {"person": "nobody"})

    [paused] = [event for event in await world.events(scene.run_id) if event.type == "run_paused"]
    assert paused.by == "anna"
    assert (turned.status_code, bos.status_code) == (403, 403)
    assert "Anna Ames Log out" in (await anna.get("/")).words

    anna = await console.browser("anna")
    [(name, text)] = anna.cookies.items()
    other = console.stranger()

    for wrong in ("sayso", f"{name}0", "__Host-sayso", "sayso-80"):
        other.cookies = {wrong: text}
        assert (await other.get("/")).status == 401

    anna = await console.browser("anna")
    [(name, text)] = anna.cookies.items()

    for other in ('prefs={"a":1}', "foo", "x=a b", "[a]=1", "a@b=1", "=", ";;"):
        answer = await console.stranger().ask("GET", "/runs", Accept="text/html", Cookie=f"{other}; {name}={text}")
        assert answer.status_code == 200, other

    stranger = console.stranger()
    page = await stranger.get("/login")
    files = [value for _, at in page.tags for value in at.values() if value.startswith("/static/")]
    assert len(files) == 2

    for file in files:
        answer = await stranger.ask("GET", file)
        assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True)
    for path in ("/static/", "/static/console.css", "/static/../application.py", "/static/..%2fgate.py", "/static/x"):
        assert (await stranger.ask("GET", path)).status_code in {401, 404}


@pytest.mark.parametrize("host", few_of(["evil.example", "127.0.0.1.evil.example:80", "sayso.evil.example", ""], 0))
async def test_a_stolen_cookie_is_worth_nothing_under_another_name(
    world: World, console: Console, scene: Scene, host: str
) -> None:
    anna = await console.browser("anna")
    fields, before = await proof(anna), await kept(world)

    for method in ("GET", "POST"):
        for path in scene.paths(method):
            content = "&".join(f"{name}={value}" for name, value in fields.items()) if method == "POST" else ""
            answer = await anna.ask(method, path, content=content, Host=host, Content_Type=FORM, **OURS)
            assert answer.status_code == 421, path
            assert "set-cookie" not in answer.headers
    assert await kept(world) == before


@pytest.mark.parametrize("is_demo", few_of([True, False], 1))
async def test_looking_changes_nothing_however_often(
    world: World, console: Console, demo_console: Console, scene: Scene, is_demo: bool
) -> None:
    served = demo_console if is_demo else console
    anna, link = await served.browser("anna", is_demo=is_demo), await served.link("bo")
    fields, before = await proof(anna), await kept(world)
    query = "&".join(f"{name}={value}" for name, value in (fields | {"vote": "approve"}).items())

    for browser in (anna, served.stranger()):
        for path in [*scene.paths("GET"), link]:
            for method in ("GET", "HEAD"):
                assert await begins(browser, method, path) in {200, 303, 401, 403, 404}
        for path in scene.paths("POST"):
            assert await begins(browser, "GET", f"{path}?{query}") in {200, 303, 401, 403, 404, 405}

    assert await kept(world) == before


async def begins(browser: Browser, method: str, path: str) -> int:
    """Return the status with which the answer begins; a page that follows never ends by itself."""
    async with patience(), browser.open(method, path, Accept="text/html") as answer:
        return answer.status_code


async def test_other_methods_do_nothing(world: World, console: Console, scene: Scene) -> None:
    # One person may send only so many forms a minute.
    browsers = [await console.browser(person) for person in ("anna", "bo", "cy")]
    proofs, before = [await proof(browser) for browser in browsers], await kept(world)

    for number, method in enumerate(("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY")):
        browser, fields = browsers[number % 3], proofs[number % 3]
        content = "&".join(f"{name}={value}" for name, value in fields.items())
        paths = sorted({*scene.paths("GET"), *scene.paths("POST")} - {*OPEN})
        for path in paths if method == "PUT" else paths[number::8]:
            answer = await browser.ask(method, path, content=content, Content_Type=FORM, **OURS)
            assert answer.status_code in {403, 404, 405}, (method, path)
    assert await kept(world) == before


@pytest.mark.long
async def test_more_than_120_forms_a_minute_are_a_script(world: World, console: Console, scene: Scene) -> None:
    anna, bo = await console.browser("anna"), await console.browser("bo")
    fields, path = await proof(anna), "/runs/s0r-aaaaaaaaaaaaa/resume"
    answers = await asyncio.gather(*(anna.post(path, fields) for _ in range(120)))
    assert {answer.status_code for answer in answers} == {404}, "forms about nothing are done within the minute"
    before = await kept(world)

    answer = await anna.post(f"/runs/{scene.run_id}/cancel", fields)

    assert answer.status_code == 429
    assert "nothing was done" in Page(answer).words
    assert int(answer.headers["retry-after"]) > 0
    assert await kept(world) == before
    assert (await anna.get("/")).status == 200
    assert (await bo.post(path, await proof(bo))).status_code != 429
    await world.move_time(61)
    assert (await anna.post(path, fields)).status_code == 404


async def test_the_stream_of_a_page_is_closed_when_its_reader_has_gone(console: Console, scene: Scene) -> None:
    anna = await console.browser("anna")
    assert await begins(anna, "GET", f"/runs/{scene.run_id}/now") == 200

    async def is_closed() -> bool:
        return "sayso_http_streams 0.0" in (await anna.ask("GET", "/metrics")).text

    await until(is_closed, what="no stream is open")


async def test_a_session_of_the_demo_opens_nothing_elsewhere(demo_console: Console, console: Console) -> None:
    demo, stranger = await demo_console.browser("anna", is_demo=True), console.stranger()
    elsewhere = cookie_of(console)
    stranger.cookies[elsewhere] = next(iter(demo.cookies.values()))

    assert (await stranger.get("/runs")).status == 401


def cookie_of(console: Console) -> str:
    return f"sayso-{console.api.port}"
