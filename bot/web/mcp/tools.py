"""The tools: what each takes, and the calls of the API that it is. None of them answers, approves or steers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, cast

from pydantic import Field, JsonValue, StringConstraints, ValidationError

import prompts
from agents.requests import Format, Frozen, Urgency
from bot.people.api_keys import people_in, policies_in
from bot.render.views import RequestView
from bot.web.api.form_schemas import POSSIBLE
from bot.web.api.requests import is_open
from bot.web.api.shapes import FinishWanted, IdempotencyKey, Refs, StartWanted
from bot.web.mcp.calls import Calls, RefusedError
from bot.web.mcp.outcomes import Outcome, after_start, outcome_of

Id = Annotated[
    str,
    StringConstraints(pattern=r"^s[0-9]{1,2}q-[a-z2-7]{13}$"),
    Field(description="The id of the request, as it was returned."),
]
_Key = Annotated[
    IdempotencyKey | None,
    Field(
        description="A name of your own for this question, such as deploy-4711. The same key with the same arguments "
        "gives the same request, open or decided, and asks nobody twice; with other arguments it is refused. Keep it "
        "where you find it after a crash."
    ),
]
_Requester = Annotated[
    str | None,
    Field(description="For whom you ask: a person's name. Only where your key may ask for several people."),
]


class _Arguments(Frozen):
    key: _Key = None
    requester: _Requester = None


class AskHuman(_Arguments):
    """A question to people."""

    question: str = Field(description="What you want to know, so that it can be understood alone.")
    to: Refs = Field(description="Who may answer, any one of them: person:NAME, group:NAME or oncall:NAME.")
    format: Format | None = Field(default=None, description="free_text if left out; form if there is a form.")
    options: tuple[str, ...] = Field(default=(), description="What can be chosen, for choice and choices.")
    form: dict[str, JsonValue] | None = Field(default=None, description=f"A JSON Schema. {POSSIBLE}.")
    expires_after_s: float | None = Field(
        default=None, description="How long people have, in seconds: 60 to 2592000; a day if left out."
    )
    urgency: Urgency | None = Field(default=None, description="Shown to people: low, medium or high.")


class RequestApproval(_Arguments):
    """What is to be approved."""

    title: str = Field(description="What you are going to do, in a few words.")
    policy: str = Field(description="The policy that says who decides.")
    arguments: dict[str, JsonValue] = Field(description="What exactly you are going to do; shown in full.")
    facts: dict[str, str] = Field(
        default={}, description="What people should know to decide: 10 labelled lines at most, shown as your words."
    )


class OfRequest(Frozen):
    """The request that is meant."""

    id: Id


class StartApproved(StartWanted):
    """The attempt at what was approved."""

    id: Id


class FinishApproved(FinishWanted):
    """What came of it."""

    id: Id


class NoArguments(Frozen):
    """Nothing."""


@dataclass(frozen=True, slots=True)
class Told:
    """A tool's answer; `view` is the request that it is about, where it still waits for people."""

    structured: dict[str, JsonValue]
    view: RequestView | None = None
    is_error: bool = False


_Run = Callable[[Calls, Any], Awaitable[Told]]


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: its prompt is `mcp-NAME`, with dashes."""

    name: str
    title: str
    takes: type[Frozen]
    run: _Run
    only_reads: bool = False
    is_outcome: bool = True

    def description(self, may_ask: tuple[str, ...]) -> str:
        """Return its prompt, for a key that may ask these."""
        prompt = prompts.load(f"mcp-{self.name.replace('_', '-')}")
        return prompt.render({"may_ask": _listed(self, may_ask)} if prompt.inputs else {})

    async def call(self, calls: Calls, arguments: dict[str, Any]) -> Told:
        """Return its answer, or why there is none."""
        try:
            return await self.run(calls, self.takes.model_validate(arguments))
        except ValidationError as error:
            said = "; ".join(f"{'.'.join(map(str, one['loc']))[:200]}: {one['msg']}" for one in error.errors()[:5])
            return _refused("invalid", f"{said}. Correct that, and call it again.")
        except RefusedError as error:
            return _refused(error.kind or "unavailable", str(error), error.problem.get("difference"))


def _listed(tool: Tool, may_ask: tuple[str, ...]) -> str:
    listed = policies_in(may_ask) if tool.takes is RequestApproval else people_in(may_ask)
    return ", ".join(listed) or "nobody; your key lists none"


_REFUSED: dict[str, JsonValue] = {
    "error": {"type": "string", "description": "Nothing came of the call: the name of the problem."},
    "detail": {"type": "string", "description": "What happened, and what to do."},
    "difference": {"type": "array", "description": "What the key stands for, and what was sent now."},
}


def _refused(kind: str, said: str, difference: JsonValue = None) -> Told:
    told: dict[str, JsonValue] = {"error": kind, "detail": said}
    return Told(told | ({"difference": difference} if difference else {}), is_error=True)


async def _ask_human(calls: Calls, asked: AskHuman) -> Told:
    body = asked.model_dump(mode="json", exclude={"key"}, exclude_none=True, exclude_defaults=True)
    return await _waited(calls, await calls.opened(body, asked.key))


async def _request_approval(calls: Calls, asked: RequestApproval) -> Told:
    body = asked.model_dump(mode="json", exclude={"key"}, exclude_none=True, exclude_defaults=True)
    return await _waited(calls, await calls.opened(body, asked.key))


async def _await_answer(calls: Calls, asked: OfRequest) -> Told:
    return await _waited(calls, await calls.request(asked.id))


async def _waited(calls: Calls, view: RequestView) -> Told:
    return told_of(await calls.settled(view, is_open))


def told_of(view: RequestView) -> Told:
    """Return how a request stands as a tool's answer."""
    return Told(outcome_of(view).told(), view if is_open(view) else None)


