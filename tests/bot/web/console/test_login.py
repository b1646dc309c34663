"""Links open a session once, for whoever presses the button; nobody else gets in or learns anything."""

import asyncio
import hashlib
import re
from pathlib import Path
from urllib.parse import urlencode

import pytest

from agents.requests import PersonId
from bot.outbound.login_link import send_link
from bot.people.sessions import SESSION_S
from bot.policy.judgements import LinkBy
from tests.bot.web.console.stage import restarted
from tests.kit.office import TOML
from tests.kit.tables import becomes, without
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.console import OURS, Browser, Console, Page, a_console, sent
from tests.servers.markup import Form
from tests.stories.test_mailed_links import key_of

PUBLIC = "http://sayso.corp.example:8000"
HOST = "sayso.corp.example:8000"
ELSEWHERE = [
    "//evil.example",
    "/\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\\\\evil.example",
    "https://evil.example/",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "//[",
    "/\x00",
    " //evil.example",
    "",
]


async def press(browser: Browser, link: str) -> Page:
    page = await browser.get(link)
    return await browser.submit(page.form("/login"), "Open the console")


async def test_looking_at_a_link_spends_nothing_and_the_button_opens_one_session(console: Console) -> None:
    link, anna = await console.link("anna"), console.stranger()
    for method in ("GET", "HEAD", "GET"):
        for purpose in ({}, {"Sec_Purpose": "prefetch"}, {"User_Agent": "MailScanner/1.0"}):
            answer = await console.stranger().ask(method, link, Accept="text/html", **purpose)
            assert (answer.status_code, answer.headers.get_list("set-cookie")) == (200, [])

    page = await press(anna, link)

    assert page.status == 200
    assert "What do you need?" in page.words
    again = await console.stranger().post("/login", {"token": link.partition("=")[2]})
    assert again.status_code == 401
    assert "does not work any more" in Page(again).words


async def test_of_64_who_press_at_once_one_gets_in(console: Console) -> None:
    token = (await console.link("anna")).partition("=")[2]

    answers = await asyncio.gather(*(console.stranger().post("/login", {"token": token}) for _ in range(64)))

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [303] + [401] * 63
    assert sum(bool(answer.headers.get_list("set-cookie")) for answer in answers) == 1


@pytest.mark.parametrize("token", ["", "x", "a" * 40, "é\u202e\x00", "x" * 5_000])
async def test_what_is_no_link_of_ours_opens_nothing(console: Console, token: str) -> None:
    answer = await console.stranger().post("/login", {"token": token})

    assert (answer.status_code, answer.headers.get_list("set-cookie")) == (401, [])


async def test_an_old_link_opens_nothing(world: World, console: Console) -> None:
    short = await console.logins.link(PersonId("anna"), by="operator", within_s=0.001)

    assert (await console.stranger().post("/login", {"token": short})).status_code == 401


@pytest.mark.parametrize("place", ELSEWHERE)
async def test_a_link_leads_to_no_place_but_our_own(console: Console, place: str) -> None:
    anna, token = console.stranger(), (await console.link("anna")).partition("=")[2]
    page = await anna.get(f"/login?{urlencode({'token': token, 'next': place})}")
    assert ("next", "/") in page.form("/login").fields

    answer = await anna.post("/login", {"token": token, "next": place})
    again = await anna.ask("GET", f"/login?{urlencode({'next': place})}", Accept="text/html")

    assert [(one.status_code, one.headers["location"]) for one in (answer, again)] == [(303, "/"), (303, "/")]


async def test_a_link_leads_to_the_page_that_it_was_sent_for(world: World, console: Console) -> None:
    run_id = await world.trigger("press it")
    anna, link = console.stranger(), await console.link("anna")

    page = await press(anna, f"{link}&{urlencode({'next': f'/runs/{run_id}'})}")

    assert page.path == f"/runs/{run_id}"


async def test_whoever_has_a_session_is_not_asked_again_and_keeps_the_link(console: Console) -> None:
    anna, link = await console.browser("anna"), await console.link("anna")

    page = await anna.get(link)

    assert page.path == "/"
    assert (await press(console.stranger(), link)).status == 200


async def test_who_has_no_session_is_shown_how_to_get_one_and_comes_back_to_the_page(
    world: World, console: Console
) -> None:
    run_id = await world.trigger("press secret")

    for path in ("/", f"/runs/{run_id}", f"/runs/{run_id}/now", "/requests", "/mail", "/live", "/quarantine"):
        page = await console.stranger().get(path)
        assert (page.status, "Please log in" in page.words) == (401, True)
        assert "secret" not in page.html


