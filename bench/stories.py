"""Runs of the deploy agent as they happen, of any length: outputs of tools, errors, questions, approvals, waits."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice

from agents.events import ContextFetched, Event, OutsideReported, RequestOpened, StepChosen, ToolWaits
from agents.requests import AttemptId, Effect, Fact, Given, Request
from agents.steps import CallTool, ModelCall, RequestHumanInput, Step
from bot.testing.events import (
    ANNA,
    POLICY,
    Purpose,
    chosen,
    decided,
    delivered,
    finished,
    request,
    said,
    started,
    tool_started,
    vote,
)

_MORNING = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_RUN = "s4r-abcdefghijklm"
_POLICY = POLICY.model_copy(update={"reach": ("slack", "email"), "answer_from": ("slack", "email")})
_WISH = (
    "Hi, please bring the search fix to staging, look whether it holds there, and then to production if Bo agrees."
    " It is what the support team waits for since Friday. If anything looks odd, stop and ask me. Thanks, Anna"
)
_TRACE = """deploying {commit}
Traceback (most recent call last):
  File "/srv/deploy/deploy.py", line 88, in <module>
    main(sys.argv[1:])
  File "/srv/deploy/deploy.py", line 61, in main
    restart(hosts_of(inventory, environment))
  File "/srv/deploy/hosts.py", line 23, in restart
    answer = client.post(f"https://{{host}}/-/restart", timeout=5)
  File "/srv/venv/lib/python3.11/site-packages/httpx2/_client.py", line 1144, in post
    return self.request("POST", url, content=content)
  File "/srv/venv/lib/python3.11/site-packages/httpx2/_transports/default.py", line 118, in map_exceptions
    raise mapped(message) from error
