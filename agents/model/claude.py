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
from agents.model.hosted import ANTHROPIC, DETAIL_CHARS, Hosted, Json, Trouble, seconds
from agents.model.reply import Reply, offers, system_text
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

    _client: "AsyncAnthropic | None" = field(default=None, init=False, repr=False)

    def request(self, prompt: prompts.Prompt, agent: Agent, text: str) -> Json:
        """See `Hosted`."""
        from anthropic import transform_schema  # noqa: PLC0415

        system = system_text(prompt, agent)
        request: Json = {
            "model": self.model,
            "max_tokens": self.max_output_tokens,
            # Tools come before it, and both are the same for every step of every run: one cache entry.
            "system": [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
            "tools": [
                {
                    "name": offer.name,
                    "description": offer.description,
                    "input_schema": transform_schema(offer.schema),
                    "strict": True,
                }
                for offer in offers(agent)
            ],
            # Several models refuse a forced choice of tool; an answer without one is told so and tries again.
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
            "messages": [{"role": "user", "content": text}],
        }
        if self.effort:
            request["output_config"] = {"effort": self.effort}
        return request

    async def send(self, request: Json, context: Context) -> tuple[Reply | Trouble, str]:
        """See `Hosted`."""
        from anthropic import AnthropicError, APIConnectionError, APIStatusError, APITimeoutError  # noqa: PLC0415

        request, body = _with_marks(request, context) if self.cache else _without_marks(request), ""
        try:
            # The SDK's own limit is for each read: an answer that trickles in would never meet it.
            async with asyncio.timeout(self.timeout_s):
                messages: Any = self._connected().messages
                answer = await messages.with_raw_response.create(**request)
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
    return Trouble(kind, detail, seconds(error.response.headers.get("retry-after")), error.request_id or "")
