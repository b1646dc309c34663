"""The one place that talks to OpenAI-compatible servers, by `POST /v1/chat/completions`.

They are OpenAI, Azure, vLLM, Ollama, llama.cpp, LiteLLM and more: https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic_core import from_json as read_json

import prompts
from agents import Agent
from agents.context import Context
from agents.model.hosted import Hosted, Json, host_of, is_this_machine
from agents.model.reply import Block, Offer, Reply, StopDetails, Usage, offers, system_text
from agents.model.schemas import as_json, closed, plain, told_as_json, without_nulls
from agents.steps import Form
from agents.text import secrets_of

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

_AZURE_HOSTS = (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com")
# The library wants a key also where the server wants none.
_NO_KEY = "none"
# The names of the Messages API for why an answer ended, which `reply.read` knows.
_STOPS = {"tool_calls": "tool_use", "length": "max_tokens", "content_filter": "refusal", "stop": "end_turn"}


class _Wire(BaseModel):
    """A part of the answer; fields that we do not know are no mistake, and servers leave out what they please."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Function(_Wire):
    name: str
    arguments: JsonValue = None


class _Call(_Wire):
    function: _Function


class _Message(_Wire):
    content: JsonValue = None
    refusal: str | None = None
    tool_calls: tuple[_Call, ...] | None = None


class _Choice(_Wire):
    message: _Message
    finish_reason: str | None = None


_Tokens = Annotated[int, Field(ge=0, le=1_000_000_000)]


class _Cached(_Wire):
    cached_tokens: _Tokens | None = None


class _Usage(_Wire):
    prompt_tokens: _Tokens = 0
    completion_tokens: _Tokens | None = None
    prompt_tokens_details: _Cached | None = None


class _Completion(_Wire):
    model: str | None = None
    choices: Annotated[tuple[_Choice, ...], Field(min_length=1)]
    usage: _Usage | None = None


