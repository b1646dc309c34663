"""The API key of a request, and the checks that operations make of it."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Annotated, cast

from fastapi import Depends, Request, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as HttpScope

from agents.requests import PersonId
from bot.errors import NotFound, WaitsForFile
from bot.people.api_keys import USER_AGENT, ApiKey, Keyring, Scope
from bot.people.refusals import Refusals
from bot.people.rights import RIGHTS, Action, Caller
from bot.requests.stored import RequestRead
from bot.store import StoreError
from bot.store.ids import check
from bot.web.guards import OWES
from bot.web.here import Here, here
from bot.web.problems import ProblemError, problem_of, trouble, unavailable
from bot.web.waits import Full, Waits
from language import say


def check_is_json(headers: Headers, body: bytes) -> None:
    """Check that a body is JSON. Raises ProblemError.

    A form sent by another page is not JSON, so nothing that a browser sends by itself is ever read.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/json":
        detail = f"The body is {kind[:60] or 'of no stated type'}, not application/json."
        do = "Send JSON with the header Content-Type: application/json"
        raise trouble(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media-type", detail, do)


class Authenticated:
    """Lets nobody `below` a path without a key, nor with too much at once, and nobody at all before Redis was looked
    at. A key that is revoked while its body comes opens nothing.
    """

    def __init__(
        self, app: ASGIApp, keyring: Keyring, unready: Callable[[], str], waits: Waits, below: str = "/v1/"
    ) -> None:
        self._app, self._keyring, self._unready, self._waits, self._below = app, keyring, unready, waits, below

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        with ExitStack() as stack:
            if scope["type"] == "http" and f"{scope['path']}/".startswith(self._below):
                try:
                    text = bearer(Headers(scope=scope))
                    scope[KEY] = key = _as_it_comes(scope, await self._key(self._keyring.find, text))
                    receive = self._receiving(text, scope, receive)
                    if not scope.get(ASKS):  # the call of an agent that this came with is counted
                        stack.enter_context(self._waits.working(key.counted_as))
                except ProblemError as error:
                    return await error.response()(scope, receive, send)
                except Full as error:
                    return await problem_of(error).response()(scope, receive, send)
            return await self._app(scope, receive, send)

    def _receiving(self, text: str, scope: HttpScope, receive: Receive) -> Receive:
        """Look at the key again once a body is here that was waited for, maybe for seconds. Raises ProblemError."""
        owes: Callable[[], bool] = scope.get(OWES, lambda: False)
        is_awaited = False

        async def receiving() -> Message:
            nonlocal is_awaited
            is_awaited = is_awaited or owes()
            message = await receive()
            if is_awaited and message["type"] == "http.request" and not message.get("more_body", False):
                await self._key(self._keyring.still, text)
            return message

        return receiving

    async def _key(self, find: Callable[[str], Awaitable[ApiKey | None]], text: str) -> ApiKey:
        """Return the key that the request came with. Raises ProblemError."""
        if why := self._unready():
            raise unavailable(why)
        try:
            key = await find(text)
        except StoreError as error:
            raise unavailable(str(error)) from error
        except WaitsForFile as error:
            raise problem_of(error) from error
        if key is None:
            raise no_such_key()
        return key


KEY, ASKS = "sayso.key", "sayso.asks"
_DO = "Send Authorization: Bearer KEY; `sayso keys create` makes one"

_bearer = HTTPBearer(auto_error=False, scheme_name="apiKey", description="A key from `sayso keys create`.")


def only_asking(app: ASGIApp) -> ASGIApp:
    """Return `app` as an agent reaches it: whatever scopes its key has, it finds only the requests of that key."""

    async def asking(scope: HttpScope, receive: Receive, send: Send) -> None:
        await app({**scope, ASKS: True}, receive, send)

    return asking


def _as_it_comes(scope: HttpScope, key: ApiKey) -> ApiKey:
    """Return `key` with the way it came: `cli` only if `sayso dev` lends it to the command line beside it.

    Any program can send the User-Agent of our command line with any other key, so that it proves nothing.
    """
    is_said = Headers(scope=scope).get("user-agent") == USER_AGENT
    way = "cli" if is_said and key.made_by == "dev" else "api"
    return key.model_copy(update={"only_asks": bool(scope.get(ASKS)), "way": way})


def bearer(headers: Headers) -> str:
    """The text of the key that was sent. Raises ProblemError."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise _no_key("There is no API key in the request.", "")
    return text.strip()


def no_such_key() -> ProblemError:
    """The key opens nothing, or does no longer."""
    return _no_key("The API key is not known, was revoked, or its person has left.", ', error="invalid_token"')


def _no_key(detail: str, more: str) -> ProblemError:
    return trouble(HTTPStatus.UNAUTHORIZED, "no-key", detail, _DO, {"WWW-Authenticate": f'Bearer realm="sayso"{more}'})


async def still_good(request: Request) -> ApiKey:
    """Return the key of `request` as it is by now. Raises ProblemError."""
    if key := await here(request).app.access.keyring.still(bearer(request.headers)):
        return _as_it_comes(request.scope, key)
    raise no_such_key()


async def still_sees(request: Request, before: Caller, run_id: str) -> bool:
    """Return whether the key of `request`, which was `before`, still sees a run.

    What takes long must not outlive the right to it.
    """
    app = here(request).app
    try:
        key = await app.access.keyring.still(bearer(request.headers))
    except WaitsForFile:  # whoever asks again hears it
        return False
    return key is not None and await app.guard.still_sees(app.access.rights.of_key(key), before, run_id)


@dataclass(frozen=True, slots=True)
class _Needs:
    action: Action
    may_only_ask: bool

    async def __call__(self, request: Request, _: Annotated[object, Security(_bearer)]) -> ApiKey:
        key, scope = cast("ApiKey", request.scope[KEY]), RIGHTS[self.action].scope
        if not (key.may(scope) or (self.may_only_ask and key.may("ask"))):
            raise await refused(here(request), key, self.action, scope_missing(key, scope))
        return key


def needs(action: Action, *, may_only_ask: bool = False) -> Callable[..., Awaitable[ApiKey]]:
    """The key that asks, which has the scope that `action` needs.

    Where it `may_only_ask`, the scope `ask` is enough: for opening requests, and for what is done to its own.
    """
    return _Needs(action, may_only_ask)


class Scoped:
    """Lets nobody send a body whose key does not have the scope that the operation needs."""

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._needed = [
            (route, route.methods or set[str](), one.call)
            for route in routes
            if isinstance(route, APIRoute) and "GET" not in (route.methods or ())
            for one in route.dependant.dependencies
            if isinstance(one.call, _Needs)
        ]

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for route, methods, needed in self._needed:
                if scope["method"] in methods and route.path_regex.match(scope["path"]):
                    scope["route"] = route  # for the measure
                    try:
                        await needed(Request(scope), None)
                    except ProblemError as error:
                        return await error.response()(scope, receive, send)
                    except StoreError as error:
                        return await unavailable(str(error)).response()(scope, receive, send)
        return await self._app(scope, receive, send)


async def refused(here: Here, key: ApiKey, action: Action, problem: ProblemError, run_id: str = "") -> ProblemError:
    """Note for the audit that the key may not do `action`, and return the `problem` that says so."""
    why = problem.problem.detail
    await Refusals(here.app.store).note(key.speaker, action, why, key.proof, run_id=run_id)
    return problem


def scope_missing(key: ApiKey, scope: Scope) -> ProblemError:
    """Return the refusal of a key that does not have `scope`."""
    detail = f"This needs the scope {scope}; the key sayso_{key.prefix} has {', '.join(key.scopes)}."
    return trouble(HTTPStatus.FORBIDDEN, "scope-missing", detail, f"Use a key made with --scope {scope}")


async def check_run(here: Here, key: ApiKey, action: Action, run_id: str) -> Caller:
    """Check that the key may do `action` to a run, and return who acts. Raises NotFound and Forbidden."""
    caller = here.app.access.rights.of_key(key)
    await here.app.guard.check_run(caller, action, check(run_id, "run"))
    return caller


async def record_for(here: Here, key: ApiKey, action: Action, request_id: str) -> RequestRead:
    """The request that the key may do `action` to. Raises NotFound and Forbidden.

    Without the scope that this needs it comes here as it may ask, and finds only what it asked itself.
    """
    if key.only_asks or not key.may(RIGHTS[action].scope):
        return await own_record_for(here, key, action, request_id)
    read = await here.app.requests.decisions.request(check(request_id, "request"))
    await here.app.guard.check_request(here.app.access.rights.of_key(key), action, read.record)
    return read


async def own_record_for(here: Here, key: ApiKey, action: Action, request_id: str) -> RequestRead:
    """The request that the key asked for itself; of any other it is told that there is none. Raises NotFound."""
    missing = NotFound(say("error.no-request", request=request_id), say("error.own-requests"))
    try:
        read = await here.app.requests.decisions.request(check(request_id, "request"))
    except NotFound:
        raise missing from None
    if key.asked(read.record.request.asked_with):
        return read
    run_id = read.record.request.run_id
    note = Refusals(here.app.store).note
    await note(key.speaker, action, missing.what, key.proof, run_id=run_id, is_hidden=True)
    raise missing


async def check_may_trigger(here: Here, key: ApiKey, agent: str) -> None:
    """Check that the key itself may start runs of `agent`, whoever it asks for. Raises Forbidden."""
    caller = here.app.access.rights.of_key(key)
    if not key.may("trigger"):  # it comes here as it may ask: what its person may not, it may not either
        caller = replace(caller, scopes=None)
    await here.app.guard.check(caller, "trigger")
    if key.person:
        await here.app.runs.starter.check_may(key.person, agent, key.proof)


async def requester_of(here: Here, key: ApiKey, wanted: str | None, action: Action) -> PersonId:
    """Return the person the key asks for; `wanted` is what was sent. Raises ProblemError.

    Raises WaitsForFile where that may be somebody who is only missing in a file that is half taken.
    """
    people, speaks_for = here.app.people, key.speaks_for()
    may = [person for person in speaks_for if people.contact(person)]
    if wanted is None:
        if key.person or len(may) == 1:
            return may[0]
        if not may and speaks_for:
            people.check_not_missing(speaks_for[0])
        detail = "This key belongs to a service, and the request does not say for whom it asks."
        do = f"Send a requester: one of {', '.join(may) or 'nobody; make a key with --acts-for'}"
        raise await refused(here, key, action, trouble(HTTPStatus.FORBIDDEN, "not-yours", detail, do))
    wanted = meant_by(here, key, wanted)
    if wanted not in may:
        if wanted in speaks_for:
            people.check_not_missing(wanted)
        detail = f"This key may not ask for {wanted}."
        do = f"It may ask for: {', '.join(may) or 'nobody'}. Make a key with --acts-for {wanted}"
        raise await refused(here, key, action, trouble(HTTPStatus.FORBIDDEN, "not-yours", detail, do))
    return wanted


def meant_by(here: Here, key: ApiKey, wanted: str) -> PersonId:
    """Return who is `wanted` as requester: a key names whom it was made for, whatever the file calls them by now."""
    named = PersonId(wanted)
    if named not in key.speaks_for():
        with suppress(NotFound):
            named = here.app.people.named(wanted)
    return named


HereNow = Annotated[Here, Depends(here)]
MayTrigger = Annotated[ApiKey, Depends(needs("trigger"))]
MayAsk = Annotated[ApiKey, Depends(needs("trigger", may_only_ask=True))]
MayFollow = Annotated[ApiKey, Depends(needs("see", may_only_ask=True))]
MayRead = Annotated[ApiKey, Depends(needs("see"))]
MayAnswer = Annotated[ApiKey, Depends(needs("answer"))]
