"""`sayso-hook NAME`: ask people, through sayso, whether a coding agent may use a tool. It needs nothing but Python.

A hook of the agent starts it, with the call of the tool on stdin. It prints what the agent reads, and exits with 0.
Where it can't, it denies and says why: with exit code 2, which each agent but Claude Code reads as a denial, and for
Claude Code as JSON, with 0. What else each of them sends and reads, the server alone knows.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import select
import socket
import sys
import threading
from contextlib import suppress
from http.client import HTTPException
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

if TYPE_CHECKING:
    from collections.abc import Sequence
    from http.client import HTTPMessage
    from typing import IO, NoReturn

WAIT_S = 570
"""How long people have, if nothing is said: Claude Code and Codex give a hook 600 s."""
_DENIED = 2
# For the way there and back, beside the time that people have.
_WAY_S = 15.0
# A server that held the call may be away for so long, as it is restarted. One that never had it is not waited for.
_AWAY_S, _PAUSE_S = 20.0, 1.0
_LOOKS_MS = 1_000
_LATER = {408, 502, 503, 504}
_SENTENCE_CHARS = 1_000
_ORIGIN = re.compile(r"https?://[^/\s@?#]+/?")


class _Unsure(Exception):
    """Nobody knows whether the agent may, and the sentence says why."""


class _Given(NamedTuple):
    """What was given on the command line."""

    name: str
    url: str
    policy: str
    key_file: str
    wait_s: int


class _NoRedirects(HTTPRedirectHandler):
    """Follows no redirect: the key and the answer are for the one address that was named."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def main() -> None:
    """Answer one call of a hook, which ends the process."""
    given, body, is_over = _given(sys.argv[1:]), b"", threading.Event()
    try:
        # Before anything may fail: Codex, when it can't tell its hook all that it has to say, decides by itself.
        body = sys.stdin.buffer.read()
        threading.Thread(target=_end_unheard, args=(is_over,), daemon=True).start()
        text = _answered(given, body)
        is_over.set()
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except _Unsure as unsure:
        is_over.set()
        _deny(str(unsure), given, body)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - an agent reads any other end as a yes, or asks itself
        is_over.set()
        _deny(f"sayso-hook failed: {error!r}", given, body)


def _given(arguments: Sequence[str]) -> _Given:
    parser = argparse.ArgumentParser("sayso-hook", description="Ask people whether a coding agent may use a tool.")
    parser.add_argument("name", metavar="NAME", help="the agent: claude-code, codex, copilot, gemini or vscode")
    parser.add_argument("--url", default=os.environ.get("SAYSO_URL", ""), help="the address of sayso; else $SAYSO_URL")
    parser.add_argument("--policy", default="", help="the policy, where the key may ask for several")
    parser.add_argument("--key-file", default="", help="where the key is, if that exists; else in $SAYSO_API_KEY")
    parser.add_argument("--wait-s", type=int, default=WAIT_S, help=f"how long people have, in seconds ({WAIT_S})")
    return _Given(**vars(parser.parse_args(arguments)))


def _answered(given: _Given, body: bytes) -> str:
    """Return what the agent reads. Raises _Unsure."""
    if not _ORIGIN.fullmatch(given.url):
        raise _Unsure(f"SAYSO_URL is {given.url!r}: set it to an address such as https://sayso.corp.example")
    # A look-up of a name, and a server that sends a byte now and then, have no time limit of their own.
    late = threading.Timer(given.wait_s + _WAY_S, _end_late, args=(given, body))
    late.daemon = True
    late.start()
    return _asked(given, body, _key(given.key_file))


def _asked(given: _Given, body: bytes, key: str) -> str:
    """Return the answer of the server, which may be restarted meanwhile. Raises _Unsure."""
    until, held_at = monotonic() + given.wait_s, None
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Sayso-Machine": _machine()}
    host = urlsplit(given.url).hostname or ""
    # A proxy on the way out does not reach this machine.
    direct = [ProxyHandler({})] if host == "localhost" or host.startswith("127.") or host == "::1" else []
    opener = build_opener(_NoRedirects, *direct)
    while True:
        began = monotonic()
        left_s = max(0, round(until - began))
        query = urlencode({"wait_s": left_s, **({"policy": given.policy} if given.policy else {})})
        address = f"{given.url.rstrip('/')}/v1/hooks/{quote(given.name, '')}?{query}"
        try:
            request = Request(address, body, headers, method="POST")  # noqa: S310 - an address of HTTP, as _ORIGIN has it
            with opener.open(request, timeout=left_s + _WAY_S) as answer:
                text, why = _object(answer.read()), "it leaves"
            # Said beside an answer that came early, as its server is being stopped: another one may go on with it.
            if not answer.headers["Retry-After"] or until - monotonic() < _PAUSE_S:
                return text
        except HTTPError as error:
            why = _said(error)
            if error.code not in _LATER:
                raise _Unsure(f"sayso does not ask anybody: {why}") from None
        except (OSError, HTTPException) as error:
            why = str(getattr(error, "reason", error)) or repr(error)
        now = monotonic()
        held_at = now if now - began > _PAUSE_S else held_at
        if held_at is None or now - held_at > _AWAY_S or now > until:
            raise _Unsure(f"sayso can't be reached at {given.url}: {why}. Nobody was heard, and this is no refusal")
        sleep(_PAUSE_S)


