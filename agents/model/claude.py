"""The one place that talks to Claude, by `POST /v1/messages`."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import ValidationError

import prompts
from agents import Agent
from agents.context import Context
from agents.model.failures import kind_of
from agents.model.hosted import ANTHROPIC, DETAIL_CHARS, Hosted, Json, Trouble, is_about_form, seconds
from agents.model.reply import Offer, Reply, offers, system_text
from agents.model.schemas import CLAUDES_ROOM, as_json, fits, told_as_json
from agents.steps import Form
from agents.text import hidden

if TYPE_CHECKING:
    from anthropic import APIStatusError, AsyncAnthropic
    from anthropic.types import MessageParam

_HOST = "api.anthropic.com"
_ANYTHING: "list[MessageParam]" = [{"role": "user", "content": "."}]


@dataclass(slots=True)
class Claude(Hosted):
    """Steps chosen by a Claude model, or by another one whose server speaks as Anthropic's does."""

    maker: ClassVar[str] = ANTHROPIC
    library: ClassVar[str] = "anthropic"
    # Several models refuse a forced choice of tool; an answer without one is told so and tries again.
    usual: ClassVar[Form] = Form(strict=True)

    _client: "AsyncAnthropic | None" = field(default=None, init=False, repr=False)

    def request(self, prompt: prompts.Prompt, agent: Agent, text: str, form: Form) -> Json:
        """See `Hosted`."""
        system, config = system_text(prompt, agent), dict[str, Any]({"effort": self.effort} if self.effort else {})
        offered, is_strict = self.fitting(agent, form)
        request: Json = {
            "model": self.model,
            "max_tokens": self.max_output_tokens,
            "messages": [{"role": "user", "content": text}],
        }
        if form.step_as == "json":
            system += f"\n\n{told_as_json(offered)}"
            config["format"] = {"type": "json_schema", "schema": _transformed(as_json(offered))}
        else:
            request["tools"] = [_tool(offer, is_strict=is_strict) for offer in offered]
            request["tool_choice"] = {"type": form.tool_choice, "disable_parallel_tool_use": True}
        # Tools come before it, and both are the same for every step of every run: one cache entry.
        request["system"] = [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}]
        optional = {"output_config": config or None, "temperature": form.temperature}
        return request | {name: value for name, value in optional.items() if value is not None}

    def fitting(self, agent: Agent, form: Form) -> tuple[list[Offer], bool]:
        """See `Hosted`. How sure a model is, is asked only where there is room for it."""
        offered, is_strict = super(Claude, self).fitting(agent, form)
        for asks_confidence in (True, False) if is_strict else ():
            fewer = [*offers(agent, asks_confidence=asks_confidence)]
            if fits([offer.schema for offer in fewer], CLAUDES_ROOM):
                return fewer, True
        return offered, False

    async def send(self, request: Json, context: Context) -> tuple[Reply | Trouble, str]:
        """See `Hosted`."""
        from anthropic import AnthropicError, APIConnectionError, APIStatusError, APITimeoutError  # noqa: PLC0415

        request, body = _with_marks(request, context) if self.cache else _without_marks(request), ""
        # The SDK knows no such field any more; some servers that speak as Anthropic's does do.
        more = {name: value for name, value in request.items() if name == "temperature"}
        known = {name: value for name, value in request.items() if name not in more}
        try:
            # The SDK's own limit is for each read: an answer that trickles in would never meet it.
            async with asyncio.timeout(self.timeout_s):
                messages: Any = self._connected().messages
                answer = await messages.with_raw_response.create(**known, extra_body=more or None)
                raw = await answer.read()
                body = raw.decode(errors="replace")
                reply = self.reply_of(raw)
                return reply.model_copy(update={"request_id": answer.headers.get("request-id", "")}), body
        except (APITimeoutError, TimeoutError):
            return Trouble("timeout", f"no answer within {self.timeout_s:g} s"), body
        except APIConnectionError as error:
            return Trouble("connection", f"cannot reach the model: {type(error.__cause__).__name__}"), body
        except APIStatusError as error:
            return _refused(error), error.response.text
        except ValidationError as error:
            return Trouble("bad_body", f"the answer is not a message: {error.errors()[0]['msg']}"), body
        except (AnthropicError, ValueError, TypeError) as error:
            return Trouble("bad_body", f"the answer cannot be read: {type(error).__name__}"), body

    def reply_of(self, body: bytes | str) -> Reply:
        """See `Hosted`. A `Reply` is an answer of this API."""
        return Reply.model_validate_json(body)

    async def close(self) -> None:
        """See `Hosted`."""
        client, self._client = self._client, None
        if client:
            await client.close()

    async def trouble(self) -> str:
        """See `HostedModel`.

        Anthropic's own list of models is free and wants a valid key. Whatever stands in for it elsewhere may have no
        such list, or show it to anybody: there an answer of one token is asked for as well.
        """
        await asyncio.to_thread(import_module, self.library)
        from anthropic import AnthropicError, NotFoundError  # noqa: PLC0415

        client = self._connected()
        is_anthropics = urlsplit(str(client.base_url)).hostname == _HOST
        try:
            with suppress(*() if is_anthropics else (NotFoundError,)):
                await client.models.retrieve(self.model)
            if not is_anthropics:
                await client.messages.create(model=self.model, max_tokens=1, messages=_ANYTHING)
        except (AnthropicError, ValueError, TypeError) as error:
            return hidden(str(error), self.secrets, DETAIL_CHARS)
        return ""

    def _connected(self) -> "AsyncAnthropic":
        from anthropic import AsyncAnthropic  # noqa: PLC0415

        if self._client is None:
            # Retries are the run's own: durable, and seen by people. A hidden one would double the waiting.
            # Nor does it trace: its spans may hold what was sent, and a header would name the trace to the server.
            self._client = AsyncAnthropic(
                api_key=self.api_key,
                base_url=self.base_url,
                timeout=self.timeout_s,
                max_retries=0,
                open_telemetry={"traces": False, "propagation": False},
            )
        return self._client


def _tool(offer: Offer, *, is_strict: bool) -> Json:
    tool: Json = {"name": offer.name, "description": offer.description}
    return tool | (
        {"input_schema": _transformed(offer.schema), "strict": True} if is_strict else {"input_schema": offer.schema}
    )


def _transformed(schema: Json) -> Json:
    from anthropic import transform_schema  # noqa: PLC0415

    return transform_schema(schema)


def _with_marks(request: Json, context: Context) -> Json:
    """`request` with a second mark, after all that the next call of this run will begin with.

    An entry is found again where a block ends, up to 20 blocks before a mark:
    https://platform.claude.com/docs/en/build-with-claude/prompt-caching
    """
    blocks: list[Json] = [{"type": "text", "text": block} for block in context.blocks]
    blocks[context.stable - 1]["cache_control"] = {"type": "ephemeral"}
    return {**request, "messages": [{"role": "user", "content": blocks}]}


def _without_marks(request: Json) -> Json:
    return {**request, "system": "".join(block["text"] for block in request["system"])}


def _refused(error: "APIStatusError") -> Trouble:
    message = error.api_message if isinstance(error.api_message, str) else ""
    kind = kind_of(error.status_code, [str(error.type or "")], message)
    detail = f"{error.status_code} {error.type or ''}: {message or 'no reason given'}"
    return Trouble(
        kind,
        detail,
        seconds(error.response.headers.get("retry-after")),
        error.request_id or "",
        is_about_form(error.status_code, kind, message),
    )
