"""What a server may answer that is no answer: whatever comes, nothing is started twice, and no token is repeated."""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from agents import Outcome, Pending
from agents.deploy.backends.argocd import Application, Sync
from agents.deploy.backends.github import Hub, Workflow
from agents.deploy.backends.gitlab import Pipeline, Project
from agents.deploy.backends.remote import RemoteBackend
from tests.agents.deploy.backends.calls import KEY, checked, environment_at, executed
from tests.agents.deploy.repos import Repo
from tests.kit.long import few_of

TOKEN = "a-token-of-ours-0123456789"
BACKENDS: dict[str, Callable[[str], RemoteBackend]] = {
    "github": lambda url: Workflow(Hub("acme/shop", url, TOKEN, "deploy.yml"), "production", look_pause_s=0),
    "gitlab": lambda url: Pipeline(Project("acme/shop", url, TOKEN), "production", look_pause_s=0),
    "argocd": lambda url: Sync(Application("shop", url, TOKEN), "production", look_pause_s=0),
}


@dataclass
class Said:
    """A server that says `looks` to each GET and `begins` to each POST: a status and bytes. `seen` has the methods."""

    looks: tuple[int, bytes] = (200, b"{}")
    begins: tuple[int, bytes] = (200, b"{}")
    goes_to: str = ""
    seen: list[str] = field(default_factory=list[str])


@contextmanager
def serving(said: Said) -> Generator[str]:
    """The address of such a server."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, status: int, body: bytes) -> None:
            said.seen.append(self.command)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            if said.goes_to:
                self.send_header("Location", said.goes_to)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self._answer(*said.looks)

        def do_POST(self) -> None:
            self._answer(*said.begins)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(params=BACKENDS)
def at(request: pytest.FixtureRequest) -> Callable[[str], RemoteBackend]:
    return BACKENDS[request.param]


NO_ANSWERS = {
    "a page": b"<html>Please log in</html>",
    "an object with nothing in it": b"{}",
    "more depth than can be read": b"[" * 100_000,
    "more than can be used": b'{"a": "' + b"a" * 4_000_001 + b'"}',
    "no text": b"\xff\xfe\x00",
}


async def test_where_the_look_before_gives_no_answer_nothing_is_started(
    at: Callable[[str], RemoteBackend], repo: Repo
) -> None:
    with serving(said := Said()) as url:
        for what, body in NO_ANSWERS.items():
            said.looks = (200, body)
            refused = await executed(environment_at(at(url), repo))

            assert isinstance(refused, Outcome), what
            assert refused.error.startswith("Nothing was started: "), what
    assert "POST" not in said.seen


async def test_what_is_live_is_read_where_a_server_says_half_a_character() -> None:
    status = {"sync": {"status": "Synced", "revision": "v1 \ud83d"}}
    with serving(Said(looks=(200, json.dumps({"metadata": {"name": "shop"}, "status": status}).encode()))) as url:
        assert await BACKENDS["argocd"](url).live() == "v1 ?"


async def test_a_redirect_is_not_followed_with_the_token(at: Callable[[str], RemoteBackend], repo: Repo) -> None:
    other = Said()
    with serving(other) as elsewhere, serving(Said(looks=(302, b""), goes_to=elsewhere)) as url:
        refused = await executed(environment_at(at(url), repo))

    assert isinstance(refused, Outcome)
    assert " answered 302: " in refused.error
    assert other.seen == []


async def test_a_token_that_a_server_repeats_is_shown_to_nobody(at: Callable[[str], RemoteBackend], repo: Repo) -> None:
    body = json.dumps({"message": f"the token {TOKEN} is not known", "error": TOKEN}).encode()
    with serving(said := Said()) as url:
        for status in (200, 401):
            said.looks = (status, body)
            refused = await executed(environment_at(at(url), repo))

            assert isinstance(refused, Outcome)
            assert refused.error.startswith("Nothing was started: ")
            assert TOKEN not in refused.error


@pytest.mark.parametrize("number", few_of([True, -7, "7", 7.5, None], 0, 4))
@pytest.mark.parametrize(("name", "listed"), [("github", '{"workflow_runs": [%s]}'), ("gitlab", "[%s]")])
async def test_a_job_with_no_number_is_followed_by_its_key(repo: Repo, name: str, listed: str, number: object) -> None:
    row = json.dumps({"id": number, "workflow_run_id": number, "name": KEY, "display_title": KEY})
    said = Said(looks=(200, (listed % "").encode()), begins=(200, row.encode()))
    with serving(said) as url:
        environment = environment_at(BACKENDS[name](url), repo)
        begun = await executed(environment)
        said.looks = (200, (listed % f"{row}, {row}").encode())
        looked = await checked(environment, KEY)

    assert isinstance(begun, Pending)
    assert begun.handle == KEY
    assert isinstance(looked, Pending)