async def _cancel_request(calls: Calls, asked: OfRequest) -> Told:
    taken_back = await calls.of_request(asked.id, "withdraw", {})  # maybe what is asked in its place by now
    return Told(outcome_of(await calls.request(str(taken_back["id"]))).told())


async def _start_approved(calls: Calls, asked: StartApproved) -> Told:
    started = await calls.of_request(asked.id, "start", _beside_id(asked))
    view = await calls.request(asked.id)
    remarks: list[JsonValue] = [one.model_dump(mode="json") for one in view.remarks]
    return Told(
        started | {"next": after_start(is_said="came_of" in started)} | ({"remarks": remarks} if remarks else {})
    )


async def _finish_approved(calls: Calls, asked: FinishApproved) -> Told:
    return Told(await calls.of_request(asked.id, "finish", _beside_id(asked)))


def _beside_id(asked: Frozen) -> dict[str, JsonValue]:
    return asked.model_dump(mode="json", exclude={"id"}, exclude_none=True)


async def _list_policies(calls: Calls, _: NoArguments) -> Told:
    return Told(await calls.get("/v1/policies"))


TOOLS = {
    tool.name: tool
    for tool in (
        Tool("ask_human", "Ask people", AskHuman, _ask_human),
        Tool("request_approval", "Ask for permission", RequestApproval, _request_approval),
        Tool("start_approved", "Begin what was approved", StartApproved, _start_approved, is_outcome=False),
        Tool("finish_approved", "Say what came of it", FinishApproved, _finish_approved, is_outcome=False),
        Tool("await_answer", "Wait for people", OfRequest, _await_answer, only_reads=True),
        Tool("cancel_request", "Take a question back", OfRequest, _cancel_request),
        Tool("list_policies", "Who decides what", NoArguments, _list_policies, only_reads=True, is_outcome=False),
    )
}


@cache
def takes(name: str) -> dict[str, Any]:
    """Return the JSON Schema of what a tool takes."""
    return _plain(TOOLS[name].takes.model_json_schema())


def takes_of(name: str, may_ask: tuple[str, ...]) -> dict[str, Any]:
    """Return that schema for a key that may ask these: the policies of the key are the only ones there are for it."""
    schema, policies = takes(name), policies_in(may_ask)
    properties = schema["properties"]
    if "policy" not in properties or not policies:
        return schema
    return {**schema, "properties": {**properties, "policy": {**properties["policy"], "enum": policies}}}


@cache
def gives() -> dict[str, Any]:
    """Return the JSON Schema of an outcome, or of why there is none.

    The TypeScript SDK holds errors against it as well, and shows none that does not fit:
    https://github.com/modelcontextprotocol/typescript-sdk/blob/1.32.2/src/client/index.ts
    """
    schema = Outcome.model_json_schema(mode="serialization")
    del schema["required"]
    either = [{"required": ["id", "decision", "next"]}, {"required": ["error", "detail"]}]
    return _plain(schema | {"properties": {**schema["properties"], **_REFUSED}, "anyOf": either})


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return it without titles, which repeat the names."""
    return cast("dict[str, Any]", _without_titles(schema))


def _without_titles(part: Any) -> Any:
    if isinstance(part, dict):
        told = cast("dict[str, Any]", part)
        return {key: _without_titles(one) for key, one in told.items() if not (key == "title" and isinstance(one, str))}
    return [_without_titles(one) for one in cast("list[Any]", part)] if isinstance(part, list) else part
