"""Links open a session once, for whoever presses the button; nobody else gets in or learns anything."""

import hashlib
import re
from pathlib import Path
from urllib.parse import urlencode

import pytest

from agents.requests import PersonId
from agents.requests.proof import LinkBy
from bot.outbound.login_link import send_link
from bot.people.sessions import SESSION_S
from bot.web.console.pages import stood_on
from tests.bot.web.console.stage import asked, place, proof
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, without
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.console import OURS, Browser, Console, Page, a_console, sent
from tests.servers.markup import Form
from tests.stories.test_mailed_links import key_of

PUBLIC = "http://sayso.corp.example:8000"
AT_HOME = f'public_url = "{PUBLIC}"\n{TOML}'
ELSEWHERE = (
    "//evil.example", "/\\evil.example", "/\t/evil.example", "/\n/evil.example", "\\\\evil.example", "//[", "/\x00", "",
    "https://evil.example/", "https:evil.example", "javascript:alert(1)", "data:text/html,x", "evil.example",
    " //evil.example",
)  # fmt: skip


async def press(browser: Browser, link: str) -> Page:
    page = await browser.get(link)
    return await browser.submit(page.form("/login"), "Open the console")


async def test_looking_at_a_link_spends_nothing_and_the_button_opens_one_session_until_its_person_logs_out(
    world: World, console: Console
) -> None:
    """Whoever has a session is not asked again and keeps the link; who has none is shown how to get one."""
    link, anna, run_id = await console.link("anna"), console.stranger(), await world.trigger("press secret")
    for method in ("GET", "HEAD", "GET"):
        for purpose in ({}, {"Sec_Purpose": "prefetch"}, {"User_Agent": "MailScanner/1.0"}):
            answer = await console.stranger().ask(method, link, Accept="text/html", **purpose)
            assert (answer.status_code, answer.headers.get_list("set-cookie")) == (200, [])
    for path in ("/", f"/runs/{run_id}", f"/runs/{run_id}/now", "/requests", "/mail", "/live", "/quarantine"):
        page = await console.stranger().get(path)
        assert (page.status, "Please log in" in page.words, "secret" in page.html) == (401, True, False)

    other = await console.browser("anna")
    assert (await other.get(link)).path == "/"
    page = await press(anna, link)

    assert (page.status, "What do you need?" in page.words) == (200, True)
    [line] = anna.set_cookies
    name, *flags = (part.strip() for part in line.split(";"))
    assert name.startswith(f"sayso-{console.api.port}=")
    assert {flag.lower() for flag in flags} == {"httponly", "path=/", "samesite=lax", f"max-age={round(SESSION_S)}"}
    again = await console.stranger().post("/login", {"token": link.partition("=")[2]})
    assert (again.status_code, "does not work any more" in Page(again).words) == (401, True)
    stolen, thief = dict(anna.cookies), console.stranger()
    page = await anna.submit(page.form("/logout"))
    assert (page.path, anna.cookies) == ("/login", {})
    thief.cookies = stolen
    assert (await thief.get("/")).status == 401


async def test_only_a_link_of_ours_opens_a_session_and_leads_to_no_place_but_our_own(console: Console) -> None:
    short = await console.logins.link(PersonId("anna"), by="operator", within_s=0.001)
    for token in (short, "", "x", "a" * 40, "é\u202e\x00", "x" * 5_000):
        answer = await console.stranger().post("/login", {"token": token})

        assert (answer.status_code, answer.headers.get_list("set-cookie")) == (401, [])

    page = await press(console.stranger(), f"{await console.link('anna')}&{urlencode({'next': '/requests'})}")
    assert page.path == "/requests"

    for elsewhere in ELSEWHERE:
        anna, token = console.stranger(), (await console.link("anna")).partition("=")[2]
        page = await anna.get(f"/login?{urlencode({'token': token, 'next': elsewhere})}")
        assert ("next", "/") in page.form("/login").fields

        answer = await anna.post("/login", {"token": token, "next": elsewhere})
        again = await anna.ask("GET", f"/login?{urlencode({'next': elsewhere})}", Accept="text/html")
        assert [(one.status_code, one.headers["location"]) for one in (answer, again)] == [(303, "/"), (303, "/")]


@opens(f'public_url = "https://sayso.corp.example"\n{TOML}')
async def test_over_tls_the_cookie_goes_nowhere_else(world: World, console: Console) -> None:
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


async def test_attack_whoever_opened_a_link_that_went_to_an_address_of_theirs_decides_in_its_person_s_name_afterwards(
    redis: str, tmp_path: Path
) -> None:
    by: LinkBy = "email"
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


async def test_attack_a_key_decides_in_somebodys_name_that_another_made_who_got_the_link_for_its_session(
    redis: str, tmp_path: Path
) -> None:
    """The file had Dan's Slack id and address as Bo's; it stays shut once Dan has left or has other ones.

    Whoever has another address alone keeps their keys.
    """
    by: LinkBy = "slack"
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