@dataclass(slots=True)
class OpenAI(Hosted):
    """Steps chosen by a model of an OpenAI-compatible server. It may want no key.

    `headers` go with every request. With an `api_version` the server is an Azure resource, asked as its dated API wants
    to be: there `model` is the name of a deployment.
    """

    maker: ClassVar[str] = "openai"
    host: ClassVar[str] = "api.openai.com"
    library: ClassVar[str] = "openai"
    any_error: ClassVar[str] = "OpenAIError"
    # Only some servers know strict schemas, and nearly all a step that must be a call.
    usual: ClassVar[Form] = Form(strict=False, tool_choice="any")

    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    api_version: str = ""

    @property
    def is_free(self) -> bool:
        """Whether the server is on this machine."""
        return is_this_machine(self.base_url)

    @property
    def secrets(self) -> tuple[str, ...]:
        """See `Hosted`. What a header says may be a key of its own."""
        return secrets_of(self.api_key, self.base_url, self.headers.values())

    def request(self, prompt: prompts.Prompt, agent: Agent, text: str, form: Form) -> Json:
        """See `Hosted`."""
        system, request = system_text(prompt, agent), Json()
        offered, is_strict = self.fitting(agent, form)
        shaped = closed if is_strict else plain
        if form.step_as == "json":
            system += f"\n\n{told_as_json(offered)}"
            schema = {"name": "step", "schema": shaped(as_json(offered)), "strict": is_strict}
            request["response_format"] = {"type": "json_schema", "json_schema": schema}
        else:
            request["tools"] = [_tool(offer, shaped(offer.schema), is_strict=is_strict) for offer in offered]
            request["tool_choice"] = "required" if form.tool_choice == "any" else "auto"
            if form.tool_choice == "any":
                request["parallel_tool_calls"] = False
        optional = {"reasoning_effort": self.effort or None, "temperature": form.temperature}
        request |= {name: value for name, value in optional.items() if value is not None}
        # What is the same for every step of every run comes first: servers keep what requests begin with.
        messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
        return request | {"model": self.model, "max_tokens": self.max_output_tokens, "messages": messages}

    def understood(self, agent: Agent, reply: Reply, form: Form) -> Reply:
        """See `Hosted`. A strict schema has a null for what is left out."""
        reply = super(OpenAI, self).understood(agent, reply, form)
        if not form.strict:
            return reply
        schemas = {offer.name: offer.schema for offer in offers(agent)}
        blocks = tuple(
            block.model_copy(update={"input": without_nulls(block.input, schemas.get(block.name, {}))})
            for block in reply.content
        )
        return reply.model_copy(update={"content": blocks})

    async def post(self, request: Json, context: Context) -> tuple[bytes, str]:
        """See `Hosted`. The message is sent in one piece: servers find themselves what they have kept of it."""
        completions = self.connected().chat.completions
        answer = await completions.with_raw_response.create(**self.as_sent(request))
        return answer.content, answer.headers.get("x-request-id", "")

    def reply_of(self, body: bytes | str) -> Reply:
        """See `Hosted`. Of several choices the first one counts; we ask for one."""
        found = _Completion.model_validate_json(body)
        choice, usage = found.choices[0], found.usage or _Usage()
        uses = tuple(
            Block(type="tool_use", name=call.function.name, input=_arguments(call.function.arguments))
            for call in choice.message.tool_calls or ()
        )
        stop = _STOPS.get(choice.finish_reason or "", choice.finish_reason)
        if choice.message.refusal:
            stop = "refusal"
        elif uses and stop == "end_turn":
            stop = "tool_use"  # several servers end a call so, and OpenAI where a tool was asked for
        cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else None
        said = choice.message.content
        text = (Block(type="text", text=said),) if isinstance(said, str) and said else ()
        return Reply(
            type="message",
            model=found.model or self.model,
            content=(*text, *uses),
            stop_reason=stop,
            stop_details=StopDetails(explanation=choice.message.refusal) if choice.message.refusal else None,
            usage=Usage(
                input_tokens=max(0, usage.prompt_tokens - (cached or 0)),
                output_tokens=usage.completion_tokens or 0,
                cache_read_input_tokens=cached,
            ),
        )

    def told(self, error: "APIStatusError") -> tuple[list[str], str]:
        """See `Hosted`."""
        found: object = error.body
        body = cast("dict[str, object]", found) if isinstance(found, dict) else {}
        message = next((body[name] for name in ("message", "detail") if isinstance(body.get(name), str)), "")
        return [one for one in (error.code, body.get("type")) if isinstance(one, str)], str(message)

    def as_sent(self, request: Json) -> Json:
        """`request` with the limit of an answer by the name that the server knows.

        OpenAI's newer models refuse the old name; some other servers know no other one, and would write on and on.
        """
        if self._host != self.host and not self._host.endswith(_AZURE_HOSTS):
            return request
        rest = {name: value for name, value in request.items() if name != "max_tokens"}
        return {**rest, "max_completion_tokens": request["max_tokens"]}

    @property
    def _host(self) -> str:
        return host_of(self.base_url) if self.base_url else self.host

    def client(self) -> "AsyncOpenAI":
        """See `Hosted`."""
        from openai import AsyncAzureOpenAI, AsyncOpenAI  # noqa: PLC0415

        from agents.model.bounded import Bounded  # noqa: PLC0415

        key, headers = self.api_key or _NO_KEY, self.headers
        if self.api_version:
            return AsyncAzureOpenAI(
                api_key=key,
                api_version=self.api_version,
                azure_endpoint=self.base_url or "",
                default_headers=headers,
                timeout=self.timeout_s,
                max_retries=0,
                http_client=Bounded(),
            )
        base_url = self.base_url or f"https://{self.host}/v1"
        return AsyncOpenAI(
            api_key=key,
            base_url=base_url,
            default_headers=headers,
            timeout=self.timeout_s,
            max_retries=0,
            http_client=Bounded(),
        )


def _tool(offer: Offer, schema: Json, *, is_strict: bool) -> Json:
    function: Json = {"name": offer.name, "description": offer.description, "parameters": schema}
    return {"type": "function", "function": function | ({"strict": True} if is_strict else {})}


def _arguments(written: JsonValue) -> JsonValue:
    """Return what a model filled in: it comes as text. What is no JSON stays text, and is no arguments to any tool.

    Nor is half a character JSON here: it could not be written down.
    """
    if not isinstance(written, str):
        return {} if written is None else written
    try:
        return cast("JsonValue", read_json(written)) if written.strip() else {}
    except ValueError:
        return written
