"""Runs of the deploy agent as they happen, of any length: outputs of tools, errors, questions, approvals, waits."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice

from agents.events import (
    CardDelivered,
    ContextFetched,
    Event,
    OutsideReported,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RunStarted,
    StepChosen,
    ToolFinished,
    ToolStarted,
    ToolWaits,
    VoteCast,
)
from agents.requests import (
    Anyone,
    AttemptId,
    Decision,
    DeliveryId,
    Effect,
    Fact,
    Given,
    PersonId,
    PolicySnapshot,
    Request,
    RequestId,
    RunId,
    StepId,
    Vote,
)
from agents.steps import CallTool, ModelCall, RequestHumanInput, Step

_MORNING = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_ANNA, _BO = PersonId("anna"), PersonId("bo")
_RUN = RunId("s4r-abcdefghijklm")
_POLICY = PolicySnapshot(
    name="production",
    rule=Anyone(source="group:release", people=(_BO,)),
    reach=("slack", "email"),
    answer_from=("slack", "email"),
    approve_by_email=True,
    requester_may_approve=False,
    expires_after_s=3600,
    execute_within_s=900,
)
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
    said = (
        PersonSaid(at=_at(number), said_id=f"in-{number}", person=_ANNA, channel="email", text=f"{number}: {text}")
        for number in range(events - 2)
    )
    return [*islice(_events(), 2), *said]


def _events() -> Iterator[Event]:
    yield RunStarted(
        at=_at(0), run_id=_RUN, agent="deploy", channel="email", requester=_ANNA, text=_WISH, max_steps=100
    )
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
        yield PersonSaid(at=_at(first + 9), said_id=f"in-{turn}", person=_ANNA, channel="email", text=text)


def _call(
    number: int, tool: str, version: str, environment: str, output: str, error: str = "", gate: str | None = None
) -> Iterator[Event]:
    step = CallTool(tool=tool, arguments={"version": version, "environment": environment})
    yield _chosen(number, step, gate)
    if gate is None:
        yield from _made(number, tool, version, environment, output, error)


def _made(number: int, tool: str, version: str, environment: str, output: str, error: str = "") -> Iterator[Event]:
    effect = Effect(argv=("./deploy.sh", _commit(version), environment), environment=environment)
    attempt = AttemptId(f"s4a-{number:013}")
    yield ToolStarted(
        at=_at(number), step_id=_step(number), attempt_id=attempt, tool=tool, effect=effect, idempotent=False, host="h"
    )
    yield ToolFinished(at=_at(number, 40), attempt_id=attempt, output="" if error else output, error=error)


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
    request = _request(number, "question", "The deploy agent asks", question)
    yield from _opened(number, request)
    given = Given(text="1", picks=("now",))
    decision = Decision(state="answered", by=(_ANNA,), channel="slack", given=given, at=_at(number, 50))
    yield RequestDecided(at=_at(number, 50), request_id=request.id, decision=decision)


def _approved(number: int, version: str) -> Iterator[Event]:
    yield from _call(number, "deploy", version, "production", "", gate="production")
    request = _request(number, "gate", f"Deploy {version} to production?")
    yield from _opened(number, request)
    reason, at = "Looked at the migration, fine.", _at(number, 30)
    vote = Vote(
        reply_id=f"m{number}", person=_BO, approve=True, reason=reason, revision=1, digest="d", channel="slack", at=at
    )
    yield VoteCast(at=at, request_id=request.id, vote=vote)
    decision = Decision(state="approved", by=(_BO,), channel="slack", reason=reason, at=at)
    yield RequestDecided(at=at, request_id=request.id, decision=decision)
    yield from _made(number, "deploy", version, "production", _log(number, version))


def _opened(number: int, request: Request) -> Iterator[Event]:
    yield RequestOpened(at=_at(number, 2), request=request)
    yield CardDelivered(
        at=_at(number, 3),
        request_id=request.id,
        delivery_id=DeliveryId(f"s4d-{number:013}"),
        revision=1,
        person=_BO,
        channel="slack",
    )


def _request(number: int, purpose: str, title: str, quoted: str = "") -> Request:
    return Request.model_validate(
        {
            "id": RequestId(f"s4q-{number:013}"),
            "run_id": _RUN,
            "step_id": _step(number),
            "purpose": purpose,
            "nonce": "n",
            "title": title,
            "quoted": quoted,
            "format": "approval" if purpose == "gate" else "choice",
            "requesters": (_ANNA,),
            "policy": _POLICY,
            "digest": "d",
            "opened_at": _at(number),
            "expires_at": _at(number + 60),
        }
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
    return StepChosen(at=_at(number), step_id=_step(number), step=step, gate=gate, call=call)


def _step(number: int) -> StepId:
    return StepId(f"s4s-{number:013}")


def _at(minute: int, second: int = 0) -> datetime:
    return _MORNING + timedelta(minutes=minute, seconds=second)


def _commit(name: str) -> str:
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