async def test_the_cookie_is_for_our_pages_alone(console: Console) -> None:
    anna = await console.browser("anna")

    [line] = anna.set_cookies
    name, *flags = (part.strip() for part in line.split(";"))
    assert name.startswith(f"sayso-{console.api.port}=")
    assert {flag.lower() for flag in flags} == {"httponly", "path=/", "samesite=lax", f"max-age={round(SESSION_S)}"}


async def test_over_tls_the_cookie_goes_nowhere_else(world: World) -> None:
    await restarted(world, 'public_url = "https://sayso.corp.example"')
    async with a_console(world) as console:
        anna = await console.browser("anna")
        run = await anna.get(f"/runs/{await world.trigger('press it')}/confirm/pause")

        after = await anna.submit(steering(run), "Pause")
        then = await anna.get(after.path)
        await anna.submit(then.form("/logout"))

    assert "Paused: it stops" in after.words
    assert "Paused: it stops" not in then.words, "what was said once is not said for ever"
    assert anna.cookies == {}
    for line in anna.set_cookies:
        assert line.startswith("__Host-sayso")
        flags = {flag.strip().lower() for flag in line.split(";")[1:]}
        assert {"secure", "path=/", "httponly", "samesite=lax"} <= flags
        assert not any(flag.startswith("domain") for flag in flags)


def steering(page: Page) -> Form:
    return next(form for form in page.forms if any(button.text == "Pause" for button in form.buttons))


async def test_a_session_ends_when_its_person_logs_out(console: Console) -> None:
    anna = await console.browser("anna")
    stolen = dict(anna.cookies)

    page = await anna.submit((await anna.get("/")).form("/logout"))

    assert page.path == "/login"
    assert anna.cookies == {}
    thief = console.stranger()
    thief.cookies = stolen
    assert (await thief.get("/")).status == 401


async def test_a_session_ends_after_twelve_hours(world: World, console: Console) -> None:
    anna = await console.browser("anna")

    await world.move_time(SESSION_S - 60)
    before = await anna.get("/")
    await world.move_time(120)
    await world.now()

    assert before.status == 200
    assert (await anna.get("/")).status == 401


async def test_a_session_and_a_link_end_when_their_person_leaves(world: World, console: Console) -> None:
    dan, link = await console.browser("dan"), await console.link("dan")
    async with world.stopped():
        world.toml = world.toml.replace('[people.dan]\nname = "Dan Dorn"\nemail = "dan@corp.example"\n', "").replace(
            "person:dan", "person:cy"
        )
    async with a_console(world) as later:
        gone = later.stranger()
        name = f"sayso-{later.api.port}"
        gone.cookies = {name: next(iter(dan.cookies.values()))}

        assert (await gone.get("/")).status == 401
        assert (await later.stranger().post("/login", {"token": link.partition("=")[2]})).status_code == 401


@pytest.mark.parametrize("by", ["slack", "email"])
async def test_attack_whoever_opened_a_link_that_went_to_an_address_of_theirs_decides_in_its_person_s_name_afterwards(
    redis: str, tmp_path: Path, by: LinkBy
) -> None:
    named = 'name = "Bo Berg"\nuid = "b"\nslack = "U0BO"\nemail = "bo@corp.example"'
    right = TOML.replace('name = "Bo Berg"\nemail = "bo@corp.example"', named)
    wrong = right.replace("U0BO", "U0FRANK").replace("bo@corp.example", "frank@corp.example")
    async with a_world(redis, tmp_path / "data", wrong) as world, a_console(world) as console:
        request = (await world.opened(await world.trigger("press bell"))).request
        frank, at_the_terminal = await console.browser("bo", by=by), await console.browser("bo", by="operator")
        form = (await frank.get(f"/requests/{request.id}")).form(f"/requests/{request.id}/answer")

        await becomes(world, right)

        answer = await frank.post(*sent(form, "Approve"))
        assert answer.status_code == 401
        assert (await frank.get("/")).status == 401
        assert (await world.request(request.id)).state == "open"
        assert (await at_the_terminal.get("/")).status == 200
        assert (await (await console.browser("bo", by=by)).get("/")).status == 200


