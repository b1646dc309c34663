"""`POST /v1/hooks/NAME`: a coding agent waits here until people have said whether it may use a tool.

Each yes is used once: it begins for the one call that hears it. A call whose agent has hung up begins nothing.
"""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from agents.requests import RequestId
from bot.people.api_keys import ApiKey, people_in, policies_in
from bot.policy.sessions import signs_in
from bot.render.views import RequestView
from bot.store.watch import ended
from bot.web.api.asking import asked_under
from bot.web.api.keyed import KEY, Authenticated, check_is_json
from bot.web.api.outcomes import outcome_of
from bot.web.api.requests import is_open
from bot.web.api.shapes import CONTEXT_BYTES
from bot.web.guards import Bounded
from bot.web.here import Here
from bot.web.hooks.card import body_of
from bot.web.hooks.programs import PROGRAMS, Program, ToolCall, Verdict, WrongHook
from bot.web.hooks.questions import answers_of, form_of, questions_in
from bot.web.mcp.calls import Calls, RefusedError, client_of
from bot.web.problems import ProblemError, not_found, trouble

PREFIX = "/v1/hooks/"
_LONGEST_S = 3_600.0
# Claude Code gives a hook 600 s if nothing is said; what is left is for the way there and back.
_USUAL_S = 570.0
_AGAIN_S = 0.5
_TOO_LONG = (
    f"sayso does not ask anybody: people decide about {CONTEXT_BYTES // 1024} KB at most. Make the change in several "
    "smaller calls, and look for no way around it."
)
# `sayso-hook` asks again for 20 s, as its server leaves. What comes later under the same id is another call: some
# models number their calls from the start again once they have forgotten the first ones.
_RETRIED = timedelta(seconds=60)
# What an agent tells of a call that was made holds what came of it, such as the whole of a file.
_BODY_BYTES = 1_048_576
_REFUSALS = 10_000
_REFUSED = {"denied", "withdrawn", "revoked"}
_ROUTE = Mount(f"{PREFIX}{{name}}", routes=())


def hooks_of(here: Here, api: ASGIApp) -> ASGIApp:
    """Return the app that answers below PREFIX, by calls of `api`."""
    client, refusals = client_of(api), dict[RequestId, None]()

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await _answer(Request(scope, receive), receive)
        except ProblemError as error:
            response = error.response()
        if response is not None:
            await response(scope, receive, send)

    async def _answer(request: Request, receive: Receive) -> Response | None:
        program = PROGRAMS.get(request.url.path.removeprefix(PREFIX))
        if program is None:
            raise not_found(f"There is no hook at {request.url.path[:200]}.", f"There are: {', '.join(PROGRAMS)}")
        told = await _told(request)
        try:
            made = program.made(told)
            call = made or program.read(told)
        except WrongHook as error:
            raise trouble(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"{error}.", "`sayso connect` shows it") from None
        if call.tool in program.only_read and not signs_in({**call.given, "tool": call.tool, "folder": call.folder}):
            return JSONResponse({})
        asking = _Asking(here, request.scope[KEY], _calls(request, client), program, call, refusals)
        if made:
            await _take_back(asking)
            return JSONResponse({})
        verdict = await _unless_gone(_decided(asking, request), receive)
        if verdict is None:
            return None
        # As this process leaves. The command `sayso-hook` then asks its successor, and agents themselves read no heads.
        again = {"Retry-After": "1"} if verdict.early else {}
        return JSONResponse(program.answer(told, verdict), headers=again)

    bounded = Bounded(answering, check_is_json, here.bodies, _BODY_BYTES)
    keyed = Authenticated(bounded, here.app.access.keyring, lambda: here.app.unready, here.waits, below=PREFIX)

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["route"] = _ROUTE
            await keyed(scope, receive, send)

    return routed


async def _told(request: Request) -> Mapping[str, Any]:
    if request.method != "POST":
        detail = f"{request.method[:20]} can't be used on hooks."
        raise trouble(HTTPStatus.METHOD_NOT_ALLOWED, "method", detail, "Use POST", {"Allow": "POST"})
    try:
        told: object = json.loads(await request.body())
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise trouble(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "The body is no JSON object.", "Send what hooks send")
    return cast("dict[str, Any]", told)


def _calls(request: Request, client: Any) -> Calls:
    key: ApiKey = request.scope[KEY]
    asked_s = request.query_params.get("wait_s", "")
    longest_s = min(float(asked_s), _LONGEST_S) if asked_s.isdecimal() else _USUAL_S
    return Calls(client, request.headers["authorization"], key.may_ask(), longest_s)