@opens(AT_HOME.replace("[people.bo]\n", '[people.bo]\nlanguage = "de"\n'))
async def test_a_link_comes_by_mail_to_whoever_is_known_and_the_page_never_says_who_is(
    world: World, console: Console
) -> None:
    """It is in their own language."""
    anna = console.stranger()
    wanted = await anna.get("/requests")
    fields = dict(wanted.form("/login/mail").fields)

    known = await anna.post("/login/mail", fields | {"email": " Anna@corp.example"})
    unknown = await anna.post("/login/mail", fields | {"email": "nobody@corp.example"})
    await console.stranger().post("/login/mail", fields | {"email": "bo@corp.example"})

    assert (known.status_code, known.text) == (200, unknown.text)
    mail = await world.next_mail("anna", about="Open the console")
    link = next(word for word in mail.text.split() if word.startswith(PUBLIC))
    page = await press(anna, link.removeprefix(PUBLIC))
    assert (page.path, page.status) == ("/requests", 200)
    assert (await console.stranger().post("/login", {"token": "nobody"})).status_code == 401
    assert "Ohne diese Nachricht kommt niemand hinein" in (await world.next_mail("bo", about="Konsole öffnen")).text


@opens(AT_HOME)
async def test_addresses_that_somebody_makes_up_are_not_kept_and_soon_answered_no_more(
    world: World, console: Console
) -> None:
    before = await keys_of(world)
    made_up = [f"nobody{number}@corp.example" for number in range(25)]

    answers = [await console.stranger().post("/login/mail", {"email": address}) for address in made_up]
    known = await console.stranger().post("/login/mail", {"email": "anna@corp.example"})

    assert [answer.status_code for answer in answers] == [200] * 20 + [429] * 5
    assert (known.status_code, known.text) == (429, answers[-1].text)
    assert known.headers["retry-after"] == "600"
    assert len(await keys_of(world) - before) == 1, "one counter for this client"
    await world.quiet()
    assert world.mails("anna") == ()
    await world.move_time(601)
    assert (await console.stranger().post("/login/mail", {"email": "anna@corp.example"})).status_code == 200


async def keys_of(world: World) -> set[bytes]:
    return {key for key in await world.app.store.client.do("KEYS", "*") if b"window" in key or b"log-in" in key}


BEHIND = f'public_url = "{PUBLIC}"\ntrusted_proxies = "127.0.0.1, 10.0.0.0/8"\n{TOML}'
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


@opens(BEHIND)
async def test_nobody_is_flooded_with_links_and_nobody_elses_wishes_use_them_up(world: World, console: Console) -> None:
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


@opens(BEHIND)
async def test_attack_a_stranger_comes_from_an_address_that_uses_up_somebody_elses_wishes(
    world: World, console: Console
) -> None:
    assert 429 in await asked_from(console, among_the_same("192.0.2.7"), 21)
    await mailed(world, 5)

    assert await asked_from(console, "192.0.2.7", 1) == [200]
    await mailed(world, 6)


@opens(AT_HOME)
async def test_whoever_says_to_come_from_elsewhere_is_believed_from_no_proxy_of_ours_alone(console: Console) -> None:
    answers = [await asked_from(console, f"192.0.2.{number}", 1) for number in range(25)]

    assert answers == [[200]] * 20 + [[429]] * 5


@opens(BEHIND)
async def test_behind_a_proxy_of_ours_each_address_has_a_limit_of_its_own(world: World, console: Console) -> None:
    rows = {
        "by another proxy of ours": (["192.0.2.1", "192.0.2.1, 10.1.2.3"], [20, 0]),
        "who invents where they came from": (["203.0.113.1, 192.0.2.1", "203.0.113.2, 192.0.2.1"], [20, 0]),
        "a network": (["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"], [20, 0, 20]),
        "none": (["unknown", "192.0.2.1"], [20, 20]),
    }
    for row, (addresses, limited) in rows.items():
        for address, let_in in zip(addresses, limited, strict=True):
            assert await asked_from(console, address, 21) == [200] * let_in + [429] * (21 - let_in), row
        await world.move_time(601)


WORDS = "not before the <b>sale</b>"


async def test_what_was_typed_is_given_back_and_logging_in_leads_back_to_the_request(
    world: World, console: Console
) -> None:
    record, bo = await asked(world), await console.browser("bo")
    path, fields = sent((await bo.get(place(record))).form(f"{place(record)}/answer"), "Deny", reason=WORDS)
    await bo.post("/logout", await proof(bo))

    page = Page(await bo.post(path, fields))

    assert page.status == 401
    assert "What you typed was not sent and decided nothing." in page.words
    assert WORDS in page.words
    assert "<b>sale" not in page.html
    assert place(record) in page.links
    assert (await world.request(record.request.id)).state == "open"
    strange = await console.stranger().post(path, {"reason": WORDS}, {"Sec-Fetch-Site": "cross-site"})
    assert (strange.status_code, "sale" in strange.text) == (401, False), "a form from elsewhere puts no words there"


@pytest.mark.parametrize(
    ("sent_to", "page"),
    [
        ("/requests/s3q-p2w4zt6n3c7de/answer", "/requests/s3q-p2w4zt6n3c7de"),
        ("/runs/s3r-p2w4zt6n3c7de/cancel", "/runs/s3r-p2w4zt6n3c7de"),
        ("/mail/bo/1234", "/mail/bo/1234"),
        ("/requests/deny", "/requests"),
        ("/keys", "/keys"),
        ("/keys/abc/revoke", "/keys"),
        ("/ask", "/"),
        ("/requests/../evil/answer", "/requests"),
        ("//evil.example/x", "/"),
    ],
)
def test_a_form_leads_back_to_the_page_that_it_stood_on(sent_to: str, page: str) -> None:
    assert stood_on(sent_to) == page
