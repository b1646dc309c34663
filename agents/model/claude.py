"""The one place that talks to Claude, by `POST /v1/messages`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import prompts
from agents import Agent
from agents.context import Context
from agents.model.hosted import ANTHROPIC, Hosted, Json
from agents.model.reply import Offer, Reply, offers, system_text
from agents.model.schemas import CLAUDES_ROOM, as_json, fits, told_as_json
from agents.steps import Form

if TYPE_CHECKING:
    from anthropic import APIStatusError, AsyncAnthropic


@dataclass(slots=True)
class Claude(Hosted):
    """Steps chosen by a Claude model, or by another one whose server speaks as Anthropic's does."""

    maker: ClassVar[str] = ANTHROPIC
    host: ClassVar[str] = "api.anthropic.com"
    library: ClassVar[str] = "anthropic"
    any_error: ClassVar[str] = "AnthropicError"
    # Several models refuse a forced choice of tool; an answer without one is told so and tries again.
    usual: ClassVar[Form] = Form(strict=True)

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

    async def post(self, request: Json, context: Context) -> tuple[bytes, str]:
        """See `Hosted`."""
        request = _with_marks(request, context) if self.cache else _without_marks(request)
        # The SDK knows no such field any more; some servers that speak as Anthropic's does do.
        more = {name: value for name, value in request.items() if name == "temperature"}
        known = {name: value for name, value in request.items() if name not in more}
        answer = await self.connected().messages.with_raw_response.create(**known, extra_body=more or None)
        return await answer.read(), answer.headers.get("request-id", "")

    def reply_of(self, body: bytes | str) -> Reply:
        """See `Hosted`. A `Reply` is an answer of this API."""
        return Reply.model_validate_json(body)

    def told(self, error: "APIStatusError") -> tuple[list[str], str]:
        """See `Hosted`."""
        message = error.api_message if isinstance(error.api_message, str) else ""
        return [str(error.type)] if error.type else [], message

    def client(self) -> "AsyncAnthropic":
        """See `Hosted`."""
        from anthropic import AsyncAnthropic  # noqa: PLC0415

        from agents.model.bounded import Bounded  # noqa: PLC0415

        # Nor does it trace: its spans may hold what was sent, and a header would name the trace to the server.
        return AsyncAnthropic(
            api_key=self.api_key,
            base_url=self.base_url,
            timeout=self.timeout_s,
            max_retries=0,
            http_client=Bounded(),
            open_telemetry={"traces": False, "propagation": False},
        )


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