httpx2.ConnectTimeout: web-2 did not answer within 5 s"""


def story(events: int) -> list[Event]:
    """The first `events` events of one long run."""
    return list(islice(_events(), events))


def messages_only(events: int) -> list[Event]:
    """A run of `events` events of which all but two are messages of about 1,000 bytes: nothing of it may be cut."""
    text = _WISH * 4
    messages = (
        said(ANNA, f"{number}: {text}", said_id=f"in-{number}", channel="email", at=_at(number))
        for number in range(events - 2)
    )
    return [*islice(_events(), 2), *messages]


def _events() -> Iterator[Event]:
    yield started(_WISH, 100, run_id=_RUN, at=_at(0))
    yield ContextFetched(at=_at(1), facts=_facts())
    for turn in count(1):
        version, first = f"v1.{turn}.0", turn * 10
        yield from _call(first, "deploy", version, "staging", _log(turn, version), _failed(turn, version))
        yield from _call(first + 1, "deploy", version, "staging", _log(turn, version))
        yield from _call(first + 2, "live", version, "staging", f"{_commit(version)} ({version})")
        yield from _waited(first + 3, version)
        yield from _question(first + 4, version)
        yield from _approved(first + 5, version)
        yield from _call(first + 6, "live", version, "production", f"{_commit(version)} ({version})")
        text = f"{version} is fine, but the index grows. Please take v1.{turn + 1}.0 as soon as it is tagged."
        yield said(ANNA, text, said_id=f"in-{turn}", channel="email", at=_at(first + 9))


def _call(
    number: int, tool: str, version: str, environment: str, output: str, error: str = "", gate: str | None = None
) -> Iterator[Event]:
    step = CallTool(tool=tool, arguments={"version": version, "environment": environment})
    yield _chosen(number, step, gate)
    if gate is None:
        yield from _made(number, tool, version, environment, output, error)


def _made(number: int, tool: str, version: str, environment: str, output: str, error: str = "") -> Iterator[Event]:
    effect = Effect(argv=("./deploy.sh", _commit(version), environment), environment=environment)
    attempt = f"s4a-{number:013}"
    yield tool_started(attempt, _step(number), tool=tool, effect=effect, host="h", at=_at(number))
    yield finished(attempt, "" if error else output, error, at=_at(number, 40))


def _waited(number: int, version: str) -> Iterator[Event]:
    """A check that takes a while: the report comes before the second look."""
    made = list(_call(number, "ci_status", version, "staging", f"CI of {_commit(version)}: 214 passed, 0 failed"))
    handle = f"ci:{_commit(version)[:12]}"
    wait = ToolWaits(
        at=_at(number, 1),
        attempt_id=AttemptId(f"s4a-{number:013}"),
        handle=handle,
        note=f"CI of {version}",
        check_at=_at(number, 20),
        until=_at(number + 99),
    )
    yield from (*made[:2], wait, wait.model_copy(update={"at": _at(number, 20), "check_at": _at(number, 50)}))
    yield OutsideReported(at=_at(number, 30), report_id=f"gh-{number}", handle=handle, text='{"conclusion":"success"}')
    yield made[2]


def _question(number: int, version: str) -> Iterator[Event]:
    question = f"{version} holds on staging. One migration adds an index to orders (2.1 million rows). Go on tonight?"
    options = ("now", "tonight", "not at all")
    yield _chosen(number, RequestHumanInput(question=question, format="choice", options=options))
    asked = _request(number, "question", "The deploy agent asks", question)
    yield from _opened(number, asked)
    given = Given(text="1", picks=("now",))
    yield decided("answered", asked.id, given, by=(ANNA,), channel="slack", at=_at(number, 50))


def _approved(number: int, version: str) -> Iterator[Event]:
    yield from _call(number, "deploy", version, "production", "", gate="production")
    asked = _request(number, "gate", f"Deploy {version} to production?")
    yield from _opened(number, asked)
    reason, at = "Looked at the migration, fine.", _at(number, 30)
    yield vote(asked.id, reason=reason, reply_id=f"m{number}", channel="slack", at=at)
    yield decided("approved", asked.id, reason=reason, channel="slack", at=at)
    yield from _made(number, "deploy", version, "production", _log(number, version))


def _opened(number: int, asked: Request) -> Iterator[Event]:
    yield RequestOpened(at=_at(number, 2), request=asked)
    yield delivered(asked.id, delivery_id=f"s4d-{number:013}", channel="slack", at=_at(number, 3))


def _request(number: int, purpose: Purpose, title: str, quoted: str = "") -> Request:
    return request(
        f"s4q-{number:013}",
        _step(number),
        purpose,
        run_id=_RUN,
        title=title,
        quoted=quoted,
        policy=_POLICY,
        at=_at(number),
    )


def _facts() -> tuple[Fact, ...]:
    lines = [f"{_commit(f'c{n}')[:10]} Answer {n} requests of the search faster (Anna Ames)" for n in range(12)]
    return (
        Fact(label="Versions, newest first", text=", ".join(f"v1.{n}.0" for n in range(9, 0, -1))),
        Fact(label="Live in staging", text=f"{_commit('v1.0.0')} (v1.0.0)"),
        Fact(label="Live in production", text=f"{_commit('v1.0.0')} (v1.0.0)"),
        Fact(label="Changes since production", text="\n".join(lines)),
        Fact(label="CI of v1.1.0", text="214 passed, 0 failed"),
        Fact(label="Deployed last", text="v1.0.0 to production by Bo Berg, 2026-02-27 16:02 UTC"),
    )


def _log(seed: int, version: str) -> str:
    """Return what a deploy prints: 40 to 120 lines."""
    lines = (
        f"2026-03-02T09:{n % 60:02}:{seed % 60:02}Z web-{n % 4} step {n}: unpacked {_commit(f'{seed}.{n}')[:12]},"
        f" {n * 37 % 900 + 11} files, {n * 13 % 97} ms"
        for n in range(40 + seed * 7 % 80)
    )
    return "\n".join((f"deploying {_commit(version)}", *lines, "health: 200 OK on 4 of 4 hosts", "done"))


def _failed(turn: int, version: str) -> str:
    """Every other time the first deploy breaks, and works when it is made again."""
    return _TRACE.format(commit=_commit(version)) if turn % 2 else ""


def _chosen(number: int, step: Step, gate: str | None = None) -> StepChosen:
    call = ModelCall(model="claude-sonnet-5-5", rehearsal=False, prompt="deploy@1")
    return chosen(step, _step(number), gate, call=call, at=_at(number))


def _step(number: int) -> str:
    return f"s4s-{number:013}"


def _at(minute: int, second: int = 0) -> datetime:
    return _MORNING + timedelta(minutes=minute, seconds=second)


def _commit(name: str) -> str:
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