@pytest.mark.parametrize("by", ["slack", "email"])
async def test_attack_a_key_decides_in_somebodys_name_that_another_made_who_got_the_link_for_its_session(
    redis: str, tmp_path: Path, by: LinkBy
) -> None:
    """The file had Dan's Slack id and address as Bo's; it stays shut once Dan has left or has other ones.

    Whoever has another address alone keeps their keys.
    """
    named = 'name = "Bo Berg"\nuid = "b"\nslack = "U0BO"\nemail = "bo@corp.example"'
    right = TOML.replace('name = "Bo Berg"\nemail = "bo@corp.example"', named)
    right = right.replace('email = "dan@', 'uid = "d"\nslack = "U0DAN"\nemail = "dan@')
    swaps = {"U0BO": "U0DAN", "U0DAN": "U0BO", "bo@corp": "dan@corp", "dan@corp": "bo@corp"}
    wrong = re.sub("|".join(swaps), lambda found: swaps[found[0]], right)
    async with a_world(redis, tmp_path / "data", wrong) as world, a_console(world) as console:
        request = (await world.opened(await world.trigger("press bell"))).request
        of_dan = console.api.with_key(await key_of(await console.browser("bo", by=by), "read", "answer"))
        of_bo = console.api.with_key(await key_of(await console.browser("bo"), "read", "answer"))
        assert (await of_dan.get(f"/v1/requests/{request.id}")).status_code == 200

        await becomes(world, right)

        vote = {"vote": "approve", "digest": request.digest}
        assert (await of_dan.post(f"/v1/requests/{request.id}/answer", json=vote)).status_code == 401
        assert (await world.request(request.id)).state == "open"
        for later in (
            right.replace("U0DAN", "U0DD").replace("dan@", "dd@"),
            without(right, "dan").replace("dan", "cy"),
        ):
            await becomes(world, later)
            assert (await of_dan.get("/v1/runs")).status_code == 401
        await becomes(world, right.replace("U0BO", "U0BOB").replace("bo@", "bob@"))
        again = console.api.with_key(await key_of(await console.browser("bo", by=by), "read"))
        await becomes(world, right.replace("U0BO", "U0BE").replace("bo@", "be@"))
        assert [(await one.get("/v1/runs")).status_code for one in (of_bo, again)] == [200, 200]


async def test_a_page_of_somebody_else_can_not_log_anybody_in(console: Console) -> None:
    token = (await console.link("cy")).partition("=")[2]
    victim, strange = console.stranger(), "http://127.0.0.1:9"

    for headers in (
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site", "Origin": strange},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": strange},
        {"Origin": "null"},
    ):
        for path, fields in (("/login", {"token": token}), ("/login/mail", {"email": "anna@corp.example"})):
            answer = await victim.post(path, fields, headers)
            assert (answer.status_code, answer.headers.get_list("set-cookie")) == (403, [])

    assert (await victim.post("/login", {"token": token})).status_code == 303, "nobody spent it"


async def test_a_link_comes_by_mail_to_whoever_is_known_and_the_page_never_says_who_is(world: World) -> None:
    await restarted(world, f'public_url = "{PUBLIC}"')
    async with a_console(world, host=HOST) as console:
        anna = console.stranger()
        wanted = await anna.get("/requests")
        fields = dict(wanted.form("/login/mail").fields)

        known = await anna.post("/login/mail", fields | {"email": " Anna@corp.example"})
        unknown = await anna.post("/login/mail", fields | {"email": "nobody@corp.example"})

        assert (known.status_code, known.text) == (200, unknown.text)
        mail = await world.next_mail("anna", about="Open the console")
        link = next(word for word in mail.text.split() if word.startswith(PUBLIC))
        page = await press(anna, link.removeprefix(PUBLIC))
        assert (page.path, page.status) == ("/requests", 200)
        assert (await console.stranger().post("/login", {"token": "nobody"})).status_code == 401


async def test_a_link_by_mail_is_in_the_language_of_whom_it_lets_in(world: World) -> None:
    async with world.stopped():
        world.toml = f'public_url = "{PUBLIC}"\n' + world.toml.replace(
            "[people.bo]\n", '[people.bo]\nlanguage = "de"\n'
        )
    async with a_console(world, host=HOST) as console:
        stranger = console.stranger()
        fields = dict((await stranger.get("/requests")).form("/login/mail").fields)

        await stranger.post("/login/mail", fields | {"email": "bo@corp.example"})

        assert "Ohne diese Nachricht kommt niemand hinein" in (await world.next_mail("bo", about="Konsole öffnen")).text


async def test_addresses_that_somebody_makes_up_are_not_kept_and_soon_answered_no_more(world: World) -> None:
    await restarted(world, f'public_url = "{PUBLIC}"')
    async with a_console(world, host=HOST) as console:
        before = await keys_of(world)
        made_up = [f"nobody{number}@corp.example" for number in range(25)]

        answers = [await console.stranger().post("/login/mail", {"email": address}) for address in made_up]
        known = await console.stranger().post("/login/mail", {"email": "anna@corp.example"})

        assert [answer.status_code for answer in answers] == [200] * 20 + [429] * 5
        assert (known.status_code, known.text) == (429, answers[-1].text)
        assert known.headers["retry-after"] == "600"
        new = await keys_of(world) - before
        assert len(new) == 1, "one counter for this client"
        await world.quiet()
        assert world.mails("anna") == ()
        await world.move_time(601)
        assert (await console.stranger().post("/login/mail", {"email": "anna@corp.example"})).status_code == 200