def _key(named: str) -> str:
    """Return the key of the agent: of the file that is `named`, if there is one. Raises _Unsure."""
    key, path = os.environ.get("SAYSO_API_KEY", ""), os.environ.get("SAYSO_API_KEY_FILE", "")
    if named and os.path.exists(named):  # noqa: PTH110 - pathlib takes 10 ms
        key, path = "", named
    if not key and path:
        try:
            with open(os.path.expanduser(path), encoding="ascii") as file:  # noqa: PTH111, PTH123 - pathlib takes 10 ms
                key = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise _Unsure(f"the key can't be read from {path!r} (SAYSO_API_KEY_FILE): {error}") from None
    if not re.fullmatch(r"[!-~]+", key.strip()):
        raise _Unsure("SAYSO_API_KEY holds no key: `sayso keys create --scope ask …`, on the server, makes one")
    return key.strip()


def _machine() -> str:
    """Return the name of this machine, as a header holds it."""
    return re.sub(r"[^ -~]", "?", socket.gethostname())


def _object(data: bytes) -> str:
    """Return an answer that is one JSON object, on one line. Raises _Unsure."""
    try:
        told: object = json.loads(data)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise _Unsure("what answered is no sayso: its answer is no JSON object. Is SAYSO_URL right?")
    return json.dumps(cast("dict[str, Any]", told))


def _said(error: HTTPError) -> str:
    """Return what a problem says, and what to do about it."""
    told: Any = None
    with suppress(OSError, HTTPException, ValueError):
        told = json.loads(error.read())
    problem = cast("dict[str, Any]", told) if isinstance(told, dict) else {}
    said = [problem.get(name) for name in ("detail", "do")]
    return " ".join(part for part in said if isinstance(part, str)) or f"it answered {error.code}"


def _end_unheard(is_over: threading.Event) -> None:
    """End, and hang up, once the agent is gone or reads no answer: a yes would be used up for nobody.

    A shell between the agent and this command may outlive the agent: then the closed pipe says so.
    """
    if not hasattr(select, "poll"):  # as on Windows
        return
    parent, reader = os.getppid(), select.poll()
    reader.register(1, 0)
    while os.getppid() == parent and not reader.poll(_LOOKS_MS):
        continue
    if not is_over.is_set():
        os._exit(_DENIED)


def _end_late(given: _Given, body: bytes) -> None:
    """End at once, and with a denial: beyond this the agent ends the hook, and decides by itself."""
    _deny("sayso did not answer in time. Nobody was heard, and this is no refusal.", given, body)


def _deny(sentence: str, given: _Given, body: bytes) -> NoReturn:
    """Exit as each agent reads a denial, with a sentence that it reads as the reason."""
    line = re.sub(r"\s+", " ", "".join(char if char.isprintable() else " " for char in sentence)).strip()
    line = line[:_SENTENCE_CHARS]
    # Copilot reads the reason beside a 2 here, and all others read it on stderr and nothing here.
    said, code = {"behavior": "deny", "message": line}, _DENIED
    if given.name == "claude-code":
        said, code = _claude_denial(line, body), 0
    try:
        sys.stdout.write(f"{json.dumps(said)}\n")
        sys.stdout.flush()
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        code = _DENIED
    # Not by sys.exit: what could not be written to stdout is tried again there, and ends with another code.
    os._exit(code)


def _claude_denial(line: str, body: bytes) -> dict[str, Any]:
    """Return what Claude Code reads as a denial: as it asks for a permission, a 2 leaves it to its own dialog."""
    told: Any = None
    with suppress(ValueError):
        told = json.loads(body)
    event = cast("dict[str, Any]", told).get("hook_event_name") if isinstance(told, dict) else None
    said: dict[str, Any] = {"decision": {"behavior": "deny", "message": line}}
    if event == "PreToolUse":
        said = {"permissionDecision": "deny", "permissionDecisionReason": line}
    return {"hookSpecificOutput": {"hookEventName": event or "PermissionRequest", **said}}


if __name__ == "__main__":
    main()