async def _unless_gone(deciding: Coroutine[Any, Any, Verdict], receive: Receive) -> Verdict | None:
    """Return what was decided; None where the agent hung up first."""

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            continue

    decided, leaving = asyncio.create_task(deciding), asyncio.create_task(gone())
    try:
        await asyncio.wait({decided, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return decided.result() if decided.done() else None
    finally:
        await ended([decided, leaving])


@dataclass(frozen=True, slots=True)
class _Asking:
    """A call of a tool, and what asks people about it with its `key`.

    `refusals` are the newest requests whose refusal an agent has heard from this process.
    """

    here: Here
    key: ApiKey
    calls: Calls
    program: Program
    call: ToolCall
    refusals: dict[RequestId, None]

    async def newest(self) -> tuple[int, RequestId | None]:
        """Return the number of the newest request about the call, or of all that are the same, and that request."""
        count, newest = 0, None
        while found := await asked_under(self.here, self.key, self.once(count)):
            count, newest = count + 1, found
        return max(0, count - 1), newest

    def once(self, number: int) -> str:
        """Return the idempotency key of the request with this number."""
        return f"{_named(self.call)}.{number}"

    def was_taken_back(self, view: RequestView) -> bool:
        """Return whether the agent took it back by itself, with its own key, and no person did."""
        outcome, against = outcome_of(view), [vote for vote in view.votes if not vote.approve]
        if outcome.decision == "withdrawn":
            return view.decision is not None and view.decision.proof == self.key.proof
        return outcome.decision == "revoked" and bool(against) and against[-1].proof == self.key.proof

    def is_unheard(self, view: RequestView) -> bool:
        """Return whether people refused it while no agent waited, so that it is still to be heard, once."""
        return self._is_refused(view) and view.id not in self.refusals

    def no(self, view: RequestView, until: float) -> Verdict:
        """Return what the agent hears of a request that allows nothing; people had `until` then to answer it."""
        if self._is_refused(view):
            self.refusals[view.id] = None
            while len(self.refusals) > _REFUSALS:
                del self.refusals[next(iter(self.refusals))]
        is_early = is_open(view) and asyncio.get_running_loop().time() < until
        said = self._taken_back(view) if self.was_taken_back(view) else _why_not(view)
        return Verdict(allow=False, message=said, early=is_early)

    def _is_refused(self, view: RequestView) -> bool:
        return outcome_of(view).decision in _REFUSED and not self.was_taken_back(view)

    def _taken_back(self, view: RequestView) -> str:
        return (
            f"{view.id} is taken back, as the same call was made: somebody let it run in {self.program.called} itself. "
            "Where it has to be made once more, make the same call again, and people are asked."
        )


async def _take_back(asking: _Asking) -> None:
    """Take back what nothing was begun with about a call that was made: somebody allowed it in the agent's own dialog.

    Each call that waits for the request hears so, and a yes that came as the call ran is for no other one. Of two that
    are the same, the other one has to be made again. Of what was refused as it ran, its story says so.
    """
    _, newest = await asking.newest()
    with suppress(RefusedError):  # it was decided meanwhile
        view = await asking.calls.request(newest) if newest else None
        if view and view.started_at is None and not _lets_it_run(view):
            await asking.calls.of_request(view.id, "withdraw", {"reason": "the call was made without this answer"})


def _lets_it_run(view: RequestView) -> bool:
    """Return whether the call was made with the answer: to its question, or to the same ones of its session as well."""
    decision = outcome_of(view).decision
    return decision == "answered" or (decision == "approved" and any(vote.again for vote in view.votes))


async def _decided(asking: _Asking, request: Request) -> Verdict:
    """Return whether the call may be made now, once people have said so."""
    calls, program, call = asking.calls, asking.program, asking.call
    try:
        if questions := questions_in(call):
            return await _answered(asking, questions)
        policy = _policy(calls.may_ask, request.query_params.get("policy", ""))
        body = body_of(program, call, policy, request.headers.get("sayso-machine", "")) | _session(program, call)
        if len(json.dumps(body["arguments"], ensure_ascii=False).encode(errors="replace")) > CONTEXT_BYTES:
            return Verdict(allow=False, message=_TOO_LONG)
        return await _asked(asking, body)
    except RefusedError as error:
        return Verdict(allow=False, message=f"sayso does not ask anybody: {error}")


async def _answered(asking: _Asking, questions: Sequence[Mapping[str, Any]]) -> Verdict:
    """Put the agent's own questions to people. The same ones again, in the same turn, have the same answers."""
    calls, call = asking.calls, asking.call
    to = people_in(calls.may_ask)
    if not to:
        do = "Make one with --asks person:NAME as well"
        raise RefusedError(HTTPStatus.FORBIDDEN, {"detail": "The key may put questions to nobody.", "do": do})
    until = asyncio.get_running_loop().time() + calls.longest_s
    form, (number, _) = form_of(asking.program, questions, to) | _session(asking.program, call), await asking.newest()
    view = await calls.opened(form, asking.once(number))
    if asking.was_taken_back(view) and not call.call_id:
        view = await calls.opened(form, asking.once(number + 1))
    if is_open(view):
        view = await calls.settled(view, is_open)
    outcome = outcome_of(view)
    if outcome.decision != "answered" or not isinstance(outcome.answer, dict):
        return asking.no(view, until)
    return Verdict(allow=True, updated={**call.given, "answers": answers_of(questions, outcome.answer)})


async def _asked(asking: _Asking, body: Mapping[str, Any]) -> Verdict:
    """Ask for it, and begin what was approved. The same call made again is a new request, unless its id and the time
    say that its answer was lost.
    """
    calls, call, clock = asking.calls, asking.call, asyncio.get_running_loop().time
    mine, until = call.call_id or secrets.token_hex(8), clock() + calls.longest_s
    number, _ = await asking.newest()
    while True:
        view = await calls.opened(body, asking.once(number))
        was_open = is_open(view)
        if was_open:
            view = await replace(calls, longest_s=max(0.0, until - clock())).settled(view, is_open)
        is_approved, told_since = outcome_of(view).decision == "approved", asking.here.app.store.about_now() - _RETRIED
        if is_approved and (view.started_at is None or (call.call_id and view.started_at > told_since)):
            if not (why := await _begun(calls, view, f"{asking.once(number)}.{mine}", until)):
                return Verdict(allow=True)
            if call.call_id or why.kind != "already-begun":
                return Verdict(allow=False, message=f"It was approved, and may not begin: {why}")
        elif not is_approved and (was_open or call.call_id or asking.is_unheard(view)):
            return asking.no(view, until)
        number += 1


def _session(program: Program, call: ToolCall) -> dict[str, str]:
    """Return the session that a request names: all that one session of the agent asks is one thread."""
    return {"session": _hash(f"{program.name} {call.session}")}


def _named(call: ToolCall) -> str:
    """Return the name of the call. Calls that are the same share it where they have no id."""
    what = [call.session, call.turn, call.call_id, call.folder, call.tool, dict(call.given)]
    return f"hook-{_hash(json.dumps(what, sort_keys=True))[:40]}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


async def _begun(calls: Calls, view: RequestView, attempt: str, until: float) -> RefusedError | None:
    """Begin what was approved; return why it may not begin, or None. While sayso can't tell, try again `until` then."""
    clock = asyncio.get_running_loop().time
    while True:
        try:
            await calls.of_request(view.id, "start", {"attempt": attempt, "digest": view.digest})
        except RefusedError as error:
            if error.status != HTTPStatus.SERVICE_UNAVAILABLE or clock() > until:
                return error
            await asyncio.sleep(_AGAIN_S)
        else:
            return None


def _why_not(view: RequestView) -> str:
    outcome = outcome_of(view)
    by = f" by {' and '.join(outcome.by)}" if outcome.by else ""
    why = f": {outcome.reason}" if outcome.reason else ""
    if outcome.decision == "pending":
        return (
            f"Nobody has answered yet, and this is no refusal. {view.id} stays open: make the same call again later, "
            "and an approval that came meanwhile counts once. Do not look for another way."
        )
    return f"{outcome.decision.capitalize()}{by}{why}. Do not do it, and look for no way around it. ({view.id})"


def _policy(may_ask: tuple[str, ...], wanted: str) -> str:
    """Return the policy that is named, or the only one that the key may ask for. Raises RefusedError."""
    listed = policies_in(may_ask)
    if wanted or len(listed) == 1:
        return wanted or listed[0]
    detail = f"The key may ask for {', '.join(listed) or 'no policy'}, and the hook does not say for which."
    raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, {"detail": detail, "do": "Add ?policy=NAME to its address"})