async def keys_of(world: World) -> set[bytes]:
    return {key for key in await world.app.store.client.do("KEYS", "*") if b"window" in key or b"log-in" in key}


BEHIND = f'public_url = "{PUBLIC}"\ntrusted_proxies = "127.0.0.1, 10.0.0.0/8"'
ANNA = {"email": "anna@corp.example"}


async def asked_from(console: Console, address: str, times: int) -> list[int]:
    """The statuses of so many wishes for a link of Anna's, with that X-Forwarded-For."""
    via, stranger = OURS | {"X-Forwarded-For": address}, console.stranger()
    return [(await stranger.post("/login/mail", ANNA, via)).status_code for _ in range(times)]


async def mailed(world: World, letters: int) -> None:
    """Returns once Anna has so many letters, and fails where there are more: a page answers before it sends one."""
    await until(lambda: len(world.mails("anna")) >= letters, what=f"{letters} letters")
    await world.quiet()
    assert len(world.mails("anna")) == letters


async def test_nobody_is_flooded_with_links_and_nobody_elses_wishes_use_them_up(world: World) -> None:
    await restarted(world, BEHIND)
    async with a_console(world, host=HOST) as console:
        answers = [await console.stranger().post("/login/mail", ANNA) for _ in range(7)]
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.text for answer in answers}) == 1
        await mailed(world, 5)

        for address, letters in (("192.0.2.1", 10), ("192.0.2.2", 15), ("192.0.2.3", 15)):
            assert await asked_from(console, address, 7) == [200] * 7
            await mailed(world, letters)  # 15 within an hour, whoever asks

        app = world.app
        await send_link(app.journal, app.people, PUBLIC, PersonId("anna"), "/", ("email",))
        await mailed(world, 16)  # who keeps sayso has one sent all the same
        await world.move_time(3601)
        await console.stranger().post("/login/mail", ANNA)
        await mailed(world, 17)


def among_the_same(address: str, counters: int = 16_384) -> str:
    """Return an address, of those that one stranger has, that shares a counter with another's by a plain hash."""

    def place(network: str) -> int:
        return int.from_bytes(hashlib.sha256(network.encode()).digest()[:4]) % counters

    networks = (f"2001:db8:0:{number:x}::" for number in range(1, 2**16))
    return next(one for one in networks if place(f"{one}/64") == place(address))


async def test_attack_a_stranger_comes_from_an_address_that_uses_up_somebody_elses_wishes(world: World) -> None:
    await restarted(world, BEHIND)
    async with a_console(world, host=HOST) as console:
        assert 429 in await asked_from(console, among_the_same("192.0.2.7"), 21)
        await mailed(world, 5)

        assert await asked_from(console, "192.0.2.7", 1) == [200]
        await mailed(world, 6)


async def test_whoever_says_to_come_from_elsewhere_is_believed_from_no_proxy_of_ours_alone(world: World) -> None:
    await restarted(world, f'public_url = "{PUBLIC}"')
    async with a_console(world, host=HOST) as console:
        answers = [await asked_from(console, f"192.0.2.{number}", 1) for number in range(25)]

        assert answers == [[200]] * 20 + [[429]] * 5


@pytest.mark.parametrize(
    ("addresses", "limited"),
    [
        (["192.0.2.1", "192.0.2.2"], [20, 20]),
        (["192.0.2.1", "192.0.2.1, 10.1.2.3"], [20, 0]),
        (["203.0.113.1, 192.0.2.1", "203.0.113.2, 192.0.2.1"], [20, 0]),
        (["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"], [20, 0, 20]),
        (["192.0.2.1:1000", "::ffff:192.0.2.1"], [20, 0]),
        (["unknown", "192.0.2.1", ""], [20, 20, 20]),
    ],
    ids=["two", "by another proxy of ours", "who invents where they came from", "a network", "the same", "none"],
)
async def test_behind_a_proxy_of_ours_each_address_has_a_limit_of_its_own(
    world: World, addresses: list[str], limited: list[int]
) -> None:
    await restarted(world, BEHIND)
    async with a_console(world, host=HOST) as console:
        for address, let_in in zip(addresses, limited, strict=True):
            assert await asked_from(console, address, 22) == [200] * let_in + [429] * (22 - let_in)
