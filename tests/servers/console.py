"""A browser without JavaScript in front of the served console: it keeps cookies and sends forms as the pages offer."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from httpx2 import AsyncClient, Response

from agents.requests.proof import LinkBy
from bot.web.here import Demo
from tests.kit.world import World
from tests.servers.markup import Button, Form, Markup
from tests.servers.web import Api, serving

FORM = "application/x-www-form-urlencoded"
SITE = "http://127.0.0.1:9"
# What a browser says of a form on a page of ours, which tells nobody where people come from.
OURS = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
_MOVES = 5


class Page(Markup):
    """An answer as it is read."""

    def __init__(self, answer: Response) -> None:
        self.status, self.headers, self.html = answer.status_code, answer.headers, answer.text
        self.path = answer.url.path
        super().__init__(self.html if "html" in answer.headers.get("content-type", "") else "")


class Browser:
    """One browser of one person. `cookies` are those it would send; `set_cookies` all that it was ever told to keep."""

    def __init__(self, client: AsyncClient, host: str = "") -> None:
        self._client, self._host = client, host
        self.cookies: dict[str, str] = {}
        self.set_cookies: list[str] = []

    async def ask(self, method: str, path: str, *, content: bytes | str = b"", **headers: str) -> Response:
        """The bare answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self._client.request(method, path, content=content, headers=self._headers() | named)
        self._keep(answer)
        return answer

    @asynccontextmanager
    async def open(self, method: str, path: str, **headers: str) -> AsyncGenerator[Response]:
        """An answer that has only begun."""
        async with self._client.stream(method, path, headers=self._headers() | headers) as answer:
            yield answer

    async def get(self, path: str, **headers: str) -> Page:
        """The page at `path`, wherever it leads."""
        answer = await self.ask("GET", path, **({"Accept": "text/html", "Sec_Fetch_Site": "none"} | headers))
        for _ in range(_MOVES):
            if "location" not in answer.headers:
                return Page(answer)
            answer = await self.ask("GET", answer.headers["location"], Accept="text/html")
        raise AssertionError(f"{path} leads round and round: {answer.headers['location']}")

    async def post(
        self, path: str, fields: Mapping[str, str] | list[tuple[str, str]], headers: Mapping[str, str] = OURS
    ) -> Response:
        """The bare answer to a form with these fields."""
        told = {"Content-Type": FORM, "Accept": "text/html", **headers}
        return await self.ask("POST", path, content=urlencode(fields), **told)

    async def submit(self, form: Form, button: str = "", picks: tuple[str, ...] = (), **typed: str) -> Page:
        """The page that follows when `form` is sent by `button`, the choices `picks` ticked, the rest `typed`."""
        answer = await self.post(*sent(form, button, picks, **typed))
        assert answer.status_code == 303, Page(answer).words
        return await self.get(answer.headers["location"])

    async def stream(self, path: str) -> AsyncGenerator[tuple[str, str]]:
        """Events of a page that follows, as a browser takes them apart: (name, data)."""
        async with self._client.stream("GET", path, headers=self._headers()) as answer:
            assert answer.status_code == 200
            body = b""
            async for chunk in answer.aiter_raw():
                body += chunk
                *whole, body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n\n")
                for event in whole:
                    if found := _event(event.decode()):
                        yield found

    def _headers(self) -> dict[str, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return ({"Cookie": cookie} if cookie else {}) | ({"Host": self._host} if self._host else {})

    def _keep(self, answer: Response) -> None:
        for line in answer.headers.get_list("set-cookie"):
            self.set_cookies.append(line)
            [(name, morsel)] = SimpleCookie(line).items()
            # https://www.rfc-editor.org/rfc/rfc6265bis: a browser ignores such a cookie that is not what its name says
            is_true = morsel["secure"] and morsel["path"] == "/" and not morsel["domain"]
            if name.startswith("__Host-") and not is_true:
                continue
            self.cookies[name] = morsel.coded_value
            if morsel["max-age"] == "0":
                del self.cookies[name]


def sent(form: Form, button: str = "", picks: tuple[str, ...] = (), **typed: str) -> tuple[str, list[tuple[str, str]]]:
    """Return where `form` goes, and with which fields; each of `picks` is the value of a choice that the form has."""
    assert form.method == "post"
    pressed = form.button(button) if button else (form.buttons or [Button("", "", "", "")])[0]
    unknown = set(typed) - set(form.typed)
    assert not unknown, f"nothing to type {unknown} into; there is: {form.typed}"
    fields = [*form.fields, *((name, typed.get(name, "")) for name in form.typed)]
    fields += [(name, value) for name, value in form.choices if value in picks]
    fields += [(pressed.name, pressed.value)] if pressed.name else []
    return pressed.action or form.action, fields


def _event(text: str) -> tuple[str, str] | None:
    lines = [line.partition(": ") for line in text.split("\n")]
    name = "".join(value for key, _, value in lines if key == "event")
    data = "\n".join(value for key, _, value in lines if key == "data")
    return (name, data) if name or data else None


class Console:
    """The served console, and browsers in front of it."""

    def __init__(self, api: Api, host: str = "") -> None:
        self.api, self.app, self.host = api, api.app, host
        self.logins = self.app.access.sessions

    def stranger(self, host: str = "") -> Browser:
        """A browser without a session."""
        return Browser(self.api.with_key(None), host or self.host)

    async def link(self, person: str, *, by: LinkBy = "operator", is_demo: bool = False) -> str:
        """The path of a link that opens a session once, as an operator's terminal prints it."""
        return f"/login?token={await self.logins.link(self.app.people.of_file(person), by=by, is_demo=is_demo)}"

    async def browser(self, person: str, *, by: LinkBy = "operator", is_demo: bool = False) -> Browser:
        """A browser that `person` has logged in with, by a link that came in this way."""
        browser = self.stranger()
        page = await browser.get(await self.link(person, by=by, is_demo=is_demo))
        await browser.submit(page.form("/login"))
        assert browser.cookies
        return browser


@asynccontextmanager
async def a_console(
    world: World, *, is_demo: bool = False, host: str = "", ping_s: float = 15.0, look_s: float = 4.0
) -> AsyncGenerator[Console]:
    """The console of `world` over HTTP, as `sayso dev` has it if `is_demo`, else as `sayso web` has it."""
    demo = Demo(world.mail, SITE) if is_demo else None
    async with serving(world.app, demo, ping_s=ping_s, look_s=look_s) as api:
        yield Console(api, host)
